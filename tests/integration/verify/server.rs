//! `unleak serve` as a process on a port of its own, databases, and a client that follows no redirect.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) struct Server {
    child: Child,
    pub(super) address: String,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Starts it for a store, with a secret for the cookies.
    pub(super) fn start(store: &str, secret: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store");
        std::fs::write(&file, store).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_unleak"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--sign-in",
                "/signin",
                "--cache",
                "0",
                "--store-from",
            ])
            .arg(format!("file:{}", file.display()))
            .arg("--state")
            .arg(dir.path().join("state"))
            .args(more)
            .env("COOKIE_SECRET", secret)
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("the server did not start: {said:?}") };
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split([';', ' ']).next().unwrap().to_owned();
            }
            said.push(line);
        };
        // Nobody may wait for the other end of the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, _dir: dir }
    }

    pub(super) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask("GET", &format!("http://{}{path}", self.address), headers)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The one header of this name; an empty one is one too.
    #[track_caller]
    pub(super) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {self:?}");
        all[0]
    }

    pub(super) fn user(&self) -> &str {
        self.one("x-session-user")
    }

    pub(super) fn reason(&self) -> &str {
        self.one("x-session-reason")
    }

    /// The names of the cookies that are taken away.
    pub(super) fn cleared(&self) -> Vec<&str> {
        let all = self.all("set-cookie").into_iter();
        let mut names: Vec<_> = all
            .filter(|line| line.contains("Max-Age=0"))
            .map(|line| line.split('=').next().unwrap_or_default())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

pub(super) fn ask(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = agent.run(request.body(()).unwrap()).unwrap();
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: answer.body_mut().read_to_string().unwrap_or_default(),
    }
}

pub(super) fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}

/// A new database on the server of tests/run.
pub(super) fn database(sql: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = service("UNLEAK_TEST_POSTGRES");
    let name = format!("verify_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    run(&server, &format!("CREATE DATABASE {name}"));
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    run(&url, sql);
    url
}

pub(super) fn run(url: &str, sql: &str) {
    wait(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    });
}

pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
