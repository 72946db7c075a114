//! One thing that must exist: what it is, what defines it, and the SQL that makes and drops it.

use super::names::{At, Names, dollar_quoted};
use crate::session::{literal, quoted};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of thing, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A table beside the sessions.
    Table,
    /// A column of the table.
    Column,
    /// The default of a column.
    Default,
    /// What rows must hold.
    Rows,
    /// A check constraint.
    Constraint,
    /// An index.
    Index,
    /// A function.
    Function,
    /// A view.
    View,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Column => "column",
            Self::Default => "default",
            Self::Rows => "rows",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Function => "function",
            Self::View => "view",
        })
    }
}

/// One thing that must exist.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

/// What defines it.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Table { definition: String },
    Column { data_type: &'static str },
    Default { expression: &'static str },
    Rows,
    Constraint { check: String },
    Index { unique: bool, definition: String, stand_in: &'static str },
    Function(Function),
    View { select: String, readers: Vec<String> },
}

/// What defines a function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Each parameter: its name, its type, and its default where it has one.
    pub(super) parameters: Vec<(&'static str, String, Option<&'static str>)>,
    pub(super) returns: &'static str,
    /// Whether it runs with its owner's rights, because it writes what its callers may not.
    pub(super) definer: bool,
    pub(super) search_path: String,
    pub(super) body: String,
    /// The roles that may call it.
    pub(super) callers: Vec<String>,
}

impl Function {
    /// The types of its parameters, as they tell it from others of its name.
    pub(super) fn types(&self) -> Vec<String> {
        self.parameters.iter().map(|(_, kind, _)| kind.clone()).collect()
    }

    fn signature(&self) -> String {
        self.types().join(", ")
    }
}

impl Object {
    pub(super) fn kind(&self) -> Kind {
        match &self.shape {
            Shape::Table { .. } => Kind::Table,
            Shape::Column { .. } => Kind::Column,
            Shape::Default { .. } => Kind::Default,
            Shape::Rows => Kind::Rows,
            Shape::Constraint { .. } => Kind::Constraint,
            Shape::Index { .. } => Kind::Index,
            Shape::Function(_) => Kind::Function,
            Shape::View { .. } => Kind::View,
        }
    }

    /// How it is named in a plan, a journal and a message.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.kind(), self.name)
    }

    /// Whether its statements run each by itself, since the server takes them in no transaction.
    pub(super) fn stands_alone(&self) -> bool {
        self.kind() == Kind::Index
    }

    /// The statements that make it.
    pub(super) fn create(&self, at: &At, concurrently: bool) -> Vec<String> {
        let (table, name) = (&at.table, quoted(self.name));
        match &self.shape {
            Shape::Table { definition } => {
                let table = at.beside(self.name);
                let index = quoted(&format!("{}_created_at_idx", self.name));
                vec![
                    format!("CREATE TABLE {table} ({definition})"),
                    // An incident asks for the last hour of years.
                    format!("CREATE INDEX {index} ON {table} (created_at)"),
                    close_relation(&table),
                ]
            }
            Shape::Column { data_type } => vec![format!("ALTER TABLE {table} ADD COLUMN {name} {data_type}")],
            Shape::Default { expression } => {
                vec![format!("ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {expression}")]
            }
            Shape::Rows => Vec::new(),
            Shape::Constraint { check } => {
                vec![format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")]
            }
            Shape::Index { unique, definition, .. } => {
                let unique = if *unique { "UNIQUE " } else { "" };
                let how = if concurrently { "CONCURRENTLY " } else { "" };
                vec![format!("CREATE {unique}INDEX {how}{name} ON {table} {definition}")]
            }
            Shape::Function(function) => create_function(&at.beside(self.name), function),
            Shape::View { select, readers } => {
                let view = at.beside(self.name);
                let mut all = vec![format!("CREATE VIEW {view} AS\n{select}"), close_relation(&view)];
                all.extend(readers.iter().map(|role| format!("GRANT SELECT ON {view} TO {}", quoted(role))));
                all
            }
        }
    }

    /// The statement that drops it.
    pub(super) fn drop(&self, names: &Names) -> String {
        let (table, name, beside) = (names.table(), quoted(self.name), names.beside(self.name));
        match &self.shape {
            Shape::Table { .. } => format!("DROP TABLE {beside}"),
            Shape::Column { .. } => format!("ALTER TABLE {table} DROP COLUMN {name}"),
            Shape::Default { .. } => format!("ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"),
            Shape::Rows => String::new(),
            Shape::Constraint { .. } => format!("ALTER TABLE {table} DROP CONSTRAINT {name}"),
            Shape::Index { .. } => format!("DROP INDEX CONCURRENTLY {beside}"),
            Shape::Function(function) => format!("DROP FUNCTION {beside}({})", function.signature()),
            Shape::View { .. } => format!("DROP VIEW {beside}"),
        }
    }

    /// The statement that checks the rows that were there before a constraint.
    pub(super) fn validate(&self, names: &Names) -> String {
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", names.table(), quoted(self.name))
    }
}

fn create_function(name: &str, function: &Function) -> Vec<String> {
    let parameter = |(name, kind, default): &(&str, String, Option<&str>)| match default {
        Some(default) => format!("{name} {kind} DEFAULT {default}"),
        None => format!("{name} {kind}"),
    };
    let parameters: Vec<String> = function.parameters.iter().map(parameter).collect();
    let security = if function.definer { "SECURITY DEFINER" } else { "SECURITY INVOKER" };
    let called = format!("{name}({})", function.signature());
    let mut all = vec![
        format!(
            "CREATE FUNCTION {name}({})\nRETURNS {} LANGUAGE plpgsql {security}\nSET search_path = {}\nAS {}",
            parameters.join(", "),
            function.returns,
            function.search_path,
            dollar_quoted(&function.body)
        ),
        close_function(&called),
    ];
    all.extend(
        function.callers.iter().map(|role| format!("GRANT EXECUTE ON FUNCTION {called} TO {}", quoted(role))),
    );
    all
}

/// Takes a new function from everybody but its owner: from all roles, and from those that default privileges name.
fn close_function(called: &str) -> String {
    let at = literal(called);
    close(
        "FUNCTION",
        &format!(
            "SELECT DISTINCT p.oid::regprocedure::text AS name, a.grantee FROM pg_catalog.pg_proc AS p, \
             aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a \
             WHERE p.oid = {at}::regprocedure AND a.grantee <> p.proowner"
        ),
    )
}

/// The same for a new table or view, with the sequence that numbers its rows.
fn close_relation(name: &str) -> String {
    let at = literal(name);
    close(
        "TABLE",
        &format!(
            "SELECT DISTINCT c.oid::regclass::text AS name, a.grantee FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a \
             WHERE a.grantee <> c.relowner AND (c.oid = {at}::regclass OR c.relkind = 'S' AND c.oid IN \
             (SELECT d.objid FROM pg_catalog.pg_depend AS d WHERE d.refobjid = {at}::regclass AND d.deptype = 'i'))"
        ),
    )
}

/// Who holds something is known only once it is made, so the server itself goes through them.
fn close(what: &str, holders: &str) -> String {
    let body = format!(
        "DECLARE held record;\nBEGIN\n  FOR held IN {holders} LOOP\n    \
         EXECUTE format('REVOKE ALL ON {what} %s FROM %s', held.name, \
         CASE WHEN held.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(held.grantee)) END);\n  \
         END LOOP;\nEND"
    );
    format!("DO {}", dollar_quoted(&body))
}
