//! The same on Redis: what is found, what a purge takes and leaves, what comes back, and what is refused.

use super::fixture::{block_on, everything, names, spec};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, cmd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use unleak::session::{BackupKey, Error, Options, Settled, Store, StoreClass, verify_backup};

/// A database of its own on the shared server.
pub(super) struct Database {
    pub(super) url: String,
    connection: MultiplexedConnection,
    dir: tempfile::TempDir,
    pub(super) key: BackupKey,
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
fn server(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("no {name}: run tests/run"))
}

/// A server that is busy with other tests answers late.
fn patient() -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None)
}

impl Database {
    pub(super) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = Self::at(&format!("{}/{number}", server("UNLEAK_TEST_REDIS"))).await;
        database.run::<()>(&cmd("FLUSHDB")).await;
        database
    }

    pub(super) async fn at(url: &str) -> Self {
        let client = redis::Client::open(url).unwrap();
        Self {
            url: url.to_owned(),
            connection: client.get_multiplexed_async_connection_with_config(&patient()).await.unwrap(),
            dir: tempfile::tempdir().unwrap(),
            key: BackupKey::generate().unwrap(),
        }
    }

    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> T {
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    pub(super) async fn pipe(&self, pipe: &redis::Pipeline) {
        pipe.query_async::<()>(&mut self.connection.clone()).await.unwrap();
    }

    pub(super) async fn set(&self, key: &str, value: impl AsRef<[u8]>, seconds: u32) {
        let mut set = cmd("SET");
        set.arg(key).arg(value.as_ref());
        if seconds > 0 {
            set.arg("EX").arg(seconds);
        }
        self.run::<()>(&set).await;
    }

    async fn hash(&self, key: &str) {
        let mut set = cmd("HSET");
        set.arg(key).arg("creationTime").arg(1).arg("sessionAttr:x").arg(&b"\xac\xed\x00\x05"[..]);
        self.run::<()>(&set).await;
    }

    /// So many sessions as express-session writes them.
    pub(super) async fn express(&self, count: u32) {
        let mut pipe = redis::pipe();
        for n in 0..count {
            pipe.cmd("SET").arg(format!("sess:tok-{n:06}")).arg(express(n)).arg("EX").arg(86_400 + n);
        }
        pipe.query_async::<()>(&mut self.connection.clone()).await.unwrap();
    }

    pub(super) async fn size(&self) -> u64 {
        self.run(&cmd("DBSIZE")).await
    }

    /// Every key with its value as DUMP gives it, in order.
    pub(super) async fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let mut keys: Vec<String> = self.run(cmd("KEYS").arg("*")).await;
        keys.sort();
        let mut all = Vec::new();
        for key in keys {
            let value = self.run(cmd("DUMP").arg(&key)).await;
            all.push((key, value));
        }
        all
    }

    pub(super) async fn open(&self) -> Result<Store, Error> {
        self.open_with(None, None).await
    }

    async fn open_with(&self, dialect: Option<&str>, table: Option<&str>) -> Result<Store, Error> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let options = Options { dialect: owned(dialect), table: owned(table), ..Options::default() };
        Store::connect(&self.url.parse().unwrap(), &options).await
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }
}

pub(super) fn express(n: u32) -> String {
    format!(
        r#"{{"cookie":{{"originalMaxAge":86400000,"expires":"2099-01-01T00:00:00.000Z","path":"/"}},"passport":{{"user":{n}}},"pad":"{}"}}"#,
        "x".repeat(200)
    )
}

