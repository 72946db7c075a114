//! `--contain`: the leaked value goes out of the files at HEAD by a commit of its own, and nothing of the user's with it.

use super::gate::nothing_leaks_in;
use super::leak::Leak;
use super::{ends, put, stderr};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::process::Output;

const GONE: &str = "REDACTED-BY-UNLEAK";

/// A repository that knows its user.
fn leak() -> Leak {
    let leak = Leak::new();
    leak.git(&["config", "user.name", "Ann"]);
    leak.git(&["config", "user.email", "ann@example.org"]);
    leak
}

/// More files in a second commit.
fn add(leak: &Leak, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        put(&leak.path("repo").join(name), content);
    }
    leak.git(&["add", "."]);
    leak.git(&["commit", "-qm", "more"]);
}

fn contain(leak: &Leak, how: &str, more: &[&str]) -> Output {
    let finding = leak.finding();
    leak.rotate(&[&["--from-finding", &finding, "--repo=repo", how], more].concat())
}

fn file(leak: &Leak, name: &str) -> String {
    std::fs::read_to_string(leak.path("repo").join(name)).unwrap()
}

fn id(leak: &Leak) -> String {
    let folder = std::fs::read_dir(leak.path("state/incidents")).unwrap().next().unwrap().unwrap();
    folder.file_name().into_string().unwrap()
}

#[test]
fn the_value_goes_by_a_commit_that_holds_nothing_else() {
    let leak = leak();
    add(&leak, &[("mine.txt", b"mine\n"), ("staged.txt", b"staged\n")]);
    put(&leak.path("repo/mine.txt"), b"mine, changed\n");
    put(&leak.path("repo/staged.txt"), b"staged, changed\n");
    leak.git(&["add", "staged.txt"]);
    put(&leak.path("repo/new.txt"), b"untracked\n");
    let (before, status) = (leak.git(&["rev-parse", "HEAD"]), leak.git(&["status", "--porcelain"]));

    let plan = contain(&leak, "--contain", &["--dry-run"]);
    ends(&plan, 0);
    let said = String::from_utf8_lossy(&plan.stdout);
    assert!(said.contains("the value redacted in docs/report.env"), "{said}");
    assert!(said.contains("go on holding the value"), "{said}");
    assert_eq!(leak.git(&["rev-parse", "HEAD"]), before);

    let output = contain(&leak, "--contain", &[]);
    ends(&output, 0);
    assert_eq!(file(&leak, "docs/report.env"), format!("SESSION_SECRET={GONE}\n"));
    assert_eq!(leak.git(&["rev-parse", "HEAD~1"]), before);
    assert_eq!(leak.git(&["show", "--format=", "--name-only", "HEAD"]), "docs/report.env");
    assert_eq!(leak.git(&["log", "-1", "--format=%an <%ae> %cn"]), "Ann <ann@example.org> Ann");
    assert_eq!(leak.git(&["status", "--porcelain"]), status);
    assert_eq!(leak.git(&["diff", "--cached", "--name-only"]), "staged.txt");
    let message = leak.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains(&id(&leak)) && !message.contains(&leak.value), "{message}");
    let (commit, markdown) = (leak.git(&["rev-parse", "HEAD"]), leak.report("report.md"));
    assert!(markdown.contains(&commit) && markdown.contains("pull requests still hold the value"));
    assert!(!markdown.contains("removed it from none of them"), "{markdown}");
    let report: serde_json::Value = serde_json::from_str(&leak.report("report.json")).unwrap();
    assert_eq!(report["containment"]["commits"], serde_json::json!([commit]));
    assert_eq!(report["containment"]["files"], serde_json::json!(["docs/report.env"]));
    nothing_leaks_in(&leak.path("state"), &output, &[&leak.value]);
}

#[test]
fn a_file_that_the_user_has_in_hand_is_a_reason_to_refuse() {
    for staged in [false, true] {
        let leak = leak();
        let text = format!("SESSION_SECRET={}\nMINE=1\n", leak.value);
        put(&leak.path("repo/docs/report.env"), text.as_bytes());
        if staged {
            leak.git(&["add", "."]);
        }
        let output = contain(&leak, "--contain", &[]);
        ends(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("docs/report.env has changes that are not committed"), "{said}");
        assert!(said.contains("commit or stash them first"), "{said}");
        assert_eq!(file(&leak, "docs/report.env"), text);
        assert!(std::fs::read_to_string(leak.path("env")).unwrap().contains(&leak.value), "it was rotated");
        assert!(!leak.path("state/incidents").exists());
    }
}

