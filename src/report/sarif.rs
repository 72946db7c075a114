//! SARIF 2.1.0, for code scanning services and editors.
//!
//! A result is one secret. Its location is a place that still stands in the scanned revision, when there is one, since
//! viewers lay results over that; all other places are related locations. What could not be seen is a notification.

use super::{Origin, Report, configuration, json};
use crate::finding::{Confidence, Finding, Occurrence, Place, Severity};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// What paths are relative to: the root of the repository or folder that was scanned.
const ROOT: &str = "%SRCROOT%";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: tool(report),
            column_kind: "unicodeCodePoints",
            version_control_provenance: report.options.origin.and_then(provenance).into_iter().collect(),
            invocations: [invocation(report)],
            results: Results(report),
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    column_kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    version_control_provenance: Vec<Value>,
    invocations: [Value; 1],
    results: Results<'a>,
}

/// The results one after the other: there may be many, with many places each.
struct Results<'a>(&'a Report<'a>);

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rules = rules(self.0);
        let index = |finding: &Finding| rules.iter().position(|used| used.rule == finding.rule);
        serializer
            .collect_seq(self.0.findings.iter().map(|finding| result(finding, index(finding), self.0)))
    }
}

/// The first finding of each rule that found something, in the order of the report.
fn rules<'a>(report: &Report<'a>) -> Vec<&'a Finding> {
    let mut used: Vec<&Finding> = Vec::new();
    for finding in &report.findings {
        if !used.iter().any(|known| known.rule == finding.rule) {
            used.push(finding);
        }
    }
    used
}

fn tool(report: &Report<'_>) -> Value {
    let rules: Vec<Value> = rules(report).into_iter().map(|finding| descriptor(finding, report)).collect();
    json!({ "driver": {
        "name": "unleak",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": rules,
    }})
}

/// What a viewer shows about a rule. A finding of no rule (a known live value) describes itself.
fn descriptor(finding: &Finding, report: &Report<'_>) -> Value {
    let rule = report.options.rules.iter().find(|rule| rule.id == finding.rule);
    let (severity, confidence) =
        rule.map_or((finding.severity, finding.confidence), |rule| (rule.severity, rule.confidence));
    let reference = rule.map(|rule| &*rule.reference).filter(|uri| uri.starts_with("https://"));
    let (title, advice) = (&finding.title, &finding.advice);
    let link = reference.map(|uri| format!("\n\n[About this kind of credential]({uri})")).unwrap_or_default();
    let mut descriptor = json!({
        "id": finding.rule,
        "shortDescription": { "text": title },
        "fullDescription": { "text": format!("A credential in a repository: {title}.") },
        "help": { "text": advice, "markdown": format!("{advice}{link}") },
        "defaultConfiguration": { "level": level(severity) },
        "properties": {
            "tags": ["security", "secret", "external/cwe/cwe-798"],
            "precision": match confidence {
                Confidence::Low => "low",
                Confidence::Medium => "medium",
                Confidence::High => "very-high",
            },
            "security-severity": match severity {
                Severity::Low => "3.0",
                Severity::Medium => "5.5",
                Severity::High => "8.0",
                Severity::Critical => "9.5",
            },
        },
    });
    if let Some(uri) = reference {
        descriptor["helpUri"] = json!(uri);
    }
    descriptor
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

fn result(finding: &Finding, rule_index: Option<usize>, report: &Report<'_>) -> Value {
    let here = |place: &Occurrence| place.path.is_some() && is_current(place);
    let main = finding.occurrences.iter().position(here).unwrap_or(0);
    let places: Vec<Occurrence> =
        finding.occurrences.iter().map(|place| report.redactor.occurrence(place)).collect();
    let locations: Vec<Value> = places.get(main).map(location).into_iter().collect();
    let others = places.iter().enumerate().filter(|(index, _)| *index != main).map(|(_, place)| place);
    let related: Vec<Value> = others
        .zip(1..)
        .map(|(place, id)| {
            let mut location = location(place);
            location["id"] = json!(id);
            location["message"] = json!({ "text": since(place) });
            location
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": message(finding, places.get(main), report) },
        "locations": locations,
        "partialFingerprints": { "unleakSecret/v1": finding.fingerprint.to_string() },
        "properties": { "confidence": finding.confidence, "reason": finding.reason, "liveIn": finding.live_in },
    });
    if let Some(index) = rule_index {
        result["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

/// Whether the place is part of what stands there now.
fn is_current(place: &Occurrence) -> bool {
    place.at_head || matches!(place.place, Place::Index | Place::Worktree)
}

fn message(finding: &Finding, main: Option<&Occurrence>, report: &Report<'_>) -> String {
    let value = report.redactor.value(finding);
    let mut text = format!("{} ({value})", finding.title);
    if let Some(place) = main {
        write!(text, ", {}", since(place)).expect("a string takes any text");
    }
    if !finding.live_in.is_empty() {
        write!(text, ", in use now as {}", finding.live_in.join(", ")).expect("a string takes any text");
    }
    format!("{text}. {}", finding.advice)
}

/// What kind of place it is, how the value stands there, and which commit brought it: `history, in base64, commit
/// a1b2c3d4e5 of 2025-03-02`.
fn since(place: &Occurrence) -> String {
    let mut text = place.place.to_string();
    if let Some(encoding) = &place.encoding {
        write!(text, ", in {encoding}").expect("a string takes any text");
    }
    if let Some(commit) = &place.commit {
        let short: String = commit.chars().take(10).collect();
        write!(text, ", commit {short}").expect("a string takes any text");
    }
    if let Some(date) = place.date {
        write!(text, " of {}", date.strftime("%Y-%m-%d")).expect("a string takes any text");
    }
    text
}

/// A file with a region; or, for what is no file, a logical location. That one names an artifact too, because code
/// scanning services refuse a whole log for one location without.
fn location(place: &Occurrence) -> Value {
    let Some(path) = &place.path else {
        let object = place.commit.as_deref().or(place.blob.as_deref()).unwrap_or("unknown");
        let name = format!("{} {object}", place.place);
        let uri = format!(".git/{}/{}", encode(&place.place.to_string()), encode(object));
        return json!({
            "logicalLocations": [{ "fullyQualifiedName": name, "kind": place.place.to_string() }],
            "physicalLocation": {
                "artifactLocation": { "uri": uri, "uriBaseId": ROOT },
                "region": region(place),
            },
        });
    };
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": encode(path), "uriBaseId": ROOT },
        "region": region(place),
    }});
    if let Place::Archive(member) = &place.place {
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": format!("{path}!{member}"), "kind": "member" }]);
    }
    location
}

fn region(place: &Occurrence) -> Value {
    json!({
        "startLine": place.line.max(1),
        "startColumn": place.column.max(1),
        "endLine": place.end_line.max(place.line).max(1),
        "endColumn": place.end_column.max(1),
    })
}

/// A path as a relative reference: everything but letters, digits, `-._~` and `/` is percent-encoded.
fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a string takes any text");
        }
    }
    uri
}

