//! A selection as a condition of SQL. What databases spell differently is behind [`Spelling`].
//!
//! The session table is always called `s`, the users table `u`.

use super::{Collation, Mark, Selection, UserAt, UsersTable, family};
use crate::session::Error;
use crate::session::dialect::{Roles, Unit, normalised};
use crate::session::schema::{Column, Selected, Table};
use jiff::Timestamp;

/// A point in time that a column is compared with.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) enum Moment {
    /// The store's own clock, or ours where the store is a file here.
    Now,
    /// A given time.
    At(Timestamp),
}

/// How one database says what a selection needs.
pub(in crate::session) trait Spelling {
    /// An identifier.
    fn quoted(&self, identifier: &str) -> String;
    /// An expression as text.
    fn text(&self, expression: &str) -> String;
    /// A column's expression as text, where the type says that it takes more than [`Self::text`].
    fn text_of(&self, _column: &Column, expression: &str) -> String {
        self.text(expression)
    }
    /// A column's expression as one that equals another only where every letter does.
    fn exact(&self, _column: &Column, expression: &str) -> String {
        expression.to_owned()
    }
    /// A text as one that is compared like this. Only what [`UsersTable`] tells is asked for.
    fn collated(&self, expression: &str, _by: &Collation) -> String {
        expression.to_owned()
    }
    /// An expression as a whole number of 64 bits.
    fn integer(&self, expression: &str) -> String {
        format!("CAST({expression} AS bigint)")
    }
    /// Whether an expression is, as text, one of the selection's values; `column` is where it comes from, if it is one.
    fn is_one_of(&self, column: Option<&Column>, expression: &str) -> String;
    /// What a column's expression is first sorted into groups by: equal values must give equal ones, and others seldom do.
    fn alike(&self, _column: &Column, expression: &str) -> String {
        expression.to_owned()
    }
    /// Whether the rows of a group are found fast by what they are grouped by: an index has it, in its order.
    fn finds_alike(&self) -> bool {
        false
    }
    /// Whether rows of one table that have no partner in another are found fast when partners are told by a calculation.
    fn pairs_calculated(&self) -> bool {
        false
    }
    /// What a query says first that groups most rows of a large table.
    fn large(&self) -> &'static str {
        ""
    }
    /// What tells the rows of the table `s` apart, for as long as they are not written.
    fn place(&self) -> String;
    /// Whether a column's time has come at a moment; unknown where the column says nothing.
    fn is_past(&self, column: &Column, expression: &str, moment: Moment) -> Result<String, Error>;
    /// A column's time in Unix milliseconds; NULL where the column says nothing.
    fn millis(&self, column: &Column, expression: &str) -> Result<String, Error>;
    /// What a column's times are ordered by.
    fn time_order(&self, expression: &str) -> String;
    /// The text at a path of a JSON column; unknown where the payload is no JSON or has no such path.
    fn json(&self, expression: &str, path: &[String]) -> String;
}

/// What conditions are about.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Subject<'a> {
    pub(in crate::session) found: &'a Selected,
    pub(in crate::session) user: Option<&'a UserAt>,
}

/// The condition that holds for the selected rows of the table `s`; `None` when all are meant.
pub(in crate::session) fn condition(
    selection: &Selection,
    of: Subject<'_>,
    sql: &impl Spelling,
) -> Result<Option<String>, Error> {
    let roles = &of.found.roles;
    let is_past = |column: &Column, moment| sql.is_past(column, &column_of(column, sql), moment);
    Ok(Some(match selection {
        Selection::All => return Ok(None),
        Selection::Tokens(_) => sql.is_one_of(Some(&roles.token), &column_of(&roles.token, sql)),
        Selection::Users(_) => sql.is_one_of(of.user_column(), &of.user(sql)?),
        Selection::Expired => {
            let (column, end) = of.end(sql);
            sql.is_past(&column, &end, Moment::Now)?
        }
        Selection::Before(time) => is_past(of.created()?, Moment::At(*time))?,
        Selection::Idle(time) => is_past(of.used()?, Moment::At(*time))?,
        Selection::Marked(mark, _) => {
            let column = of.marked(*mark)?;
            sql.is_one_of(Some(column), &column_of(column, sql))
        }
        Selection::From(_) => return Err(of.lacks("addresses that must be read before")),
        Selection::Duplicates => of.duplicates(sql),
        Selection::Orphans(users) => of.orphans(users, sql)?,
        Selection::Disabled(users) => of.disabled(users, sql)?,
    }))
}

