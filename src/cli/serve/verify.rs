//! What `unleak serve` is told about forward-auth, and the verifier that it makes of that.

use crate::cli::store::StoreArguments;
use crate::cli::{Context, Failure, input};
use crate::exit::Exit;
use crate::rotate::StoreAccess;
use crate::secret::Secret;
use crate::serve::verify::{CookieForm, Settings, Verifier};
use crate::session::{Directory, Manager, Options, Pooling, UsersWanted};
use std::sync::Arc;
use std::time::Duration;

const HEADING: &str = "Forward-auth (/verify)";

/// How sessions are recognised, and what is done about those that are over.
#[derive(clap::Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct VerifyArguments {
    /// Where people sign in: a path of the application, or an address. Turns forward-auth on.
    #[arg(long, value_name = "PATH")]
    sign_in: Option<String>,
    /// The parameter of the sign-in that takes where people came from.
    #[arg(long, value_name = "NAME", default_value = "callbackUrl", requires = "sign_in")]
    return_parameter: String,
    /// A session cookie's name [default: what the framework calls it]; `__Secure-` and `__Host-` before it are tried as well.
    #[arg(long = "cookie", value_name = "NAME", requires = "sign_in")]
    cookies: Vec<String>,
    /// What the cookie holds [default: what the store's dialect says]: `authjs` and `nextauth` are encrypted tokens, `token` is the bare id of a row.
    #[arg(long, value_name = "FORM", requires = "sign_in", value_parser = form)]
    cookie_form: Option<CookieForm>,
    /// Where to read the secret that signs or encrypts the cookies: `file:PATH` or `env:VARIABLE`; a public key in PEM for RS256. Give the new one and the old one while a rotation is under way.
    #[arg(long = "cookie-secret-from", value_name = "SOURCE", requires = "sign_in")]
    cookie_secrets: Vec<String>,
    /// How many seconds a cookie is good that says when it was made and not when it ends (Flask, Django).
    #[arg(long, value_name = "SECONDS", requires = "sign_in")]
    cookie_max_age: Option<u64>,
    /// A domain whose cookies are cleared as well; those of the request's host always are.
    #[arg(long = "cookie-domain", value_name = "DOMAIN", requires = "sign_in", value_parser = domain)]
    domains: Vec<String>,
    /// A path whose cookies are cleared.
    #[arg(long = "cookie-path", value_name = "PATH", default_value = "/", requires = "sign_in", value_parser = path)]
    paths: Vec<String>,
    /// The database with the users, when it is not that of the sessions or when there are no sessions in any.
    #[arg(long, value_name = "URL", requires = "sign_in", conflicts_with = "users_store_from")]
    users_store: Option<String>,
    /// Where to read its whole address, with password: `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "SOURCE", requires = "sign_in")]
    users_store_from: Option<String>,
    /// Where a token or cookie holds the user's id, as `key.key`, when it is at no usual place.
    #[arg(long, value_name = "PATH", requires = "sign_in")]
    claim: Option<String>,
    /// Who must have issued a token (`iss`).
    #[arg(long, value_name = "ISSUER", requires = "sign_in")]
    jwt_issuer: Option<String>,
    /// Whom a token must be for (`aud`): one of these.
    #[arg(long = "jwt-audience", value_name = "AUDIENCE", requires = "sign_in")]
    jwt_audiences: Vec<String>,
    /// Do not look whether the user exists: a session that is alive is enough.
    #[arg(long, requires = "sign_in", conflicts_with_all = ["users_store", "users_store_from"])]
    no_users: bool,
    /// Let requests pass while the store cannot be reached, counted and logged; else they are answered 503. Cookies are never cleared then. A store that is merely busy is none that cannot be reached.
    #[arg(long, requires = "sign_in")]
    fail_open: bool,
    /// How many seconds a session that was verified is not asked about again.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "sign_in", value_parser = clap::value_parser!(u64).range(0..=5))]
    cache: u64,
}

