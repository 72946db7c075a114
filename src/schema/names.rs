//! The names of the table and of what is made beside it, as they go into SQL.

use crate::session::{TableName, quoted};

/// The hardened table and where its functions and views live.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) schema: String,
    pub(super) table: String,
}

impl Names {
    pub(super) fn new(name: &TableName) -> Self {
        Self { schema: name.schema.clone().unwrap_or_default(), table: name.name.clone() }
    }

    /// The place where the objects really are.
    pub(super) fn real(&self) -> At {
        At { home: quoted(&self.schema), table: self.table() }
    }

    /// The table, with its schema.
    pub(super) fn table(&self) -> String {
        self.beside(&self.table)
    }

    /// Another name of the same schema.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(name))
    }
}

/// Where an object is made: really, or on the temporary copy.
#[derive(Clone, Debug)]
pub(super) struct At {
    /// The schema of functions and views, quoted.
    pub(super) home: String,
    /// The table, quoted, with its schema.
    pub(super) table: String,
}

impl At {
    /// The temporary copy of the table.
    pub(super) fn copy() -> Self {
        Self { home: "pg_temp".to_owned(), table: "pg_temp.unleak_copy".to_owned() }
    }

    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}.{}", self.home, quoted(name))
    }
}

/// A text between dollar signs that do not occur in it.
pub(super) fn dollar_quoted(text: &str) -> String {
    let mut tag = "unleak".to_owned();
    while text.contains(&format!("${tag}$")) {
        tag.push('_');
    }
    format!("${tag}${text}${tag}$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_inside_their_quotes() {
        let names = Names { schema: "a\"b".to_owned(), table: "x; DROP TABLE y".to_owned() };
        assert_eq!(names.table(), "\"a\"\"b\".\"x; DROP TABLE y\"");
        assert_eq!(dollar_quoted("a $unleak$ b"), "$unleak_$a $unleak$ b$unleak_$");
    }
}
