//! A target in a file of this machine: read once, edited in place, replaced whole, and put back byte for byte.
//!
//! The forms know how a value stands in a text; this knows files: links, owners, modes, sizes, and other writers.

use super::dotenv::Variable;
use super::form::{Found, Removal, Spot, Style};
use super::keyed::{self, Key, Manifest};
use super::traces::{self, Traces};
use super::tree::Syntax;
use super::{Facts, Held, Place, State};
use crate::dotenv::Dialect;
use crate::durable::{self, Mode};
use crate::rotate::Error;
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::secret::Secret;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A value in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileTarget {
    path: PathBuf,
    form: Form,
}

/// The forms of files.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Env(Variable),
    Key(Key),
    Manifest(Manifest),
    /// All of the file but its last line end; the name is the file's.
    Whole(String),
}

impl FileTarget {
    pub(super) fn env(path: PathBuf, name: &str) -> Result<Self, Error> {
        Self::new(path, Form::Env(Variable::new(name, Dialect::Common, false)?))
    }

    fn new(path: PathBuf, form: Form) -> Result<Self, Error> {
        if path.as_os_str().is_empty() { Err(Error::Target) } else { Ok(Self { path, form }) }
    }

    /// What stands behind `KIND:`; `None` when the kind is none of a file.
    pub(super) fn parse(kind: &str, rest: &str, graceful: bool) -> Option<Result<Self, Error>> {
        if kind == "file" {
            let name =
                Path::new(rest).file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
            return Some(Self::new(rest.into(), Form::Whole(name)));
        }
        let make: &dyn Fn(&str) -> Result<Form, Error> = match kind {
            "yaml" => &|part| Key::new(Syntax::Yaml, part, graceful).map(Form::Key),
            "json" => &|part| Key::new(Syntax::Json, part, graceful).map(Form::Key),
            "toml" => &|part| Key::new(Syntax::Toml, part, graceful).map(Form::Key),
            "k8s" => &|part| Manifest::new(part).map(Form::Manifest),
            kind => {
                let dialect = Dialect::of(kind.strip_prefix("env")?)?;
                let make = |(path, part): (&str, &str)| {
                    Self::new(path.into(), Form::Env(Variable::new(part, dialect, graceful)?))
                };
                return Some(rest.rsplit_once('#').ok_or(Error::Target).and_then(make));
            }
        };
        let parts = rest.rsplit_once('#').ok_or(Error::Target);
        Some(parts.and_then(|(path, part)| Self::new(path.into(), make(part)?)))
    }

    /// The name with its path in full; `None` when it names no file.
    pub(super) fn in_full(text: &str, full: &dyn Fn(&str) -> String) -> Option<String> {
        let (kind, rest) = text.split_once(':')?;
        let target = Self::parse(kind, rest, false)?.ok()?;
        Some(Self { path: full(target.path.to_str()?).into(), ..target }.to_string())
    }
}

impl fmt::Display for FileTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.form {
            Form::Env(variable) => {
                write!(f, "env{}:{path}#{}", variable.dialect.suffix(), variable.names.join(","))
            }
            Form::Key(key) => write!(f, "{}:{path}#{}", key.syntax.kind(), key.shown),
            Form::Manifest(manifest) => write!(f, "k8s:{path}#{}", manifest.shown),
            Form::Whole(_) => write!(f, "file:{path}"),
        }
    }
}

impl Place for FileTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        let place = durable::check_replaceable(&self.path)?;
        sole(&place)?;
        let text = bounded::text(&place, &self.path, CONFIGURATION)?;
        Ok(Box::new(HeldFile::new(self.clone(), place, text)?))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let place = durable::check_replaceable(&self.path)?;
        let text = String::from_utf8(sealed.to_vec()).map_err(|_| Error::NotText(self.path.clone()))?;
        Ok(Box::new(HeldFile::new(self.clone(), place, Zeroizing::new(text))?))
    }

    fn variable(&self) -> &str {
        match &self.form {
            Form::Env(variable) => &variable.names[0],
            Form::Key(key) => key.name(),
            Form::Manifest(manifest) => &manifest.key,
            Form::Whole(name) => name,
        }
    }

    fn variables(&self) -> Vec<&str> {
        match &self.form {
            Form::Env(variable) => variable.names.iter().map(String::as_str).collect(),
            _ => vec![self.variable()],
        }
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl Form {
    /// Finds the value, and refuses what is no value but leads to one.
    fn find(&self, text: &str, path: &Path) -> Result<Found, Error> {
        let found = match self {
            Self::Env(variable) => variable.find(text, path)?,
            Self::Key(key) => key.find(text, path)?,
            Self::Manifest(manifest) => manifest.find(text, path)?,
            Self::Whole(_) => whole(text),
        };
        for spot in &found.spots {
            let value = spot.values.first().map_or(&b""[..], Secret::expose);
            if let Some(reason) = stand_in(value) {
                let reason = reason.to_owned();
                return Err(Error::Unreadable { path: path.to_owned(), line: spot.line, reason });
            }
        }
        Ok(found)
    }

    /// What an edit must not change.
    fn outline(&self, text: &str) -> Vec<String> {
        match self {
            Self::Env(variable) => variable.outline(text),
            Self::Key(key) => keyed::outline(text, key.syntax),
            Self::Manifest(_) => keyed::outline(text, Syntax::Yaml),
            Self::Whole(_) => Vec::new(),
        }
    }

    /// Where old values stand in a text: what it is, and the line.
    fn places(&self, text: &str, traces: &Traces) -> Vec<(String, usize)> {
        match self {
            Self::Env(_) => traces::places(text, traces),
            Self::Key(key) => keyed::places(text, key.syntax, traces),
            Self::Manifest(_) => keyed::places(text, Syntax::Yaml, traces),
            Self::Whole(_) => Vec::new(),
        }
    }
}

fn whole(text: &str) -> Found {
    let value = text.trim_end_matches(['\r', '\n']);
    let values = vec![Secret::from(value.to_owned())];
    let spot = Spot { range: 0..value.len(), line: 1, style: Style::BARE, values };
    Found { spots: vec![spot], ..Found::default() }
}

/// A file is replaced under one name: under the others, and for whoever reads it there, the old value would stay.
pub(super) fn sole(place: &Path) -> Result<(), Error> {
    match durable::links(place) {
        0 | 1 => Ok(()),
        links => Err(Error::HardLinks { path: place.to_owned(), links }),
    }
}

/// What a value is that no application uses as it stands there.
fn stand_in(value: &[u8]) -> Option<&'static str> {
    let starts = |start: &str| value.starts_with(start.as_bytes());
    if starts("ENC[AES256_GCM,") {
        Some("it is encrypted by SOPS: use exec: with its own command")
    } else if starts("$ANSIBLE_VAULT;") {
        Some("it is encrypted by Ansible: use exec: with its own command")
    } else if starts("encrypted:") {
        Some("it is encrypted by dotenvx: use exec: with its own command")
    } else if starts("{{") || starts("{%") {
        Some("it is a template: rotate the value that fills it")
    } else if starts("op://") || starts("vault:") {
        Some("it is a reference into a store: rotate the value there")
    } else {
        None
    }
}

