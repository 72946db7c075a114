//! The target `env:PATH#NAME`: one variable of a dotenv file.
//!
//! Replaces every assignment of the name, because parsers disagree on which of two counts, and takes the old value
//! out of the fallback lists that would keep it valid.

use super::traces::{self, Traces};
use crate::dotenv::{self, Assignment};
use crate::durable::{self, Mode};
use crate::rotate::Error;
use crate::secret::Secret;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// One variable of a dotenv file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvTarget {
    path: PathBuf,
    name: String,
}

impl EnvTarget {
    /// The variable `name` of the file at `path`.
    ///
    /// # Errors
    /// When the name is none that a dotenv file can hold.
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Result<Self, Error> {
        let (path, name) = (path.into(), name.into());
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let ok = starts && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'));
        if ok && !path.as_os_str().is_empty() { Ok(Self { path, name }) } else { Err(Error::Target) }
    }

    /// The file, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The variable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the file and finds everything that a rotation will change, without changing anything.
    pub(in crate::rotate) fn read(&self) -> Result<Snapshot, Error> {
        let place = durable::check_replaceable(&self.path)?;
        let bytes =
            std::fs::read(&place).map_err(|source| Error::Read { path: self.path.clone(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            Error::NotText(self.path.clone())
        })?;
        Snapshot::new(self, place, Zeroizing::new(text))
    }
}

impl EnvTarget {
    /// The file as it was before a rotation that did not end, and the new value if that was written already.
    pub(in crate::rotate) fn recover(&self, old: &[u8]) -> Result<(Snapshot, Option<Secret>), Error> {
        let place = durable::check_replaceable(&self.path)?;
        let old = String::from_utf8(old.to_vec()).map_err(|_| Error::NotText(self.path.clone()))?;
        let snapshot = Snapshot::new(self, place, Zeroizing::new(old))?;
        let now = self.read()?;
        if now.text == snapshot.text {
            return Ok((snapshot, None));
        }
        let all = dotenv::parse(&now.text);
        let last =
            all.iter().rfind(|a| a.name(&now.text) == self.name).map(|a| Secret::from(a.read(&now.text)));
        match last {
            Some(new) if *snapshot.with(&new)? == *now.text => Ok((snapshot, Some(new))),
            _ => Err(Error::ChangedMeanwhile(self.path.clone())),
        }
    }
}

impl fmt::Display for EnvTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "env:{}#{}", self.path.display(), self.name)
    }
}

impl FromStr for EnvTarget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (path, name) =
            text.strip_prefix("env:").and_then(|rest| rest.rsplit_once('#')).ok_or(Error::Target)?;
        Self::new(path, name)
    }
}

/// The file as it was when the rotation was planned.
pub(in crate::rotate) struct Snapshot {
    /// The file that symbolic links lead to.
    pub(in crate::rotate) place: PathBuf,
    text: Zeroizing<String>,
    name: String,
    /// The lines of the variable.
    pub(in crate::rotate) lines: Vec<usize>,
    /// Fallback lists that hold the old value and will lose it, with their lines.
    pub(in crate::rotate) fallbacks: Vec<(String, usize)>,
    /// Other places that hold the old value and will keep it: what, and on which line.
    pub(in crate::rotate) leftovers: Vec<(String, usize)>,
    /// Variables that the framework prefers over this one.
    pub(in crate::rotate) overriding: Vec<String>,
    /// The old values, the one that counts for most parsers first.
    pub(in crate::rotate) old: Vec<Secret>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("place", &self.place)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    fn new(target: &EnvTarget, place: PathBuf, text: Zeroizing<String>) -> Result<Self, Error> {
        let all = dotenv::parse(&text);
        let ours: Vec<_> = all.iter().filter(|a| a.name(&text) == target.name).collect();
        if ours.is_empty() {
            return Err(Error::NoSuchName { path: target.path.clone(), name: target.name.clone() });
        }
        if let Some(odd) = ours.iter().find(|a| a.doubtful) {
            return Err(Error::Doubtful { path: target.path.clone(), line: odd.line });
        }
        if let Some(reference) = ours.iter().find(|a| a.is_reference(&text)) {
            return Err(Error::Reference { path: target.path.clone(), line: reference.line });
        }
        let lines = ours.iter().map(|a| a.line).collect();
        let old = old_values(&ours, &text);
        let mut snapshot = Self {
            place,
            name: target.name.clone(),
            lines,
            fallbacks: Vec::new(),
            leftovers: Vec::new(),
            overriding: Vec::new(),
            old,
            text,
        };
        snapshot.look_around(&all);
        Ok(snapshot)
    }

