//! The servers behind an address: one, the primary that Sentinel names, or every primary of a cluster.
//!
//! Each has a connection of its own, since keys are listed server by server. The driver gets no password: AUTH is
//! sent here, so that the server's refusal can be told from others.

use super::answer;
use crate::secret::Secret;
use crate::session::store::within;
use crate::session::url::{Hosts, RedisAddress};
use crate::session::{Cause, Error};
use crate::session::{Limits, Options};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, IntoConnectionInfo as _, Pipeline,
    RedisConnectionInfo, TlsCertificates, Value, cmd,
};
use std::path::Path;

/// What it takes to connect.
pub(super) struct Opener {
    pub(super) at: RedisAddress,
    pub(super) url: String,
    pub(super) limits: Limits,
    password: Option<Secret>,
    certificates: Option<TlsCertificates>,
}

/// A primary, and the slots of a cluster that it has.
#[derive(Clone)]
pub(super) struct Node {
    connection: MultiplexedConnection,
    slots: Vec<(u16, u16)>,
}

/// All primaries of one store.
#[derive(Clone)]
pub(super) struct Servers {
    pub(super) nodes: Vec<Node>,
    pub(super) is_cluster: bool,
}

impl Opener {
    pub(super) fn new(at: &RedisAddress, url: String, options: &Options) -> Result<Self, Error> {
        let password = options.password.as_ref().or(at.password.as_ref()).cloned();
        let certificates = if at.tls { Some(certificates(at)?) } else { None };
        Ok(Self { at: at.clone(), url, limits: options.limits, password, certificates })
    }

    /// Connects to every primary.
    pub(super) async fn open(&self) -> Result<Servers, Error> {
        within(self.limits.connect, "connecting to the store", self.connect()).await
    }

    async fn connect(&self) -> Result<Servers, Error> {
        let first = match &self.at.hosts {
            Hosts::Socket(path) => self.node(ConnectionAddr::Unix(path.clone()), true).await?,
            Hosts::Servers(hosts) => self.first_of(hosts).await?,
            Hosts::Sentinels(hosts, service) => {
                let (host, port) = self.primary(hosts, service).await?;
                self.node(self.network(&host, port), true).await?
            }
        };
        self.cluster(first).await
    }

    /// The first of several servers that answers.
    async fn first_of(&self, hosts: &[(String, u16)]) -> Result<Node, Error> {
        let mut failed = None;
        for (host, port) in hosts {
            match self.node(self.network(host, *port), true).await {
                Ok(node) => return Ok(node),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(|| self.refused(None, "it names no host".to_owned())))
    }

    /// Asks the sentinels in turn for the primary.
    async fn primary(&self, hosts: &[(String, u16)], service: &str) -> Result<(String, u16), Error> {
        let mut failed = None;
        for (host, port) in hosts {
            let mut sentinel = match self.node(self.network(host, *port), false).await {
                Ok(node) => node,
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            let mut ask = cmd("SENTINEL");
            ask.arg("get-master-addr-by-name").arg(service);
            if let Value::Array(found) = sentinel.ask("asking Sentinel for the primary", &ask).await?
                && let [Value::BulkString(host), Value::BulkString(port)] = &found[..]
                && let (Ok(host), Ok(port)) = (std::str::from_utf8(host), std::str::from_utf8(port))
                && let Ok(port) = port.parse()
            {
                return Ok((host.to_owned(), port));
            }
        }
        let unknown = || self.refused(None, format!("Sentinel knows no service {service}"));
        Err(failed.unwrap_or_else(unknown))
    }

    /// Adds the other primaries when the server is a node of a cluster.
    async fn cluster(&self, mut first: Node) -> Result<Servers, Error> {
        let doing = "asking the server what it is";
        // Whoever may not ask is on no cluster that this account could be used with.
        let info = first.text(doing, cmd("INFO").arg("cluster")).await.unwrap_or_default();
        if !info.contains("cluster_enabled:1") {
            return Ok(Servers { nodes: vec![first], is_cluster: false });
        }
        let Value::Array(slots) = first.ask(doing, cmd("CLUSTER").arg("SLOTS")).await? else {
            return Err(answer::nonsense(doing));
        };
        let mut nodes: Vec<(String, u16, Node)> = Vec::new();
        let own = |host: String| if host.is_empty() { self.own_host() } else { host };
        for range in &slots {
            let (from, to, host, port) = answer::slot_range(range).ok_or_else(|| answer::nonsense(doing))?;
            let host = own(host);
            match nodes.iter_mut().find(|(known, at, _)| *known == host && *at == port) {
                Some((_, _, node)) => node.slots.push((from, to)),
                None => {
                    let mut node = self.node(self.network(&host, port), true).await?;
                    node.slots.push((from, to));
                    nodes.push((host, port, node));
                }
            }
        }
        let covered: u32 = nodes
            .iter()
            .flat_map(|(_, _, node)| &node.slots)
            .map(|(from, to)| u32::from(*to) + 1 - u32::from(*from))
            .sum();
        if covered != 16384 {
            let message = "a part of the cluster's slots has no primary, so not every session can be seen";
            return Err(Error::Database {
                doing,
                cause: Cause::new(Some("CLUSTERDOWN"), message.to_owned()),
            });
        }
        Ok(Servers { nodes: nodes.into_iter().map(|(_, _, node)| node).collect(), is_cluster: true })
    }

    /// The host that the address named, for a cluster that does not know its own.
    fn own_host(&self) -> String {
        match &self.at.hosts {
            Hosts::Servers(hosts) | Hosts::Sentinels(hosts, _) => hosts.first().map(|(host, _)| host.clone()),
            Hosts::Socket(_) => None,
        }
        .unwrap_or_else(|| "localhost".to_owned())
    }

    fn network(&self, host: &str, port: u16) -> ConnectionAddr {
        let host = host.to_owned();
        if self.at.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    }

    /// Connects to one server and logs in, which sentinels are not asked for.
    async fn node(&self, at: ConnectionAddr, login: bool) -> Result<Node, Error> {
        let failed = |error: redis::RedisError| self.refused(None, answer::network(&error));
        let info = at.into_connection_info().map_err(failed)?;
        let info = info.set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name());
        let client = match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
            None => Client::open(info),
        };
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = client.map_err(failed)?;
        let connection =
            client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)?;
        let mut node = Node { connection, slots: Vec::new() };
        if login {
            self.log_in(&mut node).await?;
        }
        Ok(node)
    }

    async fn log_in(&self, node: &mut Node) -> Result<(), Error> {
        let mut steps = Vec::new();
        if let Some(password) = &self.password {
            let mut auth = cmd("AUTH");
            if let Some(user) = &self.at.user {
                auth.arg(user);
            }
            auth.arg(password.expose());
            steps.push(auth);
        }
        let mut select = cmd("SELECT");
        select.arg(self.at.database);
        steps.push(if self.at.database == 0 { cmd("PING") } else { select });
        for step in steps {
            let answer = node.connection.send_packed_command(&step).await;
            let answer = answer.map_err(|error| self.refused(None, answer::network(&error)))?;
            if let Value::ServerError(error) = answer {
                let (code, message) = answer::login(&error);
                return Err(self.refused(Some(code), message.to_owned()));
            }
        }
        Ok(())
    }

    fn refused(&self, code: Option<&str>, message: String) -> Error {
        Error::Connect {
            url: self.url.clone(),
            password_given: self.password.is_some(),
            cause: Cause::new(code, message),
        }
    }
}

