//! What an account's grants let it see: the catalogue hides triggers and foreign keys from those without a right, and says
//! nothing about it.

use crate::session::schema::TableName;

/// Which rights make the tables of a schema visible, with their foreign keys.
const SHOW_TABLES: [&str; 9] =
    ["ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRIGGER", "ALTER", "INDEX", "DROP"];

/// Which rights make triggers visible.
const SHOW_TRIGGERS: [&str; 2] = ["ALL PRIVILEGES", "TRIGGER"];

/// What of a table can be seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    triggers: bool,
    /// The foreign keys of the other tables of its schema.
    references: bool,
}

impl Sight {
    /// By the lines of SHOW GRANTS, which hold those of roles as well.
    pub(super) fn of(grants: &[String], table: &TableName) -> Self {
        let mut sight = Self::default();
        for grant in grants {
            if let Some((rights, on)) = grant.strip_prefix("GRANT ").and_then(split) {
                let has = |known: &[&str]| rights.iter().any(|right| known.contains(right));
                let reach = reach(on, table);
                sight.triggers |= reach > Reach::None && has(&SHOW_TRIGGERS);
                sight.references |= reach == Reach::Schema && has(&SHOW_TABLES);
            }
        }
        // A right on everything may be taken back for one schema.
        let revoked = |line: &String| {
            let rest = line.strip_prefix("REVOKE ").and_then(split);
            rest.is_some_and(|(_, on)| reach(on, table) > Reach::None)
        };
        if grants.iter().any(revoked) { Self::default() } else { sight }
    }

    /// What of a table cannot be seen.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let triggers = (!self.triggers).then_some("its triggers");
        let references = (!self.references).then_some("the foreign keys on it");
        triggers.into_iter().chain(references).collect()
    }
}

/// The rights of a line, and what follows ` ON `.
fn split(line: &str) -> Option<(Vec<&str>, &str)> {
    // Only rights on columns have names in them, and those are of no use here.
    let (rights, on) = line.split_once(" ON ")?;
    Some((rights.split(',').map(str::trim).collect(), on))
}

/// How far a right reaches.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    None,
    Table,
    Schema,
}

fn reach(on: &str, table: &TableName) -> Reach {
    let schema = table.schema.as_deref().unwrap_or_default();
    if on.starts_with("*.* ") {
        return Reach::Schema;
    }
    let Some((of, rest)) = identifier(on) else { return Reach::None };
    if rest.starts_with(".* ") {
        return if is_like(of.as_bytes(), schema.as_bytes()) { Reach::Schema } else { Reach::None };
    }
    let named = rest.strip_prefix('.').and_then(identifier);
    let is_it = of == schema && named.is_some_and(|(name, _)| name == table.name);
    if is_it { Reach::Table } else { Reach::None }
}

/// The name that a text begins with, and what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '`' | '"'))?;
    let (mut name, mut rest) = (String::new(), &text[1..]);
    loop {
        let end = rest.find(quote)?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        // A doubled quote is one in the name.
        match rest.strip_prefix(quote) {
            Some(more) => {
                name.push(quote);
                rest = more;
            }
            None => return Some((name, rest)),
        }
    }
}

/// Whether a pattern of schemas, with `_` and `%` for one and many, takes a name.
fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'%', rest @ ..], _) => (0..=name.len()).any(|from| is_like(rest, &name[from..])),
        ([b'_', rest @ ..], [_, name @ ..]) => is_like(rest, name),
        ([b'\\', one, rest @ ..] | [one, rest @ ..], [first, name @ ..]) => {
            one == first && is_like(rest, name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grants_let_see_of_a_table() {
        let table = TableName { schema: Some("my_app".to_owned()), name: "sessions".to_owned() };
        let missing = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            Sight::of(&lines, &table).missing()
        };
        let (triggers, references) = ("its triggers", "the foreign keys on it");
        for (lines, told) in [
            (&["GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*1'"][..], vec![]),
            (&["GRANT SELECT, INSERT, TRIGGER ON *.* TO `u`@`%`"], vec![]),
            (&["GRANT TRIGGER ON `my\\_app`.* TO `u`@`%`"], vec![]),
            (&["GRANT ALL PRIVILEGES ON \"my%\".* TO \"u\"@\"%\""], vec![]),
            (&["GRANT DELETE ON `my_app`.* TO `u`@`%`"], vec![triggers]),
            (
                &["GRANT USAGE ON *.* TO `u`@`%`", "GRANT SELECT ON `my_app`.* TO `u`@`%`"],
                vec![triggers, references],
            ),
            (&["GRANT SELECT, DELETE ON `my_app`.`sessions` TO `u`@`%`"], vec![triggers, references]),
            (&["GRANT DELETE, TRIGGER ON `my_app`.`sessions` TO `u`@`%`"], vec![references]),
            (
                &["GRANT TRIGGER ON `other`.* TO `u`@`%`", "GRANT `role`@`%` TO `u`@`%`"],
                vec![triggers, references],
            ),
            (
                &["GRANT PROXY ON ''@'%' TO 'u'@'%'", "GRANT TRIGGER ON `my``app`.* TO `u`@`%`"],
                vec![triggers, references],
            ),
            (
                &["GRANT TRIGGER ON *.* TO `u`@`%`", "REVOKE TRIGGER ON `my_app`.* FROM `u`@`%`"],
                vec![triggers, references],
            ),
        ] {
            assert_eq!(missing(lines), told, "{lines:?}");
        }
    }
}
