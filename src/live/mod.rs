//! Live values: read from what applications are configured with, and chosen for an exact search.
//!
//! They stay in memory. What is refused is named by its variable and a reason, never by its value.

mod lines;

use crate::detect::{self, Unfit};
use crate::dotenv;
use crate::secret::Secret;
use std::collections::BTreeMap;

/// Values by the names of their variables, and the variables of which none is used.
#[derive(Debug, Default)]
pub struct Live {
    values: Vec<(String, Secret)>,
    refused: BTreeMap<Unfit, Vec<String>>,
}

impl Live {
    /// Takes the assignments of a `.env` file.
    pub fn add_dotenv(&mut self, text: &str) {
        for assignment in dotenv::parse(text) {
            let name = assignment.name(text);
            if assignment.is_reference(text) {
                self.refuse(name, Unfit::Reference);
            } else {
                self.add(name, &assignment.read(text).into());
            }
        }
    }

    /// Takes lines that are assignments or bare values; a value without a name is named by its line.
    pub fn add_lines(&mut self, text: &str) {
        lines::each(text, |name, value| self.add(&name, value));
    }

    /// Takes one value, and the password in it if it is an address with one.
    pub fn add(&mut self, name: &str, value: &Secret) {
        let trimmed = value.expose().trim_ascii();
        let named_secret = says_secret(name);
        let password = password_of(trimmed);
        let has_password =
            password.as_ref().is_some_and(|password| detect::unfit(password.expose(), true).is_none());
        match detect::unfit(trimmed, named_secret) {
            Some(reason) if !has_password => self.refuse(name, reason),
            Some(_) => {}
            None => self.values.push((name.to_owned(), Secret::from(trimmed))),
        }
        if has_password {
            self.values.extend(password.map(|password| (name.to_owned(), password)));
        }
    }

    /// Takes one of many values that nobody chose, as a whole environment has them: only if its name or its looks say that
    /// it is a secret. Whether it was taken.
    pub fn add_if_secret(&mut self, name: &str, value: &Secret) -> bool {
        let trimmed = value.expose().trim_ascii();
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+/.=-".contains(byte);
        let is_key = trimmed.iter().all(is_word) && detect::is_generated(trimmed);
        let looks = says_secret(name) || is_key || password_of(trimmed).is_some();
        let before = self.values.len();
        if looks {
            self.add(name, value);
        }
        self.values.len() > before
    }

    /// The values with their names.
    pub fn values(&self) -> &[(String, Secret)] {
        &self.values
    }

    /// The names of the variables that are not searched for, by the reason.
    pub fn refused(&self) -> &BTreeMap<Unfit, Vec<String>> {
        &self.refused
    }

    fn refuse(&mut self, name: &str, reason: Unfit) {
        let names = self.refused.entry(reason).or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
}

/// Whether a variable's name says that its value is a secret.
fn says_secret(name: &str) -> bool {
    const WORDS: [&str; 12] = [
        "PASS",
        "PWD",
        "SECRET",
        "TOKEN",
        "KEY",
        "CREDENTIAL",
        "AUTH",
        "SALT",
        "PEPPER",
        "COOKIE",
        "LINE ",
        "DSN",
    ];
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The password in a URL, as the server gets it.
fn password_of(value: &[u8]) -> Option<Secret> {
    let start = value.windows(3).position(|window| window == b"://")? + 3;
    let rest = &value[start..];
    let authority = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let at = rest[..authority].iter().rposition(|byte| *byte == b'@');
    // A password may hold a slash that nobody escaped.
    let at = at.or_else(|| rest.iter().rposition(|byte| *byte == b'@'))?;
    let colon = rest[..at].iter().position(|byte| *byte == b':')?;
    Some(Secret::from(unescaped(&rest[colon + 1..at]))).filter(|password| !password.is_empty())
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| text[at] == b'%');
        match escape.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                out.extend(byte);
                at += 3;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(live: &Live) -> Vec<(&str, &[u8])> {
        live.values().iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
    }

    #[test]
    fn the_password_of_an_address_is_a_value_too() {
        let mut live = Live::default();
        live.add_dotenv("DB_URL=postgres://app:qT7%2Fx9-LmZ@db/shop\nPORT=3000\nSHORT=mysql://a:b@db/shop\nREF=${DB_URL}\n");
        let expected: [(&str, &[u8]); 3] = [
            ("DB_URL", b"postgres://app:qT7%2Fx9-LmZ@db/shop"),
            ("DB_URL", b"qT7/x9-LmZ"),
            ("SHORT", b"mysql://a:b@db/shop"),
        ];
        assert_eq!(taken(&live), expected);
        assert_eq!(live.refused()[&Unfit::Short], ["PORT"]);
        assert_eq!(live.refused()[&Unfit::Reference], ["REF"]);
    }

    #[test]
    fn lines_are_assignments_or_values() {
        let mut live = Live::default();
        live.add_lines(
            "# a comment\nexport A_KEY='kq9Zx T2vLm'\nWp8RbN4cJd==\n\nB_KEY=\"x\ny9Xw4Qz7\"\nTr0ub4dor&3=x\n",
        );
        let expected: [(&str, &[u8]); 4] = [
            ("A_KEY", b"kq9Zx T2vLm"),
            ("B_KEY", b"x\ny9Xw4Qz7"),
            ("line 3", b"Wp8RbN4cJd=="),
            ("line 7", b"Tr0ub4dor&3=x"),
        ];
        let mut found = taken(&live);
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn of_a_whole_environment_only_secrets_are_taken() {
        let mut live = Live::default();
        assert!(!live.add_if_secret("LS_COLORS", &Secret::from("rs=0:di=01;34:ln=01;36".to_owned())));
        assert!(live.add_if_secret("MY_TOKEN", &Secret::from("kq9ZxT2vLm".to_owned())));
        assert!(live.add_if_secret("X", &Secret::from("kq9ZxT2vLmWp8RbN4cJd".to_owned())));
        assert!(live.refused().is_empty());
    }
}
