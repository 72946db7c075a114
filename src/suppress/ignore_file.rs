//! `.unleakignore`: secrets that somebody looked at and decided about, by a hash of their value and the rule. Where the
//! value stands does not matter, so an entry survives moves, rebases and squashes, and never hides another value.

use super::file::{self, Body};
use super::line::{Line, write_field};
use super::{Error, Judged, fingerprints};
use crate::coverage::{IgnoreEntry, IgnoreFile as Told};
use crate::durable::{Mode, write_atomic};
use crate::finding::{Finding, Scan};
use crate::secret::{Fingerprint, Salt};
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The name of the file that is looked for at the root of what is scanned.
pub const FILE_NAME: &str = ".unleakignore";

/// What the first line starts with.
const FORM: &str = "unleak-ignore/v1";
const FIELDS: &str = "reason, owner and expires";

/// An ignore file.
#[derive(Clone, Debug)]
pub struct IgnoreFile {
    salt: Salt,
    head: Vec<String>,
    entries: Vec<Entry>,
    tail: Vec<String>,
}

/// A secret that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The salted hash of the value.
    pub fingerprint: Fingerprint,
    /// The rule that finds it.
    pub rule: String,
    /// Why it is left out.
    pub decision: Decision,
    /// The comments above it.
    comments: Vec<String>,
}

/// Why a secret is left out, who answers for that, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why, in words.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it is left out.
    pub expires: Option<Date>,
}

impl Entry {
    /// Whether it counts no more.
    pub fn is_expired(&self, today: Date) -> bool {
        self.decision.expires.is_some_and(|last| last < today)
    }

    fn parse(comments: Vec<String>, text: &str) -> Result<Self, String> {
        let mut line = Line::parse(text)?;
        let (fingerprint, rule) = file::start(&line)?;
        let reason = line.take("reason").filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or("a `reason` is missing")?;
        let expires = line
            .take("expires")
            .map(|date| date.parse().map_err(|_| "`expires` is a date, as in expires=2027-01-31".to_owned()));
        let decision = Decision { reason, owner: line.take("owner"), expires: expires.transpose()? };
        line.end(FIELDS)?;
        Ok(Self { fingerprint, rule, decision, comments })
    }

    fn line(&self) -> String {
        let Decision { reason, owner, expires } = &self.decision;
        let mut line = format!("{} {}", self.fingerprint, self.rule);
        write_field(&mut line, "reason", reason);
        if let Some(owner) = owner {
            write_field(&mut line, "owner", owner);
        }
        match expires {
            Some(date) => format!("{line} expires={date}"),
            None => line,
        }
    }

    /// As a report tells of it.
    pub fn told(&self) -> IgnoreEntry {
        IgnoreEntry {
            fingerprint: self.fingerprint.to_string(),
            rule: self.rule.clone(),
            reason: self.decision.reason.clone(),
            owner: self.decision.owner.clone(),
            expires: self.decision.expires.map(|date| date.to_string()),
        }
    }
}

impl IgnoreFile {
    /// An empty one with a salt of its own.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { salt: Salt::generate()?, head: Vec::new(), entries: Vec::new(), tail: Vec::new() })
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, is a link, or says something that is not understood.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let text = file::read(path, false)?;
        text.map(|text| Self::parse(&path.display().to_string(), &text)).transpose()
    }

    /// Checks the text of a file; `file` stands in errors.
    ///
    /// # Errors
    /// When it says something that is not understood.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let Body { salt, head, lines, tail } = file::split(file, FORM, text)?;
        let entries = lines.into_iter().map(|(line, comments, text)| {
            Entry::parse(comments, text).map_err(|reason| Error::Invalid {
                file: file.to_owned(),
                line,
                reason,
            })
        });
        Ok(Self { salt, head, entries: entries.collect::<Result<_, _>>()?, tail })
    }

    /// Writes it, sorted.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mode = if path.exists() { Mode::Keep } else { Mode::Public };
        Ok(write_atomic(path, self.text().as_bytes(), mode)?)
    }

    fn text(&self) -> String {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| (entry.fingerprint, &entry.rule));
        let lines =
            entries.into_iter().flat_map(|entry| entry.comments.iter().cloned().chain([entry.line()]));
        let first = format!("{FORM} salt={}", self.salt);
        let all = self.head.iter().cloned().chain([first]).chain(lines).chain(self.tail.iter().cloned());
        all.flat_map(|line| [line, "\n".to_owned()]).collect()
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Leaves a finding out from now on; an entry that it has already is replaced. Gives the entry's fingerprint.
    pub fn add(&mut self, finding: &Finding, decision: Decision) -> Fingerprint {
        let fingerprint = self.salt.fingerprint(&finding.secret);
        self.entries.retain(|entry| entry.fingerprint != fingerprint || entry.rule != finding.rule);
        self.entries.push(Entry { fingerprint, rule: finding.rule.clone(), decision, comments: Vec::new() });
        fingerprint
    }

    /// Drops entries, each with the comments above it; gives those that were dropped.
    pub fn prune(&mut self, drop: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (dropped, kept) = std::mem::take(&mut self.entries).into_iter().partition(drop);
        self.entries = kept;
        dropped
    }

    /// Takes what the entries name out of a scan, and notes what they did. `name` is the file as the report tells it.
    pub fn apply(&self, name: &str, scan: &mut Scan, today: Date, judged: Judged) {
        let mut by_value: HashMap<(Fingerprint, &str), Vec<usize>> = HashMap::new();
        for (number, entry) in self.entries.iter().enumerate() {
            by_value.entry((entry.fingerprint, &entry.rule)).or_default().push(number);
        }
        let rules: HashSet<&str> = self.entries.iter().map(|entry| entry.rule.as_str()).collect();
        let (before, mut used) = (scan.findings.len(), vec![false; self.entries.len()]);
        let mut hashes = fingerprints(&self.salt, &scan.findings, &rules).into_iter();
        scan.findings.retain(|finding| {
            let Some(fingerprint) = hashes.next().flatten() else { return true };
            let of_value = by_value.get(&(fingerprint, finding.rule.as_str()));
            let numbers = of_value.map(Vec::as_slice).unwrap_or_default();
            numbers.iter().for_each(|number| used[*number] = true);
            numbers.iter().all(|number| self.entries[*number].is_expired(today))
        });
        let told = |of: &dyn Fn(usize, &Entry) -> bool| {
            let some = self.entries.iter().enumerate().filter(|(number, entry)| of(*number, entry));
            some.map(|(_, entry)| entry.told()).collect()
        };
        let is_stale = |number: usize, _: &Entry| judged == Judged::Whole && !used[number];
        scan.configuration.left_out.ignore_file = (before - scan.findings.len()) as u64;
        scan.configuration.ignore_file = Some(Told {
            file: name.to_owned(),
            entries: self.entries.len() as u64,
            stale: told(&is_stale),
            expired: told(&|number, entry| !is_stale(number, entry) && entry.is_expired(today)),
        });
    }
}
