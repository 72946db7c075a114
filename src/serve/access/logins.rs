//! Logins of the page: a random cookie whose hash is kept here, in memory, for a short time.
//!
//! The cookie's name begins with `__Host-` where the browser speaks TLS, which ties it to this host and to `Secure`.
//! On plain HTTP over loopback a browser would drop such a cookie, so there it has the bare name.
//!
//! A browser sends a host's cookies to every port of it. So the cookie is worth nothing by itself: each login has a
//! folder with a random name, below which alone it holds, and which no other port gets to see.

use crate::secret::FingerprintKey;
use crate::serve::Error;
use crate::token::TokenInfo;
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;

/// How long a login lasts at most.
const LIFE: Duration = Duration::from_hours(8);
/// How long it lasts without a request.
const IDLE: Duration = Duration::from_mins(30);
/// More at a time are not kept; the one that was idle for longest goes.
const MOST: usize = 1000;
/// Of one token no more than these, so that it cannot push out all others.
const OF_ONE: usize = 16;

type Digest = [u8; 32];

/// Who is logged in.
pub(in crate::serve) struct Logins {
    secure: bool,
    all: Mutex<HashMap<Digest, Login>>,
}

/// Below this each login has its folder.
pub(in crate::serve) const CONSOLE: &str = "/console";

/// One login.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Login {
    /// The token's name.
    pub(in crate::serve) name: String,
    /// The SHA-256 of the token: another one of the same name is not this one.
    pub(in crate::serve) token: String,
    /// What an unsafe request must carry.
    pub(in crate::serve) csrf: String,
    /// The name of its folder.
    door: String,
    begun: Instant,
    used: Instant,
}

impl Login {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.begun) > LIFE || now.duration_since(self.used) > IDLE
    }
}

impl Logins {
    /// `secure` says that browsers reach this server by TLS.
    pub(in crate::serve) fn new(secure: bool) -> Self {
        Self { secure, all: Mutex::default() }
    }

    /// Logs somebody in and gives the header that sets the cookie, and the folder of this login.
    pub(in crate::serve) fn begin(&self, by: &TokenInfo) -> Result<(HeaderValue, String), Error> {
        let (cookie, csrf, door) = (random()?, random()?, random()?);
        let folder = format!("{CONSOLE}/{door}");
        let now = Instant::now();
        let mut all = self.lock();
        all.retain(|_, login| !login.is_over(now));
        make_room(&mut all, OF_ONE, |login| login.token == by.digest());
        make_room(&mut all, MOST, |_| true);
        let (name, token) = (by.name.clone(), by.digest().to_owned());
        all.insert(digest(&cookie), Login { name, token, csrf, door, begun: now, used: now });
        Ok((self.header(&cookie, LIFE), folder))
    }

    /// The login that a request for this path belongs to.
    pub(in crate::serve) fn find(&self, headers: &HeaderMap, path: &str) -> Option<Login> {
        let door = path.strip_prefix(CONSOLE)?.strip_prefix('/')?.split('/').next()?;
        let digest = digest(self.cookie(headers)?);
        let now = Instant::now();
        let mut all = self.lock();
        let login = all.get_mut(&digest)?;
        bool::from(login.door.as_bytes().ct_eq(door.as_bytes())).then_some(())?;
        if login.is_over(now) {
            all.remove(&digest);
            return None;
        }
        login.used = now;
        Some(login.clone())
    }

    /// Ends the login of a request and gives the header that clears the cookie.
    pub(in crate::serve) fn end(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(cookie) = self.cookie(headers) {
            self.lock().remove(&digest(cookie));
        }
        self.header("", Duration::ZERO)
    }

    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)
    }

    fn name(&self) -> &'static str {
        if self.secure { "__Host-unleak" } else { "unleak" }
    }

    fn header(&self, value: &str, life: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
            self.name(),
            life.as_secs()
        );
        HeaderValue::from_str(&text).expect("a cookie of ours is plain text")
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Login>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the one that was idle for longest, where there are so many already.
fn make_room(all: &mut HashMap<Digest, Login>, most: usize, of: impl Fn(&Login) -> bool) {
    let alike = || all.iter().filter(|(_, login)| of(login));
    if alike().count() >= most
        && let Some(oldest) = alike().min_by_key(|(_, login)| login.used).map(|(digest, _)| *digest)
    {
        all.remove(&oldest);
    }
}

/// What is looked up is a hash, so that the time that takes tells nothing about a cookie.
fn digest(cookie: &str) -> Digest {
    Sha256::digest(cookie).into()
}

fn random() -> Result<String, Error> {
    Ok(hex::encode(FingerprintKey::generate().map_err(|_| Error::Random)?.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Scope, Tokens};

    fn token() -> TokenInfo {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        tokens.add("ada", Scope::Read, jiff::Timestamp::UNIX_EPOCH).unwrap();
        tokens.list().unwrap().remove(0)
    }

    fn sent(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("other=1; {pair}").parse().unwrap());
        headers
    }

    #[test]
    fn one_token_has_only_so_many_logins_and_the_newest_stay() {
        let (logins, token) = (Logins::new(false), token());
        let begun: Vec<_> = (0..=OF_ONE).map(|_| logins.begin(&token).unwrap()).collect();
        assert_eq!(logins.lock().len(), OF_ONE);
        let found = |at: usize| logins.find(&sent(&begun[at].0), &format!("{}/", begun[at].1)).is_some();
        assert!(!found(0) && found(OF_ONE));
    }

    #[test]
    fn a_login_lasts_until_it_is_ended() {
        for (secure, start) in [(true, "__Host-unleak="), (false, "unleak=")] {
            let logins = Logins::new(secure);
            let (set, folder) = logins.begin(&token()).unwrap();
            let text = set.to_str().unwrap();
            assert!(text.starts_with(start) && text.contains("HttpOnly; SameSite=Strict"), "{text}");
            assert_eq!(text.contains("Secure"), secure);
            let at = |path: &str| logins.find(&sent(&set), path);
            assert_eq!(at(&format!("{folder}/audit")).unwrap().name, "ada");
            // What another port of the host gets is the cookie alone.
            for elsewhere in ["/", "/audit", "/console", "/console/", "/console/0/audit"] {
                assert!(at(elsewhere).is_none(), "{elsewhere}");
            }
            assert!(at(&folder[..folder.len() - 1]).is_none() && at(&format!("{folder}0/")).is_none());
            assert!(logins.find(&HeaderMap::new(), &folder).is_none());
            assert!(logins.end(&sent(&set)).to_str().unwrap().contains("Max-Age=0"));
            assert!(at(&folder).is_none());
        }
    }
}
