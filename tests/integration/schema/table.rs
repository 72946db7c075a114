//! A table of sessions of its own for each test, and `unleak schema` on it.

use crate::session::fixture::Database;
use std::process::{Command, Output, Stdio};

/// The table as applications make it that sign tokens of their own, and its users.
pub(super) const BASE: &str = "
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, name text);
CREATE TABLE auth_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  refresh_token_hash varchar(64) NOT NULL UNIQUE,
  family_id uuid,
  rotated_from uuid REFERENCES auth_sessions (id),
  user_agent text,
  ip inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz);
INSERT INTO users (email) SELECT 'u' || i || '@example.org' FROM generate_series(1, 5) i;
INSERT INTO auth_sessions (user_id, refresh_token_hash, family_id, user_agent, ip, created_at, expires_at, revoked_at)
SELECT (SELECT id FROM users OFFSET i % 5 LIMIT 1), md5(i::text), CASE WHEN i % 2 = 0 THEN gen_random_uuid() END,
  CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'Agent/' || i % 7 END, '10.1.2.3',
  now() - interval '1 day' * (i % 30), now() + interval '1 day' * (i % 30 - 5), CASE WHEN i % 10 = 0 THEN now() END
FROM generate_series(1, 100) i";

/// A database with a state folder.
pub(super) struct Table {
    pub(super) database: Database,
    pub(super) dir: tempfile::TempDir,
}

impl Table {
    pub(super) async fn new() -> Self {
        Self::with(BASE).await
    }

    pub(super) async fn with(sql: &str) -> Self {
        Self { database: Database::with(sql).await, dir: tempfile::tempdir().unwrap() }
    }

    /// `unleak schema` with these arguments, or `unleak sessions` where they begin with that; not started yet.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        self.command_at(&self.database.url, args)
    }

    /// The same as another role, which has its name for a password.
    pub(super) fn said_as(&self, role: &str, args: &[&str], exit: i32) -> String {
        let mut url = url::Url::parse(&self.database.url).unwrap();
        url.set_username(role).unwrap();
        url.set_password(Some(role)).unwrap();
        let output = self.command_at(url.as_str(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", said(&output));
        said(&output)
    }

    fn command_at(&self, url: &str, args: &[&str]) -> Command {
        let source = self.dir.path().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), url.as_bytes()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", self.dir.path()).env("USER", "ada").args(group(args)).args(args);
        command.arg("--store-from").arg(format!("file:{}", source.display()));
        if matches!(group(args), ["schema"]) {
            command.arg("--state").arg(self.dir.path().join("state"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[must_use]
    pub(super) fn schema(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it and expects an exit code; gives everything that was said.
    pub(super) fn said(&self, args: &[&str], exit: i32) -> String {
        let output = self.schema(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {text}");
        text
    }

    /// Standard output as JSON.
    pub(super) fn json(&self, args: &[&str], exit: i32) -> serde_json::Value {
        let output = self.schema(&[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The steps that an apply would do now.
    pub(super) fn steps(&self) -> Vec<String> {
        let plan = self.json(&["apply", "--dry-run"], 0);
        let step = |step: &serde_json::Value| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("action"), text("kind"), text("name"))
        };
        plan["plan"]["steps"].as_array().unwrap().iter().map(step).collect()
    }

    /// The schema as pg_dump writes it.
    pub(super) fn dump(&self) -> String {
        let mut url = url::Url::parse(&self.database.url).unwrap();
        let password = url.password().unwrap().to_owned();
        url.set_password(None).unwrap();
        let mut command = Command::new("pg_dump");
        let output =
            command.env("PGPASSWORD", password).args(["--schema-only", url.as_str()]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        // Newer ones write a random word into each dump.
        let lines = text.lines().filter(|line| !line.contains("restrict"));
        lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
    }

    /// Runs a script with psql, as a person would.
    pub(super) fn psql(&self, script: &str) {
        let mut url = url::Url::parse(&self.database.url).unwrap();
        let password = url.password().unwrap().to_owned();
        url.set_password(None).unwrap();
        let file = self.dir.path().join("script.sql");
        std::io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), script.as_bytes()).unwrap();
        let mut command = Command::new("psql");
        command
            .env("PGPASSWORD", password)
            .args(["--no-psqlrc", "--quiet", "--file"])
            .arg(&file)
            .arg(url.as_str());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}\n{script}", said(&output));
    }

    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        self.database.texts(sql).await
    }

    pub(super) async fn text(&self, sql: &str) -> String {
        self.texts(sql).await.remove(0)
    }
}

/// The group that a command belongs to; one that names its own needs none.
fn group(args: &[&str]) -> &'static [&'static str] {
    if args.first() == Some(&"sessions") { &[] } else { &["schema"] }
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
