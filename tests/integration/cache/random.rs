//! Random histories, and what can happen to a repository between two scans.

use super::{cached, entries, objects, scan, settle, told};
use crate::repo::{Repo, git};
use crate::tokens::github;
use proptest::prelude::*;

/// What can happen to a repository between two scans.
#[derive(Clone, Debug)]
enum Step {
    Leak(usize, u64),
    Text(usize, u8),
    Remove(usize),
    Name(u64),
    Message(u64),
    Archive(usize, u64),
    ByPath(usize, usize),
    Amend(u64),
    Branch,
    Merge,
    DeleteBranch,
    Tag(u64),
    Stash(u64),
    Stage(u64),
    Fetch(u64),
    Repack,
    RepackNew,
    RepackKeep,
    Gc,
    Prune,
    Forget,
    Lose,
    Copy,
}

/// Paths of which some say that what stands there counts.
const BY_PATH: [&str; 4] = ["src/login.js", ".netrc", "data/notes.bin", "secrets/db_password.txt"];

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let token = || 0..5u64;
    let step = prop_oneof![
        3 => (0..3usize, token()).prop_map(|(file, token)| Step::Leak(file, token)),
        2 => (0..3usize, 0..4u8).prop_map(|(file, text)| Step::Text(file, text)),
        1 => (0..3usize).prop_map(Step::Remove),
        1 => token().prop_map(Step::Name),
        1 => token().prop_map(Step::Message),
        1 => (0..3usize, token()).prop_map(|(file, token)| Step::Archive(file, token)),
        3 => (0..BY_PATH.len(), 0..2usize).prop_map(|(path, text)| Step::ByPath(path, text)),
        2 => token().prop_map(Step::Amend),
        1 => Just(Step::Branch),
        1 => Just(Step::Merge),
        1 => Just(Step::DeleteBranch),
        1 => token().prop_map(Step::Tag),
        1 => token().prop_map(Step::Stash),
        1 => token().prop_map(Step::Stage),
        2 => token().prop_map(Step::Fetch),
        2 => Just(Step::Repack),
        2 => Just(Step::RepackNew),
        1 => Just(Step::RepackKeep),
        2 => Just(Step::Gc),
        1 => Just(Step::Prune),
        1 => Just(Step::Forget),
        1 => Just(Step::Lose),
        1 => Just(Step::Copy),
    ];
    proptest::collection::vec(proptest::collection::vec(step, 0..4), 1..5)
}

/// Runs git; what it refuses in the state of the repository just does not happen.
fn attempt(repo: &Repo, args: &[&str]) {
    let done = git(repo.path(), 1_700_000_000).args(args).output().unwrap();
    drop(done);
}

