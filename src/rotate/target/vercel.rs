//! The target `vercel:PROJECT#KEY`: an environment variable of a Vercel project, wherever the project has it.
//!
//! One key may have an entry for each environment and branch; every one gets the new value.

use super::client::{Answer, Client, Trust};
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use zeroize::Zeroizing;

/// A variable of a project.
#[derive(Clone, Debug)]
pub(super) struct VercelTarget {
    client: Client,
    token: Secret,
    team: Option<String>,
    project: String,
    key: String,
}

#[derive(Deserialize)]
struct List {
    envs: Vec<Listed>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    /// What asks for the next page; nothing on the last one.
    #[serde(default)]
    next: Value,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    key: String,
    #[serde(rename = "type")]
    kind: String,
}

/// An entry of the key and what it holds; `None` where nobody can read it.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    id: String,
    value: Option<String>,
}

impl VercelTarget {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (project, key) = rest.rsplit_once('#').ok_or(Error::Target)?;
        let team = around
            .text("VERCEL_TEAM_ID")
            .or_else(|| around.text("VERCEL_ORG_ID").filter(|id| id.starts_with("team_")));
        if !is_name(project) || !is_name(key) || !team.as_deref().is_none_or(is_name) {
            return Err(Error::Target);
        }
        let missing = Error::NoCredential { place: format!("vercel:{project}"), wanted: "VERCEL_TOKEN" };
        let token = (around.env)("VERCEL_TOKEN").ok_or(missing)?;
        let base = around.text("VERCEL_API_URL").unwrap_or_else(|| "https://api.vercel.com".to_owned());
        // Without the address: one that is refused may hold a password.
        let bad = |what: &str| Error::Remote { place: format!("vercel:{project}"), what: what.to_owned() };
        let client = Client::new(&base, &Trust::default()).map_err(bad)?;
        Ok(Self { client, token, team, project: project.to_owned(), key: key.to_owned() })
    }

    fn failed(&self, what: &str) -> Error {
        Error::Remote { place: self.to_string(), what: what.to_owned() }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let body = body.map(|body| Zeroizing::new(serde_json::to_vec(body).expect("plain data")));
        let bearer = Zeroizing::new([b"Bearer ", self.token.expose()].concat());
        let headers: [(&str, &[u8]); 2] = [("content-type", b"application/json"), ("authorization", &bearer)];
        let team = self.team.as_ref().map_or_else(String::new, |team| format!("?teamId={team}"));
        let answer =
            self.client.call(method, &format!("{path}{team}"), &headers, body.as_ref().map(|body| &body[..]));
        let answer = answer.map_err(|what| self.failed(&what))?;
        match answer.status {
            200 => Ok(answer),
            401 | 403 => Err(self.failed(&format!("the token may not do that ({})", answer.status))),
            404 => Err(self.failed("there is no such project or variable (404)")),
            status => Err(self.failed(&format!("it answered {status}"))),
        }
    }

    fn value(&self, id: &str) -> Result<String, Error> {
        let answer = self.ask("GET", &format!("/v1/projects/{}/env/{id}", self.project), None)?;
        let value: Value = answer.json().map_err(|what| self.failed(&what))?;
        value["value"].as_str().map(str::to_owned).ok_or_else(|| self.failed("it does not show the value"))
    }

    fn current(&self) -> Result<Vec<Entry>, Error> {
        let answer = self.ask("GET", &format!("/v10/projects/{}/env", self.project), None)?;
        let list: List = answer.json().map_err(|what| self.failed(&what))?;
        if list.pagination.is_some_and(|pagination| !pagination.next.is_null()) {
            return Err(self.failed("its variables come on several pages, and every entry must be seen"));
        }
        let ours = list.envs.into_iter().filter(|entry| entry.key == self.key);
        let entries = ours.map(|entry| {
            if !is_name(&entry.id) {
                return Err(self.failed("an entry has an id that is none"));
            }
            let value = if entry.kind == "sensitive" { None } else { Some(self.value(&entry.id)?) };
            Ok(Entry { id: entry.id, value })
        });
        let mut entries = entries.collect::<Result<Vec<_>, Error>>()?;
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        if entries.is_empty() { Err(self.failed("the project has no such variable")) } else { Ok(entries) }
    }

    fn put(&self, id: &str, value: &str) -> Result<(), Error> {
        let path = format!("/v9/projects/{}/env/{id}", self.project);
        self.ask("PATCH", &path, Some(&json!({"value": value}))).map(|_| ())
    }

    fn held(&self, old: Vec<Entry>) -> Box<dyn Held> {
        let blind = old.iter().any(|entry| entry.value.is_none());
        let mut facts = Facts { place: self.to_string(), count: old.len(), blind, ..Facts::default() };
        for value in old.iter().filter_map(|entry| entry.value.clone()).map(Secret::from) {
            if !facts.old.contains(&value) {
                facts.old.push(value);
            }
        }
        facts.mixed = facts.old.len() > 1;
        if blind {
            facts.warnings.push(format!("{self} has an entry that cannot be read back."));
        }
        facts.warnings.extend(self.client.warning());
        facts.warnings.push(
            "A deployment keeps the value that it was built with: let --reload deploy again.".to_owned(),
        );
        facts.risks.push("Earlier deployments stay reachable at their own addresses and accept the old value until they are deleted.".to_owned());
        Box::new(HeldVercel { target: self.clone(), old, facts })
    }
}

