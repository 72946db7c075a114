//! Every place in which a repository can hold a secret, each with its own token: found with the right kind of place, path,
//! line and commit, whether the objects are loose or packed.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

use crate::repo::{Ran, Repo, git};
use crate::tokens::github;
use std::collections::BTreeMap;

const JSON: [&str; 4] = ["--format", "json", "--show-secrets", "--no-config"];

/// One hiding place: its token's number, and where it must be found.
struct Expected(u64, &'static str, &'static str, Option<String>, u64);

/// `where`, path, commit and line.
type Told = (String, String, Option<String>, u64);

/// For each token the places that a scan tells.
fn told(ran: &Ran) -> BTreeMap<String, Vec<Told>> {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let place = |place: &serde_json::Value| {
        let commit = place["commit"].as_str().map(ToOwned::to_owned);
        (text(&place["where"]), text(&place["path"]), commit, place["line"].as_u64().unwrap())
    };
    let places =
        |finding: &serde_json::Value| finding["occurrences"].as_array().unwrap().iter().map(place).collect();
    findings.map(|finding| (text(&finding["secret"]["value"]), places(finding))).collect()
}

/// git shows the value in the blob that is named, on the line that is told. What nothing leads to has no other name.
fn check_blobs(repo: &Repo, ran: &Ran) {
    let report = ran.json();
    for finding in report["findings"].as_array().unwrap() {
        let value = finding["secret"]["value"].as_str().unwrap();
        for place in finding["occurrences"].as_array().unwrap() {
            let Some(blob) = place["blob"].as_str() else {
                assert_ne!(place["where"], "unreachable", "{place}");
                continue;
            };
            let text = repo.git(&["cat-file", "-p", blob]);
            let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
            assert!(text.split('\n').nth(line - 1).is_some_and(|line| line.contains(value)), "{place}");
        }
    }
}

fn check(ran: &Ran, expected: &[Expected]) {
    let told = told(ran);
    for Expected(number, place, path, commit, line) in expected {
        let places = told
            .get(&github(*number))
            .unwrap_or_else(|| panic!("{number} ({place} {path}) is not found: {}", ran.err));
        let wanted = ((*place).to_owned(), (*path).replace("TOKEN", &github(*number)), commit.clone(), *line);
        assert_eq!(places, &[wanted], "token {number}");
    }
    assert_eq!(told.len(), expected.len(), "{:?}", told.values());
}

fn line(number: u64) -> String {
    format!("first line\ntoken {}\n", github(number))
}

/// History that branches, merges and rewrites itself.
fn in_history(repo: &Repo, expected: &mut Vec<Expected>) {
    let mut expect = |number, place, path, commit: &str, line| {
        expected.push(Expected(number, place, path, Some(commit.to_owned()), line));
    };
    repo.write("start.txt", "start\n");
    repo.commit("start");
    repo.write("plain.txt", line(1));
    repo.write("deleted.txt", line(2));
    let commit = repo.commit("plain");
    expect(1, "history", "plain.txt", &commit, 2);
    expect(2, "history", "deleted.txt", &commit, 2);
    repo.remove("deleted.txt");
    repo.write("old.txt", "a line of a file that is going to be renamed\n".repeat(20));
    repo.commit("delete");
    repo.git(&["mv", "old.txt", "renamed.txt"]);
    repo.write(
        "renamed.txt",
        format!("{}{}", "a line of a file that is going to be renamed\n".repeat(20), line(3)),
    );
    expect(3, "history", "renamed.txt", &repo.commit("rename and edit"), 22);
    repo.write("binary.dat", [b"\0\x01\x02\n\0\xff ".as_slice(), github(4).as_bytes(), b"\0\0"].concat());
    expect(4, "history", "binary.dat", &repo.commit("binary"), 2);
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("side.txt", "side\n");
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("main.txt", "main\n");
    repo.commit("main");
    repo.git(&["merge", "-q", "--no-commit", "side"]);
    repo.write("merged.txt", line(5));
    expect(5, "merge", "merged.txt", &repo.commit("merge"), 2);
    repo.write("amended.txt", line(6));
    let amended = repo.commit("oops");
    expect(6, "unreachable", "amended.txt", &amended, 2);
    repo.write("amended.txt", "nothing\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--amend", "-m", "fine"]);
    repo.write("reset.txt", line(7));
    expect(7, "unreachable", "reset.txt", &repo.commit("kept by the reflog alone"), 2);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    for (number, reference) in [(8, "refs/pull/7/head"), (9, "refs/changes/34/1234/1")] {
        repo.git(&["checkout", "-q", "--detach"]);
        let path = if number == 8 { "pull.txt" } else { "change.txt" };
        repo.write(path, line(number));
        expect(number, "history", path, &repo.commit("under another reference"), 2);
        repo.git(&["update-ref", reference, "HEAD"]);
        repo.git(&["checkout", "-q", "main"]);
    }
}

