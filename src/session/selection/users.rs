//! The table with the users, as far as sessions need it: found in the catalogue, never taken on trust.

use super::Selection;
use super::condition::{Spelling, Subject, condition};
use crate::session::Error;
use crate::session::dialect::normalised;
use crate::session::schema::{Column, Table, TableName};
use serde::Serialize;

/// What the caller knows about the users table; the rest is looked up.
#[derive(Clone, Debug, Default)]
pub struct UsersWanted {
    /// The table: `TABLE` or `SCHEMA.TABLE`.
    pub table: Option<String>,
    /// The column with the id.
    pub id: Option<String>,
    /// The column that tells who is disabled or deleted.
    pub disabled: Option<String>,
}

/// A users table of the live catalogue. Only the store that looked it up can make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsersTable {
    /// Its name.
    pub(in crate::session) name: TableName,
    /// The column that sessions refer to.
    pub(in crate::session) id: Column,
    /// The columns with names and handles.
    pub(in crate::session) names: Vec<Column>,
    /// The columns with addresses.
    pub(in crate::session) emails: Vec<Column>,
    /// The columns that tell who is disabled or deleted: whoever one of them says so of is gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::session) disabled: Vec<Column>,
    /// How the column that sessions refer to is compared, and then the sessions' own, where the two differ.
    #[serde(skip)]
    pub(in crate::session) collations: Option<[Collation; 2]>,
}

/// How a column's texts are compared, by the server's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Collation {
    /// What it belongs to: the encoding on MySQL, the schema on PostgreSQL.
    pub(in crate::session) room: String,
    /// Its own name.
    pub(in crate::session) name: String,
}

impl UsersTable {
    /// The columns that tell people who a user is.
    fn about(&self) -> impl Iterator<Item = &Column> {
        self.names.iter().chain(&self.emails)
    }

    /// The name of the column that sessions refer to.
    pub(crate) fn id(&self) -> &str {
        &self.id.name
    }

    /// Its name.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// The columns that tell who is disabled or deleted.
    pub fn disabled(&self) -> &[Column] {
        &self.disabled
    }
}

/// How users are looked for: `*` stands for anything, case does not matter.
#[derive(Clone, Debug)]
pub enum UserPattern {
    /// By a name or handle.
    Name(String),
    /// By an address.
    Email(String),
}

impl UserPattern {
    /// The columns that it is compared with.
    pub(in crate::session) fn columns<'a>(&self, users: &'a UsersTable) -> Result<&'a [Column], Error> {
        let (columns, what) = match self {
            Self::Name(_) => (&users.names, "names"),
            Self::Email(_) => (&users.emails, "addresses"),
        };
        if columns.is_empty() {
            return Err(Error::Column {
                table: users.name.to_string(),
                reason: format!("it has no column with {what}"),
            });
        }
        Ok(columns)
    }

    /// For SQLite's `GLOB`, whose classes know both cases of a letter where its `lower` knows those of ASCII.
    pub(in crate::session) fn glob(&self) -> String {
        let (Self::Name(text) | Self::Email(text)) = self;
        let mut glob = String::with_capacity(text.len() * 4);
        for c in text.chars() {
            match (c, single(c.to_lowercase()), single(c.to_uppercase())) {
                ('?' | '[', ..) => glob.extend(['[', c, ']']),
                (_, Some(lower), Some(upper)) if lower != upper => glob.extend(['[', lower, upper, ']']),
                _ => glob.push(c),
            }
        }
        glob
    }

    /// For `LIKE`, with `!` as the escape character.
    pub(in crate::session) fn like(&self) -> String {
        let (Self::Name(text) | Self::Email(text)) = self;
        let mut like = String::with_capacity(text.len() + 4);
        for c in text.to_lowercase().chars() {
            match c {
                '*' => like.push('%'),
                '%' | '_' | '!' => like.extend(['!', c]),
                c => like.push(c),
            }
        }
        like
    }
}

/// The query for the users of whom a condition on one of these columns holds: the id, then what [`told`] tells of them.
pub(in crate::session) fn search(
    users: &UsersTable,
    columns: &[Column],
    sql: &impl Spelling,
    fits: impl Fn(&str) -> String,
    limit: u32,
) -> String {
    let column = |column: &Column| format!("u.{}", sql.quoted(&column.name));
    let told = users.about().map(|about| format!("substr({}, 1, 200)", sql.text_of(about, &column(about))));
    let selected: Vec<String> =
        std::iter::once(sql.text_of(&users.id, &column(&users.id))).chain(told).collect();
    let matches: Vec<String> = columns.iter().map(|one| fits(&column(one))).collect();
    format!(
        "SELECT {} FROM {} AS u WHERE {} ORDER BY 1 LIMIT {limit}",
        selected.join(", "),
        users.name.quoted_by(sql),
        matches.join(" OR ")
    )
}

