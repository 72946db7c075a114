//! The verdict on a request's cookies: whose session it is, or why it is none.

use super::Settings;
use super::cache::Cache;
use super::form::{Credential, Opener, Rules};
use super::gate::{Gate, Trouble};
use super::metrics::Metrics;
use crate::cookie::Cookie;
use crate::serve::LOG;
use crate::session::{Directory, Error, Found, Manager, Session, Standing};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far the clocks of two machines may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(15);

/// No verdict holds longer.
const LONGEST: Duration = Duration::from_secs(5);

/// So many cookies of one name are looked at: a browser sends one for each path and domain.
const MOST: usize = 4;

/// So many cookies and pieces of them are looked at in all.
const PIECES: usize = 64;

/// Who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's id; empty where sessions do not tell and need not.
    pub user: String,
    /// When the session ends, where that is known.
    pub expires: Option<Timestamp>,
    /// Whether anybody looked. Only with [`Settings::fail_open`] somebody gets in who was not verified.
    pub verified: bool,
}

/// Why a session is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No secret opens the cookie: it is forged, damaged, or of a secret that was rotated.
    Invalid,
    /// The session has ended, or has not begun.
    Expired,
    /// The store does not have it.
    UnknownSession,
    /// Sessions of several users have its token.
    SharedToken,
    /// The request has session cookies of several users, and which of them the application reads is unknown.
    Ambiguous,
    /// It is nobody's: its holder has not signed in.
    Anonymous,
    /// Its user does not exist.
    UnknownUser,
    /// Its user is disabled or marked as deleted.
    DisabledUser,
}

impl Reason {
    /// The value of `X-Session-Reason`, which proxies may depend on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::UnknownSession => "unknown-session",
            Self::SharedToken => "shared-token",
            Self::Ambiguous => "ambiguous",
            Self::Anonymous => "anonymous",
            Self::UnknownUser => "unknown-user",
            Self::DisabledUser => "disabled-user",
        }
    }

    /// Whether an application that does not look after its users would take the cookie all the same.
    fn is_ours_alone(self) -> bool {
        matches!(self, Self::SharedToken | Self::Ambiguous | Self::UnknownUser | Self::DisabledUser)
    }

    /// Whether the cookie is of no use any more. That of a visitor who has not signed in is.
    pub fn clears(self) -> bool {
        self != Self::Anonymous
    }
}

/// What a request's cookies are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A session that is alive, of a user who exists.
    Valid(Identity),
    /// There is no session cookie.
    Absent,
    /// There is one, and it is no session.
    Refused(Reason),
    /// The store could not be asked.
    Unavailable,
    /// So many are verified at a time that the store was not asked.
    Overloaded,
    /// The store refuses the question, as while its tables are made anew. It is there, so this is no outage.
    Unanswered,
}

impl Verdict {
    /// Its name in metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Valid(_) => "valid",
            Self::Absent => "no-cookie",
            Self::Refused(reason) => reason.name(),
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Unanswered => "unanswered",
        }
    }
}

/// Judges cookies by the store and the users of an application.
#[derive(Debug)]
pub struct Verifier {
    pub(super) settings: Settings,
    pub(super) metrics: Metrics,
    manager: Option<Manager>,
    directory: Option<Directory>,
    cache: Option<Cache>,
    openers: Vec<Opener>,
    gate: Gate,
}

