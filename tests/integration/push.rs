//! A bare repository whose pre-receive hook runs `unleak scan --range`: git keeps what is pushed apart until the hook
//! has agreed.

#![expect(clippy::disallowed_methods, reason = "a test writes the files that it needs")]

use crate::repo::{Repo, git};
use crate::tokens::github;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A repository, and the bare one that it pushes to.
fn world() -> (Repo, PathBuf) {
    let repo = Repo::new();
    let bare = repo.beside("bare.git");
    repo.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    let hook = bare.join("hooks/pre-receive");
    let (program, state) = (env!("CARGO_BIN_EXE_unleak"), repo.beside("state"));
    let line = format!("'{program}' scan --state '{}' --range \"$old..$new\" || exit 1", state.display());
    std::fs::create_dir_all(bare.join("hooks")).unwrap();
    std::fs::write(&hook, format!("#!/bin/sh\nwhile read -r old new ref; do {line}; done\n")).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    (repo, bare)
}

/// Pushes, and gives whether it was accepted and what was said.
fn push(repo: &Repo, args: &[&str]) -> (bool, String) {
    let output = git(repo.path(), 1_700_000_000).args(["push", "origin"]).args(args).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_push_with_a_secret_is_refused_and_another_is_accepted() {
    let (repo, bare) = world();
    repo.write("a.txt", "fine\n");
    repo.commit("fine");
    let (accepted, said) = push(&repo, &["main"]);
    assert!(accepted && said.contains("Saw 1 commit"), "a new branch: {said}");
    repo.write("a.txt", format!("fine\ntoken {}\n", github(400)));
    let leak = repo.commit("leak");
    let (accepted, said) = push(&repo, &["main"]);
    assert!(!accepted && said.contains("a.txt:2") && said.contains(&leak[..10]), "{said}");
    assert!(!said.contains(&github(400)), "{said}");
    let (accepted, said) = push(&repo, &["main:refs/heads/other"]);
    assert!(!accepted && said.contains("Saw 1 commit,"), "of a new branch only what is new: {said}");
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.write("b.txt", "fine too\n");
    repo.commit("fine too");
    assert!(push(&repo, &["main", "main:refs/heads/other"]).0);
    assert!(push(&repo, &["--delete", "other"]).0, "a branch can be deleted");
    assert!(!bare.join("objects").join(&leak[..2]).join(&leak[2..]).exists(), "nothing of it was kept");
}

#[test]
fn a_push_of_a_pack_is_read_too_and_is_judged_by_the_configuration_that_was_there() {
    let (repo, bare) = world();
    git(&bare, 0).args(["config", "receive.unpackLimit", "1"]).status().unwrap();
    repo.write(".unleak.yaml", "allow: {paths: ['fixtures/**']}\n");
    repo.commit("configured");
    assert!(push(&repo, &["main"]).0);
    repo.write("fixtures/a.txt", format!("token {}\n", github(410)));
    repo.commit("allowed");
    let (accepted, said) = push(&repo, &["main"]);
    assert!(accepted && said.contains("1 secret in allowed paths"), "{said}");
    repo.write(".unleak.yaml", "allow: {paths: ['**']}\n");
    repo.write("b.txt", format!("token {}\n", github(411)));
    repo.commit("allows itself");
    let (accepted, said) = push(&repo, &["main"]);
    assert!(!accepted && said.contains("b.txt:1"), "{said}");
    repo.git(&["checkout", "-q", "-b", "new"]);
    let (accepted, said) = push(&repo, &["new"]);
    assert!(!accepted && said.contains("b.txt:1"), "{said}");
}

#[test]
fn a_new_branch_in_a_clone_that_has_it_is_not_clean_without_a_look() {
    let repo = Repo::new();
    repo.write("a.txt", "fine\n");
    repo.commit("base");
    repo.git(&["checkout", "-q", "-b", "topic"]);
    repo.write("b.txt", format!("token {}\n", github(420)));
    repo.commit("leak");
    let ran = repo.scan(&["--format", "json", "--range", &format!("{}..HEAD", "0".repeat(40))]);
    assert_eq!(ran.places(), ["history b.txt:1"], "{}", ran.err);
    assert_eq!(ran.json()["coverage"]["commits"], 1);
}