impl Servers {
    /// The node that a key belongs to.
    pub(super) fn of(&self, key: &[u8]) -> usize {
        if !self.is_cluster {
            return 0;
        }
        let slot = slot(key);
        let has = |node: &Node| node.slots.iter().any(|(from, to)| (*from..=*to).contains(&slot));
        self.nodes.iter().position(has).unwrap_or_default()
    }
}

impl Node {
    /// One command; a refusal is an error.
    pub(super) async fn ask(&mut self, doing: &'static str, command: &Cmd) -> Result<Value, Error> {
        let answer = self.connection.send_packed_command(command).await;
        match answer.map_err(|error| answer::lost(doing, &error))? {
            Value::ServerError(error) => Err(answer::refused(doing, &error)),
            value => Ok(value),
        }
    }

    /// One command that answers with text.
    pub(super) async fn text(&mut self, doing: &'static str, command: &Cmd) -> Result<String, Error> {
        match self.ask(doing, command).await? {
            Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text),
            _ => Err(answer::nonsense(doing)),
        }
    }

    /// Many commands at once; a refusal is among the answers, which are as many as the commands.
    pub(super) async fn ask_all(
        &mut self,
        doing: &'static str,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, Error> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.connection.send_packed_commands(commands, 0, commands.len()).await;
        let answers = answers.map_err(|error| answer::lost(doing, &error))?;
        if answers.len() == commands.len() { Ok(answers) } else { Err(answer::nonsense(doing)) }
    }

    /// The server's clock in Unix milliseconds.
    pub(super) async fn now(&mut self, doing: &'static str) -> Result<i64, Error> {
        let time = self.ask(doing, &cmd("TIME")).await?;
        answer::time(&time).map(|micros| micros / 1000).ok_or_else(|| answer::nonsense(doing))
    }
}

fn certificates(at: &RedisAddress) -> Result<TlsCertificates, Error> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|cause| Error::Io { doing: "read", path: path.to_owned(), cause })
    };
    let client_tls = match (&at.cert, &at.key) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? }),
        (None, None) => None,
        _ => return Err(Error::Url("ssl_certfile and ssl_keyfile belong together".to_owned())),
    };
    Ok(TlsCertificates { client_tls, root_cert: at.root_cert.as_deref().map(read).transpose()? })
}

/// The slot of a key: CRC-16 (XMODEM) of it, or of what stands between its first braces, modulo 16384.
fn slot(key: &[u8]) -> u16 {
    let tagged = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|&byte| byte == b'}').filter(|&close| close > 0)?;
        Some(&rest[..close])
    });
    let crc = tagged.unwrap_or(key).iter().fold(0_u16, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::slot;

    /// The check value of CRC-16/XMODEM, and keys that must share a slot.
    #[test]
    fn slots_are_those_of_the_cluster() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"{user1000}.a"), slot(b"user1000"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
    }
}
