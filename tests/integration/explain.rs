//! `scan --explain`: each value that was considered and is not reported, with its place and the reason, and never the value.

use crate::repo::Repo;
use crate::tokens::{github, hex128};
use serde_json::Value;

/// A file with one value that is found, and others that are not.
fn repo() -> Repo {
    let repo = Repo::new();
    let found = format!("SESSION_SECRET={}\n", hex128(1));
    repo.write("app.env", found + "DB_PASSWORD=changeme\n\npassword = os.environ['DB_PASSWORD']\n");
    repo.write("copy.env", "OTHER=1\nDB_PASSWORD=changeme\n");
    repo.write("allowed.txt", format!("token {} unleak:allow\n", github(1)));
    repo.commit("a");
    repo
}

fn refused(report: &Value) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = report["explained"]["refused"].as_array().unwrap().iter();
    all.map(|refused| (text(&refused["path"]), refused["line"].as_u64().unwrap(), text(&refused["reason"])))
        .collect()
}

#[test]
fn each_value_is_told_once_with_the_place_and_the_reason() {
    let repo = repo();
    let ran = repo.scan(&["--explain", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let report = ran.json();
    let told = refused(&report);
    let of = |path: &str, line| told.iter().filter(|(p, l, _)| p == path && *l == line).collect::<Vec<_>>();
    assert!(of("app.env", 1).is_empty(), "{told:?}");
    assert_eq!(of("app.env", 2).len() + of("copy.env", 2).len(), 1, "{told:?}");
    assert!(told.iter().any(|(_, _, reason)| reason == "a stand-in for a secret"), "{told:?}");
    assert_eq!(of("app.env", 4)[0].2, "a stand-in for a secret", "{told:?}");
    assert_eq!(of("allowed.txt", 1)[0].2, "a comment on its line allows it", "{told:?}");
    assert_eq!(report["explained"]["more"], 0);
    let schema = serde_json::from_str(unleak::report::FINDINGS_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(repo.scan(&["--format", "json"]).json()["explained"], Value::Null);
}

#[test]
fn the_report_for_people_tells_it_too_and_no_report_shows_the_value() {
    let repo = repo();
    for format in ["human", "json", "jsonl"] {
        let ran = repo.scan(&["--explain", "--format", format]);
        for value in ["changeme".to_owned(), "os.environ".to_owned(), github(1)] {
            assert!(!ran.out.contains(&value), "{}", ran.out);
        }
        assert!(ran.out.contains("a stand-in for a secret") && ran.out.contains("app.env"), "{}", ran.out);
    }
}

#[test]
fn a_flood_of_values_is_capped_and_counted() {
    let repo = Repo::new();
    let line = |number: u32| format!("password = ${{SECRET_{number}}}\n");
    repo.write("many.py", (0..1300).map(line).collect::<String>());
    let report = repo.scan(&["--explain", "--no-git", "--format", "json", "many.py"]).json();
    assert_eq!(refused(&report).len(), 1000);
    assert_eq!(report["explained"]["more"], 300);
}

#[test]
fn the_nature_of_the_file_is_in_the_reason_and_lowers_what_only_a_name_tells() {
    let repo = Repo::new();
    let secret = |number| crate::tokens::hex128(number)[..40].to_owned();
    repo.write("yarn.lock", format!("api_token: \"{}\"\n", secret(71)));
    repo.write("src/login.test.js", format!("const apiToken = \"{}\";\n", secret(72)));
    repo.write("src/login.js", format!("const apiToken = \"{}\";\n", secret(73)));
    repo.commit("three natures");
    let told = |args: &[&str]| {
        let report = repo.scan(&[&["--format", "json"], args].concat()).json();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().clone();
        let mut told: Vec<_> = findings
            .iter()
            .map(|found| {
                let reason = text(&found["reason"]);
                let nature = reason.split_once("; ").map(|(_, nature)| nature.to_owned()).unwrap_or_default();
                (text(&found["occurrences"][0]["path"]), text(&found["confidence"]), nature)
            })
            .collect();
        told.sort();
        (told, report["configuration"]["left_out"]["nature"].clone())
    };
    let row = |path: &str, confidence: &str, nature: &str| {
        (path.to_owned(), confidence.to_owned(), nature.to_owned())
    };
    let (medium, left_out) = told(&[]);
    let ordinary = [
        row("src/login.js", "medium", ""),
        row("src/login.test.js", "medium", "only in tests and their data"),
    ];
    assert_eq!((medium.as_slice(), left_out), (ordinary.as_slice(), serde_json::json!(1)));
    let (all, _) = told(&["--min-confidence", "low"]);
    assert_eq!(all[2], row("yarn.lock", "low", "only in lock files, which hold check sums"));
}
