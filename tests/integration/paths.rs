//! Paths that are no text or act on a terminal, in every format, and the places that a report can be written to.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

use crate::repo::{Ran, Repo, unleak};
use crate::tokens::github;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

const FORMATS: [&str; 4] = ["human", "json", "jsonl", "sarif"];

#[test]
fn two_paths_that_are_no_text_stay_two() {
    let repo = Repo::new();
    let names: [&[u8]; 4] = [b"a\xff.txt", b"a\xfe.txt", b"a\\xff.txt", b"\\b\xff.txt"];
    let shown = ["a\\xff.txt", "a\\xfe.txt", "a\\\\xff.txt", "\\\\b\\xff.txt"].map(str::to_owned);
    let token = github(300);
    for name in names {
        std::fs::write(repo.path().join(OsStr::from_bytes(name)), format!("token {token}\n")).unwrap();
    }
    let paths = |args: &[&str]| -> BTreeSet<String> {
        let ran = repo.scan(&[&["--format", "json"], args].concat());
        ran.occurrences().iter().map(|place| place["path"].as_str().unwrap().to_owned()).collect()
    };
    let expected: BTreeSet<String> = shown.into();
    assert_eq!(paths(&["--no-git", "."]), expected);
    assert_eq!(paths(&[]), expected, "untracked");
    repo.git(&["add", "-A"]);
    assert_eq!(paths(&["--staged"]), expected);
    assert_eq!(paths(&[]), expected, "in the index");
    repo.commit("b");
    assert_eq!(paths(&[]), expected, "in history");
    for format in FORMATS {
        let out = repo.scan(&["--format", format]).out;
        assert!(!out.contains('\u{fffd}'), "{format}: {out}");
    }
}

#[test]
fn a_name_full_of_control_characters_and_markup_acts_nowhere() {
    let repo = Repo::new();
    let name = "a\u{1b}[2J\u{1b}]0;x\u{7}\n<script>alert('x')<\u{202e}&.txt";
    repo.write(&name.replace('/', ""), format!("token {}\n", github(310)));
    repo.commit("a \u{1b}[31m name\r\n");
    for format in FORMATS {
        let ran = repo.scan(&["--format", format]);
        assert_eq!(ran.code, 1, "{}", ran.err);
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!ran.out.contains(acts) && !ran.err.contains(acts), "{format}: {:?}", ran.out);
    }
    let human = repo.scan(&[]).out;
    assert!(human.contains("a\\u{1b}[2J") && !human.contains('\u{202e}'), "{human}");
}

fn leaking() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(320)));
    repo.commit("a");
    repo
}

#[test]
fn a_report_can_go_to_a_device_or_a_pipe() {
    let repo = leaking();
    let null = repo.scan(&["--format", "json", "--output", "/dev/null"]);
    assert_eq!((null.code, null.out.as_str()), (1, ""), "{}", null.err);
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    let out = repo.scan(&["--format", "json", "--output", "/dev/stdout"]);
    assert_eq!(out.places(), ["history a.txt:1"], "{}", out.err);
    let pipe = repo.beside("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = unleak(repo.path(), repo.path())
        .args(["scan", "--format", "json", "--output"])
        .arg(&pipe)
        .spawn()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&pipe).unwrap()).unwrap();
    assert_eq!(report["schema"], "unleak.findings/v1");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn standard_output_that_is_a_file_keeps_what_stands_in_it() {
    let repo = leaking();
    let log = repo.beside("log");
    std::fs::write(&log, "earlier\n").unwrap();
    let file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    let mut command = unleak(repo.path(), repo.path());
    let ran = Ran::of(command.args(["scan", "--output", "/dev/stdout"]).stdout(file));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(
        ran.code == 1 && text.starts_with("earlier\n") && text.contains("1 secret:"),
        "{text} {}",
        ran.err
    );
}