#[test]
fn every_form_that_can_be_edited_goes_and_the_others_are_told() {
    let leak = leak();
    let (inside, value) = (STANDARD.encode(format!("app:{}", leak.value)), leak.value.clone());
    let mut binary = b"\xff\xfe\x00 SESSION_SECRET=".to_vec();
    binary.extend_from_slice(value.as_bytes());
    binary.push(b'\n');
    let yaml = format!("# kept\r\nplain: '{value}'\r\nauth: {inside}\r\n");
    add(&leak, &[("a.yml", yaml.as_bytes()), ("b.bin", &binary), ("c.txt", b"SESSION_SECRET=\n")]);
    let output = contain(&leak, "--contain", &[]);
    let auth = STANDARD.encode(format!("app:{GONE}"));
    assert_eq!(file(&leak, "a.yml"), format!("# kept\r\nplain: '{GONE}'\r\nauth: {auth}\r\n"));
    assert_eq!(std::fs::read(leak.path("repo/b.bin")).unwrap(), binary);
    assert_eq!(leak.git(&["status", "--porcelain"]), "");
    let changed = leak.git(&["show", "--format=", "--name-only", "HEAD"]);
    assert_eq!(changed, "a.yml\ndocs/report.env");
    // What stays is a claim that failed.
    ends(&output, 6);
    let markdown = leak.report("report.md");
    assert!(markdown.contains("**Still holds the value**: b.bin"), "{markdown}");
    nothing_leaks_in(&leak.path("state"), &output, &[&value, &inside]);

    let other = self::leak();
    add(&other, &[("b.bin", &binary)]);
    let output = contain(&other, "--contain=remove", &[]);
    ends(&output, 0);
    assert!(!other.path("repo/b.bin").exists() && !other.path("repo/docs/report.env").exists());
    assert_eq!(other.git(&["ls-files"]), "");
    assert_eq!(other.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_target_itself_is_never_committed() {
    let leak = leak();
    let target = format!("--target=env:{}#SESSION_SECRET", leak.path("repo/docs/report.env").display());
    let finding = leak.finding();
    for how in ["--contain", "--contain=remove"] {
        let args = ["rotate", "--yes", &target, "--from-finding", &finding, "--repo=repo", how, "--dry-run"];
        let output = leak.unleak(&args);
        ends(&output, 0);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("it is the target itself") && said.contains("git rm --cached"), "{said}");
    }
    let before = leak.git(&["rev-parse", "HEAD"]);
    let output =
        leak.unleak(&["rotate", "--yes", &target, "--from-finding", &finding, "--repo=repo", "--contain"]);
    ends(&output, 6);
    assert_eq!(leak.git(&["rev-parse", "HEAD"]), before);
    assert!(!file(&leak, "docs/report.env").contains(&leak.value));
}

/// Whatever moment it dies at, it can be gone on from, and makes one commit.
#[test]
fn a_killed_containment_is_resumed_to_one_whole_commit() {
    let points = ["contain", "contain.objects", "contain.1", "contain.2", "contain.index", "contain.branch"];
    for (how, points) in [("--contain", &points[..]), ("--contain=remove", &points[2..3])] {
        for &point in points {
            for moment in ["before", "after"] {
                let leak = leak();
                let line = format!("SESSION_SECRET={}\n", leak.value);
                add(&leak, &[("a.env", line.as_bytes()), ("mine.txt", b"mine\n")]);
                put(&leak.path("repo/mine.txt"), b"mine, changed\n");
                let before = leak.git(&["rev-parse", "HEAD"]);
                let killed = contain(&leak, how, &[&format!("--fault={point}:{moment}:kill")]);
                assert_eq!(killed.status.code(), None, "{point} {}", stderr(&killed));
                // Nobody who commits everything now brings the value back.
                let moved = leak.git(&["rev-parse", "HEAD"]) != before;
                assert_eq!(moved, moment == "after" && ["contain", "contain.branch"].contains(&point));
                let output = leak.unleak(&["rotate", "--resume", &id(&leak)]);
                ends(&output, 0);
                assert_eq!(leak.git(&["rev-parse", "HEAD~1"]), before, "{point}:{moment}");
                assert_eq!(leak.git(&["status", "--porcelain"]), "M mine.txt", "{point}:{moment}");
                leak.git(&["fsck", "--strict"]);
                let commit = leak.git(&["rev-parse", "HEAD"]);
                assert!(leak.report("report.md").contains(&commit), "{point}:{moment}");
                nothing_leaks_in(&leak.path("state"), &output, &[&leak.value]);
            }
        }
    }
}

#[test]
fn an_abort_gives_the_files_back_that_a_killed_containment_had_changed() {
    for how in ["--contain", "--contain=remove"] {
        for point in
            ["contain.objects:after", "contain.1:after", "contain.index:after", "contain.branch:before"]
        {
            let leak = leak();
            let before = leak.git(&["rev-parse", "HEAD"]);
            let killed = contain(&leak, how, &[&format!("--fault={point}:kill")]);
            assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
            ends(&leak.unleak(&["rotate", "--abort", &id(&leak), "--yes"]), 2);
            ends(&leak.unleak(&["rotate", "--abort", &id(&leak), "--restore-leaked", "--yes"]), 0);
            assert_eq!(leak.git(&["rev-parse", "HEAD"]), before);
            assert_eq!(leak.git(&["status", "--porcelain"]), "", "{point}");
            assert_eq!(file(&leak, "docs/report.env"), format!("SESSION_SECRET={}\n", leak.value));
        }
    }
}

#[test]
fn what_fails_leaves_the_repository_as_it_was_and_can_be_resumed() {
    let leak = leak();
    let finding = leak.finding();
    let before = leak.git(&["rev-parse", "HEAD"]);
    put(&leak.path("repo/.git/index.lock"), b"");
    let output = leak.rotate(&["--from-finding", &finding, "--repo=repo", "--contain"]);
    ends(&output, 5);
    assert!(stderr(&output).contains("--resume"), "{}", stderr(&output));
    assert_eq!(file(&leak, "docs/report.env"), format!("SESSION_SECRET={}\n", leak.value));
    std::fs::remove_file(leak.path("repo/.git/index.lock")).unwrap();
    assert_eq!(leak.git(&["status", "--porcelain"]), "");
    ends(&leak.unleak(&["rotate", "--resume", &id(&leak)]), 0);
    assert_eq!(leak.git(&["rev-parse", "HEAD~1"]), before);
}

#[test]
fn without_a_branch_or_a_name_it_is_refused_before_anything_changes() {
    let leak = leak();
    let finding = leak.finding();
    let run = || leak.rotate(&["--from-finding", &finding, "--repo=repo", "--contain"]);
    leak.git(&["checkout", "-q", "--detach"]);
    let output = run();
    ends(&output, 2);
    assert!(stderr(&output).contains("no branch is checked out"), "{}", stderr(&output));
    let alone = leak.rotate(&["--contain"]);
    ends(&alone, 2);
    assert!(stderr(&alone).contains("--from-finding"), "{}", stderr(&alone));
    assert!(std::fs::read_to_string(leak.path("env")).unwrap().contains(&leak.value));
}

#[test]
fn an_archive_is_told_or_removed() {
    for how in ["--contain", "--contain=remove"] {
        let leak = leak();
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("in.env", zip::write::SimpleFileOptions::default()).unwrap();
        let line = format!("SESSION_SECRET={}\n", leak.value);
        std::io::Write::write_all(&mut zip, line.as_bytes()).unwrap();
        add(&leak, &[("z.zip", &zip.finish().unwrap().into_inner())]);
        std::os::unix::fs::symlink(&leak.value, leak.path("repo/link")).unwrap();
        leak.git(&["add", "."]);
        leak.git(&["commit", "-qm", "link"]);
        let output = contain(&leak, how, &[]);
        ends(&output, 6);
        let markdown = leak.report("report.md");
        assert!(markdown.contains("symbolic link"), "{markdown}");
        assert_eq!(markdown.contains("z.zip: "), how == "--contain", "{markdown}");
        assert_eq!(leak.path("repo/z.zip").exists(), how == "--contain");
    }
}
