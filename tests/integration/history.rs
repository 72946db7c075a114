//! Attribution against git itself: random histories, packed in any way that git packs.

use crate::repo::Repo;
use crate::tokens::github;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a step of a random history does to one of three files.
#[derive(Clone, Debug)]
enum Step {
    Leak(usize, u64),
    Text(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Branch,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3usize, 0..6u64).prop_map(|(file, token)| Step::Leak(file, token)),
        3 => (0..3usize, 0..4u8).prop_map(|(file, text)| Step::Text(file, text)),
        1 => (0..3usize).prop_map(Step::Remove),
        1 => (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => Just(Step::Branch),
    ];
    proptest::collection::vec(step, 1..12)
}

fn replay(repo: &Repo, steps: &[Step]) {
    let name = |file: &usize| format!("folder{}/file{file}.txt", file % 2);
    repo.write("keep.txt", "keep\n");
    repo.commit("start");
    for (number, step) in steps.iter().enumerate() {
        let file = |file: &usize| repo.path().join(name(file));
        match step {
            Step::Leak(at, token) => {
                let old = std::fs::read_to_string(file(at)).unwrap_or_default();
                repo.write(&name(at), format!("{old}line {number}\ntoken {}\n", github(1000 + token)));
            }
            Step::Text(at, text) => {
                let old = std::fs::read_to_string(file(at)).unwrap_or_default();
                repo.write(&name(at), format!("text {text}\n{old}"));
            }
            Step::Remove(at) => drop(std::fs::remove_file(file(at))),
            Step::Rename(from, to) => {
                if let Ok(content) = std::fs::read(file(from)) {
                    std::fs::remove_file(file(from)).unwrap();
                    repo.write(&name(to), content);
                }
            }
            Step::Branch => drop(repo.git(&["checkout", "-q", "-B", &format!("branch{number}"), "HEAD"])),
        }
        repo.commit(&format!("step {number}"));
    }
}

/// What git itself says: every blob that holds a token, and for each path of it the first commit that has it there.
fn by_git(repo: &Repo) -> BTreeSet<(String, String, String)> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    for commit in repo.git(&["rev-list", "--all", "--topo-order", "--reverse"]).lines() {
        for entry in repo.git(&["ls-tree", "-r", commit]).lines() {
            let (head, path) = entry.split_once('\t').unwrap();
            let blob = head.split(' ').nth(2).unwrap();
            let content = repo.git(&["cat-file", "blob", blob]);
            for token in (1000..1006).map(github).filter(|token| content.contains(token)) {
                if seen.insert((token.clone(), path.to_owned())) {
                    found.insert((token, path.to_owned(), commit.to_owned()));
                }
            }
        }
    }
    found
}

/// The commits that have the token in the path, and those references that have the commit in their history.
fn holders(repo: &Repo, token: &str, path: &str) -> BTreeSet<String> {
    let commits = repo.git(&["rev-list", "--all"]);
    let holds = |commit: &&str| {
        let listed = repo.git(&["ls-tree", "-r", "--name-only", commit]);
        listed.lines().any(|name| name == path)
            && repo.git(&["show", &format!("{commit}:{path}")]).contains(token)
    };
    commits.lines().filter(holds).map(ToOwned::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// The last commit and the references of every place are those that git tells.
    #[test]
    fn last_commits_and_references_are_what_git_tells(steps in steps(), loose in any::<bool>()) {
        let repo = Repo::new();
        replay(&repo, &steps);
        if !loose {
            repo.git(&["repack", "-q", "-a", "-d", "-f"]);
        }
        let report = repo.scan(&["--format", "json", "--show-secrets"]).json();
        for finding in report["findings"].as_array().unwrap() {
            let token = finding["secret"]["value"].as_str().unwrap();
            for place in finding["occurrences"].as_array().unwrap() {
                let (path, last) = (place["path"].as_str().unwrap(), place["last_commit"].as_str().unwrap());
                let holders = holders(&repo, token, path);
                prop_assert!(holders.contains(last), "{} does not hold it in {}", last, path);
                let later = repo.git(&["rev-list", "--all", "--ancestry-path", &format!("^{last}")]);
                let later = later.lines().find(|commit| holders.contains(*commit));
                prop_assert_eq!(later, None, "{} is not the last for {}", last, path);
                let first = place["commit"].as_str().unwrap();
                let refs = repo.git(&["for-each-ref", "--contains", first, "--format=%(refname)"]);
                let refs: BTreeSet<&str> = refs.lines().collect();
                let ours: BTreeSet<&str> =
                    place["references"]["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
                prop_assert_eq!(ours, refs);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Over random histories, packed in any way git packs, findings and first commits are those that git tells.
    #[test]
    fn findings_and_first_commits_are_what_git_tells(steps in steps(), depth in 1..20u8, window in 1..20u8, loose in any::<bool>()) {
        let repo = Repo::new();
        replay(&repo, &steps);
        if !loose {
            repo.git(&["repack", "-q", "-a", "-d", "-f", &format!("--depth={depth}"), &format!("--window={window}")]);
        }
        let ran = repo.scan(&["--format", "json", "--show-secrets"]);
        let report = ran.json();
        let mut ours = BTreeSet::new();
        for finding in report["findings"].as_array().unwrap() {
            let token = finding["secret"]["value"].as_str().unwrap();
            let mut paths = BTreeSet::new();
            for place in finding["occurrences"].as_array().unwrap() {
                let (path, commit) = (place["path"].as_str().unwrap(), place["commit"].as_str().unwrap());
                if paths.insert(path.to_owned()) {
                    ours.insert((token.to_owned(), path.to_owned(), commit.to_owned()));
                }
            }
        }
        prop_assert_eq!(ours, by_git(&repo));
    }
}

#[test]
fn what_has_a_message_is_told_and_what_was_not_looked_up_is_not_claimed() {
    let repo = Repo::new();
    let base = repo.commit("one");
    repo.commit(&format!("token {}", github(7)));
    repo.git(&["tag", "v1"]);
    let whole = repo.scan(&["--format", "json"]).occurrences();
    assert_eq!(whole[0]["where"], "message");
    assert_eq!(whole[0]["references"]["names"], serde_json::json!(["refs/heads/main", "refs/tags/v1"]));
    let range = repo.scan(&["--format", "json", "--range", &format!("{base}..HEAD")]).occurrences();
    assert_eq!(range[0]["where"], "message");
    assert_eq!(range[0]["references"], serde_json::Value::Null, "a range does not read the history");
}

/// Where hundreds of references hold the same files, each secret is told with its commits all the same.
#[test]
fn many_references_to_many_leaks_are_told_whole() {
    const LEAKS: u64 = 400;
    let repo = Repo::new();
    for number in 0..LEAKS {
        repo.write(&format!("keys/{number}.txt"), format!("token {}\n", github(10_000 + number)));
    }
    let first = repo.commit("leaks");
    let mut last = first.clone();
    for number in 0..300 {
        repo.write("version.txt", format!("{number}\n"));
        last = repo.commit("a version");
        repo.git(&["tag", &format!("v{number}")]);
    }
    let ran = repo.scan(&["--format", "json"]);
    assert_eq!(ran.json()["coverage"]["complete"], true, "{}", ran.err);
    let places = ran.occurrences();
    assert_eq!(places.len() as u64, LEAKS);
    for place in places {
        assert_eq!(place["where"], "history", "{place}");
        assert_eq!((&place["commit"], &place["last_commit"]), (&first.clone().into(), &last.clone().into()));
    }
}