fn take(repo: &Repo, step: &Step, number: usize) {
    let name = |file: &usize| format!("folder{}/file{file}.txt", file % 2);
    let old = |file: &usize| std::fs::read_to_string(repo.path().join(name(file))).unwrap_or_default();
    let commit = || attempt(repo, &["commit", "-q", "--allow-empty", "-a", "-m", &format!("step {number}")]);
    let write = |name: &str, text: &[u8]| {
        repo.write(name, text);
        attempt(repo, &["add", "-A"]);
    };
    match step {
        Step::Leak(file, token) => {
            write(&name(file), format!("{}token {}\n", old(file), github(*token)).as_bytes());
            commit();
        }
        Step::Text(file, text) => {
            write(&name(file), format!("text {text}\n{}", old(file)).as_bytes());
            commit();
        }
        Step::Remove(file) => {
            drop(std::fs::remove_file(repo.path().join(name(file))));
            commit();
        }
        Step::Name(token) => {
            write(&format!("{}.txt", github(*token)), b"a name\n");
            commit();
        }
        Step::Message(token) => {
            attempt(repo, &["commit", "-q", "--allow-empty", "-m", &format!("with {}", github(*token))]);
        }
        // The end is missing, which a report tells.
        Step::Archive(file, token) => {
            let mut bytes = Vec::new();
            let mut packed = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::default());
            std::io::Write::write_all(&mut packed, format!("token {}\n", github(*token)).as_bytes()).unwrap();
            packed.finish().unwrap();
            bytes.truncate(bytes.len() - 4);
            write(&format!("archive{file}.gz"), &bytes);
            commit();
        }
        // What counts by its path alone: a weak password, a file of one value.
        Step::ByPath(path, text) => {
            let word = ["vel", "vet"].concat();
            let value = format!("Quartz-{}-lantern\n", 41);
            let texts = [format!("machine git.acme.dev\n login ada\n password {word}\n"), value];
            write(BY_PATH[*path], texts[*text].as_bytes());
            commit();
        }
        Step::Amend(token) => {
            write("amended.txt", format!("token {}\n", github(*token)).as_bytes());
            attempt(repo, &["commit", "-q", "--amend", "-m", "amended"]);
        }
        Step::Branch => attempt(repo, &["checkout", "-q", "-B", &format!("branch{}", number % 3)]),
        Step::Merge => attempt(repo, &["merge", "-q", "-X", "ours", "-m", "merge", "main"]),
        Step::DeleteBranch => attempt(repo, &["branch", "-q", "-D", &format!("branch{}", number % 3)]),
        Step::Tag(token) => {
            attempt(repo, &["tag", "-f", "-a", "v1", "-m", &format!("tag {}", github(*token))]);
        }
        Step::Stash(token) => {
            write("stashed.txt", format!("token {}\n", github(*token)).as_bytes());
            attempt(repo, &["stash", "-q"]);
        }
        Step::Stage(token) => write("staged.txt", format!("token {}\n", github(*token)).as_bytes()),
        Step::Fetch(token) => {
            let other = repo.beside("other");
            if !other.exists() {
                attempt(repo, &["clone", "-q", ".", other.to_str().unwrap()]);
            }
            std::fs::write(other.join(format!("fetched{number}.txt")), github(*token)).unwrap();
            for args in [&["add", "-A"][..], &["commit", "-q", "-m", "other"]] {
                drop(git(&other, 1_700_000_000).args(args).output().unwrap());
            }
            let to = "+refs/heads/*:refs/remotes/other/*";
            attempt(repo, &["-c", "fetch.unpackLimit=1", "fetch", "-q", other.to_str().unwrap(), to]);
        }
        Step::Repack => attempt(repo, &["repack", "-q", "-a", "-d"]),
        Step::RepackNew => attempt(repo, &["repack", "-q", "-d"]),
        // Both the packs and the loose objects stay: everything is there twice.
        Step::RepackKeep => attempt(repo, &["repack", "-q", "-a", "-f", "--depth=3"]),
        Step::Gc => attempt(repo, &["gc", "-q", "--prune=now"]),
        Step::Prune => attempt(repo, &["prune-packed", "-q"]),
        Step::Forget => attempt(repo, &["reflog", "expire", "--expire=now", "--all"]),
        Step::Lose => {
            let found = git(repo.path(), 0).args(["rev-parse", "HEAD:folder0/file0.txt"]).output().unwrap();
            let id = String::from_utf8(found.stdout).unwrap();
            if let Some((folder, rest)) = id.trim().split_at_checked(2) {
                drop(std::fs::remove_file(repo.path().join(".git/objects").join(folder).join(rest)));
            }
        }
        // As if the files had been restored from a copy.
        Step::Copy => {
            let packs = repo.path().join(".git/objects/pack");
            for pack in
                entries(&packs).into_iter().filter(|path| path.extension().is_some_and(|end| end == "pack"))
            {
                let bytes = std::fs::read(&pack).unwrap();
                std::fs::remove_file(&pack).unwrap();
                std::fs::write(&pack, bytes).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever happens to a repository between two scans, the second tells what a scan without a cache tells.
    #[test]
    fn a_warm_report_is_the_cold_one(rounds in steps(), shared in any::<bool>(), bare in any::<bool>()) {
        let repo = Repo::new();
        repo.write("keep.txt", "keep\n");
        repo.commit("start");
        let shared_folder = repo.beside("cache");
        let args = if shared { vec!["--cache", shared_folder.to_str().unwrap()] } else { vec![] };
        let mut number = 0;
        for round in &rounds {
            for step in round {
                number += 1;
                take(&repo, step, number);
            }
            settle();
            let args = if bare { [&args[..], &[".git"]].concat() } else { args.clone() };
            let warm = scan(&repo, &args);
            let cold = scan(&repo, if bare { &["--no-cache", ".git"] } else { &["--no-cache"] });
            prop_assert_eq!(told(&warm), told(&cold));
            let again = scan(&repo, &args);
            prop_assert_eq!(told(&again), told(&cold));
            prop_assert_eq!(cached(&again), objects(&again), "nothing is read twice");
        }
    }
}