impl VerifyArguments {
    /// Whether forward-auth was asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.sign_in.is_some()
    }

    /// The verifier; `None` when none was asked for. `sessions` is the store that was named, if any, and
    /// `users` what is known about the users table.
    pub(super) async fn verifier(
        &self,
        sessions: Option<&StoreAccess>,
        users: UsersWanted,
        context: &Context,
    ) -> Result<Option<Arc<Verifier>>, Failure> {
        let Some(sign_in) = &self.sign_in else { return Ok(None) };
        let wanted = (!self.no_users).then_some(users);
        let directory = self.directory(sessions, wanted.as_ref(), context).await?;
        let beside = wanted.as_ref().filter(|_| directory.is_none());
        let manager = self.manager(sessions, beside).await?;
        let dialect = manager.as_ref().map(Manager::dialect);
        let settings = self.settings(sign_in, dialect, context)?;
        let has_users = directory.is_some() || manager.as_ref().is_some_and(|m| m.directory().is_some());
        if settings.users && !has_users {
            return Err(Failure::usage("no database with the users was named, so a session of a deleted user would go unnoticed")
                .hinted("give --users-store postgres://USER@HOST/DB, or --no-users when a session that is alive is enough"));
        }
        if let Some(manager) = manager.as_ref().filter(|m| settings.users && !m.tells_users()) {
            return Err(Failure::usage(format!(
                "sessions of {} do not tell whose they are",
                manager.dialect()
            ))
            .hinted("say where the payload holds the user's id with --user-path, or give --no-users"));
        }
        Ok(Some(Verifier::new(settings, manager, directory)))
    }

    /// The users' own database, or the one that was named where the sessions are in their cookies.
    async fn directory(
        &self,
        sessions: Option<&StoreAccess>,
        wanted: Option<&UsersWanted>,
        context: &Context,
    ) -> Result<Option<Directory>, Failure> {
        let at = StoreArguments {
            store: self.users_store.clone(),
            store_from: self.users_store_from.clone(),
            ..StoreArguments::default()
        };
        let access = at.access(Options::default(), None, context)?;
        let own = sessions.filter(|_| self.cookie_form.is_some_and(|form| !form.needs_store()));
        let (Some(access), Some(wanted)) = (access.as_ref().or(own), wanted) else { return Ok(None) };
        access.directory(Pooling::default(), wanted).await.map(Some).map_err(|error| failure(&error))
    }

    /// The sessions, where cookies only name them. Users are looked for beside them when no other place was named.
    async fn manager(
        &self,
        sessions: Option<&StoreAccess>,
        users: Option<&UsersWanted>,
    ) -> Result<Option<Manager>, Failure> {
        if self.cookie_form.is_some_and(|form| !form.needs_store()) {
            return Ok(None);
        }
        let access = sessions.ok_or_else(|| {
            Failure::usage("no session store was named")
                .hinted("give --store, or --cookie-form for sessions that are in the cookie itself")
        })?;
        access.manager(Pooling::default(), users).await.map(Some).map_err(|error| failure(&error))
    }

    fn settings(&self, sign_in: &str, dialect: Option<&str>, context: &Context) -> Result<Settings, Failure> {
        let usual = dialect.and_then(CookieForm::of_dialect);
        let form = self.cookie_form.or(usual.map(|(form, _)| form)).ok_or_else(|| {
            Failure::usage("nobody knows what the session cookies hold").hinted("say it with --cookie-form")
        })?;
        let mut settings = Settings::new(form);
        if let Some((_, names)) = usual.filter(|(usual, _)| *usual == form) {
            settings.names = names.iter().map(|&name| name.to_owned()).collect();
        }
        if !self.cookies.is_empty() {
            settings.names.clone_from(&self.cookies);
        }
        if settings.names.is_empty() {
            return Err(Failure::usage("nobody knows how the session cookie is called")
                .hinted("say it with --cookie NAME"));
        }
        if sign_in.contains(|c: char| !c.is_ascii_graphic()) || !is_address(sign_in) {
            return Err(Failure::usage("the sign-in is neither a path nor an address")
                .hinted("write it as /signin or https://login.example.com/"));
        }
        sign_in.clone_into(&mut settings.sign_in);
        settings.return_parameter.clone_from(&self.return_parameter);
        settings.secrets = self.secrets(form, context)?;
        settings.user_path.clone_from(&self.claim);
        settings.issuer.clone_from(&self.jwt_issuer);
        settings.audiences.clone_from(&self.jwt_audiences);
        if (settings.issuer.is_some() || !settings.audiences.is_empty()) && !form.has_claims() {
            return Err(Failure::usage(
                "--jwt-issuer and --jwt-audience are about tokens, and these cookies hold none",
            )
            .hinted("leave them away, or say --cookie-form jwt"));
        }
        settings.max_age = self.cookie_max_age.map(Duration::from_secs).or(settings.max_age);
        settings.domains.clone_from(&self.domains);
        settings.paths.clone_from(&self.paths);
        settings.users = !self.no_users;
        settings.fail_open = self.fail_open;
        settings.cache = Duration::from_secs(self.cache);
        Ok(settings)
    }

    fn secrets(&self, form: CookieForm, context: &Context) -> Result<Vec<Secret>, Failure> {
        let read = |source: &String| input::secret(source, context);
        let secrets = self.cookie_secrets.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if secrets.iter().any(Secret::is_empty) {
            return Err(Failure::usage("a source of --cookie-secret-from is empty")
                .hinted("check the variable or the file: everybody could sign with nothing"));
        }
        if form.needs_secret() && secrets.is_empty() {
            return Err(Failure::usage("the cookies cannot be checked without the secret that signs them")
                .hinted("say where it is with --cookie-secret-from env:SESSION_SECRET or file:PATH"));
        }
        if form == CookieForm::Jwt
            && secrets.iter().any(|secret| crate::cookie::JwtKey::new(secret).is_none())
        {
            return Err(Failure::usage("a key of --cookie-secret-from is neither an RSA public key in PEM nor a secret")
                .hinted("RS256 wants the public key in PEM (openssl rsa -pubout); DER, JWK and ssh-rsa are public keys in other forms"));
        }
        Ok(secrets)
    }
}

fn is_address(text: &str) -> bool {
    let path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    path || text.starts_with("https://") || text.starts_with("http://")
}

fn form(name: &str) -> Result<CookieForm, String> {
    CookieForm::named(name).ok_or_else(|| {
        let names: Vec<_> = CookieForm::NAMES.iter().map(|(name, _)| *name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

fn domain(text: &str) -> Result<String, String> {
    let is_name =
        text.contains('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if is_name {
        Ok(text.trim_start_matches('.').to_owned())
    } else {
        Err("write it as example.com".to_owned())
    }
}

fn path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic() && c != ';');
    if is_path { Ok(text.to_owned()) } else { Err("write it as /path".to_owned()) }
}

fn failure(error: &crate::session::Error) -> Failure {
    let failure = Failure::from_error(error, Exit::Usage);
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}
