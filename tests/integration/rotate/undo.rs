//! What a failed reload leaves: the application may have taken the new value before the command failed. And what puts
//! a leaked value back into use: nothing but the operator's own word.

use super::{World, cookie, ends, hex_value, journal_is_whole, nothing_leaks, put, stderr, with};
use unleak::rotate::{Kind, read_journal};

/// A reload that restarts the application and fails anyway, as a command does whose last check fails.
#[test]
fn a_reload_that_fails_twice_leaves_a_value_that_nobody_knows() {
    let world = World::new(&hex_value());
    let reload = format!("--reload={} && sleep 0.2; exit 3", world.reload());
    let output = world.run(&with(world.all(), &[&reload, "--restore-leaked"]));
    ends(&output, 5);
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
    let (said, id) = (stderr(&output), world.id());
    assert!(
        said.contains("is not known") && said.contains(&format!("--abort {id} --restore-leaked")),
        "{said}"
    );
    assert!(!said.contains("undone: the old value is back"), "{said}");
    let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
    assert!(markdown.contains("stopped half-way") && markdown.contains("is not known"));
    nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);

    let again = format!("--reload={}", world.reload());
    ends(&world.run(&with(world.all(), &[&format!("--abort={id}"), &again])), 0);
    assert_eq!(world.asks(&cookie(&world.old)), 200);
}

#[test]
fn a_reload_that_fails_once_is_undone_by_the_second_one() {
    let world = World::new(&hex_value());
    let once = world.path("once");
    let reload =
        format!("--reload={}; test -e '{1}' || {{ touch '{1}'; exit 1; }}", world.reload(), once.display());
    let output = world.run(&with(world.all(), &[&reload, "--restore-leaked"]));
    ends(&output, 4);
    assert!(stderr(&output).contains("with the old value"));
    assert_eq!((world.env(), world.asks(&cookie(&world.old))), (world.before.clone(), 200));
}

#[test]
fn the_arguments_of_a_reload_are_shown_nowhere() {
    let planted = ["wsx-7hqkz-token".to_owned(), hex_value().chars().rev().collect()];
    let world = World::new(&hex_value());
    put(&world.path("app"), b"echo \"unknown arguments: $@\" >&2; exit 2\n");
    let app = world.path("app");
    let reload = format!(
        "--reload=sh {} -H 'Authorization: Bearer {}' -u admin:{}",
        app.display(),
        planted[0],
        planted[1]
    );
    let output = world.run(&with(world.all(), &[&reload]));
    ends(&output, 5);
    assert!(stderr(&output).contains("`sh` with 7 more words"), "{}", stderr(&output));
    nothing_leaks(&world, &output, &[&planted[0], &planted[1]]);
    let dry = world.run(&with(world.all(), &[&reload, "--dry-run"]));
    nothing_leaks(&world, &dry, &[&planted[0], &planted[1]]);
}

/// A weak value is taken out of nothing that is ours, and a word of our source is taken out of everything.
#[test]
fn a_value_that_is_a_word_of_the_source_is_hidden() {
    for (old, shown) in [("verified", true), ("perform_to_the_end", false), ("resident", false)] {
        let world = World::new(old);
        put(&world.path("say"), format!("was {old}").as_bytes());
        let reload = format!("--reload=cat '{}' && false", world.path("say").display());
        let output = world.run(&with(world.all(), &[&reload]));
        ends(&output, 5);
        assert_eq!(stderr(&output).contains(&format!("was {old}")), shown, "{}", stderr(&output));
        assert!(world.report()["status"] == "stopped half-way");
    }
}

/// A rotation that was killed when the application ran with the new value, and no session was deleted yet.
fn in_use() -> World {
    let world = World::new(&hex_value());
    let killed = world.run(&with(world.all(), &["--fault=in-use:before:kill"]));
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    world
}

