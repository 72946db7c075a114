//! What was typed to say which rotation is meant: remembered with it, so that `--resume ID` needs nothing else.

use super::super::store::StoreArguments;
use super::super::{Context, Failure, input};
use super::canary::CanaryArguments;
use super::failure;
use super::leak::{self, Leak};
use crate::contain::{Containment, Manner};
use crate::exit::Exit;
use crate::rotate::{
    Address, Custom, Error, Exposure, Format, Health, Probe, Reload, Severity, Shape, StoreAccess,
    Surroundings, Target,
};
use crate::secret::Secret;
use crate::session::Options;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

/// How long a reload or the wait for health may take.
const SECONDS: u64 = 60;

#[derive(clap::Args, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Arguments {
    /// Where the secret lives, for example `env:PATH#NAME`; all kinds are listed below. May be given several times: every target gets the same new value, or none does. With --from-finding it may be left out where one variable of one dotenv file of the working tree holds the value.
    #[arg(long, value_name = "TARGET", required_unless_present_any = ["resume", "abort", "from_finding"])]
    #[serde(default)]
    target: Vec<String>,
    /// The command that prints what the store of an `exec:` target holds, for the shell; several in the order of the targets.
    #[arg(long, value_name = "COMMAND")]
    #[serde(default)]
    read_back: Vec<String>,
    /// The form of the new secret [default: hex; laravel where the old value has that form].
    #[arg(long, value_enum, value_name = "FORM")]
    secret_format: Option<Format>,
    /// So many characters for the new secret, of --secret-alphabet [default: 64].
    #[arg(long, value_name = "NUMBER", conflicts_with = "secret_format")]
    secret_length: Option<usize>,
    /// The characters of the new secret: hex, letters, digits, alnum, or the characters themselves [default: alnum].
    #[arg(long, value_name = "SET", conflicts_with = "secret_format")]
    secret_alphabet: Option<String>,
    /// Keep the old value in fallback lists (`SECRET_KEY_FALLBACKS`, `APP_PREVIOUS_KEYS`) until a time or for so long (`2026-11-27`, `24h`, `7d`), when you take it out, so that nobody is logged out. Not for a value that has leaked: whoever has it stays able to use it.
    #[arg(long, value_name = "UNTIL", conflicts_with_all = ["store", "store_from", "probe"])]
    graceful: Option<String>,
    /// Let a failure before the purge, Ctrl-C and --abort put the old value back although the application may run with the new one already. Whoever has the leaked value can go on using it then.
    #[arg(long)]
    #[serde(default)]
    restore_leaked: bool,
    /// Since when the old value could be read by others: `2026-11-20` or `2026-11-20T16:12:00Z`.
    #[arg(long, value_name = "TIME")]
    exposed_since: Option<String>,
    /// How the application takes the new value: a command for the shell, `systemd:UNIT` or another kind that is listed below. May be given several times: for every replica, in their order.
    #[arg(long, value_name = "RELOAD")]
    #[serde(default)]
    reload: Vec<String>,
    /// How long each reload may take [default: 60].
    #[arg(long, value_name = "SECONDS")]
    reload_timeout: Option<u64>,
    /// An address that answers 2xx when the application is well.
    #[arg(long, value_name = "URL")]
    health: Option<String>,
    /// How long the application may take to become healthy [default: 60].
    #[arg(long, value_name = "SECONDS")]
    health_timeout: Option<u64>,
    #[command(flatten)]
    #[serde(flatten)]
    at: StoreArguments,
    /// An address that only a logged-in user can see; needs --probe-cookie-from, --login or --forge-from.
    #[arg(long, value_name = "URL")]
    probe: Option<String>,
    /// Where to read a live session's cookie, as `name=value`: `file:PATH`, `env:VARIABLE` or `stdin`.
    #[arg(long, value_name = "SOURCE")]
    pub(super) probe_cookie_from: Option<String>,
    #[command(flatten)]
    #[serde(default)]
    pub(super) canary: CanaryArguments,
    /// How bad the incident is [default: P0].
    #[arg(long, value_enum)]
    severity: Option<Severity>,
    /// Take the value out of the files that hold it at HEAD, by a commit of its own on the current branch, when everything else is done; `--contain=remove` removes the files [default: redact]. Nothing that you have changed or staged gets into it, and it is not pushed.
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "redact", requires = "from_finding")]
    contain: Option<Manner>,
    /// The files that the value leaked to.
    #[arg(skip)]
    #[serde(default)]
    pub(super) leaked_files: Vec<String>,
    /// Where the value leaked to.
    #[arg(skip)]
    #[serde(default)]
    pub(super) exposure: Option<Exposure>,
    /// The variable of the environment that the store's password came from.
    #[arg(skip)]
    password_variable: Option<String>,
    /// The folder that the reload command was meant to run in.
    #[arg(skip)]
    directory: Option<PathBuf>,
    /// The folder that the commands of the targets were meant to run in.
    #[arg(skip)]
    target_directory: Option<PathBuf>,
}

