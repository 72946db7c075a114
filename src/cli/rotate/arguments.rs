//! What was typed to say which rotation is meant: remembered with it, so that `--resume ID` needs nothing else.

use super::super::{Context, Failure};
use super::{failure, input};
use crate::exit::Exit;
use crate::rotate::{
    Address, Custom, Error, Exposure, Format, Health, Probe, Reload, Severity, Shape, StoreAccess,
    Surroundings, Target,
};
use crate::secret::Secret;
use crate::session::Options;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

/// How long a reload or the wait for health may take.
const SECONDS: u64 = 60;

#[derive(clap::Args, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Arguments {
    /// Where the secret lives, for example `env:PATH#NAME`; all kinds are listed below. May be given several times: every target gets the same new value, or none does.
    #[arg(long, value_name = "TARGET", required_unless_present_any = ["resume", "abort"])]
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
    /// Keep the old value in fallback lists (`SECRET_KEY_FALLBACKS`, `APP_PREVIOUS_KEYS`) until the time that you name here, so that nobody is logged out. Not for a value that has leaked: whoever has it stays able to use it.
    #[arg(long, value_name = "UNTIL", conflicts_with_all = ["store", "store_from", "probe"])]
    graceful: Option<String>,
    /// Let Ctrl-C and --abort put the old value back although the application runs with the new one already. Whoever has the leaked value can use it again then.
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
    /// The session store, without a password: `postgres://USER@HOST/DB`, `mysql://USER@HOST/DB`, `redis://HOST/DB` (`rediss:` with TLS; `redis+sentinel://HOST/SERVICE/DB`; a cluster by some of its nodes, with commas) or `sqlite:PATH`.
    #[arg(long, value_name = "URL", conflicts_with = "store_from")]
    store: Option<String>,
    /// Where to read the session store's whole address, with password: `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "SOURCE")]
    store_from: Option<String>,
    /// A file that holds the store's password; else UNLEAK_STORE_PASSWORD is used, or what the store's own client reads: PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH.
    #[arg(long, value_name = "FILE")]
    store_password_file: Option<PathBuf>,
    /// The form of the session table or of the keys in Redis, when it should not be detected.
    #[arg(long)]
    dialect: Option<String>,
    /// The session table, or the prefix of the keys in Redis, when it should not be detected.
    #[arg(long)]
    table: Option<String>,
    /// An address that only a logged-in user can see; needs --probe-cookie-from.
    #[arg(long, value_name = "URL")]
    probe: Option<String>,
    /// Where to read a live session's cookie, as `name=value`: `file:PATH`, `env:VARIABLE` or `stdin`.
    #[arg(long, value_name = "SOURCE")]
    pub(super) probe_cookie_from: Option<String>,
    /// How bad the incident is [default: P0].
    #[arg(long, value_enum)]
    severity: Option<Severity>,
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
        if let Some(rest) = self.store.as_deref().and_then(|store| store.strip_prefix("sqlite:")) {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if !path.is_empty() && path != ":memory:" {
                self.store = Some(format!("sqlite:{}", full(path)));
            }
        }
        for source in [&mut self.store_from, &mut self.probe_cookie_from].into_iter().flatten() {
            if let Some(path) = source.strip_prefix("file:").filter(|path| !path.is_empty()) {
                *source = format!("file:{}", full(path));
            }
        }
        self.store_password_file = self.store_password_file.map(|path| absolute(&path).unwrap_or(path));
        self
    }

    /// What was typed now, and what was typed before where nothing was typed now.
    pub(super) fn or(self, before: Self) -> Self {
        let new_store = self.store.is_some() || self.store_from.is_some();
        let (new_target, new_reload) = (!self.target.is_empty(), !self.reload.is_empty());
        let new_password = new_store || self.store_password_file.is_some();
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
            store: self.store.or(before.store.filter(|_| !new_store)),
            store_from: self.store_from.or(before.store_from.filter(|_| !new_store)),
            store_password_file: self.store_password_file.or(before.store_password_file),
            dialect: self.dialect.or(before.dialect),
            table: self.table.or(before.table),
            probe: self.probe.or(before.probe),
            probe_cookie_from: self.probe_cookie_from.or(before.probe_cookie_from),
            severity: self.severity.or(before.severity),
            exposure: self.exposure.or(before.exposure),
            password_variable: before.password_variable.filter(|_| !new_password),
        }
    }

    /// For taking back: the store and the probe have no part in it, and a store that is down must not stop it.
    pub(super) fn without_purge(self) -> Self {
        Self { store: None, store_from: None, probe: None, probe_cookie_from: None, ..self }
    }

    /// The text to remember: where passwords and cookies come from, and none of them. `None` for paths that are no
    /// text.
    pub(super) fn to_memo(&self, context: &Context) -> Option<Secret> {
        let mut memo = self.clone();
        if self.store_password_file.is_none()
            && let Some(url) = self.store.as_ref().filter(|url| !url.starts_with("sqlite:"))
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

    pub(super) fn graceful(&self) -> Option<String> {
        self.graceful.clone()
    }

    pub(super) fn restore_leaked(&self) -> bool {
        self.restore_leaked
    }

    pub(super) fn exposed_since(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = &self.exposed_since else {
            return Ok(self.exposure.as_ref().and_then(Exposure::since));
        };
        let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
        let time = text.parse::<Timestamp>().ok().or_else(day);
        match time {
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
        let around = Surroundings { env: &env, read_command: None, graceful: false, directory: None };
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

    pub(super) fn without_probe(self) -> Self {
        Self { probe: None, probe_cookie_from: None, ..self }
    }

    pub(super) fn probe(&self, context: &Context) -> Result<Option<Probe>, Failure> {
        match (address(self.probe.as_deref())?, &self.probe_cookie_from) {
            (Some(url), Some(source)) => {
                Probe::new(url, &input::secret(source, context)?).map(Some).map_err(|error| usage(&error))
            }
            (Some(_), None) => Err(Failure::usage("--probe needs a live session's cookie")
                .hinted("say where to read it with --probe-cookie-from")),
            (None, Some(_)) => Err(Failure::usage("--probe-cookie-from is of no use without --probe")
                .hinted("give --probe, an address that only a logged-in user can see")),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn store(&self, context: &Context) -> Result<Option<StoreAccess>, Failure> {
        let text = match (&self.store, &self.store_from) {
            (Some(url), _) => Secret::from(url.clone()),
            (None, Some(source)) => input::secret(source, context)?,
            (None, None) => return Ok(None),
        };
        let url = std::str::from_utf8(text.expose()).map_err(|_| {
            Failure::usage("the store's address is not text").hinted("check the source of --store-from")
        })?;
        let options = Options {
            password: self.password(url, context)?,
            table: self.table.clone(),
            dialect: self.dialect.clone(),
            ..Options::default()
        };
        let access = StoreAccess::new(url.trim(), options).map_err(|error| usage(&error))?;
        if self.store.is_some() && access.url_has_password() {
            return Err(Failure::usage("the store's address holds a password, which every user of this machine can read in the process list")
                .hinted("leave it out of --store and set UNLEAK_STORE_PASSWORD, or use --store-password-file or --store-from env:VARIABLE"));
        }
        Ok(Some(access))
    }

    /// The store's password: from the file, else from the environment.
    fn password(&self, url: &str, context: &Context) -> Result<Option<Secret>, Failure> {
        if let Some(path) = &self.store_password_file {
            return input::file(path).map(Some);
        }
        let found = input::password_variable(context, url).map(|(_, password)| password);
        match (&self.password_variable, &found) {
            (Some(name), None) => Err(Failure::usage(format!(
                "the store's password came from the environment variable {name}, which is not set now"
            ))
            .hinted("passwords are not remembered: set it again, or give --store-password-file")),
            _ => Ok(found),
        }
    }
}

fn address(url: Option<&str>) -> Result<Option<Address>, Failure> {
    url.map(Address::new).transpose().map_err(|error| usage(&error))
}

fn usage(error: &Error) -> Failure {
    failure(error, Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(target: &str, store: Option<&str>, from: Option<&str>) -> Arguments {
        let text = |text: &str| Some(text.to_owned());
        let (store, store_from) = (store.and_then(text), from.and_then(text));
        Arguments { target: vec![target.to_owned()], store, store_from, ..Arguments::default() }
    }

    #[test]
    #[cfg(unix)]
    fn paths_mean_the_same_in_another_folder() {
        let here = absolute(".").unwrap().display().to_string();
        let full = given("env:a#b/.env#S", Some("sqlite:db"), Some("file:url")).in_full();
        assert_eq!(full.target[0], format!("env:{here}/a#b/.env#S"));
        assert_eq!(full.store.unwrap(), format!("sqlite:{here}/db"));
        assert_eq!(full.store_from.unwrap(), format!("file:{here}/url"));
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
        assert_eq!((meant.target[0].as_str(), meant.store_from), ("env:/b#S", None));
        assert_eq!((meant.store.as_deref(), meant.password_variable), (Some("sqlite:/db"), None));
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
}
