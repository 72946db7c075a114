//! `unleak hook`: commits are stopped by git itself, whatever else is in the hook folder.

#![expect(clippy::disallowed_methods, reason = "a test writes the files that it needs")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const UNLEAK: &str = env!("CARGO_BIN_EXE_unleak");

/// A repository of its own, with a home and a configuration that nobody else has.
struct World {
    dir: TempDir,
    /// What stands before the rest of `PATH`.
    bin: PathBuf,
}

impl World {
    /// A repository, with the binary on the path.
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let world = Self { dir, bin };
        world.git(&["init", "-q", "-b", "main", "repo"], world.dir.path());
        std::os::unix::fs::symlink(UNLEAK, world.bin.join("unleak")).unwrap();
        world
    }

    fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin.display());
        command.current_dir(folder).env_clear().env("PATH", path).env("HOME", self.dir.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", self.dir.path().join(".gitconfig"));
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ann")
                .env(format!("GIT_{role}_EMAIL"), "ann@example.org");
        }
        command
    }

    fn git(&self, args: &[&str], folder: &Path) -> Output {
        self.command("git", folder).args(args).output().unwrap()
    }

    fn unleak(&self, args: &[&str], folder: &Path) -> Output {
        self.command(UNLEAK, folder).args(args).output().unwrap()
    }

    #[track_caller]
    fn install(&self) -> String {
        let output = self.unleak(&["hook", "install"], &self.repo());
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    }

    /// Writes a file, stages it and commits it.
    fn commit(&self, name: &str, content: &str) -> Output {
        fs::write(self.repo().join(name), content).unwrap();
        self.git(&["add", "--", name], &self.repo());
        self.git(&["commit", "-q", "-m", "change"], &self.repo())
    }

    fn commits(&self) -> usize {
        let log = self.git(&["log", "--all", "--format=%H"], &self.repo());
        String::from_utf8(log.stdout).unwrap().lines().count()
    }

    fn hook(&self) -> PathBuf {
        self.repo().join(".git/hooks/pre-commit")
    }
}

