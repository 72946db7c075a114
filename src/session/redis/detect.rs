//! Finds the prefix and the form of the sessions among the keys that are there, or checks those that were named.

use super::keys::{Extent, KeySpace, Tally, scan};
use super::server::Servers;
use crate::session::Options;
use crate::session::dialect::{Dialect, Part};
use crate::session::{Error, StoreKind};
use redis::cmd;

/// How many keys are looked at, how many of them are read a candidate, and how many candidates are kept.
const SAMPLE: u64 = 100_000;
const READ: usize = 40;
const CANDIDATES: usize = 1000;

const DOING: &str = "looking for sessions";

/// A prefix under which keys have the names of a dialect.
struct Candidate {
    dialect: &'static Dialect,
    space: KeySpace,
    /// Some of its keys, each with the server that has it.
    keys: Vec<(usize, Vec<u8>)>,
}

/// The sessions' prefix and dialect: as named, and detected where nothing was named.
pub(super) async fn choose(
    servers: &mut Servers,
    url: &str,
    options: &Options,
) -> Result<(KeySpace, &'static Dialect), Error> {
    let dialect = options.dialect.as_deref().map(named).transpose()?;
    let prefix = options.table.as_deref().map(|asked| asked.strip_suffix('*').unwrap_or(asked));
    if let Some(prefix) = prefix {
        check(prefix, dialect)?;
    }
    if let (Some(dialect), Some(prefix)) = (dialect, prefix) {
        return Ok((space(dialect, prefix.as_bytes())?, dialect));
    }
    let (mut found, looked_at, all) = candidates(servers, dialect, prefix).await?;
    for candidate in std::mem::take(&mut found) {
        let same = |known: &&mut Candidate| known.space.prefix == candidate.space.prefix;
        // The forms are in order: of two that fit one prefix, the first is the stricter one.
        if found.iter_mut().find(same).is_none() && candidate.has_sessions(servers).await? {
            found.push(candidate);
        }
    }
    match (found.len(), dialect) {
        (1, _) => {
            let found = found.swap_remove(0);
            Ok((found.space, found.dialect))
        }
        // An empty store is a store: with nothing to go by, the framework's own prefix it is.
        (0, Some(dialect)) => {
            let prefix = dialect.keys().map_or("", |keys| keys.prefix);
            check(prefix, Some(dialect))?;
            Ok((space(dialect, prefix.as_bytes())?, dialect))
        }
        (0, None) => Err(Error::NoSessionKeys { url: url.to_owned(), looked_at, all }),
        _ => Err(Error::Ambiguous {
            candidates: found
                .iter()
                .map(|found| {
                    format!("{}* ({})", String::from_utf8_lossy(&found.space.prefix), found.dialect.name)
                })
                .collect(),
        }),
    }
}

fn named(name: &str) -> Result<&'static Dialect, Error> {
    Dialect::named(name, StoreKind::Redis).ok_or_else(|| Error::UnknownDialect {
        name: name.to_owned(),
        kind: StoreKind::Redis,
        known: Dialect::of(StoreKind::Redis).map(|dialect| dialect.name).collect(),
    })
}

/// Refuses a prefix that would take in more than anybody means.
fn check(prefix: &str, dialect: Option<&Dialect>) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Prefix { prefix: prefix.to_owned(), reason });
    if prefix.is_empty() {
        return refuse("it is empty, which would match every key");
    }
    // Where neither name nor value tells sessions from other keys, the prefix alone has to.
    let by_prefix_alone = dialect.is_some_and(|dialect| dialect.name == "custom");
    if by_prefix_alone && prefix.ends_with(|c: char| c.is_alphanumeric()) {
        return refuse("it ends within a word, so it would match others that begin like it");
    }
    Ok(())
}

fn space(dialect: &'static Dialect, prefix: &[u8]) -> Result<KeySpace, Error> {
    let form = dialect.keys().ok_or_else(|| Error::UnknownDialect {
        name: dialect.name.to_owned(),
        kind: StoreKind::Redis,
        known: Vec::new(),
    })?;
    Ok(KeySpace { prefix: prefix.to_vec(), form })
}

