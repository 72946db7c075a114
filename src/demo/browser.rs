//! What a browser does: logs in, and shows a cookie. And what an attacker does, who has the same.

use super::Error;
use super::app::{cookie, store_file};
use crate::rotate::Address;
use crate::secret::Secret;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use ureq::http::HeaderValue;

const ANSWER: Duration = Duration::from_secs(10);

/// The application's address.
pub(super) struct Site {
    base: String,
    agent: ureq::Agent,
}

impl Site {
    pub(super) fn new(port: u16) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER))
            .proxy(None)
            .build()
            .into();
        Self { base: format!("http://127.0.0.1:{port}"), agent }
    }

    /// Where it is, for people.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The page that answers when the application is well.
    pub(super) fn health(&self) -> Result<Address, Error> {
        Ok(Address::new(&format!("{}/api/health", self.base))?)
    }

    /// The page that only a logged-in user sees.
    pub(super) fn user(&self) -> Result<Address, Error> {
        Ok(Address::new(&self.user_url())?)
    }

    /// Logs in and gives the session's cookie as `name=value`.
    pub(super) fn log_in(&self, user: &str) -> Result<Secret, Error> {
        let answer = self.agent.post(format!("{}/login?user={user}", self.base)).send_empty();
        let answer = answer.map_err(|_| Error::Answer("no HTTP answer to a login"))?;
        let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        cookie.map(|cookie| Secret::from(cookie.to_owned())).ok_or(Error::Answer("no cookie for a login"))
    }

    /// What a cookie, or none, is answered with.
    pub(super) fn status(&self, cookie: Option<&Secret>) -> Result<u16, Error> {
        let mut request = self.agent.get(self.user_url());
        if let Some(cookie) = cookie {
            let mut value = HeaderValue::from_bytes(cookie.expose())
                .map_err(|_| Error::Answer("a cookie that cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header("cookie", value);
        }
        let answer = request.call().map_err(|_| Error::Answer("no HTTP answer"))?;
        Ok(answer.status().as_u16())
    }

    fn user_url(&self) -> String {
        format!("{}/api/user", self.base)
    }
}

/// The part of a cookie that must not be shown: all but its name. The session's id stands in it.
pub(super) fn value(cookie: &Secret) -> Secret {
    let bytes = cookie.expose();
    let start = bytes.iter().position(|&byte| byte == b'=').map_or(0, |at| at + 1);
    Secret::from(&bytes[start..])
}

/// Makes the cookie of a known session with a secret that is known, as the application would.
pub(super) fn forge(sid: &Secret, secret: &Secret) -> Secret {
    Secret::from(cookie::signed(&String::from_utf8_lossy(sid.expose()), secret))
}

/// The ids of the sessions of a user, from a copy of the application's database.
pub(super) fn session_ids(folder: &Path, user: &str) -> Result<Vec<Secret>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start the runtime"))?;
    let options = SqliteConnectOptions::new().filename(store_file(folder)).read_only(true);
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let select = sqlx::query_scalar("SELECT sid FROM sessions WHERE sess ->> 'user' = ?1").bind(user);
        let ids: Vec<String> = select.fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(ids.into_iter().map(Secret::from).collect())
    })
}
