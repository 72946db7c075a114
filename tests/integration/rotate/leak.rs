//! A rotation that answers a finding: real git, what the report takes over, and a target that is another one.

use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, put, stderr};
use sha2::{Digest as _, Sha512};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub(super) struct Leak {
    pub(super) dir: tempfile::TempDir,
    pub(super) value: String,
}

impl Leak {
    /// A repository with a secret in its first commit, and the application's own file outside it.
    pub(super) fn new() -> Self {
        let value = hex::encode(Sha512::digest("a value of this test"));
        let leak = Self { dir: tempfile::tempdir().unwrap(), value };
        std::fs::create_dir_all(leak.path("repo/docs")).unwrap();
        let line = format!("SESSION_SECRET={}\n", leak.value);
        put(&leak.path("repo/docs/report.env"), line.as_bytes());
        put(&leak.path("env"), line.as_bytes());
        for args in [&["init", "-q", "."][..], &["add", "."], &["commit", "-qm", "report"]] {
            leak.git(args);
        }
        leak
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.path("repo")).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        git.env("GIT_AUTHOR_DATE", "2026-03-04T05:06:07Z").env("GIT_COMMITTER_DATE", "2026-03-04T05:06:07Z");
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(super) fn unleak(&self, args: &[&str]) -> Output {
        unleak(&self.path("state")).current_dir(self.dir.path()).args(args).output().unwrap()
    }

    pub(super) fn finding(&self) -> String {
        let output = self.unleak(&["scan", "--format=json", "repo"]);
        ends(&output, 1);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["findings"].as_array().unwrap();
        let ours = all.iter().find(|one| one["secret"]["length"] == self.value.len()).unwrap();
        ours["secret"]["fingerprint"].as_str().unwrap().to_owned()
    }

    pub(super) fn rotate(&self, more: &[&str]) -> Output {
        self.unleak(&[&["rotate", "--yes", "--target=env:env#SESSION_SECRET"], more].concat())
    }

    pub(super) fn report(&self, name: &str) -> String {
        let folder = std::fs::read_dir(self.path("state/incidents")).unwrap().next().unwrap().unwrap();
        std::fs::read_to_string(folder.path().join(name)).unwrap()
    }
}

#[test]
fn the_report_tells_where_and_since_when_it_leaked() {
    let leak = Leak::new();
    let (finding, commit) = (leak.finding(), leak.git(&["rev-parse", "HEAD"]));
    // Killed and resumed: what the finding told is remembered.
    let killed = leak.rotate(&["--from-finding", &finding[..8], "--repo=repo", "--fault=write:after:kill"]);
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    let folder = std::fs::read_dir(leak.path("state/incidents")).unwrap().next().unwrap().unwrap();
    let output = leak.unleak(&["rotate", "--resume", folder.file_name().to_str().unwrap()]);
    ends(&output, 0);
    assert!(!std::fs::read_to_string(leak.path("env")).unwrap().contains(&leak.value));
    let report: serde_json::Value = serde_json::from_str(&leak.report("report.json")).unwrap();
    let exposure = &report["exposure"];
    assert_eq!(exposure["finding"], finding);
    let places = exposure["places"].as_array().unwrap();
    assert!(places.iter().any(|place| place["commit"] == commit && place["path"] == "docs/report.env"));
    assert_eq!(report["exposed_since"], "2026-03-04T05:06:07Z");
    let markdown = leak.report("report.md");
    assert!(markdown.contains("2026-03-04 05:06:07 UTC, by the date of the first commit"), "{markdown}");
    assert!(markdown.contains("clones, forks and caches still hold the value"), "{markdown}");
    nothing_leaks_in(&leak.path("state/incidents"), &output, &[&leak.value]);
}

#[test]
fn a_target_that_holds_another_value_and_an_unknown_finding_are_refused() {
    let leak = Leak::new();
    let finding = leak.finding();
    let other = hex::encode(Sha512::digest("another value of this test"));
    put(&leak.path("env"), format!("SESSION_SECRET={other}\n").as_bytes());
    for (id, says) in [(&*finding, "does not hold the value of the finding"), ("0", "no finding has")] {
        let output = leak.rotate(&["--from-finding", id, "--repo=repo"]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
        nothing_leaks_in(&leak.path("state"), &output, &[&leak.value, &other]);
    }
    assert_eq!(std::fs::read_to_string(leak.path("env")).unwrap(), format!("SESSION_SECRET={other}\n"));
}

#[test]
fn the_target_is_found_where_one_variable_holds_the_value() {
    let leak = Leak::new();
    std::fs::remove_file(leak.path("repo/docs/report.env")).unwrap();
    put(&leak.path("repo/docs/report.md"), format!("It was SESSION_SECRET={}\n", leak.value).as_bytes());
    leak.git(&["add", "-A"]);
    leak.git(&["commit", "-qm", "moved"]);
    put(&leak.path("repo/.gitignore"), b".env\n");
    let finding = leak.finding();
    let run = |more: &[&str]| {
        leak.unleak(&[&["rotate", "--yes", "--from-finding", &finding, "--repo=repo"], more].concat())
    };
    let none = run(&[]);
    ends(&none, 2);
    assert!(stderr(&none).contains("no dotenv file of the working tree holds"), "{}", stderr(&none));
    put(&leak.path("repo/.env"), format!("PORT=1\nSESSION_SECRET='{}'\n", leak.value).as_bytes());
    put(&leak.path("repo/.env.local"), format!("KEY={}\n", leak.value).as_bytes());
    let several = run(&[]);
    ends(&several, 2);
    let said = stderr(&several);
    assert!(said.contains(".env#SESSION_SECRET") && said.contains(".env.local#KEY"), "{said}");
    std::fs::remove_file(leak.path("repo/.env.local")).unwrap();
    let plan = run(&["--dry-run"]);
    ends(&plan, 0);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("The target was not named: env:"));
    let output = run(&[]);
    ends(&output, 0);
    let text = std::fs::read_to_string(leak.path("repo/.env")).unwrap();
    assert!(text.starts_with("PORT=1\nSESSION_SECRET='") && !text.contains(&leak.value), "{text}");
    nothing_leaks_in(&leak.path("state"), &output, &[&leak.value]);
}

/// Whether this system would write a dump at all depends on its settings; that ours is none never does.
#[cfg(target_os = "linux")]
#[test]
fn a_rotation_that_crashes_leaves_no_core_dump() {
    let leak = Leak::new();
    let program = unleak(&leak.path("state")).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -c unlimited 2>&1; exec \"$@\"", "sh"])
        .arg(program)
        .current_dir(leak.dir.path());
    shell.args(["--state=state", "rotate", "--yes", "--target=env:env#SESSION_SECRET"]);
    shell.arg("--fault=write:after:wait").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shell.spawn().unwrap();
    let started = std::time::Instant::now();
    while std::fs::read_to_string(leak.path("env")).unwrap().contains(&leak.value) {
        assert!(started.elapsed().as_secs() < 50, "it never wrote");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    let journal = leak.report("journal.jsonl");
    assert!(journal.contains("core dumps of unleak were off (read back from the system)"), "{journal}");
}
