//! `unleak rotate` against a real application and store: every way it can end, and that nothing leaks on the way.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test's own set-up may panic as the test may")]

mod archive; // unleak incident: what is listed, and that no changed byte is overlooked
mod contain; // the leaked value goes out of the files at HEAD, by a commit
mod exec; // a store behind a command
mod fake; // a server that answers as a test says
mod files; // every form of file that can hold the secret
mod gate; // searches everything that came out for planted values
mod leak; // a rotation that answers a finding of a scan
mod logouts; // users who log out during the purge
pub(crate) mod matrix; // real applications: what ends their sessions, and that a forged one is refused
#[cfg(target_os = "linux")] // looks into /proc
mod memory; // what is left in the process when its secrets are gone
mod moved; // a resumed rotation that would reach another place than the one that began
mod parsers; // what it writes, read by the parsers that applications use
mod platforms; // Kubernetes, GitHub and Vercel, as their documentation says
mod probe; // what the answers to a cookie show, and what they do not
mod reload; // how an application is told: signals, service managers, a cluster
mod resume; // going on with a rotation by its name alone
mod several; // one secret in several targets: all of them change, or none
mod stores; // OpenBao and AWS, as tests/run starts them
mod swarm; // secrets of Docker Swarm, as the documentation of its interface says
mod syscalls; // killed at every system call that changes something
mod systemd; // credentials of systemd, by its own program
mod undo; // what a failed reload leaves
mod world; // the application, its store, its users

use base64::Engine as _;
use gate::nothing_leaks;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};
use unleak::rotate::{Kind, read_journal};
use world::{World, cookie, deadline, put};

fn hex_value() -> String {
    "9f86d081884c7d659a2feaa0c55ad015".repeat(4)
}

fn planted() -> [String; 3] {
    [
        hex_value(),
        base64::engine::general_purpose::STANDARD.encode((0..48).map(|n| n * 5 + 7).collect::<Vec<u8>>()),
        "tr0ub4dor & kitten".to_owned(),
    ]
}

#[track_caller]
fn ends(output: &Output, code: i32) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn journal_is_whole(world: &World, last: Kind) {
    let records = read_journal(&world.incident().join("journal.jsonl")).unwrap();
    assert_eq!(records.last().unwrap().event, last);
}

fn with(mut args: Vec<String>, more: &[&str]) -> Vec<String> {
    for new in more {
        let name = new.split('=').next().unwrap();
        args.retain(|old| old.split('=').next().unwrap() != name);
        args.push((*new).to_owned());
    }
    args
}

#[test]
fn a_rotation_ends_the_old_session_and_proves_it() {
    for old in planted() {
        let world = World::new(&old);
        let before = cookie(&old);
        assert_eq!(world.asks(&before), 200);
        let output = world.run(&with(world.all(), &["--format=json"]));
        ends(&output, 0);
        let new = world.value();
        assert!(new.len() == 128 && new != old);
        // Everything but the value is as it was.
        let expected = String::from_utf8(world.before.clone()).unwrap().replace(&old, &new);
        assert_eq!(String::from_utf8(world.env()).unwrap(), expected);
        assert_eq!((world.asks(&before), world.sessions()), (401, 0));
        for claim in ["holds the new", "healthy", "backed up and deleted", "alive before is refused"] {
            assert_eq!(world.status(claim), "verified", "{claim}");
        }
        assert_eq!(world.status("new login"), "not checked");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["purges"][0]["deleted"], 3);
        assert_eq!(report["purges"][0]["backed_up"], 3);
        let answers: Vec<_> =
            report["answers"].as_array().unwrap().iter().map(|a| a["answer"]["Ok"].clone()).collect();
        assert_eq!(answers, [200, 401, 401, 401, 401, 401, 401, 401, 401]);
        let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
        assert!(
            markdown.contains("REDACTED-128-CHARACTER-HEX-STRING") && markdown.contains("Residual risks")
        );
        for claim in ["zero risk", "ZERO", "secure", "None -"] {
            assert!(!markdown.contains(claim), "{claim}");
        }
        journal_is_whole(&world, Kind::Closed);
        assert!(!world.incident().join("undo.sealed").exists());
        nothing_leaks(&world, &output, &[&old, &new, &before, world::SESSION]);
    }
}

