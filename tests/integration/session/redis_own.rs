//! Redis servers of a test's own: with a socket or a port, a primary and its replica, Sentinel, TLS.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

use super::redis::Database;
use redis::cmd;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(super) struct Own {
    child: Child,
    dir: tempfile::TempDir,
}

impl Own {
    /// One with these options, when it answers.
    pub(super) async fn start(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = Self { child: server(dir.path(), &[], options), dir };
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let client = redis::Client::open(own.url()).unwrap();
            let asked = async {
                let mut connection = client.get_multiplexed_async_connection().await?;
                cmd("PING").query_async::<String>(&mut connection).await
            };
            match asked.await {
                Ok(_) => return own,
                Err(error) => assert!(Instant::now() < deadline, "it does not answer: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Killed, as by a crash, and there again with what it has on its disk.
    pub(super) fn restart(&mut self, options: &[&str]) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.child = server(self.dir.path(), &[], options);
    }

    /// A sentinel that watches the primary at a port, under the name `sessions`.
    pub(super) async fn sentinel(port: u16, primary: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sentinel.conf");
        let lines = format!(
            "sentinel monitor sessions 127.0.0.1 {primary} 1\nsentinel down-after-milliseconds sessions 300\n\
             sentinel failover-timeout sessions 2000\n"
        );
        std::fs::write(&file, lines).unwrap();
        let port = port.to_string();
        let child = server(dir.path(), &[file.to_str().unwrap(), "--sentinel"], &["--port", &port]);
        let own = Self { child, dir };
        own.until("SENTINEL", &["get-master-addr-by-name", "sessions"], |_| true).await;
        own
    }

    /// Asks again and again until the answer's words are as they should be.
    pub(super) async fn until(&self, command: &str, arguments: &[&str], is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let mut ask = cmd(command);
            ask.arg(arguments);
            let asked = async {
                let client = redis::Client::open(self.url())?;
                let mut connection = client.get_multiplexed_async_connection().await?;
                ask.query_async::<redis::Value>(&mut connection).await
            };
            let answer = asked.await.map(|value| match &value {
                redis::Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            });
            if answer.as_ref().is_ok_and(|text| is_so(text)) {
                return;
            }
            assert!(Instant::now() < deadline, "{command} {arguments:?} is still {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its sessions, by its socket.
    pub(super) async fn database(&self) -> Database {
        Database::at(&self.url()).await
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn url(&self) -> String {
        format!("unix://{}", self.file("redis.sock").display())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody has.
pub(super) fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn server(dir: &Path, first: &[&str], options: &[&str]) -> Child {
    let program = ["redis-server", "valkey-server"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok());
    let mut command = Command::new(program.expect("tests/run installs it"));
    command.args(first).args(["--port", "0", "--dir", dir.to_str().unwrap(), "--unixsocket"]);
    command.arg(dir.join("redis.sock"));
    if first.is_empty() {
        command.args(["--save", ""]);
    }
    command.args(options).stdout(Stdio::null()).spawn().unwrap()
}
