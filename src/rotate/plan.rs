//! What a rotation will do, found out before it does anything: a value that can be printed and compared.

use super::claim;
use super::framework::letter;
use super::incident::vocabulary;
use super::step::Step;
use super::target::{Facts, Held};
use super::unfinished::Unfinished;
use super::warnings;
use super::{
    Address, Error, Exposure, Fault, Forgery, Format, Framework, IncidentId, Probe, Protection, Reload,
    Severity, Shape, StoreAccess, Strength, Target,
};
use crate::contain::{Containment, Planned};
use crate::secret::{Redactor, Secret};
use crate::session::{StoreClass, StoreKind, StoreSummary};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How the application shows that it is well.
#[derive(Clone, Debug)]
pub struct Health {
    /// The address that answers 2xx then.
    pub url: Address,
    /// How long that may take.
    pub limit: Duration,
}

/// What the operator asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the secret lives: every one gets the new value, or none.
    pub targets: Vec<Target>,
    /// The form of the new secret; `None` takes hexadecimal, except where the old value shows what is needed.
    pub format: Option<Shape>,
    /// How the application takes the new value: one for each replica that is told by itself.
    pub reload: Vec<Reload>,
    /// How the application shows that it is well.
    pub health: Option<Health>,
    /// The sessions to end.
    pub store: Option<StoreAccess>,
    /// A live session that must be dead afterwards.
    pub probe: Option<Probe>,
    /// Addresses that must answer afterwards as they did before.
    pub checks: Vec<Address>,
    /// How bad the incident is.
    pub severity: Severity,
    /// The incident's name; `None` takes the next number of the day.
    pub incident: Option<IncidentId>,
    /// The rotation to go on with or to take back, instead of starting one.
    pub unfinished: Option<IncidentId>,
    /// What the caller wants back from [`super::remembered`] when the rotation stops half-way; kept sealed.
    pub arguments: Option<Secret>,
    /// Since when the old value could be read by others, where that is known.
    pub exposed_since: Option<Timestamp>,
    /// Whether the old value may be put back once the application runs with the new one.
    pub restore_leaked: bool,
    /// The value that leaked, where it is known: a target that holds another one is refused.
    pub leaked: Option<Secret>,
    /// Where it leaked to.
    pub exposure: Option<Exposure>,
    /// The files of a repository that the leaked value is taken out of when everything else is done.
    pub contain: Option<Containment>,
    /// Whether the target was taken from the finding and not named.
    pub deduced: bool,
    /// What was done to keep the values out of core dumps.
    pub protection: Protection,
    /// Until when the old value is meant to stay in fallback lists, in the operator's words.
    pub graceful: Option<String>,
    /// The folder of journals, keys and incidents.
    pub state: PathBuf,
    /// Where to crash on purpose, for tests.
    pub fault: Option<Fault>,
}

/// What will be done, with everything that had to be known for it.
#[derive(Debug)]
pub struct Plan {
    pub(super) request: Request,
    /// What each target held, in their order.
    pub(super) held: Vec<Box<dyn Held>>,
    pub(super) format: Shape,
    pub(super) store: Option<StoreSummary>,
    /// The frameworks that may read the secret.
    pub(super) frameworks: Vec<&'static Framework>,
    pub(super) class: Option<StoreClass>,
    /// How hard the old value was to guess.
    pub(super) strength: Option<Strength>,
    pub(super) warnings: Vec<String>,
    /// The commit that will be made, where that could be looked at before.
    pub(super) containment: Option<Planned>,
    pub(super) unfinished: Option<Unfinished>,
    /// What takes out every secret of [`Self::secrets`], made when it is first needed.
    redactor: OnceLock<Redactor>,
}

