//! The forms of files that are trees: one key of YAML, JSON or TOML, and one key of a Kubernetes Secret's manifest.

use super::fallback::{is_fallback_list, same_value, shortened, stands_in};
use super::form::{Found, Removal, Spot, Style};
use super::traces::Traces;
use super::tree::{Leaf, Syntax, leaves};
use crate::rotate::Error;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

/// A key of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) syntax: Syntax,
    /// As it was typed.
    pub(super) shown: String,
    path: Vec<String>,
    /// Whether the old value stays in fallback lists.
    graceful: bool,
}

impl Key {
    /// `a.b.c` with `\.` for a dot inside a key, or `/a/b/c` for JSON.
    pub(super) fn new(syntax: Syntax, shown: &str, graceful: bool) -> Result<Self, Error> {
        let path = if syntax == Syntax::Json { pointer(shown) } else { dotted(shown) };
        match path {
            Some(path) => Ok(Self { syntax, shown: shown.to_owned(), path, graceful }),
            None => Err(Error::Target),
        }
    }

    /// The innermost key.
    pub(super) fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    pub(super) fn find(&self, text: &str, file: &Path) -> Result<Found, Error> {
        let leaves = read(text, self.syntax, file)?;
        let spots = leaves.iter().filter(|leaf| leaf.path == self.path).map(|leaf| spot(leaf, file));
        let mut found = Found { spots: spots.collect::<Result<Vec<_>, _>>()?, ..Found::default() };
        if found.spots.is_empty() {
            return Err(Error::NoSuchKey { path: file.to_owned(), key: self.shown.clone() });
        }
        self.look_around(&leaves, text, &mut found);
        Ok(found)
    }

    /// Finds the old value in fallback lists. An item cannot be taken out of every form of list, so it gets the new
    /// value, which is accepted anyway.
    fn look_around(&self, leaves: &[Leaf], text: &str, found: &mut Found) {
        let old = found.old();
        let holds_old = |leaf: &Leaf| {
            leaf.trouble.is_none() && old.contains(&Secret::from(leaf.value.as_str().to_owned()))
        };
        let parent = &self.path[..self.path.len() - 1];
        let same = |leaf: &&Leaf| {
            let (name, above) = leaf.path.split_last().map_or(("", &[][..]), |(name, above)| (name, above));
            above == parent && stands_in(self.name(), name) && holds_old(leaf)
        };
        for leaf in leaves.iter().filter(same) {
            let name = leaf.path.join(".");
            found.warnings.push(same_value(&name, leaf.line));
            let values = vec![Secret::from(leaf.value.as_str().to_owned())];
            found.spots.push(Spot { range: leaf.range.clone(), line: leaf.line, style: leaf.style, values });
        }
        for leaf in leaves.iter().filter(|leaf| leaf.trouble.is_none() && !holds_old(leaf)) {
            let list = leaf.path.iter().any(|key| is_fallback_list(key)).then(|| in_text(leaf, text, &old));
            let Some(removal) = list.flatten() else { continue };
            if self.graceful {
                let rest = Zeroizing::new(text[removal.range.clone()].to_owned());
                found.kept.push(Removal { rest, ..removal });
            } else {
                found.removals.push(removal);
            }
        }
        let in_list = |leaf: &&Leaf| {
            leaf.path != self.path && leaf.path.iter().any(|key| is_fallback_list(key)) && holds_old(leaf)
        };
        for leaf in leaves.iter().filter(in_list) {
            let name = leaf.path.join(".");
            if self.graceful {
                let rest = Zeroizing::new(text[leaf.range.clone()].to_owned());
                found.kept.push(Removal { name, line: leaf.line, range: leaf.range.clone(), rest });
            } else {
                let line = leaf.line;
                found
                    .warnings
                    .push(format!("{name} (line {line}) still accepts the old value; it gets the new one."));
                let values = vec![Secret::from(leaf.value.as_str().to_owned())];
                found.spots.push(Spot { range: leaf.range.clone(), line, style: leaf.style, values });
            }
        }
    }
}

