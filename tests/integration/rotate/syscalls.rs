//! A rotation that is killed at every system call that changes something. strace counts the calls and kills at the nth, so
//! that no place is forgotten that nobody thought of.

use super::{World, hex_value, journal_is_whole, nothing_leaks, stderr};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use unleak::rotate::{Kind, read_journal};

/// What a thread calls that writes files: everything but the pages of the database.
const FILES: &str = "write,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,chmod,fchmod,fchmodat,fchown,\
    ftruncate,link,linkat,symlink,symlinkat,fsync,fdatasync,utimensat";
/// What SQLite calls, on a thread of its own, which counts for itself.
const PAGES: &str = "pwrite64,ftruncate";
/// No rotation makes so many calls.
const MOST: usize = 600;

/// The rotation, killed before its `nth` call of these.
fn killed(world: &World, args: &[String], calls: &str, nth: usize) -> Output {
    let plain = world.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut traced = Command::new("strace");
    traced.args(["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"]);
    traced.arg(format!("-einject={calls}:signal=KILL:when={nth}"));
    traced.arg(plain.get_program()).args(plain.get_args());
    traced.current_dir("/").env_clear().stdin(Stdio::null());
    traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.output().unwrap()
}

fn dies_at_every_call(calls: &str, first: usize) {
    for nth in (first..MOST).step_by(2) {
        let world = World::new(&hex_value());
        let store = format!("--store=sqlite:{}", world.path("db").display());
        let args = ["--yes".to_owned(), "--quiet".to_owned(), store];
        let output = killed(&world, &args, calls, nth);
        if let Some(code) = output.status.code() {
            assert_eq!(code, 0, "{}", stderr(&output));
            assert!(nth > 10, "strace counts nothing");
            return;
        }
        let whole = world.env() == world.before || world.env() == replaced(&world);
        assert!(whole, "call {nth}: half a file");
        let ended = recovers(&world, nth, &args);
        let new = world.value();
        if new == world.old {
            assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3), "call {nth}");
        } else {
            assert_eq!((world.env(), world.sessions()), (replaced(&world), 0), "call {nth}");
        }
        nothing_is_left(world.dir.path(), &[&world.old, &new], nth);
        nothing_leaks(&world, &ended, &[&world.old, &new]);
    }
    panic!("more than {MOST} calls");
}

/// The file with the value that it holds now.
fn replaced(world: &World) -> Vec<u8> {
    String::from_utf8(world.before.clone()).unwrap().replace(&world.old, &world.value()).into_bytes()
}

/// Takes back or finishes what was left, as an operator would who tries one and then the other.
fn recovers(world: &World, nth: usize, args: &[String]) -> Output {
    let begun = std::fs::read_dir(world.path("state/incidents")).is_ok_and(|mut all| all.next().is_some());
    let ways = if nth % 4 < 2 { ["--abort", "--resume"] } else { ["--resume", "--abort"] };
    if begun {
        for way in ways {
            let output = world.alone(&[way, &world.id(), "--yes", "--quiet"]).output().unwrap();
            if output.status.success() {
                journal_is_whole(world, Kind::Closed);
                assert!(!world.incident().join("undo.sealed").exists(), "call {nth}");
                return output;
            }
            assert_eq!(output.status.code(), Some(2), "call {nth}: {}", stderr(&output));
        }
        // It was over, or nothing had begun but its folder.
        let records = read_journal(&world.incident().join("journal.jsonl")).unwrap_or_default();
        if records.last().is_some_and(|record| record.event == Kind::Closed) {
            return world.alone(&["--help"]).output().unwrap();
        }
    }
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3), "call {nth}: changed unannounced");
    let again = world.run(args);
    assert_eq!(again.status.code(), Some(0), "call {nth}: {}", stderr(&again));
    again
}

/// No file beside the target holds a value: what is written first under another name does not stay.
fn nothing_is_left(folder: &Path, values: &[&str], nth: usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !matches!(name, ".env" | "cookie") {
            let bytes = std::fs::read(&path).unwrap();
            let found = aho_corasick::AhoCorasick::new(values).unwrap().is_match(&bytes);
            assert!(!found, "call {nth}: {name} is left");
        }
    }
}

#[test]
fn a_kill_at_every_odd_call_leaves_nothing_half_done() {
    dies_at_every_call(FILES, 1);
}

#[test]
fn a_kill_at_every_even_call_leaves_nothing_half_done() {
    dies_at_every_call(FILES, 2);
}

#[test]
fn a_kill_at_every_page_of_the_database_leaves_nothing_half_done() {
    dies_at_every_call(PAGES, 1);
    dies_at_every_call(PAGES, 2);
}
