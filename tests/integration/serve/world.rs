//! A store with sessions and a server beside it.

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Auth.js-like sessions and their users; the DDL means the same on both stores. Three of Ada's, of which one is
/// expired, one of Bruno's, one of nobody who exists.
const SQL: &str = r#"
CREATE TABLE users (id integer PRIMARY KEY, name text, email text, deleted_at timestamp);
CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamp NOT NULL, "createdAt" timestamp,
  last_activity bigint);
INSERT INTO users VALUES (1, 'Ada Byron', 'ada@example.org', NULL), (2, 'Bruno <b>', 'bruno@example.org', NULL),
  (3, 'Carla', NULL, '2026-01-01 00:00:00');
INSERT INTO sessions VALUES
  ('tok-ada-1', 1, '2100-01-01 00:00:00', '2026-01-01 00:00:00', 1767225600),
  ('tok-ada-2', 1, '2100-01-02 00:00:00', '2026-01-01 00:00:00', 1767225600),
  ('tok-ada-3', 1, '2001-01-01 00:00:00', '2001-01-01 00:00:00', 978307200),
  ('tok-bruno', 2, '2100-01-03 00:00:00', '2026-01-02 00:00:00', 1767225600),
  ('tok-gone', 99, '2100-01-04 00:00:00', '2026-01-03 00:00:00', 1767225600)"#;

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: String,
    /// The name of a database to drop.
    database: Option<String>,
}

impl World {
    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", dir.path().join("app.db").display());
        let world = Self { dir, store, database: None };
        world.run(SQL);
        world
    }

    /// On SQLite, and on PostgreSQL where `tests/run` started one.
    #[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
    pub(super) fn some() -> Vec<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut worlds = vec![Self::sqlite()];
        if let Ok(server) = std::env::var("UNLEAK_TEST_POSTGRES") {
            let name =
                format!("unleak_serve_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            postgres(&server, &format!("CREATE DATABASE {name}"));
            let mut url = url::Url::parse(&server).unwrap();
            url.set_path(&name);
            let world = Self { dir: tempfile::tempdir().unwrap(), store: url.into(), database: Some(name) };
            world.run(SQL);
            worlds.push(world);
        }
        worlds
    }

    pub(super) fn state(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn run(&self, sql: &str) {
        match self.store.strip_prefix("sqlite:") {
            None => postgres(&self.store, sql),
            Some(path) => block_on(async {
                let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
            }),
        }
    }

    /// Does something while another program keeps everybody from changing sessions.
    pub(super) fn while_written_to(&self, during: impl FnOnce()) {
        match self.store.strip_prefix("sqlite:") {
            None => block_on(async {
                let mut other = PgConnection::connect(&self.store).await.unwrap();
                sqlx::raw_sql("BEGIN; LOCK TABLE sessions IN SHARE MODE").execute(&mut other).await.unwrap();
                during();
                other.close().await.unwrap();
            }),
            Some(path) => block_on(async {
                let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
                during();
                other.close().await.unwrap();
            }),
        }
    }

    /// Does something while nobody can even look at the sessions.
    pub(super) fn while_closed(&self, during: impl FnOnce()) {
        match self.store.strip_prefix("sqlite:") {
            None => block_on(async {
                let mut other = PgConnection::connect(&self.store).await.unwrap();
                sqlx::raw_sql("BEGIN; LOCK TABLE sessions").execute(&mut other).await.unwrap();
                during();
                other.close().await.unwrap();
            }),
            Some(path) => block_on(async {
                let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
                sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
                during();
                other.close().await.unwrap();
            }),
        }
    }

    /// The command, in a world of its own.
    pub(super) fn unleak(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", self.dir.path()).env("USER", "ada").env("STORE", &self.store);
        command.arg("--state").arg(self.state()).args(args);
        command
    }

    pub(super) fn output(&self, args: &[&str]) -> Output {
        self.unleak(args).output().unwrap()
    }

    /// A new token.
    pub(super) fn token(&self, name: &str, scope: &str) -> String {
        let output = self.output(&["serve", "token", "add", name, "--scope", scope, "--quiet"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A server for this store.
    pub(super) fn serve(&self, args: &[&str]) -> Server {
        self.started(self.serving(args))
    }

    /// The same, begun by a program that becomes it.
    #[cfg(target_os = "linux")]
    pub(super) fn serve_by(&self, program: &[&str]) -> Server {
        let server = self.serving(&[]);
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(server.get_program()).args(server.get_args()).env_clear();
        command.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // Where there is a terminal, nohup would write to a file of its own.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.started(command)
    }

    fn serving(&self, args: &[&str]) -> Command {
        let fixed = ["serve", "--store-from", "env:STORE", "--log", "json"];
        let own: &[&str] = if args.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        self.unleak(&[&fixed[..], own, args].concat())
    }

    fn started(&self, mut command: Command) -> Server {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut first = String::new();
        for line in lines.by_ref() {
            first = line.unwrap();
            if first.contains("serves") {
                break;
            }
        }
        let url = first.split_whitespace().find(|word| word.starts_with("http"));
        let url =
            url.unwrap_or_else(|| panic!("it does not serve: {first}")).trim_end_matches(';').to_owned();
        let log = self.dir.path().join("log");
        let mut file = std::fs::File::create(&log).unwrap();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                drop(writeln!(file, "{line}"));
            }
        });
        Server { child, url, log, reader: Some(reader) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(name) = self.database.take() {
            let mut url = url::Url::parse(&self.store).unwrap();
            url.set_path("/postgres");
            postgres(url.as_str(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn postgres(url: &str, sql: &str) {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("the test server answers");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A running server; it ends with the test.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    log: std::path::PathBuf,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// Status and body.
pub(super) type Answer = (u16, Value);

impl Server {
    pub(super) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask("GET", token, path, None)
    }

    pub(super) fn ask(&self, method: &str, token: &str, path: &str, body: Option<&Value>) -> Answer {
        let (status, text) = self.text(method, token, path, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(super) fn text(&self, method: &str, token: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        self.send(method, token, path, &body.map(ToString::to_string).unwrap_or_default())
    }

    /// Asks, and checks that the answer holds no session's token.
    pub(super) fn send(&self, method: &str, token: &str, path: &str, body: &str) -> (u16, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.header("content-type", "application/json").body(body.to_owned()).unwrap();
        let request = agent.configure_request(request).allow_non_standard_methods(true).build();
        let mut answer = agent.run(request).unwrap();
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap());
        assert!(!text.contains("tok-"), "{method} {path} shows a token: {text}");
        (status, text)
    }

    /// What was logged so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks the server to stop, as a supervisor does, and gives how it ended.
    pub(super) fn stop(&mut self) -> std::process::ExitStatus {
        self.terminate();
        self.wait()
    }

    pub(super) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for the end; then the log is whole.
    pub(super) fn wait(&mut self) -> std::process::ExitStatus {
        let status = self.child.wait().unwrap();
        self.reader.take().map(std::thread::JoinHandle::join).transpose().unwrap();
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A file with content.
pub(super) fn put(path: &Path, text: &str) {
    std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}