/// A list that is written as one text, `"a,b"`, without the old value. Where quotes hide how it is written, it is left.
fn in_text(leaf: &Leaf, text: &str, old: &[Secret]) -> Option<Removal> {
    let raw = &text[leaf.range.clone()];
    let inner = ['"', '\''].iter().find_map(|&quote| raw.strip_prefix(quote)?.strip_suffix(quote));
    let rest = shortened(inner.unwrap_or(raw), old).filter(|_| inner.unwrap_or(raw) == *leaf.value)?;
    // What is left may look like a number or a word of YAML's own.
    let quote = if inner.is_some() { &raw[..1] } else { "\"" };
    let is_plain = !rest.contains(['"', '\\']) || inner.is_some();
    let rest = Zeroizing::new(format!("{quote}{}{quote}", *rest));
    is_plain.then(|| Removal { name: leaf.path.join("."), line: leaf.line, range: leaf.range.clone(), rest })
}

/// A key of a Secret in a manifest, which may hold several documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The Secret's name, where several hold the key.
    object: Option<String>,
    pub(super) key: String,
    pub(super) shown: String,
}

impl Manifest {
    /// `KEY` or `NAME/KEY`.
    pub(super) fn new(shown: &str) -> Result<Self, Error> {
        let (object, key) = match shown.split_once('/') {
            Some((object, key)) => (Some(object.to_owned()), key),
            None => (None, shown),
        };
        let bad = key.is_empty() || object.as_ref().is_some_and(String::is_empty);
        if bad {
            Err(Error::Target)
        } else {
            Ok(Self { object, key: key.to_owned(), shown: shown.to_owned() })
        }
    }

    pub(super) fn find(&self, text: &str, file: &Path) -> Result<Found, Error> {
        let leaves = read(text, Syntax::Yaml, file)?;
        let (mut found, mut names) = (Found::default(), BTreeSet::new());
        for leaf in &leaves {
            let Some((owner, encoded)) = self.owner(leaf) else { continue };
            let of_owner = |keys: &[&str]| {
                let wanted = owner.iter().map(String::as_str).chain(keys.iter().copied());
                let is = |other: &&Leaf| {
                    other.document == leaf.document
                        && wanted.clone().eq(other.path.iter().map(String::as_str))
                };
                leaves.iter().find(is).map(|other| other.value.as_str())
            };
            let name = of_owner(&["metadata", "name"]).unwrap_or_default();
            if of_owner(&["kind"]) != Some("Secret")
                || self.object.as_ref().is_some_and(|object| object != name)
            {
                continue;
            }
            if names.insert((leaf.document, owner.to_vec())) && of_owner(&["immutable"]) == Some("true") {
                found.warnings.push(format!("The Secret {name} is immutable: a cluster that has it refuses the new value; it needs a new name."));
            }
            found.spots.push(if encoded { decoded(leaf, file)? } else { spot(leaf, file)? });
        }
        match names.len() {
            0 => Err(Error::NoSuchKey { path: file.to_owned(), key: self.shown.clone() }),
            1 => {
                found
                    .warnings
                    .push("A manifest takes effect when it is applied: let --reload do that.".to_owned());
                Ok(found)
            }
            _ => Err(Error::Ambiguous { path: file.to_owned(), key: self.key.clone() }),
        }
    }

    /// The path of the object that a leaf is our key of, and whether it stands in base64.
    fn owner<'a>(&self, leaf: &'a Leaf) -> Option<(&'a [String], bool)> {
        let (key, path) = leaf.path.split_last()?;
        let (section, owner) = path.split_last()?;
        let encoded = match section.as_str() {
            "data" => true,
            "stringData" => false,
            _ => return None,
        };
        (*key == self.key).then_some((owner, encoded))
    }
}

/// What must be the same before and after an edit: every key, in its order.
pub(super) fn outline(text: &str, syntax: Syntax) -> Vec<String> {
    let leaves = leaves(text, syntax).unwrap_or_default();
    leaves.iter().map(|leaf| format!("{}/{}", leaf.document, leaf.path.join("/"))).collect()
}