#[test]
fn a_leaked_value_comes_back_into_use_only_when_that_is_asked_for() {
    let world = in_use();
    let (id, new) = (world.id(), world.value());
    let refused = world.alone(&["--abort", &id, "--yes"]).output().unwrap();
    ends(&refused, 2);
    assert!(stderr(&refused).contains("--restore-leaked"), "{}", stderr(&refused));
    // Nor does it help to plan the way back with a check more.
    let more = world.alone(&["--abort", &id, "--yes", "--health", "http://127.0.0.1:9/"]).output().unwrap();
    ends(&more, 2);
    assert_eq!((world.value(), world.asks(&cookie(&world.old))), (new, 401));

    let output = world.alone(&["--abort", &id, "--restore-leaked", "--yes"]).output().unwrap();
    ends(&output, 0);
    assert_eq!((world.env(), world.sessions()), (world.before.clone(), 3));
    assert_eq!(world.asks(&cookie(&world.old)), 200);
    journal_is_whole(&world, Kind::Closed);
    let journal = read_journal(&world.incident().join("journal.jsonl")).unwrap();
    assert_eq!(journal[0].plan.as_ref().unwrap()["restore_leaked"], false);
    assert!(journal.iter().any(|record| record.detail.contains("because --restore-leaked was given")));
    nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);
}

#[test]
fn a_resumed_rotation_that_fails_does_not_put_it_back_either() {
    let world = in_use();
    let (id, new) = (world.id(), world.value());
    let output = world.alone(&["--resume", &id, "--reload=exit 1", "--yes"]).output().unwrap();
    ends(&output, 5);
    assert!(stderr(&output).contains("every target and stays"), "{}", stderr(&output));
    assert_eq!((world.value(), world.sessions()), (new.clone(), 3));
    let again = format!("--reload={}", world.reload());
    ends(&world.alone(&["--resume", &id, &again, "--yes"]).output().unwrap(), 0);
    assert_eq!((world.value(), world.sessions(), world.asks(&cookie(&world.old))), (new, 0, 401));
}

#[test]
fn a_wish_to_stop_when_the_new_value_is_in_use_keeps_it_unless_that_was_asked_for() {
    for back in [false, true] {
        let world = World::new(&hex_value());
        let mut args = with(world.all(), &["--fault=in-use:before:wait"]);
        args.extend(back.then(|| "--restore-leaked".to_owned()));
        let output = world.interrupted(&args, "ok health", None);
        ends(&output, if back { 4 } else { 5 });
        let plan = stderr(&output);
        assert!(plan.contains("puts the leaked one back"), "{plan}");
        assert_eq!((world.value() == world.old, world.sessions()), (back, 3));
        assert_eq!(world.asks(&cookie(&world.old)), if back { 200 } else { 401 });
        if !back {
            ends(&world.alone(&["--resume", &world.id()]).output().unwrap(), 0);
            assert_eq!((world.sessions(), world.asks(&cookie(&world.old))), (0, 401));
        }
    }
}

#[test]
fn a_new_rotation_of_what_another_has_half_way_is_refused() {
    let world = World::new(&hex_value());
    ends(&world.run(&with(world.all(), &["--reload=exit 1"])), 5);
    let (id, new) = (world.id(), world.value());
    // Another variable of the same file is written together with it.
    let port = format!("--target=env:{}#PORT", world.path(".env").display());
    for refused in [world.run(&world.all()), world.alone(&[&port, "--yes"]).output().unwrap()] {
        ends(&refused, 2);
        let said = stderr(&refused);
        for part in [format!("the rotation {id} of"), format!("--resume {id}"), format!("--abort {id}")] {
            assert!(said.contains(&part), "{said}");
        }
    }
    assert_eq!((world.value(), world.id()), (new, id.clone()));
    let reload = format!("--reload={}", world.reload());
    ends(&world.alone(&["--resume", &id, &reload, "--yes"]).output().unwrap(), 0);
    // Where nothing is half-way any more, a new one starts.
    put(&world.path("cookie"), world.login().as_bytes());
    ends(&world.run(&world.all()), 0);
}

#[test]
fn a_file_of_several_names_is_refused_before_anything_changes() {
    let world = World::new(&hex_value());
    std::fs::hard_link(world.path(".env"), world.path("shared")).unwrap();
    let output = world.run(&world.all());
    ends(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("has 2 names (hard links)") && said.contains("-samefile"), "{said}");
    assert_eq!(
        (world.env(), std::fs::read(world.path("shared")).unwrap()),
        (world.before.clone(), world.before.clone())
    );
    std::fs::remove_file(world.path("shared")).unwrap();
    ends(&world.run(&world.all()), 0);
}
