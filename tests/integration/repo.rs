//! A real git repository in a temporary folder, in a world where nothing of the developer's machine counts.

#![expect(clippy::disallowed_methods, reason = "the files of a test may be torn")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A repository that a test builds with git's own commands.
pub(crate) struct Repo {
    dir: TempDir,
    path: PathBuf,
}

impl Repo {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        Self::of_format("sha1")
    }

    /// An empty repository whose objects are named by this hash.
    pub(crate) fn of_format(format: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let path = dir.path().join("repo");
        std::fs::create_dir(&path).expect("a folder");
        let repo = Self { dir, path };
        repo.git(&["init", "-q", "-b", "main", "--object-format", format]);
        repo
    }

    /// A clone or other folder beside the repository, to be opened as one.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs git here and gives what it says; it must succeed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_at(1_700_000_000, args)
    }

    /// Like `git`, at a time of the test's choosing.
    pub(crate) fn git_at(&self, seconds: i64, args: &[&str]) -> String {
        let output = git(&self.path, seconds).args(args).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The bytes that git says.
    pub(crate) fn git_bytes(&self, args: &[&str]) -> Vec<u8> {
        let output = git(&self.path, 0).args(args).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path.join(name)).expect("a file to remove");
    }

    /// Commits everything and gives the commit's name.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs `unleak scan` with these arguments here.
    #[must_use]
    pub(crate) fn scan(&self, args: &[&str]) -> Ran {
        self.unleak(&[&["scan"], args].concat())
    }

    /// Runs unleak with these arguments here.
    #[must_use]
    pub(crate) fn unleak(&self, args: &[&str]) -> Ran {
        Ran::of(unleak(&self.path, self.dir.path()).args(args))
    }
}

/// git in `folder`, with fixed names and dates and no configuration but its own.
pub(crate) fn git(folder: &Path, seconds: i64) -> Command {
    let mut git = Command::new("git");
    let date = format!("{seconds} +0000");
    git.current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", null())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ada Author")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_NAME", "Carl Committer")
        .env("GIT_COMMITTER_EMAIL", "carl@example.org")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "core.autocrlf=false"]);
    git
}

/// The binary in `folder`, with its state and home inside `world`.
pub(crate) fn unleak(folder: &Path, world: &Path) -> Command {
    let mut unleak = Command::new(env!("CARGO_BIN_EXE_unleak"));
    unleak
        .current_dir(folder)
        .env("HOME", world)
        .env("XDG_STATE_HOME", world.join("state"))
        .env("XDG_CONFIG_HOME", world.join("config"))
        .env("GIT_CONFIG_GLOBAL", null())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("NO_COLOR");
    unleak
}

fn null() -> &'static str {
    if cfg!(windows) { "NUL" } else { "/dev/null" }
}

/// What a run of the binary gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("unleak runs"))
    }

    /// The JSON report on standard output.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {} {}", self.out, self.err))
    }

    /// All occurrences of all findings, in order.
    pub(crate) fn occurrences(&self) -> Vec<serde_json::Value> {
        let report = self.json();
        let findings = report["findings"].as_array().expect("findings").iter();
        findings.flat_map(|finding| finding["occurrences"].as_array().expect("occurrences").clone()).collect()
    }

    /// `where path:line` of every occurrence.
    pub(crate) fn places(&self) -> Vec<String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        self.occurrences()
            .iter()
            .map(|place| format!("{} {}:{}", text(&place["where"]), text(&place["path"]), place["line"]))
            .collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
