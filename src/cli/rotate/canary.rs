//! The arguments that say by which sessions a rotation is proved: given, logged in, forged.

use super::super::input;
use super::super::{Context, Failure};
use super::arguments::{address, usage};
use crate::rotate::{Address, Forge, Forgery, Login, Probe};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

const STDIN: &str = "stdin";

/// Reads what a source holds, where one is named.
type Reader<'a> = &'a dyn Fn(Option<&str>) -> Result<Option<Secret>, Failure>;

#[derive(clap::Args, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CanaryArguments {
    /// An address to log a test account in at, before and after: the first session must be dead at the end, and the second one shows that a new login works.
    #[arg(long, value_name = "URL")]
    login: Option<String>,
    /// Where to read what the login sends, JSON or a form with name and password: `file:PATH`, `env:VARIABLE` or `stdin`. `{{csrf}}` in it stands for the token of --login-page.
    #[arg(long, value_name = "SOURCE")]
    login_from: Option<String>,
    /// A page to get before the login, which sets cookies or gives out a token against forged requests.
    #[arg(long, value_name = "URL")]
    login_page: Option<String>,
    /// Make a cookie with the old value, as whoever has it would: accepted before, it must be refused afterwards. It says what the live session's cookie says.
    #[arg(long, value_enum, value_name = "KIND")]
    forge: Option<Forgery>,
    /// Where to read what the forged cookie says, without a live session: claims or session as JSON, or a session's id. For Django, `password` in it stands for the user's password column.
    #[arg(long, value_name = "SOURCE")]
    forge_from: Option<String>,
    /// The name of the cookie to forge, where it is not the framework's own.
    #[arg(long, value_name = "NAME")]
    forge_name: Option<String>,
    /// An address that must answer afterwards as it did before, with a status of the same hundred: a worker's, a queue's. May be given several times.
    #[arg(long, value_name = "URL")]
    #[serde(default)]
    check: Vec<String>,
}

impl CanaryArguments {
    /// With every path in full.
    pub(super) fn in_full(&mut self, full: &dyn Fn(&str) -> String) {
        for source in [&mut self.login_from, &mut self.forge_from].into_iter().flatten() {
            if let Some(path) = source.strip_prefix("file:").filter(|path| !path.is_empty()) {
                *source = format!("file:{}", full(path));
            }
        }
    }

    /// What was typed now, and what was typed before where nothing was typed now.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            login: self.login.or(before.login),
            login_from: self.login_from.or(before.login_from),
            login_page: self.login_page.or(before.login_page),
            forge: self.forge.or(before.forge),
            forge_from: self.forge_from.or(before.forge_from),
            forge_name: self.forge_name.or(before.forge_name),
            check: if self.check.is_empty() { before.check } else { self.check },
        }
    }

    /// What is left when there is no probe.
    pub(super) fn without_probe(self) -> Self {
        Self { check: self.check, ..Self::default() }
    }

    /// Whether the login cannot be done again in a resumed rotation, because it was typed once and is gone.
    pub(super) fn lacks_login(&self, now: &Self) -> bool {
        now.login_from.is_none() && self.login_from.as_deref() == Some(STDIN)
    }

    /// For a resumed rotation: what came from standard input is not read again. The cookies that were made are kept.
    pub(super) fn without_input(mut self, now: &Self) -> Self {
        if self.lacks_login(now) {
            (self.login, self.login_from, self.login_page) = (None, None, None);
        }
        if now.forge_from.is_none() && self.forge_from.as_deref() == Some(STDIN) {
            self.forge_from = None;
        }
        self
    }

    pub(super) fn probe(
        &self,
        url: Option<Address>,
        cookie_from: Option<&str>,
        is_resumed: bool,
        context: &Context,
    ) -> Result<Option<Probe>, Failure> {
        let Some(url) = url else { return self.refuse_without_probe(cookie_from) };
        let inputs = [cookie_from, self.login_from.as_deref(), self.forge_from.as_deref()];
        if inputs.into_iter().flatten().filter(|source| *source == STDIN).count() > 1 {
            return Err(Failure::usage("standard input can be read only once")
                .hinted("name files or environment variables for the others"));
        }
        let read = |source: Option<&str>| source.map(|source| input::secret(source, context)).transpose();
        let cookie = read(cookie_from)?;
        let (login, forge) = (self.login(&read)?, self.forge(&read)?);
        let has_contents = forge.as_ref().is_some_and(|forge| forge.contents.is_some());
        if cookie.is_none() && login.is_none() && !has_contents && !is_resumed {
            return Err(Failure::usage("--probe needs a live session's cookie")
                .hinted("say where to read it with --probe-cookie-from, or how to get one with --login"));
        }
        Probe::of(url, cookie.as_ref(), login, forge).map(Some).map_err(|error| usage(&error))
    }

    fn refuse_without_probe(&self, cookie_from: Option<&str>) -> Result<Option<Probe>, Failure> {
        let given = [
            ("--probe-cookie-from", cookie_from.is_some()),
            ("--login", self.login.is_some()),
            ("--login-from", self.login_from.is_some()),
            ("--forge", self.forge.is_some()),
            ("--forge-from", self.forge_from.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(Failure::usage(format!("{name} is of no use without --probe"))
                .hinted("give --probe, an address that only a logged-in user can see")),
            None => Ok(None),
        }
    }

    fn login(&self, read: Reader<'_>) -> Result<Option<Login>, Failure> {
        let page = address(self.login_page.as_deref())?;
        match (address(self.login.as_deref())?, read(self.login_from.as_deref())?) {
            (Some(url), Some(body)) => Login::new(url, page, body).map(Some).map_err(|error| usage(&error)),
            (Some(_), None) => Err(Failure::usage("--login needs what it should send")
                .hinted("say where to read name and password with --login-from")),
            (None, Some(_)) => {
                Err(Failure::usage("--login-from is of no use without --login").hinted("give --login"))
            }
            (None, None) => Ok(None),
        }
    }

    fn forge(&self, read: Reader<'_>) -> Result<Option<Forge>, Failure> {
        let contents = read(self.forge_from.as_deref())?;
        match self.forge {
            Some(kind) => {
                Forge::new(kind, contents, self.forge_name.clone()).map(Some).map_err(|error| usage(&error))
            }
            None if contents.is_some() || self.forge_name.is_some() => {
                Err(Failure::usage("--forge-from and --forge-name are of no use without --forge")
                    .hinted("give --forge, the framework that reads the cookie"))
            }
            None => Ok(None),
        }
    }

    pub(super) fn checks(&self) -> Result<Vec<Address>, Failure> {
        self.check.iter().map(|url| Address::new(url).map_err(|error| usage(&error))).collect()
    }
}
