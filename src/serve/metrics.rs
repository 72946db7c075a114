//! What is counted, in Prometheus' own format.

use super::verify;
use crate::session::{Counts, Facts};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Bounds of the latency, in seconds.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Action {
    action: String,
    outcome: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: String,
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram>,
    actions: Family<Action, Counter>,
    logins: Family<State, Counter>,
    made: Family<State, Gauge>,
    sessions: Family<State, Gauge>,
    findings: Family<State, Gauge>,
    users: Gauge,
    up: Gauge,
}

impl Metrics {
    /// With the counters of forward-auth, where there is one.
    pub(super) fn new(verifications: Option<&verify::Metrics>) -> Self {
        let mut registry = Registry::with_prefix("unleak");
        let seconds: Family<Route, Histogram> = Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let (requests, actions) = (Family::default(), Family::default());
        let (sessions, findings) = (Family::default(), Family::default());
        let (logins, made) = (Family::default(), Family::default());
        let (users, up) = (Gauge::default(), Gauge::default());
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register_with_unit("request", "How long answers took", Unit::Seconds, seconds.clone());
        registry.register(
            "admin_actions",
            "Changes to sessions that administrators asked for",
            actions.clone(),
        );
        registry.register("logins", "Attempts to log in to the page, by how they ended", logins.clone());
        registry.register(
            "sessions_made",
            "Sessions that were made in the last hour and day: how many logins succeeded",
            made.clone(),
        );
        registry.register("sessions", "Sessions of the store", sessions.clone());
        registry.register("session_risks", "Sessions that should not be", findings.clone());
        registry.register("session_users", "Users with an active session", users.clone());
        registry.register(
            "store_up",
            "Whether the session store answered when it was last asked",
            up.clone(),
        );
        if let Some(verifications) = verifications {
            verifications.register(&mut registry);
        }
        Self { registry, requests, seconds, actions, logins, made, sessions, findings, users, up }
    }

    pub(super) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let request = Request { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&request).inc();
        self.seconds.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    pub(super) fn action(&self, action: &str, outcome: &str) {
        let action = Action { action: action.to_owned(), outcome: outcome.to_owned() };
        self.actions.get_or_create(&action).inc();
    }

    pub(super) fn login(&self, ended: &str) {
        self.logins.get_or_create(&State { state: ended.to_owned() }).inc();
    }

    /// What a look at the store told; nothing when it did not answer.
    pub(super) fn store(&self, seen: Option<(&Counts, Option<&Facts>)>) {
        self.up.set(i64::from(seen.is_some()));
        let Some((counts, facts)) = seen else { return };
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let set = |family: &Family<State, Gauge>, state: &str, to: u64| {
            family.get_or_create(&State { state: state.to_owned() }).set(number(to));
        };
        set(&self.sessions, "active", counts.active);
        set(&self.sessions, "expired", counts.expired);
        let Some(facts) = facts else { return };
        set(&self.sessions, "expiring_soon", facts.expiring_soon);
        set(&self.findings, "duplicate", facts.duplicate_rows);
        for (within, made) in [("hour", facts.made_last_hour), ("day", facts.made_last_day)] {
            made.into_iter().for_each(|made| set(&self.made, within, made));
        }
        if let Some(orphaned) = &facts.orphaned {
            set(&self.findings, "orphan", orphaned.orphans);
        }
        if let Some(shared) = facts.shared_tokens {
            set(&self.findings, "shared_token", shared);
        }
        if let Some(users) = &facts.users {
            self.users.set(number(users.users));
        }
    }

    /// Everything, as it is scraped.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("a string takes any text");
        text
    }
}