/// The query that counts what [`condition`] holds for; `from` is the session table. Duplicates are counted by groups, which
/// takes a fraction of the time of judging row by row.
pub(in crate::session) fn counting(
    selection: &Selection,
    of: Subject<'_>,
    sql: &impl Spelling,
    from: &str,
) -> Result<String, Error> {
    if matches!(selection, Selection::Duplicates) {
        return Ok(of.number_of_duplicates(sql, from));
    }
    let filter = condition(selection, of, sql)?.map(|held| format!(" WHERE {held}")).unwrap_or_default();
    Ok(format!("SELECT count(*) FROM {from} AS s{filter}"))
}

/// A column of the session table.
pub(in crate::session) fn column_of(column: &Column, sql: &impl Spelling) -> String {
    format!("s.{}", sql.quoted(&column.name))
}

impl Subject<'_> {
    /// When a session ends: the column or, where it takes a calculation, one of numbers that stands for it; and how
    /// that is spelled.
    pub(in crate::session) fn end(&self, sql: &impl Spelling) -> (Column, String) {
        let Roles { expires, unit, .. } = &self.found.roles;
        let column = column_of(expires, sql);
        let millis = match unit {
            Unit::Time => return (expires.clone(), column),
            Unit::Milliseconds => column,
            Unit::Seconds => format!("({column} * 1000.0)"),
            Unit::IdleSeconds(lifetime) => format!("(({column} + {lifetime}) * 1000.0)"),
            Unit::Never => sql.integer("NULL"),
        };
        (Column { data_type: "bigint".to_owned(), ..expires.clone() }, millis)
    }

    /// Whether a session is over: its time has come, or its hardened table says that it was revoked. Unknown where
    /// neither says so.
    pub(in crate::session) fn over(&self, sql: &impl Spelling) -> Result<String, Error> {
        let (column, end) = self.end(sql);
        let past = sql.is_past(&column, &end, Moment::Now)?;
        Ok(match self.found.table.revoked() {
            Some(revoked) => format!("({past} OR {} IS NOT NULL)", column_of(revoked, sql)),
            None => past,
        })
    }

    /// The user's id, in the type that it has.
    pub(in crate::session) fn user(&self, sql: &impl Spelling) -> Result<String, Error> {
        match self.user {
            Some(UserAt::Column(column)) => Ok(column_of(column, sql)),
            Some(UserAt::Json { column, path }) => Ok(sql.json(&column_of(column, sql), path)),
            None => Err(self
                .lacks("no column with the user's id; where the payload holds it, say so with --user-path")),
        }
    }

    /// The user's id as text.
    pub(in crate::session) fn user_text(&self, sql: &impl Spelling) -> Result<String, Error> {
        let user = self.user(sql)?;
        Ok(match self.user_column() {
            Some(column) => sql.text_of(column, &user),
            None => sql.text(&user),
        })
    }

    /// The column with the user's id, where it has one of its own.
    fn user_column(&self) -> Option<&Column> {
        match self.user {
            Some(UserAt::Column(column)) => Some(column),
            _ => None,
        }
    }

    fn created(&self) -> Result<&Column, Error> {
        created(&self.found.table).ok_or_else(|| self.lacks("no column that tells when a session was made"))
    }

    fn used(&self) -> Result<&Column, Error> {
        used(&self.found.table).ok_or_else(|| self.lacks("no column that tells when a session was last used"))
    }

    fn marked(&self, mark: Mark) -> Result<&Column, Error> {
        let (names, lacking) = match mark {
            Mark::Address => (&ADDRESS[..], "no column with the client's address"),
            Mark::Device => (&DEVICE[..], "no column that tells the client's device"),
        };
        named(&self.found.table, names).ok_or_else(|| self.lacks(lacking))
    }

    fn lacks(&self, what: &str) -> Error {
        Error::Column { table: self.found.table.name.to_string(), reason: format!("it has {what}") }
    }

    fn duplicates(&self, sql: &impl Spelling) -> String {
        let (column, place) = (&self.found.roles.token, sql.place());
        let token = sql.exact(column, &column_of(column, sql));
        let several = self.several(sql, &self.found.table.name.quoted_by(sql));
        let newest = sql.time_order(&column_of(&self.found.roles.expires, sql));
        let one_user = self.one_user(sql, " OVER w");
        format!(
            "{place} IN (SELECT d.place FROM (SELECT {place} AS place, \
             CASE WHEN count(*) OVER w = 1 THEN 1 WHEN {one_user} \
             THEN row_number() OVER (PARTITION BY {token} ORDER BY {newest} IS NULL, {newest} DESC, {place} DESC) \
             ELSE 2 END AS standing FROM {several} WINDOW w AS (PARTITION BY {token})) AS d WHERE d.standing > 1)"
        )
    }

    /// Whether the rows that are aggregated belong to one user. Those whose user is unknown cannot be said to.
    fn one_user(&self, sql: &impl Spelling, over: &str) -> String {
        let whole = self.user_column().filter(|column| family(&column.data_type) == "integer");
        let user = match whole {
            Some(column) => Ok(column_of(column, sql)),
            None => self.user_text(sql),
        };
        user.map_or_else(
            |_| "1 = 0".to_owned(),
            |user| format!("count({user}){over} = count(*){over} AND min({user}){over} = max({user}){over}"),
        )
    }

    /// How many rows [`Self::duplicates`] holds for: of the rows of a token all but one where they belong to one user.
    fn number_of_duplicates(&self, sql: &impl Spelling, from: &str) -> String {
        let column = &self.found.roles.token;
        let token = column_of(column, sql);
        let exact = sql.exact(column, &token);
        format!(
            "SELECT coalesce(sum(t.surplus), 0) FROM (SELECT count(*) - CASE WHEN {} THEN 1 ELSE 0 END AS surplus \
             FROM {} GROUP BY {exact} HAVING count(*) > 1) AS t",
            self.one_user(sql, ""),
            self.several(sql, from)
        )
    }

    /// All rows of the table `from`, as `s`, whose token another row has, and hardly others: few are left to be compared with
    /// each other.
    pub(in crate::session) fn several(&self, sql: &impl Spelling, from: &str) -> String {
        let column = &self.found.roles.token;
        let token = column_of(column, sql);
        let (alike, large) = (sql.alike(column, &token), sql.large());
        let groups = format!(
            "SELECT {large}{alike} AS alike FROM {} AS s WHERE {token} IS NOT NULL GROUP BY {alike} HAVING count(*) > 1",
            self.found.table.name.quoted_by(sql)
        );
        if sql.finds_alike() {
            // In order and bounded, or MariaDB takes them apart again and sorts what the index has in order.
            let bounded = format!("{groups} ORDER BY {alike} LIMIT {}", i64::MAX);
            format!("({bounded}) AS t STRAIGHT_JOIN {from} AS s ON {alike} = t.alike")
        } else {
            format!("{from} AS s WHERE {alike} IN (SELECT t.alike FROM ({groups}) AS t)")
        }
    }

    /// The condition under which a row of `u` is the session's user, as the users' table tells users apart.
    fn is_of(&self, users: &UsersTable, sql: &impl Spelling) -> Result<String, Error> {
        let (user, id) = (self.user(sql)?, format!("u.{}", sql.quoted(&users.id.name)));
        match self.user {
            Some(UserAt::Column(column)) => {
                let (ours, theirs) = (family(&column.data_type), family(&users.id.data_type));
                if ours != theirs && !ours.is_empty() && !theirs.is_empty() {
                    return Err(Error::KeyTypes {
                        session: format!("{}.{}", self.found.table.name, column.name),
                        session_type: column.data_type.clone(),
                        users: format!("{}.{}", users.name, users.id.name),
                        users_type: users.id.data_type.clone(),
                    });
                }
                Ok(match &users.collations {
                    Some([theirs, _]) => format!("{id} = {}", sql.collated(&user, theirs)),
                    None => format!("{id} = {user}"),
                })
            }
            _ => Ok(format!("{} = {}", sql.text_of(&users.id, &id), sql.text(&user))),
        }
    }

    fn orphans(&self, users: &UsersTable, sql: &impl Spelling) -> Result<String, Error> {
        let user = self.user(sql)?;
        let orphans = format!("{user} IS NOT NULL AND NOT {}", self.is_user(users, None, sql)?);
        let Some([_, ours]) = &users.collations else { return Ok(orphans) };
        // Whoever is somebody by either table's rules may be the one who is meant.
        let id = format!("u.{}", sql.quoted(&users.id.name));
        Ok(format!(
            "{orphans} AND NOT ({user} IN (SELECT {} FROM {} AS u WHERE {id} IS NOT NULL))",
            sql.collated(&id, ours),
            users.name.quoted_by(sql)
        ))
    }

    /// The condition that holds where the session's user is in the table, one that `which` holds for. An id that takes a
    /// calculation would be calculated for each pair of rows, where the database does not know better.
    fn is_user(
        &self,
        users: &UsersTable,
        which: Option<String>,
        sql: &impl Spelling,
    ) -> Result<String, Error> {
        let (table, which) =
            (users.name.quoted_by(sql), which.map(|which| format!(" AND ({which})")).unwrap_or_default());
        if self.user_column().is_some() || sql.pairs_calculated() {
            return Ok(format!(
                "EXISTS (SELECT 1 FROM {table} AS u WHERE {}{which})",
                self.is_of(users, sql)?
            ));
        }
        let id = format!("u.{}", sql.quoted(&users.id.name));
        Ok(format!(
            "({} IN (SELECT {} FROM {table} AS u WHERE {id} IS NOT NULL{which}))",
            sql.text(&self.user(sql)?),
            sql.text_of(&users.id, &id)
        ))
    }

    fn disabled(&self, users: &UsersTable, sql: &impl Spelling) -> Result<String, Error> {
        if users.disabled.is_empty() {
            return Err(Error::Column {
                table: users.name.to_string(),
                reason: "it has no column that tells who is disabled or deleted (--disabled-column)"
                    .to_owned(),
            });
        }
        let gone = users.disabled.iter().map(|column| gone(users, column, sql));
        self.is_user(users, Some(gone.collect::<Result<Vec<_>, _>>()?.join(" OR ")), sql)
    }
}