    /// Finds where else the old value stands, and what stays of it when the new one is written.
    fn look_around(&mut self, all: &[Assignment]) {
        let text = self.text.clone();
        for other in all.iter().filter(|a| a.name(&text) != self.name) {
            let name = other.name(&text);
            let loses_it = self.without_old(other).is_some();
            if loses_it {
                self.fallbacks.push((name.to_owned(), other.line));
            }
            if self.name == "AUTH_SECRET"
                && matches!(name, "AUTH_SECRET_1" | "AUTH_SECRET_2" | "AUTH_SECRET_3")
                && !other.raw(&text).is_empty()
                && !loses_it
            {
                self.overriding.push(name.to_owned());
            }
        }
        // As many lines as the old value had, so that what stands behind it keeps its number.
        let without = self.edited(|old| "\n".repeat(old.matches('\n').count()));
        self.leftovers = traces::places(&without, &Traces::of(&self.old));
    }

    fn is_old(&self, value: &str) -> bool {
        !value.is_empty() && self.old.iter().any(|old| *old == Secret::from(value.to_owned()))
    }

    /// A fallback list without the old value; `None` when it is no such list or does not hold it.
    fn without_old(&self, list: &Assignment) -> Option<String> {
        if list.doubtful || !is_fallback_list(list.name(&self.text)) {
            return None;
        }
        let value = list.read(&self.text);
        if self.is_old(&value) {
            return Some(String::new());
        }
        if value.starts_with('[') && list.quote != Some(b'"') {
            let items: Vec<String> = serde_json::from_str(&value).ok()?;
            let kept: Vec<_> = items.iter().filter(|item| !self.is_old(item)).collect();
            return (kept.len() < items.len())
                .then(|| serde_json::to_string(&kept).expect("strings are JSON"));
        }
        // better-auth numbers its secrets: `2:new,1:old`.
        let bare = |item: &str| item.split_once(':').map_or(item.to_owned(), |(_, rest)| rest.to_owned());
        let raw = list.raw(&self.text);
        let kept: Vec<_> = raw
            .split(',')
            .filter(|item| !self.is_old(item.trim()) && !self.is_old(&bare(item.trim())))
            .collect();
        (kept.len() < raw.split(',').count()).then(|| kept.join(","))
    }

    /// The file with another value in every place of the variable, and without the old one in fallback lists.
    fn edited(&self, value: impl Fn(&str) -> String) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.text.len() + 256 * self.lines.len()));
        let mut at = 0;
        for assignment in dotenv::parse(&self.text) {
            let ours = assignment.name(&self.text) == self.name;
            let new =
                if ours { Some(value(assignment.raw(&self.text))) } else { self.without_old(&assignment) };
            let Some(new) = new.map(Zeroizing::new) else { continue };
            text.push_str(&self.text[at..assignment.value.start]);
            text.push_str(&new);
            at = assignment.value.end;
        }
        text.push_str(&self.text[at..]);
        text
    }

    /// The file with the new value, checked by reading it again.
    pub(in crate::rotate) fn with(&self, new: &Secret) -> Result<Zeroizing<String>, Error> {
        let value = std::str::from_utf8(new.expose()).expect("generated values are text");
        let text = self.edited(|_| value.to_owned());
        let again = dotenv::parse(&text);
        let same_names = again
            .iter()
            .map(|a| a.name(&text))
            .eq(dotenv::parse(&self.text).iter().map(|a| a.name(&self.text)));
        if same_names && self.holds(&text, new) { Ok(text) } else { Err(Error::Edit(self.place.clone())) }
    }

    /// Whether every assignment of the variable in `text` has this value.
    fn holds(&self, text: &str, value: &Secret) -> bool {
        let ours: Vec<_> = dotenv::parse(text).into_iter().filter(|a| a.name(text) == self.name).collect();
        ours.len() == self.lines.len() && ours.iter().all(|a| *value == Secret::from(a.read(text)))
    }

    /// Writes the new value, unless the file was changed since it was read.
    pub(in crate::rotate) fn write(&self, new: &Secret) -> Result<(), Error> {
        let text = self.with(new)?;
        // A rotation that goes on after a crash may have come this far before.
        if self.expect(text.as_bytes()).is_ok() {
            return Ok(());
        }
        self.expect(self.text.as_bytes())?;
        Ok(durable::write_atomic(&self.place, text.as_bytes(), Mode::Keep)?)
    }

    /// Puts the old bytes back, if the file holds what `write` wrote; one that still holds them is left alone.
    pub(in crate::rotate) fn restore(&self, new: &Secret) -> Result<(), Error> {
        if self.expect(self.text.as_bytes()).is_ok() {
            return Ok(());
        }
        self.expect(self.with(new)?.as_bytes())?;
        Ok(durable::write_atomic(&self.place, self.text.as_bytes(), Mode::Keep)?)
    }

    /// Whether the file on disk has the new value now, and the old one nowhere but in the known leftovers.
    pub(in crate::rotate) fn read_back(&self, new: &Secret) -> Result<bool, Error> {
        let bytes = Zeroizing::new(
            std::fs::read(&self.place).map_err(|source| Error::Read { path: self.place.clone(), source })?,
        );
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(false) };
        let left = traces::places(text, &Traces::of(&self.old));
        let known = |name: &str| self.leftovers.iter().any(|(known, _)| known == name);
        Ok(self.holds(text, new) && left.iter().all(|(name, _)| known(name)))
    }

    /// The old bytes, to seal them for crash recovery.
    pub(in crate::rotate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn expect(&self, expected: &[u8]) -> Result<(), Error> {
        let now = Zeroizing::new(
            std::fs::read(&self.place).map_err(|source| Error::Read { path: self.place.clone(), source })?,
        );
        if *now == expected { Ok(()) } else { Err(Error::ChangedMeanwhile(self.place.clone())) }
    }
}

