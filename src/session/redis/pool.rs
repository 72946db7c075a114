//! Redis behind a manager: one connection a server, which many questions share.
//!
//! A session is looked up by its key; those of one user cannot be, since nothing lists them.

use super::answer;
use super::keys::KeySpace;
use super::server::{Opener, Servers};
use super::{Content, Redis, within};
use crate::secret::Secret;
use crate::session::manager::{NewSession, Pooling, Session, user_in};
use crate::session::{Error, StoreKind, manager};
use jiff::{SignedDuration, Timestamp};
use redis::{Cmd, Value, cmd};
use tokio::sync::Mutex;

const READING: &str = "reading a session";
const CHANGING: &str = "changing a session";

/// The servers of one store, shared.
pub(in crate::session) struct RedisPool {
    opener: Opener,
    servers: Mutex<Option<Servers>>,
    space: KeySpace,
}

impl Redis {
    /// The same servers for many at once.
    pub(in crate::session) fn pooled(self, pooling: Pooling) -> RedisPool {
        let mut opener = self.opener;
        opener.limits.connect = opener.limits.connect.min(pooling.acquire);
        RedisPool { opener, servers: Mutex::new(self.servers), space: self.space }
    }
}

impl RedisPool {
    /// Whether the values say whose they are.
    pub(in crate::session) fn tells_users(&self) -> bool {
        self.space.form.content == Content::ExpressJson
    }

    /// The session with this id; none or one.
    pub(in crate::session) async fn get(
        &self,
        id: &Secret,
        path: Option<&str>,
    ) -> Result<Vec<Session>, Error> {
        let key = self.key(id);
        let is_text = self.space.form.content.is_text();
        let read = if is_text == Some(false) { cmd("EXISTS") } else { cmd("GET") };
        let payload = match self.ask(READING, &key, &read, &[]).await? {
            Value::Nil | Value::Int(0) => return Ok(Vec::new()),
            Value::BulkString(bytes) => Some(Secret::from(bytes)),
            _ => None,
        };
        let expires = match self.ask(READING, &key, &cmd("PTTL"), &[]).await? {
            Value::Int(-2) => return Ok(Vec::new()),
            Value::Int(millis) if millis >= 0 => {
                Timestamp::now().checked_add(SignedDuration::from_millis(millis)).ok()
            }
            _ => None,
        };
        let user = payload.as_ref().filter(|_| self.tells_users());
        let user = user.and_then(|payload| user_in(payload.expose(), path));
        Ok(vec![Session { token: id.clone(), user, expires, payload }])
    }

    /// Makes a session, which must have a payload and must not exist.
    pub(in crate::session) async fn create(&self, session: &NewSession) -> Result<(), Error> {
        let unsupported = |what| Err(manager::unsupported(what, StoreKind::Redis));
        let (Some(payload), None) = (&session.payload, &session.user) else {
            return unsupported("a session without a payload, or with a user beside it,");
        };
        if self.space.form.content.is_text() == Some(false) {
            return unsupported("making sessions that are hashes");
        }
        let ends = session.expires.as_millisecond().to_string();
        let values: [&[u8]; 4] = [payload.expose(), b"NX", b"PXAT", ends.as_bytes()];
        match self.ask("making a session", &self.key(&session.token), &cmd("SET"), &values).await? {
            Value::Nil => unsupported("a second session with one id"),
            _ => Ok(()),
        }
    }

    /// Lets a session end at another time.
    pub(in crate::session) async fn update(&self, id: &Secret, expires: Timestamp) -> Result<bool, Error> {
        let ends = expires.as_millisecond().to_string();
        let answer = self.ask(CHANGING, &self.key(id), &cmd("PEXPIREAT"), &[ends.as_bytes()]).await?;
        Ok(answer == Value::Int(1))
    }

    /// Ends a session.
    pub(in crate::session) async fn delete(&self, id: &Secret) -> Result<bool, Error> {
        Ok(self.ask("ending a session", &self.key(id), &cmd("UNLINK"), &[]).await? == Value::Int(1))
    }

    fn key(&self, id: &Secret) -> Secret {
        let mut key = Vec::with_capacity(self.space.prefix.len() + id.len());
        key.extend_from_slice(&self.space.prefix);
        key.extend_from_slice(id.expose());
        Secret::from(key)
    }

    /// One command about one key; on a broken connection once more on a new one.
    async fn ask(
        &self,
        doing: &'static str,
        key: &Secret,
        verb: &Cmd,
        values: &[&[u8]],
    ) -> Result<Value, Error> {
        let mut command = verb.clone();
        command.arg(key.expose());
        for value in values {
            command.arg(*value);
        }
        let answer = self.try_once(doing, key, &command).await;
        match answer {
            Err(error) if answer::is_lost(&error) => {
                *self.servers.lock().await = None;
                self.try_once(doing, key, &command).await
            }
            answer => answer,
        }
    }

    async fn try_once(&self, doing: &'static str, key: &Secret, command: &Cmd) -> Result<Value, Error> {
        let mut servers = {
            let mut shared = self.servers.lock().await;
            match &*shared {
                Some(servers) => servers.clone(),
                None => shared.insert(self.opener.open().await?).clone(),
            }
        };
        let at = servers.of(key.expose());
        within(self.opener.limits.statement, doing, servers.nodes[at].ask(doing, command)).await
    }
}