#[tokio::test]
async fn a_purge_takes_the_sessions_and_a_restore_brings_them_back() {
    let database = Database::new().await;
    database.express(3000).await;
    database.set("sess:for-ever", express(1), 0).await;
    database.set("sess:large", format!(r#"{{"cookie":{{}},"data":"{}"}}"#, "y".repeat(10 << 20)), 60).await;
    database.set("cache:page", "mine", 0).await;
    let before = database.dump().await;
    let mut store = database.open().await.unwrap();
    let summary = store.describe().await.unwrap();
    assert_eq!((summary.dialect, summary.table.to_string().as_str()), ("connect-redis", "sess:*"));
    assert!(summary.url.starts_with("redis://:***@"), "{}", summary.url);

    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.before.total, purged.before.active, purged.before.expired), (3002, 3002, 0));
    assert_eq!((purged.deleted, purged.backed_up, purged.after.total), (3002, 3002, 0));
    let backup = purged.backup.unwrap();
    assert_eq!(verify_backup(&backup.path, &database.key).unwrap(), backup);
    let bytes = std::fs::read(&backup.path).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"tok-"));
    assert_eq!(database.size().await, 1);
    let again = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((again.deleted, again.backup), (0, None));
    assert_eq!(names(&database.backups()).len(), 1);

    // Somebody has logged in again under an id of the backup: that session is newer.
    database.set("sess:tok-000007", express(7777), 60).await;
    let restored = store.restore(&backup.path, &database.key).await.unwrap();
    assert_eq!((restored.before.total, restored.restored, restored.after.total), (1, 3001, 3002));
    let newer: String = database.run(cmd("GET").arg("sess:tok-000007")).await;
    assert_eq!(newer, express(7777));
    database.set("sess:tok-000007", express(7), 60).await;
    assert!(database.dump().await == before);
    let left: i64 = database.run(cmd("PTTL").arg("sess:tok-000100")).await;
    assert!((86_400_000..=86_500_000).contains(&left), "{left}");
    assert_eq!(database.run::<i64>(cmd("PTTL").arg("sess:for-ever")).await, -1);
    assert_eq!(store.restore(&backup.path, &database.key).await.unwrap().restored, 0);
}

#[tokio::test]
async fn a_session_whose_time_has_come_stays_dead() {
    let database = Database::new().await;
    database.express(1).await;
    let mut short = cmd("SET");
    short.arg("sess:short").arg(express(1)).arg("PX").arg(5000);
    database.run::<()>(&short).await;
    let mut store = database.open().await.unwrap();
    let backup = store.purge(&spec(&database.backups(), &database.key)).await.unwrap().backup.unwrap();
    assert_eq!(backup.rows, 2);
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(store.restore(&backup.path, &database.key).await.unwrap().restored, 1);
    assert_eq!(database.size().await, 1);
}

/// What the frameworks write with their documented settings, and other keys beside it.
#[tokio::test]
async fn the_frameworks_keys_are_found() {
    let uuid = "33fdd1b6-b496-4b33-9f7d-df96679d32fe";
    let id = "k".repeat(32);
    for (dialect, table, class, keys) in [
        ("connect-redis", "sess:*", StoreClass::A, vec![(format!("sess:{id}"), express(1))]),
        ("connect-redis", "shop:sess:*", StoreClass::A, vec![(format!("shop:sess:{id}"), express(1))]),
        ("flask-session", "session:*", StoreClass::B, vec![(format!("session:{id}"), "\u{81}".to_owned())]),
        (
            "django-cache",
            ":1:django.contrib.sessions.cache*",
            StoreClass::C,
            vec![(format!(":1:django.contrib.sessions.cache{id}"), "pickled".to_owned())],
        ),
    ] {
        let database = Database::new().await;
        for (key, value) in keys {
            // Flask-Session's msgpack is no text.
            let bytes =
                if dialect == "flask-session" { b"\x81\xa1u\x07".to_vec() } else { value.into_bytes() };
            database.set(&key, bytes, 100).await;
        }
        database.set("session:count", "12", 0).await;
        database.set("unrelated", "x", 0).await;
        let mut store = match database.open().await {
            Ok(store) => store,
            Err(error) => panic!("{dialect}: {error}"),
        };
        if dialect == "flask-session" {
            // Its own prefix holds a counter of somebody else.
            let error = store.describe().await.unwrap_err();
            assert!(error.to_string().contains("1 of 2 keys under session:* are no sessions"), "{error}");
            database.run::<()>(cmd("DEL").arg("session:count")).await;
        }
        let summary = store.describe().await.unwrap();
        let found = (summary.dialect, summary.table.to_string(), summary.class, summary.counts.total);
        assert_eq!(found, (dialect, table.to_owned(), class, 1));
    }

    let spring = Database::new().await;
    spring.hash(&format!("spring:session:sessions:{uuid}")).await;
    spring.hash("spring:session:sessions:11111111-b496-4b33-9f7d-df96679d32fe").await;
    spring.set(&format!("spring:session:sessions:expires:{uuid}"), "", 100).await;
    spring.run::<()>(cmd("SADD").arg("spring:session:expirations:1439245080000").arg(uuid)).await;
    spring.run::<()>(cmd("SADD").arg("spring:session:index:NAME:alice").arg(uuid)).await;
    let before = spring.dump().await;
    let mut store = spring.open().await.unwrap();
    let summary = store.describe().await.unwrap();
    assert_eq!((summary.dialect, summary.class), ("spring-session", StoreClass::B));
    assert_eq!((summary.counts.total, summary.counts.active, summary.counts.expired), (2, 1, 1));
    let purged = store.purge(&spec(&spring.backups(), &spring.key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total, spring.size().await), (2, 0, 0));
    store.restore(&purged.backup.unwrap().path, &spring.key).await.unwrap();
    // The order inside a set of strings is the server's own.
    let keys = |dump: Vec<(String, Vec<u8>)>| dump.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(spring.dump().await), keys(before));
}

