//! `unleak scan` over every kind of source: what it must find there, how it tells where that stands, and what it must
//! not pass over in silence.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

use crate::repo::{Ran, Repo, git, unleak};
use crate::tokens::{github, hex128};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

const JSON: [&str; 2] = ["--format", "json"];

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&JSON, args].concat())
}

#[test]
fn a_deleted_secret_is_found_with_the_commit_that_brought_it() {
    let repo = Repo::new();
    repo.write("README.md", "# app\n");
    repo.commit("start");
    repo.write("docs/report.md", format!("# Rotation\n\nSESSION_SECRET={}\n", hex128(1)));
    let leak = repo.commit("write the report");
    repo.remove("docs/report.md");
    repo.commit("remove it again");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let places = ran.occurrences();
    assert_eq!(ran.places(), ["history docs/report.md:3"]);
    assert_eq!(places[0]["commit"], leak.as_str());
    assert_eq!(places[0]["author"], "Ada Author <ada@example.org>");
    assert_eq!(places[0]["date"], "2023-11-14T22:13:20Z");
    assert_eq!(places[0]["column"], 16);
    assert_eq!(places[0]["at_head"], false);
    assert!(!ran.out.contains(&hex128(1)) && !ran.err.contains(&hex128(1)), "the value is not shown");
}

/// As git says of it: `git rev-parse --is-bare-repository`.
#[test]
fn a_bare_repository_without_a_configuration_is_no_working_tree() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(1)));
    repo.commit("one");
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    std::fs::remove_file(bare.join("config")).unwrap();
    std::fs::write(bare.join("stray.txt"), format!("token {}\n", github(2))).unwrap();
    let ran = scan(&repo, &[bare.to_str().unwrap()]);
    assert_eq!(ran.places(), ["history a.txt:1", "repository stray.txt:1"], "{}", ran.err);
}

#[test]
fn every_hiding_place_says_what_it_is() {
    let repo = Repo::new();
    repo.write("plain.txt", format!("token {}\n", github(1)));
    repo.commit("one");
    // Came in by the merge itself.
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("side.txt", "side\n");
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("main.txt", "main\n");
    repo.commit("main");
    repo.git(&["merge", "-q", "--no-commit", "side"]);
    repo.write("merged.txt", format!("token {}\n", github(2)));
    repo.commit("merge");
    // Amended away.
    repo.write("amended.txt", format!("token {}\n", github(3)));
    repo.commit("oops");
    repo.write("amended.txt", "nothing\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--amend", "-m", "fine"]);
    // Stashed.
    repo.write("plain.txt", format!("token {}\n", github(4)));
    repo.git(&["stash", "-q"]);
    // In a message, a tag, a note; under a reference that is no branch.
    repo.commit(&format!("message\n\nwith {}", github(5)));
    repo.git(&["tag", "-a", "v1", "-m", &format!("tag {}", github(6))]);
    repo.git(&["notes", "add", "-m", &format!("note {}", github(7))]);
    repo.git(&["checkout", "-q", "-b", "pull"]);
    repo.write("pull.txt", format!("token {}\n", github(8)));
    repo.commit("pull");
    repo.git(&["update-ref", "refs/pull/1/head", "HEAD"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "pull"]);
    // Never committed: in the index, on disk, and in an object that nothing names.
    repo.write("staged.txt", format!("token {}\n", github(9)));
    repo.git(&["add", "staged.txt"]);
    repo.write("untracked.txt", format!("token {}\n", github(10)));
    repo.write("dropped.txt", format!("token {}\n", github(11)));
    repo.git(&["hash-object", "-w", "dropped.txt"]);
    repo.remove("dropped.txt");
    let expected: BTreeSet<String> = [
        "history plain.txt:1",
        "merge merged.txt:1",
        "unreachable amended.txt:1",
        "stash plain.txt:1",
        "message -:3",
        "tag -:1",
        "history pull.txt:1",
        "index staged.txt:1",
        "worktree untracked.txt:1",
        "unreachable -:1",
    ]
    .map(str::to_owned)
    .into();
    let places = |ran: &Ran| -> BTreeSet<String> {
        // A note's path is the name of the commit that it is about.
        let (notes, rest): (Vec<_>, Vec<_>) =
            ran.places().into_iter().partition(|place| place.starts_with("note "));
        assert_eq!(notes.len(), 1, "{notes:?}");
        rest.into_iter().collect()
    };
    let loose = scan(&repo, &[]);
    assert_eq!(places(&loose), expected, "{}", loose.err);
    repo.git(&["repack", "-q", "-a", "-d", "-k"]);
    assert_eq!(places(&scan(&repo, &[])), expected, "packed");
    repo.git(&["multi-pack-index", "write"]);
    assert_eq!(places(&scan(&repo, &[])), expected, "with a multi-pack index");
}

