//! The form of a dotenv file: one variable of it.
//!
//! Finds every assignment of the name, because parsers disagree on which of two counts, and the fallback lists that
//! would keep the old value valid.

use super::fallback::{same_value, stands_in, with_old, without_old};
use super::form::{Found, Removal, Spot, Style};
use crate::dotenv::{self, Assignment, Dialect};
use crate::rotate::Error;
use crate::secret::Secret;
use std::path::Path;
use zeroize::Zeroizing;

/// One variable of a dotenv file, or several that hold the same secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) names: Vec<String>,
    /// Who reads the file.
    pub(super) dialect: Dialect,
    /// Whether the old value stays in fallback lists.
    graceful: bool,
}

impl Variable {
    /// `NAME`, or `NAME,NAME`.
    ///
    /// # Errors
    /// When a name is none that a dotenv file can hold.
    pub(super) fn new(names: &str, dialect: Dialect, graceful: bool) -> Result<Self, Error> {
        let starts = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
        let ok = |name: &str| starts(name) && name.bytes().all(inner);
        if names.split(',').all(ok) {
            Ok(Self { names: names.split(',').map(str::to_owned).collect(), dialect, graceful })
        } else {
            Err(Error::Target)
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|ours| ours == name)
    }

    /// Finds the variable; `path` is for messages.
    pub(super) fn find(&self, text: &str, path: &Path) -> Result<Found, Error> {
        let all = dotenv::parse_as(text, self.dialect);
        let ours: Vec<_> = all.iter().filter(|a| self.has(a.name(text))).collect();
        if let Some(missing) = self.names.iter().find(|name| !ours.iter().any(|a| a.name(text) == **name)) {
            return Err(Error::NoSuchName { path: path.to_owned(), name: missing.clone() });
        }
        if let Some(odd) = ours.iter().find(|a| a.doubtful) {
            return Err(Error::Doubtful { path: path.to_owned(), line: odd.line });
        }
        if let Some(reference) = ours.iter().find(|a| self.dialect != Dialect::Docker && a.is_reference(text))
        {
            return Err(Error::Reference { path: path.to_owned(), line: reference.line });
        }
        let spots = ours.iter().map(|a| Spot {
            range: a.value.clone(),
            line: a.line,
            style: Style::BARE,
            values: values(a, text),
        });
        let mut found = Found { spots: spots.collect(), ..Found::default() };
        self.look_around(&all, text, &mut found);
        Ok(found)
    }

    /// What must be the same before and after an edit: the names, in their order.
    pub(super) fn outline(&self, text: &str) -> Vec<String> {
        dotenv::parse_as(text, self.dialect).iter().map(|a| a.name(text).to_owned()).collect()
    }

    /// Finds the lists that hold the old value, and the variables that count before this one.
    fn look_around(&self, all: &[Assignment], text: &str, found: &mut Found) {
        let old = found.old();
        for other in all.iter().filter(|a| !self.has(a.name(text))) {
            let name = other.name(text);
            let list =
                |rest| Removal { name: name.to_owned(), line: other.line, range: other.value.clone(), rest };
            if self.names.iter().any(|ours| stands_in(ours, name)) && holds_same(other, text, &old) {
                found.warnings.push(same_value(name, other.line));
                found.spots.push(Spot {
                    range: other.value.clone(),
                    line: other.line,
                    style: Style::BARE,
                    values: vec![Secret::from(other.read(text))],
                });
                continue;
            }
            let rest = without_old(other, text, &old);
            if self.has("AUTH_SECRET")
                && matches!(name, "AUTH_SECRET_1" | "AUTH_SECRET_2" | "AUTH_SECRET_3")
                && !other.raw(text).is_empty()
                && rest.is_none()
            {
                found.overriding.push(name.to_owned());
            }
            // Of these the highest one signs: the old value in one of them would go on signing.
            let may_stay = self.graceful && !name.starts_with("AUTH_SECRET_");
            match rest {
                Some(_) if may_stay => found.kept.push(list(Zeroizing::new(other.raw(text).to_owned()))),
                Some(rest) => found.removals.push(list(rest)),
                None if may_stay => {
                    let current = found.spots.last().and_then(|spot| spot.values.first());
                    found.kept.extend(current.and_then(|old| with_old(other, text, old)).map(list));
                }
                None => {}
            }
        }
    }
}

/// Whether it is one plain value, and ours.
fn holds_same(other: &Assignment, text: &str, old: &[Secret]) -> bool {
    !other.doubtful && !other.raw(text).is_empty() && old.contains(&Secret::from(other.read(text)))
}

