//! A small real application: signs session cookies with the secret of its `.env`, keeps sessions in SQLite, and
//! takes a new secret when the file `reload` appears.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sqlx::{Connection as _, SqliteConnection};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(super) const SESSION: &str = "sess-4f7a19c2e8";

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) old: String,
    pub(super) before: Vec<u8>,
    url: String,
}

impl World {
    /// An application with three logged-in users whose secret has leaked.
    pub(super) fn new(old: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let before = format!("# the application\r\nPORT=1\r\nexport SESSION_SECRET='{old}' # signs cookies\r\nX=\"a\nSESSION_SECRET=no\"").into_bytes();
        put(&dir.path().join(".env"), &before);
        sqlite(
            dir.path(),
            &[
                "CREATE TABLE sessions (sid TEXT NOT NULL PRIMARY KEY, sess JSON NOT NULL, expire TEXT NOT NULL)",
                &format!(
                    "INSERT INTO sessions VALUES ('{SESSION}', '{{}}', '2099-01-01T00:00:00.000Z'), ('b', '{{}}', '2099-01-01T00:00:00.000Z'), ('c', '{{}}', '2099-01-01T00:00:00.000Z')"
                ),
            ],
        );
        put(&dir.path().join("cookie"), cookie(old).as_bytes());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Arc::new(App { dir: dir.path().to_owned(), secret: Mutex::new(old.to_owned()) });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let app = Arc::clone(&app);
                thread::spawn(move || app.answer(stream));
            }
        });
        Self { dir, old: old.to_owned(), before, url }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn env(&self) -> Vec<u8> {
        std::fs::read(self.path(".env")).unwrap()
    }

    /// The value that the target holds now.
    pub(super) fn value(&self) -> String {
        secret_of(&self.path(".env"))
    }

    /// What the application answers to this cookie.
    pub(super) fn asks(&self, cookie: &str) -> u16 {
        self.page("/me", cookie)
    }

    /// What one of its pages answers.
    pub(super) fn page(&self, path: &str, cookie: &str) -> u16 {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Logs somebody in, whose cookie the application makes with the value that the target holds.
    pub(super) fn login(&self) -> String {
        let row = format!("INSERT INTO sessions VALUES ('{SESSION}', '{{}}', '2099-01-01T00:00:00.000Z')");
        sqlite(self.dir.path(), &[&row]);
        cookie(&self.value())
    }

    pub(super) fn sessions(&self) -> i64 {
        wait(async {
            let mut db = open(self.dir.path()).await;
            sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&mut db).await.unwrap()
        })
    }

    pub(super) fn reload(&self) -> String {
        format!("touch '{}'", self.path("reload").display())
    }

    /// `unleak rotate` on this application, with these further arguments.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let target = format!("--target=env:{}#SESSION_SECRET", self.path(".env").display());
        let mut command = self.alone(&[&target]);
        command.args(args);
        command
    }

    /// `unleak rotate` with these arguments and nothing else, from a folder that has nothing to do with it.
    pub(super) fn alone(&self, args: &[&str]) -> Command {
        let mut command = unleak(&self.path("state"));
        command.arg("rotate").args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Everything that a complete rotation needs.
    pub(super) fn all(&self) -> Vec<String> {
        let mut args = self.probed();
        args.extend([
            "--yes".to_owned(),
            format!("--reload={}", self.reload()),
            format!("--health={}/healthz", self.url),
            "--health-timeout=2".to_owned(),
            format!("--store=sqlite:{}", self.path("db").display()),
        ]);
        args
    }

    pub(super) fn probed(&self) -> Vec<String> {
        vec![
            format!("--probe={}/me?x=1", self.url),
            format!("--probe-cookie-from=file:{}", self.path("cookie").display()),
        ]
    }

    pub(super) fn account(&self) -> String {
        format!("--probe={}/account", self.url)
    }

    pub(super) fn health(&self, page: &str) -> String {
        format!("--health={}/{page}", self.url)
    }

    pub(super) fn run(&self, args: &[String]) -> Output {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        self.command(&args).output().unwrap()
    }

    /// Runs until standard error says that the step begins, or `ok STEP` that it ended, and the file is there, then sends the signal.
    pub(super) fn interrupted(&self, args: &[String], step: &str, sign: Option<&Path>) -> Output {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let mut child = self.command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut seen = Vec::new();
        while lines.read_until(b'\n', &mut seen).unwrap() > 0 {
            let last = String::from_utf8_lossy(&seen).lines().last().unwrap_or_default().to_owned();
            let wanted = if step.contains(' ') { step.to_owned() } else { format!(".. {step}") };
            if last.trim_start().starts_with(&wanted) {
                while sign.is_some_and(|sign| !sign.exists()) {
                    thread::sleep(Duration::from_millis(5));
                }
                signal(&child);
                break;
            }
        }
        lines.read_to_end(&mut seen).unwrap();
        let mut output = child.wait_with_output().unwrap();
        output.stderr = seen;
        output
    }

    /// The only incident's folder.
    pub(super) fn incident(&self) -> PathBuf {
        let all: Vec<_> =
            std::fs::read_dir(self.path("state/incidents")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(all.len(), 1);
        all[0].clone()
    }

    pub(super) fn id(&self) -> String {
        self.incident().file_name().unwrap().to_str().unwrap().to_owned()
    }

    pub(super) fn report(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.incident().join("report.json")).unwrap()).unwrap()
    }

    /// The status of a claim in the report that starts like this.
    pub(super) fn status(&self, claim: &str) -> String {
        let report = self.report();
        let checks = report["checks"].as_array().unwrap().clone();
        let found = checks.iter().find(|check| check["claim"].as_str().unwrap().contains(claim));
        found.unwrap_or_else(|| panic!("no {claim} in {checks:?}"))["status"].as_str().unwrap().to_owned()
    }
}

