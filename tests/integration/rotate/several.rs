//! One secret in several targets: whatever happens, all of them hold the old value or all hold the new one.

use super::{World, cookie, ends, hex_value, journal_is_whole, nothing_leaks, put, stderr, with};
use std::path::PathBuf;
use unleak::rotate::Kind;

/// The application, and a worker that has the secret in a file of its own under another name.
struct Two {
    world: World,
    worker: PathBuf,
    before: Vec<u8>,
}

impl Two {
    fn new() -> Self {
        let world = World::new(&hex_value());
        std::fs::create_dir(world.path("worker")).unwrap();
        let worker = world.path("worker/.env");
        let before = format!("# worker\nQUEUE=mail\nSIGNING_KEY=\"{}\"\n", world.old).into_bytes();
        put(&worker, &before);
        Self { world, worker, before }
    }

    fn args(&self, more: &[&str]) -> Vec<String> {
        let mut all = vec![format!("--target=env:{}#SIGNING_KEY", self.worker.display())];
        all.extend(with(self.world.all(), more));
        all
    }

    /// What the worker would read.
    fn value(&self) -> String {
        let text = std::fs::read_to_string(&self.worker).unwrap();
        text.split('"').nth(1).unwrap().to_owned()
    }

    #[track_caller]
    fn all_old(&self) {
        assert_eq!(std::fs::read(&self.worker).unwrap(), self.before);
        assert_eq!(self.world.env(), self.world.before);
    }

    #[track_caller]
    fn all_new(&self) {
        let new = self.world.value();
        assert!(new != self.world.old && new.len() == 128);
        let expected = String::from_utf8(self.before.clone()).unwrap().replace(&self.world.old, &new);
        assert_eq!(std::fs::read_to_string(&self.worker).unwrap(), expected);
    }
}

#[test]
fn both_targets_get_the_same_new_value() {
    let two = Two::new();
    let plan = two.world.run(&two.args(&["--dry-run"]));
    ends(&plan, 0);
    let text = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(text.contains("2 targets") && text.contains("line 3"), "{text}");
    two.all_old();
    let output = two.world.run(&two.args(&[]));
    ends(&output, 0);
    two.all_new();
    assert_eq!(two.world.status("worker/.env holds the new SIGNING_KEY"), "verified");
    assert_eq!(two.world.status("holds the new SESSION_SECRET"), "verified");
    assert_eq!(two.world.report()["targets"].as_array().unwrap().len(), 2);
    journal_is_whole(&two.world, Kind::Closed);
    nothing_leaks(&two.world, &output, &[&two.world.old, &two.value(), &cookie(&two.world.old)]);
}

#[test]
fn a_target_that_fails_has_the_others_put_back() {
    let two = Two::new();
    let output = two.world.run(&two.args(&[
        &format!("--target=exec:cat >'{}'; exit 3", two.world.path("sink").display()),
        "--read-back=echo x",
    ]));
    ends(&output, 4);
    two.all_old();
    assert!(stderr(&output).contains("ended with 3"), "{}", stderr(&output));
    assert_eq!(two.world.asks(&cookie(&two.world.old)), 200);
}

#[test]
fn a_target_that_somebody_else_changes_meanwhile_keeps_their_change_and_the_others_go_back() {
    let two = Two::new();
    let theirs = b"SIGNING_KEY=theirs\n";
    let args = two.args(&["--fault=write.2:before:wait"]);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut child = two.world.command(&args).spawn().unwrap();
    // The first target has the new value by now, and the second is the one of `--target` that came later.
    while two.world.env() == two.world.before {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    put(&two.worker, theirs);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(two.world.env(), two.world.before);
    assert_eq!(std::fs::read(&two.worker).unwrap(), theirs);
}

#[test]
fn a_rotation_that_is_killed_anywhere_can_be_taken_back_or_finished() {
    for point in ["write", "write.1", "write.2", "reload", "health"] {
        for moment in ["before", "after"] {
            for back in [true, false] {
                let two = Two::new();
                let killed = two.world.run(&two.args(&[&format!("--fault={point}:{moment}:kill")]));
                assert_eq!(killed.status.code(), None, "{point}: {}", stderr(&killed));
                if back && ["reload", "health"].contains(&point) {
                    let refused = two.world.alone(&["--abort", &two.world.id(), "--yes"]).output().unwrap();
                    ends(&refused, 2);
                    two.all_new();
                }
                recovers(&two, back, &format!("{point}:{moment}"));
            }
        }
    }
}

#[test]
fn an_undo_that_is_killed_anywhere_can_be_taken_back_or_finished() {
    for point in ["undo.1", "undo.2"] {
        for moment in ["before", "after"] {
            for back in [true, false] {
                let two = Two::new();
                let fault = format!("--fault={point}:{moment}:kill");
                let sick = two.world.health("never");
                let args = two.args(&[&sick, "--health-timeout=1", "--restore-leaked", &fault]);
                assert_eq!(two.world.run(&args).status.code(), None);
                recovers(&two, back, &format!("{point}:{moment}"));
            }
        }
    }
}

fn recovers(two: &Two, back: bool, point: &str) {
    let (world, id) = (&two.world, two.world.id());
    let health = world.health("healthz");
    let way = if back { "--abort" } else { "--resume" };
    let mut args = vec![way, &id, &health, "--yes"];
    args.extend(back.then_some("--restore-leaked"));
    let output = world.alone(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{way} after {point}: {}", stderr(&output));
    if back {
        two.all_old();
        assert_eq!((world.sessions(), world.asks(&cookie(&world.old))), (3, 200), "{point}");
    } else {
        two.all_new();
        assert_eq!((world.sessions(), world.asks(&cookie(&world.old))), (0, 401), "{point}");
    }
    journal_is_whole(world, Kind::Closed);
    assert!(!world.incident().join("undo.sealed").exists());
    nothing_leaks(world, &output, &[&world.old, &two.value(), &cookie(&world.old)]);
}

#[test]
fn two_targets_in_one_file_are_refused() {
    let world = World::new(&hex_value());
    let again = format!("--target=env:{}#PORT", world.path(".env").display());
    let output = world.run(&with(world.all(), &[&again]));
    ends(&output, 2);
    assert!(stderr(&output).contains("two targets stand in one file"), "{}", stderr(&output));
    assert_eq!(world.env(), world.before);
}
