//! A baseline leaves out what was known, in the files where it was known, and nothing else.

use crate::repo::{Ran, Repo};
use crate::tokens::github;
use serde_json::Value;

const FILE: &str = "known.txt";

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&["--format", "json", "--baseline", FILE], args].concat())
}

fn configuration(ran: &Ran) -> Value {
    ran.json()["configuration"].clone()
}

fn known() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(1)));
    repo.write("b.txt", format!("token {}\n", github(2)));
    repo.commit("leak");
    let ran = repo.unleak(&["baseline", "write", FILE]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    repo
}

#[test]
fn what_is_known_is_left_out_and_counted_and_lines_may_shift() {
    let repo = known();
    let text = std::fs::read_to_string(repo.path().join(FILE)).unwrap();
    assert!(!text.contains(&github(1)[4..12]) && text.contains("path=\"a.txt\""), "{text}");
    repo.write("a.txt", format!("\n\n\nmoved down: {}\n", github(1)));
    repo.commit("shifted");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert_eq!(configuration(&ran)["left_out"]["baseline"], 2);
    for args in [&["-q"][..], &[], &["--format", "sarif"]] {
        let ran = repo.scan(&[&["--baseline", FILE], args].concat());
        assert!(ran.out.contains("known to the baseline known.txt"), "{}", ran.out);
    }
    assert_eq!(repo.scan(&[]).code, 1);
}

#[test]
fn another_value_on_the_line_and_the_same_one_in_another_file_are_new() {
    let repo = known();
    repo.write("a.txt", format!("token {}\n", github(5)));
    repo.write("c.txt", format!("token {}\n", github(2)));
    repo.commit("new");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.places(), ["history a.txt:1", "history c.txt:1"]);
}

#[test]
fn what_is_gone_is_named_and_a_new_baseline_keeps_the_salt() {
    let repo = known();
    repo.write("b.txt", "clean\n");
    let folder = |args: &[&str]| scan(&repo, &[&["--no-git"], args].concat());
    // The history was not looked at, or not by all rules alike: nothing can be said to be gone.
    repo.write("../live.env", format!("TOKEN={}\n", github(9)));
    let live = repo.beside("live.env").display().to_string();
    for ran in [folder(&["."]), scan(&repo, &["--known-from", &live, "--only-known"])] {
        assert_eq!(
            (ran.code, &configuration(&ran)["baseline"]["gone"]),
            (0, &serde_json::json!([])),
            "{}",
            ran.err
        );
    }
    std::fs::remove_dir_all(repo.path().join(".git")).unwrap();
    let ran = folder(&["."]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let gone = configuration(&ran)["baseline"]["gone"].clone();
    assert_eq!((gone.as_array().unwrap().len(), &gone[0]["place"]), (1, &Value::from("b.txt")));
    let before = std::fs::read_to_string(repo.path().join(FILE)).unwrap();
    assert_eq!(repo.unleak(&["baseline", "write", FILE, "--no-git"]).code, 0);
    let after = std::fs::read_to_string(repo.path().join(FILE)).unwrap();
    assert!(after.lines().all(|line| before.contains(line)) && after.lines().count() == 2, "{after}");
    assert_eq!(configuration(&folder(&["."]))["baseline"]["gone"], serde_json::json!([]));
}

#[test]
fn a_path_that_holds_a_value_is_masked_and_known_all_the_same() {
    let repo = Repo::new();
    repo.write(&format!("logs/{}.txt", github(3)), format!("token {}\n", github(3)));
    repo.write("message.txt", "nothing");
    repo.commit(&format!("use {}", github(4)));
    assert_eq!(repo.unleak(&["baseline", "write", FILE]).code, 0);
    let text = std::fs::read_to_string(repo.path().join(FILE)).unwrap();
    assert!(!text.contains(&github(3)) && text.contains("where=\"message\""), "{text}");
    assert_eq!(scan(&repo, &[]).code, 0);
}

#[test]
fn a_baseline_that_is_missing_or_broken_is_an_error() {
    let repo = Repo::new();
    repo.write("a.txt", "x\n");
    repo.commit("a");
    let ran = scan(&repo, &[]);
    assert!(ran.code == 2 && ran.err.contains("there is no baseline"), "{}", ran.err);
    repo.write(FILE, "{}\n");
    let ran = scan(&repo, &[]);
    assert!(ran.code == 2 && ran.err.contains("line 1"), "{}", ran.err);
}
