//! A clean-up that is killed between and in its batches: no row is lost that is in no backup, and a second run finishes.

use super::commands::{exit, said};
use super::fixture::names;
use super::place::{Place, TABLES};
use super::redis::Database;
use redis::cmd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use unleak::session::{BackupKey, Options, Settled, Store};

const EXPIRED: usize = 3000;
const LIVE: usize = 300;

/// `unleak sessions ARGS` with a state folder in `home`, for the store at `url`.
fn unleak(home: &Path, url: &str, args: &[&str]) -> Command {
    let source = home.join("url");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), url.as_bytes()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().env("USER", "ada").current_dir(home).arg("--state").arg(home.join("state"));
    command.arg("sessions").args(args).arg(format!("--store-from=file:{}", source.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn expired(home: &Path, url: &str) -> Output {
    let args = ["expired", "--yes", "--zone=UTC", "--batch=100"];
    unleak(home, url, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// Runs a clean-up and kills it when so many files were there; gives whether it was still at it.
fn kill_after(home: &Path, url: &str, files: usize) -> bool {
    let mut child = unleak(home, url, &["expired", "--yes", "--zone=UTC", "--batch=100"]).spawn().unwrap();
    while names(&home.join("state/backups")).len() < files {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// Finds out how what was left unsettled ended, as an operator does.
async fn settle(home: &Path, url: &str) {
    let folder = home.join("state/backups");
    let Ok(key) = BackupKey::load(&home.join("state/backup.key")) else { return };
    for name in names(&folder).iter().filter(|name| name.ends_with(".prepared")) {
        let mut store = Store::connect(&url.parse().unwrap(), &Options::default()).await.unwrap();
        let settled = store.settle(&folder.join(name), &key).await.unwrap();
        assert!(!matches!(settled, Settled::Unknown), "{settled:?}");
    }
}

async fn restore_all(home: &Path, url: &str) {
    let folder = home.join("state/backups");
    let key = BackupKey::load(&home.join("state/backup.key")).unwrap();
    let mut store = Store::connect(&url.parse().unwrap(), &Options::default()).await.unwrap();
    for name in names(&folder).iter().filter(|name| name.ends_with(".backup")) {
        store.restore(&folder.join(name), &key).await.unwrap();
    }
}

#[tokio::test]
async fn no_row_is_lost_on_any_database() {
    let row = |n: usize| {
        let year = if n < EXPIRED { 2001 } else { 2099 };
        format!("('tok-{n}', 1, '{year}-01-01 00:00:00', NULL, NULL)")
    };
    let rows: Vec<String> = (0..EXPIRED + LIVE).map(row).collect();
    let sql = format!("{TABLES}; INSERT INTO sessions VALUES {}", rows.join(", "));
    for place in Place::every(&sql).await {
        let (home, url, all) = (place.dir.path(), place.url(), place.tokens().await);
        for files in [1, 4, 12] {
            kill_after(home, &url, files);
            settle(home, &url).await;
        }
        let done = expired(home, &url);
        assert_eq!(exit(&done), 0, "{}: {}", place.name(), said(&done));
        assert_eq!(place.tokens().await.len(), LIVE, "{}", place.name());
        restore_all(home, &url).await;
        assert!(place.tokens().await == all, "{}", place.name());
    }
}

#[tokio::test]
async fn no_session_is_lost_on_redis() {
    let database = Database::new().await;
    let mut pipe = redis::pipe();
    for n in 0..EXPIRED {
        let value = format!(r#"{{"cookie":{{"expires":"2001-01-01T00:00:00Z"}},"n":{n}}}"#);
        pipe.cmd("SET").arg(format!("sess:tok-{n}")).arg(value);
    }
    database.express(u32::try_from(LIVE).unwrap()).await;
    database.pipe(&pipe).await;
    let before = database.dump().await;
    let home = tempfile::tempdir().unwrap();
    for files in [1, 3, 8] {
        kill_after(home.path(), &database.url, files);
        settle(home.path(), &database.url).await;
    }
    let done = expired(home.path(), &database.url);
    assert_eq!(exit(&done), 0, "{}", said(&done));
    assert_eq!(database.run::<usize>(&cmd("DBSIZE")).await, LIVE);
    restore_all(home.path(), &database.url).await;
    assert!(database.dump().await == before);
}