impl Arguments {
    /// Takes the target from a finding, unless one was named. Whether it did.
    pub(super) fn target_from(&mut self, leak: &Leak) -> Result<bool, Failure> {
        let is_needed = self.target.is_empty();
        if is_needed {
            self.target.push(leak::target(leak)?);
        }
        Ok(is_needed)
    }

    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// With every path in full, so that they mean the same in another folder.
    pub(super) fn in_full(mut self) -> Self {
        let full = |path: &str| {
            let full = absolute(path).ok();
            full.as_deref().and_then(Path::to_str).unwrap_or(path).to_owned()
        };
        for target in &mut self.target {
            *target = Target::in_full(target, &full);
        }
        for reload in &mut self.reload {
            *reload = Reload::in_full(reload, &full);
        }
        if let Some(rest) = self.at.store.as_deref().and_then(|store| store.strip_prefix("sqlite:")) {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if !path.is_empty() && path != ":memory:" {
                self.at.store = Some(format!("sqlite:{}", full(path)));
            }
        }
        for source in [&mut self.at.store_from, &mut self.probe_cookie_from].into_iter().flatten() {
            if let Some(path) = source.strip_prefix("file:").filter(|path| !path.is_empty()) {
                *source = format!("file:{}", full(path));
            }
        }
        self.canary.in_full(&full);
        self.at.store_password_file = self.at.store_password_file.map(|path| absolute(&path).unwrap_or(path));
        self
    }

    /// What was typed now, and what was typed before where nothing was typed now.
    pub(super) fn or(self, before: Self) -> Self {
        let new_store = self.at.store.is_some() || self.at.store_from.is_some();
        let (new_target, new_reload) = (!self.target.is_empty(), !self.reload.is_empty());
        let new_password = new_store || self.at.store_password_file.is_some();
        Self {
            target: if new_target { self.target } else { before.target },
            target_directory: if new_target { self.target_directory } else { before.target_directory },
            read_back: if self.read_back.is_empty() { before.read_back } else { self.read_back },
            secret_format: self.secret_format.or(before.secret_format),
            secret_length: self.secret_length.or(before.secret_length),
            secret_alphabet: self.secret_alphabet.or(before.secret_alphabet),
            graceful: self.graceful.or(before.graceful),
            restore_leaked: self.restore_leaked || before.restore_leaked,
            exposed_since: self.exposed_since.or(before.exposed_since),
            directory: if new_reload { self.directory } else { before.directory },
            reload: if new_reload { self.reload } else { before.reload },
            reload_timeout: self.reload_timeout.or(before.reload_timeout),
            health: self.health.or(before.health),
            health_timeout: self.health_timeout.or(before.health_timeout),
            at: StoreArguments {
                store: self.at.store.or(before.at.store.filter(|_| !new_store)),
                store_from: self.at.store_from.or(before.at.store_from.filter(|_| !new_store)),
                store_password_file: self.at.store_password_file.or(before.at.store_password_file),
                dialect: self.at.dialect.or(before.at.dialect),
                table: self.at.table.or(before.at.table),
            },
            probe: self.probe.or(before.probe),
            probe_cookie_from: self.probe_cookie_from.or(before.probe_cookie_from),
            canary: self.canary.or(before.canary),
            severity: self.severity.or(before.severity),
            contain: self.contain.or(before.contain),
            leaked_files: if self.leaked_files.is_empty() { before.leaked_files } else { self.leaked_files },
            exposure: self.exposure.or(before.exposure),
            password_variable: before.password_variable.filter(|_| !new_password),
        }
    }

    /// For taking back: the store and the probe have no part in it, and a store that is down must not stop it.
    pub(super) fn without_purge(self) -> Self {
        let at = StoreArguments { store: None, store_from: None, ..self.at };
        let canary = CanaryArguments::default();
        Self { at, probe: None, probe_cookie_from: None, canary, ..self }
    }

    /// The text to remember: where passwords and cookies come from, and none of them. `None` for paths that are no
    /// text.
    pub(super) fn to_memo(&self, context: &Context) -> Option<Secret> {
        let mut memo = self.clone();
        if self.at.store_password_file.is_none()
            && let Some(url) = self.at.store.as_ref().filter(|url| !url.starts_with("sqlite:"))
        {
            memo.password_variable = input::password_variable(context, url).map(|(name, _)| name.to_owned());
        }
        for directory in [&mut memo.directory, &mut memo.target_directory] {
            *directory = directory.take().or_else(|| absolute(Path::new(".")).ok());
        }
        serde_json::to_vec(&memo).ok().map(Secret::from)
    }

