//! `.unleakignore`: entries go by value and rule, so they survive everything but a new value; what they hide is always said.

use crate::repo::{Ran, Repo};
use crate::tokens::{github, hex128};
use serde_json::Value;

const JSON: [&str; 2] = ["--format", "json"];
const FILE: &str = ".unleakignore";

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&JSON, args].concat())
}

fn configuration(ran: &Ran) -> Value {
    ran.json()["configuration"].clone()
}

/// The fingerprints of what a scan tells of.
fn fingerprints(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["secret"]["fingerprint"].as_str().unwrap().to_owned()).collect()
}

/// Leaves out all that a scan tells of now.
fn ignore_all(repo: &Repo, extra: &[&str]) {
    for fingerprint in fingerprints(&scan(repo, &[])) {
        let args = [&["ignore", "add", &fingerprint, "--reason", "test data"], extra].concat();
        let ran = repo.unleak(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

fn file(repo: &Repo) -> String {
    std::fs::read_to_string(repo.path().join(FILE)).unwrap()
}

/// A weak password that the rules still call a secret.
fn weak() -> String {
    ["correct", "horse", "7!"].join("-")
}

fn leaking() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(1)));
    repo.write("b.env", format!("SESSION_SECRET={}\nDB_PASSWORD='{}'\n", hex128(2), weak()));
    repo.commit("leak");
    repo
}

#[test]
fn what_is_added_is_left_out_and_every_format_says_so() {
    let repo = leaking();
    let before = fingerprints(&scan(&repo, &[])).len();
    assert!(before >= 3, "{before}");
    ignore_all(&repo, &["--owner", "Ann Example", "--expires", "2999-12-31"]);
    let ran = scan(&repo, &[]);
    assert_eq!((ran.code, fingerprints(&ran).len()), (0, 0), "{} {}", ran.out, ran.err);
    assert_eq!(configuration(&ran)["left_out"]["ignore_file"], before);
    assert_eq!(configuration(&ran)["ignore_file"]["entries"], before);
    for args in [&["--quiet"][..], &[], &["--format", "jsonl"], &["--format", "sarif"]] {
        let ran = repo.scan(args);
        assert!(ran.code == 0 && ran.out.contains(FILE), "{args:?} {}", ran.out);
        assert!(!ran.out.contains("No secret found."), "{}", ran.out);
    }
    let all = scan(&repo, &["--no-ignore-file"]);
    assert_eq!((all.code, fingerprints(&all).len()), (1, before));
    assert_eq!(configuration(&all)["ignore_file"], Value::Null);
}

#[test]
fn the_file_holds_no_value_and_is_sorted_and_found_by_nobody() {
    let repo = leaking();
    ignore_all(&repo, &[]);
    let text = file(&repo);
    for value in [github(1), hex128(2), weak()] {
        assert!(!text.contains(&value) && !text.contains(&value[..8]), "{text}");
    }
    let entries: Vec<&str> = text.lines().skip(1).collect();
    assert!(text.starts_with("unleak-ignore/v1 salt="), "{text}");
    assert!(
        entries.is_sorted() && entries.iter().all(|line| line.contains(" reason=\"test data\"")),
        "{text}"
    );
    repo.commit("settled");
    let places = scan(&repo, &["--min-confidence", "low", "--no-ignore-file"]).places();
    assert!(!places.iter().any(|place| place.contains(FILE)), "{places:?}");
}

#[test]
fn an_entry_survives_a_move_a_rebase_a_squash_and_a_clone() {
    let repo = leaking();
    ignore_all(&repo, &[]);
    repo.commit("settled");
    repo.write("deep/moved.txt", format!("\n\n\nlet token = \"{}\";\n", github(1)));
    repo.remove("a.txt");
    repo.commit("moved");
    repo.git(&["checkout", "-q", "--orphan", "squashed"]);
    repo.commit("all of it");
    repo.git(&["branch", "-q", "-D", "main"]);
    assert_eq!(scan(&repo, &[]).code, 0);
    // Another person's machine has another fingerprint key, and the same file.
    let clone = repo.beside("clone");
    repo.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let elsewhere = repo.beside("elsewhere");
    let path = [clone.to_str().unwrap(), "--state", elsewhere.to_str().unwrap()];
    let ran = scan(&repo, &path);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let there = fingerprints(&scan(&repo, &[&path[..], &["--no-ignore-file"]].concat()));
    let here = fingerprints(&scan(&repo, &["--no-ignore-file"]));
    assert!(!there.is_empty() && there.iter().all(|fingerprint| !here.contains(fingerprint)));
}

