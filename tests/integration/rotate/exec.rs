//! The target `exec:`: the value reaches a command on its standard input only, and comes back by another command.

use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Output, Stdio};

/// A store behind two scripts: the one that writes keeps its own arguments and environment for the test.
struct Store {
    dir: tempfile::TempDir,
    old: String,
}

impl Store {
    fn new() -> Self {
        let (dir, old) = (tempfile::tempdir().unwrap(), hex_value());
        put(&dir.path().join("value"), old.as_bytes());
        let write = "cd \"$(dirname \"$0\")\"; tr '\\0' ' ' </proc/$$/cmdline >>seen; env >>seen; cat >value; echo wrote >&2\n";
        put(&dir.path().join("write"), write.as_bytes());
        Self { dir, old }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn value(&self) -> String {
        std::fs::read_to_string(self.path("value")).unwrap()
    }

    fn target(&self) -> String {
        format!("--target=exec:sh '{}' --token wsx-7hqkz-token", self.path("write").display())
    }

    fn read(&self) -> String {
        format!("--read-back=cat '{}'; echo", self.path("value").display())
    }

    fn run(&self, args: &[&str]) -> Output {
        unleak(&self.path("state")).arg("rotate").args(args).arg("--yes").output().unwrap()
    }

    fn report(&self) -> String {
        let folder = std::fs::read_dir(self.path("state/incidents")).unwrap().next().unwrap().unwrap();
        std::fs::read_to_string(folder.path().join("report.md")).unwrap()
    }

    fn id(&self) -> String {
        let folder = std::fs::read_dir(self.path("state/incidents")).unwrap().next().unwrap().unwrap();
        folder.file_name().into_string().unwrap()
    }
}

#[test]
fn the_value_goes_to_standard_input_and_is_read_back() {
    let store = Store::new();
    let output = store.run(&[&store.target(), &store.read()]);
    ends(&output, 0);
    let new = store.value();
    assert!(new != store.old && new.len() == 128);
    assert!(
        store
            .report()
            .contains("| exec:\\`sh\\` with 3 more words holds the new value and no other | verified |"),
        "{}",
        store.report()
    );
    let seen = std::fs::read_to_string(store.path("seen")).unwrap();
    assert!(!seen.contains(&new) && !seen.contains(&store.old), "the value was in argv or the environment");
    nothing_leaks_in(&store.path("state"), &output, &[&store.old, &new, "wsx-7hqkz-token"]);
}

#[test]
fn a_store_that_nobody_can_read_is_said_to_be_unchecked() {
    let store = Store::new();
    let output = store.run(&[&store.target()]);
    ends(&output, 0);
    assert_eq!(store.value().len(), 128);
    assert!(store.report().contains("no other | not checked |"), "{}", store.report());
    assert!(stderr(&output).contains("cannot be read without --read-back"));
}

#[test]
fn what_a_read_back_does_not_show_whole_is_no_value() {
    let store = Store::new();
    for (command, says) in [
        ("cat /nonexistent 2>&- | tr -d x", "printed nothing"),
        ("echo; echo", "printed nothing"),
        ("echo half; sleep 60 & true", "left its standard output open"),
        ("head -c 65537 /dev/zero | tr '\\0' a", "printed more than 64 KiB"),
    ] {
        let output = store.run(&[&store.target(), &format!("--read-back={command}")]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
        assert_eq!(store.value(), store.old);
        assert!(!store.path("seen").exists(), "something was written");
    }
    let large =
        store.run(&[&store.target(), "--read-back=head -c 65536 /dev/zero | tr '\\0' a", "--dry-run"]);
    ends(&large, 0);
}

#[test]
fn it_is_put_back_when_its_value_is_known_from_anywhere() {
    let failing = ["--reload=exit 1", "--restore-leaked"];
    let store = Store::new();
    let env = store.path("env");
    put(&env, format!("KEY={}\n", store.old).as_bytes());
    let file = format!("--target=env:{}#KEY", env.display());
    for args in [[&*store.target(), &*store.read()], [&*store.target(), &*file]] {
        let output = store.run(&[args, failing].concat());
        // The reload fails with the old value too, so that what the application has is not known.
        ends(&output, 5);
        assert_eq!(store.value(), store.old, "{}", stderr(&output));
        std::fs::remove_dir_all(store.path("state")).unwrap();
    }
    let output = store.run(&[&store.target(), failing[0], failing[1]]);
    ends(&output, 5);
    assert!(stderr(&output).contains("nobody could read what it held"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--resume") || stderr(&output).contains("--abort"));
}

#[test]
fn it_is_left_alone_when_other_targets_do_not_agree_on_the_old_value() {
    let store = Store::new();
    let other: String = store.old.chars().rev().collect();
    let files = [("env", &store.old), ("worker", &other)].map(|(name, value)| {
        std::fs::create_dir(store.path(name)).unwrap();
        put(&store.path(name).join("env"), format!("KEY={value}\n").as_bytes());
        format!("--target=env:{}#KEY", store.path(name).join("env").display())
    });
    let output = store.run(&[&store.target(), &files[0], &files[1], "--reload=exit 1", "--restore-leaked"]);
    ends(&output, 5);
    let said = stderr(&output);
    assert!(said.contains("since the values that can be read differ"), "{said}");
    assert!(said.contains("puts the old value back, but not where"), "{said}");
    assert!(said.contains("nobody could read what it held"), "{said}");
    assert!(store.value() != store.old && store.value() != other, "it got a value that it never had");
    for (name, value) in [("env", &store.old), ("worker", &other)] {
        assert_eq!(std::fs::read_to_string(store.path(name).join("env")).unwrap(), format!("KEY={value}\n"));
    }
}

#[test]
fn a_command_that_fails_leaves_everything_as_it_was() {
    let store = Store::new();
    let env = store.path("env");
    put(&env, format!("KEY={}\n", store.old).as_bytes());
    let file = format!("--target=env:{}#KEY", env.display());
    for (command, says) in [
        ("cat >/dev/null; echo no such store >&2; exit 3", "ended with 3"),
        ("cat >&2; exit 3", "[REDACTED]"),
    ] {
        let output = store.run(&[&file, &format!("--target=exec:{command}"), &store.read()]);
        ends(&output, 4);
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
        assert_eq!(std::fs::read_to_string(&env).unwrap(), format!("KEY={}\n", store.old));
        nothing_leaks_in(&store.path("state"), &output, &[&store.old]);
    }
}

/// A write that dies or fails in the middle leaves nothing, or a part: neither is somebody else's value.
#[test]
fn an_abort_puts_back_a_store_that_a_failing_write_left_empty_or_half_written() {
    for (left, way) in [
        ("cat >/dev/null; : >value", "--abort"),
        ("head -c 40 >value; cat >/dev/null", "--abort"),
        ("head -c 40 >value; cat >/dev/null", "--resume"),
    ] {
        let store = Store::new();
        // The first write breaks it and takes the whole program with it; every later one is sound.
        let script = format!(
            "cd \"$(dirname \"$0\")\"; if test -e once; then cat >value; else touch once; {left}; kill -9 $PPID; fi\n"
        );
        put(&store.path("write"), script.as_bytes());
        // Without a shell in between, so that it kills what it should.
        let target = store.target().replace("exec:sh", "exec:exec sh");
        let killed = store.run(&[&target, &store.read()]);
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
        assert!(store.value().len() < 128);
        let output = store.run(&[way, &store.id()]);
        ends(&output, 0);
        assert_eq!(store.value() == store.old, way == "--abort", "{left}");
        assert_eq!(store.value().len(), 128);
        nothing_leaks_in(&store.path("state"), &output, &[&store.old]);
    }
}

#[test]
fn a_store_that_does_not_take_the_old_value_back_is_no_success() {
    let store = Store::new();
    let script =
        "cd \"$(dirname \"$0\")\"; if test -e once; then cat >/dev/null; else touch once; cat >value; fi\n";
    put(&store.path("write"), script.as_bytes());
    let output = store.run(&[
        &store.target(),
        &store.read(),
        "--health=http://127.0.0.1:9/",
        "--health-timeout=1",
        "--restore-leaked",
    ]);
    ends(&output, 5);
    assert!(
        stderr(&output).contains("does not hold the old value after it was written back"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("--abort"), "{}", stderr(&output));
}

#[test]
fn a_command_with_other_arguments_is_another_target() {
    let store = Store::new();
    let killed = store.run(&[&store.target(), &store.read(), "--fault=write.1:before:kill"]);
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    let other = store.target().replace("wsx-7hqkz-token", "wsx-other-token");
    for way in ["--resume", "--abort"] {
        let output = store.run(&[way, &store.id(), &other]);
        ends(&output, 2);
        assert!(stderr(&output).contains("is about exec:`sh` with 3 more words"), "{}", stderr(&output));
        assert_eq!(store.value(), store.old);
    }
    ends(&store.run(&["--resume", &store.id(), &store.target()]), 0);
    assert!(store.value() != store.old);
}

#[test]
fn a_killed_write_is_resumed_with_the_same_value() {
    for moment in ["before", "after"] {
        let store = Store::new();
        let killed = store.run(&[&store.target(), &store.read(), &format!("--fault=write.1:{moment}:kill")]);
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
        let written = store.value();
        ends(&store.run(&["--resume", &store.id()]), 0);
        assert!(store.value() != store.old);
        assert_eq!(store.value() == written, moment == "after");
    }
}

/// A store is no file that could be locked where it stands: the machine knows who rotates it.
#[test]
fn two_operators_with_state_folders_of_their_own_cannot_rotate_one_store_at_once() {
    let store = Store::new();
    let waits = ["--fault=write.1:before:wait", &store.target(), &store.read()].map(str::to_owned);
    let mut first = unleak(&store.path("state"));
    let mut first = first.args(["rotate", "--yes"]).args(&waits).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(".. write")), "it never began to write");
    let second = || {
        let mut second = unleak(&store.path("another"));
        second.args(["rotate", "--yes", &store.target(), &store.read()]).output().unwrap()
    };
    let refused = second();
    ends(&refused, 2);
    assert!(stderr(&refused).contains("is being changed by another unleak"), "{}", stderr(&refused));
    assert_eq!(store.value(), store.old);
    first.kill().unwrap();
    first.wait().unwrap();
    ends(&second(), 0);
    assert!(store.value() != store.old);
}
