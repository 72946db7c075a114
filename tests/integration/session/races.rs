//! Two at work on the same sessions: each tells what it deleted itself, and the backups of both bring all back.

use super::commands::{exit, said};
use super::fixture::{names, spec};
use super::place::{Place, TABLES};
use super::proxy::{Act, Proxy, Way};
use super::redis::Database;
use redis::cmd;
use std::process::{Command, Output, Stdio};
use unleak::session::{BackupKey, Options, ProcedurePlan, Selection, Store};

/// `unleak ARGS` on a store, with a state folder of its own.
fn unleak(home: &std::path::Path, url: &str, args: &[&str]) -> Output {
    let source = home.join("url");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), url.as_bytes()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command
        .env_clear()
        .env("USER", "ada")
        .current_dir(home)
        .arg("--state")
        .arg(home.join("state"))
        .args(args);
    if args[0] == "sessions" {
        command.arg(format!("--store-from=file:{}", source.display()));
    }
    command.stdin(Stdio::null()).output().unwrap()
}

/// How the script begins that deletes what is still as it was backed up.
const SCRIPT: &str = "local read, small, unlink";

/// Deletes keys before the first script of a purge comes to the server.
fn somebody_deletes(proxy: &Proxy, url: &str, keys: std::ops::Range<u32>) {
    let url = url.to_owned();
    proxy.at_statement(SCRIPT, 1, move || {
        let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
        let mut del = cmd("DEL");
        for n in keys.clone() {
            del.arg(format!("sess:tok-{n:06}"));
        }
        del.query::<()>(&mut connection).unwrap();
        Act::Pass
    });
}

