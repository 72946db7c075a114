//! The main job on real parts: an Express application with connect-pg-simple on PostgreSQL gets a new session secret,
//! and the cookie that worked stops working. Needs tests/run, which starts the services.

#![expect(clippy::disallowed_methods, reason = "tests/run passes the services in; files are throw-away")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

#[test]
fn rotating_an_express_application_ends_its_sessions() {
    let app = App::start("rotate");
    let cookies: Vec<String> = ["ada", "grace", "edsger"].iter().map(|user| app.login(user)).collect();
    let old_secret = app.secret();
    let env_before = fs::read_to_string(app.dir.path().join(".env")).unwrap();
    assert_eq!(app.status("/api/user", Some(&cookies[0])), 200, "the cookie works before");
    assert_eq!(app.sessions(), 3);

    let output = app.rotate(&cookies[0], "/api/user");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");

    for cookie in &cookies {
        assert_eq!(app.status("/api/user", Some(cookie)), 401, "no old cookie works after");
    }
    assert_eq!(app.sessions(), 0);
    let new_secret = app.secret();
    assert_ne!(new_secret, old_secret);
    assert!(new_secret.len() == 128 && new_secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    let env_after = fs::read_to_string(app.dir.path().join(".env")).unwrap();
    assert_eq!(env_after, env_before.replace(&old_secret, &new_secret), "nothing else in .env changed");
    assert!(said.contains("verified"), "the report says what was proved: {said}");

    let cookie = app.login("ada");
    assert_eq!(app.status("/api/user", Some(&cookie)), 200, "a new login works");

    let mut secrets = vec![old_secret, new_secret, app.password()];
    secrets.extend(cookies.iter().map(|cookie| session_id(cookie)));
    app.assert_nothing_written_holds(&secrets, &said);
}

#[test]
fn a_page_that_redirects_to_the_login_shows_that_the_old_cookie_is_dead() {
    let app = App::start("redirect");
    let cookie = app.login("ada");
    let output = app.rotate(&cookie, "/account");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("answered 302 to /login with the cookie (as without one"), "{said}");
}

/// Needs a debug build: killed right after the purge, then resumed by its name, with the password given again.
#[test]
fn a_killed_rotation_of_an_express_application_is_resumed_by_its_name() {
    let app = App::start("resume");
    let cookie = app.login("ada");
    let old_secret = app.secret();
    let in_dir = |name: &str| app.dir.path().join(name).display().to_string();
    fs::write(in_dir("cookie"), format!("connect.sid={cookie}")).unwrap();
    let password = app.password();
    let unleak = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.args(["rotate", "--state", &in_dir("state")]).args(args).env_remove("PGPASSWORD");
        command
    };
    let mut first = unleak(&["--yes", "--fault=purge:after:kill", "--target"]);
    first
        .arg(format!("env:{}#SESSION_SECRET", in_dir(".env")))
        .args(["--store", &app.database_url.replace(&format!(":{password}@"), "@")])
        .args(["--reload", &in_dir("restart"), "--health", &app.url("/api/health")])
        .args(["--probe", &app.url("/account"), "--probe-cookie-from", &format!("file:{}", in_dir("cookie"))])
        .env("UNLEAK_STORE_PASSWORD", &password);
    assert_eq!(first.output().unwrap().status.code(), None);
    let new_secret = app.secret();
    let id = fs::read_dir(in_dir("state/incidents")).unwrap().next().unwrap().unwrap().file_name();
    let resume = ["--resume", id.to_str().unwrap()];

    let without = unleak(&resume).output().unwrap();
    let said = String::from_utf8_lossy(&without.stderr);
    assert_eq!(without.status.code(), Some(2), "{said}");
    assert!(said.contains("UNLEAK_STORE_PASSWORD, which is not set now") && said.contains("hint"), "{said}");

    let output = unleak(&resume).env("UNLEAK_STORE_PASSWORD", &password).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("1 deleted by the run before"), "{said}");
    assert_eq!((app.secret() == new_secret, new_secret == old_secret), (true, false));
    assert_eq!((app.sessions(), app.status("/api/user", Some(&cookie))), (0, 401));
    app.assert_nothing_written_holds(&[old_secret, new_secret, password, session_id(&cookie)], &said);
}

#[test]
fn the_express_application_reads_its_secret_only_when_it_starts() {
    let app = App::start("restart");
    let cookie = app.login("ada");
    let env = app.dir.path().join(".env");
    fs::write(&env, fs::read_to_string(&env).unwrap().replace(&app.secret(), &"0".repeat(128))).unwrap();
    assert_eq!(app.status("/api/user", Some(&cookie)), 200, "the running process keeps the old secret");
    app.restart();
    assert_eq!(app.status("/api/user", Some(&cookie)), 401);
    assert_eq!(app.status("/api/user", None), 401);
    assert_eq!(app.sessions(), 1, "a new secret alone leaves the row in the store");
}

/// The application of fixtures/express-app in a folder of its own, with a database of its own; stopped on drop.
struct App {
    dir: tempfile::TempDir,
    database_url: String,
    port: u16,
}