impl Plan {
    /// Looks at the target and the store. Changes nothing, writes nothing.
    ///
    /// # Errors
    /// When the rotation could not work: everything that can be known before is refused here.
    pub fn prepare(mut request: Request) -> Result<Self, Error> {
        check_targets(&request.targets)?;
        if request.unfinished.is_none() {
            claim::refuse_unfinished(&request)?;
        }
        let (held, unfinished) = match &request.unfinished {
            Some(id) => Unfinished::find(&request, id).map(|(held, unfinished)| (held, Some(unfinished)))?,
            None => {
                let held = request.targets.iter().map(|target| target.place().read());
                (held.collect::<Result<Vec<_>, _>>()?, None)
            }
        };
        // What is unfinished must not hang on a process that is gone since: the step tells it then.
        if unfinished.is_none() {
            request.reload.iter().try_for_each(Reload::check)?;
        }
        if let (Some(leaked), None) = (&request.leaked, &unfinished) {
            holds_leaked(leaked, &held)?;
        }
        if let Some(contain) = &mut request.contain {
            let files = request.targets.iter().filter_map(|target| target.place().file());
            contain.spared = files.map(Path::to_owned).collect();
        }
        let containment = match (&request.contain, &request.leaked, &unfinished) {
            (Some(contain), Some(leaked), None) => Some(contain.plan(leaked)?),
            _ => None,
        };
        if let Some((dialect, prefix)) = unfinished.as_ref().and_then(Unfinished::redis) {
            request.store = request.store.map(|store| store.known_as(&dialect, &prefix));
        }
        let store = request.store.as_ref().map(StoreAccess::describe).transpose()?;
        if let Some(found) = store.as_ref().filter(|store| store.kind == StoreKind::Redis) {
            request.store = request.store.map(|store| store.known_as(found.dialect, &found.table.name));
        }
        let names: Vec<_> = request.targets.iter().map(|target| target.place().variable()).collect();
        let forged = request.probe.as_ref().and_then(|probe| probe.forge.as_ref()).map(|forge| forge.kind);
        let frameworks = Framework::candidates(&names, store.as_ref().map(|store| store.dialect), forged);
        let class = store
            .as_ref()
            .map(|store| store.class)
            .or(forged.and_then(Forgery::class))
            .or(frameworks.first().map(|first| first.class));
        let first = held.iter().find_map(|held| held.facts().old.first());
        let laravel = first.is_some_and(|old| old.expose().starts_with(b"base64:"));
        let known = Shape::Known(if laravel { Format::Laravel } else { Format::Hex });
        let format = request.format.clone().unwrap_or(known);
        let strength = first.map(Strength::of);
        let warnings = Vec::new();
        let mut plan = Self {
            request,
            held,
            format,
            store,
            frameworks,
            class,
            strength,
            warnings,
            containment,
            unfinished,
            redactor: OnceLock::new(),
        };
        plan.warnings = warnings::of(&plan);
        Ok(plan)
    }

