//! Rows for the behaviour checks: made in a transaction that is rolled back, of whatever columns the table asks for.

use super::Error;
use super::base::{Base, BaseColumn};
use crate::session::quoted;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// A session that nobody will ever see.
pub(super) struct Probe<'a> {
    pub(super) family: &'a str,
    pub(super) jti: Option<&'a str>,
    /// An expression for its end, after `now()` or the like.
    pub(super) ends: &'a str,
    /// Further columns with their expressions.
    pub(super) also: &'a [(&'a str, &'a str)],
}

/// Why no row can be made, in words.
pub(super) type Impossible = String;

impl Probe<'_> {
    /// The statement that inserts it and gives its key as text.
    pub(super) fn insert(&self, base: &Base) -> Result<String, Impossible> {
        let uuid = |value: &str| format!("'{value}'::uuid");
        let mut pairs: Vec<(String, String)> = Vec::new();
        for column in &base.columns {
            let given =
                self.also.iter().find(|(name, _)| *name == column.name).map(|(_, value)| (*value).to_owned());
            let value = match column.name.as_str() {
                _ if given.is_some() => given,
                "family_id" => Some(uuid(self.family)),
                "current_jti" => self.jti.map(uuid),
                "expires_at" => Some(format!("{} {}", base.now_for("expires_at"), self.ends)),
                "user_id" => user(base, column),
                _ if column.not_null && !column.fills_itself => Some(made_up(column)?),
                _ => None,
            };
            pairs.extend(value.map(|value| (quoted(&column.name), value)));
        }
        let (into, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let key = base.key_name();
        Ok(format!(
            "INSERT INTO {} ({}) VALUES ({}) RETURNING {key}::text",
            base.names.table(),
            into.join(", "),
            values.join(", ")
        ))
    }

    /// Inserts it and gives its key.
    pub(super) async fn make(
        &self,
        connection: &mut PgConnection,
        base: &Base,
    ) -> Result<Result<String, Impossible>, Error> {
        let insert = match self.insert(base) {
            Ok(insert) => insert,
            Err(why) => return Ok(Err(why)),
        };
        let made = sqlx::query_scalar(AssertSqlSafe(insert)).fetch_one(connection).await;
        Ok(match made.map_err(Error::database("making a session to try on")) {
            Ok(key) => Ok(key),
            // The application's own rules for a row, which cannot be guessed.
            Err(error)
                if error.code().is_some_and(|code| {
                    code.starts_with("23") || code.starts_with("22") || code.starts_with('P')
                }) =>
            {
                let code = error.code().unwrap_or_default();
                Err(format!("the table takes no made-up session ({code})"))
            }
            Err(error) => return Err(error),
        })
    }
}

fn user(base: &Base, column: &BaseColumn) -> Option<String> {
    match &base.users {
        Some(users) => Some(format!("(SELECT {} FROM {} LIMIT 1)", quoted(&users.id), users.names.table())),
        None if column.fills_itself => None,
        None => made_up(column).ok(),
    }
}

/// A value of the column's type that is unlikely to be there yet.
fn made_up(column: &BaseColumn) -> Result<String, Impossible> {
    let kind = column.data_type.as_str();
    let length = kind.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let length = length.and_then(|length| length.parse::<u32>().ok()).unwrap_or(64);
    Ok(match kind {
        "uuid" => "gen_random_uuid()".to_owned(),
        _ if column.is_text() => {
            format!("left(encode(sha256(gen_random_uuid()::text::bytea), 'hex'), {length})")
        }
        "bytea" => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
        "bigint" | "integer" => "-(floor(random() * 2000000000))::integer".to_owned(),
        "smallint" => "-(floor(random() * 30000))::smallint".to_owned(),
        "boolean" => "false".to_owned(),
        "json" | "jsonb" => "'{}'".to_owned(),
        "inet" => "'192.0.2.1'".to_owned(),
        "cidr" => "'192.0.2.0/24'".to_owned(),
        "date" => "current_date".to_owned(),
        _ if column.is_time() => "now()".to_owned(),
        _ if kind.starts_with("numeric") || matches!(kind, "real" | "double precision") => "0".to_owned(),
        _ if kind.ends_with("[]") => "'{}'".to_owned(),
        _ => return Err(format!("no value is known for the column {} of type {kind}", column.name)),
    })
}