/// The last assignment counts for most parsers; a list in one variable is several secrets.
fn old_values(ours: &[&Assignment], text: &str) -> Vec<Secret> {
    let mut values = Vec::new();
    for assignment in ours.iter().rev() {
        let (read, raw) = (assignment.read(text), assignment.raw(text));
        let items: Vec<_> =
            raw.split(',').map(|item| item.trim().to_owned()).filter(|item| item.len() >= 8).collect();
        for value in [read, raw.to_owned()].into_iter().chain(items) {
            let value = Secret::from(value);
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
    }
    values
}

/// Whether frameworks read further valid keys from a variable of this name.
fn is_fallback_list(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["FALLBACK", "PREVIOUS", "ROTATED", "RETIRED"].iter().any(|part| name.contains(part))
        || ["_OLD", "_SECRETS", "_KEYS"].iter().any(|end| name.ends_with(end))
        || matches!(&*name, "AUTH_SECRET_1" | "AUTH_SECRET_2" | "AUTH_SECRET_3")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot(text: &str, name: &str) -> Result<Snapshot, Error> {
        let target = EnvTarget::new("x/.env", name).unwrap();
        Snapshot::new(&target, "x/.env".into(), Zeroizing::new(text.to_owned()))
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
    fn other_uses_and_comments_are_told_and_left() {
        let found = snapshot("S=oldvalue\nJWT=oldvalue\n# was S=oldvalue\n", "S").unwrap();
        assert_eq!(found.leftovers, [("JWT".to_owned(), 2), ("a comment".to_owned(), 3)]);
    }

    #[test]
    fn a_value_inside_another_one_is_told_by_its_name() {
        let text = "JSON='{\"k\":\"old/value\"}'\nURL=redis://:old%2Fvalue@h\nS=\"old/value\" # was old/value\n\
                    B64=b2xkL3ZhbHVl\nOTHER=old_value\nS_KEYS='{\"a\":\"old/value\"}'\nPEM=\"a\nold/value\nb\"\n";
        let found = snapshot(text, "S").unwrap();
        let names: Vec<_> = found.leftovers.iter().map(|(name, line)| (name.as_str(), *line)).collect();
        let expected = [("JSON", 1), ("URL", 2), ("a comment", 3), ("B64", 4), ("S_KEYS", 6), ("PEM", 7)];
        assert_eq!(names, expected);
    }

    #[test]
    fn lines_are_those_of_the_file_behind_a_value_of_several_lines() {
        let found = snapshot("S='old\nvalue long'\nJWT='old\nvalue long'\n", "S").unwrap();
        assert_eq!(found.leftovers, [("JWT".to_owned(), 3)]);
    }

    #[test]
    fn what_reads_back_holds_the_old_value_in_known_places_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let put = |text: &str| durable::write_atomic(&path, text.as_bytes(), Mode::Private).unwrap();
        let new = Secret::from("NEW".to_owned());
        put("S=oldvalue\nJWT=oldvalue\n");
        let found = EnvTarget::new(&path, "S").unwrap().read().unwrap();
        found.write(&new).unwrap();
        assert!(found.read_back(&new).unwrap());
        put("S=NEW\nJWT=oldvalue\nX=an-oldvalue\n");
        assert!(!found.read_back(&new).unwrap());
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused() {
        assert!(matches!(snapshot("A=1\n", "S"), Err(Error::NoSuchName { .. })));
        assert!(matches!(snapshot("A=1\nS=\"x\"y\n", "S"), Err(Error::Doubtful { line: 2, .. })));
        assert!(matches!(snapshot("S=${OTHER}\n", "S"), Err(Error::Reference { line: 1, .. })));
    }

    #[test]
    fn targets_are_parsed() {
        let target: EnvTarget = "env:/srv/a#b/.env#SESSION_SECRET".parse().unwrap();
        assert_eq!((target.path(), target.name()), (Path::new("/srv/a#b/.env"), "SESSION_SECRET"));
        assert_eq!(target.to_string(), "env:/srv/a#b/.env#SESSION_SECRET");
        for bad in ["", "env:", "env:x", "env:#S", "env:x#", "env:x#1S", "file:x#S", "env:x#S S"] {
            assert!(bad.parse::<EnvTarget>().is_err(), "{bad}");
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