/// The prefixes under which keys have the names of sessions; how many keys were looked at, and whether all were.
async fn candidates(
    servers: &mut Servers,
    dialect: Option<&'static Dialect>,
    prefix: Option<&str>,
) -> Result<(Vec<Candidate>, u64, bool), Error> {
    let pattern = prefix.map(|prefix| super::keys::pattern(prefix.as_bytes()));
    let (mut found, mut looked_at, mut all) = (Vec::new(), 0, true);
    for at in 0..servers.nodes.len() {
        let node = &mut servers.nodes[at];
        let mut cursor = Some("0".to_owned());
        while cursor.is_some() {
            if looked_at >= SAMPLE {
                all = false;
                break;
            }
            for name in scan(node, &mut cursor, pattern.as_deref(), DOING).await? {
                looked_at += 1;
                note(&mut found, at, &name, dialect, prefix);
            }
        }
    }
    found.sort_by_key(|candidate| {
        Dialect::of(StoreKind::Redis).position(|dialect| dialect.name == candidate.dialect.name)
    });
    Ok((found, looked_at, all))
}

fn note(
    found: &mut Vec<Candidate>,
    at: usize,
    name: &[u8],
    wanted: Option<&'static Dialect>,
    prefix: Option<&str>,
) {
    for dialect in Dialect::of(StoreKind::Redis) {
        if wanted.is_some_and(|wanted| wanted.name != dialect.name) {
            continue;
        }
        let Some(form) = dialect.keys() else { continue };
        let ends = form.endings.iter().find_map(|ending| match prefix {
            Some(prefix) => name.starts_with(prefix.as_bytes()).then_some(prefix.len()),
            None => ending_of(name, ending.as_bytes()),
        });
        let Some(ends) = ends else { continue };
        let (prefix, rest) = name.split_at(ends);
        let printable = std::str::from_utf8(prefix).is_ok_and(|text| !text.contains(char::is_control));
        if !printable || form.family.part(rest) != Part::Session {
            continue;
        }
        let same =
            |known: &&mut Candidate| known.space.prefix == prefix && known.dialect.name == dialect.name;
        let full = found.len() >= CANDIDATES;
        match found.iter_mut().find(same) {
            Some(known) if known.keys.len() >= READ => {}
            Some(known) => known.keys.push((at, name.to_vec())),
            None if full => {}
            None => {
                let space = KeySpace { prefix: prefix.to_vec(), form };
                found.push(Candidate { dialect, space, keys: vec![(at, name.to_vec())] });
            }
        }
    }
}

/// Where a prefix ends that ends like this, at the beginning of a word.
fn ending_of(name: &[u8], ending: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find_iter(name, ending)
        .find(|&at| at == 0 || !name[at - 1].is_ascii_alphanumeric())?;
    Some(at + ending.len())
}

impl Candidate {
    /// Whether any of its keys has the value of a session.
    async fn has_sessions(&self, servers: &mut Servers) -> Result<bool, Error> {
        let mut tally = Tally::default();
        for (at, node) in servers.nodes.iter_mut().enumerate() {
            let here = self.keys.iter().filter(|(node, _)| *node == at).map(|(_, name)| name.clone());
            self.space.sort(node, here.collect(), Extent::Head, &mut tally, DOING).await?;
        }
        Ok(tally.sessions > 0)
    }
}

/// Asks each server whether it takes writes, and whether this account may do on session keys what a purge does.
pub(super) async fn preflight(servers: &mut Servers, space: &KeySpace, url: &str) -> Result<(), Error> {
    let doing = "checking what this account may do";
    for node in &mut servers.nodes {
        // Whoever may not ask finds out by the attempt below.
        let info = node.text(doing, cmd("INFO").arg("replication")).await.unwrap_or_default();
        if info.lines().any(|line| line.trim() == "role:slave") {
            let reason = "it is a replica, and what is deleted there comes back".to_owned();
            return Err(Error::ReadOnly { url: url.to_owned(), reason });
        }
    }
    // Nobody has a key of this name, so deleting it changes nothing.
    let mut name = space.prefix.clone();
    name.extend_from_slice(random_name()?.as_bytes());
    let at = servers.of(&name);
    let node = &mut servers.nodes[at];
    let mut delete = cmd("EVAL");
    delete.arg("return redis.call('UNLINK', KEYS[1])").arg(1);
    let asked = ["GET", "DUMP", "PTTL", "EXISTS"].map(|word| cmd(word).arg(&name).clone());
    for command in asked.iter().chain([&*delete.arg(&name)]) {
        match node.ask(doing, command).await {
            Err(Error::Database { cause, .. }) if cause.code() == Some("READONLY") => {
                return Err(Error::ReadOnly { url: url.to_owned(), reason: cause.to_string() });
            }
            result => drop(result?),
        }
    }
    Ok(())
}

fn random_name() -> Result<String, Error> {
    use rand::TryRng as _;
    let mut bytes = [0; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|_| Error::Random)?;
    Ok(format!("unleak-checks-{}", hex::encode(bytes)))
}
