//! Values that a text gives to a name: in code, configuration, documents and tables, however they are written down.
//!
//! A rule knows names that say "secret"; this module knows the syntaxes that connect a name and its value. It proposes
//! every place where the value may stand, and `value::verdict` judges what stands there.

mod assignment;
mod cursor;
mod element;
mod html_table;
mod name;
mod prose;
mod sql;
mod table;

use super::value::Form;
use name::Name;
use std::ops::Range;

/// How far from its name a value is looked for, in bytes: a table's rows stand below its head.
pub(super) const REACH: usize = 4096;

/// A place where the value of a name may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) range: Range<usize>,
    pub(super) form: Form,
}

/// Where the value of a name may stand.
pub(super) enum Candidates {
    /// Each of these can be one: the cells of a column.
    Column(Vec<Candidate>),
    /// The first of these that can be one is it.
    Either(Vec<Candidate>),
}

/// The places where the value of the name at `core` may stand; none if the whole name says something else.
pub(super) fn candidates(text: &[u8], core: &Range<usize>) -> Candidates {
    let Some(name) = Name::around(text, core) else { return Candidates::Either(Vec::new()) };
    let columns = [table::column, html_table::column, sql::column];
    if let Some(cells) = columns.iter().find_map(|column| column(text, &name)) {
        return Candidates::Column(cells);
    }
    let mut places = assignment::behind(text, &name);
    places.extend(element::behind(text, &name));
    places.extend(prose::behind(text, &name));
    places.extend(prose::before(text, &name));
    for place in &mut places {
        place.range = cursor::without_scheme(text, place.range.clone());
    }
    Candidates::Either(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands where the value of `password` or `api_key` is looked for first.
    fn values(text: &str) -> Vec<&str> {
        let core = text.to_lowercase().find("password").map(|at| at..at + 8);
        let core = core.or_else(|| text.to_lowercase().find("api_key").map(|at| at..at + 7)).unwrap();
        match candidates(text.as_bytes(), &core) {
            Candidates::Column(cells) => cells.into_iter().map(|found| &text[found.range]).collect(),
            Candidates::Either(places) => {
                places.into_iter().take(1).map(|found| &text[found.range]).collect()
            }
        }
    }

    #[test]
    fn assignments_of_every_language_are_read() {
        for text in [
            "DB_PASSWORD=V4lue77",
            "export DB_PASSWORD='V4lue77'",
            "password: V4lue77",
            "  \"password\": \"V4lue77\",",
            "{\\\"password\\\":\\\"V4lue77\\\"}",
            "password := \"V4lue77\"",
            "let password: &str = \"V4lue77\";",
            "var password string = \"V4lue77\"",
            "private static final String PASSWORD = \"V4lue77\";",
            "'password' => 'V4lue77',",
            ":password => 'V4lue77'",
            "os.getenv('DB_PASSWORD', 'V4lue77')",
            "process.env.DB_PASSWORD || 'V4lue77'",
            "config['password'] = 'V4lue77'",
            "define('DB_PASSWORD', 'V4lue77');",
            "conn.setPassword(\"V4lue77\");",
            "#define PASSWORD \"V4lue77\"",
            "password = Some(\"V4lue77\".to_owned())",
            "ENV DB_PASSWORD V4lue77",
            "--password V4lue77 --host x",
            "--password=V4lue77",
            "?user=a&password=V4lue77&x=1",
            "Server=x;Password=V4lue77;Encrypt=True",
            "X-Password: V4lue77",
            "CREATE USER app WITH PASSWORD 'V4lue77';",
            "password:\n  V4lue77\n",
            "password: >-\n  V4lue77\n",
            "password = \\\n  \"V4lue77\"",
            "Password:\n\n```\nV4lue77\n```",
            "<password>V4lue77</password>",
            "<password encrypted=\"no\">V4lue77</password>",
            "<input name=\"password\" value=\"V4lue77\">",
            "<add key=\"password\" value=\"V4lue77\"/>",
            "<td>Password</td><td><code>V4lue77</code></td>",
            "<dt>Password</dt>\n<dd>V4lue77</dd>",
            "- name: DB_PASSWORD\n  value: V4lue77",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"V4lue77\"}",
            "variable \"db_password\" {\n  type = string\n  default = \"V4lue77\"\n}",
            "| Password | V4lue77 |",
            "| User | Password |\n|---|---|\n| app | `V4lue77` |",
            "user,password\napp,V4lue77",
            "INSERT INTO users (name, password) VALUES ('app', 'V4lue77');",
            "||User||Password||\n|app|V4lue77|",
            "<table><tr><th>User</th><th>Password</th></tr>\n<tr><td>app</td><td><code>V4lue77</code></td></tr></table>",
            "User      Password\n========  =========\napp       V4lue77",
            "- **Password:** `V4lue77`",
            "- **Password**: V4lue77",
            "The password is `V4lue77`.",
            "The password for staging is V4lue77.",
            "password (staging): V4lue77",
            "set the password to \"V4lue77\"",
            "use `V4lue77` as the password",
            "Password - V4lue77",
        ] {
            assert_eq!(values(text), ["V4lue77"], "{text}");
        }
    }

    #[test]
    fn names_that_say_something_else_have_no_value() {
        for text in [
            "password_hash = 'V4lue77'",
            "passwordLength: 12",
            "PASSWORD_FILE=/run/x",
            "passwordless = 'V4lue77'",
            "password_policy: 'V4lue77'",
            "api_key_id: 'V4lue77'",
        ] {
            assert_eq!(values(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn every_row_of_a_table_has_a_value() {
        let text = "| User | Password | Note |\n| --- | :---: | --- |\n| a | one | x |\n| b | two | y |\n\ntext | more | z\n";
        assert_eq!(values(text), ["one", "two"]);
    }
}