/// The condition under which a column says that the user `u` is gone. What a column of another kind means is unknown,
/// and a guess would log everybody out.
pub(in crate::session) fn gone(
    users: &UsersTable,
    column: &Column,
    sql: &impl Spelling,
) -> Result<String, Error> {
    let value = format!("u.{}", sql.quoted(&column.name));
    let allows = is_positive(&column.name);
    Ok(match family(&column.data_type) {
        // SQLite's columns may hold a flag as a word.
        "boolean" => {
            let words = if allows { "'0', 'f', 'false', 'n', 'no'" } else { "'1', 't', 'true', 'y', 'yes'" };
            format!("lower({}) IN ({words})", sql.text_of(column, &value))
        }
        "integer" => format!("{value} {} 0", if allows { "=" } else { "<>" }),
        // `deleted_at` and its kin: set means gone.
        "time" if !allows => format!("{value} IS NOT NULL"),
        "text" | "" if is_time(&column.name) => format!("{} NOT IN ('', '0')", sql.text(&value)),
        _ => {
            return Err(Error::Column {
                table: users.name.to_string(),
                reason: format!(
                    "its column {} ({}) is neither a flag nor a time of deletion; name another with --disabled-column",
                    column.name, column.data_type
                ),
            });
        }
    })
}

/// Whether a column's name says that it holds a time, whatever its type is.
fn is_time(name: &str) -> bool {
    name.ends_with("_at")
        || name.ends_with("At")
        || matches!(&*normalised(name), "deletedat" | "disabledat" | "bannedat" | "suspendedat")
}

