//! What stands on disk and in the index: hidden changes, ignored files, conflicts, huge staged files, and damage that
//! keeps git from reading them.

use crate::repo::{Ran, Repo, git};
use crate::tokens::github;

const JSON: [&str; 2] = ["--format", "json"];

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&JSON, args].concat())
}

#[test]
fn a_tracked_file_whose_changes_git_was_told_not_to_see_is_read() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::new();
        repo.write("config.env", "# nothing\n");
        repo.write("same.env", "# stays\n");
        repo.commit("a");
        repo.git(&["update-index", flag, "config.env", "same.env"]);
        repo.write("config.env", format!("token {}\n", github(200)));
        let ran = scan(&repo, &[]);
        assert_eq!(ran.places(), ["worktree config.env:1"], "{flag} {}", ran.err);
        assert_eq!(ran.json()["coverage"]["files"], 1, "the unchanged one is in the history");
    }
}

#[test]
fn ignored_files_are_counted_and_read_on_request() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.env\nbuild/\n");
    repo.commit("a");
    repo.write("local.env", format!("token {}\n", github(210)));
    repo.write("other.env", "nothing\n");
    repo.write("build/deep/out.txt", format!("token {}\n", github(211)));
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 0, "not asked for, so the scan is complete: {}", ran.out);
    assert_eq!(ran.json()["coverage"]["ignored"], serde_json::json!({ "files": 2, "folders": 1 }));
    let human = repo.scan(&[]).out;
    assert!(human.contains("Not read: 2 ignored files, 1 ignored folder") && human.contains("--ignored"));
    let all = scan(&repo, &["--ignored"]);
    let mut places = all.places();
    places.sort_unstable();
    assert_eq!(places, ["worktree build/deep/out.txt:1", "worktree local.env:1"], "{}", all.err);
    assert_eq!(all.json()["coverage"]["ignored"], serde_json::json!({ "files": 0, "folders": 0 }));
}

/// A merge that stopped: `theirs` brings a token, `ours` changed the same line.
fn conflict(token: &str) -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", "base\n");
    repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("a.txt", format!("token {token}\n"));
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a.txt", "other\n");
    repo.commit("main");
    assert!(
        !git(repo.path(), 1_700_000_000).args(["merge", "-q", "side"]).output().unwrap().status.success()
    );
    repo
}

#[test]
fn both_sides_of_a_conflict_are_looked_at_under_their_path() {
    let repo = conflict(&github(220));
    let staged = scan(&repo, &["--staged"]);
    assert_eq!((staged.code, staged.places()), (1, vec!["index a.txt:1".to_owned()]), "{}", staged.err);
    let all = scan(&repo, &[]);
    let paths: Vec<_> = all.occurrences().iter().map(|place| place["path"].clone()).collect();
    assert!(paths.iter().all(|path| path == "a.txt"), "{paths:?}");
}

#[test]
fn a_side_of_a_conflict_that_cannot_be_read_is_named() {
    let repo = conflict("none here");
    let side = repo.git(&["rev-parse", "side:a.txt"]);
    std::fs::remove_file(repo.path().join(".git/objects").join(&side[..2]).join(&side[2..])).unwrap();
    let ran = scan(&repo, &["--staged"]);
    assert_eq!(ran.code, 3, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("a.txt") && ran.out.contains(&side), "{}", ran.out);
}

#[test]
fn what_is_damaged_is_said_with_the_next_step() {
    let broken: [(&str, &[u8], &[&str], &str); 4] = [
        (".git/HEAD", b"ref: refs/heads/..\n", &["--staged"], "HEAD"),
        (".git/index", b"DIRC but no index", &["--staged"], "the index"),
        (".git/index", b"DIRC but no index", &[], "the"),
        (".git/refs/heads/broken", b"no name of an object\n", &["--range", "broken..HEAD"], "`broken`"),
    ];
    for (file, bytes, args, what) in broken {
        let repo = Repo::new();
        repo.write("a.txt", "a\n");
        repo.commit("a");
        repo.write(file, bytes);
        let ran = scan(&repo, args);
        assert_eq!(ran.code, 2, "{file} {args:?}: {} {}", ran.out, ran.err);
        let said = ran.err.contains("is damaged") && ran.err.contains(what) && ran.err.contains("hint:");
        assert!(said, "{file} {args:?}: {}", ran.err);
    }
}

#[test]
fn a_huge_staged_file_is_read_in_windows_loose_and_packed() {
    let repo = Repo::new();
    let filler = "a line of filler text that means nothing at all\n".repeat(750_000);
    repo.write("large.txt", format!("{filler}token {}\n{filler}", github(230)));
    for threshold in ["core.bigFileThreshold=1g", "core.bigFileThreshold=1m"] {
        repo.git(&["rm", "-q", "--cached", "--ignore-unmatch", "large.txt"]);
        repo.git(&["-c", threshold, "-c", "core.compression=1", "add", "large.txt"]);
        let ran = scan(&repo, &["--staged"]);
        assert_eq!(ran.places(), ["index large.txt:750001"], "{threshold} {}", ran.err);
    }
}

#[test]
fn submodules_that_cannot_be_listed_are_never_clean() {
    let repo = Repo::new();
    repo.write("a.txt", "nothing\n");
    repo.commit("one");
    assert_eq!(repo.scan(&[]).code, 0);
    repo.write(".gitmodules", "[submodule \"broken\n");
    let broken = repo.scan(&[]);
    assert!(broken.code == 3 && broken.out.contains(".gitmodules"), "{} {}", broken.out, broken.err);
    repo.remove(".gitmodules");
    repo.write(".git/modules", "no folder\n");
    let hidden = repo.scan(&[]);
    assert!(hidden.code == 3 && hidden.out.contains("modules"), "{} {}", hidden.out, hidden.err);
}
