//! What a scan keeps for the next one: the report is the same with it and without, whatever happened to the repository or
//! to what was kept; and nothing secret is in it.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

mod random;

use crate::repo::{Ran, Repo, unleak};
use crate::tokens::github;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Files that changed a moment ago are not trusted to be the same later.
fn settle() {
    std::thread::sleep(Duration::from_millis(80));
}

/// Scans, in a world that is the repository's own.
fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&["--format", "json"], args].concat())
}

/// The report as far as what was kept must not change it, and how the scan ended.
fn told(ran: &Ran) -> (Value, i32) {
    let mut report = ran.json();
    report["coverage"].as_object_mut().unwrap().remove("cached");
    (report, ran.code)
}

fn cached(ran: &Ran) -> u64 {
    ran.json()["coverage"]["cached"].as_u64().unwrap()
}

fn objects(ran: &Ran) -> u64 {
    ran.json()["coverage"]["objects"].as_u64().unwrap()
}

/// The same with what was kept and without.
#[track_caller]
fn assert_same(repo: &Repo, args: &[&str]) -> Ran {
    let warm = scan(repo, args);
    assert_eq!(told(&warm), told(&scan(repo, &["--no-cache"])));
    warm
}

fn folder(repo: &Repo) -> PathBuf {
    repo.path().join(".git/unleak/cache")
}

/// Everything that was kept.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != ".gitignore"))
        .collect();
    files.sort();
    files
}

/// A history in a pack, one beside it in loose objects, with secrets in both.
fn leaky() -> Repo {
    leaky_of("sha1")
}

fn leaky_of(format: &str) -> Repo {
    let repo = Repo::of_format(format);
    for number in 0..3 {
        repo.write("notes.txt", format!("line {number}\ntoken {}\n", github(number)));
        repo.commit(&format!("packed {number}"));
    }
    repo.git(&["repack", "-q", "-a", "-d"]);
    repo.write("loose.txt", format!("token {}\n", github(7)));
    repo.commit("loose");
    settle();
    repo
}

#[test]
fn an_unchanged_repository_is_not_read_again_and_a_new_commit_alone_is() {
    for format in ["sha1", "sha256"] {
        unchanged_and_grown(&leaky_of(format));
    }
}

fn unchanged_and_grown(repo: &Repo) {
    let first = scan(repo, &[]);
    assert_eq!(cached(&first), 0);
    let second = assert_same(repo, &[]);
    assert_eq!(cached(&second), objects(&second));
    repo.write("more.txt", format!("token {}\n", github(8)));
    repo.commit("more");
    settle();
    let third = assert_same(repo, &[]);
    assert_eq!((cached(&third), objects(&third)), (objects(&first), objects(&first) + 3));
    let human = repo.scan(&[]);
    assert!(human.out.contains("Taken from an earlier scan: 15 objects"), "{}", human.out);
}