/// Whether a column's name says that its holder may log in.
fn is_positive(name: &str) -> bool {
    let name = normalised(name);
    let name = name.strip_prefix("is").unwrap_or(&name);
    matches!(name, "active" | "activated" | "enabled")
}

/// The query for the different texts of a mark.
pub(in crate::session) fn marks(mark: Mark, of: Subject<'_>, sql: &impl Spelling) -> Result<String, Error> {
    let column = of.marked(mark)?;
    let (column, expression) = (column, column_of(column, sql));
    Ok(format!(
        "SELECT DISTINCT {} FROM {} AS s WHERE {expression} IS NOT NULL",
        sql.text_of(column, &expression),
        of.found.table.name.quoted_by(sql)
    ))
}

/// Normalised names of what tells a client's address.
const ADDRESS: [&str; 8] =
    ["ipaddress", "ip", "lastip", "lastipcidr", "ipcidr", "clientip", "remoteaddr", "remoteip"];

/// Normalised names of what tells a client's device.
const DEVICE: [&str; 4] = ["devicehash", "deviceid", "devicefingerprint", "device"];

/// Normalised names of what tells when a session was made.
pub(in crate::session) const CREATED: [&str; 5] =
    ["createdat", "created", "creationtime", "createdon", "datecreated"];

/// Normalised names of what tells when a session was last used.
pub(in crate::session) const USED: [&str; 7] =
    ["lastactivity", "lastaccesstime", "lastusedat", "lastseenat", "lastseen", "lastactiveat", "updatedat"];

/// The column that tells a client's address.
pub(in crate::session) fn address(table: &Table) -> Option<&Column> {
    named(table, &ADDRESS)
}

/// The column that tells when a session was made.
pub(in crate::session) fn created(table: &Table) -> Option<&Column> {
    named(table, &CREATED)
}

/// The column that tells when a session was last used.
pub(in crate::session) fn used(table: &Table) -> Option<&Column> {
    named(table, &USED)
}

/// The first column with one of these normalised names.
pub(in crate::session) fn named<'a>(table: &'a Table, names: &[&str]) -> Option<&'a Column> {
    names.iter().find_map(|name| table.columns.iter().find(|column| normalised(&column.name) == *name))
}