/// How the scan went: a log of a scan that did not see everything says so.
fn invocation(report: &Report<'_>) -> Value {
    let coverage = &report.scan.coverage;
    let warning = |text: String| json!({ "level": "error", "message": { "text": text } });
    let skips = coverage.skipped.iter().map(|skip| {
        let (what, reason) = (report.redactor.text(&skip.what), report.redactor.text(&skip.reason));
        warning(format!("Not seen: {what}: {reason}"))
    });
    let stopped =
        coverage.interrupted.then(|| warning("The scan was interrupted before its end.".to_owned()));
    let notifications: Vec<Value> = stopped.into_iter().chain(skips).collect();
    json!({
        "executionSuccessful": coverage.is_complete(),
        "toolExecutionNotifications": notifications,
        "toolConfigurationNotifications": hidden(report),
        "properties": {
            "configuration": json::configuration(report),
            "commits": coverage.commits,
            "objects": coverage.objects,
            "files": coverage.files,
            "bytes": coverage.bytes,
            "ignored": coverage.ignored,
            "encrypted": coverage.encrypted,
        },
    })
}

/// What the configuration keeps out of the results, for whoever reads only those.
fn hidden(report: &Report<'_>) -> Vec<Value> {
    let lines = configuration::lines(report);
    lines.iter().map(|text| json!({ "level": "note", "message": { "text": text } })).collect()
}

/// The repository and its revision. `None` for an address that is no URI and cannot be made one.
fn provenance(origin: &Origin) -> Option<Value> {
    let mut details = json!({ "repositoryUri": repository_uri(&origin.url)? });
    if let Some(revision) = &origin.revision {
        details["revisionId"] = json!(revision);
    }
    if let Some(branch) = &origin.branch {
        details["branch"] = json!(branch);
    }
    Some(details)
}

/// A remote's address without user and password, and without the short form of ssh (`git@host:path`).
fn repository_uri(url: &str) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.to_owned()),
        // `C:\repository` and `./repository:1` are paths.
        None => match url.split_once(':') {
            Some((host, path)) if host.len() > 1 && !host.contains(['/', '\\']) => {
                ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
            }
            _ => return None,
        },
    };
    if !["https", "http", "ssh", "git"].contains(&scheme) {
        return None;
    }
    let (authority, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    // A query can hold a token.
    let path = path.split(['?', '#']).next().unwrap_or_default();
    // Then the user or the password held a slash, and what looks like the path is a part of it.
    if path.contains('@') {
        return None;
    }
    (!host.is_empty() && host.chars().all(plain)).then(|| format!("{scheme}://{host}/{}", encode(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_becomes_a_uri_without_credentials() {
        let cases = [
            ("git@example.org:team/app.git", Some("ssh://example.org/team/app.git")),
            ("https://user:pass@example.org/team/app?token=1", Some("https://example.org/team/app")),
            ("ssh://git@example.org:2222/app", Some("ssh://example.org:2222/app")),
            ("https://user:pa/ss@example.org/app", None),
            ("user:pass@example.org:app", None),
            ("/srv/git/app.git", None),
            ("C:\\git\\app", None),
            ("file:///srv/app", None),
        ];
        for (url, uri) in cases {
            assert_eq!(repository_uri(url).as_deref(), uri, "{url}");
        }
    }

    #[test]
    fn paths_are_percent_encoded() {
        assert_eq!(encode("a b/ü#1:x.md"), "a%20b/%C3%BC%231%3Ax.md");
    }
}