#[test]
fn one_secret_is_one_finding_and_says_where_it_came_in() {
    let repo = Repo::new();
    let token = github(20);
    for version in 0..5 {
        repo.write("a.txt", format!("{}token {token}\n", "line\n".repeat(version)));
        repo.commit("a");
    }
    repo.write("b.txt", format!("token {token}\n"));
    repo.commit("b");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.json()["findings"].as_array().unwrap().len(), 1);
    assert_eq!(ran.places(), ["history a.txt:1", "history b.txt:1"]);
    assert_eq!(ran.occurrences()[0]["versions"], 5);
    assert_eq!(ran.occurrences()[0]["at_head"], true);
}

#[test]
fn a_staged_scan_sees_added_lines_only() {
    let repo = Repo::new();
    repo.write("old.txt", format!("token {}\n", github(30)));
    repo.commit("old leak");
    repo.write("old.txt", format!("token {}\nmore\n", github(30)));
    repo.git(&["add", "-A"]);
    let clean = scan(&repo, &["--staged"]);
    assert_eq!(clean.code, 0, "{} {}", clean.out, clean.err);
    repo.write("old.txt", format!("token {}\nmore\nanother {}\n", github(30), github(31)));
    repo.git(&["add", "-A"]);
    repo.write("new.txt", format!("not staged {}\n", github(32)));
    assert_eq!(scan(&repo, &["--staged"]).places(), ["index old.txt:3"]);
}

#[test]
fn the_first_commit_can_be_checked_before_it_exists() {
    let repo = Repo::new();
    repo.write("first.txt", format!("token {}\n", github(33)));
    repo.git(&["add", "-A"]);
    let ran = scan(&repo, &["--staged"]);
    assert_eq!((ran.code, ran.places()), (1, vec!["index first.txt:1".to_owned()]), "{}", ran.err);
}

#[test]
fn a_range_answers_for_its_own_lines_and_for_merges() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(40)));
    let base = repo.commit("base");
    repo.write("a.txt", format!("token {}\nfine\n", github(40)));
    repo.commit("harmless");
    let range = format!("{base}..HEAD");
    assert_eq!(scan(&repo, &["--range", &range]).code, 0);
    repo.git(&["checkout", "-q", "-b", "side", &base]);
    repo.write("side.txt", format!("token {}\n", github(41)));
    let side = repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-commit", "side"]);
    repo.write("evil.txt", format!("token {}\n", github(42)));
    repo.commit(&format!("merge {}", github(43)));
    let ran = scan(&repo, &["--range", &range]);
    let places: BTreeSet<String> = ran.places().into_iter().collect();
    assert_eq!(places, ["history side.txt:1", "merge evil.txt:1", "message -:1"].map(str::to_owned).into());
    let commits: Vec<_> = ran.occurrences().iter().map(|place| place["commit"].clone()).collect();
    assert!(commits.contains(&side.as_str().into()));
    let missing = scan(&repo, &["--range", "nowhere..HEAD"]);
    assert!(missing.code == 2 && missing.err.contains("`nowhere` is no commit"), "{}", missing.err);
    assert_eq!(scan(&repo, &["--range", "main"]).code, 2);
    assert_eq!(scan(&repo, &["--range", ".."]).code, 2, "unset variables of a CI job");
}

#[test]
fn folders_files_and_streams_need_no_repository() {
    let repo = Repo::new();
    let folder = repo.beside("plain");
    std::fs::create_dir_all(folder.join("deep/.hidden")).unwrap();
    std::fs::write(folder.join("deep/.hidden/file"), format!("token {}\r\n", github(50))).unwrap();
    let folder = folder.to_str().unwrap();
    assert_eq!(scan(&repo, &["--no-git", folder]).places(), ["worktree deep/.hidden/file:1"]);
    let refused = scan(&repo, &[folder]);
    assert!(refused.code == 2 && refused.err.contains("--no-git"), "{}", refused.err);
    let nothing = scan(&repo, &["--no-git", "/no/such/folder"]);
    assert!(nothing.code == 2 && nothing.err.contains("/no/such/folder"), "{}", nothing.err);
    let mut command = unleak(repo.path(), repo.path());
    command
        .args(["scan", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    write!(child.stdin.take().unwrap(), "one\ntwo {}\n", github(51)).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.places()), (1, vec!["stdin -:2".to_owned()]));
}