#[test]
fn a_dry_run_changes_nothing_and_leaves_nothing() {
    let world = World::new(&hex_value());
    let output = world.run(&with(world.all(), &["--dry-run"]));
    ends(&output, 0);
    let plan = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(plan.contains("class A") && plan.contains("3 sessions") && plan.contains("line 3"), "{plan}");
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
    assert!(!world.path("state").exists());
    nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);
}

#[test]
fn a_failure_after_the_first_reload_began_keeps_the_new_value_and_says_how_to_go_on() {
    let world = World::new(&hex_value());
    // The command shows all it can, in two encodings, and keeps the new value for this test.
    let shows = format!(
        "--reload=cd '{}' && cp .env seen && cat .env && base64 .env && xxd -p .env; exit 7",
        world.dir.path().display()
    );
    let output = world.run(&with(world.all(), &[&shows]));
    ends(&output, 5);
    let said = stderr(&output);
    assert!(said.contains("ended with 7") && said.contains("[REDACTED]"), "{said}");
    assert!(said.contains("which value the application runs with is not known"), "{said}");
    stays(&world, &said);
    nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);

    let world = World::new(&planted()[2]);
    let started = Instant::now();
    let output = world.run(&with(world.all(), &[&world.health("never"), "--health-timeout=1"]));
    deadline(started, Duration::from_secs(30));
    ends(&output, 5);
    stays(&world, &stderr(&output));
    assert_eq!(world.asks(&cookie(&world.old)), 401);
    nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
}

/// The new value stands, nothing is deleted, both ways on are named, and the way back is not taken without the word.
fn stays(world: &World, said: &str) {
    let (id, new) = (world.id(), world.value());
    assert!(new != world.old && world.sessions() == 3);
    journal_is_whole(world, Kind::Closed);
    for command in [format!("--resume {id}"), format!("--abort {id} --restore-leaked")] {
        assert!(said.contains(&command), "{said}");
    }
    let refused = world.alone(&["--abort", &id, "--yes"]).output().unwrap();
    ends(&refused, 2);
    assert!(stderr(&refused).contains("whoever has it can go on using it"), "{}", stderr(&refused));
    assert_eq!(world.value(), new);
}

#[test]
fn a_failure_puts_a_leaked_value_back_where_that_was_asked_for() {
    let world = World::new(&planted()[2]);
    let sick = world.health("never");
    let output = world.run(&with(world.all(), &[&sick, "--health-timeout=1", "--restore-leaked"]));
    ends(&output, 4);
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
    // The application took the old value again.
    assert_eq!(world.asks(&cookie(&world.old)), 200);
    assert!(!world.incident().join("undo.sealed").exists());
    nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);
}

#[test]
fn what_graceful_says_has_not_leaked_is_put_back_without_a_word() {
    let graceful = |world: &World| {
        let (reload, sick) = (format!("--reload={}", world.reload()), world.health("never"));
        [&*reload, &*sick, "--health-timeout=1", "--graceful=24h", "--yes"].map(str::to_owned)
    };
    let world = World::new(&hex_value());
    ends(&world.run(&graceful(&world)), 4);
    assert_eq!((world.env(), world.asks(&cookie(&world.old))), (world.before.clone(), 200));

    let world = World::new(&hex_value());
    let killed = world.run(&[&graceful(&world)[..], &["--fault=health:before:kill".to_owned()]].concat());
    assert_eq!(killed.status.code(), None);
    ends(&world.alone(&["--abort", &world.id(), &world.health("healthz"), "--yes"]).output().unwrap(), 0);
    assert_eq!((world.env(), world.asks(&cookie(&world.old))), (world.before.clone(), 200));

    // Said afterwards, it counts for nothing.
    let world = World::new(&hex_value());
    let killed = world.run(&with(world.all(), &["--fault=health:before:kill"]));
    assert_eq!(killed.status.code(), None);
    ends(&world.alone(&["--abort", &world.id(), "--graceful=24h", "--yes"]).output().unwrap(), 2);
    assert!(world.value() != world.old);
}