/// Between the backup and the delete there is room for somebody else.
#[tokio::test]
async fn what_somebody_else_deleted_is_not_claimed_on_redis() {
    for (theirs, deleted, backups) in [(300, 700, 1), (1000, 0, 0)] {
        let database = Database::new().await;
        database.express(1000).await;
        let home = tempfile::tempdir().unwrap();
        let proxy = Proxy::before(&database.url);
        somebody_deletes(&proxy, &database.url, 0..theirs);
        let url = proxy.url(&database.url);
        let output = unleak(home.path(), &url, &["sessions", "purge", "--yes", "--format", "json"]);
        assert_eq!(exit(&output), 6, "{}", said(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let number = |name: &str| report["report"][name].as_u64().unwrap();
        assert_eq!(
            (
                number("deleted"),
                number("backed_up"),
                number("gone"),
                number("taken"),
                number("selected_after")
            ),
            (deleted, deleted, u64::from(theirs), u64::from(theirs), 0)
        );
        assert!(said(&output).contains("somebody else is at work too"), "{}", said(&output));
        assert_eq!(names(&home.path().join("state/backups")).len(), backups);
        let audit = said(&unleak(home.path(), &url, &["audit", "show"]));
        let told =
            format!("{deleted} deleted, 0 selected after; 0 of 1000 sessions left; {theirs} were gone");
        assert!(audit.contains(&told), "{audit}");
    }
}

/// A session whose time comes in between is nobody's doing, and not ours either.
#[tokio::test]
async fn what_ended_by_itself_is_not_claimed_on_redis() {
    let database = Database::new().await;
    database.express(100).await;
    for n in 0..10 {
        database.set(&format!("sess:short-{n}"), r#"{"cookie":{}}"#, 900).await;
    }
    let home = tempfile::tempdir().unwrap();
    let proxy = Proxy::before(&database.url);
    let url = database.url.clone();
    // They have little time left when they are read, and none when they are to be deleted.
    proxy.watch(move |way, piece| {
        let is = |words: &str| way == Way::Up && memchr::memmem::find(piece, words.as_bytes()).is_some();
        let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
        let mut ask = |name: &str, n: u32, argument: Option<u32>| {
            let mut command = cmd(name);
            command.arg(format!("sess:short-{n}")).arg(argument);
            command.query::<i64>(&mut connection).unwrap()
        };
        if is("\r\n8191\r\n") {
            (0..10).for_each(|n| assert!(ask("PEXPIRE", n, Some(1500)) >= 0));
        }
        while is(SCRIPT) && (0..10).any(|n| ask("EXISTS", n, None) > 0) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Act::Pass
    });
    let output =
        unleak(home.path(), &proxy.url(&database.url), &["sessions", "purge", "--yes", "--format", "json"]);
    assert_eq!(exit(&output), 0, "{}", said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = &report["report"];
    assert_eq!((&report["deleted"], &report["gone"], &report["taken"]), (&100.into(), &10.into(), &0.into()));
}

#[tokio::test]
async fn two_purges_at_once_tell_each_session_once_on_redis() {
    let database = Database::new().await;
    database.express(20_000).await;
    let before = database.dump().await;
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let keys = [BackupKey::generate().unwrap(), BackupKey::generate().unwrap()];
    let (mut one, mut other) = (database.open().await.unwrap(), database.open().await.unwrap());
    let (spec_one, spec_other) = (spec(dirs[0].path(), &keys[0]), spec(dirs[1].path(), &keys[1]));
    let (first, second) = tokio::join!(one.purge(&spec_one), other.purge(&spec_other));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.deleted + second.deleted, 20_000, "{first:?} {second:?}");
    assert_eq!((first.after.total, second.after.total), (0, 0));
    for (dir, key) in dirs.iter().zip(&keys) {
        for name in names(dir.path()) {
            one.restore(&dir.path().join(name), key).await.unwrap();
        }
    }
    assert!(database.dump().await == before);
}

/// Locks see to it that each row is in one of the two reports, and in that one's backups.
#[tokio::test]
async fn two_purges_at_once_tell_each_row_once() {
    let rows: Vec<String> =
        (0..1000).map(|n| format!("('tok-{n}', 1, '2100-01-01 00:00:00', NULL, {n})")).collect();
    let sql = format!("{TABLES}; INSERT INTO sessions VALUES {}", rows.join(", "));
    for place in Place::every(&sql).await {
        let before = place.tokens().await;
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let key = BackupKey::generate().unwrap();
        let run = async |dir: &std::path::Path| {
            let url = place.url().parse().unwrap();
            let mut store = Store::connect(&url, &Options::default()).await.unwrap();
            let plan = ProcedurePlan::prepare(&mut store, Selection::All, None).await.unwrap();
            let spec = spec(dir, &key);
            Box::pin(plan.apply(&mut store, &spec, Some(50), &|| false, &mut |_| {})).await
        };
        let (first, second) = tokio::join!(run(dirs[0].path()), run(dirs[1].path()));
        let mut deleted = 0;
        for done in [&first, &second] {
            let done = done.as_ref().unwrap();
            assert!(done.cause.is_none(), "{}: {done:?}", place.name());
            assert_eq!(done.deleted, done.backups.iter().map(|backup| backup.rows).sum::<u64>());
            assert_eq!(done.gone, 0, "{}", place.name());
            deleted += done.deleted;
        }
        // Who finds all rows of a batch taken by the other may end before the other has.
        assert_eq!(
            deleted + place.tokens().await.len() as u64,
            1000,
            "{}: {first:?} {second:?}",
            place.name()
        );
        run(dirs[0].path()).await.unwrap();
        assert!(place.tokens().await.is_empty(), "{}", place.name());
        let mut store = place.open().await;
        for dir in &dirs {
            for name in names(dir.path()) {
                store.restore(&dir.path().join(name), &key).await.unwrap();
            }
        }
        assert!(place.tokens().await == before, "{}", place.name());
    }
}

/// The connection is lost while rows go: not at all yet, after some batches, for a moment and for good.
#[tokio::test]
async fn a_lost_connection_exits_as_half_done_and_says_how_to_go_on() {
    let row = |n: u32| format!("('tok-{n}', 1, '2001-01-01 00:00:00', NULL, {n})");
    let rows: Vec<String> = (0..500).map(row).collect();
    let sql = format!("{TABLES}; INSERT INTO sessions VALUES {}", rows.join(", "));
    let args = ["sessions", "expired", "--yes", "--zone", "UTC", "--batch", "100"];
    for place in Place::every(&sql).await {
        let words = match place.name() {
            "PostgreSQL" => "COPY (DELETE",
            "MariaDB" => "START TRANSACTION",
            _ => continue,
        };
        let before = place.tokens().await;
        for (nth, is_for_good, deleted) in [(1, false, 0), (3, false, 200), (3, true, 200)] {
            let home = tempfile::tempdir().unwrap();
            let proxy = Proxy::before(&place.url());
            proxy.at_statement(words, nth, move || if is_for_good { Act::Silence(0) } else { Act::Cut(0) });
            let output = unleak(home.path(), &proxy.url(&place.url()), &args);
            let text = said(&output);
            assert_eq!(exit(&output), 5, "{} {nth} {is_for_good}: {text}", place.name());
            assert!(text.contains("`unleak sessions expired` with the same options goes on"), "{text}");
            let backups = names(&home.path().join("state/backups"));
            assert_eq!(backups.len() as u64 * 100, deleted, "{}: {text}", place.name());
            if deleted == 0 {
                assert!(text.contains("0 of 500 sessions were deleted"), "{text}");
            } else {
                assert!(
                    text.contains("200 deleted") || text.contains("200 of 500 sessions were deleted"),
                    "{text}"
                );
                assert!(backups.iter().all(|name| text.contains(name)), "{text}");
            }
            let audit = said(&unleak(home.path(), &place.url(), &["audit", "show"]));
            assert!(
                audit.contains("sessions expired stopped") || audit.contains("sessions expired failed"),
                "{audit}"
            );
            assert_eq!(place.tokens().await.len() as u64, 500 - deleted, "{}", place.name());
            let again = unleak(home.path(), &place.url(), &args);
            assert_eq!(exit(&again), 0, "{}", said(&again));
            assert!(place.tokens().await.is_empty(), "{}", place.name());
            let mut store = place.open().await;
            let key = BackupKey::load(&home.path().join("state/backup.key")).unwrap();
            for name in names(&home.path().join("state/backups")) {
                store.restore(&home.path().join("state/backups").join(name), &key).await.unwrap();
            }
            assert!(place.tokens().await == before, "{}", place.name());
        }
    }
}
