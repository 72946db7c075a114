//! `.unleak.yaml`: what it leaves out is said in every format, and who brings in a secret does not decide about it.

use crate::repo::{Ran, Repo};
use crate::tokens::github;
use std::path::Path;

const JSON: [&str; 2] = ["--format", "json"];
/// A rule file with one rule.
const RULE: &str = "- id: acme-token
  title: ACME token
  severity: high
  confidence: high
  keywords: [acme_]
  pattern: '\\bacme_[0-9a-f]{12}\\b'
  examples: ['k=acme_{{hex:12}}', 'acme_{{hex:12}}']
  counterexamples: ['acme_{{hex:11}}', 'acme_token']
  reference: https://acme.dev/tokens
  advice: Revoke it.
";
const ALLOW_ALL: &str = "allow: {paths: ['**']}\n";

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&JSON, args].concat())
}

fn configuration(ran: &Ran) -> serde_json::Value {
    ran.json()["configuration"].clone()
}

fn leaking() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(1)));
    repo.write("b.txt", format!("token {} unleak:allow\n", github(2)));
    repo.commit("leak");
    repo
}

#[test]
fn what_is_left_out_is_said_in_every_format_and_also_when_quiet() {
    let repo = leaking();
    repo.write(".unleak.yaml", ALLOW_ALL.to_owned() + "disable: [jwt-secret]\n");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let expected = serde_json::json!({
        "file": ".unleak.yaml",
        "disabled": ["jwt-secret"],
        "replaced": [],
        "left_out": { "paths": 1, "inline": 1, "confidence": 0, "ignore_file": 0, "baseline": 0 },
        "ignore_file": null,
        "baseline": null,
    });
    assert_eq!(configuration(&ran), expected);
    for args in [&["--quiet"][..], &[], &["--format", "jsonl"], &["--format", "sarif"]] {
        let ran = repo.scan(args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        for said in ["jwt-secret", "paths", ".unleak.yaml"] {
            assert!(ran.out.contains(said), "{args:?} {said}: {}", ran.out);
        }
        assert!(!ran.out.contains("No secret found.") && !ran.out.contains(&github(1)), "{}", ran.out);
    }
    let without = scan(&repo, &["--no-config"]);
    assert_eq!(without.places(), ["history a.txt:1"]);
    assert_eq!(configuration(&without)["file"], serde_json::Value::Null);
}

#[test]
fn a_secret_that_is_told_of_elsewhere_is_not_left_out() {
    let repo = leaking();
    repo.write("c.txt", format!("token {}\n", github(2)));
    repo.commit("the allowed one again, without a comment");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.json()["findings"].as_array().unwrap().len(), 2);
    assert_eq!(configuration(&ran)["left_out"]["inline"], 0);
}

#[test]
fn a_replaced_built_in_rule_is_named() {
    let repo = leaking();
    repo.write("rules.yaml", RULE.replace("acme-token", "jwt-secret"));
    repo.write(".unleak.yaml", "rules: [rules.yaml]\n");
    let ran = scan(&repo, &[]);
    assert_eq!(configuration(&ran)["replaced"][0], "jwt-secret", "{} {}", ran.out, ran.err);
    assert!(repo.scan(&["-q"]).out.contains("1 built-in rule replaced (jwt-secret)"));
}

#[test]
fn a_pull_request_cannot_allow_its_own_secrets() {
    let repo = Repo::new();
    repo.write("README.md", "app\n");
    let base = repo.commit("base");
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(3)));
    repo.commit("a leak and the permission for it");
    let range = format!("{base}..HEAD");
    let ran = scan(&repo, &["--range", &range]);
    assert_eq!((ran.code, ran.places()), (1, vec!["history a.txt:1".to_owned()]), "{}", ran.err);
    assert_eq!(configuration(&ran)["file"], serde_json::Value::Null);
    // Once it stands in the base, it counts, and the report says from where.
    repo.write("b.txt", format!("token {}\n", github(4)));
    repo.commit("another");
    let later = scan(&repo, &["--range", "HEAD~1..HEAD"]);
    assert_eq!(later.code, 0, "{}", later.err);
    assert_eq!(configuration(&later)["file"], "HEAD~1:.unleak.yaml");
}

