//! A baseline: the secrets that were known on some day, by a hash of the value, the rule and the path. Lines may shift
//! below it; another value on the same line, or the same one in another file, is new.

use super::file::{self, Body};
use super::line::{Line, write_field};
use super::{Error, Judged, fingerprints};
use crate::coverage::{Baseline as Told, Known as KnownTold};
use crate::durable::{Mode, write_atomic};
use crate::finding::{Finding, Occurrence, Place, Scan};
use crate::secret::{Fingerprint, Salt, Secret, Values};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// What the first line starts with.
const FORM: &str = "unleak-baseline/v1";
/// What stands for a value in a path.
const STARS: &str = "********";

/// A baseline.
#[derive(Clone, Debug)]
pub struct Baseline {
    salt: Salt,
    known: BTreeSet<Known>,
}

/// A secret in one file, or in a place of another kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Known {
    fingerprint: Fingerprint,
    rule: String,
    stands: Stands,
}

/// Where a known secret stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stands {
    Path(String),
    /// A place without a path: `message`, `tag`, `stdin`.
    Place(String),
}

impl Stands {
    /// The place, without the values that its path may hold.
    fn of(place: &Occurrence, values: &Values<'_>) -> Self {
        let path = match (&place.path, &place.place) {
            (Some(path), Place::Archive(member)) => format!("{path}!{member}"),
            (Some(path), _) => path.clone(),
            (None, place) => return Self::Place(masked(&place.to_string(), values)),
        };
        Self::Path(masked(&path, values))
    }
}

fn masked(text: &str, values: &Values<'_>) -> String {
    let (mut masked, mut at) = (Vec::new(), 0);
    for place in values.find(text.as_bytes()) {
        masked.extend_from_slice(&text.as_bytes()[at..place.start]);
        masked.extend_from_slice(STARS.as_bytes());
        at = place.end;
    }
    masked.extend_from_slice(&text.as_bytes()[at..]);
    String::from_utf8_lossy(&masked).into_owned()
}

impl Known {
    fn parse(text: &str) -> Result<Self, String> {
        let mut line = Line::parse(text)?;
        let (fingerprint, rule) = file::start(&line)?;
        let stands = match (line.take("path"), line.take("where")) {
            (Some(path), None) => Stands::Path(path),
            (None, Some(place)) => Stands::Place(place),
            _ => return Err("it must have a `path`, or a `where`".to_owned()),
        };
        line.end("path and where")?;
        Ok(Self { fingerprint, rule, stands })
    }

    fn line(&self) -> String {
        let mut line = format!("{} {}", self.fingerprint, self.rule);
        match &self.stands {
            Stands::Path(path) => write_field(&mut line, "path", path),
            Stands::Place(place) => write_field(&mut line, "where", place),
        }
        line
    }

    fn told(&self) -> KnownTold {
        let (Stands::Path(place) | Stands::Place(place)) = &self.stands;
        KnownTold { fingerprint: self.fingerprint.to_string(), rule: self.rule.clone(), place: place.clone() }
    }
}

impl Baseline {
    /// An empty one with a salt of its own.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { salt: Salt::generate()?, known: BTreeSet::new() })
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or says something that is not understood.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = file::read(path, true)? else { return Ok(None) };
        let file = path.display().to_string();
        let Body { salt, lines, .. } = file::split(&file, FORM, &text)?;
        let known = lines.into_iter().map(|(line, _, text)| {
            Known::parse(text).map_err(|reason| Error::Invalid { file: file.clone(), line, reason })
        });
        Ok(Some(Self { salt, known: known.collect::<Result<_, _>>()? }))
    }

    /// Writes it, sorted.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut text = format!("{FORM} salt={}\n", self.salt);
        for known in &self.known {
            text.push_str(&known.line());
            text.push('\n');
        }
        let mode = if path.exists() { Mode::Keep } else { Mode::Public };
        Ok(write_atomic(path, text.as_bytes(), mode)?)
    }

    /// Takes the findings of a scan for all that is known. `values` are all that were found, also what is left out.
    pub fn replace(&mut self, findings: &[Finding], values: &[Secret]) {
        let values = Values::new(values.iter().map(Secret::expose));
        let secrets: Vec<&Secret> = findings.iter().map(|finding| &finding.secret).collect();
        let hashes = self.salt.fingerprints(&secrets);
        let known = findings.iter().zip(hashes).flat_map(|(finding, fingerprint)| {
            let of =
                |place| Known { fingerprint, rule: finding.rule.clone(), stands: Stands::of(place, &values) };
            finding.occurrences.iter().map(of).collect::<Vec<_>>()
        });
        self.known = known.collect();
    }

    /// How many places are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Takes what is known out of a scan, and notes what of it is gone. `values` as in [`Baseline::replace`].
    pub fn apply(&self, name: &str, scan: &mut Scan, values: &[Secret], judged: Judged) {
        let values = Values::new(values.iter().map(Secret::expose));
        let rules: HashSet<&str> = self.known.iter().map(|known| known.rule.as_str()).collect();
        let (before, mut seen) = (scan.findings.len(), HashSet::new());
        let hashes = fingerprints(&self.salt, &scan.findings, &rules);
        for (finding, fingerprint) in scan.findings.iter_mut().zip(hashes) {
            let Some(fingerprint) = fingerprint else { continue };
            let rule = &finding.rule;
            finding.occurrences.retain(|place| {
                let known = Known { fingerprint, rule: rule.clone(), stands: Stands::of(place, &values) };
                let is_new = !self.known.contains(&known);
                if !is_new {
                    seen.insert(known);
                }
                is_new
            });
        }
        scan.findings.retain(|finding| !finding.occurrences.is_empty());
        let gone = self.known.iter().filter(|known| judged == Judged::Whole && !seen.contains(*known));
        scan.configuration.left_out.baseline = (before - scan.findings.len()) as u64;
        scan.configuration.baseline = Some(Told {
            file: name.to_owned(),
            known: self.known.len() as u64,
            gone: gone.map(Known::told).collect(),
        });
    }
}