/// Stashes, and objects that nothing names.
fn beside_history(repo: &Repo, expected: &mut Vec<Expected>) {
    repo.write("plain.txt", format!("{}more {}\n", line(1), github(10)));
    repo.git(&["stash", "-q"]);
    let stash = |name| Some(repo.git(&["rev-parse", name]));
    expected.push(Expected(10, "stash", "plain.txt", stash("stash@{0}"), 3));
    repo.write("new.txt", line(11));
    repo.git(&["stash", "-q", "-u"]);
    expected.push(Expected(11, "stash", "new.txt", stash("stash@{0}^3"), 2));
    repo.write("dropped.txt", line(12));
    repo.git(&["add", "dropped.txt"]);
    repo.git(&["rm", "-q", "-f", "dropped.txt"]);
    expected.push(Expected(12, "unreachable", "-", None, 2));
}

/// Text that is in no file.
fn in_texts(repo: &Repo, expected: &mut Vec<Expected>) {
    let message = repo.commit(&format!("message {}", github(13)));
    expected.push(Expected(13, "message", "-", Some(message.clone()), 1));
    repo.git(&["tag", "-a", "v1", "-m", &format!("tag\n\nwith {}", github(14))]);
    expected.push(Expected(14, "tag", "-", Some(repo.git(&["rev-parse", "v1"])), 3));
    repo.git(&["notes", "add", "-m", &format!("note {}", github(15)), "HEAD"]);
    let note = repo.git(&["rev-parse", "refs/notes/commits"]);
    expected.push(Expected(15, "note", Box::leak(message.into_boxed_str()), Some(note), 1));
    repo.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "name",
        "--author",
        &format!("{} <a@example.org>", github(16)),
    ]);
    let author = repo.git(&["rev-parse", "HEAD"]);
    expected.push(Expected(16, "message", "-", Some(author), 3));
    let mut command = git(repo.path(), 1_700_000_000);
    command.args(["commit", "-q", "--allow-empty", "-m", "mail"]).env("GIT_COMMITTER_EMAIL", github(17));
    assert!(command.status().unwrap().success());
    expected.push(Expected(17, "message", "-", Some(repo.git(&["rev-parse", "HEAD"])), 4));
}

/// Names.
fn in_names(repo: &Repo, expected: &mut Vec<Expected>) {
    repo.write(&format!("names/key-{}.txt", github(18)), "a name\n");
    repo.write(&format!("names/{}/empty.txt", github(19)), "a folder\n");
    let commit = repo.commit("names");
    expected.push(Expected(18, "history", "names/key-TOKEN.txt", Some(commit.clone()), 1));
    expected.push(Expected(19, "history", "names/TOKEN", Some(commit.clone()), 1));
    repo.write(&format!("names/{}/empty.txt", github(19)), "changed\n");
    let changed = repo.commit("a change below a name is no new name");
    repo.git(&["update-ref", &format!("refs/heads/fix/{}", github(20)), &changed]);
    expected.push(Expected(20, "ref", "-", Some(changed.clone()), 1));
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["tag", &github(21)]);
    expected.push(Expected(21, "ref", "-", Some(changed.clone()), 1));
    repo.git(&["update-ref", &format!("refs/remotes/origin/{}", github(22)), &changed]);
    expected.push(Expected(22, "ref", "-", Some(changed), 1));
    repo.git(&["rm", "-q", "-r", "names"]);
    repo.commit("no names");
}

/// What git keeps for itself, and what is not committed.
fn around(repo: &Repo, expected: &mut Vec<Expected>) {
    let url = format!("https://user:{}@example.org/app.git", github(23));
    repo.git(&["remote", "add", "upstream", &url]);
    let config = std::fs::read_to_string(repo.path().join(".git/config")).unwrap();
    let line = config.lines().position(|line| line.contains(&url)).unwrap() + 1;
    expected.push(Expected(23, "repository", ".git/config", None, line as u64));
    repo.write(".git/hooks/pre-push", format!("#!/bin/sh\ncurl -H {}\n", github(24)));
    expected.push(Expected(24, "repository", ".git/hooks/pre-push", None, 2));
    repo.write("staged.txt", format!("token {}\n", github(25)));
    repo.write(&format!("staged-{}.txt", github(26)), "a name\n");
    repo.git(&["add", "-A"]);
    expected.push(Expected(25, "index", "staged.txt", None, 1));
    expected.push(Expected(26, "index", "staged-TOKEN.txt", None, 1));
    repo.write("untracked.txt", format!("token {}\n", github(27)));
    repo.write(&format!("untracked-{}.txt", github(28)), "a name\n");
    expected.push(Expected(27, "worktree", "untracked.txt", None, 1));
    expected.push(Expected(28, "worktree", "untracked-TOKEN.txt", None, 1));
}

