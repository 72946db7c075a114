//! The target `vault:ADDRESS/MOUNT/PATH#KEY`: one key of a secret in HashiCorp Vault's or OpenBao's KV version 2.
//!
//! Written with check-and-set: a version that somebody else wrote meanwhile is never written over. The other keys of
//! the secret stay.

use super::client::{Client, Trust};
use super::traces::Traces;
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;
use zeroize::Zeroizing;

/// One key of a secret.
#[derive(Clone, Debug)]
pub(super) struct VaultTarget {
    client: Client,
    address: String,
    mount: String,
    path: String,
    key: String,
    token: Secret,
    namespace: Option<Secret>,
}

/// A secret at one moment.
struct Version {
    number: u64,
    data: Map<String, Value>,
}

#[derive(Deserialize)]
struct Envelope {
    data: Content,
}

#[derive(Deserialize)]
struct Content {
    data: Option<Map<String, Value>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

impl VaultTarget {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (place, key) = rest.rsplit_once('#').ok_or(Error::Target)?;
        let (scheme, after) = place.split_once("://").ok_or(Error::Target)?;
        let (host, path) = after.split_once('/').ok_or(Error::Target)?;
        let (mount, path) = path.split_once('/').ok_or(Error::Target)?;
        let safe = |text: &str| {
            let fine = |c: u8| c.is_ascii_alphanumeric() || b"-_./ ".contains(&c);
            !text.is_empty()
                && text.bytes().all(fine)
                && !text.split('/').any(|part| matches!(part, "" | "." | ".."))
        };
        if !safe(mount) || !safe(path) || key.is_empty() {
            return Err(Error::Target);
        }
        let address = format!("{scheme}://{host}");
        let authorities = around.file_named_by("VAULT_CACERT")?;
        let trust = Trust { authorities, ..Trust::default() };
        // Without the address: one that is refused may hold a password.
        let bad =
            |reason: &str| Error::Remote { place: format!("vault:{mount}/{path}"), what: reason.to_owned() };
        let client = Client::new(&address, &trust).map_err(bad)?;
        let from_env = ["VAULT_TOKEN", "BAO_TOKEN"].iter().find_map(|name| (around.env)(name));
        let token = from_env.or_else(|| around.file_in_home(".vault-token"));
        let token = token.ok_or(Error::NoCredential {
            place: address.clone(),
            wanted: "VAULT_TOKEN, BAO_TOKEN or the file ~/.vault-token",
        })?;
        Ok(Self {
            client,
            address,
            mount: mount.to_owned(),
            path: path.to_owned(),
            key: key.to_owned(),
            token,
            namespace: (around.env)("VAULT_NAMESPACE"),
        })
    }

    fn ask(&self, method: &str, body: Option<&Value>) -> Result<super::client::Answer, Error> {
        let body = body.map(|body| Zeroizing::new(serde_json::to_vec(body).expect("plain data")));
        let mut headers = vec![("x-vault-token", self.token.expose()), ("x-vault-request", b"true")];
        headers.extend(self.namespace.iter().map(|name| ("x-vault-namespace", name.expose())));
        let path = format!("/v1/{}/data/{}", self.mount, self.path.replace(' ', "%20"));
        let answer = self.client.call(method, &path, &headers, body.as_ref().map(|body| &body[..]));
        answer.map_err(|what| self.failed(&what))
    }

    fn failed(&self, what: &str) -> Error {
        Error::Remote { place: self.to_string(), what: what.to_owned() }
    }

    fn current(&self) -> Result<Version, Error> {
        let answer = self.ask("GET", None)?;
        match answer.status {
            200 => {
                let envelope: Envelope =
                    answer.json().map_err(|what| self.failed(&format!("{what}; is it KV version 2?")))?;
                let data = envelope.data.data.ok_or_else(|| self.failed("its newest version is deleted"))?;
                Ok(Version { number: envelope.data.metadata.version, data })
            }
            403 => Err(self.failed("the token may not read it (403)")),
            404 => Err(self.failed("there is no such secret (404); the mount must be KV version 2")),
            status => Err(self.failed(&format!("it answered {status} to a read"))),
        }
    }

    fn put(&self, data: &Map<String, Value>, on: u64) -> Result<(), Error> {
        let answer = self.ask("POST", Some(&json!({"options": {"cas": on}, "data": data})))?;
        match answer.status {
            200 | 204 => Ok(()),
            400 if answer.body.windows(13).any(|part| part == b"check-and-set") => {
                Err(Error::ChangedMeanwhile(self.to_string()))
            }
            403 => Err(self.failed("the token may not write it (403)")),
            status => Err(self.failed(&format!("it answered {status} to a write"))),
        }
    }

    fn held(&self, old: Version) -> Result<Box<dyn Held>, Error> {
        let value = old.data.get(&self.key).ok_or_else(|| self.failed("it has no such key"))?;
        let value = value.as_str().ok_or_else(|| self.failed("the value is no string"))?;
        let value = Secret::from(value.to_owned());
        let others = old.data.iter().filter(|(key, _)| **key != self.key);
        let traces = Traces::of(std::slice::from_ref(&value));
        let leftovers = others
            .filter(|(_, other)| traces.are_in(&other.to_string()))
            .map(|(key, _)| (key.clone(), 0))
            .collect();
        let mut facts = Facts {
            place: self.to_string(),
            part: format!("version {}", old.number),
            count: 1,
            leftovers,
            old: vec![value],
            ..Facts::default()
        };
        facts.warnings.extend(self.client.warning());
        facts.risks.push(format!(
            "Earlier versions of {}/{}, {} and older, still hold the old value: `vault kv destroy -mount={0} -versions={2} {1}` removes one for good.",
            self.mount, self.path, old.number
        ));
        Ok(Box::new(HeldVault { target: self.clone(), old, facts }))
    }
}

impl fmt::Display for VaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault:{}/{}/{}#{}", self.address, self.mount, self.path, self.key)
    }
}

impl Place for VaultTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        self.held(self.current()?)
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let bad = || self.failed("what it held cannot be read from the sealed file");
        let (number, data) = sealed.split_first_chunk::<8>().ok_or_else(bad)?;
        let data = serde_json::from_slice(data).map_err(|_| bad())?;
        self.held(Version { number: u64::from_le_bytes(*number), data })
    }

    fn variable(&self) -> &str {
        &self.key
    }

    fn whole(&self) -> Option<String> {
        Some(format!("vault:{}/{}/{}", self.address, self.mount, self.path))
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}

struct HeldVault {
    target: VaultTarget,
    old: Version,
    facts: Facts,
}

impl fmt::Debug for HeldVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl HeldVault {
    fn with(&self, new: &Secret) -> Map<String, Value> {
        let mut data = self.old.data.clone();
        data.insert(self.target.key.clone(), Value::from(String::from_utf8_lossy(new.expose())));
        data
    }

    fn now(&self, new: &Secret) -> Result<(State, u64), Error> {
        let now = self.target.current()?;
        Ok((State::of(&now.data, &self.old.data, &self.with(new)), now.number))
    }
}

impl Held for HeldVault {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        self.now(new).map(|(state, _)| state)
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        match self.now(new)? {
            (State::New, _) => Ok(()),
            (State::Old, version) => self.target.put(&self.with(new), version),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        match self.now(new)? {
            (State::Old, _) => Ok(()),
            (State::New, version) => self.target.put(&self.old.data, version),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.state(new)? == State::New))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let data = Zeroizing::new(serde_json::to_vec(&self.old.data).expect("plain data"));
        Zeroizing::new([&self.old.number.to_le_bytes()[..], &data].concat())
    }
}
