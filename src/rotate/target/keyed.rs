//! The forms of files that are trees: one key of YAML, JSON or TOML, and one key of a Kubernetes Secret's manifest.

use super::form::{Found, Spot, Style};
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
}

impl Key {
    /// `a.b.c` with `\.` for a dot inside a key, or `/a/b/c` for JSON.
    pub(super) fn new(syntax: Syntax, shown: &str) -> Result<Self, Error> {
        let path = if syntax == Syntax::Json { pointer(shown) } else { dotted(shown) };
        match path {
            Some(path) => Ok(Self { syntax, shown: shown.to_owned(), path }),
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
        let spots = spots.collect::<Result<Vec<_>, _>>()?;
        if spots.is_empty() {
            return Err(Error::NoSuchKey { path: file.to_owned(), key: self.shown.clone() });
        }
        Ok(Found { spots, ..Found::default() })
    }
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