#[test]
fn every_place_is_seen_and_told_exactly() {
    for format in ["sha1", "sha256"] {
        let (repo, mut expected) = (Repo::of_format(format), Vec::new());
        in_history(&repo, &mut expected);
        beside_history(&repo, &mut expected);
        in_texts(&repo, &mut expected);
        in_names(&repo, &mut expected);
        around(&repo, &mut expected);
        let ran = repo.scan(&JSON);
        check(&ran, &expected);
        check_blobs(&repo, &ran);
        repo.git(&["repack", "-q", "-a", "-d", "-k"]);
        repo.git(&["pack-refs", "--all"]);
        let ran = repo.scan(&JSON);
        check(&ran, &expected);
        check_blobs(&repo, &ran);
    }
}

#[test]
fn a_log_is_told_of_only_if_it_is_all_that_is_left() {
    let repo = Repo::new();
    repo.commit("start");
    repo.commit(&format!("message {}", github(40)));
    assert_eq!(repo.scan(&JSON).places(), ["message -:1"]);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.write(".git/COMMIT_EDITMSG", "another\n");
    let objects = repo.path().join(".git/objects");
    repo.git(&["-c", "gc.reflogExpireUnreachable=never", "prune", "--expire=now"]);
    assert_eq!(repo.scan(&JSON).places(), ["message -:1"], "the log keeps it");
    repo.git(&["reflog", "delete", "--rewrite", "HEAD@{0}"]);
    let id = repo.git(&["rev-parse", "main@{1}"]);
    std::fs::remove_file(objects.join(&id[..2]).join(&id[2..])).unwrap();
    let left = repo.scan(&JSON);
    assert!(
        left.places().iter().all(|place| place.starts_with("repository .git/logs/")),
        "{:?}",
        left.places()
    );
    assert!(!left.places().is_empty());
}

#[test]
fn names_are_looked_at_in_what_a_commit_adds_and_in_folders() {
    let repo = Repo::new();
    repo.write(&format!("old-{}/a.txt", github(41)), "a\n");
    let base = repo.commit("base");
    let (new, folder) = (format!("new-{}.txt", github(42)), format!("old-{}", github(41)));
    repo.write(&new, "a\n");
    repo.git(&["add", "-A"]);
    assert_eq!(repo.scan(&[&JSON[..], &["--staged"]].concat()).places(), [format!("index {new}:1")]);
    let commit = repo.commit("new");
    let ran = repo.scan(&[&JSON[..], &["--range", &format!("{base}..HEAD")]].concat());
    assert_eq!(
        (ran.places(), ran.occurrences()[0]["commit"].as_str()),
        (vec![format!("history {new}:1")], Some(&*commit))
    );
    let mut places = repo.scan(&[&JSON[..], &["--no-git", "."]].concat()).places();
    places.sort();
    assert_eq!(places, [format!("worktree {new}:1"), format!("worktree {folder}/a.txt:1")]);
}