impl Verifier {
    /// A verifier by the sessions of `manager`, where cookies only name them, and the users of `directory`, else those
    /// that the manager has found.
    pub fn new(settings: Settings, manager: Option<Manager>, directory: Option<Directory>) -> Arc<Self> {
        let keep = settings.cache.min(LONGEST);
        let cache = if keep.is_zero() { None } else { Cache::new(keep) };
        let openers = settings.form.openers(&settings.secrets);
        let pools =
            [manager.as_ref().map(Manager::connections), directory.as_ref().map(Directory::connections)];
        let gate = Gate::new(pools.into_iter().flatten().min().unwrap_or(1));
        Arc::new(Self { settings, metrics: Metrics::default(), manager, directory, cache, openers, gate })
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The verdict on all cookies of a request.
    pub async fn check(&self, cookies: &[Cookie]) -> Verdict {
        let started = Instant::now();
        let verdict = self.judge(cookies).await;
        self.metrics.verified(&verdict, started.elapsed());
        verdict
    }

    /// The verdict on all of them together: nobody knows which one the application reads, so one that is alive must not
    /// vouch for another that the application would take. What it refuses itself may be of a neighbour, or left over.
    async fn judge(&self, cookies: &[Cookie]) -> Verdict {
        let settings = &self.settings;
        if cookies.iter().any(|cookie| settings.is_strange(&cookie.name)) {
            return Verdict::Refused(Reason::Ambiguous);
        }
        let ours: Vec<Cookie> = { cookies.iter() }
            .filter(|cookie| settings.is_session(&cookie.name))
            .take(PIECES + 1)
            .cloned()
            .collect();
        let mut given = settings.read(&ours);
        given.retain(|cookie| !cookie.value.is_empty());
        if ours.len() > PIECES || given.len() > MOST {
            return Verdict::Refused(Reason::Invalid);
        }
        let lax = |cookie: &Cookie| {
            Some(Cookie { name: cookie.name.clone(), value: settings.laxly(&cookie.value)? })
        };
        let laxly: Vec<Cookie> = given.iter().filter_map(lax).collect();
        given.extend(laxly);
        let mut verdict = Verdict::Absent;
        for cookie in &given {
            let next = match self.judge_one(cookie).await {
                Ok(next) => next,
                Err(trouble) => return self.unverified(&trouble),
            };
            verdict = match (verdict, next) {
                (Verdict::Absent, next) => next,
                (Verdict::Valid(one), Verdict::Valid(other)) if one.user == other.user => Verdict::Valid(one),
                (Verdict::Valid(_), Verdict::Valid(_)) => Verdict::Refused(Reason::Ambiguous),
                (Verdict::Refused(grave), _) | (_, Verdict::Refused(grave)) if grave.is_ours_alone() => {
                    Verdict::Refused(grave)
                }
                (valid @ Verdict::Valid(_), _) | (_, valid @ Verdict::Valid(_)) => valid,
                (refused, _) => refused,
            };
        }
        verdict
    }

    /// Nobody is logged out by a store that gives no answer, unless it is the cookie's value that it cannot take.
    fn unverified(&self, trouble: &Trouble) -> Verdict {
        self.metrics.failed();
        let (verdict, why) = match trouble {
            Trouble::Busy => (Verdict::Overloaded, "too many are verified at a time".to_owned()),
            Trouble::Late => (Verdict::Unavailable, "the store did not answer in time".to_owned()),
            Trouble::Store(error) if error.is_outage() => (Verdict::Unavailable, error.to_string()),
            Trouble::Store(error) if error.is_of_value() => return Verdict::Refused(Reason::Invalid),
            Trouble::Store(error) => (Verdict::Unanswered, error.to_string()),
        };
        if self.gate.is_news() {
            tracing::warn!(target: LOG, reason = why, "sessions cannot be verified");
        }
        verdict
    }

    async fn judge_one(&self, cookie: &Cookie) -> Result<Verdict, Trouble> {
        // What is learnt from here on is true as of now, however long the answers take.
        let asked = Instant::now();
        let known = self.cache.as_ref().map(|cache| cache.key(&cookie.name, &cookie.value));
        if let (Some(cache), Some(key)) = (&self.cache, &known)
            && let Some(identity) = cache.get(key)
        {
            self.metrics.hit();
            return Ok(Verdict::Valid(identity));
        }
        let verdict = match self.open(cookie) {
            None => Verdict::Refused(Reason::Invalid),
            Some(Credential::Token(token)) => self.gate.pass(Box::pin(self.judge_token(&token))).await?,
            Some(Credential::Claims { user, expires, begins }) => {
                let now = Timestamp::now();
                let over = expires.is_some_and(|expires| expires <= now - TOLERANCE);
                if over || begins.is_some_and(|begins| begins > now + TOLERANCE) {
                    Verdict::Refused(Reason::Expired)
                } else {
                    self.gate.pass(Box::pin(self.judge_user(user, expires))).await?
                }
            }
        };
        if let (Some(cache), Some(key), Verdict::Valid(identity)) = (&self.cache, known, &verdict) {
            cache.put(key, asked, identity);
        }
        Ok(verdict)
    }

    /// What the cookie stands for by any of the secrets.
    fn open(&self, cookie: &Cookie) -> Option<Credential> {
        let Settings { user_path, max_age, issuer, audiences, .. } = &self.settings;
        let (user_path, issuer) = (user_path.as_deref(), issuer.as_deref());
        let rules = Rules { user_path, max_age: *max_age, issuer, audiences };
        self.openers.iter().find_map(|opener| opener.open(&cookie.name, &cookie.value, &rules))
    }

    async fn judge_token(&self, token: &crate::secret::Secret) -> Result<Verdict, Error> {
        // Without a store no token is known.
        let Some(manager) = &self.manager else { return Ok(Verdict::Refused(Reason::UnknownSession)) };
        // Users of another database are asked for there.
        let (found, standing) = if self.settings.users && self.directory.is_none() {
            manager.get_with_standing(token).await?
        } else {
            (manager.get(token).await?, None)
        };
        match (found, standing) {
            (Found::Nothing, _) => Ok(Verdict::Refused(Reason::UnknownSession)),
            (Found::Shared, _) => Ok(Verdict::Refused(Reason::SharedToken)),
            (Found::Session(session), _) if !session.is_active() => Ok(Verdict::Refused(Reason::Expired)),
            (Found::Session(Session { user: Some(user), expires, .. }), Some(standing)) => {
                Ok(by_standing(standing, user, expires))
            }
            (Found::Session(session), _) => self.judge_user(session.user, session.expires).await,
        }
    }

    /// Whether a session that names nobody is one of a visitor. Where no session can tell, only the operator knows, who
    /// must have said that users do not matter.
    fn tells_users(&self) -> bool {
        self.settings.users || self.manager.as_ref().is_none_or(Manager::tells_users)
    }

    async fn judge_user(&self, user: Option<String>, expires: Option<Timestamp>) -> Result<Verdict, Error> {
        let Some(user) = user.or_else(|| (!self.tells_users()).then(String::new)) else {
            return Ok(Verdict::Refused(Reason::Anonymous));
        };
        if !self.settings.users {
            return Ok(Verdict::Valid(Identity { user, expires, verified: true }));
        }
        let beside = || self.manager.as_ref().and_then(Manager::directory);
        let Some(directory) = self.directory.as_ref().or_else(beside) else {
            return Ok(Verdict::Refused(Reason::UnknownUser));
        };
        let standing = match directory.get(&user).await? {
            None => Standing::Absent,
            Some(account) if !account.enabled => Standing::Disabled,
            Some(_) => Standing::Enabled,
        };
        Ok(by_standing(standing, user, expires))
    }
}

fn by_standing(standing: Standing, user: String, expires: Option<Timestamp>) -> Verdict {
    match standing {
        Standing::Absent => Verdict::Refused(Reason::UnknownUser),
        Standing::Disabled => Verdict::Refused(Reason::DisabledUser),
        Standing::Enabled => Verdict::Valid(Identity { user, expires, verified: true }),
    }
}