/// Whether a text may stand in an address as it is.
fn is_name(text: &str) -> bool {
    let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    !text.is_empty() && text.bytes().all(fine) && !text.starts_with('.')
}

impl fmt::Display for VercelTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vercel:{}#{}", self.project, self.key)
    }
}

impl Place for VercelTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        Ok(self.held(self.current()?))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let bad = |_| self.failed("what it held cannot be read from the sealed file");
        Ok(self.held(serde_json::from_slice(sealed).map_err(bad)?))
    }

    fn variable(&self) -> &str {
        &self.key
    }

    fn endpoint(&self) -> Option<String> {
        let team = self.team.as_ref().map_or_else(String::new, |team| format!(" of {team}"));
        Some(format!("{}{team}", self.client.base()))
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}

struct HeldVercel {
    target: VercelTarget,
    old: Vec<Entry>,
    facts: Facts,
}

impl fmt::Debug for HeldVercel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl HeldVercel {
    /// What each entry holds now, in the order of the old ones; one that somebody added comes after them.
    fn states(&self, new: &Secret) -> Result<Vec<State>, Error> {
        let new = String::from_utf8_lossy(new.expose());
        let now = self.target.current()?;
        let state = |old: &Entry| {
            let Some(entry) = now.iter().find(|entry| entry.id == old.id) else { return State::Other };
            match (&entry.value, &old.value) {
                (Some(now), Some(old)) => State::of(&**now, &**old, &*new),
                (Some(now), None) if **now == *new => State::New,
                _ => State::Unknown,
            }
        };
        let added = now.iter().filter(|entry| self.old.iter().all(|old| old.id != entry.id));
        Ok(self.old.iter().map(state).chain(added.map(|_| State::Other)).collect())
    }

    fn changed(&self) -> Error {
        Error::ChangedMeanwhile(self.facts.place.clone())
    }
}

impl Held for HeldVercel {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Half of the entries may have the new value after a crash: that is neither old nor somebody else's.
    fn state(&self, new: &Secret) -> Result<State, Error> {
        let states = self.states(new)?;
        let all = |state| states.iter().all(|of| *of == state);
        Ok(if states.contains(&State::Other) {
            State::Other
        } else if all(State::Old) {
            State::Old
        } else if all(State::New) {
            State::New
        } else {
            State::Unknown
        })
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        let states = self.states(new)?;
        if states.contains(&State::Other) {
            return Err(self.changed());
        }
        let new = String::from_utf8_lossy(new.expose());
        let mut left = self.old.iter().zip(states).filter(|(_, state)| *state != State::New);
        left.try_for_each(|(entry, _)| self.target.put(&entry.id, &new))
    }

    /// One entry that cannot be put back does not keep the others from it.
    fn restore(&self, new: &Secret, elsewhere: Option<&Secret>) -> Result<(), Error> {
        let elsewhere = elsewhere.map(|old| String::from_utf8_lossy(old.expose()).into_owned());
        let states = self.states(new)?;
        let mut last = if states.len() == self.old.len() { Ok(()) } else { Err(self.changed()) };
        for (entry, state) in self.old.iter().zip(states) {
            let old = entry.value.as_ref().or(elsewhere.as_ref());
            let put = match (state, old) {
                (State::Old, _) => Ok(()),
                (State::Other, _) => Err(self.changed()),
                (State::New | State::Unknown, Some(old)) => self.target.put(&entry.id, old),
                (State::New | State::Unknown, None) => Err(Error::NoWayBack(self.facts.place.clone())),
            };
            last = put.and(last);
        }
        last
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        let states = self.states(new)?;
        if states.iter().any(|state| !matches!(state, State::New | State::Unknown)) {
            return Ok(Some(false));
        }
        Ok((!states.contains(&State::Unknown)).then_some(true))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&self.old).expect("plain data"))
    }
}