#[test]
fn a_reload_that_hangs_is_ended_with_everything_it_started() {
    let world = World::new(&hex_value());
    let started = Instant::now();
    let output = world.run(&with(world.all(), &["--reload=sleep 300 & sleep 300", "--reload-timeout=1"]));
    deadline(started, Duration::from_secs(30));
    ends(&output, 5);
    stays(&world, &stderr(&output));
}

#[test]
fn what_shows_nothing_is_refused_before_anything_changes() {
    let world = World::new(&hex_value());
    put(&world.path("cookie"), b"sid=dead.0000");
    let dead = world.run(&world.all());
    ends(&dead, 2);
    assert!(stderr(&dead).contains("401") && stderr(&dead).contains("hint"));
    put(&world.path("cookie"), cookie(&world.old).as_bytes());
    let open = world.probed()[0].replace("/me?x=1", "/open");
    let public = world.run(&with(world.all(), &[&open]));
    ends(&public, 2);
    assert!(stderr(&public).contains("without a cookie"));
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
    nothing_leaks(&world, &public, &[&world.old, &cookie(&world.old)]);
}

#[test]
fn a_cookie_that_still_works_is_a_failed_verification() {
    let world = World::new(&hex_value());
    // Nothing reloads the application, and nothing is purged.
    let args = with(world.probed(), &["--yes"]);
    let output = world.run(&args);
    ends(&output, 6);
    assert_eq!(world.status("alive before is refused"), "failed");
    assert_eq!(world.status("told to take"), "not checked");
    assert_eq!(world.status("backed up"), "not checked");
    nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
}

#[test]
fn ctrl_c_at_each_step_leaves_the_old_value_or_a_finished_rotation() {
    for step in ["write", "reload", "health"] {
        let world = World::new(&hex_value());
        let args = with(world.all(), &[&format!("--fault={step}:before:wait")]);
        let started = Instant::now();
        let output = world.interrupted(&args, step, None);
        deadline(started, Duration::from_secs(40));
        if step == "write" {
            ends(&output, 4);
            assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
            journal_is_whole(&world, Kind::Closed);
        } else {
            ends(&output, 5);
            stays(&world, &stderr(&output));
            ends(&world.alone(&["--resume", &world.id()]).output().unwrap(), 0);
            assert_eq!((world.sessions(), world.asks(&cookie(&world.old))), (0, 401), "{step}");
        }
        nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
    }
    for step in ["purge", "purge-again", "verify"] {
        let world = World::new(&hex_value());
        let args = with(world.all(), &[&format!("--fault={step}:before:wait")]);
        let output = world.interrupted(&args, step, None);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(world.value() != world.old && world.sessions() == 0);
        nothing_leaks(&world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
    }
}

#[test]
fn a_reload_under_way_is_stopped_by_ctrl_c() {
    let world = World::new(&hex_value());
    let once = world.path("once");
    let reload = format!("--reload=test -e '{0}' || {{ touch '{0}'; sleep 300; }}", once.display());
    let started = Instant::now();
    let output = world.interrupted(&with(world.all(), &[&reload]), "reload", Some(&once));
    deadline(started, Duration::from_secs(40));
    ends(&output, 5);
    stays(&world, &stderr(&output));
}

#[test]
fn a_killed_rotation_leaves_the_old_bytes_or_the_new_ones_and_a_whole_journal() {
    for step in ["write", "reload", "health", "purge", "purge-again", "verify"] {
        for moment in ["before", "after"] {
            let world = World::new(&hex_value());
            let output = world.run(&with(world.all(), &[&format!("--fault={step}:{moment}:kill")]));
            assert_eq!(output.status.code(), None, "{}", stderr(&output));
            let new = world.value();
            let rewritten = String::from_utf8(world.before.clone()).unwrap().replace(&world.old, &new);
            assert_eq!(String::from_utf8(world.env()).unwrap(), rewritten);
            assert_eq!(new == world.old, (step, moment) == ("write", "before"));
            let purged = matches!((step, moment), ("purge", "after") | ("purge-again" | "verify", _));
            assert_eq!(world.sessions(), if purged { 0 } else { 3 });
            read_journal(&world.incident().join("journal.jsonl")).unwrap();
            nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);
            recovers(&world, step);
        }
    }
}

