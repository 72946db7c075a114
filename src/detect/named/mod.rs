//! Values that a text gives to a name: in code, configuration, documents and tables, however they are written down.
//!
//! A rule knows names that say "secret"; this module knows the syntaxes that connect a name and its value. It proposes
//! every place where the value may stand, and `value::verdict` judges what stands there.

mod assignment;
mod compared;
mod cursor;
mod element;
mod expression;
mod group;
mod html_table;
mod list_table;
mod listing;
mod name;
mod prose;
mod prose_before;
mod search_key;
mod spaced;
mod sql;
mod table;
mod vocabulary;

use super::value::Form;
use name::Name;
pub(super) use name::is_of_another;
pub(super) use spaced::meant;
use std::ops::Range;

/// How far from its name a value is looked for, in bytes: a table's rows stand below its head.
pub(super) const REACH: usize = 2048;

/// How far around its core is looked to tell that a name is none of a secret, in bytes.
pub(super) const NEAR: usize = name::REACH;

/// A place where the value of a name may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) range: Range<usize>,
    pub(super) form: Form,
}

/// Where the value of a name may stand.
pub(super) enum Candidates {
    /// Nowhere: the whole name says something else.
    None,
    /// Each of these can be one: the cells of a column.
    Column(Vec<Candidate>),
    /// The first of these that can be one is it.
    Either(Vec<Candidate>),
}

