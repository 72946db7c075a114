//! The statements of a manager, put together once from the catalogue's names.
//!
//! A token is compared in its column's own type, so that the table's index serves; whether what is found is the very
//! same text is for the caller to see.

use super::super::schema::{Column, Table};
use super::super::selection::{Spelling, Subject, UserAt, column_of, family};
use super::super::{Error, StoreKind, UsersTable};
use super::NewSession;
use super::directory::enabled;
use crate::session::dialect::{Unit, normalised};
use std::sync::Arc;

/// The most sessions that are read at once.
const MOST: u32 = 1000;

/// The statements about one session table.
pub(in crate::session) struct Queries {
    /// Token, user, end in milliseconds and payload of the sessions with a token.
    pub(super) get: Arc<str>,
    /// The same with a fifth column: `1` or `0` and the id of the session's user, who is enabled or not; NULL without one.
    /// Only where the database compares the ids of both tables as they are.
    pub(super) get_with_user: Option<Arc<str>>,
    /// The same, and the number, of a user's active ones.
    pub(super) by_user: Option<ByUser>,
    pub(super) update: Option<String>,
    pub(super) delete: String,
    pub(super) user_column: Option<Column>,
    pub(super) tells_users: bool,
    insert: Insert,
}

/// The statements about one user's active sessions.
pub(super) struct ByUser {
    pub(super) list: Arc<str>,
    pub(super) count: Arc<str>,
}

/// What a row is made of.
struct Insert {
    kind: StoreKind,
    table: String,
    token: String,
    expires: Option<(String, String)>,
    user: Option<Column>,
    payload: Option<Column>,
}

impl Queries {
    /// Puts them together; `zone` is that of wall clocks, and `users` the table that sessions are compared with.
    pub(in crate::session) fn new(
        of: Subject<'_>,
        sql: &impl Spelling,
        kind: StoreKind,
        zone: &str,
        users: Option<&UsersTable>,
    ) -> Result<Self, Error> {
        let (roles, table) = (&of.found.roles, of.found.table.name.quoted_by(sql));
        let user_column = match of.user {
            Some(UserAt::Column(column)) => Some(column.clone()),
            _ => None,
        };
        let payload = payload(&of.found.table).cloned();
        let (end_column, end) = of.end(sql);
        let millis = sql.millis(&end_column, &end)?;
        let absent = || "NULL".to_owned();
        let told = match (&user_column, &payload) {
            (None, Some(payload)) => sql.text(&column_of(payload, sql)),
            _ => absent(),
        };
        let columns = format!(
            "{}, {}, {}, {told}",
            sql.text_of(&roles.token, &column_of(&roles.token, sql)),
            of.user_text(sql).unwrap_or_else(|_| absent()),
            sql.text(&millis),
        );
        let token = |expression: &str, at| equals(sql, kind, &roles.token, expression, at);
        let order = sql.time_order(&end);
        let active = |user: String| {
            let now = number(kind, 2);
            let condition = format!("{user} AND ({millis} IS NULL OR {millis} > {now})");
            let list =
                format!("SELECT {columns} FROM {table} AS s WHERE {condition} ORDER BY {order} LIMIT {MOST}");
            let count = format!("SELECT {} FROM {table} AS s WHERE {condition}", sql.text("count(*)"));
            ByUser { list: Arc::from(list), count: Arc::from(count) }
        };
        let by_user = match of.user {
            Some(UserAt::Column(column)) => Some(equals(sql, kind, column, &column_of(column, sql), 1)),
            Some(UserAt::Json { .. }) => Some(format!("{} = {}", of.user_text(sql)?, place(kind, 1))),
            None => None,
        };
        let bare = sql.quoted(&roles.token.name);
        let expires = sql.quoted(&roles.expires.name);
        let written = |at, model: &str| written(kind, roles.unit, roles.is_zoneless(), zone, at, model);
        let get = |columns: &str| {
            let token = token(&column_of(&roles.token, sql), 1);
            Arc::from(format!(
                "SELECT {columns} FROM {table} AS s WHERE {token} ORDER BY {order} DESC LIMIT 8"
            ))
        };
        let standing = match (users, &user_column) {
            (Some(users), Some(column)) => standing(users, column, sql, kind)?,
            _ => None,
        };
        Ok(Self {
            get: get(&columns),
            get_with_user: standing.map(|standing| get(&format!("{columns}, {standing}"))),
            by_user: by_user.map(active),
            // The end comes first, since MySQL counts places in the order of the text.
            update: written(1, &expires)
                .map(|value| format!("UPDATE {table} SET {expires} = {value} WHERE {}", token(&bare, 2))),
            delete: format!("DELETE FROM {table} WHERE {}", token(&bare, 1)),
            tells_users: of.user.is_some() || payload.as_ref().is_some_and(is_readable),
            insert: Insert {
                kind,
                expires: written(2, &format!("(SELECT {expires} FROM {table} LIMIT 1)"))
                    .map(|value| (expires, value)),
                table,
                token: bare,
                user: user_column.clone(),
                payload,
            },
            user_column,
        })
    }