/// `unleak` with this state folder in an empty environment.
#[expect(clippy::disallowed_methods, reason = "the shell of a reload command needs a PATH")]
pub(super) fn unleak(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.current_dir("/").env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.args(["--state", state.to_str().unwrap()]).stdin(Stdio::null());
    command
}

pub(super) fn put(path: &Path, bytes: &[u8]) {
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

pub(super) fn cookie(secret: &str) -> String {
    format!("theme=dark; sid={SESSION}.{}", sign(secret, SESSION))
}

fn sign(secret: &str, id: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(id.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(unix)]
fn signal(child: &Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

/// What a simple parser reads: the last line that assigns it, without quotes and comment.
fn secret_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with("export SESSION_SECRET=")).unwrap();
    let value = line.split_once('=').unwrap().1;
    match value.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next().unwrap().to_owned(),
        None => value.split(' ').next().unwrap().to_owned(),
    }
}

struct App {
    dir: PathBuf,
    secret: Mutex<String>,
}

impl App {
    fn answer(&self, mut stream: TcpStream) {
        let reload = self.dir.join("reload");
        {
            // One request after the other: of two that see the file, the second would find it gone.
            let mut secret = self.secret.lock().unwrap();
            if reload.exists() {
                *secret = secret_of(&self.dir.join(".env"));
                std::fs::remove_file(reload).unwrap();
            }
        }
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut cookies) = (String::new(), String::new());
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                break;
            }
            if line.to_lowercase().starts_with("cookie:") {
                cookies = line;
            }
        }
        let maintenance = self.dir.join("maintenance").exists();
        let status = match first.split(' ').nth(1).unwrap().split('?').next().unwrap() {
            "/healthz" if self.dir.join("sick").exists() => "503 Service Unavailable",
            "/healthz" | "/open" => "200 OK",
            "/worker" if !self.dir.join("broken").exists() => "200 OK",
            "/me" | "/account" if self.knows(&cookies) => "200 OK",
            "/me" => "401 Unauthorized",
            // Like an Express application that sends visitors to its login page, and back afterwards.
            "/account" if !maintenance => "302 Found\r\nLocation: /login?returnTo=%2Faccount",
            "/account" => "302 Found\r\nLocation: /maintenance",
            _ => "503 Service Unavailable",
        };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    }

    fn knows(&self, cookies: &str) -> bool {
        let Some((id, mac)) = cookies.trim().split("sid=").nth(1).and_then(|sid| sid.split_once('.')) else {
            return false;
        };
        let stored: i64 = wait(async {
            let mut db = open(&self.dir).await;
            sqlx::query_scalar("SELECT count(*) FROM sessions WHERE sid = ?")
                .bind(id)
                .fetch_one(&mut db)
                .await
                .unwrap()
        });
        mac == sign(&self.secret.lock().unwrap(), id) && stored == 1
    }
}

async fn open(dir: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", dir.join("db").display())).await.unwrap()
}

fn sqlite(dir: &Path, statements: &[&str]) {
    wait(async {
        let mut db = open(dir).await;
        for statement in statements {
            sqlx::query(sqlx::AssertSqlSafe(*statement)).execute(&mut db).await.unwrap();
        }
    });
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Fails the test when the child does not end in time.
pub(super) fn deadline(started: Instant, limit: Duration) {
    assert!(started.elapsed() < limit, "took {:?}", started.elapsed());
}