fn script(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A line with a credential that the scanner finds.
fn leak() -> String {
    format!("token {}\n", crate::tokens::github(7))
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(all).unwrap()
}

#[test]
fn a_leaking_commit_is_stopped_and_a_clean_one_passes() {
    let world = World::new();
    world.install();
    let stopped = world.commit("a.txt", &leak());
    assert_eq!(stopped.status.code(), Some(1), "{}", text(&stopped));
    assert!(text(&stopped).contains("holds a secret") && text(&stopped).contains("--no-verify"));
    assert_eq!(world.commits(), 0);
    let passed = world.commit("a.txt", "clean\n");
    assert!(passed.status.success() && text(&passed).is_empty(), "{}", text(&passed));
    assert_eq!(world.commits(), 1);
}

#[test]
fn live_values_that_git_is_told_of_stop_a_commit_too() {
    let world = World::new();
    world.install();
    let value = crate::tokens::hex128(11);
    fs::write(world.dir.path().join("app.env"), format!("A_NAME={}\n", &value[..20])).unwrap();
    let prose = format!("what {} is\n", &value[..20]);
    assert!(world.commit("before.txt", &prose).status.success(), "no rule knows it");
    world.git(&["config", "--add", "unleak.knownFrom", "../app.env"], &world.repo());
    let stopped = world.commit("after.txt", &format!("again: {prose}"));
    assert!(!stopped.status.success() && text(&stopped).contains("A_NAME"), "{}", text(&stopped));
    assert!(!text(&stopped).contains(&value[..20]));
}

#[test]
fn it_works_in_subfolders_linked_worktrees_and_with_odd_names() {
    let world = World::new();
    let folder = world.repo().join("sub folder");
    fs::create_dir(&folder).unwrap();
    assert!(world.unleak(&["hook", "install"], &folder).status.success());
    assert!(world.commit("sub folder/new\nline 'quoted'.txt", "clean\n").status.success());
    assert!(!world.commit("sub folder/new\nline 'quoted'.txt", &leak()).status.success());

    world.git(&["worktree", "add", "-q", "../linked"], &world.repo());
    let linked = world.dir.path().join("linked");
    fs::write(linked.join("b.txt"), leak()).unwrap();
    world.git(&["add", "b.txt"], &linked);
    assert!(!world.git(&["commit", "-q", "-m", "b"], &linked).status.success());
    // Installing from there renews the one hook that both share.
    let again = world.unleak(&["hook", "install"], &linked);
    assert!(text(&again).contains("Renewed"), "{}", text(&again));
    assert_eq!(world.commits(), 1);
}

#[test]
fn a_partial_commit_is_judged_by_what_it_commits() {
    let world = World::new();
    assert!(world.commit("a.txt", "clean\n").status.success());
    assert!(world.commit("b.txt", "clean\n").status.success());
    world.install();
    fs::write(world.repo().join("a.txt"), "better\n").unwrap();
    fs::write(world.repo().join("b.txt"), leak()).unwrap();
    // Git makes a temporary index for each of these and names it in GIT_INDEX_FILE.
    assert!(!world.git(&["commit", "-q", "-a", "-m", "all"], &world.repo()).status.success());
    assert!(!world.git(&["commit", "-q", "-m", "b", "b.txt"], &world.repo()).status.success());
    world.git(&["add", "b.txt"], &world.repo());
    let only = world.git(&["commit", "-q", "-m", "a", "--only", "a.txt"], &world.repo());
    assert!(only.status.success(), "{}", text(&only));
    assert_eq!(world.commits(), 3);
}

#[test]
fn an_earlier_hook_runs_first_decides_first_and_comes_back() {
    let world = World::new();
    let earlier = "#!/bin/sh\necho earlier \"$0\" >&2\ntest ! -e deny || exit 9\n";
    script(&world.hook(), earlier);
    fs::set_permissions(world.hook(), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(world.install().contains("runs first"));
    world.install();

    let passed = world.commit("a.txt", "clean\n");
    assert!(passed.status.success() && text(&passed).contains("earlier"), "{}", text(&passed));
    let stopped = world.commit("a.txt", &leak());
    assert!(text(&stopped).contains("earlier") && text(&stopped).contains("holds a secret"));
    fs::write(world.repo().join("deny"), "").unwrap();
    let denied = world.commit("a.txt", "clean too\n");
    assert!(!denied.status.success() && !text(&denied).contains("unleak:"), "{}", text(&denied));

    let removed = world.unleak(&["hook", "uninstall"], &world.repo());
    assert!(removed.status.success(), "{}", text(&removed));
    assert_eq!(fs::read_to_string(world.hook()).unwrap(), earlier);
    assert_eq!(fs::metadata(world.hook()).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(!world.hook().with_file_name("pre-commit.before-unleak").exists());
}

#[test]
fn uninstalling_leaves_nothing_and_touches_no_other_hook() {
    let world = World::new();
    world.install();
    assert!(world.unleak(&["hook", "uninstall"], &world.repo()).status.success());
    assert!(!world.hook().exists());
    let nothing = world.unleak(&["hook", "uninstall"], &world.repo());
    assert!(nothing.status.success() && text(&nothing).contains("no pre-commit hook"));

    script(&world.hook(), "#!/bin/sh\n");
    let other = world.unleak(&["hook", "uninstall"], &world.repo());
    assert_eq!(other.status.code(), Some(2));
    assert_eq!(fs::read_to_string(world.hook()).unwrap(), "#!/bin/sh\n");
}

#[test]
fn a_configured_hook_folder_is_honoured() {
    let world = World::new();
    world.git(&["config", "core.hooksPath", "tools/hooks"], &world.repo());
    world.install();
    assert!(world.repo().join("tools/hooks/pre-commit").exists() && !world.hook().exists());
    assert!(!world.commit("a.txt", &leak()).status.success());

    world.git(&["config", "--unset", "core.hooksPath"], &world.repo());
    world.git(&["config", "--global", "core.hooksPath", "~/hooks"], &world.repo());
    let text = world.install();
    assert!(world.dir.path().join("hooks/pre-commit").exists(), "{text}");
    assert!(text.contains("every repository"), "{text}");

    world.git(&["config", "core.hooksPath", "/dev/null"], &world.repo());
    let refused = world.unleak(&["hook", "install"], &world.repo());
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn without_the_program_nothing_is_committed_and_the_way_around_is_said() {
    let world = World::new();
    world.install();
    fs::remove_file(world.bin.join("unleak")).unwrap();
    // The program that installed the hook is still where it was, so it is the one that runs.
    let hook = fs::read_to_string(world.hook()).unwrap();
    assert!(hook.contains(UNLEAK), "{hook}");
    script(&world.hook(), &hook.replace(UNLEAK, "/nowhere/unleak"));
    let stopped = world.commit("a.txt", "clean\n");
    assert!(!stopped.status.success());
    assert!(text(&stopped).contains("/nowhere/unleak") && text(&stopped).contains("--no-verify"));
    assert_eq!(world.commits(), 0);
}

#[test]
fn a_scan_that_could_not_see_everything_stops_the_commit_too() {
    let world = World::new();
    world.install();
    fs::remove_file(world.bin.join("unleak")).unwrap();
    script(&world.bin.join("unleak"), "#!/bin/sh\nexit 3\n");
    let stopped = world.commit("a.txt", "clean\n");
    assert!(!stopped.status.success() && text(&stopped).contains("could not be checked"));
}

#[test]
fn tools_that_own_the_hooks_are_named_and_not_fought() {
    let world = World::new();
    let generated = "#!/usr/bin/env bash\n# File generated by pre-commit\n";
    script(&world.hook(), generated);
    let refused = world.unleak(&["hook", "install"], &world.repo());
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains(".pre-commit-config.yaml"), "{}", text(&refused));
    assert_eq!(fs::read_to_string(world.hook()).unwrap(), generated);

    world.git(&["config", "core.hooksPath", ".husky/_"], &world.repo());
    let refused = world.unleak(&["hook", "install"], &world.repo());
    assert!(text(&refused).contains("husky"), "{}", text(&refused));
}

#[test]
fn what_is_no_place_for_a_hook_is_refused() {
    let world = World::new();
    let outside = world.unleak(&["hook", "install"], &world.bin);
    assert_eq!(outside.status.code(), Some(2));
    assert!(text(&outside).contains("cannot open a git repository"), "{}", text(&outside));
    world.git(&["init", "-q", "--bare", "bare.git"], world.dir.path());
    let bare = world.unleak(&["hook", "install", "bare.git"], world.dir.path());
    assert_eq!(bare.status.code(), Some(2));
    assert!(text(&bare).contains("bare repository"), "{}", text(&bare));
}
