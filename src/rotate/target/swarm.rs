//! The target `swarm:SECRET`: a secret of Docker Swarm, in every service that uses it.
//!
//! Such a secret is never changed and never shown: a new one is made beside it, the services change over to it under the
//! name that their containers know, and the old one, which is the way back, goes when the rotation has ended.

use super::docker::Engine;
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long the services may take to replace their tasks.
const LIMIT: Duration = Duration::from_mins(3);
/// How long a task that ends may go on holding a secret.
const ENDING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(250);
/// The label that tells whose value a secret holds: a hash of one that nobody can guess.
const LABEL: &str = "unleak.value";

/// A secret of a swarm.
#[derive(Clone, Debug)]
pub(super) struct SwarmTarget {
    engine: Engine,
    /// The name without the version that a rotation adds.
    base: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    #[serde(rename = "ID")]
    id: String,
    spec: StoredSpec,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoredSpec {
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    version: Version,
    /// Sent back as it came: the interface replaces all of it.
    spec: Value,
    update_status: Option<Update>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    state: Option<String>,
    message: Option<String>,
}

/// What a service uses: kept sealed for the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Use {
    service: String,
    secret: String,
    name: String,
}

impl SwarmTarget {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if rest.is_empty() || rest.len() > 64 || !rest.bytes().all(fine) {
            return Err(Error::Target);
        }
        let engine = Engine::find(around)
            .map_err(|what| Error::Remote { place: format!("swarm:{rest}"), what: what.to_owned() })?;
        Ok(Self { engine, base: base(rest).to_owned() })
    }

    fn failed(&self, what: impl Into<String>) -> Error {
        Error::Remote { place: self.to_string(), what: what.into() }
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), Error> {
        self.engine.ask(method, path, body).map_err(|what| self.failed(what))
    }

    fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let (status, body) = self.ask("GET", path, None)?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| self.failed("an answer of another form")),
            503 => Err(self.failed("this machine is no manager of a swarm (503)")),
            status => Err(self.failed(format!("Docker answered {status} to a question"))),
        }
    }

    /// The secret's versions.
    fn versions(&self) -> Result<Vec<Stored>, Error> {
        let all: Vec<Stored> = self.get("/secrets")?;
        Ok(all.into_iter().filter(|one| base(&one.spec.name) == self.base).collect())
    }

    fn services(&self) -> Result<Vec<Service>, Error> {
        self.get("/services")
    }

    /// Which service uses which of them.
    fn uses(&self) -> Result<Vec<Use>, Error> {
        let versions = self.versions()?;
        let mut uses = Vec::new();
        for service in self.services()? {
            for secret in secrets(&service.spec) {
                let id = secret["SecretID"].as_str().unwrap_or_default();
                if let Some(stored) = versions.iter().find(|stored| stored.id == id) {
                    let (service, secret) = (service.id.clone(), id.to_owned());
                    uses.push(Use { service, secret, name: stored.spec.name.clone() });
                }
            }
        }
        uses.sort_by(|a, b| (&a.service, &a.secret).cmp(&(&b.service, &b.secret)));
        Ok(uses)
    }

    /// The version that holds this value, made where there is none.
    fn made(&self, new: &Secret) -> Result<Stored, Error> {
        let versions = self.versions()?;
        if let Some(stored) = versions.iter().find(|stored| holds(stored, new)) {
            return Ok(stored.clone());
        }
        let taken = |name: &String| versions.iter().any(|stored| stored.spec.name == *name);
        let name = (2..10_000_u32).map(|n| format!("{}.v{n}", self.base)).find(|name| !taken(name));
        let name = name.unwrap_or_else(|| self.base.clone());
        let data = Zeroizing::new(STANDARD.encode(new.expose()));
        let body = json!({"Name": name, "Labels": {LABEL: mark(new)}, "Data": data.as_str()});
        let (status, answer) = self.ask("POST", "/secrets/create", Some(&body))?;
        match status {
            201 => {}
            409 => return Err(Error::ChangedMeanwhile(self.to_string())),
            status => return Err(self.failed(format!("Docker answered {status} to a new secret"))),
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let id = answer["ID"].as_str().ok_or_else(|| self.failed("Docker gave the new secret no name"))?;
        let labels = Some(BTreeMap::from([(LABEL.to_owned(), mark(new))]));
        Ok(Stored { id: id.to_owned(), spec: StoredSpec { name, labels } })
    }

    /// Lets a service use another version wherever it uses one of these, and waits until all of its tasks do.
    fn change(&self, service: &str, from: &[&str], id: &str, name: &str) -> Result<(), Error> {
        let path = format!("/services/{service}");
        let mut now: Service = self.get(&path)?;
        let list = now.spec.pointer_mut("/TaskTemplate/ContainerSpec/Secrets").and_then(Value::as_array_mut);
        let mut changed = false;
        for secret in list.into_iter().flatten() {
            let used = secret["SecretID"].as_str().unwrap_or_default().to_owned();
            if from.contains(&used.as_str()) && used != id {
                // The file in the container keeps its name.
                secret["SecretID"] = Value::from(id);
                secret["SecretName"] = Value::from(name);
                changed = true;
            }
        }
        if changed {
            let path = format!("{path}/update?version={}", now.version.index);
            match self.ask("POST", &path, Some(&now.spec))?.0 {
                200 => {}
                status => {
                    return Err(self.failed(format!("Docker answered {status} to a change of a service")));
                }
            }
        }
        self.wait(service, id, changed)
    }

    /// How an earlier change ended does not matter where none was needed.
    fn wait(&self, service: &str, id: &str, changed: bool) -> Result<(), Error> {
        let end = Instant::now() + LIMIT;
        let filters = json!({"service": {service: true}, "desired-state": {"running": true}}).to_string();
        let filters = percent_encoding::utf8_percent_encode(&filters, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/tasks?filters={filters}");
        loop {
            let now: Service = self.get(&format!("/services/{service}"))?;
            let state = now.update_status.as_ref().and_then(|update| update.state.as_deref());
            if changed && matches!(state, Some(state) if state == "paused" || state.starts_with("rollback")) {
                let why = now.update_status.and_then(|update| update.message).unwrap_or_default();
                let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
                return Err(self.failed(format!("a service could not replace its tasks: {why}")));
            }
            let tasks: Vec<Value> = self.get(&path)?;
            let wanted = now.spec.pointer("/Mode/Replicated/Replicas").and_then(Value::as_u64).unwrap_or(0);
            let new = tasks.iter().filter(|task| is_new(task, id)).count();
            if new == tasks.len() && new as u64 >= wanted && state != Some("updating") {
                return Ok(());
            }
            if Instant::now() >= end {
                let all = tasks.len();
                return Err(self.failed(format!("{new} of {all} tasks are new after {} s", LIMIT.as_secs())));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn held(&self, uses: Vec<Use>) -> Box<dyn Held> {
        let mut names: Vec<_> = uses.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut services: Vec<_> = uses.iter().map(|one| one.service.as_str()).collect();
        services.dedup();
        let mut facts = Facts {
            place: self.to_string(),
            part: format!("now {}, in {} services", names.join(" and "), services.len()),
            count: services.len(),
            ..Facts::default()
        };
        facts.warnings.push(format!(
            "The services of {self} replace their tasks when the new secret is written, before --reload and --health."
        ));
        facts.risks.push(format!(
            "Whether old tasks of {self} are kept as stopped containers, and what they hold, was not looked at."
        ));
        Box::new(HeldSwarm { target: self.clone(), uses, facts })
    }
}

/// The name without `.v2`.
fn base(name: &str) -> &str {
    match name.rsplit_once(".v") {
        Some((base, number)) if !base.is_empty() && number.parse::<u32>().is_ok_and(|n| n >= 2) => base,
        _ => name,
    }
}

fn mark(value: &Secret) -> String {
    hex::encode(Sha256::new().chain_update("unleak swarm ").chain_update(value.expose()).finalize())
}

fn holds(stored: &Stored, value: &Secret) -> bool {
    stored.spec.labels.as_ref().and_then(|labels| labels.get(LABEL)) == Some(&mark(value))
}

fn secrets(spec: &Value) -> impl Iterator<Item = &Value> {
    spec.pointer("/TaskTemplate/ContainerSpec/Secrets").and_then(Value::as_array).into_iter().flatten()
}

fn is_new(task: &Value, id: &str) -> bool {
    let list = task.pointer("/Spec/ContainerSpec/Secrets").and_then(Value::as_array).into_iter().flatten();
    task.pointer("/Status/State").and_then(Value::as_str) == Some("running")
        && list.into_iter().any(|secret| secret["SecretID"] == id)
}

impl fmt::Display for SwarmTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "swarm:{}", self.base)
    }
}

impl Place for SwarmTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        if self.versions()?.is_empty() {
            return Err(self.failed("there is no such secret"));
        }
        let uses = self.uses()?;
        if uses.is_empty() {
            return Err(self.failed("no service uses it"));
        }
        // Which of its files would get the new value could not be told, nor which version goes back where.
        if uses.windows(2).any(|two| two[0].service == two[1].service && two[0].secret != two[1].secret) {
            return Err(self.failed("a service uses two versions of it: let it use one"));
        }
        Ok(self.held(uses))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let uses = serde_json::from_slice(sealed);
        uses.map(|uses| self.held(uses)).map_err(|_| self.failed("what was sealed of it is damaged"))
    }

    fn variable(&self) -> &str {
        &self.base
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.engine.address())
    }

    fn whole(&self) -> Option<String> {
        Some(self.to_string())
    }
}