/// The file as it was when the rotation was planned.
pub(super) struct HeldFile {
    target: FileTarget,
    /// The file that symbolic links lead to.
    place: PathBuf,
    text: Zeroizing<String>,
    found: Found,
    facts: Facts,
}

impl fmt::Debug for HeldFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldFile").field("place", &self.place).finish_non_exhaustive()
    }
}

impl HeldFile {
    pub(super) fn new(target: FileTarget, place: PathBuf, text: Zeroizing<String>) -> Result<Self, Error> {
        let found = target.form.find(&text, &target.path)?;
        let old = found.old();
        // As many lines as the old value had, so that what stands behind it keeps its number; and a tree stays one.
        let is_tree = matches!(target.form, Form::Key(_) | Form::Manifest(_));
        let without = found.edit(&text, |spot| match text[spot.range.clone()].matches('\n').count() {
            0 if is_tree => spot.style.write("\u{fffd}"),
            lines => Zeroizing::new("\n".repeat(lines)),
        });
        let lines: Vec<_> = found.spots.iter().map(|spot| spot.line.to_string()).collect();
        let plural = if lines.len() == 1 { "line" } else { "lines" };
        let mut leftovers = target.form.places(&without, &Traces::of(&old));
        leftovers.retain(|(what, _)| found.kept.iter().all(|kept| kept.name != *what));
        let names = |lists: &[Removal]| lists.iter().map(|list| (list.name.clone(), list.line)).collect();
        let facts = Facts {
            place: target.path.display().to_string(),
            blind: false,
            mixed: false,
            part: format!("{plural} {}", lines.join(", ")),
            count: lines.len(),
            fallbacks: names(&found.removals),
            kept: names(&found.kept),
            leftovers,
            overriding: found.overriding.clone(),
            warnings: found.warnings.clone(),
            risks: Vec::new(),
            old,
        };
        Ok(Self { target, place, text, found, facts })
    }

    /// The file with the new value, checked by reading it again.
    pub(super) fn with(&self, new: &Secret) -> Result<Zeroizing<String>, Error> {
        let value = std::str::from_utf8(new.expose()).expect("generated values are text");
        let text = self.found.edit(&self.text, |spot| spot.style.write(value));
        let form = &self.target.form;
        let same = form.outline(&text) == form.outline(&self.text);
        if same && self.holds(&text, new) { Ok(text) } else { Err(Error::Edit(self.place.clone())) }
    }

    fn holds(&self, text: &str, value: &Secret) -> bool {
        self.target
            .form
            .find(text, &self.place)
            .is_ok_and(|found| found.spots.len() == self.found.spots.len() && found.holds(value))
    }

    fn replace(&self, text: &str) -> Result<(), Error> {
        Ok(durable::write_atomic(&self.place, text.as_bytes(), Mode::Keep)?)
    }
}

impl Held for HeldFile {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        let now = bounded::text(&self.place, &self.target.path, CONFIGURATION)?;
        Ok(if now == self.text {
            State::Old
        } else if now == self.with(new)? {
            State::New
        } else {
            State::Other
        })
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        durable::clear_abandoned(&self.place)?;
        let text = self.with(new)?;
        match self.state(new)? {
            State::Old => self.replace(&text),
            State::New => Ok(()),
            State::Other | State::Unknown => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _old: Option<&Secret>) -> Result<(), Error> {
        durable::clear_abandoned(&self.place)?;
        match self.state(new)? {
            State::Old => Ok(()),
            State::New => self.replace(&self.text),
            State::Other | State::Unknown => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        let text = match bounded::text(&self.place, &self.target.path, CONFIGURATION) {
            Err(Error::NotText(_)) => return Ok(Some(false)),
            text => text?,
        };
        let left = self.target.form.places(&text, &Traces::of(&self.facts.old));
        let known =
            |name: &str| self.facts.leftovers.iter().chain(&self.facts.kept).any(|(known, _)| known == name);
        Ok(Some(self.holds(&text, new) && left.iter().all(|(name, _)| known(name))))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.text.as_bytes().to_vec())
    }
}