/// After a crash `--abort` brings the old value back, unless a reload had begun; `--resume` finishes.
fn recovers(world: &World, crashed_at: &str) {
    let id = world.id();
    let run = |args: &[&str]| world.alone(args).output().unwrap();
    if crashed_at == "write" {
        ends(&run(&["--abort", &id]), 2);
        ends(&run(&["--abort", &id, "--yes"]), 0);
        assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
        assert_eq!(world.asks(&cookie(&world.old)), 200);
    } else {
        ends(&run(&["--abort", &id, "--yes"]), 2);
        let written = world.value();
        let output = run(&["--resume", &id]);
        ends(&output, 0);
        assert_eq!((world.value(), world.sessions()), (written, 0));
        assert_eq!(world.asks(&cookie(&world.old)), 401);
        for claim in ["holds the new", "backed up and deleted", "alive before is refused"] {
            assert_eq!(world.status(claim), "verified", "{crashed_at}: {claim}");
        }
        nothing_leaks(world, &output, &[&world.old, &world.value(), &cookie(&world.old)]);
    }
    journal_is_whole(world, Kind::Closed);
    for file in ["undo.sealed", "request.sealed"] {
        assert!(!world.incident().join(file).exists());
    }
    ends(&run(&["--resume", &id]), 2);
}

#[test]
fn a_purge_that_fails_keeps_the_new_value_and_can_be_resumed() {
    let world = World::new(&hex_value());
    let (db, gone) = (world.path("db"), world.path("gone"));
    let reload = format!("--reload={} && mv '{}' '{}'", world.reload(), db.display(), gone.display());
    let args: Vec<_> = world.all().into_iter().filter(|arg| !arg.starts_with("--probe")).collect();
    let output = world.run(&with(args, &[&reload]));
    ends(&output, 5);
    let new = world.value();
    assert!(new != world.old && stderr(&output).contains("--resume"));
    nothing_leaks(&world, &output, &[&world.old, &new]);
    std::fs::copy(&gone, &db).unwrap();
    let id = world.id();
    ends(
        &world.alone(&["--resume", &id, &format!("--reload={}", world.reload()), "--yes"]).output().unwrap(),
        0,
    );
    assert_eq!((world.value(), world.sessions()), (new, 0));
    assert_eq!(world.status("backed up and deleted"), "verified");
}