/// Where old values stand: under which key or in what else, and the line.
pub(super) fn places(text: &str, syntax: Syntax, traces: &Traces) -> Vec<(String, usize)> {
    let (mut found, mut bare) = (Vec::new(), Zeroizing::new(text.as_bytes().to_vec()));
    for leaf in leaves(text, syntax).unwrap_or_default() {
        if traces.are_in(&leaf.value) {
            found.push((leaf.path.join("."), leaf.line));
        }
        for byte in bare.get_mut(leaf.range.clone()).into_iter().flatten().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    let bare = String::from_utf8_lossy(&bare);
    for (index, line) in bare.lines().enumerate().filter(|(_, line)| traces.are_in_prose(line)) {
        let what = if line.contains('#') { "a comment" } else { "another place" };
        found.push((what.to_owned(), index + 1));
    }
    found.sort_by_key(|(_, line)| *line);
    found
}

fn read(text: &str, syntax: Syntax, file: &Path) -> Result<Vec<Leaf>, Error> {
    leaves(text, syntax).map_err(|(line, reason)| Error::Unreadable { path: file.to_owned(), line, reason })
}

fn spot(leaf: &Leaf, file: &Path) -> Result<Spot, Error> {
    if let Some(reason) = leaf.trouble {
        return Err(Error::Unreadable { path: file.to_owned(), line: leaf.line, reason: reason.to_owned() });
    }
    let values = vec![Secret::from(leaf.value.as_str().to_owned())];
    Ok(Spot { range: leaf.range.clone(), line: leaf.line, style: leaf.style, values })
}

fn decoded(leaf: &Leaf, file: &Path) -> Result<Spot, Error> {
    let mut spot = spot(leaf, file)?;
    let bytes = STANDARD.decode(leaf.value.split_ascii_whitespace().collect::<String>()).map_err(|_| {
        let reason = "it stands under `data` and is not in base64".to_owned();
        Error::Unreadable { path: file.to_owned(), line: leaf.line, reason }
    })?;
    spot.style = Style { base64: true, ..spot.style };
    spot.values.insert(0, Secret::from(bytes));
    Ok(spot)
}

fn dotted(text: &str) -> Option<Vec<String>> {
    let (mut keys, mut key, mut chars) = (Vec::new(), String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => key.push(chars.next()?),
            '.' => keys.push(std::mem::take(&mut key)),
            c => key.push(c),
        }
    }
    keys.push(key);
    keys.iter().all(|key| !key.is_empty()).then_some(keys)
}

