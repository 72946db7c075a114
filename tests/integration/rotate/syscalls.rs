//! A rotation that is killed at every system call that changes something. strace counts the calls and kills at the nth, so
//! that no place is forgotten that nobody thought of.

use super::{World, cookie, hex_value, journal_is_whole, nothing_leaks, stderr};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use unleak::rotate::{Kind, read_journal};

/// What names and permissions are changed by.
const NAMES: [&str; 13] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchown",
    "link",
    "linkat",
];
/// What bytes are changed by: those of files, and the pages of the database.
const BYTES: [&str; 3] = ["write", "pwrite64", "ftruncate"];
/// What makes them last.
const SYNCS: [&str; 2] = ["fsync", "fdatasync"];
/// No rotation makes so many calls of one kind.
const MOST: usize = 300;

/// The rotation, killed before its `nth` call of this kind.
fn killed(world: &World, args: &[String], call: &str, nth: usize) -> Output {
    let plain = world.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut traced = Command::new("strace");
    traced.args(["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"]);
    traced.arg(format!("-einject=?{call}:signal=KILL:when={nth}"));
    traced.arg(plain.get_program()).args(plain.get_args());
    traced.current_dir("/").env_clear().stdin(Stdio::null());
    traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.output().unwrap()
}

/// What is rotated, and how often the process is killed.
#[derive(Clone, Copy)]
struct Trial {
    /// Every so many calls of a kind, from the first.
    step: usize,
    /// Whether an application reloads, is asked for its health, and shows a cookie alive and refused.
    served: bool,
}

const FILES: Trial = Trial { step: 1, served: false };
/// Many times as many calls, and an application beside them.
const SERVED: Trial = Trial { step: 9, served: true };

impl Trial {
    fn args(self, world: &World) -> Vec<String> {
        let store = format!("--store=sqlite:{}", world.path("db").display());
        let mut args = if self.served { world.all() } else { vec!["--yes".to_owned(), store] };
        args.push("--quiet".to_owned());
        args
    }
}

/// Kills at calls of these kinds; strace counts each kind for itself. There are at least so many deaths.
fn dies(trial: Trial, calls: &[&str], least: usize) {
    let deaths: usize = calls.iter().map(|call| dies_at_each(trial, call)).sum();
    assert!(deaths >= least, "{deaths} calls of {calls:?} were seen");
}

fn dies_at_each(trial: Trial, call: &str) -> usize {
    for (deaths, nth) in (1..MOST).step_by(trial.step).enumerate() {
        let world = World::new(&hex_value());
        let args = trial.args(&world);
        let output = killed(&world, &args, call, nth);
        if let Some(code) = output.status.code() {
            assert_eq!(code, 0, "{}", stderr(&output));
            return deaths;
        }
        let point = format!("{call} {nth}");
        let whole = world.env() == world.before || world.env() == replaced(&world);
        assert!(whole, "{point}: half a file");
        let ended = recovers(&world, nth, &point, &args);
        let new = world.value();
        if new == world.old {
            assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3), "{point}");
        } else {
            assert_eq!((world.env(), world.sessions()), (replaced(&world), 0), "{point}");
        }
        nothing_is_left(world.dir.path(), &[&world.old, &new], &point);
        nothing_leaks(&world, &ended, &[&world.old, &new]);
        if trial.served {
            answers(&world, &point);
        }
    }
    panic!("more than {MOST} calls of {call}");
}

/// The application is well and runs with the value that the target holds, and with no other.
fn answers(world: &World, point: &str) {
    assert_eq!(world.page("/healthz", ""), 200, "{point}");
    let kept = world.value() == world.old;
    assert_eq!(world.asks(&cookie(&world.old)), if kept { 200 } else { 401 }, "{point}: the old cookie");
    if !kept {
        let new = world.login();
        assert_eq!(world.asks(&new), 200, "{point}: a new login");
        assert_eq!(world.asks(&cookie(&world.old)), 401, "{point}: the old value signs");
    }
}

/// The file with the value that it holds now.
fn replaced(world: &World) -> Vec<u8> {
    String::from_utf8(world.before.clone()).unwrap().replace(&world.old, &world.value()).into_bytes()
}

/// Takes back or finishes what was left, as an operator would who tries one and then the other.
fn recovers(world: &World, nth: usize, point: &str, args: &[String]) -> Output {
    let begun = std::fs::read_dir(world.path("state/incidents")).is_ok_and(|mut all| all.next().is_some());
    let ways = if nth.is_multiple_of(2) { ["--abort", "--resume"] } else { ["--resume", "--abort"] };
    if begun {
        for way in ways {
            let output = world.alone(&[way, &world.id(), "--yes", "--quiet"]).output().unwrap();
            if output.status.success() {
                journal_is_whole(world, Kind::Closed);
                assert!(!world.incident().join("undo.sealed").exists(), "{point}");
                return output;
            }
            assert_eq!(output.status.code(), Some(2), "{point}: {}", stderr(&output));
        }
        // It was over, or nothing had begun but its folder.
        let records = read_journal(&world.incident().join("journal.jsonl")).unwrap_or_default();
        if records.last().is_some_and(|record| record.event == Kind::Closed) {
            return world.alone(&["--help"]).output().unwrap();
        }
    }
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3), "{point}: changed unannounced");
    let again = world.run(args);
    assert_eq!(again.status.code(), Some(0), "{point}: {}", stderr(&again));
    again
}

/// No file beside the target holds a value: what is written first under another name does not stay.
fn nothing_is_left(folder: &Path, values: &[&str], point: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !matches!(name, ".env" | "cookie") {
            let bytes = std::fs::read(&path).unwrap();
            let found = aho_corasick::AhoCorasick::new(values).unwrap().is_match(&bytes);
            assert!(!found, "{point}: {name} is left");
        }
    }
}

#[test]
fn a_kill_at_every_new_name_leaves_nothing_half_done() {
    dies(FILES, &NAMES, 25);
}

#[test]
fn a_kill_at_every_byte_that_is_written_leaves_nothing_half_done() {
    dies(FILES, &BYTES, 25);
}

#[test]
fn a_kill_before_anything_lasts_leaves_nothing_half_done() {
    dies(FILES, &SYNCS, 30);
}

#[test]
fn a_kill_under_an_application_leaves_one_that_answers() {
    let all: Vec<_> = [&NAMES[..], &BYTES, &SYNCS].concat();
    dies(SERVED, &all, 12);
}
