//! What a rotation will do, found out before it does anything: a value that can be printed and compared.

use super::framework::letter;
use super::incident::vocabulary;
use super::step::Step;
use super::step::reload::shown;
use super::target::Snapshot;
use super::unfinished::Unfinished;
use super::{Address, EnvTarget, Error, Fault, Format, Framework, IncidentId, Severity, StoreAccess};
use crate::secret::{Redactor, Secret};
use crate::session::{StoreClass, StoreSummary};
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How the application takes the new value.
#[derive(Clone, Debug)]
pub struct Reload {
    /// A command line for the shell; it ends when the application has the new value.
    pub command: String,
    /// How long it may take.
    pub limit: Duration,
    /// The folder that it runs in; `None` is the one of this process.
    pub directory: Option<PathBuf>,
}

/// How the application shows that it is well.
#[derive(Clone, Debug)]
pub struct Health {
    /// The address that answers 2xx then.
    pub url: Address,
    /// How long that may take.
    pub limit: Duration,
}

/// How a live session shows that it is alive.
#[derive(Clone, Debug)]
pub struct Probe {
    /// An address that only a logged-in user can see.
    pub url: Address,
    /// The live session's cookie header.
    pub cookie: Secret,
}

impl Probe {
    /// Takes the cookie as a browser sends it: `name=value`, several joined by `;`.
    ///
    /// # Errors
    /// [`Error::Cookie`] when it cannot be sent as one header.
    pub fn new(url: Address, cookie: &Secret) -> Result<Self, Error> {
        let text = std::str::from_utf8(cookie.expose()).map_err(|_| Error::Cookie("it is not text"))?.trim();
        let text = text.strip_prefix("Cookie:").unwrap_or(text).trim();
        if text.is_empty() {
            return Err(Error::Cookie("it is empty"));
        }
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(Error::Cookie("it has more than one line or unusual characters"));
        }
        if !text.contains('=') {
            return Err(Error::Cookie("it has no name"));
        }
        Ok(Self { url, cookie: Secret::from(text.to_owned()) })
    }

    /// The cookies' values: each is a credential of its own.
    fn secrets(&self) -> Vec<Secret> {
        let text = String::from_utf8_lossy(self.cookie.expose()).into_owned();
        let values = text.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
        values.filter(|value| value.len() >= 8).map(|value| Secret::from(value.to_owned())).collect()
    }
}

/// What the operator asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the secret lives.
    pub target: EnvTarget,
    /// The form of the new secret; `None` takes hexadecimal, except where the old value shows what is needed.
    pub format: Option<Format>,
    /// How the application takes the new value.
    pub reload: Option<Reload>,
    /// How the application shows that it is well.
    pub health: Option<Health>,
    /// The sessions to end.
    pub store: Option<StoreAccess>,
    /// A live session that must be dead afterwards.
    pub probe: Option<Probe>,
    /// How bad the incident is.
    pub severity: Severity,
    /// The incident's name; `None` takes the next number of the day.
    pub incident: Option<IncidentId>,
    /// The rotation to go on with or to take back, instead of starting one.
    pub unfinished: Option<IncidentId>,
    /// What the caller wants back from [`super::remembered`] when the rotation stops half-way; kept sealed.
    pub arguments: Option<Secret>,
    /// The folder of journals, keys and incidents.
    pub state: PathBuf,
    /// Where to crash on purpose, for tests.
    pub fault: Option<Fault>,
}

/// What will be done, with everything that had to be known for it.
#[derive(Debug)]
pub struct Plan {
    pub(super) request: Request,
    pub(super) snapshot: Snapshot,
    pub(super) format: Format,
    pub(super) store: Option<StoreSummary>,
    pub(super) framework: Option<&'static Framework>,
    pub(super) class: Option<StoreClass>,
    pub(super) warnings: Vec<String>,
    pub(super) unfinished: Option<Unfinished>,
}

impl Plan {
    /// Looks at the target and the store. Changes nothing, writes nothing.
    ///
    /// # Errors
    /// When the rotation could not work: everything that can be known before is refused here.
    pub fn prepare(request: Request) -> Result<Self, Error> {
        let (snapshot, unfinished) = match &request.unfinished {
            Some(id) => {
                Unfinished::find(&request, id).map(|(snapshot, unfinished)| (snapshot, Some(unfinished)))?
            }
            None => (request.target.read()?, None),
        };
        let store = request.store.as_ref().map(StoreAccess::describe).transpose()?;
        let framework = Framework::of(request.target.name());
        let class = store.as_ref().map(|store| store.class).or(framework.map(|framework| framework.class));
        let laravel = snapshot.old.first().is_some_and(|old| old.expose().starts_with(b"base64:"));
        let format = request.format.unwrap_or(if laravel { Format::Laravel } else { Format::Hex });
        let mut plan =
            Self { request, snapshot, format, store, framework, class, warnings: Vec::new(), unfinished };
        plan.warnings = plan.find_warnings();
        Ok(plan)
    }