    /// The statement that makes a session, with the values in the order: token, end, user, payload.
    pub(super) fn insert(&self, session: &NewSession) -> Result<String, Error> {
        let own = &self.insert;
        let lacks = |what: &str| Error::Unsupported { what: format!("{what} in this session table") };
        let (expires, end) = own.expires.as_ref().ok_or_else(|| lacks("the end of a new session"))?;
        let mut columns = vec![own.token.clone(), expires.clone()];
        let mut values = vec![place(own.kind, 1), end.clone()];
        let mut add = |column: &Column| {
            values.push(typed(own.kind, column, values.len() + 1));
            columns.push(super::super::schema::quoted(&column.name));
        };
        if session.user.is_some() {
            add(own.user.as_ref().ok_or_else(|| lacks("the user of a new session"))?);
        }
        if session.payload.is_some() {
            add(own.payload.as_ref().ok_or_else(|| lacks("the payload of a new session"))?);
        }
        Ok(format!("INSERT INTO {} ({}) VALUES ({})", own.table, columns.join(", "), values.join(", ")))
    }
}

/// Whether the user exists whom a column of the session `s` names, and is enabled.
fn standing(
    users: &UsersTable,
    column: &Column,
    sql: &impl Spelling,
    kind: StoreKind,
) -> Result<Option<String>, Error> {
    let (id, of_session) = (&users.id.data_type, &column.data_type);
    let alike = match (family(id), family(of_session)) {
        ("integer", "integer") | ("uuid", "uuid") => true,
        // A length or a type of its own may change what is equal.
        ("text", "text") => id == of_session,
        _ => false,
    };
    if !alike {
        return Ok(None);
    }
    let theirs = format!("u.{}", sql.quoted(&users.id.name));
    let (flag, text) = (enabled(users, sql)?, sql.text_of(&users.id, &theirs));
    let both = if kind == StoreKind::MySql {
        format!("concat({flag}, {text})")
    } else {
        format!("{flag} || {text}")
    };
    let (table, ours) = (users.name.quoted_by(sql), column_of(column, sql));
    Ok(Some(format!("(SELECT {both} FROM {table} AS u WHERE {theirs} = {ours} LIMIT 1)")))
}

/// The column with what an application keeps in a session.
fn payload(table: &Table) -> Option<&Column> {
    let fits = |column: &&Column| {
        matches!(&*normalised(&column.name), "sess" | "data" | "sessiondata")
            && family(&column.data_type) != "bytes"
    };
    table.columns.iter().find(fits)
}

/// Whether users can be read from it: JSON of the Express family, and what Django signs.
fn is_readable(column: &Column) -> bool {
    matches!(&*normalised(&column.name), "sess" | "data" | "sessiondata")
}

/// The place of the value with this number.
pub(super) fn place(kind: StoreKind, at: usize) -> String {
    match kind {
        StoreKind::Postgres => format!("${at}"),
        StoreKind::MySql => "?".to_owned(),
        StoreKind::Sqlite | StoreKind::Redis => format!("?{at}"),
    }
}