#[test]
fn a_linked_working_tree_has_a_head_and_an_index_of_its_own() {
    let repo = Repo::new();
    repo.write("a.txt", "a\n");
    repo.commit("a");
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    let there = |args: &[&str]| {
        let output = git(&linked, 1_700_000_000).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::write(linked.join("committed.txt"), line(43)).unwrap();
    there(&["add", "-A"]);
    there(&["commit", "-q", "-m", "there"]);
    let commit = there(&["rev-parse", "HEAD"]);
    std::fs::write(linked.join("staged.txt"), line(44)).unwrap();
    there(&["add", "-A"]);
    let expected = [
        Expected(43, "history", "committed.txt", Some(commit), 2),
        Expected(44, "index", "staged.txt", None, 2),
    ];
    check(&repo.scan(&JSON), &expected);
}

#[test]
fn repositories_inside_the_repository_are_scanned_under_their_path() {
    let inner = Repo::new();
    inner.write("keep.txt", "keep\n");
    inner.write("a.txt", line(50));
    let leak = inner.commit("a leak");
    inner.remove("a.txt");
    let message = inner.commit(&format!("message {}", github(51)));
    let repo = Repo::new();
    repo.git(&[
        "submodule",
        "--quiet",
        "add",
        "--name",
        "the/name",
        inner.path().to_str().unwrap(),
        "libs/inner",
    ]);
    repo.commit("add a submodule");
    repo.write("libs/inner/new.txt", line(52));
    repo.git(&["clone", "-q", inner.path().to_str().unwrap(), "clone"]);
    let of = |number: u64, path: &'static str, commit: Option<&String>, line: u64| {
        Expected(number, "submodule", path, commit.cloned(), line)
    };
    let ran = repo.scan(&JSON);
    let told = told(&ran);
    for (number, count) in [(50, 2), (51, 2), (52, 1)] {
        assert_eq!(told[&github(number)].len(), count, "{number} {told:?}");
    }
    assert!(ran.json()["coverage"]["complete"].as_bool().unwrap(), "{}", ran.out);
    std::fs::remove_dir_all(repo.path().join("clone")).unwrap();
    let expected = [
        of(50, "libs/inner/a.txt", Some(&leak), 2),
        of(51, "libs/inner", Some(&message), 1),
        of(52, "libs/inner/new.txt", None, 2),
    ];
    check(&repo.scan(&JSON), &expected);
    repo.git(&["submodule", "--quiet", "deinit", "-f", "libs/inner"]);
    check(&repo.scan(&JSON), &expected[..2]);
    repo.git(&["rm", "-q", "-f", "libs/inner"]);
    repo.commit("no submodule any more");
    let gone = repo.scan(&JSON);
    assert!(gone.places().contains(&"submodule the/name/a.txt:2".to_owned()), "{:?}", gone.places());
}

#[test]
fn a_pack_or_a_bundle_can_be_all_that_is_left() {
    for format in ["sha1", "sha256"] {
        let repo = Repo::of_format(format);
        let filler = "a line of text that is the same in both\n".repeat(40);
        repo.write("a.txt", format!("{filler}{}", line(60)));
        let first = repo.commit("first");
        repo.write("a.txt", format!("{filler}gone\n"));
        repo.write("b.txt", line(61));
        let second = repo.commit("second");
        repo.git(&["tag", "-a", "v1", "-m", "one"]);
        repo.git(&["branch", &github(62)]);
        repo.git(&["repack", "-q", "-a", "-d", "-f"]);
        let expected = [
            Expected(60, "history", "a.txt", Some(first.clone()), 42),
            Expected(61, "history", "b.txt", Some(second.clone()), 2),
            Expected(62, "ref", "-", Some(second.clone()), 1),
        ];
        let bundle = repo.beside("all.bundle");
        let bundle = bundle.to_str().unwrap();
        repo.git(&["bundle", "create", "-q", bundle, "--all"]);
        let ran = repo.scan(&[&JSON[..], &[bundle]].concat());
        check(&ran, &expected);
        assert!(ran.json()["coverage"]["complete"].as_bool().unwrap(), "{}", ran.out);
        repo.git(&["bundle", "create", "-q", bundle, "HEAD~1..main"]);
        let thin = repo.scan(&[&JSON[..], &[bundle]].concat());
        check(&thin, &expected[1..2]);
        assert!(thin.json()["coverage"]["skipped"].to_string().contains(&first), "{}", thin.out);

        let folder = repo.path().join(".git/objects/pack");
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        let pack = files.into_iter().find(|file| file.extension().is_some_and(|end| end == "pack")).unwrap();
        let with_index = repo.scan(&[&JSON[..], &[pack.to_str().unwrap()]].concat());
        check(&with_index, &expected[..2]);
        let alone = repo.beside("alone.pack");
        std::fs::copy(&pack, &alone).unwrap();
        let ran = repo.scan(&[&JSON[..], &[alone.to_str().unwrap()]].concat());
        check(&ran, &expected[..2]);
        assert!(ran.json()["coverage"]["complete"].as_bool().unwrap(), "{}", ran.out);
        let mut bytes = std::fs::read(&pack).unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&alone, bytes).unwrap();
        let torn = repo.scan(&[&JSON[..], &[alone.to_str().unwrap()]].concat());
        assert!(torn.code == 2 && torn.err.contains("alone.pack"), "{}", torn.err);
    }
}

#[test]
fn a_pack_whose_index_is_missing_is_read() {
    let repo = Repo::new();
    repo.write("a.txt", line(63));
    let commit = repo.commit("a");
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.git(&["multi-pack-index", "write"]);
    for file in std::fs::read_dir(repo.path().join(".git/objects/pack")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|end| end == "idx" || end == "rev") {
            std::fs::remove_file(file).unwrap();
        }
    }
    let ran = repo.scan(&JSON);
    check(&ran, &[Expected(63, "history", "a.txt", Some(commit), 2)]);
    assert!(ran.json()["coverage"]["complete"].as_bool().unwrap(), "{}", ran.out);
}
