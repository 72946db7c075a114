//! Reports: a scan, written for a reader. Every format sees the same findings in the same order, already redacted.
//!
//! A new format is one file with a `write` function and one line in `formats!` below. `out` gets colour codes in the
//! human format: the caller wraps it in a stream that strips them where they are not wanted.

mod configuration;
mod redact;
mod text;

use crate::finding::{Finding, Scan};
use crate::rule::Rule;
use redact::Redactor;
use std::cmp::Reverse;
use std::io::{self, Write};
use std::time::Duration;
pub(crate) use text::{count, visible};

/// Declares each format once: its module, its variant and what calls it.
macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $variant:ident => $module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// The forms that a report can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
        pub enum Format {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Format {
            fn write_report(self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
                match self {
                    $(Self::$variant => $module::write(report, out)),+
                }
            }
        }
    };
}

formats! {
    /// Blocks of text made for reading, and a summary
    Human => human,
    /// One JSON document, `unleak.findings/v1`
    Json => json,
    /// One finding a line; the last line holds the coverage, so a stream without it was cut off
    Jsonl => jsonl,
    /// SARIF 2.1.0, for code scanning services
    Sarif => sarif,
}

/// The JSON Schema of the `json` format.
pub const FINDINGS_SCHEMA: &str = include_str!("findings-v1.schema.json");

/// What a report says besides the scan itself.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whether values are shown as they are.
    pub show_secrets: bool,
    /// Whether the human format leaves out the summary of a complete scan.
    pub quiet: bool,
    /// What was scanned, as the user named it.
    pub target: &'a str,
    /// How long the scan took, without the writing of the report.
    pub elapsed: Duration,
    /// The rules that the scan used.
    pub rules: &'a [Rule],
    /// Where the repository comes from, when that is known.
    pub origin: Option<&'a Origin>,
}

/// Where a repository comes from and at which revision it was scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The remote's address, as git's configuration holds it; a password in it is never written.
    pub url: String,
    /// The commit at HEAD, in hexadecimal.
    pub revision: Option<String>,
    /// The branch at HEAD.
    pub branch: Option<String>,
}

impl Format {
    /// Writes a scan in this format.
    pub fn write(self, scan: &Scan, options: &Options<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.write_report(&Report::new(scan, options), out)
    }
}

/// What a format's `write` gets.
struct Report<'a> {
    /// The worst first; among equals what leaked first.
    findings: Vec<&'a Finding>,
    scan: &'a Scan,
    options: &'a Options<'a>,
    redactor: Redactor<'a>,
}

impl<'a> Report<'a> {
    fn new(scan: &'a Scan, options: &'a Options<'a>) -> Self {
        let mut findings: Vec<&Finding> = scan.findings.iter().collect();
        findings.sort_by_cached_key(|finding| {
            let first = finding.occurrences.first();
            // What was never committed has no date and is the youngest.
            let date = first.and_then(|occurrence| occurrence.date);
            let place = first.and_then(|first| first.path.clone().map(|path| (path, first.line)));
            (
                Reverse(finding.severity),
                date.is_none(),
                date,
                place,
                finding.rule.clone(),
                finding.fingerprint,
            )
        });
        Self { findings, scan, options, redactor: Redactor::new(scan, options) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Occurrence, Place, References, Severity};
    use crate::rule::Filters;
    use crate::secret::{FingerprintKey, Secret};

    pub(super) fn options(rules: &[Rule]) -> Options<'_> {
        let elapsed = Duration::from_millis(120);
        Options { show_secrets: false, quiet: false, target: ".", elapsed, rules, origin: None }
    }

    pub(super) fn rule(confidence: Confidence) -> Rule {
        Rule {
            id: "github-token".into(),
            title: "GitHub personal access token".into(),
            severity: Severity::High,
            confidence,
            keywords: vec!["ghp_".into()],
            named: false,
            promise: None,
            part_of: vec![],
            pattern: "ghp_[A-Za-z0-9]{36}".into(),
            filters: Filters::default(),
            examples: Vec::new(),
            counterexamples: Vec::new(),
            reference: "https://docs.github.com/authentication".into(),
            advice: "Revoke it in the settings of its owner.".into(),
        }
    }

    pub(super) fn finding(value: &str) -> Finding {
        let secret = Secret::from(value.to_owned());
        Finding {
            rule: "github-token".to_owned(),
            title: "GitHub personal access token".to_owned(),
            severity: Severity::High,
            confidence: Confidence::High,
            reason: "the format says so".into(),
            advice: "Revoke it in the settings of its owner.".to_owned(),
            rotation: crate::rule::rotation(&rule(Confidence::High)),
            fingerprint: FingerprintKey::new([7; 32]).fingerprint(&secret),
            secret,
            live_in: Vec::new(),
            occurrences: vec![occurrence("src/app.js", 3)],
        }
    }

    pub(super) fn occurrence(path: &str, line: u32) -> Occurrence {
        Occurrence {
            path: Some(path.to_owned()),
            line,
            column: 7,
            end_line: line,
            end_column: 47,
            commit: Some("a1b2c3d4".repeat(5)),
            author: Some("Ann Example <ann@example.org>".to_owned()),
            date: Some("2025-03-02T10:00:00Z".parse().expect("a date")),
            blob: Some("c3d4e5f6".repeat(5)),
            place: Place::History,
            encoding: None,
            versions: 1,
            at_head: false,
            last_commit: Some("b2c3d4e5".repeat(5)),
            references: Some(References {
                count: 2,
                names: vec!["refs/heads/main".into(), "refs/tags/v1".into()],
            }),
        }
    }

    #[test]
    fn the_worst_comes_first_and_among_equals_the_oldest() {
        let mut young = finding("young");
        young.occurrences[0].date = None;
        let old = finding("older");
        let mut worst = finding("worst");
        worst.severity = Severity::Critical;
        worst.occurrences[0].date = None;
        let scan = Scan { findings: vec![young, old, worst], ..Scan::default() };
        let options = options(&[]);
        let order: Vec<&[u8]> =
            Report::new(&scan, &options).findings.iter().map(|f| f.secret.expose()).collect();
        assert_eq!(order, [b"worst", b"older", b"young"]);
    }
}