/// A user by a row of [`search`], whose columns are asked for by their number.
pub(in crate::session) fn told(users: &UsersTable, text: impl Fn(usize) -> Option<String>) -> Option<User> {
    let about = (1..).zip(users.about());
    let about = about.filter_map(|(at, column)| Some(format!("{}: {}", column.name, text(at)?)));
    Some(User { id: text(0)?, about: about.collect() })
}

/// The query for what [`Orphaned`] holds, in its order.
pub(in crate::session) fn orphaned(
    users: &UsersTable,
    of: Subject<'_>,
    sql: &impl Spelling,
) -> Result<String, Error> {
    let orphans = condition(&Selection::Orphans(users.clone()), of, sql)?.unwrap_or_default();
    let (user, sessions) = (of.user(sql)?, of.found.table.name.quoted_by(sql));
    Ok(format!(
        "SELECT count(*), count({user}), (SELECT count(*) FROM {}), \
         (SELECT count(*) FROM {sessions} AS s WHERE {orphans}) FROM {sessions} AS s",
        users.name.quoted_by(sql)
    ))
}

/// The only one of them.
fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_none() { first } else { None }
}

/// A user who was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id, as text.
    pub id: String,
    /// What else the table says about who it is, as `column: value`.
    pub about: Vec<String>,
}

/// What an orphan check rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Orphaned {
    /// Rows of the session table.
    pub sessions: u64,
    /// Rows of it that name a user.
    pub with_user: u64,
    /// Those among them whose user does not exist.
    pub orphans: u64,
    /// Rows of the users table.
    pub users: u64,
}

/// What a foreign key of the session table's user column refers to.
pub(in crate::session) type Reference = (TableName, String);

/// Chooses the users table: the named one, else what a foreign key refers to, else the one with a usual name.
pub(in crate::session) fn choose(
    tables: &[Table],
    sessions: &TableName,
    reference: Option<&Reference>,
    wanted: &UsersWanted,
) -> Result<UsersTable, Error> {
    let table = match (&wanted.table, reference) {
        (Some(asked), _) => named(tables, asked)?,
        (None, Some((name, _))) => {
            tables.iter().find(|table| table.name == *name).ok_or_else(|| none(tables))?
        }
        (None, None) => usual(tables, sessions)?,
    };
    if table.name == *sessions {
        return Err(Error::Column {
            table: table.name.to_string(),
            reason: "it is the session table itself".to_owned(),
        });
    }
    let column = |asked: &str| {
        let exact = table.columns.iter().find(|column| column.name == asked);
        let found = exact.or_else(|| table.columns.iter().find(|column| normalised(&column.name) == asked));
        found.cloned().ok_or_else(|| Error::Column {
            table: table.name.to_string(),
            reason: format!("it has no column {asked}"),
        })
    };
    let referred = reference.filter(|(name, _)| *name == table.name).map(|(_, id)| id.as_str());
    let of = |names: &[&str]| -> Vec<Column> {
        let fits = |column: &&Column| {
            matches!(family(&column.data_type), "text" | "") && names.contains(&&*normalised(&column.name))
        };
        table.columns.iter().filter(fits).cloned().collect()
    };
    let disabled = match &wanted.disabled {
        Some(asked) => vec![column(asked)?],
        None => {
            let fits = |column: &&Column| DISABLED.contains(&&*normalised(&column.name));
            table.columns.iter().filter(fits).cloned().collect()
        }
    };
    Ok(UsersTable {
        id: column(wanted.id.as_deref().or(referred).unwrap_or("id"))?,
        names: of(&[
            "name",
            "username",
            "handle",
            "login",
            "displayname",
            "fullname",
            "nickname",
            "xusername",
            "firstname",
            "lastname",
        ]),
        emails: of(&["email", "emailaddress", "mail"]),
        disabled,
        collations: None,
        name: table.name.clone(),
    })
}

/// Normalised names of columns that tell who is gone; see `is_positive` for those that tell who is not.
const DISABLED: [&str; 14] = [
    "deletedat",
    "deleted",
    "isdeleted",
    "disabledat",
    "disabled",
    "isdisabled",
    "banned",
    "isbanned",
    "bannedat",
    "suspendedat",
    "suspended",
    "isactive",
    "active",
    "enabled",
];

fn named<'a>(tables: &'a [Table], asked: &str) -> Result<&'a Table, Error> {
    let mut found: Vec<_> = tables.iter().filter(|table| table.name.is(asked)).collect();
    if let Some(rank) = found.iter().filter_map(|table| table.path_rank).min() {
        found.retain(|table| table.path_rank == Some(rank));
    }
    match found[..] {
        [table] => Ok(table),
        [] => Err(Error::NoSuchTable { table: asked.to_owned(), tables: names(tables) }),
        _ => Err(Error::Ambiguous { candidates: found.iter().map(|table| table.name.to_string()).collect() }),
    }
}

