//! What the last scan found, each with the commands that answer it.

use super::layout::{Frame, Section, counted};
use super::{Failed, OrPage as _};
use crate::serve::access::Identity;
use crate::serve::{App, findings, sessions};
use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use serde_json::Value;

/// More are not shown; the report has all.
const SHOWN: usize = 200;

pub(super) async fn show(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
) -> Result<Html<String>, Failed> {
    let body = if app.findings.are_named() {
        let report = findings::report(&app).await.or_page(&identity)?;
        let findings = report.value["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        html! {
            (coverage(&report.value, findings.len()))
            @for (at, finding) in findings.iter().take(SHOWN).enumerate() { (shown(at, finding)) }
            @if findings.len() > SHOWN { p.quiet { "The report has " (findings.len() - SHOWN) " more." } }
        }
    } else {
        html! {
            p.empty {
                "No report of a scan was named. Write one with " code { "unleak scan --format json --output findings.json" }
                " and start the server with " code { "--findings findings.json" } "."
            }
        }
    };
    Ok(Frame { title: "Findings", section: Section::Findings, identity: Some(&identity) }.page(&body))
}

fn coverage(report: &Value, findings: usize) -> Markup {
    let complete = report["coverage"]["complete"] == Value::Bool(true);
    html! {
        p.lead {
            (counted(findings as u64, "finding")) ". "
            @if complete { "The scan saw everything that it was asked to see." }
            @else { span.tag.warning { "incomplete" } " The scan could not see everything: its report says what." }
        }
    }
}

fn shown(at: usize, finding: &Value) -> Markup {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fingerprint = text(&finding["secret"]["fingerprint"]);
    let severity = text(&finding["severity"]);
    let class = match &*severity {
        "critical" | "high" => "tag critical",
        "medium" => "tag warning",
        _ => "tag",
    };
    let places = finding["occurrences"].as_array().map(Vec::as_slice).unwrap_or_default();
    let live = finding["live_in"].as_array().map(Vec::as_slice).unwrap_or_default();
    // What signs sessions is replaced with a store at hand, so that they end too.
    let (replace, store) = if finding["rotation"]["by"] == "unleak rotate" {
        ("Replace it and end the sessions that it could forge", " --store URL")
    } else {
        ("Replace it where programs read it", "")
    };
    html! {
        section.card {
            div.row {
                span class=(class) { (severity) }
                h2 { (text(&finding["title"])) }
                code { (text(&finding["secret"]["redacted"])) }
                @if !live.is_empty() { span.tag.critical { "live" } }
            }
            dl.facts {
                dt { "Rule" } dd { (text(&finding["rule"])) ", confidence " (text(&finding["confidence"])) }
                dt { "Fingerprint" } dd.mono { (fingerprint) }
                @if let Some(first) = places.first() {
                    dt { "First seen" } dd { (place(first)) }
                }
                @if places.len() > 1 {
                    dt { "Also in" } dd {
                        details { summary { (counted(places.len() as u64 - 1, "more place")) }
                            ul { @for one in places.iter().skip(1).take(50) { li { (place(one)) } } } }
                    }
                }
            }
            // The report is a file from elsewhere: nothing of it goes unseen into what somebody pastes into a shell.
            @match sessions::fingerprint(&fingerprint) {
                Some(known) => {
                    (command(&format!("rotate-{at}"), replace, &format!("unleak rotate --from-finding {known}{store} --dry-run")))
                    (command(&format!("ignore-{at}"), "It is known and harmless", &format!("unleak ignore add {known} --reason 'WHY'")))
                    (command(&format!("accept-{at}"), "It is real, and accepted until a day", &format!("unleak ignore add {known} --reason 'WHY' --owner 'WHO' --expires YYYY-MM-DD")))
                },
                None => { p.wrong { "The report has no fingerprint here that a command could take." } },
            }
        }
    }
}

fn place(occurrence: &Value) -> String {
    let text = |name: &str| occurrence[name].as_str().unwrap_or_default().to_owned();
    let mut place = text("path");
    if let Some(line) = occurrence["line"].as_u64() {
        place = format!("{place}:{line}");
    }
    let commit: String = text("commit").chars().take(12).collect();
    if !commit.is_empty() {
        place = format!("{place}, commit {commit} of {}", text("date"));
    }
    format!("{place} ({})", text("where"))
}

/// A command to copy.
fn command(id: &str, label: &str, command: &str) -> Markup {
    html! {
        div.command {
            p.quiet { (label) }
            div.row { pre { code id=(id) { (command) } } button.small type="button" data-copy=(id) hidden { "Copy" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_fingerprint_gets_into_a_command() {
        let page =
            |fingerprint: &str| shown(0, &json!({"secret": {"fingerprint": fingerprint}})).into_string();
        assert!(page("0123456789abcdef").contains("--from-finding 0123456789abcdef"));
        for bad in ["0123456789abcde;", "$(id)", "", "+123456789abcdef", "0123456789abcdef\n"] {
            assert!(!page(bad).contains("unleak rotate"), "{bad}");
        }
    }
}