#[test]
fn bad_input_is_refused_with_the_next_step_and_nothing_is_changed() {
    let world = World::new(&hex_value());
    let target = |path: &Path, name: &str| format!("--target=env:{}#{name}", path.display());
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", world.dir.path()).arg("rotate").args(args);
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let env = world.path(".env");
    put(&world.path("latin"), b"SESSION_SECRET=\xff\xfe\n");
    let good = target(&env, "SESSION_SECRET");
    let store = format!("--store=postgres://app:{}@127.0.0.1:1/x", world.old);
    for (args, says) in [
        (vec!["--target=nonsense", "--yes"], "env:PATH#NAME"),
        (vec![&*target(&env, "MISSING"), "--yes"], "no variable MISSING"),
        (vec![&*target(&world.path("gone"), "S"), "--yes"], "cannot read"),
        (vec![&*target(world.dir.path(), "S"), "--yes"], "not a regular file"),
        (vec![&*target(&world.path("latin"), "SESSION_SECRET"), "--yes"], "not UTF-8"),
        (vec![&*good], "--yes"),
        (vec![&*good, "--yes", "--health=ftp://x/"], "neither http nor https"),
        (vec![&*good, "--yes", "--incident-id=../x"], "a new incident cannot have this id"),
        (vec![&*good, "--yes", "--incident-id=INC-1"], "INC-20251119-001"),
        (vec!["--resume=../x"], "incident id"),
        (vec![&*good, "--yes", "--store=sqlite:/nowhere/db"], "store"),
        (vec![&*good, "--yes", &*store], "process list"),
        (vec![&*good, "--yes", "--probe=http://127.0.0.1:1/", "--probe-cookie-from=sid=x"], "file:PATH"),
        (vec![&*good, "--yes", "--store-from=env:UNSET"], "UNSET is not set"),
    ] {
        let output = run(&args);
        ends(&output, 2);
        assert!(stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
        assert_eq!(world.env(), world.before);
        nothing_leaks(&world, &output, &[&world.old]);
    }
}

#[test]
fn a_link_stays_and_every_duplicate_and_fallback_goes() {
    let world = World::new(&hex_value());
    let old = &world.old;
    let text =
        format!("export SESSION_SECRET={old}\nSESSION_SECRET=\"{old}\"\nSESSION_SECRET_FALLBACKS=x,{old}\n");
    put(&world.path("real"), text.as_bytes());
    std::fs::remove_file(world.path(".env")).unwrap();
    std::os::unix::fs::symlink("real", world.path(".env")).unwrap();
    let output = world.run(&["--yes".to_owned()]);
    ends(&output, 0);
    assert!(std::fs::symlink_metadata(world.path(".env")).unwrap().is_symlink());
    let new = world.value();
    let expected =
        format!("export SESSION_SECRET={new}\nSESSION_SECRET=\"{new}\"\nSESSION_SECRET_FALLBACKS=x\n");
    assert_eq!(String::from_utf8(world.env()).unwrap(), expected);
    assert!(stderr(&output).contains("2 times") && stderr(&output).contains("SESSION_SECRET_FALLBACKS"));
}

#[test]
fn an_old_value_inside_other_values_is_told_by_their_names() {
    let world = World::new(&hex_value());
    let old = &world.old;
    let text = format!(
        "export SESSION_SECRET={old}\nURL=redis://:{old}@h/0\nJSON='{{\"k\":\"{old}\"}}'\nB64={}\n",
        base64::engine::general_purpose::STANDARD.encode(format!("user:{old}"))
    );
    put(&world.path(".env"), text.as_bytes());
    let plan = world.run(&["--dry-run".to_owned()]);
    let output = world.run(&["--yes".to_owned()]);
    ends(&output, 6);
    let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
    for (name, line) in [("URL", 2), ("JSON", 3), ("B64", 4)] {
        assert!(String::from_utf8_lossy(&plan.stdout).contains(&format!("{name} (line {line})")));
        assert!(markdown.contains(&format!("still stands in {name} (line {line})")), "{markdown}");
    }
    assert_eq!(world.status("old value nowhere"), "failed");
    nothing_leaks(&world, &plan, &[old]);
    nothing_leaks(&world, &output, &[old]);
}

#[test]
fn a_weak_word_does_not_tear_the_report() {
    let world = World::new("secret");
    let output = world.run(&world.all());
    ends(&output, 0);
    let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
    assert!(markdown.contains("session secret rotation"));
    assert!(stderr(&output).contains("SESSION_SECRET replaced"));
}