/// The places where the value of the name at `core` may stand.
pub(super) fn candidates(text: &[u8], core: &Range<usize>) -> Candidates {
    let Some(name) = Name::around(text, core) else { return Candidates::None };
    let columns = [group::column, list_table::column, table::column, html_table::column, sql::column];
    if let Some(cells) = columns.iter().find_map(|column| column(text, &name)) {
        return Candidates::Column(cells);
    }
    let mut places = assignment::behind(text, &name);
    places.extend(compared::with(text, &name));
    places.extend(element::behind(text, &name));
    places.extend(table::next_item(text, &name));
    places.extend(html_table::before(text, &name));
    places.extend(prose::behind(text, &name));
    places.extend(prose_before::before(text, &name));
    // A passkey that somebody types is short; a long one is the name of a key or of what keeps it.
    if text[core.clone()].to_ascii_lowercase().starts_with(b"passkey") {
        places.retain(|place| place.range.len() < 20);
    }
    // A path that holds the name is that of a file: `etc/f805c/smbpasswd`.
    let is_file = |range: &Range<usize>| {
        range.start < core.start && core.end <= range.end && text[range.start..core.start].contains(&b'/')
    };
    places.retain(|place| {
        !is_file(&place.range)
            && !search_key::is_public(text, &name, &place.range)
            && !listing::is_sum(text, &place.range)
            && !name::is_labelled(text, &name, &place.range)
    });
    for place in &mut places {
        let range = cursor::without_scheme(text, place.range.clone());
        place.range = cursor::without_marks(text, range, place.form);
        if place.form != Form::Quoted
            && let Some(range) = spaced::extended(text, place.range.start)
        {
            *place = Candidate { range, form: Form::Cell };
        }
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
            Candidates::None => Vec::new(),
            Candidates::Column(cells) => cells.into_iter().map(|found| &text[found.range]).collect(),
            Candidates::Either(places) => {
                places.into_iter().take(1).map(|found| &text[found.range]).collect()
            }
        }
    }

    /// Whatever stands where the value of `password` or `token` may be.
    fn all(text: &str) -> Vec<&str> {
        let core = text.find("password").map(|at| at..at + 8);
        let core = core.or_else(|| text.find("token").map(|at| at..at + 5)).unwrap();
        match candidates(text.as_bytes(), &core) {
            Candidates::None => Vec::new(),
            Candidates::Column(places) | Candidates::Either(places) => {
                places.into_iter().map(|found| &text[found.range]).collect()
            }
        }
    }

    #[test]
    fn assignments_of_every_language_are_read() {
        for text in [
            "DB_PASSWORD=example1",
            "export DB_PASSWORD='example1'",
            "password: example1",
            "  \"password\": \"example1\",",
            "{\\\"password\\\":\\\"example1\\\"}",
            "password := \"example1\"",
            "let password: &str = \"example1\";",
            "var password string = \"example1\"",
            "private static final String PASSWORD = \"example1\";",
            "'password' => 'example1',",
            ":password => 'example1'",
            "os.getenv('DB_PASSWORD', 'example1')",
            "process.env.DB_PASSWORD || 'example1'",
            "config['password'] = 'example1'",
            "define('DB_PASSWORD', 'example1');",
            "conn.setPassword(\"example1\");",
            "#define PASSWORD \"example1\"",
            "password = Some(\"example1\".to_owned())",
            "ENV DB_PASSWORD example1",
            "--password example1 --host x",
            "--password=example1",
            "?user=a&password=example1&x=1",
            "body: `password=example1&token=43634643&user=ada`",
            "Server=x;Password=example1;Encrypt=True",
            "X-Password: example1",
            "CREATE USER app WITH PASSWORD 'example1';",
            "password:\n  example1\n",
            "password: >-\n  example1\n",
            "password = \\\n  \"example1\"",
            "Password:\n\n```\nexample1\n```",
            "<password>example1</password>",
            "<password encrypted=\"no\">example1</password>",
            "<input name=\"password\" value=\"example1\">",
            "<add key=\"password\" value=\"example1\"/>",
            "<td>Password</td><td><code>example1</code></td>",
            "<dt>Password</dt>\n<dd>example1</dd>",
            "- name: DB_PASSWORD\n  value: example1",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"example1\"}",
            "variable \"db_password\" {\n  type = string\n  default = \"example1\"\n}",
            "| Password | example1 |",
            "| User | Password |\n|---|---|\n| app | `example1` |",
            "user,password\napp,example1",
            "INSERT INTO users (name, password) VALUES ('app', 'example1');",
            "||User||Password||\n|app|example1|",
            "<table><tr><th>User</th><th>Password</th></tr>\n<tr><td>app</td><td><code>example1</code></td></tr></table>",
            "User      Password\n========  =========\napp       example1",
            "- **Password:** `example1`",
            "- **Password**: example1",
            "The password is `example1`.",
            "The password for staging is example1.",
            "password (staging): example1",
            "set the password to \"example1\"",
            "use `example1` as the password",
            "Password - example1",
            "* - DB_PASSWORD\n  - ``example1``",
            "<tr><td>app</td>\n<td><code>example1</code></td>\n<td>password of staging</td></tr>",
            "Forgot the password? It is example1.",
            "La password di prova è example1",
            "The password is ``example1``.",
            "The db password\n    ``example1``",
            "*Password:* {{example1}}",
            "| deploy | Password | =example1= |",
            "{| class=\"wikitable\"\n! User !! Password\n|-\n| app || example1\n|}",
            "|===\n|Name |Value\n\n|DB_PASSWORD\n|example1\n|===",
            "  name;user;password;url\n  shop;app;\"example1\";https://x",
            "| Password | example1 |\n|---|---|",
            "Q: What is the password?\nA: example1",
            "[10:02] ada: what is the password?\n[10:03] ops: example1",
            "The password (keep it safe):\n\n> example1",
            "The password of the app (only for\nemergencies): example1",
            "{\"log\": \"start\\nDB_PASSWORD=example1\\nready\"}",
            "&lt;password&gt;example1&lt;/password&gt;",
            "<p>User: app<br>Password: example1</p>",
            "<meta name=\"app-password\" content=\"example1\">",
            "UPDATE settings SET value='example1' WHERE name='password'",
            "request.set(\"example1\", forField: \"password\")",
            "set -gx DB_PASSWORD example1",
            "tool config set db_password example1",
            "set :password, 'example1'",
            "{password, \"example1\"}.",
            "-define(PASSWORD, \"example1\").",
            "env.passwords = {'ada@db1': 'example1'}",
        ] {
            assert_eq!(values(text), ["example1"], "{text}");
        }
    }

    #[test]
    fn what_code_writes_between_a_name_and_its_literal_is_read() {
        for text in [
            "char password[41] = \"example1\";",
            "const PASSWORD: &'static str = \"example1\";",
            "password: str | None = \"example1\"",
            "v_password CONSTANT VARCHAR2(100) := 'example1';",
            "password VARCHAR(99) DEFAULT 'example1',",
            "password = os.environ.get(NAME) or \"example1\"",
            "let password = env::var(X).unwrap_or_else(|_| \"example1\".into());",
            "password: str = Field(default=\"example1\", min_length=8)",
            "parser.add_argument('--password', type=str, default='example1')",
            "password: z.string().default('example1'),",
            "String password() { return \"example1\"; }",
            "val password by lazy { \"example1\" }",
            "const password = () => 'example1';",
            "user, password = \"ada\", \"example1\"",
            "const [user, password] = ['ada', 'example1'];",
            "{password, <<\"example1\">>}",
            "password = b64decode(b'example1')",
            "let password = r#\"example1\"#;",
            "local password = [[example1]]",
            "$password = <<<'END'\nexample1\nEND;",
            "password: \"\" => \"example1\"",
            "  [\"password\"]=>\n  string(8) \"example1\"",
            "if (password.equals(\"example1\")) {",
            "if (\"example1\".equals(user.password())) {",
            "if (strcmp(password, \"example1\") == 0) {",
            "Compare([]byte(password), []byte(\"example1\"))",
            "expect(user.password).toBe('example1');",
            "assertEquals(\"example1\", user.password());",
            "MOVE \"example1\" TO password.",
            "01 password PIC X(16) VALUE \"example1\".",
            "let(:password) { 'example1' }",
            "secret put password <<< \"example1\"",
            "{\"ParameterKey\": \"Password\", \"ParameterValue\": \"example1\"}",
            "<AdminPassword>\n  <Value>example1</Value>\n</AdminPassword>",
            "<password value=\"example1\"/>",
            "password: &db \"example1\"",
            "password = []byte(\"example1\")",
            "^ User ^ Password ^\n| app | example1 |",
            "passwordは「example1」です",
            "password:\n\n1. example1\n2. (used)",
            "<entry key=\"Admin password\">example1</entry>",
            "Host,Root Password\ndb1,example1",
            "net -password example1",
            "env::var(\"password\").unwrap_or(\"example1\".into())",
            "#[arg(env = \"password\", default_value = \"example1\")]",
            "<Api password={'example1'} />",
        ] {
            assert_eq!(values(text), ["example1"], "{text}");
        }
    }

    #[test]
    fn names_that_say_something_else_have_no_value() {
        for text in [
            "password_hash = 'example1'",
            "passwordLength: 12",
            "PASSWORD_FILE=/run/x",
            "passwordless = 'example1'",
            "password_policy: 'example1'",
            "api_key_id: 'example1'",
            "PASSWORD= #optional",
            "x = passwordClaims{\n\tFor: of.Claims{List: of.Strings{\"example1\"}},\n}",
            "w(e,\"password:\"),r.Jb(27,\"a\")",
            "wget --auth=$PASSWORD \"$file\"",
            "arn:aws:secretsmanager:eu-west-1:1:secret:api_key-9T06KM",
        ] {
            assert_eq!(values(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_value_that_no_word_looks_like_needs_no_link_to_its_name() {
        let value = ["Kq7!", "xw2Zp9"].concat();
        for text in [
            "set the admin password (`VALUE`)",
            "the password of db4 VALUE",
            "Change the password from `changeme` to `VALUE` and restart.",
            "password of the portal, which all who log in share, `VALUE`",
            "Le mot de passe (password) du compte « admin » est VALUE",
            "Use VALUE as the password.",
            "Temporary password\nVALUE\n",
            "username app level 15 password 0 VALUE",
        ] {
            let text = text.replace("VALUE", &value);
            assert!(all(&text).contains(&&*value), "{text}: {:?}", all(&text));
        }
        for text in [
            "set the admin password (see the wiki)",
            "token list: x509CAPrivateKeyRSA1024, x509CAPrivateKeyEd25519",
            "the password hash of the user VALUE",
        ] {
            let text = text.replace("VALUE", &value);
            assert!(!all(&text).iter().any(|value| value.len() > 9), "{text}: {:?}", all(&text));
        }
    }

    #[test]
    fn between_quotes_every_sign_is_one_of_the_value() {
        assert_eq!(values("password = '=example1='"), ["=example1="]);
        assert_eq!(values("password = \"~example1~\""), ["~example1~"]);
        assert_eq!(values("| Password | ~example1~ |"), ["example1"]);
    }

    /// What names, operators, tables and markup are made of, whole and broken.
    const PIECES: [&str; 48] = [
        "password",
        "pass:",
        "api_key",
        "\"",
        "'",
        "`",
        "\\",
        "\\\"",
        " ",
        "\t",
        "\n",
        "\r\n",
        "=",
        ":",
        "::",
        "=>",
        "||",
        "|",
        "||\n",
        "|---|\n",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "<tr>",
        "<th>",
        "</tr>",
        "<td>",
        "</td>",
        "<![CDATA[",
        "name: ",
        "value: ",
        "INSERT INTO t (a, ",
        ") VALUES (",
        ",",
        ";",
        "&quot;",
        "Bearer ",
        "is ",
        "as ",
        "V4lue!77",
        "é",
        "\u{200b}",
        "```\n",
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 4000, ..Default::default() })]

        /// Whatever stands around a name, every place that is proposed lies in the text.
        #[test]
        fn any_text_is_read(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40), core in "password|api_key|x") {
            let text = format!("{}{core}{}", pieces[..pieces.len() / 2].concat(), pieces[pieces.len() / 2..].concat());
            let start = pieces[..pieces.len() / 2].concat().len();
            let places = match candidates(text.as_bytes(), &(start..start + core.len())) {
                Candidates::None => Vec::new(),
                Candidates::Column(places) | Candidates::Either(places) => places,
            };
            for place in places {
                proptest::prop_assert!(place.range.start <= place.range.end && place.range.end <= text.len());
            }
        }
    }

    #[test]
    fn every_entry_of_a_list_or_a_map_has_a_value() {
        for text in [
            "passwords = [\"one\", \"two\"]",
            "passwords = {\n  staging: 'one',\n  production: 'two',\n};",
            "var passwords = map[string]string{\"a\": \"one\", \"b\": \"two\"}",
            "$passwords = array('a' => 'one', 'id' => 'x', 'b' => 'two');",
            "val passwords = mapOf(\"a\" to \"one\", \"b\" to \"two\")",
            "COPY users (name, password) FROM stdin;\na\tone\nb\ttwo\n\\.\nc\tthree\n",
        ] {
            assert_eq!(values(text), ["one", "two"], "{text}");
        }
    }

    #[test]
    fn every_row_of_a_table_has_a_value() {
        let text = "| User | Password | Note |\n| --- | :---: | --- |\n| a | one | x |\n| b | two | y |\n\ntext | more | z\n";
        assert_eq!(values(text), ["one", "two"]);
    }
}
