//! `unleak.findings/v1`: the whole scan as one JSON document. Fields may be added to it; none goes or changes.
//!
//! The parts are shared with the other JSON formats.

use super::Report;
use crate::coverage::{Baseline, Configuration, Coverage, IgnoreEntry, IgnoreFile, Known, LayerUse, Skip};
use crate::finding::{Confidence, Finding, Occurrence, Rotation, Severity};
use crate::rule::Rule;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// The name and the version of the format.
pub(super) const SCHEMA: &str = "unleak.findings/v1";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        tool: Tool::new(report.options.rules),
        coverage: CoverageView::new(report),
        configuration: configuration(report),
        findings: Findings(report),
        explained: ExplainedView::new(report),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    coverage: CoverageView,
    configuration: Configuration,
    findings: Findings<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<ExplainedView>,
}

/// What was considered and not reported.
#[derive(Serialize)]
pub(super) struct ExplainedView {
    refused: Vec<RefusedView>,
    more: u64,
}

#[derive(Serialize)]
struct RefusedView {
    rule: String,
    reason: String,
    #[serde(flatten)]
    place: Occurrence,
}

impl ExplainedView {
    pub(super) fn new(report: &Report<'_>) -> Option<Self> {
        let explained = report.scan.explained.as_ref()?;
        let refused = explained.refused.iter().map(|refused| RefusedView {
            rule: refused.rule.clone(),
            reason: refused.reason.clone(),
            place: report.redactor.occurrence(&refused.place),
        });
        Some(Self { refused: refused.collect(), more: explained.more })
    }
}

/// What made the report.
#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
    rules_hash: String,
}

impl Tool {
    /// The hash tells two sets of rules apart: the same repository can have other findings under others.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let text = serde_json::to_vec(rules).expect("rules are plain data");
        let rules_hash = hex::encode(&Sha256::digest(text)[..8]);
        Self { name: "unleak", version: env!("CARGO_PKG_VERSION"), rules_hash }
    }
}

/// The coverage, with its verdict first and without values in the names of what was skipped.
#[derive(Serialize)]
pub(super) struct CoverageView {
    complete: bool,
    #[serde(flatten)]
    coverage: Coverage,
}

impl CoverageView {
    pub(super) fn new(report: &Report<'_>) -> Self {
        let mut coverage = report.scan.coverage.clone();
        for Skip { what, reason } in &mut coverage.skipped {
            *what = report.redactor.text(what).into_owned();
            *reason = report.redactor.text(reason).into_owned();
        }
        Self { complete: coverage.is_complete(), coverage }
    }
}

/// What the configuration did, without values in its names.
pub(super) fn configuration(report: &Report<'_>) -> Configuration {
    let text = |text: &String| report.redactor.text(text).into_owned();
    let Configuration { file, disabled, replaced, layers, left_out, ignore_file, baseline } =
        &report.scan.configuration;
    Configuration {
        file: file.as_ref().map(text),
        disabled: disabled.iter().map(text).collect(),
        replaced: replaced.iter().map(text).collect(),
        layers: layers.iter().map(|layer| layer_use(layer, &text)).collect(),
        left_out: *left_out,
        ignore_file: ignore_file.as_ref().map(|used| IgnoreFile {
            file: text(&used.file),
            entries: used.entries,
            stale: used.stale.iter().map(|entry| masked(entry, &text)).collect(),
            expired: used.expired.iter().map(|entry| masked(entry, &text)).collect(),
        }),
        baseline: baseline.as_ref().map(|used| Baseline {
            file: text(&used.file),
            known: used.known,
            gone: used.gone.iter().map(|known| Known { place: text(&known.place), ..known.clone() }).collect(),
        }),
    }
}

fn layer_use(layer: &LayerUse, text: &dyn Fn(&String) -> String) -> LayerUse {
    let texts = |ids: &Vec<String>| ids.iter().map(text).collect();
    LayerUse {
        kind: layer.kind,
        file: text(&layer.file),
        disabled: texts(&layer.disabled),
        overridden: texts(&layer.overridden),
        replaced: texts(&layer.replaced),
        left_out: layer.left_out,
    }
}

/// An entry of an ignore file, whose texts somebody wrote by hand.
fn masked(entry: &IgnoreEntry, text: &dyn Fn(&String) -> String) -> IgnoreEntry {
    IgnoreEntry {
        fingerprint: entry.fingerprint.clone(),
        rule: text(&entry.rule),
        reason: text(&entry.reason),
        owner: entry.owner.as_ref().map(text),
        expires: entry.expires.clone(),
    }
}

/// The findings one after the other, so that only one at a time is in memory twice.
struct Findings<'a>(&'a Report<'a>);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.findings.iter().map(|finding| FindingView::new(finding, self.0)))
    }
}

/// A finding as it is written.
#[derive(Serialize)]
pub(super) struct FindingView<'a> {
    rule: &'a str,
    title: &'a str,
    severity: Severity,
    confidence: Confidence,
    reason: &'a str,
    advice: &'a str,
    rotation: &'a Rotation,
    secret: SecretView,
    live_in: &'a [String],
    occurrences: Vec<Occurrence>,
}

impl<'a> FindingView<'a> {
    pub(super) fn new(finding: &'a Finding, report: &Report<'_>) -> Self {
        let occurrences = finding.occurrences.iter().map(|place| report.redactor.occurrence(place));
        Self {
            rule: &finding.rule,
            title: &finding.title,
            severity: finding.severity,
            confidence: finding.confidence,
            reason: &finding.reason,
            advice: &finding.advice,
            rotation: &finding.rotation,
            secret: SecretView::new(finding, report),
            live_in: &finding.live_in,
            occurrences: occurrences.collect(),
        }
    }
}

/// What is said about the value.
#[derive(Serialize)]
struct SecretView {
    fingerprint: String,
    redacted: String,
    length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The value when it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl SecretView {
    fn new(finding: &Finding, report: &Report<'_>) -> Self {
        let shown = report.options.show_secrets.then(|| finding.secret.expose());
        let text = shown.and_then(|value| std::str::from_utf8(value).ok());
        Self {
            fingerprint: finding.fingerprint.to_string(),
            redacted: report.redactor.value(finding),
            length: finding.secret.len(),
            value: text.map(ToOwned::to_owned),
            value_base64: shown.filter(|_| text.is_none()).map(|value| STANDARD.encode(value)),
        }
    }
}
