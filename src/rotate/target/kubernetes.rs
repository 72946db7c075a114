//! The target `kubernetes:NAMESPACE/SECRET#KEY`: one key of a Secret, through the cluster's own interface.
//!
//! The change carries the version that was read, so that one which somebody else made meanwhile is never written over.

use super::client::Answer;
use super::cluster::{Api, DRY_RUN, is_name};
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// A key of a Secret in a cluster.
#[derive(Clone, Debug)]
pub(super) struct KubernetesTarget {
    api: Api,
    namespace: String,
    name: String,
    key: String,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, Zeroized>,
    #[serde(default)]
    immutable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    #[serde(default)]
    annotations: BTreeMap<String, Zeroized>,
}

/// Text that is wiped.
struct Zeroized(Zeroizing<String>);

impl<'de> Deserialize<'de> for Zeroized {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

impl KubernetesTarget {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (place, key) = rest.rsplit_once('#').ok_or(Error::Target)?;
        let (namespace, name) = place.split_once('/').ok_or(Error::Target)?;
        let is_key = key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_'));
        if !is_name(namespace) || !is_name(name) || key.is_empty() || !is_key {
            return Err(Error::Target);
        }
        let api = Api::find(around, &format!("kubernetes:{rest}"))?;
        let text = |text: &str| text.to_owned();
        Ok(Self { api, namespace: text(namespace), name: text(name), key: text(key) })
    }

    fn failed(&self, what: &str) -> Error {
        Error::Remote { place: self.to_string(), what: what.to_owned() }
    }

    fn ask(&self, method: &str, query: &str, kind: &[u8], body: Option<&Value>) -> Result<Answer, Error> {
        let path = format!("/api/v1/namespaces/{}/secrets/{}{query}", self.namespace, self.name);
        self.api.ask(method, &path, kind, body).map_err(|what| self.failed(&what))
    }

    fn current(&self) -> Result<(Object, Secret), Error> {
        let answer = self.ask("GET", "", b"application/json", None)?;
        let object: Object = match answer.status {
            200 => answer.json().map_err(|what| self.failed(&what))?,
            401 | 403 => {
                return Err(self.failed(&format!("the cluster does not let you read it ({})", answer.status)));
            }
            404 => return Err(self.failed("there is no such Secret (404)")),
            status => return Err(self.failed(&format!("the cluster answered {status} to a read"))),
        };
        let value = object.data.get(&self.key).ok_or_else(|| self.failed("it has no such key"))?;
        let value =
            STANDARD.decode(value.0.as_bytes()).map_err(|_| self.failed("the value is not in base64"))?;
        Ok((object, Secret::from(value)))
    }

    fn put(&self, value: &Secret, on: &Object) -> Result<(), Error> {
        self.patch(value, on, "")
    }

    /// `query` is that of a change which is only tried.
    fn patch(&self, value: &Secret, on: &Object, query: &str) -> Result<(), Error> {
        let encoded = STANDARD.encode(value.expose());
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": on.metadata.resource_version},
            {"op": "replace", "path": format!("/data/{}", self.key), "value": encoded},
        ]);
        let answer = self.ask("PATCH", query, b"application/json-patch+json", Some(&patch))?;
        match answer.status {
            200 => Ok(()),
            409 | 422 => Err(Error::ChangedMeanwhile(self.to_string())),
            401 | 403 => {
                Err(self.failed(&format!("the cluster does not let you change it ({})", answer.status)))
            }
            status => Err(self.failed(&format!("the cluster answered {status} to a change"))),
        }
    }

    fn held(&self, old: Secret) -> HeldSecret {
        let mut facts =
            Facts { place: self.to_string(), count: 1, old: vec![old.clone()], ..Facts::default() };
        facts.warnings.extend(self.api.warning());
        facts.warnings.push("Pods that have the Secret in their environment keep the old value until they are replaced: `--reload kubernetes:NAMESPACE/deployment/NAME` does that.".to_owned());
        facts.risks.push("Backups of etcd and what wrote the Secret (Helm, Argo CD, an operator) may hold the old value, and bring it back.".to_owned());
        HeldSecret { target: self.clone(), old, facts }
    }
}

impl fmt::Display for KubernetesTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubernetes:{}/{}#{}", self.namespace, self.name, self.key)
    }
}

impl Place for KubernetesTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        let (object, old) = self.current()?;
        if object.immutable {
            return Err(
                self.failed("it is immutable; make a Secret with another name and let the pods use that")
            );
        }
        // Who may read it need not be who may change it.
        self.patch(&old, &object, DRY_RUN)?;
        let mut held = self.held(old);
        let traces = super::traces::Traces::of(&held.facts.old);
        let others = object.data.iter().filter(|(key, _)| **key != self.key).map(|(key, value)| {
            (
                key.clone(),
                String::from_utf8(STANDARD.decode(value.0.as_bytes()).unwrap_or_default())
                    .unwrap_or_default(),
            )
        });
        let notes = object
            .metadata
            .annotations
            .iter()
            .map(|(key, value)| (format!("the annotation {key}"), value.0.to_string()));
        let places = others.chain(notes).filter(|(_, text)| traces.are_in(text)).map(|(what, _)| (what, 0));
        held.facts.leftovers = places.collect();
        Ok(Box::new(held))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        Ok(Box::new(self.held(Secret::from(sealed))))
    }

    fn variable(&self) -> &str {
        &self.key
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.api.address().to_owned())
    }

    fn secrets(&self) -> Vec<Secret> {
        self.api.secrets()
    }
}

#[derive(Debug)]
struct HeldSecret {
    target: KubernetesTarget,
    old: Secret,
    facts: Facts,
}

impl Held for HeldSecret {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        let (_, now) = self.target.current()?;
        Ok(State::of(&now, &self.old, new))
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        let (object, now) = self.target.current()?;
        match State::of(&now, &self.old, new) {
            State::New => Ok(()),
            State::Old => self.target.put(new, &object),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        let (object, now) = self.target.current()?;
        match State::of(&now, &self.old, new) {
            State::Old => Ok(()),
            State::New => self.target.put(&self.old, &object),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.state(new)? == State::New))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.old.expose().to_vec())
    }
}