/// Laravel keeps sessions among the entries of its cache: they are taken when it is told so, and nothing else is.
#[tokio::test]
async fn laravels_cache_is_left_alone() {
    let database = Database::new().await;
    let prefix = "laravel_database_laravel_cache_:";
    database
        .set(&format!("{prefix}{}", "aB3d".repeat(10)), r#"s:40:"a:1:{s:6:"_token";s:3:"abc";}";"#, 100)
        .await;
    database.set(&format!("{prefix}{}", "a94f".repeat(10)), "i:3;", 100).await;
    database.set(&format!("{prefix}{}", "Zz9z".repeat(10)), "i:3;", 100).await;
    database.set(&format!("{prefix}users"), r#"s:10:"a:0:{}";"#, 100).await;
    let error = database.open().await.unwrap_err();
    assert!(matches!(error, Error::NoSessionKeys { looked_at: 4, all: true, .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("--dialect laravel"));
    let mut store = database.open_with(Some("laravel"), None).await.unwrap();
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.before.total, purged.deleted, database.size().await), (1, 1, 3));
}

#[tokio::test]
async fn a_prefix_that_takes_in_too_much_is_refused() {
    let database = Database::new().await;
    database.express(5).await;
    database.set("sess:settings", r#"{"theme":"dark"}"#, 0).await;
    database.run::<()>(cmd("LPUSH").arg("sess:queue").arg("job")).await;
    let before = database.dump().await;
    let mut store = database.open().await.unwrap();
    for error in [
        store.describe().await.unwrap_err(),
        store.purge(&spec(&database.backups(), &database.key)).await.unwrap_err(),
    ] {
        let text = everything(&error);
        assert!(text.contains("2 of 7 keys under sess:* are no sessions of connect-redis"), "{text}");
        assert!(!text.contains("settings") && !text.contains("tok-"), "{text}");
    }
    for (dialect, table) in [
        (None, ""),
        (None, "*"),
        (Some("connect-redis"), ""),
        (Some("custom"), ""),
        (Some("custom"), "*"),
        (Some("custom"), "sess"),
    ] {
        let error = database.open_with(dialect, Some(table)).await.unwrap_err();
        assert!(matches!(error, Error::Prefix { .. }), "{dialect:?} {table:?} {error:?}");
    }
    assert!(matches!(database.open_with(Some("custom"), None).await.unwrap_err(), Error::Prefix { .. }));
    assert!(names(&database.backups()).is_empty());
    assert!(database.dump().await == before);

    // A pattern in a prefix is no pattern.
    database.set("own[1]*:a", "anything", 0).await;
    database.set("own1x:a", "anything", 0).await;
    let mut store = database.open_with(Some("custom"), Some("own[1]*:")).await.unwrap();
    assert_eq!(store.counts().await.unwrap().total, 1);
    assert_eq!(store.purge(&spec(&database.backups(), &database.key)).await.unwrap().deleted, 1);
    assert_eq!(database.size().await, 8);
}

#[tokio::test]
async fn two_prefixes_are_named_and_an_empty_store_can_be() {
    let database = Database::new().await;
    let error = database.open().await.unwrap_err();
    assert!(matches!(error, Error::NoSessionKeys { looked_at: 0, all: true, .. }), "{error:?}");
    let mut store = database.open_with(Some("connect-redis"), None).await.unwrap();
    assert_eq!(store.describe().await.unwrap().counts.total, 0);
    database.set("a:sess:1", express(1), 0).await;
    database.set("b:sess:1", express(1), 0).await;
    database.set("evil\u{1b}[2J:sess:1", express(1), 0).await;
    let error = database.open().await.unwrap_err();
    assert!(error.to_string().starts_with("2 tables look like session stores"), "{error}");
    assert!(error.to_string().contains("a:sess:* (connect-redis)"), "{error}");
    let mut store = database.open_with(None, Some("b:sess:*")).await.unwrap();
    assert_eq!(store.describe().await.unwrap().table.to_string(), "b:sess:*");
    assert!(matches!(
        database.open_with(Some("connect-pg-simple"), None).await.unwrap_err(),
        Error::UnknownDialect { .. }
    ));
}

/// An application rewrites its sessions all the while: the last value of each is in the store or in a backup.
#[tokio::test]
async fn a_session_that_is_rewritten_is_never_lost() {
    let database = Database::new().await;
    let sessions = 400;
    database.express(sessions).await;
    let mut writer = database.connection.clone();
    let writing = tokio::spawn(async move {
        let mut last = vec![0; sessions as usize];
        for round in 1..60_u32 {
            let mut pipe = redis::pipe();
            for n in (0..sessions).filter(|n| n % 7 == round % 7) {
                // Only a session that is there is rewritten, as after a look-up.
                pipe.cmd("SET").arg(format!("sess:tok-{n:06}")).arg(express(round)).arg("XX");
            }
            let answers: Vec<Option<String>> = pipe.query_async(&mut writer).await.unwrap();
            for (n, answer) in (0..sessions).filter(|n| n % 7 == round % 7).zip(answers) {
                if answer.is_some() {
                    last[n as usize] = round;
                }
            }
            tokio::task::yield_now().await;
        }
        last
    });
    let mut store = database.open().await.unwrap();
    let mut deleted = 0;
    let folder = database.backups();
    let now = || {
        let created = jiff::Timestamp::now();
        unleak::session::BackupSpec { created, expires: created, ..spec(&folder, &database.key) }
    };
    while !writing.is_finished() {
        deleted += store.purge(&now()).await.unwrap().deleted;
    }
    let last = writing.await.unwrap();
    deleted += store.purge(&now()).await.unwrap().deleted;
    assert_eq!((deleted, database.size().await), (u64::from(sessions), 0));
    // The oldest first: what a newer one holds is left to that one.
    let mut backups: Vec<_> =
        names(&database.backups()).into_iter().map(|name| database.backups().join(name)).collect();
    backups.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    for path in &backups {
        store.restore(path, &database.key).await.unwrap();
    }
    for (n, round) in last.into_iter().enumerate() {
        let value: String = database.run(cmd("GET").arg(format!("sess:tok-{n:06}"))).await;
        assert_eq!(value, express(if round == 0 { u32::try_from(n).unwrap() } else { round }), "{n}");
    }
}

/// In whatever order two backups come back, each session is as it was last.
#[tokio::test]
async fn the_order_of_restores_does_not_matter() {
    for order in [[0, 1], [1, 0]] {
        let database = Database::new().await;
        database.express(30).await;
        let mut store = database.open().await.unwrap();
        let folder = database.backups();
        let mut files = Vec::new();
        for round in 0..2_u32 {
            let created = jiff::Timestamp::now();
            let spec = unleak::session::BackupSpec { created, ..spec(&folder, &database.key) };
            files.push(store.purge(&spec).await.unwrap().backup.unwrap().path);
            // Ten log in again under their ids before the second purge.
            for n in (0..10).filter(|_| round == 0) {
                database.set(&format!("sess:tok-{n:06}"), express(1000 + n), 900).await;
            }
        }
        for at in order {
            let restored = store.restore(&files[at], &database.key).await.unwrap();
            let (back, superseded) = if at == 0 { (20, 10) } else { (10, 0) };
            assert_eq!((restored.restored, restored.superseded), (back, superseded), "{order:?}");
            let newer = if at == 0 { vec![files[1].clone()] } else { Vec::new() };
            assert_eq!(restored.newer, newer);
        }
        for n in 0..30 {
            let value: String = database.run(cmd("GET").arg(format!("sess:tok-{n:06}"))).await;
            assert_eq!(value, express(if n < 10 { 1000 + n } else { n }), "{order:?}");
        }
    }
}

/// A purge that was killed: before its deletes, after them, and among them.
#[tokio::test]
async fn a_prepared_backup_is_settled_by_what_is_there() {
    let database = Database::new().await;
    database.express(50).await;
    let mut store = database.open().await.unwrap();
    let backup = store.purge(&spec(&database.backups(), &database.key)).await.unwrap().backup.unwrap();
    let prepared = backup.path.with_extension("prepared");
    let unrename = || std::process::Command::new("mv").args([&backup.path, &prepared]).status().unwrap();
    unrename();
    let settled = store.settle(&prepared, &database.key).await.unwrap();
    assert_eq!(settled, Settled::Committed(Box::new(backup.clone())));
    store.restore(&backup.path, &database.key).await.unwrap();
    unrename();
    database.run::<()>(cmd("DEL").arg("sess:tok-000001").arg("sess:tok-000002")).await;
    match store.settle(&prepared, &database.key).await.unwrap() {
        Settled::Committed(info) => assert_eq!((info.rows, info.path), (2, backup.path.clone())),
        settled => panic!("{settled:?}"),
    }
    store.restore(&backup.path, &database.key).await.unwrap();
    unrename();
    assert_eq!(store.settle(&prepared, &database.key).await.unwrap(), Settled::RolledBack);
    assert!(names(&database.backups()).is_empty());
}

/// Three primaries, and keys on each of them.
#[tokio::test]
async fn a_cluster_is_purged_on_every_primary() {
    let url = server("UNLEAK_TEST_REDIS_CLUSTER");
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let nodes: Vec<String> = slots(&url).await;
    assert_eq!(nodes.len(), 3);
    let mut made = 0;
    for node in &nodes {
        let database = Database::at(&format!("redis://{node}")).await;
        let mut connection = database.connection.clone();
        for n in 0..600 {
            // A key of another node is refused with MOVED.
            let set = cmd("SET").arg(format!("sess:tok-{n}")).arg(express(n)).arg("EX").arg(900).to_owned();
            made += u64::from(set.query_async::<()>(&mut connection).await.is_ok());
        }
    }
    assert_eq!(made, 600);
    let mut store = Store::connect(&url.parse().unwrap(), &Options::default()).await.unwrap();
    assert_eq!(store.describe().await.unwrap().counts.total, 600);
    let purged = store.purge(&spec(dir.path(), &key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (600, 0));
    let path = purged.backup.unwrap().path;
    assert_eq!(store.restore(&path, &key).await.unwrap().after.total, 600);
    assert_eq!(store.purge(&spec(dir.path(), &key)).await.unwrap().deleted, 600);
}

async fn slots(url: &str) -> Vec<String> {
    let first = url.split(',').next().unwrap();
    let database = Database::at(first).await;
    let nodes: String = database.run(cmd("CLUSTER").arg("NODES")).await;
    let address = |line: &str| Some(line.split(' ').nth(1)?.split('@').next()?.to_owned());
    nodes.lines().filter_map(address).collect()
}

/// The whole way of an operator: `unleak rotate --store redis://…`.
#[test]
fn a_rotation_purges_redis() {
    let database = block_on(async {
        let database = Database::new().await;
        database.express(25).await;
        database
    });
    let env = database.dir.path().join(".env");
    std::io::Write::write_all(
        &mut std::fs::File::create(&env).unwrap(),
        format!("SESSION_SECRET={}\n", ["keyboard", "cat", "42"].join("-")).as_bytes(),
    )
    .unwrap();
    let url = url::Url::parse(&database.url).unwrap();
    let bare = format!("redis://{}:{}{}", url.host_str().unwrap(), url.port().unwrap(), url.path());
    let state = database.dir.path().join("state");
    let output = rotate(&state)
        .env("UNLEAK_STORE_PASSWORD", url.password().unwrap())
        .arg(format!("--target=env:{}#SESSION_SECRET", env.display()))
        .args(["--reload=true", "--yes", "--format=json", &format!("--store={bare}")])
        .output()
        .unwrap();
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&shown);
    let checks = report["checks"].as_array().unwrap();
    let claim = "Every stored session was backed up and deleted";
    let check = checks.iter().find(|check| check["claim"] == claim).expect(&shown);
    assert_eq!(check["status"], "verified", "{shown}");
    assert!(check["evidence"].as_str().unwrap().starts_with("25 before, 25 backed up, 25 deleted, 0 after"));
    assert!(!shown.contains("tok-0000") && !shown.contains(url.password().unwrap()), "{shown}");
    assert_eq!(block_on(async { Database::at(&database.url).await.size().await }), 0);
}

#[expect(clippy::disallowed_methods, reason = "the shell of a reload command needs a PATH")]
fn rotate(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.current_dir("/").env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.args(["--state", state.to_str().unwrap(), "rotate"]).stdin(Stdio::null());
    command
}
