//! Whatever fails, every row stays or is in a backup, the message is clear, and no secret is in it.

use super::fixture::{CONNECT_PG_SIMPLE, Database, everything, names, rows, spec};
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;
use unleak::secret::Secret;
use unleak::session::{BackupKey, Error, Options, Settled, Store, StoreUrl};

/// Makes the delete of one row take long enough to be interrupted in the middle.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.sid = 'tok-' || md5('5000') THEN PERFORM pg_sleep(20); END IF; RETURN OLD; END $$;
    CREATE TRIGGER slow BEFORE DELETE ON session FOR EACH ROW EXECUTE FUNCTION slow();
    ALTER TABLE session ENABLE REPLICA TRIGGER slow";

/// Triggers that run only for replication run for everybody, and a purge is not refused for them.
const AS_REPLICA: &str = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', \
    current_database()); END $$";

#[tokio::test]
async fn a_killed_connection_leaves_every_row_and_no_backup() {
    let database =
        Database::with(&format!("{CONNECT_PG_SIMPLE}; {}; {SLOW}; {AS_REPLICA}", rows(0, 10_000))).await;
    let before = database.dump().await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let url = database.url.clone();
    let killer = tokio::spawn(async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'unleak' \
                    AND datname = current_database() AND wait_event = 'PgSleep'";
        while sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut connection).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let error = store.purge(&spec(dir.path(), &key)).await.unwrap_err();
    killer.await.unwrap();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    assert!(names(dir.path()).is_empty());
    assert_eq!(database.dump().await, before);
    // The store opens a new connection by itself.
    database.run("DROP TRIGGER slow ON session").await;
    assert_eq!(store.purge(&spec(dir.path(), &key)).await.unwrap().deleted, 10_000);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_keeps_every_row() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 10))).await;
    let key = BackupKey::generate().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut store = database.open().await.unwrap();
    // A file where the folder should be: fails for every user, root included.
    let error = store.purge(&spec(file.path(), &key)).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(store.counts().await.unwrap().total, 10);
}

/// A disk that is full in the middle of the stream.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_keeps_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(dir.path())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: a full disk needs the right to mount");
        return;
    }
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 5000))).await;
    let mut store = database.open().await.unwrap();
    let error = store.purge(&spec(dir.path(), &BackupKey::generate().unwrap())).await.unwrap_err();
    let left = (names(dir.path()), store.counts().await.unwrap().total);
    assert!(std::process::Command::new("umount").arg(dir.path()).status().unwrap().success());
    assert!(everything(&error).contains("No space left"), "{error:?}");
    assert_eq!(left, (Vec::new(), 5000));
}

/// What a crash leaves between the rename and the commit, or between the commit and the last rename.
#[tokio::test]
async fn a_prepared_backup_is_settled_by_the_fate_of_its_transaction() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, 50))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let backup = store.purge(&spec(dir.path(), &key)).await.unwrap().backup.unwrap();
    let prepared = backup.path.with_extension("prepared");
    std::process::Command::new("mv").args([&backup.path, &prepared]).status().unwrap();
    assert_eq!(store.settle(&prepared, &key).await.unwrap(), Settled::Committed(Box::new(backup.clone())));
    assert_eq!(names(dir.path()).len(), 1);
}

#[tokio::test]
async fn connections_that_fail_say_why_and_nothing_secret() {
    let database = Database::new().await;
    let good = url::Url::parse(&database.url).unwrap();
    let secret = format!("pw{:x}", std::process::id());
    let change = |edit: &dyn Fn(&mut url::Url)| {
        let mut url = good.clone();
        url.set_password(Some(&secret)).unwrap();
        edit(&mut url);
        url.as_str().parse::<StoreUrl>().unwrap()
    };
    let real_password = good.password().unwrap().to_owned();
    for (url, password, said, hint) in [
        (change(&|_| ()), None, "password authentication failed", "refused this user and password"),
        (change(&|url| url.set_port(Some(1)).unwrap()), None, "refused", "check host and port"),
        (
            change(&|url| url.set_path("nowhere")),
            Some(&real_password),
            "\"nowhere\" does not exist",
            "database name",
        ),
        (change(&|url| url.set_password(None).unwrap()), None, "password", "no password was given"),
    ] {
        let options = Options { password: password.cloned().map(Secret::from), ..Options::default() };
        let error = Store::connect(&url, &options).await.unwrap_err();
        let text = everything(&error);
        assert!(text.contains(said) && text.contains(hint), "{text}");
        assert!(!text.contains(&secret) && !text.contains(&real_password), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://app@127.0.0.1:{}/app", silent.local_addr().unwrap().port());
    let mut options = Options::default();
    options.limits.connect = Duration::from_millis(300);
    let error = Store::connect(&url.parse().unwrap(), &options).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn messages_of_triggers_are_withheld() {
    let database = Database::with(&format!(
        "{CONNECT_PG_SIMPLE}; {}; CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'will not delete %', OLD.sid USING DETAIL = OLD.sid, HINT = OLD.sid; END $$;
         CREATE TRIGGER no BEFORE DELETE ON session FOR EACH ROW EXECUTE FUNCTION no();
         ALTER TABLE session ENABLE REPLICA TRIGGER no; {AS_REPLICA}",
        rows(0, 3)
    ))
    .await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let text = everything(&store.purge(&spec(dir.path(), &key)).await.unwrap_err());
    assert!(text.contains("P0001") && text.contains("withheld") && !text.contains("tok-"), "{text}");
    assert_eq!(store.counts().await.unwrap().total, 3);
}