#[test]
fn staged_files_are_judged_by_the_configuration_of_head_if_there_is_one() {
    let repo = Repo::new();
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(5)));
    repo.git(&["add", "a.txt"]);
    let first = scan(&repo, &["--staged"]);
    assert_eq!((first.code, configuration(&first)["file"].as_str()), (0, Some(".unleak.yaml")));
    repo.write(".unleak.yaml", "allow: {paths: ['docs/**']}\n");
    repo.commit("configured");
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(6)));
    repo.git(&["add", "-A"]);
    let ran = scan(&repo, &["--staged"]);
    assert_eq!((ran.code, configuration(&ran)["file"].as_str()), (1, Some("HEAD:.unleak.yaml")));
}

#[test]
fn a_bare_repository_is_scanned_by_the_configuration_and_rules_of_its_head() {
    let repo = leaking();
    repo.write("security/acme.yaml", RULE);
    repo.write(".unleak.yaml", "rules: [./security]\nallow: {paths: [a.txt]}\n");
    repo.write("c.txt", format!("acme_{}\n", &crate::tokens::hex128(1)[..12]));
    repo.commit("configured");
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let ran = scan(&repo, &[bare.to_str().unwrap()]);
    assert_eq!(ran.places(), ["history c.txt:1"], "{}", ran.err);
    assert_eq!(configuration(&ran)["file"], "HEAD:.unleak.yaml");
    for (config, said) in [
        ("rules: [../outside.yaml]\n", "outside the repository"),
        ("rules: [missing.yaml]\n", "HEAD:missing.yaml"),
        ("disabel: [x]\n", "HEAD:.unleak.yaml"),
    ] {
        repo.write(".unleak.yaml", config);
        repo.commit("broken");
        repo.git(&["push", "-q", bare.to_str().unwrap(), "main"]);
        let ran = scan(&repo, &[bare.to_str().unwrap()]);
        assert!(ran.code == 2 && ran.err.contains(said), "{config} {}", ran.err);
    }
}

#[test]
fn a_configuration_above_what_is_scanned_does_not_count() {
    let repo = leaking();
    let above = |folder: &Path| folder.parent().unwrap().join(".unleak.yaml");
    repo.write("../.unleak.yaml", ALLOW_ALL);
    assert!(above(repo.path()).is_file());
    assert_eq!(scan(&repo, &[]).code, 1);
    repo.write("docs/a.txt", format!("token {}\n", github(7)));
    repo.write(".unleak.yaml", ALLOW_ALL);
    assert_eq!(scan(&repo, &["--no-git", "docs"]).code, 1);
    assert_eq!(scan(&repo, &["--no-git", "docs/a.txt"]).code, 1);
    assert_eq!(scan(&repo, &["--no-git", "."]).code, 0);
}

#[test]
fn the_confidence_that_was_asked_for_is_counted_but_hides_nothing() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(8)));
    repo.write("b.env", format!("SESSION_SECRET={}\n", "correct-horse-7!"));
    repo.commit("a");
    let all = scan(&repo, &["--min-confidence", "low"]).json()["findings"].as_array().unwrap().len();
    let high = scan(&repo, &["--min-confidence", "high"]);
    let told = high.json()["findings"].as_array().unwrap().len();
    assert_eq!(configuration(&high)["left_out"]["confidence"], all - told);
    assert!(!repo.scan(&["-q", "--min-confidence", "high"]).out.contains("Left out"));
}

#[test]
fn a_configuration_that_leaves_no_rule_is_an_error() {
    let repo = leaking();
    repo.write(".unleak.yaml", "disable: [jwt-secret]\n");
    let ran = scan(&repo, &["--rule", "jwt-secret"]);
    assert!(ran.code == 2 && ran.err.contains("no rule is left"), "{} {}", ran.out, ran.err);
}