#[test]
fn another_value_on_the_same_line_is_told_of_and_so_is_another_rule() {
    let repo = leaking();
    ignore_all(&repo, &[]);
    repo.write("a.txt", format!("token {} {}\n", github(1), github(9)));
    let ran = scan(&repo, &[]);
    assert_eq!((ran.code, ran.places()), (1, vec!["worktree a.txt:1".to_owned()]), "{}", ran.out);
    repo.write("a.txt", format!("token {}\n", github(1)));
    let text = file(&repo);
    let of_token = text.lines().find(|line| line.contains(" github-")).unwrap();
    let (fingerprint, rest) = of_token.split_once(' ').unwrap();
    let (_, rest) = rest.split_once(' ').unwrap();
    repo.write(FILE, text.replace(of_token, &format!("{fingerprint} jwt-secret {rest}")));
    assert_eq!(fingerprints(&scan(&repo, &[])).len(), 1);
}

#[test]
fn an_expired_entry_hides_nothing_and_a_stale_one_is_named() {
    let repo = leaking();
    ignore_all(&repo, &["--expires", "2999-12-31"]);
    repo.write(FILE, file(&repo).replacen("2999-12-31", "2020-01-31", 1));
    let ran = scan(&repo, &[]);
    assert_eq!((ran.code, fingerprints(&ran).len()), (1, 1));
    let used = configuration(&ran)["ignore_file"].clone();
    assert_eq!(used["expired"][0]["expires"], "2020-01-31");
    assert_eq!(used["stale"], serde_json::json!([]));
    assert!(repo.scan(&[]).out.contains("1 entry is expired"), "{}", repo.scan(&[]).out);

    let other = Repo::new();
    other.write("a.txt", "nothing\n");
    other.write(FILE, file(&repo));
    other.commit("only the file");
    let ran = scan(&other, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let stale = configuration(&ran)["ignore_file"]["stale"].as_array().unwrap().len();
    assert_eq!(stale, file(&repo).lines().filter(|line| line.contains(" reason=")).count());
    // A part of what there is says nothing about the rest.
    let part = scan(&other, &["--staged"]);
    assert_eq!(configuration(&part)["ignore_file"]["stale"], serde_json::json!([]), "{}", part.out);
}

#[test]
fn prune_drops_what_is_stale_or_expired_and_keeps_the_rest_with_its_comments() {
    let repo = leaking();
    ignore_all(&repo, &["--expires", "2999-12-31"]);
    let text = file(&repo);
    let first = text.lines().nth(1).unwrap();
    let stale = "0123456789abcdef github-personal-access-token reason=\"gone\"";
    let kept = text.lines().nth(2).unwrap();
    let changed = text
        .replace(kept, &format!("# asked Ann\n{kept}"))
        .replace(first, &format!("{}\n{stale}", first.replace("2999", "2020")));
    repo.write(FILE, &changed);
    let dry = repo.unleak(&["ignore", "prune", "--dry-run"]);
    assert_eq!((dry.code, file(&repo)), (0, changed), "{}", dry.err);
    assert!(dry.out.contains("stale") && dry.out.contains("expired"), "{}", dry.out);
    assert_eq!(repo.unleak(&["ignore", "prune"]).code, 0);
    let after = file(&repo);
    assert!(
        !after.contains("2020-01") && !after.contains("gone") && after.contains("# asked Ann\n"),
        "{after}"
    );
    assert_eq!(after.lines().count(), text.lines().count(), "{after}"); // one entry less, one comment more
}

#[test]
fn a_pull_request_cannot_ignore_its_own_secrets_and_a_commit_can() {
    let repo = Repo::new();
    repo.write("README.md", "app\n");
    let base = repo.commit("base");
    repo.write("a.txt", format!("token {}\n", github(3)));
    ignore_all(&repo, &[]);
    repo.git(&["add", "-A"]);
    assert_eq!(scan(&repo, &["--staged"]).code, 0);
    repo.commit("a leak and the entry for it");
    let ran = scan(&repo, &["--range", &format!("{base}..HEAD")]);
    assert_eq!((ran.code, configuration(&ran)["ignore_file"].clone()), (1, Value::Null));
    repo.write("b.txt", format!("again {}\n", github(3)));
    repo.commit("again");
    let later = scan(&repo, &["--range", "HEAD~1..HEAD"]);
    assert_eq!(later.code, 0, "{}", later.out);
    assert_eq!(configuration(&later)["ignore_file"]["file"], "HEAD~1:.unleakignore");
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let bare = scan(&repo, &[bare.to_str().unwrap()]);
    assert_eq!(
        (bare.code, configuration(&bare)["ignore_file"]["file"].as_str()),
        (0, Some("HEAD:.unleakignore"))
    );
}

#[test]
fn a_report_names_what_to_ignore() {
    let repo = leaking();
    let report = repo.beside("report.json");
    let report = report.to_str().unwrap();
    assert_eq!(scan(&repo, &["-o", report]).code, 1);
    let ran = repo.unleak(&["ignore", "add", "--from", report, "--reason", "all of it"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(scan(&repo, &[]).code, 0);
    // What another machine reports is found by its commit, and nothing by a line of a file on disk.
    repo.remove(FILE);
    let state = repo.beside("elsewhere");
    let elsewhere = ["--state", state.to_str().unwrap(), "-o", report];
    assert_eq!(scan(&repo, &elsewhere).code, 1);
    let ran = repo.unleak(&["ignore", "add", "--from", report, "--reason", "all of it"]);
    assert_eq!((ran.code, scan(&repo, &[]).code), (0, 0), "{}", ran.err);
    repo.write("disk.txt", format!("token {}\n", github(7)));
    assert_eq!(scan(&repo, &elsewhere).code, 1);
    repo.write("disk.txt", format!("token {}\n", github(8)));
    let ran = repo.unleak(&["ignore", "add", "--from", report, "--reason", "all of it"]);
    assert!(ran.code == 2 && ran.err.contains("no finding here"), "{}", ran.err);
    repo.remove("disk.txt");
    let list = repo.unleak(&["ignore", "list"]);
    assert_eq!((list.code, list.out.lines().count()), (0, file(&repo).matches("all of it").count()));
    let json: Value =
        serde_json::from_str(&repo.unleak(&["ignore", "list", "--format", "json"]).out).unwrap();
    assert_eq!(json[0]["reason"], "all of it");
}

#[test]
fn what_is_wrong_is_refused_and_repeats_no_value() {
    let repo = leaking();
    let fingerprint = fingerprints(&scan(&repo, &["--rule", "github-personal-access-token"])).remove(0);
    for (args, said) in [
        (vec![github(1), "--reason".into(), "x".into()], "no fingerprint"),
        (vec!["0123456789abcdef".into(), "--reason".into(), "x".into()], "no finding here"),
        (vec![fingerprint.clone(), "--reason".into(), " ".into()], "the reason is empty"),
        (vec![fingerprint.clone(), "--reason".into(), format!("it is {}", github(1))], "holds a value"),
        (
            vec![fingerprint, "--reason".into(), "x".into(), "--expires".into(), "2020-01-01".into()],
            "is past",
        ),
    ] {
        let args: Vec<&str> = ["ignore", "add"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let ran = repo.unleak(&args);
        assert!(ran.code == 2 && ran.err.contains(said), "{args:?} {}", ran.err);
        assert!(!ran.err.contains(&github(1)) && !repo.path().join(FILE).exists(), "{}", ran.err);
    }
    let salt = format!("unleak-ignore/v1 salt={}\n", "0a".repeat(16));
    for (text, said) in [
        (String::new(), "it is empty"),
        ("0123456789abcdef rule reason=x\n".into(), "the first line"),
        (salt.clone() + "0123456789abcdef rule\n", "line 2: a `reason` is missing"),
        (salt.clone() + "0123456789abcdef rule reason=x until=2\n", "`until` is unknown"),
        (salt.clone() + "0123456789abcde rule reason=x\n", "16 hexadecimal digits"),
        (salt.clone() + "0123456789abcdef rule reason=x expires=soon\n", "is a date"),
        (salt.clone() + &salt, "two first lines"),
        (salt + "<<<<<<< HEAD\n", "a merge stopped here"),
    ] {
        repo.write(FILE, &text);
        let ran = scan(&repo, &[]);
        assert!(ran.code == 2 && ran.err.contains(said), "{text} {}", ran.err);
    }
    assert_eq!(scan(&repo, &["--no-ignore-file"]).code, 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_no_ignore_file() {
    let repo = leaking();
    std::os::unix::fs::symlink("a.txt", repo.path().join(FILE)).unwrap();
    let ran = scan(&repo, &[]);
    assert!(ran.code == 2 && ran.err.contains("is a link"), "{}", ran.err);
}
