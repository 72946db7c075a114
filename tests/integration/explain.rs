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
