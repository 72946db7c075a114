//! What forward-auth counts; whoever serves `/metrics` registers it.

use super::check::Verdict;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

type Labels = [(&'static str, &'static str); 1];

/// How many verdicts there were since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct Totals {
    /// Sessions that were alive.
    pub(in crate::serve) alive: u64,
    /// All others, save those that nobody could verify.
    pub(in crate::serve) refused: u64,
    /// Those.
    pub(in crate::serve) errors: u64,
}

/// The counters of forward-auth.
#[derive(Clone, Debug)]
pub struct Metrics {
    verifications: Family<Labels, Counter>,
    alive: Counter,
    refused: Counter,
    errors: Counter,
    passed: Counter,
    redirects: Counter,
    clears: Counter,
    hits: Counter,
    disguises: Counter,
    seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            verifications: Family::default(),
            alive: Counter::default(),
            refused: Counter::default(),
            errors: Counter::default(),
            passed: Counter::default(),
            redirects: Counter::default(),
            clears: Counter::default(),
            hits: Counter::default(),
            disguises: Counter::default(),
            seconds: Histogram::new([0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0]),
        }
    }
}

impl Metrics {
    /// Adds them to what is served; the registry puts its prefix before the names, and `_total` behind those of counters.
    pub fn register(&self, registry: &mut Registry) {
        let about = "Verdicts on the sessions of requests, by result";
        registry.register("verifications", about, self.verifications.clone());
        let about = "Sessions that could not be verified because the store did not answer";
        registry.register("verification_errors", about, self.errors.clone());
        let about = "Requests that were let through without verification (--fail-open)";
        registry.register("verification_passed", about, self.passed.clone());
        let about = "Visitors who were sent to sign in";
        registry.register("sign_in_redirects", about, self.redirects.clone());
        let about = "Answers that cleared session cookies";
        registry.register("cookie_clears", about, self.clears.clone());
        let about = "Sessions that had been verified a moment before";
        registry.register("verification_cache_hits", about, self.hits.clone());
        let about = "Requests with a header that could be taken for one that tells who is logged in";
        registry.register("disguised_requests", about, self.disguises.clone());
        let about = "How long a verification took";
        registry.register("verification_seconds", about, self.seconds.clone());
    }

    /// What is plotted.
    pub(in crate::serve) fn totals(&self) -> Totals {
        Totals { alive: self.alive.get(), refused: self.refused.get(), errors: self.errors.get() }
    }

    pub(super) fn verified(&self, verdict: &Verdict, took: Duration) {
        match verdict {
            Verdict::Valid(_) => self.alive.inc(),
            Verdict::Absent | Verdict::Refused(_) => self.refused.inc(),
            Verdict::Unavailable | Verdict::Overloaded | Verdict::Unanswered => 0,
        };
        self.verifications.get_or_create(&[("result", verdict.name())]).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self) {
        self.errors.inc();
    }

    pub(super) fn passed(&self) {
        self.passed.inc();
    }

    pub(super) fn redirected(&self) {
        self.redirects.inc();
    }

    pub(super) fn cleared(&self) {
        self.clears.inc();
    }

    pub(super) fn disguised(&self) {
        self.disguises.inc();
    }

    pub(super) fn hit(&self) {
        self.hits.inc();
    }
}