#[test]
fn a_bare_repository_is_read_as_any_other() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(60)));
    repo.commit("a");
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let ran = scan(&repo, &[bare.to_str().unwrap()]);
    assert_eq!((ran.code, ran.places()), (1, vec!["history a.txt:1".to_owned()]), "{}", ran.err);
    let staged = scan(&repo, &["--staged", bare.to_str().unwrap()]);
    assert!(staged.code == 2 && staged.err.contains("bare"), "{}", staged.err);
}

#[test]
fn markers_allow_their_own_line_and_no_other() {
    let repo = Repo::new();
    let line = |number: u64, rest: &str| format!("token {}{rest}\n", github(number));
    let text = [
        line(70, ""),
        line(71, " # unleak:allow"),
        line(72, ""),
        line(73, " // gitleaks:allow"),
        line(74, ""),
    ];
    repo.write("a.txt", text.concat());
    repo.commit("a");
    assert_eq!(scan(&repo, &[]).places(), ["history a.txt:1", "history a.txt:3", "history a.txt:5"]);
}

#[test]
fn an_empty_repository_is_clean_and_says_that_it_is_empty() {
    let repo = Repo::new();
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["coverage"]["objects"], 0);
}

#[test]
fn what_is_no_repository_is_never_clean() {
    let world = tempfile::TempDir::new().unwrap();
    let ran = Ran::of(unleak(world.path(), world.path()).arg("scan"));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is not in a git repository") && ran.err.contains("--no-git"), "{}", ran.err);
}

#[test]
fn a_shallow_clone_is_never_clean() {
    let repo = Repo::new();
    repo.write("a.txt", "fine\n");
    repo.commit("a");
    repo.write("a.txt", "also fine\n");
    repo.commit("b");
    let shallow = repo.beside("shallow");
    let url = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let ran = scan(&repo, &[shallow.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("shallow"), "{}", ran.out);
}

#[test]
fn a_missing_object_is_named_and_never_clean() {
    let repo = Repo::new();
    repo.write("folder/a.txt", "some text\n");
    repo.commit("a");
    let blob = repo.git(&["rev-parse", "HEAD:folder/a.txt"]);
    let file = repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(file).unwrap();
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains(&blob), "{}", ran.out);
}

#[test]
fn missing_parents_and_dangling_references_are_named_and_never_clean() {
    let repo = Repo::new();
    let parent = repo.commit("parent");
    repo.commit("child");
    let object = |id: &str| repo.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
    std::fs::remove_file(object(&parent)).unwrap();
    let ran = scan(&repo, &[]);
    assert!(ran.code == 3 && ran.out.contains(&parent), "{} {}", ran.out, ran.err);
    let repo = Repo::new();
    repo.commit("one");
    let nowhere = "1".repeat(40);
    repo.write(".git/refs/heads/gone", format!("{nowhere}\n"));
    let ran = scan(&repo, &[]);
    assert!(ran.code == 3 && ran.out.contains("refs/heads/gone"), "{} {}", ran.out, ran.err);
}

#[test]
fn a_damaged_object_is_named_and_the_rest_is_scanned() {
    for packed in [false, true] {
        let repo = Repo::new();
        repo.write("a.txt", format!("token {}\n", github(80)));
        repo.write("z.txt", "some text that is going to be damaged\n");
        repo.commit("a");
        let blob = repo.git(&["rev-parse", "HEAD:z.txt"]);
        let file = if packed {
            repo.git(&["repack", "-q", "-a", "-d"]);
            let pack = std::fs::read_dir(repo.path().join(".git/objects/pack")).unwrap();
            pack.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "pack").unwrap()
        } else {
            repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])
        };
        let mut bytes = std::fs::read(&file).unwrap();
        let at = if packed { damaged_entry(&repo, &blob) } else { bytes.len() / 2 };
        bytes[at] ^= 0x55;
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let ran = scan(&repo, &[]);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.out.contains(&blob), "packed {packed}: {}", ran.out);
        assert!(ran.out.contains("history") && ran.out.contains("a.txt"), "{}", ran.out);
    }
}