    /// What is known of each target.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Facts> {
        self.held.iter().map(|held| held.facts())
    }

    /// The value that was in use, where any target shows it.
    pub(super) fn old(&self) -> Option<&Secret> {
        self.facts().find_map(|facts| facts.old.first())
    }

    /// The one value that all targets held: only that may stand in for what nobody could read. `None` where two that
    /// can be read differ.
    pub(super) fn common_old(&self) -> Option<&Secret> {
        let mut values = self.facts().filter_map(|facts| facts.old.first());
        let first = values.next()?;
        let same = values.all(|value| value == first) && self.facts().all(|facts| !facts.mixed);
        same.then_some(first)
    }

    /// The value that a finding told, in this run or in the one that it goes on with.
    pub(super) fn leaked(&self) -> Option<&Secret> {
        let before = || self.unfinished.as_ref().and_then(|unfinished| unfinished.leaked.as_ref());
        self.request.leaked.as_ref().or_else(before)
    }

    /// The names that applications know the value by.
    pub(super) fn variables(&self) -> Vec<&str> {
        self.request.targets.iter().flat_map(|target| target.place().variables()).collect()
    }

    /// The targets as one text.
    pub(super) fn target_names(&self) -> String {
        self.request.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Every secret that is known before the rotation: the old values, the cookie, the store's password.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<_> = self.facts().flat_map(|facts| facts.old.iter().cloned()).collect();
        secrets.extend(self.request.targets.iter().flat_map(|target| target.place().secrets()));
        secrets.extend(self.request.reload.iter().flat_map(Reload::secrets));
        if let Some(store) = &self.request.store {
            secrets.extend_from_slice(store.secrets());
        }
        if let Some(probe) = &self.request.probe {
            secrets.extend(probe.secrets());
        }
        secrets.extend(self.leaked().cloned());
        secrets.extend(self.unfinished.iter().map(|unfinished| unfinished.new.clone()));
        secrets
    }

    /// Takes every one of them out of what a caller prints, and leaves our own words alone.
    pub fn redactor(&self) -> Redactor {
        let made = || vocabulary::taught(&Redactor::default(), &self.secrets(), &self.variables());
        self.redactor.get_or_init(made).clone()
    }

    /// A redactor that knows also what became known since: the new value, the cookies of a login.
    pub(super) fn taught(&self, redactor: &Redactor, more: &[Secret]) -> Redactor {
        let known = self.secrets();
        let new: Vec<_> = more.iter().filter(|secret| !known.contains(secret)).cloned().collect();
        vocabulary::taught(redactor, &new, &self.variables())
    }

    /// What the operator should know before.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The steps that will be taken, in order.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Write];
        steps.extend((!self.request.reload.is_empty()).then_some(Step::Reload));
        steps.extend(self.request.health.is_some().then_some(Step::Health));
        if self.store.is_some() {
            steps.extend([Step::Purge, Step::PurgeAgain]);
        }
        steps.push(Step::Verify);
        steps.extend(self.request.contain.is_some().then_some(Step::Contain));
        steps
    }

    /// Where the class of the sessions is known from.
    pub(super) fn class_basis(&self) -> &'static str {
        let forge = self.request.probe.as_ref().and_then(|probe| probe.forge.as_ref());
        match forge.and_then(|forge| forge.kind.class()) {
            _ if self.store.is_some() => "seen in the store",
            Some(_) => "those of the cookie that is forged",
            None => "assumed from the variable's name",
        }
    }

    /// The plan as data, without any secret: the first record of the journal.
    pub fn to_json(&self) -> Value {
        let request = &self.request;
        json!({
            "targets": request.targets.iter().zip(self.facts()).map(|(target, facts)| json!({"target": target.to_string(), "part": facts.part})).collect::<Vec<_>>(),
            "format": self.format.describe(),
            "class": self.class,
            "class_basis": self.class_basis(),
            "reload": request.reload.iter().map(Reload::describe).collect::<Vec<_>>(),
            "health": request.health.as_ref().map(|health| health.url.to_string()),
            "store": self.store,
            "probe": request.probe.as_ref().map(|probe| probe.url.to_string()),
            "login": request.probe.as_ref().and_then(|probe| probe.login.as_ref()).map(|login| login.url().to_string()),
            "forge": request.probe.as_ref().and_then(|probe| probe.forge.as_ref()).map(|forge| forge.kind),
            "checks": request.checks.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "restore_leaked": request.restore_leaked,
            "graceful": request.graceful,
            "exposure": request.exposure,
            "protection": request.protection.to_string(),
            "severity": request.severity,
            "steps": self.steps().iter().map(|step| json!({"step": step, "will": step.describe(self)})).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

/// A target that holds another value is not the one that leaked; one that nobody can read may be.
fn holds_leaked(leaked: &Secret, held: &[Box<dyn Held>]) -> Result<(), Error> {
    let other = |facts: &&Facts| !facts.old.is_empty() && !facts.old.contains(leaked);
    match held.iter().map(|held| held.facts()).find(other) {
        Some(facts) => Err(Error::NotLeaked(facts.place.clone())),
        None => Ok(()),
    }
}

/// A file is replaced whole, and so is a secret that has several keys: of two targets in one, the second would find that
/// it was changed meanwhile.
fn check_targets(targets: &[Target]) -> Result<(), Error> {
    if targets.is_empty() {
        return Err(Error::Target);
    }
    let mut seen = BTreeSet::new();
    for file in targets.iter().filter_map(|target| target.place().file()) {
        if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.to_owned())) {
            return Err(Error::SameFile(file.to_owned()));
        }
    }
    let mut seen = BTreeSet::new();
    match targets.iter().filter_map(|target| target.place().whole()).find(|whole| !seen.insert(whole.clone()))
    {
        Some(whole) => Err(Error::SameSecret(whole)),
        None => Ok(()),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rotation of {}, severity {}", self.target_names(), self.request.severity)?;
        if let Some(class) = self.class {
            writeln!(f, "\nSessions of class {} ({}).", letter(class), self.class_basis())?;
            writeln!(f, "  {}\n  {}", class.exposure(), class.remedy())?;
        }
        writeln!(f, "\nSteps")?;
        for (number, step) in self.steps().into_iter().enumerate() {
            writeln!(f, "  {}. {:<11} {}", number + 1, step.name(), step.describe(self))?;
        }
        let lost = self.common_old().is_none() && self.facts().any(|facts| facts.blind);
        let but = if lost { ", but not where a note says that it cannot" } else { "" };
        let until = if self.request.reload.is_empty() {
            "every target is written"
        } else {
            "the first reload begins"
        };
        writeln!(f, "\nUntil {until}, a failure puts the old value back{but}.")?;
        f.write_str(match (self.is_leaked(), self.request.restore_leaked) {
            (false, _) => "So does a failure after it, since --graceful says that the old value has not leaked.\n",
            (true, true) => {
                "From then on a failure, Ctrl-C or --abort puts the leaked one back too, as --restore-leaked says.\n"
            }
            (true, false) => {
                "From then on the new value stays, whatever fails: only --abort with --restore-leaked puts the leaked one back.\n"
            }
        })?;
        if !self.warnings.is_empty() {
            writeln!(f, "\nNote")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "  - {warning}"))
    }
}