/// RFC 6901.
fn pointer(text: &str) -> Option<Vec<String>> {
    let keys = text.strip_prefix('/')?.split('/');
    Some(keys.map(|key| key.replace("~1", "/").replace("~0", "~")).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Held as _;
    use super::super::file::{FileTarget, HeldFile};
    use super::*;
    use proptest::prelude::*;

    const NEW: &str = "n3wV4lue-of+a/secret";

    fn rewritten(kind: &str, part: &str, text: &str) -> Result<String, Error> {
        let target = FileTarget::parse(kind, &format!("x#{part}"), false).unwrap()?;
        let held = HeldFile::new(target, "x".into(), Zeroizing::new(text.to_owned()))?;
        assert!(!held.facts().old.is_empty());
        Ok(held.with(&Secret::from(NEW.to_owned()))?.to_string())
    }

    #[test]
    fn keys_are_parsed() {
        assert_eq!(dotted(r"a.b\.c.0").unwrap(), ["a", "b.c", "0"]);
        assert_eq!(pointer("/a~1b/~01").unwrap(), ["a/b", "~1"]);
        for bad in ["", ".", "a..b", "a\\"] {
            assert_eq!(dotted(bad), None, "{bad}");
        }
        assert_eq!(pointer("a"), None);
    }

    #[test]
    fn a_value_that_could_be_a_number_gets_quotes() {
        for (value, written) in
            [("12345678901234", "\"12345678901234\""), ("0x1234567890ab", "\"0x1234567890ab\"")]
        {
            let style = Style { quote: super::super::form::Quote::Yaml, base64: false };
            assert_eq!(*style.write(value), written);
        }
    }

    #[test]
    fn a_tree_that_is_too_deep_is_refused_at_once() {
        let json = |levels: usize| {
            format!("{{\"a\": \"oldvalue\", \"b\": {}{}}}", "[".repeat(levels), "]".repeat(levels))
        };
        for (kind, part) in [("yaml", "a"), ("json", "/a")] {
            let written = rewritten(kind, part, &json(126)).unwrap();
            assert_eq!(written, json(126).replace("oldvalue", NEW));
            let error = rewritten(kind, part, &json(127)).unwrap_err();
            assert!(error.to_string().contains("128 levels"), "{kind}: {error}");
            assert!(rewritten(kind, part, &json(200_000)).is_err());
        }
        let error = rewritten("json", "/a", "{\"a\": \"oldvalue\",}").unwrap_err();
        assert!(error.to_string().contains("no valid JSON"), "{error}");
    }

    #[test]
    fn the_old_value_leaves_fallback_lists() {
        let text =
            |a: &str, b: &str| format!("a: {a}\nSECRET_KEY_FALLBACKS:\n  - {b}\n  - other\nx: [{b}]\n");
        let expected = text(NEW, NEW).replace(&format!("[{NEW}]"), "[oldvalue]");
        assert_eq!(rewritten("yaml", "a", &text("oldvalue", "oldvalue")).unwrap(), expected);
        let one = |list: &str| {
            format!("a: x\nAPP_PREVIOUS_KEYS: {list}\nold_keys: [{NEW}]\n")
                .replace("x\n", &format!("{NEW}\n"))
        };
        for (before, after) in
            [("\"b,oldvalue\"", "\"b\""), ("b; oldvalue", "\"b\""), ("'oldvalue,1'", "'1'")]
        {
            let text = one(before).replace(NEW, "oldvalue");
            assert_eq!(rewritten("yaml", "a", &text).unwrap(), one(after));
        }
        let json = |list: &str, value: &str| format!("{{\"a\": \"{value}\", \"previousKeys\": \"{list}\"}}");
        assert_eq!(rewritten("json", "/a", &json("oldvalue, b", "oldvalue")).unwrap(), json("b", NEW));
        let beside = |value: &str| format!("app:\n  AUTH_SECRET: {value}\n  NEXTAUTH_SECRET: {value}\n");
        assert_eq!(rewritten("yaml", "app.AUTH_SECRET", &beside("oldvalue")).unwrap(), beside(NEW));
    }

    proptest! {
        #[test]
        fn every_other_byte_of_yaml_stays(
            before in "([b-j]: ([a-z]{1,6}|'[ -&(-~]{0,9}'|\"[ !#-\\[\\]-~\u{e4}\u{1f600}]{0,9}\"|\\[[a-z]{1,3}, x\\])( # [a-z@]{0,8})?(\r\n|\n)|# [ -~\u{e4}]{0,12}\n|\n){0,5}",
            form in 0_usize..3,
            value in "[a-z][a-z0-9]{7,20}",
            after in "( # c)?((\r\n|\n)[p-z]: [a-z]{1,5}){0,3}",
        ) {
            let (open, close) = [("", ""), ("'", "'"), ("\"", "\"")][form];
            let text = format!("{before}a: {open}{value}{close}{after}");
            let expected = format!("{before}a: {open}{NEW}{close}{after}");
            prop_assert_eq!(rewritten("yaml", "a", &text).unwrap(), expected);
        }

        #[test]
        fn every_other_byte_of_json_and_toml_stays(other in "[ !#-\\[\\]-~\u{e4}\u{1f600}]{0,12}", value in "[a-z0-9]{8,20}") {
            let json = |value: &str| format!("{{\n \"o\":\t\"{other}\" ,\"a\" : {{\"b.c\": \"{value}\"}}, \"n\": [1e5, true]\r\n}}");
            prop_assert_eq!(rewritten("json", "/a/b.c", &json(&value)).unwrap(), json(NEW));
            let toml = |value: &str| format!("o = \"{other}\" # {other}\n[a]\n\"b.c\" =   \"{value}\"\r\nn = [1, 2]\n");
            prop_assert_eq!(rewritten("toml", r"a.b\.c", &toml(&value)).unwrap(), toml(NEW));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,60}|[a:{}\\[\\]\"'|>&*!#\n\r -]{0,40}") {
            for (kind, part) in [("yaml", "a"), ("json", "/a"), ("toml", "a"), ("k8s", "a")] {
                drop(rewritten(kind, part, &text));
            }
        }
    }
}
