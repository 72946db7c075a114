//! `--resume ID` and `--abort ID` with nothing else, from another folder: what a rotation needs is remembered.

use super::{World, cookie, ends, hex_value, nothing_leaks, put, stderr, with};
use std::path::PathBuf;

/// A rotation that was killed right after its purge.
fn purged() -> World {
    let world = World::new(&hex_value());
    let killed = world.run(&with(world.all(), &["--fault=purge:after:kill"]));
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    world
}

fn backup(world: &World) -> PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(world.path("state/backups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[test]
fn paths_that_were_typed_in_another_folder_still_lead_there() {
    let world = World::new(&hex_value());
    let args = [
        "--target=env:.env#SESSION_SECRET",
        "--store=sqlite:db",
        "--probe-cookie-from=file:cookie",
        "--reload=touch reload",
        "--fault=purge:before:kill",
        "--yes",
        &world.account(),
    ];
    let killed = world.alone(&args).current_dir(world.dir.path()).output().unwrap();
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    let output = world.alone(&["--resume", &world.id()]).output().unwrap();
    ends(&output, 0);
    assert_eq!((world.sessions(), world.asks(&cookie(&world.old))), (0, 401));
    assert_eq!(world.status("alive before is refused"), "verified");
    nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
}

#[test]
fn a_purge_that_was_committed_is_settled_by_its_backup() {
    let world = purged();
    // As if the crash had come right after the commit.
    let file = backup(&world);
    std::fs::copy(&file, file.with_extension("prepared")).unwrap();
    std::fs::remove_file(&file).unwrap();
    let output = world.alone(&["--resume", &world.id()]).output().unwrap();
    ends(&output, 0);
    assert_eq!(backup(&world), file);
    assert_eq!(world.status("backed up and deleted"), "verified");
    assert!(stderr(&output).contains("3 deleted by the run before"), "{}", stderr(&output));
}

#[test]
fn a_purge_that_was_rolled_back_is_done_again() {
    let world = World::new(&hex_value());
    std::fs::copy(world.path("db"), world.path("full")).unwrap();
    let killed = world.run(&with(world.all(), &["--fault=purge:after:kill"]));
    assert_eq!(killed.status.code(), None);
    let file = backup(&world);
    let prepared = file.with_extension("prepared");
    std::fs::copy(&file, &prepared).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(world.path("full"), world.path("db")).unwrap();
    let output = world.alone(&["--resume", &world.id()]).output().unwrap();
    ends(&output, 0);
    assert!(!prepared.exists() && backup(&world) != file);
    assert_eq!((world.sessions(), world.status("backed up and deleted")), (0, "verified".to_owned()));
}

#[test]
fn a_backup_that_cannot_be_opened_is_told_and_stops_no_purge() {
    let world = purged();
    put(&world.path("state/backup.key"), &hex_value().as_bytes()[..64]);
    let output = world.alone(&["--resume", &world.id()]).output().unwrap();
    ends(&output, 6);
    assert_eq!((world.sessions(), world.status("interrupted purge")), (0, "failed".to_owned()));
}

#[test]
fn nothing_puts_the_leaked_value_back_once_the_purge_had_begun() {
    let world = purged();
    let new = world.value();
    let output = world.alone(&["--resume", &world.id(), "--reload=exit 1", "--yes"]).output().unwrap();
    ends(&output, 5);
    assert_eq!((world.value(), world.sessions()), (new.clone(), 0));
    assert!(stderr(&output).contains("every target and stays"), "{}", stderr(&output));
    ends(&world.alone(&["--resume", &world.id()]).output().unwrap(), 0);
    assert_eq!(world.value(), new);
}

#[test]
fn what_is_given_anew_is_asked_about_and_counts() {
    let world = purged();
    let id = world.id();
    let other = world.path("other");
    std::fs::copy(world.path(".env"), &other).unwrap();
    let target = format!("--target=env:{}#SESSION_SECRET", other.display());
    let output = world.alone(&["--resume", &id, &target, "--yes"]).output().unwrap();
    ends(&output, 2);
    assert!(stderr(&output).contains("is about env:"), "{}", stderr(&output));
    let output = world.alone(&["--resume", &id, "--severity=P1"]).output().unwrap();
    ends(&output, 2);
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    std::fs::remove_file(world.path("cookie")).unwrap();
    let output = world.alone(&["--resume", &id]).output().unwrap();
    ends(&output, 2);
    assert!(stderr(&output).contains("cookie: No such file"), "{}", stderr(&output));
    put(&world.path("fresh"), b"sid=another.0123456789");
    let fresh = format!("--probe-cookie-from=file:{}", world.path("fresh").display());
    ends(&world.alone(&["--resume", &id, &fresh, "--yes"]).output().unwrap(), 0);
    assert_eq!(world.status("alive before is refused"), "not checked");
}

#[test]
fn what_a_killed_purge_left_of_its_backup_goes_and_what_is_being_written_stays() {
    let world = purged();
    let file = backup(&world);
    let partial = |name: &str| {
        let path = file.with_file_name(name).with_extension("partial");
        std::fs::copy(&file, &path).unwrap();
        path
    };
    let (ours, busy, other) = (partial("ours"), partial("busy"), partial("other"));
    let writing = std::fs::File::open(&busy).unwrap();
    writing.lock().unwrap();
    // Of another incident: its name stands in the head, which is no secret.
    let bytes = String::from_utf8_lossy(&std::fs::read(&other).unwrap()).contains(&world.id());
    assert!(bytes, "the head names the incident");
    let renamed: Vec<u8> = {
        let bytes = std::fs::read(&other).unwrap();
        let at = memchr::memmem::find(&bytes, world.id().as_bytes()).unwrap();
        [&bytes[..at + world.id().len() - 1], b"9", &bytes[at + world.id().len()..]].concat()
    };
    put(&other, &renamed);
    let output = world.alone(&["--resume", &world.id()]).output().unwrap();
    ends(&output, 0);
    assert!(stderr(&output).contains("half-written backup"), "{}", stderr(&output));
    assert_eq!((ours.exists(), busy.exists(), other.exists()), (false, true, true));
}
