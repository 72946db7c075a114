//! A server that is killed and started again, between the batches of a procedure and in one: no row is lost that is in no
//! backup, every backup tells the truth, and a second run finishes.

use super::cut::Course;
use super::proxy::{Act, Proxy};
use super::redis::Database;
use super::redis_own::{Own, port};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use unleak::session::{BackupKey, Options, Selection};

/// A server of a test's own.
struct Server {
    dir: tempfile::TempDir,
    port: u16,
    url: String,
    kind: Kind,
}

enum Kind {
    Postgres,
    MariaDb(Option<Child>),
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
fn programs() -> PathBuf {
    std::env::var("UNLEAK_TEST_POSTGRES_BIN").expect("no UNLEAK_TEST_POSTGRES_BIN: run tests/run").into()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// PostgreSQL does not run as root, which tests may.
fn as_server(program: &Path) -> Command {
    let mut command = Command::new(if is_root() { Path::new("runuser") } else { program });
    if is_root() {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Server {
    fn postgres() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let (data, port) = (dir.path().join("data"), port());
        let mut init = as_server(&programs().join("initdb"));
        init.args([
            "--username=unleak",
            "--auth=trust",
            "--no-locale",
            "--no-sync",
            "--encoding=UTF8",
            "--pgdata",
        ])
        .arg(&data);
        assert!(init.status().unwrap().success(), "initdb");
        let url = format!("postgres://unleak@127.0.0.1:{port}/postgres");
        let mut server = Self { dir, port, url, kind: Kind::Postgres };
        server.control("start");
        server
    }

    fn mariadb() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = port();
        let mut init = Command::new("mariadb-install-db");
        init.arg("--no-defaults").args(is_root().then_some("--user=root"));
        init.arg(format!("--datadir={}", dir.path().join("data").display()));
        init.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).env("TMPDIR", dir.path());
        assert!(
            init.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(),
            "mariadb-install-db"
        );
        let url = format!("mysql://root@127.0.0.1:{port}/app");
        let mut server = Self { dir, port, url, kind: Kind::MariaDb(None) };
        server.control("start");
        server
    }

    /// `start`, or `restart` after a kill.
    fn control(&mut self, what: &str) {
        let dir = self.dir.path();
        match &mut self.kind {
            Kind::Postgres => {
                let options = format!(
                    "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='{}'",
                    self.port,
                    dir.display()
                );
                let mut control = as_server(&programs().join("pg_ctl"));
                control.arg(what).arg("--pgdata").arg(dir.join("data")).arg("--log").arg(dir.join("log"));
                // `start` knows no way of stopping.
                control.args((what == "restart").then_some("--mode=immediate"));
                control.args(["--wait", "--silent", "--options", &options]);
                assert!(control.status().unwrap().success(), "pg_ctl {what}");
            }
            Kind::MariaDb(child) => {
                if let Some(mut child) = child.take() {
                    child.kill().unwrap();
                    child.wait().unwrap();
                }
                let mut server = Command::new("mariadbd");
                server.arg("--no-defaults").args(is_root().then_some("--user=root"));
                for (option, value) in
                    [("datadir", "data"), ("tmpdir", ""), ("socket", "socket"), ("pid-file", "pid")]
                {
                    server.arg(format!("--{option}={}", dir.join(value).display()));
                }
                server.args(["--bind-address=127.0.0.1", "--skip-log-bin", &format!("--port={}", self.port)]);
                *child = Some(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
                let deadline = Instant::now() + Duration::from_mins(1);
                let socket = format!("--socket={}", dir.join("socket").display());
                while !Command::new("mariadb")
                    .args([
                        "--no-defaults",
                        &socket,
                        "--user=root",
                        "--execute=CREATE DATABASE IF NOT EXISTS app",
                    ])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .unwrap()
                    .success()
                {
                    assert!(Instant::now() < deadline, "MariaDB does not start");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.kind {
            Kind::Postgres => {
                let mut stop = as_server(&programs().join("pg_ctl"));
                stop.arg("stop")
                    .arg("--pgdata")
                    .arg(self.dir.path().join("data"))
                    .args(["--mode=immediate", "--silent"]);
                drop(stop.status());
            }
            Kind::MariaDb(child) => {
                if let Some(child) = child {
                    drop(child.kill());
                    drop(child.wait());
                }
            }
        }
    }
}

async fn run(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("mysql") {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

/// The tokens that are there, in order.
async fn tokens(url: &str) -> Vec<String> {
    if url.starts_with("mysql") {
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        let tokens = "SELECT sessionToken FROM sessions ORDER BY 1";
        sqlx::query_scalar(tokens).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let tokens = r#"SELECT "sessionToken" FROM sessions ORDER BY 1"#;
        sqlx::query_scalar(tokens).fetch_all(&mut connection).await.unwrap()
    }
}

/// When the server is killed: before the third batch is asked for, or in the middle of one.
#[derive(Clone, Copy, Debug)]
enum When {
    Between,
    /// At the nth statement that begins with these words.
    In(&'static str, usize),
}

async fn killed(server: Server, sql: &str, moments: [When; 3]) {
    let (url, proxy) = (server.url.clone(), Proxy::before(&server.url));
    run(&url, sql).await;
    let before = tokens(&url).await;
    let server = Arc::new(Mutex::new(server));
    for when in moments {
        let dir = tempfile::tempdir().unwrap();
        let course = Course {
            what: format!("{when:?} at {url}"),
            direct: url.clone(),
            proxy: &proxy,
            selection: Selection::Expired,
            options: Options { zone: Some("UTC".to_owned()), ..Options::default() },
            dir: dir.path().to_owned(),
            key: BackupKey::generate().unwrap(),
        };
        let (killer, mut batches) = (Arc::clone(&server), 0);
        let restart = move || killer.lock().unwrap().control("restart");
        let done = match when {
            When::Between => {
                let told = &mut |_: &unleak::session::Advance| {
                    batches += 1;
                    if batches == 2 {
                        restart();
                    }
                };
                let done = course.through_telling(|| (), told).await.unwrap();
                assert!(done.cause.is_none() && done.selected_after == 0, "{}: {done:?}", course.what);
                Ok(done)
            }
            When::In(words, nth) => {
                let kill = move || {
                    restart();
                    Act::Pass
                };
                course.through(|| proxy.at_statement(words, nth, kill)).await
            }
        };
        let kept = course.settled().await;
        let left = tokens(&url).await.len() as u64;
        assert_eq!(left + kept, before.len() as u64, "{}: {done:?}", course.what);
        let (deleted, unsure) = course.told(&done);
        assert!(
            deleted <= kept && kept <= deleted.saturating_add(unsure),
            "{}: {kept} kept, {done:?}",
            course.what
        );
        if !matches!(when, When::Between) {
            assert!(left > 0 && kept > 0, "{}: it was in the middle", course.what);
        }
        course.finish().await;
        course.restore_all().await;
        assert!(tokens(&url).await == before, "{}", course.what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgresql_loses_no_row() {
    let sql = r#"CREATE TABLE sessions ("sessionToken" text PRIMARY KEY, "userId" integer, expires timestamptz NOT NULL);
        INSERT INTO sessions SELECT 'tok-' || n, n, now() - interval '1 day' FROM generate_series(1, 200) n"#;
    killed(Server::postgres(), sql, [When::Between, When::In("COPY (DELETE", 3), When::In("COMMIT", 3)])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_mariadb_loses_no_row() {
    let sql = "CREATE TABLE sessions (sessionToken varchar(99) PRIMARY KEY, userId integer, expires datetime NOT NULL);
        INSERT INTO sessions SELECT concat('tok-', seq), seq, '2001-01-01' FROM seq_1_to_200";
    killed(Server::mariadb(), sql, [When::Between, When::In("DELETE s FROM", 60), When::In("COMMIT", 3)])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_loses_no_session() {
    let port = port();
    let options =
        ["--port", &port.to_string(), "--appendonly", "yes", "--appendfsync", "always"].map(str::to_owned);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let own = Own::start(&options).await;
    let direct = format!("redis://127.0.0.1:{port}/0");
    let database = Database::at(&direct).await;
    database.express(1500).await;
    let before = database.dump().await;
    let own = Arc::new(Mutex::new(own));
    let proxy = Proxy::before(&direct);
    for words in ["local read, small, unlink", "\r\n8191\r\n"] {
        let dir = tempfile::tempdir().unwrap();
        let course = Course {
            what: format!("Redis, killed at {words:?}"),
            direct: direct.clone(),
            proxy: &proxy,
            selection: Selection::All,
            options: Options {
                dialect: Some("connect-redis".to_owned()),
                table: Some("sess:*".to_owned()),
                ..Options::default()
            },
            dir: dir.path().to_owned(),
            key: BackupKey::generate().unwrap(),
        };
        let (killer, options) =
            (Arc::clone(&own), options.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let kill = move || {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            killer.lock().unwrap().restart(&options);
            let deadline = Instant::now() + Duration::from_secs(30);
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < deadline, "Redis does not start");
                std::thread::sleep(Duration::from_millis(20));
            }
            Act::Pass
        };
        let done = course.through(|| proxy.at_statement(words, 2, kill)).await;
        // What it holds is read from its disk first.
        let database = loop {
            let open = redis::Client::open(direct.as_str()).unwrap().get_connection();
            if open.is_ok_and(|mut open| redis::cmd("DBSIZE").query::<u64>(&mut open).is_ok()) {
                break Database::at(&direct).await;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        course.settled().await;
        let gone = (before.len() - database.dump().await.len()) as u64;
        let (deleted, unsure) = course.told(&done);
        assert!(
            deleted <= gone && gone <= deleted.saturating_add(unsure),
            "{}: {gone} gone, {done:?}",
            course.what
        );
        course.restore_all().await;
        assert!(database.dump().await == before, "{}", course.what);
        course.finish().await;
        course.restore_all().await;
        assert!(database.dump().await == before, "{}", course.what);
    }
}