/// `users`, `user`, `"User"` and their like beside the session table.
fn usual<'a>(tables: &'a [Table], sessions: &TableName) -> Result<&'a Table, Error> {
    let usual = |table: &&Table| {
        let name = normalised(&table.name.name);
        table.name.schema == sessions.schema
            && matches!(&*name, "users" | "user" | "accountsuser" | "authuser" | "appuser")
    };
    let found: Vec<_> = tables.iter().filter(usual).collect();
    match found[..] {
        [table] => Ok(table),
        [] => Err(none(tables)),
        _ => Err(Error::Ambiguous { candidates: found.iter().map(|table| table.name.to_string()).collect() }),
    }
}

fn none(tables: &[Table]) -> Error {
    Error::NoUsersTable { tables: names(tables) }
}

fn names(tables: &[Table]) -> Vec<String> {
    tables.iter().map(|table| table.name.to_string()).collect()
}

/// The family of a type; two columns of one family can be compared. Empty for a column that takes anything.
pub(in crate::session) fn family(data_type: &str) -> &'static str {
    let name = data_type.to_ascii_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if name.is_empty() {
        ""
    } else if starts(&["bool", "tinyint(1)", "bit(1)"]) {
        "boolean"
    } else if starts(&["int", "bigint", "smallint", "mediumint", "tinyint", "serial", "bigserial"])
        && !starts(&["interval"])
    {
        "integer"
    } else if starts(&["uuid"]) {
        "uuid"
    } else if starts(&[
        "text",
        "varchar",
        "char",
        "citext",
        "nvarchar",
        "clob",
        "longtext",
        "mediumtext",
        "name",
    ]) {
        "text"
    } else if starts(&["timestamp", "datetime", "date"]) {
        "time"
    } else if starts(&["numeric", "decimal", "real", "double", "float"]) {
        "number"
    } else if starts(&["bytea", "blob", "binary", "varbinary"]) {
        "bytes"
    } else {
        "other"
    }
}

impl TableName {
    /// The name as a database's SQL has it.
    pub(in crate::session) fn quoted_by(&self, sql: &impl Spelling) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", sql.quoted(schema), sql.quoted(&self.name)),
            None => sql.quoted(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[(&str, &str)]) -> Table {
        let column = |(name, data_type): &(&str, &str)| Column {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
        };
        Table {
            name: TableName { schema: None, name: name.to_owned() },
            path_rank: Some(0),
            special: None,
            is_partitioned: false,
            columns: columns.iter().map(column).collect(),
        }
    }

    #[test]
    fn the_users_table_is_named_referred_to_or_usual_and_never_guessed() {
        let tables = [
            table("sessions", &[("userId", "text")]),
            table(
                "users",
                &[("id", "integer"), ("xUsername", "text"), ("email", "text"), ("deletedAt", "timestamp")],
            ),
            table("staff", &[("staff_id", "integer"), ("login", "text"), ("is_active", "boolean")]),
        ];
        let sessions = &tables[0].name;
        let find = |reference: Option<&Reference>, asked: Option<&str>, id: Option<&str>| {
            let wanted =
                UsersWanted { table: asked.map(str::to_owned), id: id.map(str::to_owned), disabled: None };
            choose(&tables, sessions, reference, &wanted)
        };
        let usual = find(None, None, None).unwrap();
        assert_eq!((usual.name.name.as_str(), usual.names.len(), usual.emails.len()), ("users", 1, 1));
        assert_eq!(usual.disabled[0].name, "deletedAt");
        let staff = (tables[2].name.clone(), "staff_id".to_owned());
        let referred = find(Some(&staff), None, None).unwrap();
        assert_eq!(
            (referred.id.name.as_str(), referred.disabled[0].name.as_str()),
            ("staff_id", "is_active")
        );
        assert!(matches!(find(None, Some("staff"), None), Err(Error::Column { .. })));
        assert_eq!(find(None, Some("staff"), Some("staff_id")).unwrap().name.name, "staff");
        assert!(matches!(find(None, Some("x\"; DROP TABLE users"), None), Err(Error::NoSuchTable { .. })));
        assert!(
            find(None, Some("sessions"), Some("userId"))
                .unwrap_err()
                .to_string()
                .contains("session table itself")
        );
    }

    #[test]
    fn patterns_match_what_was_typed_and_nothing_else() {
        assert_eq!(UserPattern::Name("*Bru_no%!*".to_owned()).like(), "%bru!_no!%!!%");
    }

    #[test]
    fn types_of_one_family_compare() {
        for (a, b, same) in [
            ("integer", "bigint", true),
            ("character varying(255)", "text", true),
            ("integer", "text", false),
            ("uuid", "text", false),
            ("interval", "integer", false),
        ] {
            assert_eq!(family(a) == family(b), same, "{a} {b}");
        }
    }
}