    /// Every secret that is known before the rotation: the old values, the cookie, the store's password.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.snapshot.old.clone();
        if let Some(store) = &self.request.store {
            secrets.extend_from_slice(store.secrets());
        }
        if let Some(probe) = &self.request.probe {
            secrets.push(probe.cookie.clone());
            secrets.extend(probe.secrets());
        }
        secrets.extend(self.unfinished.iter().filter_map(|unfinished| unfinished.new.clone()));
        secrets
    }

    /// Takes every one of them out of what a caller prints, and leaves our own words alone.
    pub fn redactor(&self) -> Redactor {
        self.redactor_beside(None)
    }

    /// The same, with the new value known too.
    pub(super) fn redactor_beside(&self, new: Option<&Secret>) -> Redactor {
        vocabulary::redactor(self.secrets().iter().chain(new), self.request.target.name())
    }

    /// What the operator should know before.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The steps that will be taken, in order.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Write];
        steps.extend(self.request.reload.is_some().then_some(Step::Reload));
        steps.extend(self.request.health.is_some().then_some(Step::Health));
        if self.store.is_some() {
            steps.extend([Step::Purge, Step::PurgeAgain]);
        }
        steps.push(Step::Verify);
        steps
    }

    /// Where the class of the sessions is known from.
    pub(super) fn class_basis(&self) -> &'static str {
        if self.store.is_some() { "seen in the store" } else { "assumed from the variable's name" }
    }

    fn find_warnings(&self) -> Vec<String> {
        let (name, snapshot) = (self.request.target.name(), &self.snapshot);
        let mut warnings = Vec::new();
        if snapshot.lines.len() > 1 {
            warnings.push(format!(
                "{name} stands in the file {} times; every one is replaced.",
                snapshot.lines.len()
            ));
        }
        for (list, line) in &snapshot.fallbacks {
            warnings.push(format!("{list} (line {line}) still accepts the old value; it is taken out."));
        }
        for (what, line) in &snapshot.leftovers {
            warnings.push(format!(
                "The old value also stands in {what} (line {line}); that stays, and needs its own change."
            ));
        }
        for other in &snapshot.overriding {
            warnings.push(format!(
                "{other} is set to another value: outside Next.js, Auth.js signs with it and not with {name}."
            ));
        }
        if snapshot.old.is_empty() {
            warnings.push(format!("{name} is empty, so there is no old value to look for."));
        }
        if self.request.reload.is_none() {
            warnings.push(
                "Without --reload nothing is restarted: a running process keeps the old value until it is."
                    .to_owned(),
            );
        }
        match (self.class, &self.store) {
            (Some(StoreClass::D), Some(_)) => {
                warnings.push(
                    "These sessions live in cookies: the purge ends none of them, the new value does."
                        .to_owned(),
                );
            }
            (Some(StoreClass::B), Some(_)) => {
                warnings.push("The new value ends no session in this store; the purge does.".to_owned());
            }
            (_, None) => warnings.push("Without --store no session is deleted.".to_owned()),
            _ => {}
        }
        if self.request.probe.is_none() {
            warnings
                .push("Without --probe nobody checks that an old cookie is refused afterwards.".to_owned());
        }
        if let Some(framework) = self.framework {
            warnings.push(format!("If {name} is read by {}: {}.", framework.name, framework.other_uses));
        }
        warnings
    }

    /// The plan as data, without any secret: the first record of the journal.
    pub fn to_json(&self) -> Value {
        let request = &self.request;
        json!({
            "target": request.target.to_string(),
            "lines": self.snapshot.lines,
            "format": self.format.describe(),
            "class": self.class,
            "class_basis": self.class_basis(),
            "reload": request.reload.as_ref().map(|reload| shown(&reload.command)),
            "health": request.health.as_ref().map(|health| health.url.to_string()),
            "store": self.store,
            "probe": request.probe.as_ref().map(|probe| probe.url.to_string()),
            "severity": request.severity,
            "steps": self.steps().iter().map(|step| json!({"step": step, "will": step.describe(self)})).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rotation of {}, severity {}", self.request.target, self.request.severity)?;
        if let Some(class) = self.class {
            writeln!(f, "\nSessions of class {} ({}).", letter(class), self.class_basis())?;
            writeln!(f, "  {}\n  {}", class.exposure(), class.remedy())?;
        }
        writeln!(f, "\nSteps")?;
        for (number, step) in self.steps().into_iter().enumerate() {
            writeln!(f, "  {}. {:<11} {}", number + 1, step.name(), step.describe(self))?;
        }
        writeln!(f, "\nA failure before the purge puts the old value back.")?;
        if !self.warnings.is_empty() {
            writeln!(f, "\nNote")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "  - {warning}"))
    }
}
