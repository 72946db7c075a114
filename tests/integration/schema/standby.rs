//! A real standby, copied from the test server: what reads works there, what writes is refused with a clear message.

use super::table::{Table, said};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[expect(clippy::disallowed_methods, reason = "tests/run passes the server in")]
fn programs() -> PathBuf {
    std::env::var("UNLEAK_TEST_POSTGRES_BIN").expect("no UNLEAK_TEST_POSTGRES_BIN: run tests/run").into()
}

/// PostgreSQL does not run as root, which tests may.
fn as_server(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// A standby of its own port, gone with the test.
struct Standby {
    data: PathBuf,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Standby {
    fn of(url: &url::Url) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The user postgres makes its files in it.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let data = dir.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let password = url.password().unwrap().to_owned();
        let mut plain = url.clone();
        plain.set_password(None).unwrap();
        plain.set_path("");
        let mut copy = as_server(Path::new("pg_basebackup"));
        copy.current_dir("/").env("PGPASSWORD", password).args([
            "--checkpoint=fast",
            "--no-sync",
            "--write-recovery-conf",
        ]);
        let copied = copy.arg("--dbname").arg(plain.as_str()).arg("--pgdata").arg(&data).output().unwrap();
        assert!(copied.status.success(), "{}", said(&copied));
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{}' -c fsync=off -c hot_standby=on",
            dir.path().display()
        );
        let mut start = as_server(&programs().join("pg_ctl"));
        start.current_dir("/").arg("start").arg("--pgdata").arg(&data).args([
            "--wait",
            "--silent",
            "--options",
            &options,
        ]);
        // Its server would hold on to pipes.
        start.arg("--log").arg(dir.path().join("log")).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(start.status().unwrap().success(), "the standby starts");
        Self { data, port, _dir: dir }
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let mut stop = as_server(&programs().join("pg_ctl"));
        stop.current_dir("/")
            .arg("stop")
            .arg("--pgdata")
            .arg(&self.data)
            .args(["--mode=immediate", "--silent"]);
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

#[tokio::test]
async fn a_standby_tells_and_changes_nothing() {
    let table = Table::new().await;
    let url = url::Url::parse(&table.database.url).unwrap();
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let family = table.text("SELECT family_id::text FROM auth_sessions LIMIT 1").await;
    let standby = Standby::of(&url);
    let mut there = url.clone();
    there.set_port(Some(standby.port)).unwrap();
    let run = |args: &[&str]| {
        let mut command = table.command(args);
        let source = table.dir.path().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(source).unwrap(), there.as_str().as_bytes())
            .unwrap();
        let output = command.output().unwrap();
        (output.status.code(), said(&output))
    };
    for command in [&["plan"][..], &["apply", "--yes"], &["verify"], &["rollback", "--yes"]] {
        let (exit, text) = run(command);
        assert_eq!(exit, Some(2), "{command:?}: {text}");
        assert!(
            text.contains("the server is a standby in recovery, which is read-only"),
            "{command:?}: {text}"
        );
        assert!(text.contains("connect to the primary"), "{command:?}: {text}");
    }
    let (exit, text) = run(&["revoke", &family, "--yes"]);
    assert_eq!(exit, Some(2), "{text}");
    assert!(text.contains("connect to the primary"), "{text}");
    // Who looks does not disturb the primary.
    let (exit, text) = run(&["status"]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(text.contains("tokens used twice, last 1h"), "{text}");
    let (exit, text) = run(&["apply", "--advice", "--yes"]);
    assert_eq!(exit, Some(2), "{text}");
    assert!(text.contains("connect to the primary"), "{text}");
}
