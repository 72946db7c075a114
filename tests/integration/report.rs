//! The report formats: what they say, that they are valid, and that no value gets into them.
//!
//! `fixtures/sarif-2.1.0.schema.json` is the schema of OASIS as the package serde-sarif 0.8.0 ships it.

use anstream::StripStream;
use clap::ValueEnum as _;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;
use unleak::coverage::Coverage;
use unleak::finding::{Confidence, Finding, Occurrence, Place, References, Scan, Severity};
use unleak::report::{FINDINGS_SCHEMA, Format, Options, Origin};
use unleak::rule::{Filters, Rule};
use unleak::secret::{FingerprintKey, Secret};

/// A value that no scanner would take for a token, built here so that no file holds it.
fn token() -> String {
    format!("ghp_{}", "q7Zt".repeat(9))
}

fn rule() -> Rule {
    Rule {
        id: "github-token".into(),
        title: "GitHub personal access token".into(),
        severity: Severity::High,
        confidence: Confidence::High,
        keywords: vec!["ghp_".into()],
        named: false,
        promise: None,
        part_of: vec![],
        pattern: "ghp_[A-Za-z0-9]{36}".into(),
        filters: Filters::default(),
        examples: Vec::new(),
        counterexamples: Vec::new(),
        reference: "https://docs.github.com/authentication".into(),
        advice:
            "Revoke the token in the settings of its owner, then make a new one with fewer rights; whoever \
                 cloned the repository still has the old one."
                .into(),
    }
}

fn place(path: &str, line: u32, date: &str) -> Occurrence {
    Occurrence {
        path: Some(path.to_owned()),
        line,
        column: 9,
        end_line: line,
        end_column: 49,
        commit: Some("a1b2c3d4".repeat(5)),
        author: Some("Ann Example <ann@example.org>".to_owned()),
        date: Some(date.parse().unwrap()),
        blob: Some("c3d4e5f6".repeat(5)),
        place: Place::History,
        encoding: None,
        versions: 1,
        at_head: false,
        last_commit: None,
        references: None,
    }
}

fn finding(value: &str, severity: Severity, occurrences: Vec<Occurrence>) -> Finding {
    let secret = Secret::from(value.to_owned());
    Finding {
        rule: "github-token".to_owned(),
        title: rule().title.into_owned(),
        severity,
        confidence: Confidence::High,
        reason: "the format says so".into(),
        advice: rule().advice.into_owned(),
        rotation: unleak::rule::rotation(&rule()),
        fingerprint: FingerprintKey::new([7; 32]).fingerprint(&secret),
        secret,
        live_in: Vec::new(),
        occurrences,
    }
}

/// Two secrets in all kinds of places, and two things that could not be seen.
fn scan() -> Scan {
    let mut first: Vec<_> =
        (1..=8).map(|line| place("docs/incident report.md", line, "2025-03-02T10:00:00Z")).collect();
    first[1].at_head = true;
    first[2].place = Place::Archive("etc/app.env".to_owned());
    first[3] = Occurrence { path: None, place: Place::Message, ..first[3].clone() };
    first[7].at_head = true;
    let here = Occurrence {
        commit: None,
        author: None,
        date: None,
        place: Place::Worktree,
        ..place(".env", 3, "2025-04-01T00:00:00Z")
    };
    let worst = Finding {
        rule: "known-value".to_owned(),
        title: "Live session secret".to_owned(),
        advice: "Rotate it.".to_owned(),
        rotation: unleak::rule::rotation(&Rule { advice: "Do it with `unleak rotate`.".into(), ..rule() }),
        live_in: vec!["SESSION_SECRET".to_owned()],
        ..finding("short", Severity::Critical, vec![here])
    };
    let mut coverage =
        Coverage { commits: 1204, objects: 8451, files: 12, bytes: 43_305_000, ..Coverage::default() };
    coverage.skip("3f2a9c1", "its parents are not in this shallow clone");
    coverage.skip("secrets/prod.env", "permission denied");
    Scan { findings: vec![finding(&token(), Severity::High, first), worst], coverage, ..Scan::default() }
}

