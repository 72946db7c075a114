//! A rollout in a Kubernetes cluster: every pod is replaced, as `kubectl rollout restart` does it, and waited for.
//!
//! Only what replaces every pod by itself is accepted: a paused or partial rollout would leave old ones running.

use super::{bad_form, cannot};
use crate::rotate::target::Surroundings;
use crate::rotate::target::cluster::{Api, DRY_RUN, is_name};
use crate::rotate::{Error, Stop};
use crate::secret::Secret;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// What runs the application's pods.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    api: Api,
    namespace: String,
    kind: Kind,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

/// What is read of it; a field that the kind does not have is absent.
#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    generation: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    paused: bool,
    replicas: Option<i64>,
    update_strategy: Option<Strategy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    kind: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Deserialize)]
struct RollingUpdate {
    partition: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: i64,
    replicas: i64,
    updated_replicas: i64,
    available_replicas: i64,
    ready_replicas: i64,
    desired_number_scheduled: i64,
    updated_number_scheduled: i64,
    number_available: i64,
    current_revision: String,
    update_revision: String,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(default)]
    reason: String,
}

impl Rollout {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let bad = |why| bad_form("kubernetes:NAMESPACE/KIND/NAME", why);
        let parts: Vec<_> = rest.split('/').collect();
        let [namespace, kind, name] = parts[..] else { return Err(bad("it has three parts")) };
        let kind = match kind {
            "deployment" | "deploy" => Kind::Deployment,
            "statefulset" | "sts" => Kind::StatefulSet,
            "daemonset" | "ds" => Kind::DaemonSet,
            _ => return Err(bad("the kinds are deployment, statefulset and daemonset")),
        };
        if !is_name(namespace) || !is_name(name) {
            return Err(bad("a name has small letters, digits, hyphens and dots"));
        }
        let api = Api::find(around, &format!("kubernetes:{rest}"))?;
        Ok(Self { api, namespace: namespace.to_owned(), kind, name: name.to_owned() })
    }

    fn way(&self) -> String {
        let kind = match self.kind {
            Kind::Deployment => "deployment",
            Kind::StatefulSet => "statefulset",
            Kind::DaemonSet => "daemonset",
        };
        format!("the {kind} {}/{}", self.namespace, self.name)
    }

    pub(super) fn describe(&self) -> String {
        format!("replace every pod of {} and wait for the new ones", self.way())
    }

    pub(super) fn warning(&self) -> Option<String> {
        self.api.warning()
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.api.secrets()
    }

    /// Where the cluster is.
    pub(super) fn endpoint(&self) -> String {
        self.api.address().to_owned()
    }

    fn ask(&self, method: &str, query: &str, body: Option<&serde_json::Value>) -> Result<Object, String> {
        let kinds = match self.kind {
            Kind::Deployment => "deployments",
            Kind::StatefulSet => "statefulsets",
            Kind::DaemonSet => "daemonsets",
        };
        let path = format!("/apis/apps/v1/namespaces/{}/{kinds}/{}{query}", self.namespace, self.name);
        let kind: &[u8] = if body.is_some() { b"application/merge-patch+json" } else { b"application/json" };
        let answer = self.api.ask(method, &path, kind, body)?;
        match answer.status {
            200 => answer.json(),
            401 | 403 => Err(format!("the cluster does not allow it ({})", answer.status)),
            404 => Err("the cluster has none of that name (404)".to_owned()),
            status => Err(format!("the cluster answered {status}")),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let hint = "see `kubectl rollout status`; the account needs `get` and `patch` on it";
        let object = self.ask("GET", "", None).map_err(|why| cannot(&self.way(), why, hint))?;
        if let Some(why) = self.obstacle(&object.spec) {
            return Err(cannot(&self.way(), why, "change that, or give --reload a command"));
        }
        // Who may read it need not be who may change it.
        self.ask("PATCH", DRY_RUN, Some(&mark())).map_err(|why| cannot(&self.way(), why, hint))?;
        Ok(())
    }

    /// Why a change of it would not replace every pod.
    fn obstacle(&self, spec: &Spec) -> Option<&'static str> {
        let strategy = spec.update_strategy.as_ref().filter(|_| self.kind != Kind::Deployment);
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        if spec.paused {
            Some("its rollout is paused")
        } else if strategy.is_some_and(|strategy| strategy.kind.as_deref() == Some("OnDelete")) {
            Some("it replaces its pods only when somebody deletes them")
        } else if rolling.is_some_and(|rolling| rolling.partition.unwrap_or(0) > 0) {
            Some("its partition keeps some of the old pods")
        } else {
            None
        }
    }

    pub(super) fn perform(&self, limit: Duration, stop: &Stop, begun: &mut bool) -> Result<String, Error> {
        let failed = |how: String| Error::Reload { way: self.way(), how, output: String::new() };
        let started = Instant::now();
        // A change whose answer is lost may have been made.
        *begun = true;
        let patched = self.ask("PATCH", "", Some(&mark())).map_err(|why| failed(format!("failed: {why}")))?;
        let wanted = patched.metadata.generation;
        loop {
            let last = match self.ask("GET", "", None) {
                Ok(object) if self.is_complete(&object, wanted) => {
                    let pods = self.counts(&object.status).1;
                    return Ok(format!("{pods} new pods after {} ms", started.elapsed().as_millis()));
                }
                Ok(object) if is_stuck(&object, wanted) => {
                    return Err(failed("makes no progress: its new pods do not become ready".to_owned()));
                }
                Ok(object) => {
                    let (new, all) = self.counts(&object.status);
                    format!("{new} of {all} pods are new and ready")
                }
                Err(why) => why,
            };
            if started.elapsed() >= limit {
                return Err(failed(format!("was not complete within {} s ({last})", limit.as_secs())));
            }
            if stop.wait(PAUSE) {
                return Err(Error::Stopped);
            }
        }
    }

    /// New pods that are of use, and all that there should be.
    fn counts(&self, status: &Status) -> (i64, i64) {
        match self.kind {
            Kind::Deployment => (status.updated_replicas.min(status.available_replicas), status.replicas),
            Kind::StatefulSet => (status.updated_replicas.min(status.ready_replicas), status.replicas),
            Kind::DaemonSet => (
                status.updated_number_scheduled.min(status.number_available),
                status.desired_number_scheduled,
            ),
        }
    }

    /// Whether every pod is a new one, by the rules of `kubectl rollout status`.
    fn is_complete(&self, object: &Object, wanted: i64) -> bool {
        let (status, replicas) = (&object.status, object.spec.replicas.unwrap_or(1));
        let is_done = match self.kind {
            Kind::Deployment => {
                status.updated_replicas >= replicas
                    && status.replicas <= status.updated_replicas
                    && status.available_replicas >= status.updated_replicas
            }
            Kind::StatefulSet => {
                status.ready_replicas >= replicas
                    && status.replicas <= replicas
                    && status.current_revision == status.update_revision
            }
            Kind::DaemonSet => {
                status.updated_number_scheduled >= status.desired_number_scheduled
                    && status.number_available >= status.desired_number_scheduled
            }
        };
        status.observed_generation >= wanted && is_done
    }
}

/// The change that makes a cluster replace every pod.
fn mark() -> serde_json::Value {
    let mark = json!({"kubectl.kubernetes.io/restartedAt": Timestamp::now().to_string()});
    json!({"spec": {"template": {"metadata": {"annotations": mark}}}})
}

fn is_stuck(object: &Object, wanted: i64) -> bool {
    let late = |condition: &Condition| condition.reason == "ProgressDeadlineExceeded";
    object.status.observed_generation >= wanted && object.status.conditions.iter().any(late)
}