    /// What [`Self::to_memo`] made.
    pub(super) fn from_memo(memo: Option<&Secret>) -> Self {
        memo.and_then(|memo| serde_json::from_slice(memo.expose()).ok()).unwrap_or_default()
    }

    pub(super) fn severity(&self) -> Severity {
        self.severity.unwrap_or(Severity::P0)
    }

    pub(super) fn format(&self) -> Result<Option<Shape>, Failure> {
        if self.secret_length.is_none() && self.secret_alphabet.is_none() {
            return Ok(self.secret_format.map(Shape::Known));
        }
        let alphabet = self.secret_alphabet.as_deref().unwrap_or("alnum");
        let custom = Custom::new(self.secret_length.unwrap_or(64), alphabet);
        custom.map(|custom| Some(Shape::Custom(custom))).map_err(|error| usage(&error))
    }

    /// Until when the old value is kept. In a rotation that goes on that time may be past.
    pub(super) fn graceful(&self, is_resumed: bool) -> Result<Option<String>, Failure> {
        let Some(text) = &self.graceful else { return Ok(None) };
        let now = Timestamp::now();
        let after = || now.checked_add(text.parse::<SignedDuration>().ok()?).ok();
        // Calendars count days; a clock does not.
        let days = || {
            text.strip_suffix('d')?
                .parse()
                .ok()
                .map(|days: i64| now + SignedDuration::from_hours(24 * days.min(9999)))
        };
        match moment(text).or_else(after).or_else(days) {
            Some(until) if is_resumed || until > now => {
                Ok(Some(until.strftime("%Y-%m-%d %H:%M UTC").to_string()))
            }
            Some(_) => Err(Failure::usage("--graceful lies in the past")
                .hinted("name the time when you will take the old value out")),
            None => Err(Failure::usage("--graceful is no time")
                .hinted("write it as 2026-11-27, 2026-11-27T16:00:00Z, 24h or 7d")),
        }
    }

    /// The files to take the value out of, where that is wanted.
    pub(super) fn contain(&self) -> Option<Containment> {
        let (manner, exposure) = (self.contain?, self.exposure.as_ref()?);
        Some(Containment {
            repository: PathBuf::from(&exposure.repository),
            paths: self.leaked_files.clone(),
            manner,
            spared: Vec::new(),
        })
    }

    pub(super) fn restore_leaked(&self) -> bool {
        self.restore_leaked
    }

    pub(super) fn exposed_since(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = &self.exposed_since else {
            return Ok(self.exposure.as_ref().and_then(Exposure::since));
        };
        match moment(text) {
            Some(time) if time <= Timestamp::now() => Ok(Some(time)),
            Some(_) => {
                Err(Failure::usage("--exposed-since lies in the future").hinted("give the time in UTC"))
            }
            None => Err(Failure::usage("--exposed-since is no time")
                .hinted("write it as 2026-11-20 or 2026-11-20T16:12:00Z")),
        }
    }

    pub(super) fn targets(&self, context: &Context) -> Result<Vec<Target>, Failure> {
        if self.target.is_empty() {
            return Err(Failure::usage("what this rotation was asked for was not remembered")
                .hinted("give --target and the other arguments as before"));
        }
        let env = |name: &str| context.env(name)?.into_string().ok().map(Secret::from);
        let mut reads = self.read_back.iter().cloned();
        let mut targets = Vec::with_capacity(self.target.len());
        for target in &self.target {
            let read_command = if target.starts_with("exec:") { reads.next() } else { None };
            let around = Surroundings {
                env: &env,
                read_command,
                graceful: self.graceful.is_some(),
                directory: self.target_directory.clone(),
                state: context.state_dir(),
            };
            targets.push(Target::parse(target, &around).map_err(|error| usage(&error))?);
        }
        if reads.next().is_some() {
            return Err(Failure::usage("there are more --read-back than exec: targets")
                .hinted("each --read-back belongs to one exec: target, in their order"));
        }
        Ok(targets)
    }

    pub(super) fn reload(&self, context: &Context) -> Result<Vec<Reload>, Failure> {
        let env = |name: &str| context.env(name)?.into_string().ok().map(Secret::from);
        let around =
            Surroundings { env: &env, read_command: None, graceful: false, directory: None, state: None };
        let limit = Duration::from_secs(self.reload_timeout.unwrap_or(SECONDS));
        let parse = |text: &String| Reload::parse(text, self.directory.clone(), limit, &around);
        self.reload.iter().map(parse).collect::<Result<_, _>>().map_err(|error| usage(&error))
    }

    pub(super) fn health(&self) -> Result<Option<Health>, Failure> {
        let limit = Duration::from_secs(self.health_timeout.unwrap_or(SECONDS));
        Ok(address(self.health.as_deref())?.map(|url| Health { url, limit }))
    }