#[derive(Debug)]
struct HeldSwarm {
    target: SwarmTarget,
    uses: Vec<Use>,
    facts: Facts,
}

impl Held for HeldSwarm {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        let now = self.target.uses()?;
        if now == self.uses {
            return Ok(State::Old);
        }
        let versions = self.target.versions()?;
        let ours = versions.iter().find(|stored| holds(stored, new));
        let is_new = |one: &Use| ours.is_some_and(|stored| stored.id == one.secret);
        let is_old = |one: &Use| self.uses.contains(one);
        Ok(if !now.is_empty() && now.iter().all(is_new) {
            State::New
        } else if now.iter().all(|one| is_new(one) || is_old(one)) && !now.is_empty() {
            State::Unknown
        } else {
            State::Other
        })
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        if self.state(new)? == State::Other {
            return Err(Error::ChangedMeanwhile(self.facts.place.clone()));
        }
        let made = self.target.made(new)?;
        let from: Vec<_> = self.uses.iter().map(|one| one.secret.as_str()).collect();
        let mut services: Vec<_> = self.uses.iter().map(|one| &one.service).collect();
        services.dedup();
        services
            .into_iter()
            .try_for_each(|service| self.target.change(service, &from, &made.id, &made.spec.name))
    }

    /// The services change back, and the secret that was made goes.
    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        if self.state(new)? == State::Other {
            return Err(Error::ChangedMeanwhile(self.facts.place.clone()));
        }
        let versions = self.target.versions()?;
        let Some(made) = versions.iter().find(|stored| holds(stored, new)) else { return Ok(()) };
        for one in &self.uses {
            self.target.change(&one.service, &[&made.id], &one.secret, &one.name)?;
        }
        // A task that is just ending may still hold it.
        let end = Instant::now() + ENDING;
        loop {
            match self.target.ask("DELETE", &format!("/secrets/{}", made.id), None)?.0 {
                200 | 204 | 404 => return Ok(()),
                400 if Instant::now() < end => std::thread::sleep(PAUSE),
                status => {
                    let name = &made.spec.name;
                    let why = format!(
                        "the services use the old secret again, but Docker answered {status} to the removal of {name}: `docker secret rm {name}`"
                    );
                    return Err(self.target.failed(why));
                }
            }
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.state(new)? == State::New))
    }

    fn finish(&self, _new: &Secret) -> Result<Option<String>, Error> {
        let mut gone = Vec::new();
        let mut ids: Vec<_> = self.uses.iter().map(|one| (&one.secret, &one.name)).collect();
        ids.sort_unstable();
        ids.dedup();
        for (id, name) in ids {
            match self.target.ask("DELETE", &format!("/secrets/{id}"), None)?.0 {
                204 | 200 => gone.push(name.as_str()),
                404 => {}
                status => {
                    let why = format!(
                        "Docker answered {status} to the removal of {name}, which holds the old value: `docker secret rm {name}`"
                    );
                    return Err(self.target.failed(why));
                }
            }
        }
        Ok((!gone.is_empty()).then(|| format!("the old secret {} was removed", gone.join(" and "))))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&self.uses).expect("plain data"))
    }
}