/// The same, as a number.
fn number(kind: StoreKind, at: usize) -> String {
    let kind_of_number = if kind == StoreKind::MySql { "signed" } else { "bigint" };
    format!("CAST({} AS {kind_of_number})", place(kind, at))
}

/// The same, in the type of a column.
fn typed(kind: StoreKind, column: &Column, at: usize) -> String {
    match family(&column.data_type) {
        "integer" => number(kind, at),
        // The length of a text is for the column to check: a cast would cut it.
        "text" | "" => place(kind, at),
        _ if kind == StoreKind::Postgres => format!("CAST({} AS {})", place(kind, at), column.data_type),
        _ => place(kind, at),
    }
}

/// Whether a column has the value with this number, by its index where there is one.
pub(super) fn equals(
    sql: &impl Spelling,
    kind: StoreKind,
    column: &Column,
    expression: &str,
    at: usize,
) -> String {
    match family(&column.data_type) {
        "integer" | "uuid" | "text" => format!("{expression} = {}", typed(kind, column, at)),
        // Such a column of SQLite keeps what it is given.
        "" => format!("({expression} = {0} OR {1} = {0})", place(kind, at), sql.text(expression)),
        _ => format!("{} = {}", sql.text_of(column, expression), place(kind, at)),
    }
}

/// Whether a column can hold this text at all: what it cannot is asked for in vain, or is an error.
pub(super) fn can_be(column: Option<&Column>, value: &str) -> bool {
    match column.map_or("", |column| family(&column.data_type)) {
        "integer" => value.parse::<i64>().is_ok_and(|number| number.to_string() == value),
        "uuid" => {
            value.len() == 36
                && value.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                })
        }
        _ => !value.contains('\0'),
    }
}

/// The end of a session, given in milliseconds, as the column has it; a file's column as its values are written so far.
fn written(
    kind: StoreKind,
    unit: Unit,
    is_zoneless: bool,
    zone: &str,
    at: usize,
    model: &str,
) -> Option<String> {
    let millis = number(kind, at);
    let seconds = match kind {
        StoreKind::MySql => format!("({millis} DIV 1000)"),
        _ => format!("({millis} / 1000)"),
    };
    Some(match (unit, kind) {
        (Unit::Never, _) => return None,
        (Unit::Milliseconds, _) => millis,
        (Unit::Seconds, _) => seconds,
        (Unit::IdleSeconds(lifetime), _) => format!("({seconds} - {lifetime})"),
        (Unit::Time, StoreKind::Postgres) => {
            let time = format!("to_timestamp({millis} / 1000.0)");
            if is_zoneless { format!("({time} AT TIME ZONE '{}')", zone.replace('\'', "''")) } else { time }
        }
        (Unit::Time, StoreKind::MySql) => {
            format!("timestampadd(MICROSECOND, {millis} * 1000, TIMESTAMP'1970-01-01 00:00:00')")
        }
        (Unit::Time, _) => format!(
            "CASE WHEN typeof({model}) IN ('integer', 'real') \
             THEN CASE WHEN abs({model}) < 1e11 THEN {seconds} ELSE {millis} END \
             WHEN {model} LIKE '%T%' THEN strftime('%Y-%m-%dT%H:%M:%fZ', {millis} / 1000.0, 'unixepoch') \
             ELSE strftime('%Y-%m-%d %H:%M:%f', {millis} / 1000.0, 'unixepoch') END"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_cannot_hold_is_never_asked_for() {
        let column = |data_type: &str| Column { name: "id".to_owned(), data_type: data_type.to_owned() };
        for (data_type, value, fits) in [
            ("integer", "7", true),
            ("integer", "7 OR 1=1", false),
            ("bigint", "007", false),
            ("integer", "99999999999999999999", false),
            ("uuid", "33fdd1b6-b496-4b33-9f7d-df96679d32fe", true),
            ("uuid", "33fdd1b6", false),
            ("text", "any text' --", true),
            ("text", "nul\0", false),
        ] {
            assert_eq!(can_be(Some(&column(data_type)), value), fits, "{data_type} {value}");
        }
    }
}
