//! A real application of fixtures/ in a folder of its own, on a port of its own; stopped on drop.

use super::super::world::{put, unleak};
use super::browser::Cookies;
use base64::Engine as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The password of every user, made at run time.
pub(crate) fn password() -> String {
    format!("correct-horse-{}", std::process::id())
}

/// What an application is and how it is told things.
pub(crate) struct Kind {
    /// Its folder in fixtures/.
    pub(crate) fixture: &'static str,
    /// The variable of its secret.
    pub(crate) variable: &'static str,
    /// Its further settings.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// How to log in.
    pub(crate) login: Login,
}

/// The three ways in which the applications take a name and a password.
#[derive(Clone, Copy)]
pub(crate) enum Login {
    Form,
    Json,
    /// A form with the token of a page.
    Guarded {
        url: &'static str,
        page: &'static str,
        token: &'static str,
    },
}

pub(crate) struct App {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) kind: Kind,
    port: u16,
}

impl App {
    /// Starts it with a secret of its own, and waits until it is healthy.
    pub(crate) fn start(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let fixture = fixtures.join(kind.fixture);
        std::fs::copy(fixtures.join("restart"), dir.path().join("restart")).unwrap();
        let start = if fixture.join("package.json").exists() {
            for file in ["server.js", "package.json"] {
                std::fs::copy(fixture.join(file), dir.path().join(file)).unwrap();
            }
            if fixture.join("package-lock.json").exists() {
                let packages = PathBuf::from(service("UNLEAK_TEST_APPS")).join(kind.fixture);
                std::os::unix::fs::symlink(packages.join("node_modules"), dir.path().join("node_modules"))
                    .unwrap();
            }
            "node server.js\n".to_owned()
        } else {
            std::fs::copy(fixture.join("app.py"), dir.path().join("app.py")).unwrap();
            format!("{} app.py\n", service("UNLEAK_TEST_APPS_PYTHON"))
        };
        put(&dir.path().join("start"), start.as_bytes());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Built at run time, so that no file of this repository holds what looks like a live secret.
        let secret = match kind.variable {
            "APP_KEY" => format!("base64:{}", base64::engine::general_purpose::STANDARD.encode([77; 32])),
            _ => "0123456789abcdef".repeat(8).chars().rev().collect(),
        };
        let mut env = format!("PORT={port}\nTEST_LOGIN={}\n{}={secret}\n", password(), kind.variable);
        for (name, value) in &kind.settings {
            env.extend([*name, "=", value.as_str(), "\n"]);
        }
        put(&dir.path().join(".env"), env.as_bytes());
        let app = Self { dir, kind, port };
        app.restart();
        app
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn restart(&self) {
        // Not by itself: another test's child may have the file open for writing still, until it runs its own program.
        let status = Command::new("sh").arg(self.path("restart")).status().unwrap();
        assert!(status.success(), "the restart script failed: {}", self.log());
        let deadline = Instant::now() + Duration::from_secs(40);
        while Instant::now() < deadline {
            if Cookies::default().get(&self.url("/api/health")) == Some(200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("the application did not become healthy: {}", self.log());
    }

    /// The secret as the file has it now.
    pub(crate) fn secret(&self) -> String {
        let env = std::fs::read_to_string(self.path(".env")).unwrap();
        let line = format!("{}=", self.kind.variable);
        env.lines().find_map(|text| text.strip_prefix(&line)).unwrap().to_owned()
    }

    /// A browser that has logged in.
    pub(crate) fn log_in(&self) -> Cookies {
        let (user, word) = ("ada", password());
        let mut cookies = Cookies::default();
        let form = format!("user={user}&password={word}");
        let status = match self.kind.login {
            Login::Form => cookies.post(&self.url("/login"), "application/x-www-form-urlencoded", &form),
            Login::Json => {
                let json = format!(r#"{{"user":"{user}","password":"{word}"}}"#);
                cookies.post(&self.url("/login"), "application/json", &json)
            }
            Login::Guarded { url, page, token } => {
                let page = cookies.text(&self.url(page));
                let value = page.split('"').rfind(|part| part.len() > 30).unwrap();
                let form = format!("{form}&{token}={value}");
                cookies.post(&self.url(url), "application/x-www-form-urlencoded", &form)
            }
        };
        assert!(status < 400, "the login was answered {status}: {}", self.log());
        cookies
    }

    /// What the application answers to a session.
    pub(crate) fn asks(&self, cookies: &Cookies) -> u16 {
        cookies.get(&self.url("/api/user")).unwrap_or_else(|| panic!("no answer: {}", self.log()))
    }

    /// `unleak rotate` as an operator would: it logs in by itself, and forges where that is asked for.
    pub(crate) fn rotate(&self, more: &[&str]) -> Output {
        let word = password();
        let (url, page, body) = match self.kind.login {
            Login::Form => ("/login", None, format!("user=grace&password={word}")),
            Login::Json => ("/login", None, format!(r#"{{"user":"grace","password":"{word}"}}"#)),
            Login::Guarded { url, page, token } => {
                (url, Some(page), format!("user=grace&password={word}&{token}={{{{csrf}}}}"))
            }
        };
        let mut command = self.rotation();
        command.args(["--login", &self.url(url), "--login-from", "env:LOGIN"]).env("LOGIN", body);
        command.args(page.map(|page| format!("--login-page={}", self.url(page))));
        command.args(["--check", &self.url("/api/health"), "--check", &self.url("/nowhere")]);
        command.args(more).output().unwrap()
    }

    /// The same without any session: all that it has is the old value and what a cookie should say.
    pub(crate) fn rotate_forging(&self, kind: &str, contents: &str) -> Output {
        let mut command = self.rotation();
        command.args(["--forge", kind, "--forge-from", "env:CONTENTS"]).env("CONTENTS", contents);
        command.output().unwrap()
    }

    fn rotation(&self) -> Command {
        let mut command = unleak(&self.path("state"));
        command.args(["rotate", "--yes", "--target"]);
        command.arg(format!("env:{}#{}", self.path(".env").display(), self.kind.variable));
        command.arg("--reload").arg(self.path("restart"));
        command.args(["--health", &self.url("/api/health"), "--probe", &self.url("/api/user")]);
        command.stdin(Stdio::null());
        command
    }

    /// Goes on with the newest rotation, by its name alone.
    pub(crate) fn resume(&self) -> Output {
        let all = std::fs::read_dir(self.path("state/incidents")).unwrap();
        let id = all.map(|entry| entry.unwrap().file_name()).max().unwrap();
        let word = password();
        let body = match self.kind.login {
            Login::Json => format!(r#"{{"user":"grace","password":"{word}"}}"#),
            _ => format!("user=grace&password={word}"),
        };
        let mut command = unleak(&self.path("state"));
        command.args(["rotate", "--resume", id.to_str().unwrap()]).env("LOGIN", body).output().unwrap()
    }

    /// The newest report.
    pub(crate) fn report(&self) -> serde_json::Value {
        let all = std::fs::read_dir(self.path("state/incidents")).unwrap();
        let newest = all.map(|entry| entry.unwrap().path()).max().unwrap();
        serde_json::from_slice(&std::fs::read(newest.join("report.json")).unwrap()).unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("app.log")).unwrap_or_default()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // A failed assertion must not leave a server behind.
        if let Ok(pid) = std::fs::read_to_string(self.path("app.pid")) {
            let _killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests/run passes the services in")]
pub(crate) fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}