impl App {
    /// Installs and starts the application on a fresh database, and waits until it is healthy.
    fn start(name: &str) -> Self {
        let packages = PathBuf::from(service("UNLEAK_TEST_APPS")).join("express-app/node_modules");
        let dir = tempfile::tempdir().unwrap();
        let database_url = fresh_database(&format!("express_{name}_{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/express-app");
        fs::copy(fixture.join("server.js"), dir.path().join("server.js")).unwrap();
        fs::copy(fixture.join("../restart"), dir.path().join("restart")).unwrap();
        fs::write(dir.path().join("start"), "node server.js\n").unwrap();
        std::os::unix::fs::symlink(packages, dir.path().join("node_modules")).unwrap();
        // Built at run time, so that no file of this repository holds what looks like a live secret.
        let secret = "0123456789abcdef".repeat(8).chars().rev().collect::<String>();
        let env = format!(
            "# settings of the shop\nPORT={port}\nDATABASE_URL=\"{database_url}\"\n\n# signs the cookies\n\
             SESSION_SECRET={secret}\nSESSION_SECRET_NOTE='kept as it is'\nLOG_LEVEL=info\n"
        );
        fs::write(dir.path().join(".env"), env).unwrap();
        let app = Self { dir, database_url, port };
        app.restart();
        app
    }

    /// Runs the restart script, as `--reload` does, and waits for the health check.
    fn restart(&self) {
        let status = Command::new(self.dir.path().join("restart")).status().unwrap();
        assert!(status.success(), "the restart script failed: {}", self.log());
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if agent().get(self.url("/api/health")).call().is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the application did not become healthy: {}", self.log());
    }

    fn rotate(&self, cookie: &str, page: &str) -> Output {
        let in_dir = |name: &str| self.dir.path().join(name).display().to_string();
        fs::write(in_dir("store"), &self.database_url).unwrap();
        fs::write(in_dir("cookie"), format!("connect.sid={cookie}")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_unleak"))
            .args(["rotate", "--yes", "--state", &in_dir("state")])
            .args(["--target", &format!("env:{}#SESSION_SECRET", in_dir(".env"))])
            .args(["--store-from", &format!("file:{}", in_dir("store"))])
            .args(["--reload", &in_dir("restart"), "--health", &self.url("/api/health")])
            .args(["--probe", &self.url(page), "--probe-cookie-from"])
            .arg(format!("file:{}", in_dir("cookie")))
            .output()
            .unwrap()
    }

    /// Logs a user in and gives the value of the session cookie.
    fn login(&self, user: &str) -> String {
        let mut answer = agent().post(self.url(&format!("/login?user={user}"))).send_empty().unwrap();
        assert_eq!(answer.status(), 200);
        // express-session holds the end of the answer back until the session is stored.
        answer.body_mut().read_to_string().unwrap();
        let header = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = header.strip_prefix("connect.sid=").unwrap().split(';').next().unwrap();
        assert!(cookie.starts_with("s%3A"), "a signed cookie");
        cookie.to_owned()
    }

    fn status(&self, path: &str, cookie: Option<&str>) -> u16 {
        let mut request = agent().get(self.url(path));
        if let Some(cookie) = cookie {
            request = request.header("cookie", format!("connect.sid={cookie}"));
        }
        request.call().unwrap().status().as_u16()
    }

    fn sessions(&self) -> i64 {
        on_database(&self.database_url, async |connection| {
            sqlx::query_scalar("SELECT count(*) FROM session").fetch_one(connection).await.unwrap()
        })
    }

    /// The secret as the file has it now.
    fn secret(&self) -> String {
        let env = fs::read_to_string(self.dir.path().join(".env")).unwrap();
        env.lines().find_map(|line| line.strip_prefix("SESSION_SECRET=")).unwrap().to_owned()
    }

    fn password(&self) -> String {
        let (_, rest) = self.database_url.split_once("://unleak:").unwrap();
        rest.split('@').next().unwrap().to_owned()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("app.log")).unwrap_or_default()
    }

    /// Searches what was printed and every byte below the state folder.
    fn assert_nothing_written_holds(&self, secrets: &[String], said: &str) {
        let mut texts = vec![("the output".to_owned(), said.as_bytes().to_vec())];
        let mut folders = vec![self.dir.path().join("state")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    texts.push((path.display().to_string(), fs::read(&path).unwrap()));
                }
            }
        }
        assert!(texts.len() > 1, "a rotation leaves a journal and a report");
        for (place, bytes) in &texts {
            for (index, secret) in secrets.iter().enumerate() {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{place} holds secret number {index}");
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // A failed assertion must not leave a server behind; the database goes with the cluster of tests/run.
        if let Ok(pid) = fs::read_to_string(self.dir.path().join("app.pid")) {
            let _killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

/// The session id inside a signed cookie: `s%3A<id>.<signature>`.
fn session_id(cookie: &str) -> String {
    cookie.strip_prefix("s%3A").unwrap().split('.').next().unwrap().to_owned()
}

fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}

fn fresh_database(name: &str) -> String {
    let server = service("UNLEAK_TEST_POSTGRES");
    on_database(&server, async |connection| {
        let create = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(connection).await.unwrap();
    });
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

fn on_database<T>(url: &str, query: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        query(&mut connection).await
    })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}