fn written(format: Format, scan: &Scan, change: impl FnOnce(&mut Options<'_>)) -> String {
    let rules = [rule()];
    let origin = Origin {
        url: "https://someone:hunter2@git.example.org/team/app.git".to_owned(),
        revision: Some("d4c3b2a1".repeat(5)),
        branch: Some("main".to_owned()),
    };
    let mut options = Options {
        show_secrets: false,
        quiet: false,
        target: "/srv/app",
        elapsed: Duration::from_millis(412),
        rules: &rules,
        origin: Some(&origin),
    };
    change(&mut options);
    let mut out = Vec::new();
    format.write(scan, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(scan: &Scan) -> String {
    let mut out = Vec::new();
    std::io::Write::write_all(
        &mut StripStream::new(&mut out),
        written(Format::Human, scan, |_| ()).as_bytes(),
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn valid(schema: &str, document: &Value) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

fn valid_sarif(document: &Value) {
    // The pattern of `language`, which we never write, has a stray bracket that a strict regex engine refuses.
    let schema = include_str!("../../fixtures/sarif-2.1.0.schema.json");
    valid(&schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$"), document);
}

#[test]
fn no_format_holds_a_value_and_all_do_when_told_to() {
    for format in Format::value_variants() {
        let report = written(*format, &scan(), |_| ());
        assert!(!report.contains(&token()[4..12]), "{report}");
        assert!(!report.contains("\"short\""), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
    for format in [Format::Human, Format::Json, Format::Jsonl] {
        assert!(written(format, &scan(), |options| options.show_secrets = true).contains(&token()));
    }
}

#[test]
fn a_value_in_a_path_or_a_name_is_masked_in_every_format() {
    let mut scan = scan();
    scan.findings[0].occurrences[0].path = Some(format!("keys/{}.txt", token()));
    scan.findings[0].occurrences[1].author = Some(format!("{} <a@example.org>", token()));
    scan.findings[0].occurrences[2].place = Place::Archive(format!("{}.txt", token()));
    scan.coverage.skip(format!("refs/heads/{}", token()), format!("cannot be read: {}", token()));
    for format in Format::value_variants() {
        let report = written(*format, &scan, |_| ());
        assert!(!report.contains(&token()[4..]), "{report}");
    }
}

#[test]
fn json_follows_its_schema() {
    let document: Value = serde_json::from_str(&written(Format::Json, &scan(), |_| ())).unwrap();
    valid(FINDINGS_SCHEMA, &document);
    assert_eq!(document["coverage"]["complete"], false);
    assert_eq!(document["coverage"]["skipped"][1]["what"], "secrets/prod.env");
    assert_eq!(document["findings"][0]["severity"], "critical");
    let token = &document["findings"][1];
    assert_eq!(token["secret"]["redacted"], "ghp_********");
    assert_eq!(token["secret"]["length"], 40);
    assert!(token["secret"].get("value").is_none());
    assert_eq!(token["occurrences"][2]["where"], "archive:etc/app.env");

    let shown = written(Format::Json, &scan(), |options| options.show_secrets = true);
    valid(FINDINGS_SCHEMA, &serde_json::from_str(&shown).unwrap());
    valid(FINDINGS_SCHEMA, &serde_json::from_str(&written(Format::Json, &Scan::default(), |_| ())).unwrap());
}

#[test]
fn jsonl_is_one_finding_a_line_and_the_coverage_last() {
    let report = written(Format::Jsonl, &scan(), |_| ());
    let mut lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    let whole: Value = serde_json::from_str(&written(Format::Json, &scan(), |_| ())).unwrap();
    assert_eq!(Value::Array(lines), whole["findings"]);
    assert_eq!(last["coverage"], whole["coverage"]);
    assert_eq!(last["schema"], "unleak.findings/v1");
}

#[test]
fn sarif_follows_the_official_schema() {
    let document: Value = serde_json::from_str(&written(Format::Sarif, &scan(), |_| ())).unwrap();
    valid_sarif(&document);
    valid_sarif(&serde_json::from_str(&written(Format::Sarif, &Scan::default(), |_| ())).unwrap());

    let run = &document["runs"][0];
    let result = &run["results"][1];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    // The place that still stands at HEAD, not the oldest; its path is a URI.
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "docs/incident%20report.md");
    assert_eq!(location["region"]["startLine"], 2);
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 7);
    assert_eq!(result["partialFingerprints"]["unleakSecret/v1"].as_str().unwrap().len(), 16);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap().len(), 2);
    assert_eq!(run["versionControlProvenance"][0]["repositoryUri"], "https://git.example.org/team/app.git");
}

#[test]
fn sarif_gives_every_location_a_file_since_services_refuse_a_log_otherwise() {
    let mut scan = scan();
    scan.findings[0].occurrences.retain(|place| place.path.is_none());
    let document: Value = serde_json::from_str(&written(Format::Sarif, &scan, |_| ())).unwrap();
    valid_sarif(&document);
    let location = &document["runs"][0]["results"][1]["locations"][0];
    assert_eq!(location["logicalLocations"][0]["kind"], "message");
    assert!(location["physicalLocation"]["artifactLocation"]["uri"].is_string());
}

#[test]
fn the_human_report_reads_well() {
    let mut scan = scan();
    let places = scan.findings.iter_mut().flat_map(|finding| &mut finding.occurrences);
    let gone = places.filter(|place| place.place == Place::History && place.line == 1);
    gone.for_each(|place| {
        place.last_commit = Some("d4c3b2a1".repeat(5));
        let names = ["refs/heads/old", "refs/tags/v1.0", "refs/tags/v1.1"].map(ToOwned::to_owned).to_vec();
        place.references = Some(References { count: 9, names });
    });
    insta::assert_snapshot!(plain(&scan), @r"
    critical  Live session secret · known-value
       value  ********  under 16 bytes · fingerprint c09cd28582a2a5c0
        live  in use now as SESSION_SECRET
       where  .env:3:9  on disk
        next  Rotate it.

        high  GitHub personal access token · github-token
       value  ghp_********  40 bytes · fingerprint 1bf1cdbf6e5a9055
       where  docs/incident report.md:1:9              a1b2c3d4a1  2025-03-02  Ann Example  until d4c3b2a1d4  in old, v1.0 and 7 more
              docs/incident report.md:2:9              a1b2c3d4a1  2025-03-02  Ann Example  still at HEAD
              docs/incident report.md!etc/app.env:3:9  a1b2c3d4a1  2025-03-02  Ann Example
              (commit message):4:9                     a1b2c3d4a1  2025-03-02  Ann Example
              docs/incident report.md:5:9              a1b2c3d4a1  2025-03-02  Ann Example
              and 3 more, 1 of them at HEAD
        next  Revoke the token in the settings of its owner, then make a new one with fewer rights;
              whoever cloned the repository still has the old one.
      rotate  at the provider: https://docs.github.com/authentication

    2 secrets: 1 critical, 1 high. One is still at HEAD.
    Saw 1,204 commits, 8,451 objects, 12 files (41.3 MiB) of /srv/app in 412 ms.

    Not everything was seen. What was not may hold more secrets:
           1  its parents are not in this shallow clone
              3f2a9c1
           1  permission denied
              secrets/prod.env
    ");
}

#[test]
fn a_clean_scan_says_what_it_saw() {
    let coverage = Coverage { commits: 1, objects: 5, bytes: 900, ..Coverage::default() };
    insta::assert_snapshot!(plain(&Scan { coverage, ..Scan::default() }), @r"
    No secret found.
    Saw 1 commit, 5 objects (900 bytes) of /srv/app in 412 ms.
    ");
}

#[test]
fn an_incomplete_clean_is_not_clean_even_when_quiet() {
    let coverage = Coverage { commits: 3, ..Coverage::default() };
    let mut scan = Scan { coverage, ..Scan::default() };
    scan.coverage.interrupted = true;
    for number in 0..2000 {
        scan.coverage.skip(format!("object {number}"), "missing: a promisor remote has it");
    }
    let report = plain(&scan);
    assert!(report.starts_with("Not clean"), "{report}");
    assert!(report.contains("2,000") && report.contains("interrupted"), "{report}");
    assert!(report.lines().count() < 25, "bounded: {report}");
    let quiet = written(Format::Human, &scan, |options| options.quiet = true);
    assert!(quiet.contains("Not clean"), "{quiet}");
}

#[test]
fn an_empty_scan_is_no_clean_one() {
    let report = plain(&Scan::default());
    assert!(report.contains("nothing to look at") && !report.contains("No secret"), "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_names_neither_act_on_a_terminal_nor_break_a_format(
        path in any::<String>(),
        author in any::<String>(),
        what in "\\PC{0,20}[\\x00-\\x1f\\x7f\u{202e}\u{2066}\u{9b}]{0,5}",
    ) {
        let mut scan = scan();
        scan.findings[0].occurrences[0].path = Some(path.clone());
        scan.findings[0].occurrences[1].author = Some(author);
        scan.findings[1].live_in = vec![what.clone()];
        scan.coverage.skip(what.clone(), what);
        let human = written(Format::Human, &scan, |_| ());
        // What is left besides newlines are our own colours.
        let colours = human.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "");
        let colours = colours.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[33m", "");
        prop_assert!(!colours.contains(|c: char| c.is_control() && c != '\n'), "{colours:?}");
        let turned = colours.contains(['\u{202e}', '\u{2066}']);
        prop_assert!(!turned);
        valid_sarif(&serde_json::from_str(&written(Format::Sarif, &scan, |_| ())).unwrap());
        let json: Value = serde_json::from_str(&written(Format::Json, &scan, |_| ())).unwrap();
        prop_assert_eq!(json["findings"][1]["occurrences"][0]["path"].as_str(), Some(path.as_str()));
    }
}
