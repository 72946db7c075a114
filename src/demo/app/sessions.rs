//! The session store in the form of connect-sqlite3: `sessions(sid, expired, sess)`.

use super::super::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rand::TryRng as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use tokio::runtime::Runtime;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The application's sessions.
pub(super) struct Sessions {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Sessions {
    /// Opens the store, and makes it when it is missing.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io("start the runtime"))?;
        let options = SqliteConnectOptions::new().filename(super::store_file(folder)).create_if_missing(true);
        let connection = runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let table = "CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)";
            sqlx::raw_sql(table).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        })?;
        Ok(Self { runtime, connection })
    }

    /// A new session of a user; gives its id, 24 random bytes as in express-session.
    pub(super) fn create(&mut self, user: &str) -> Result<String, Error> {
        let mut bytes = [0; 24];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|_| Error::Randomness)?;
        let sid = URL_SAFE_NO_PAD.encode(bytes);
        let insert = sqlx::query("INSERT INTO sessions VALUES (?1, ?2, ?3)")
            .bind(&sid)
            .bind(Timestamp::now().as_millisecond() + DAY_MS)
            .bind(serde_json::json!({"cookie": {"httpOnly": true, "path": "/"}, "user": user}).to_string());
        self.runtime.block_on(insert.execute(&mut self.connection))?;
        Ok(sid)
    }

    /// Whose session this is, if it is there and not over.
    pub(super) fn user(&mut self, sid: &str) -> Result<Option<String>, Error> {
        let select =
            sqlx::query_scalar("SELECT sess ->> 'user' FROM sessions WHERE sid = ?1 AND expired > ?2")
                .bind(sid)
                .bind(Timestamp::now().as_millisecond());
        Ok(self.runtime.block_on(select.fetch_optional(&mut self.connection))?)
    }
}