/// An offset inside the compressed data of an object of the one pack.
fn damaged_entry(repo: &Repo, blob: &str) -> usize {
    let index = std::fs::read_dir(repo.path().join(".git/objects/pack")).unwrap();
    let index =
        index.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "idx").unwrap();
    let listed = repo.git(&["verify-pack", "-v", index.to_str().unwrap()]);
    let line = listed.lines().find(|line| line.starts_with(blob)).unwrap();
    line.split_whitespace().nth(4).unwrap().parse::<usize>().unwrap() + 12
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named_and_never_clean() {
    let repo = Repo::new();
    let folder = repo.beside("plain");
    std::fs::create_dir(&folder).unwrap();
    // A socket cannot be read by anybody, root included.
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    let ran = scan(&repo, &["--no-git", folder.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("socket"), "{}", ran.out);
}

#[test]
fn a_large_file_is_read_in_windows_wherever_it_is() {
    let repo = Repo::new();
    let mut text = "a line of filler text that means nothing at all\n".repeat(600_000);
    let half = text.len() / 2;
    text.insert_str(text[..half].rfind('\n').unwrap() + 1, &format!("token {}\n", github(90)));
    text = format!("{text}token {}\n", github(91));
    repo.write("large.txt", &text);
    let line = text[..half].matches('\n').count() + 1;
    let expected = [format!("history large.txt:{line}"), "history large.txt:600002".to_owned()];
    repo.commit("large");
    let ran = scan(&repo, &[]);
    let mut places = ran.places();
    places.sort_unstable();
    assert_eq!(places, expected, "{}", ran.err);
    repo.git(&["repack", "-q", "-a", "-d"]);
    let mut places = scan(&repo, &[]).places();
    places.sort_unstable();
    assert_eq!(places, expected, "packed");
    let mut places = scan(&repo, &["--no-git", "large.txt"]).places();
    places.sort_unstable();
    assert_eq!(places, expected.map(|place| place.replace("history", "worktree")), "as a file");
}

#[test]
fn a_wrong_configuration_is_an_error_and_not_a_clean_scan() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(100)));
    repo.commit("a");
    for (config, said) in [
        ("disabel: [x]\n", "disabel"),
        ("disable: [no-such-rule]\n", "no-such-rule"),
        ("allow: {paths: ['[']}\n", "allow.paths"),
        ("rules: [missing.yaml]\n", "missing.yaml"),
        ("allow: [\n", ".unleak.yaml:"),
    ] {
        repo.write(".unleak.yaml", config);
        let ran = scan(&repo, &[]);
        assert_eq!(ran.code, 2, "{config}: {}", ran.err);
        assert!(ran.err.contains(said) && ran.err.contains("hint"), "{config}: {}", ran.err);
    }
    repo.write("secret.env", format!("SESSION_SECRET={}\n", hex128(9)));
    #[cfg(unix)]
    {
        repo.remove(".unleak.yaml");
        std::os::unix::fs::symlink("secret.env", repo.path().join(".unleak.yaml")).unwrap();
        let ran = scan(&repo, &[]);
        assert!(ran.code == 2 && !ran.err.contains(&hex128(9)), "{}", ran.err);
        repo.remove("secret.env");
        repo.remove(".unleak.yaml");
    }
    repo.write(".unleak.yaml", "allow: {paths: ['a.txt']}\n");
    assert_eq!(scan(&repo, &[]).code, 0);
    repo.remove(".unleak.yaml");
    let nothing = scan(&repo, &["--rule", "no-such-rule"]);
    assert!(nothing.code == 2 && nothing.err.contains("no-such-rule"), "{}", nothing.err);
}

#[test]
fn a_report_goes_to_a_file_whole() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(110)));
    repo.commit("a");
    let file = repo.beside("report.json");
    let ran = scan(&repo, &["--output", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], "unleak.findings/v1");
    let nowhere = scan(&repo, &["--output", "/no/such/folder/report.json"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.err);
}

#[test]
fn objects_of_alternates_are_seen() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(120)));
    repo.commit("a");
    let borrower = repo.beside("borrower");
    repo.git(&["clone", "-q", "--shared", ".", borrower.to_str().unwrap()]);
    assert_eq!(scan(&repo, &[borrower.to_str().unwrap()]).places(), ["history a.txt:1"]);
}

#[test]
fn a_submodule_that_is_not_here_is_said_to_be_unseen() {
    let inner = Repo::new();
    inner.write("a.txt", "fine\n");
    inner.commit("a");
    let repo = Repo::new();
    repo.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "inner"]);
    repo.commit("add a submodule");
    let clone = repo.beside("clone");
    repo.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let ran = scan(&repo, &[clone.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("submodule inner"), "{}", ran.out);
}

#[test]
fn a_linked_worktree_is_the_same_repository() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(130)));
    repo.commit("a");
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "-b", "other", linked.to_str().unwrap()]);
    std::fs::write(linked.join("new.txt"), format!("token {}\n", github(131))).unwrap();
    assert!(git(&linked, 0).args(["add", "-A"]).status().unwrap().success());
    let ran = scan(&repo, &[linked.to_str().unwrap(), "--staged"]);
    assert_eq!(ran.places(), ["index new.txt:1"], "{}", ran.err);
    let mut all = scan(&repo, &[linked.to_str().unwrap()]).places();
    all.sort_unstable();
    assert_eq!(all, ["history a.txt:1", "index new.txt:1"]);
}