    /// Whether a resumed rotation goes on without its probe, because the cookie was typed once and is gone.
    pub(super) fn lacks_cookie(&self, given_now: bool) -> bool {
        !given_now && self.probe_cookie_from.as_deref() == Some("stdin")
    }

    /// The same for the login.
    pub(super) fn lacks_login(&self, now: &Self) -> bool {
        self.canary.lacks_login(&now.canary)
    }

    pub(super) fn without_input(mut self, now: &Self) -> Self {
        self.canary = self.canary.without_input(&now.canary);
        self
    }

    pub(super) fn without_probe(self) -> Self {
        Self { probe: None, probe_cookie_from: None, canary: self.canary.without_probe(), ..self }
    }

    pub(super) fn probe(&self, is_resumed: bool, context: &Context) -> Result<Option<Probe>, Failure> {
        let url = address(self.probe.as_deref())?;
        self.canary.probe(url, self.probe_cookie_from.as_deref(), is_resumed, context)
    }

    pub(super) fn checks(&self) -> Result<Vec<Address>, Failure> {
        self.canary.checks()
    }

    pub(super) fn store(&self, context: &Context) -> Result<Option<StoreAccess>, Failure> {
        self.at.access(Options::default(), self.password_variable.as_deref(), context)
    }
}

pub(super) fn address(url: Option<&str>) -> Result<Option<Address>, Failure> {
    url.map(Address::new).transpose().map_err(|error| usage(&error))
}

pub(super) fn usage(error: &Error) -> Failure {
    failure(error, Exit::Usage)
}

/// A time, or the beginning of a day, in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse().ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(target: &str, store: Option<&str>, from: Option<&str>) -> Arguments {
        let text = |text: &str| Some(text.to_owned());
        let (store, store_from) = (store.and_then(text), from.and_then(text));
        let at = StoreArguments { store, store_from, ..StoreArguments::default() };
        Arguments { target: vec![target.to_owned()], at, ..Arguments::default() }
    }

    #[test]
    #[cfg(unix)]
    fn paths_mean_the_same_in_another_folder() {
        let here = absolute(".").unwrap().display().to_string();
        let full = given("env:a#b/.env#S", Some("sqlite:db"), Some("file:url")).in_full();
        assert_eq!(full.target[0], format!("env:{here}/a#b/.env#S"));
        assert_eq!(full.at.store.unwrap(), format!("sqlite:{here}/db"));
        assert_eq!(full.at.store_from.unwrap(), format!("file:{here}/url"));
        for text in ["nonsense", "env:#S", "env:x"] {
            assert_eq!(given(text, Some("postgres://a@b/c"), Some("env:URL")).in_full().target[0], text);
        }
    }

    #[test]
    fn what_is_given_now_takes_the_place_of_what_was_given_before() {
        let mut before = given("env:/a#S", None, Some("env:URL"));
        before.password_variable = Some("PGPASSWORD".to_owned());
        let meant = Arguments::default().or(before.clone());
        assert!(meant == before && !meant.is_empty());
        let meant = given("env:/b#S", Some("sqlite:/db"), None).or(before);
        assert_eq!((meant.target[0].as_str(), meant.at.store_from), ("env:/b#S", None));
        assert_eq!((meant.at.store.as_deref(), meant.password_variable), (Some("sqlite:/db"), None));
    }

    #[test]
    fn each_command_runs_in_the_folder_that_it_was_given_in() {
        let there = || Some(PathBuf::from("/there"));
        let mut before = given("exec:./put", None, None);
        before.reload = vec!["./reload".to_owned()];
        (before.directory, before.target_directory) = (there(), there());
        let folders = |now: Arguments| {
            let meant = now.or(before.clone());
            (meant.target_directory, meant.directory)
        };
        assert_eq!(folders(Arguments::default()), (there(), there()));
        assert_eq!(folders(given("exec:./put", None, None)), (None, there()));
        let reload = vec!["./reload".to_owned()];
        assert_eq!(folders(Arguments { reload, ..Arguments::default() }), (there(), None));
    }

    #[test]
    fn a_graceful_rotation_has_an_end() {
        let until = |text: &str, is_resumed| {
            let given = Arguments { graceful: Some(text.to_owned()), ..Arguments::default() };
            given.graceful(is_resumed).map(Option::unwrap).map_err(|failure| failure.message().to_owned())
        };
        assert_eq!(until("2999-01-02", false).unwrap(), "2999-01-02 00:00 UTC");
        for good in ["24h", "7d", "2999-01-02T03:04:05Z"] {
            assert!(until(good, false).unwrap().ends_with(" UTC"), "{good}");
        }
        for bad in ["", "whenever", "2020-01-01", "0d", "-7d", "7dd", "99999999999999999999d"] {
            assert!(until(bad, false).is_err(), "{bad}");
        }
        assert!(until("2020-01-01", true).is_ok(), "what was asked for then is past now");
    }
}