/// What an assignment holds; a list in one variable is several secrets.
fn values(assignment: &Assignment, text: &str) -> Vec<Secret> {
    let (read, raw) = (assignment.read(text), assignment.raw(text));
    let items: Vec<_> =
        raw.split(',').map(|item| item.trim().to_owned()).filter(|item| item.len() >= 8).collect();
    [read, raw.to_owned()].into_iter().chain(items).map(Secret::from).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file::{FileTarget, HeldFile};
    use super::super::{Held as _, Surroundings, Target};
    use super::*;
    use crate::durable::{self, Mode};
    use proptest::prelude::*;

    fn snapshot(text: &str, name: &str) -> Result<HeldFile, Error> {
        let target = FileTarget::env("x/.env".into(), name).unwrap();
        HeldFile::new(target, "x/.env".into(), Zeroizing::new(text.to_owned()))
    }

    fn rewritten(text: &str) -> String {
        let new = Secret::from("NEW".to_owned());
        snapshot(text, "S").unwrap().with(&new).unwrap().to_string()
    }

    #[test]
    fn only_the_value_changes() {
        for (before, after) in [
            ("S=old", "S=NEW"),
            ("\u{feff}A=1\r\n  export S = 'old' # c\r\nB=2", "\u{feff}A=1\r\n  export S = 'NEW' # c\r\nB=2"),
            ("S=\"o\nS=x\nld\"\nT=1\n", "S=\"NEW\"\nT=1\n"),
            ("S=one\nS=\"two\"\n# S=three\n", "S=NEW\nS=\"NEW\"\n# S=three\n"),
            ("S=\n", "S=NEW\n"),
            ("TS=1\nS.X=2\nS=old\n", "TS=1\nS.X=2\nS=NEW\n"),
        ] {
            assert_eq!(rewritten(before), after);
        }
    }

    #[test]
    fn the_old_value_leaves_every_fallback_list() {
        for (before, after) in [
            ("S=oldvalue\nSECRET_KEY_FALLBACKS=a,oldvalue,b\n", "S=NEW\nSECRET_KEY_FALLBACKS=a,b\n"),
            ("S=oldvalue\nAPP_PREVIOUS_KEYS='oldvalue'\n", "S=NEW\nAPP_PREVIOUS_KEYS=''\n"),
            ("S=oldvalue\nAUTH_SECRET_1=oldvalue\n", "S=NEW\nAUTH_SECRET_1=\n"),
            ("S=oldvalue\nBETTER_AUTH_SECRETS=\"2:x,1:oldvalue\"\n", "S=NEW\nBETTER_AUTH_SECRETS=\"2:x\"\n"),
            ("S=oldvalue\nS_OLD='[\"oldvalue\",\"b\"]'\n", "S=NEW\nS_OLD='[\"b\"]'\n"),
        ] {
            assert_eq!(rewritten(before), after);
        }
    }

    #[test]
    fn a_variable_that_is_read_in_its_stead_gets_the_new_value_too() {
        for (ours, other) in [("AUTH_SECRET", "NEXTAUTH_SECRET"), ("NEXTAUTH_SECRET", "AUTH_SECRET")] {
            let held = snapshot(&format!("{ours}=oldvalue\n{other}=\"oldvalue\"\n"), ours).unwrap();
            let written = held.with(&Secret::from("NEW".to_owned())).unwrap();
            assert_eq!(*written, format!("{ours}=NEW\n{other}=\"NEW\"\n"));
            assert!(held.facts().warnings[0].starts_with(&format!("{other} (line 2) holds the same value")));
        }
        let held = snapshot("AUTH_SECRET=oldvalue\nNEXTAUTH_SECRET=another\n", "AUTH_SECRET").unwrap();
        let written = held.with(&Secret::from("NEW".to_owned())).unwrap();
        assert_eq!(*written, "AUTH_SECRET=NEW\nNEXTAUTH_SECRET=another\n");
    }

    #[test]
    fn a_graceful_rotation_keeps_the_old_value_where_it_cannot_sign() {
        let graceful = |before: &str| {
            let target = FileTarget::parse("env", "x/.env#S,AUTH_SECRET", true).unwrap().unwrap();
            let held = HeldFile::new(target, "x/.env".into(), Zeroizing::new(before.to_owned())).unwrap();
            assert!(held.facts().leftovers.is_empty());
            held.with(&Secret::from("NEW".to_owned())).unwrap().to_string()
        };
        for (lists, after) in [
            ("SECRET_KEY_FALLBACKS=a", "SECRET_KEY_FALLBACKS=a,oldvalue"),
            ("APP_PREVIOUS_KEYS=", "APP_PREVIOUS_KEYS=oldvalue"),
            ("S_FALLBACKS='[\"a\"]'", "S_FALLBACKS='[\"a\",\"oldvalue\"]'"),
            ("S_FALLBACKS=oldvalue,b", "S_FALLBACKS=oldvalue,b"),
            ("AUTH_SECRET_1=oldvalue", "AUTH_SECRET_1="),
        ] {
            let before = format!("S=oldvalue\nAUTH_SECRET=oldvalue\n{lists}\n");
            assert_eq!(graceful(&before), format!("S=NEW\nAUTH_SECRET=NEW\n{after}\n"));
        }
    }

    #[test]
    fn other_uses_and_comments_are_told_and_left() {
        let found = snapshot("S=oldvalue\nJWT=oldvalue\n# was S=oldvalue\n", "S").unwrap();
        assert_eq!(found.facts().leftovers, [("JWT".to_owned(), 2), ("a comment".to_owned(), 3)]);
    }

    #[test]
    fn a_value_inside_another_one_is_told_by_its_name() {
        let text = "JSON='{\"k\":\"old/value\"}'\nURL=redis://:old%2Fvalue@h\nS=\"old/value\" # was old/value\n\
                    B64=b2xkL3ZhbHVl\nOTHER=old_value\nS_KEYS='{\"a\":\"old/value\"}'\nPEM=\"a\nold/value\nb\"\n";
        let found = snapshot(text, "S").unwrap();
        let names: Vec<_> =
            found.facts().leftovers.iter().map(|(name, line)| (name.as_str(), *line)).collect();
        let expected = [("JSON", 1), ("URL", 2), ("a comment", 3), ("B64", 4), ("S_KEYS", 6), ("PEM", 7)];
        assert_eq!(names, expected);
    }

    #[test]
    fn lines_are_those_of_the_file_behind_a_value_of_several_lines() {
        let found = snapshot("S='old\nvalue long'\nJWT='old\nvalue long'\n", "S").unwrap();
        assert_eq!(found.facts().leftovers, [("JWT".to_owned(), 3)]);
    }

    #[test]
    fn what_reads_back_holds_the_old_value_in_known_places_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let put = |text: &str| durable::write_atomic(&path, text.as_bytes(), Mode::Private).unwrap();
        let new = Secret::from("NEW".to_owned());
        put("S=oldvalue\nJWT=oldvalue\n");
        let found = Target::env(&path, "S").unwrap().place().read().unwrap();
        found.write(&new).unwrap();
        assert_eq!(found.read_back(&new).unwrap(), Some(true));
        put("S=NEW\nJWT=oldvalue\nX=an-oldvalue\n");
        assert_eq!(found.read_back(&new).unwrap(), Some(false));
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused() {
        assert!(matches!(snapshot("A=1\n", "S"), Err(Error::NoSuchName { .. })));
        assert!(matches!(snapshot("A=1\nS=\"x\"y\n", "S"), Err(Error::Doubtful { line: 2, .. })));
        assert!(matches!(snapshot("S=${OTHER}\n", "S"), Err(Error::Reference { line: 1, .. })));
    }

    #[test]
    fn targets_are_parsed() {
        let around = Surroundings {
            env: &|_| None,
            read_command: None,
            graceful: false,
            directory: None,
            state: None,
        };
        let target = Target::parse("env:/srv/a#b/.env#SESSION_SECRET", &around).unwrap();
        let (file, name) = (target.place().file(), target.place().variable());
        assert_eq!((file, name), (Some(Path::new("/srv/a#b/.env")), "SESSION_SECRET"));
        assert_eq!(target.to_string(), "env:/srv/a#b/.env#SESSION_SECRET");
        for bad in ["", "env:", "env:x", "env:#S", "env:x#", "env:x#1S", "what:x#S", "env:x#S S", "env:x#S,"]
        {
            assert!(Target::parse(bad, &around).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_other_byte_stays(
            before in "([A-R]=[a-z ]{0,8}(\r\n|\n)|#[ -~]{0,12}\n|\n|M='[a-z\n=S]{0,9}'\n){0,6}",
            form in 0_usize..6,
            value in "[a-z0-9]{1,20}",
            after in "((\r\n|\n)([T-Z]=[a-z]{0,5})?){0,5}",
        ) {
            let open = ["S=", "  S=", "export S=", "S='", "S = \"", "S=`"][form];
            let close = ["", " # c", "\t", "'", "\" # c", "`"][form];
            let text = format!("{before}{open}{value}{close}{after}");
            let expected = format!("{before}{open}NEW{close}{after}");
            prop_assert_eq!(rewritten(&text), expected);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,60}|[S=\"'`\\\\\r\n# ]{0,40}") {
            if let Ok(found) = snapshot(&text, "S") {
                drop(found.with(&Secret::from("NEW".to_owned())));
            }
        }
    }
}
