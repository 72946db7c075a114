//! The log of security events, `auth_audit_log`: made when it is missing, else filled as its columns allow.

use super::Error;
use super::Problem;
use super::base::{Base, BaseColumn, columns};
use super::names::Names;
use crate::session::{LOG, literal, quoted};
use sqlx::postgres::PgConnection;
use std::collections::BTreeSet;

pub(super) const NAME: &str = LOG;

/// Longer than any action that is written.
const ACTION_LENGTH: u32 = 32;

const GRANTS: &str = "
SELECT coalesce(quote_ident(g.rolname), 'PUBLIC'), a.privilege_type FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a
LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
WHERE n.nspname = $1 AND c.relname = $2 AND a.grantee <> c.relowner ORDER BY 1, 2";

/// Which column takes what.
#[derive(Clone, Debug)]
pub(super) struct AuditLog {
    names: Names,
    user_type: String,
    /// Empty when the table is missing.
    columns: Vec<BaseColumn>,
    /// Roles beside the owner with a privilege on it.
    grants: Vec<(String, String)>,
}

/// An event, as SQL expressions.
pub(super) struct Event<'a> {
    pub(super) action: &'a str,
    pub(super) user: &'a str,
    pub(super) family: &'a str,
    /// Of type `jsonb`.
    pub(super) details: &'a str,
}

impl AuditLog {
    /// The log as it is when it is not there yet.
    pub(super) fn none(base: &Base) -> Self {
        let names = Names { schema: base.names.schema.clone(), table: NAME.to_owned() };
        Self { names, user_type: base.user_type().to_owned(), columns: Vec::new(), grants: Vec::new() }
    }

    pub(super) async fn read(connection: &mut PgConnection, base: &Base) -> Result<Self, Error> {
        let none = Self::none(base);
        let columns = columns(connection, &none.names).await?;
        let query = sqlx::query_as(GRANTS).bind(&none.names.schema).bind(&none.names.table);
        let grants =
            query.fetch_all(connection).await.map_err(Error::database("reading who may see the log"))?;
        Ok(Self { columns, grants, ..none })
    }

    pub(super) fn exists(&self) -> bool {
        !self.columns.is_empty()
    }

    /// What the table is made with when it is missing.
    pub(super) fn definition(&self) -> String {
        format!(
            "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), \
             action text NOT NULL, user_id {}, family_id uuid, details jsonb NOT NULL DEFAULT '{{}}'",
            self.user_type
        )
    }

    /// What keeps an existing table from taking events.
    pub(super) fn problems(&self) -> Vec<Problem> {
        if !self.exists() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let table = format!("{}.{NAME}", self.names.schema);
        match self.find("action") {
            None => problems.push(Problem::new(
                format!("{table} has no column action, so no event can be written to it"),
                format!("add it: ALTER TABLE {} ADD COLUMN action text", self.names.table()),
            )),
            Some(action) if !action.is_text() || is_short(&action.data_type) => problems.push(Problem::new(
                format!(
                    "{table}.action is of type {}, which cannot hold the names of events",
                    action.data_type
                ),
                "make it text",
            )),
            Some(_) => {}
        }
        let open: Vec<&str> = self
            .columns
            .iter()
            .filter(|column| column.not_null && !column.fills_itself && self.value(column, &NONE).is_none())
            .map(|column| column.name.as_str())
            .collect();
        if !open.is_empty() {
            problems.push(Problem::new(
                format!(
                    "{table} has columns that must be filled and that nothing is known for: {}",
                    open.join(", ")
                ),
                "give them a default or let them be NULL",
            ));
        }
        problems
    }

    /// Who beside the owner may change what is written in it.
    pub(super) fn notes(&self) -> Option<String> {
        let changes = |privilege: &str| matches!(privilege, "UPDATE" | "DELETE" | "TRUNCATE");
        let who: BTreeSet<&str> =
            self.grants.iter().filter(|(_, held)| changes(held)).map(|(role, _)| role.as_str()).collect();
        let who = who.into_iter().collect::<Vec<_>>().join(", ");
        let log = self.names.table();
        (!who.is_empty()).then(|| {
            format!(
                "{who} may change or delete events that were logged, and so hide a replay: \
                 REVOKE UPDATE, DELETE, TRUNCATE ON {log} FROM {who}"
            )
        })
    }

    /// The rights of others on it, which go with it: `SELECT for monitor`.
    pub(super) fn rights(&self) -> Option<String> {
        let told: Vec<String> =
            self.grants.iter().map(|(role, privilege)| format!("{privilege} for {role}")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// The statement that writes an event.
    pub(super) fn insert(&self, event: &Event<'_>) -> String {
        let made = [
            ("action".to_owned(), literal(event.action)),
            ("user_id".to_owned(), event.user.to_owned()),
            ("family_id".to_owned(), event.family.to_owned()),
            ("details".to_owned(), event.details.to_owned()),
        ];
        let pairs = if self.exists() {
            let value = |column: &BaseColumn| Some((column.name.clone(), self.value(column, event)?));
            self.columns.iter().filter_map(value).collect()
        } else {
            made.to_vec()
        };
        let (into, values): (Vec<String>, Vec<String>) =
            pairs.into_iter().map(|(column, value)| (quoted(&column), value)).unzip();
        format!("INSERT INTO {} ({}) VALUES ({})", self.names.table(), into.join(", "), values.join(", "))
    }

    /// How events of a family and an action are counted; without a column for the family, those of the action.
    pub(super) fn condition(&self, action: &str, family: &str) -> String {
        let action = format!("action = {}", literal(action));
        if self.exists() && self.find("family_id").is_none_or(|column| column.data_type != "uuid") {
            action
        } else {
            format!("{action} AND family_id = {family}")
        }
    }

    pub(super) fn table(&self) -> String {
        self.names.table()
    }

    /// What goes into a column, when something of an event does.
    fn value(&self, column: &BaseColumn, event: &Event<'_>) -> Option<String> {
        if column.generated {
            return None;
        }
        let details = |kind: &str| match kind {
            "jsonb" => Some(event.details.to_owned()),
            "json" | "text" => Some(format!("({})::{kind}", event.details)),
            _ => None,
        };
        match column.name.as_str() {
            "action" => Some(literal(event.action)),
            "user_id" if column.data_type == self.user_type => Some(event.user.to_owned()),
            "family_id" if column.data_type == "uuid" => Some(event.family.to_owned()),
            "details" | "metadata" | "event_data" | "data" | "context" => details(&column.data_type),
            "created_at" if !column.fills_itself && column.is_time() => Some("now()".to_owned()),
            "id" if !column.fills_itself && column.data_type == "uuid" => {
                Some("gen_random_uuid()".to_owned())
            }
            _ => None,
        }
    }

    fn find(&self, name: &str) -> Option<&BaseColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

const NONE: Event<'static> = Event { action: "", user: "NULL", family: "NULL", details: "NULL" };

fn is_short(data_type: &str) -> bool {
    let length = data_type.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    length.and_then(|length| length.parse::<u32>().ok()).is_some_and(|length| length < ACTION_LENGTH)
}