#[test]
fn a_folder_in_the_working_tree_is_not_scanned_itself() {
    let repo = leaky();
    let args = ["--cache", "kept/here"];
    let first = scan(&repo, &args);
    let second = scan(&repo, &args);
    assert_eq!((cached(&second), &second.json()["findings"]), (objects(&first), &first.json()["findings"]));
    assert_eq!(second.json()["coverage"]["files"], 0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_flipped_byte_in_what_was_kept_changes_nothing() {
    let repo = leaky();
    let shared = repo.beside("shared");
    for args in [vec![], vec!["--cache", shared.to_str().unwrap()]] {
        let before = told(&scan(&repo, &args));
        for file in entries(if args.is_empty() { folder(&repo) } else { shared.clone() }.as_path()) {
            let bytes = std::fs::read(&file).unwrap();
            for at in [0, 63, 64, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2, bytes.len() - 1] {
                let mut other = bytes.clone();
                other[at] ^= 1;
                std::fs::write(&file, &other).unwrap();
                assert_eq!(told(&scan(&repo, &args)), before, "byte {at} of {}", file.display());
            }
            std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            assert_eq!(told(&scan(&repo, &args)), before);
        }
        let last = scan(&repo, &args);
        assert_eq!(cached(&last), objects(&last), "what was damaged was written anew");
    }
}

/// Says in every entry that nothing is of interest, sealed by a key that anybody knows.
fn forge(folder: &Path) {
    for file in entries(folder) {
        let bytes = std::fs::read(&file).unwrap();
        let mut entry: Value = serde_json::from_slice(&bytes[64..]).unwrap();
        if entry.get("seen").is_some() {
            entry["seen"]["interest"] = json!({});
        }
        let body = serde_json::to_vec(&entry).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[0; 32]).unwrap();
        for part in [b"entry", file.file_name().unwrap().as_encoded_bytes(), &body] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let seal = hex::encode(mac.finalize().into_bytes());
        std::fs::write(&file, [seal.as_bytes(), &body].concat()).unwrap();
    }
}

#[test]
fn what_comes_with_a_repository_cannot_hide_its_secrets() {
    let repo = leaky();
    let before = told(&scan(&repo, &[]));
    forge(&folder(&repo));
    assert_eq!(told(&scan(&repo, &[])), before);
    // A folder of the user's own choice is trusted: there the same forgery works, so it is one.
    let shared = repo.beside("shared");
    let args = ["--cache", shared.to_str().unwrap()];
    drop(scan(&repo, &args));
    forge(&shared);
    assert_eq!(scan(&repo, &args).json()["findings"], json!([]));
}

#[test]
fn other_rules_and_switches_share_nothing() {
    let repo = leaky();
    repo.write("other.txt", format!("encoded {}\n", hex::encode(github(9))));
    repo.commit("encoded");
    settle();
    let shared = repo.beside("shared");
    let shared = ["--cache", shared.to_str().unwrap()];
    for switch in [&["--rule", "age-secret-key"][..], &["--no-decode"], &["--no-archives"], &[]] {
        let args = [switch, &shared].concat();
        assert_eq!(cached(&scan(&repo, &args)), 0, "{switch:?}");
        let cold = scan(&repo, &[switch, &["--no-cache"]].concat());
        assert_eq!(told(&scan(&repo, &args)), told(&cold));
    }
    // What is told is chosen when it is told.
    let args = ["--min-confidence", "high", "--show-secrets", shared[0], shared[1]];
    let ran = scan(&repo, &args);
    assert_eq!(cached(&ran), objects(&ran));
    assert_eq!(told(&ran), told(&scan(&repo, &["--no-cache", "--min-confidence", "high", "--show-secrets"])));
}

#[test]
fn hooks_and_parts_keep_nothing() {
    let repo = leaky();
    repo.write("staged.txt", "text\n");
    repo.git(&["add", "-A"]);
    for args in [&["--staged"][..], &["--range", "HEAD~1..HEAD"], &["--no-git"], &["--no-cache"]] {
        drop(scan(&repo, args));
        assert!(!repo.path().join(".git/unleak").exists(), "{args:?}");
    }
    assert_eq!(scan(&repo, &["--staged", "--cache", "x"]).code, 2);
    let mut hook = unleak(repo.path(), &repo.beside(""));
    let objects = repo.path().join(".git/objects");
    drop(Ran::of(hook.args(["scan", "--format", "json"]).env("GIT_OBJECT_DIRECTORY", objects)));
    assert!(!repo.path().join(".git/unleak").exists());
}

#[test]
fn nothing_secret_is_kept() {
    let repo = leaky();
    let shared = repo.beside("shared");
    let args = ["--cache", shared.to_str().unwrap()];
    let check = |what: &str| {
        let ran = scan(&repo, &args);
        assert_eq!(told(&ran), told(&scan(&repo, &["--no-cache"])), "{what}");
        drop(scan(&repo, &[]));
        for file in entries(&shared).into_iter().chain(entries(&folder(&repo))) {
            let text = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
            for secret in (0..20).map(github) {
                let encoded = hex::encode(&secret);
                assert!(!text.contains(&secret) && !text.contains(&encoded), "{what}: {}", file.display());
            }
        }
    };
    check("in files");
    repo.commit(&format!("message {}", github(10)));
    repo.git(&["tag", "-a", "v1", "-m", &github(11)]);
    settle();
    check("in messages");
    repo.git(&["branch", &github(12)]);
    check("in the name of a branch that has the others");
    repo.git(&["branch", "-D", &github(12)]);
    repo.write(&format!("{}/{}.txt", github(13), github(14)), format!("token {}\n", github(1)));
    repo.commit("names");
    settle();
    check("in names");
    check("in names, again");
    repo.git(&["-c", &format!("user.name={}", github(15)), "commit", "-q", "--allow-empty", "-m", "author"]);
    settle();
    check("in the author's name");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_no_matter() {
    let repo = leaky();
    let cold = told(&scan(&repo, &["--no-cache"]));
    // In the place of the folder stands a file.
    std::fs::write(repo.path().join(".git/unleak"), "").unwrap();
    for _ in 0..2 {
        let ran = scan(&repo, &[]);
        assert_eq!((ran.err.as_str(), cached(&ran)), ("", 0));
        assert_eq!(ran.code, 1);
    }
    std::fs::remove_file(repo.path().join(".git/unleak")).unwrap();
    // Without a place for the key there is none to seal with.
    let mut homeless = unleak(repo.path(), Path::new("/dev/null"));
    let ran = Ran::of(homeless.args(["scan", "--format", "json"]));
    assert_eq!(ran.json()["coverage"]["cached"], 0);
    assert!(!repo.path().join(".git/unleak").exists());
    // One that the user names must be there.
    let refused = scan(&repo, &["--cache", "/dev/null/cache"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("/dev/null/cache"), "{}", refused.err);
    assert_eq!(told(&scan(&repo, &[])), cold);
}

#[cfg(unix)]
#[test]
fn links_in_the_place_of_what_is_kept_are_not_followed() {
    let repo = leaky();
    let elsewhere = repo.beside("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, repo.path().join(".git/unleak")).unwrap();
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 1);
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    std::fs::remove_file(repo.path().join(".git/unleak")).unwrap();
    drop(scan(&repo, &[]));
    let precious = repo.beside("precious");
    std::fs::write(&precious, "precious").unwrap();
    for file in entries(&folder(&repo)) {
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&precious, &file).unwrap();
    }
    assert_same(&repo, &[]);
    let last = scan(&repo, &[]);
    assert_eq!(cached(&last), objects(&last));
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
}

fn start(repo: &Repo) -> Child {
    let mut unleak = unleak(repo.path(), &repo.beside(""));
    unleak.args(["scan", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn scans_at_once_do_not_disturb_each_other() {
    let repo = leaky();
    let cold = told(&scan(&repo, &["--no-cache"]));
    for _ in 0..3 {
        let running: Vec<Child> = (0..4).map(|_| start(&repo)).collect();
        for child in running {
            assert_eq!(told(&Ran::from(child.wait_with_output().unwrap())), cold);
        }
        entries(&folder(&repo)).into_iter().for_each(|file| std::fs::remove_file(file).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn a_killed_scan_leaves_a_state_that_the_next_can_use() {
    let repo = leaky();
    let cold = told(&scan(&repo, &["--no-cache"]));
    for milliseconds in (0..120).step_by(8) {
        let mut child = start(&repo);
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        if milliseconds % 5 == 0 {
            assert_eq!(told(&scan(&repo, &[])), cold);
            entries(&folder(&repo)).into_iter().for_each(|file| std::fs::remove_file(file).unwrap());
        }
    }
    assert_same(&repo, &[]);
}

#[test]
fn damage_that_came_later_is_told() {
    let repo = leaky();
    drop(scan(&repo, &[]));
    let packs = entries(&repo.path().join(".git/objects/pack"));
    let pack = packs.iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    let mut bytes = std::fs::read(pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::remove_file(pack).unwrap();
    std::fs::write(pack, &bytes).unwrap();
    settle();
    for _ in 0..2 {
        let warm = assert_same(&repo, &[]);
        assert_eq!(warm.json()["coverage"]["complete"], false);
    }
    bytes[middle] ^= 0x10;
    std::fs::write(pack, &bytes).unwrap();
    settle();
    let healed = assert_same(&repo, &[]);
    assert_eq!(healed.json()["coverage"]["complete"], true);
}

#[test]
fn a_folder_is_of_use_to_a_copy_on_another_machine() {
    let repo = leaky();
    repo.git(&["repack", "-q", "-a", "-d"]);
    let shared = repo.beside("shared");
    let args = ["--cache", shared.to_str().unwrap(), "--format", "json"];
    drop(repo.scan(&args));
    let copy = repo.beside("copy.git");
    std::fs::create_dir(&copy).unwrap();
    copy_folder(&repo.path().join(".git"), &copy);
    repo.git(&["-C", copy.to_str().unwrap(), "config", "core.bare", "true"]);
    let other_home = repo.beside("other home");
    let ran = Ran::of(unleak(&copy, &other_home).arg("scan").args(args));
    assert!(cached(&ran) > 0);
    assert_eq!(cached(&ran), objects(&ran));
    let cold = Ran::of(unleak(&copy, &repo.beside("")).args(["scan", "--no-cache", "--format", "json"]));
    assert_eq!(
        ran.json()["findings"].as_array().unwrap().len(),
        cold.json()["findings"].as_array().unwrap().len()
    );
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

#[test]
fn shallow_clones_and_submodules_are_the_same_warm() {
    let inner = leaky();
    let repo = Repo::new();
    repo.write("own.txt", format!("token {}\n", github(3)));
    repo.commit("own");
    let inner_path = inner.path().to_str().unwrap();
    repo.git(&["submodule", "--quiet", "add", inner_path, "vendor/inner"]);
    repo.commit("with a submodule");
    settle();
    drop(scan(&repo, &[]));
    let warm = assert_same(&repo, &[]);
    assert_eq!(cached(&warm), objects(&warm));
    assert!(warm.places().iter().any(|place| place.starts_with("submodule ")), "{:?}", warm.places());
    // A clone that ends early, and gets the rest later.
    let clone = Repo::new();
    clone.git(&["remote", "add", "origin", &format!("file://{inner_path}")]);
    clone.git(&["fetch", "-q", "--depth=2", "origin"]);
    settle();
    drop(scan(&clone, &[]));
    let warm = assert_same(&clone, &[]);
    assert!(cached(&warm) > 0);
    assert_eq!(warm.json()["coverage"]["complete"], false);
    clone.git(&["fetch", "-q", "--unshallow", "origin"]);
    settle();
    let whole = assert_same(&clone, &[]);
    assert_eq!(whole.json()["coverage"]["complete"], true);
}
