//! `unleak demo` as a stranger runs it: the facts on its screen, what it leaves behind, and that it shows no secret.

use crate::repo::{Ran, unleak};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use unleak::secret::{Redactor, Secret};
use unleak::session::{BackupKey, Options, Store, StoreUrl, list_backups};

/// A world whose temporary folder is its own, so that anything left behind is seen.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(world.temporary()).unwrap();
        world
    }

    fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    fn demo(&self, args: &[&str]) -> Command {
        let mut command = unleak(self.0.path(), self.0.path());
        command.envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, self.temporary()))).arg("demo").args(args);
        command
    }

    /// What stands in the temporary folder.
    fn left(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// The processes that were started for this world and still run.
    #[cfg(target_os = "linux")]
    fn running(&self) -> Vec<String> {
        let place = self.temporary();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        lines.filter(|line| line.contains(place.to_str().unwrap())).collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn running(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn the_story_holds_and_nothing_is_left_behind() {
    let world = World::new();
    let ran = Ran::of(&mut world.demo(&[]));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(ran.err, "");
    assert!(!ran.out.contains('\u{1b}'), "colour codes without a terminal");
    let lines: Vec<_> =
        ran.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for fact in [
        "bob's session, signed with the leaked secret 200 401 ok",
        "ada's own cookie, copied before the rotation 200 401 ok",
        "bob's session, signed with a guessed secret 401 401 ok",
        "no cookie at all 401 401 ok",
        "ada's new login - 200 ok",
        "her new session, signed with the leaked secret - 401 ok",
        "sessions in the store 5 before, 5 deleted, 0 after",
        "\u{2502} verified A session that was alive before is refused",
        "\u{2502} 1 secret: 1 critical.",
    ] {
        assert!(lines.iter().any(|line| line == fact), "`{fact}` is not in\n{}", ran.out);
    }
    assert!(ran.out.contains("docs/rotation-report.md:") && !ran.out.contains("still at HEAD"));
    assert!(lines.iter().any(|line| line.starts_with("All ") && line.ends_with("proofs hold.")));
    // Paths are as long as the machine makes them; our own text keeps to the screen.
    let long = ran.out.lines().find(|line| line.chars().count() > 80 && !line.contains("unleak-demo-"));
    assert_eq!(long, None);
    assert_eq!(world.left(), [] as [PathBuf; 0]);
    assert_eq!(world.running(), [] as [&str; 0]);
}

#[test]
fn quiet_says_nothing() {
    let world = World::new();
    let ran = Ran::of(&mut world.demo(&["--quiet"]));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[test]
fn a_kept_folder_holds_secrets_only_where_they_belong_and_a_leak_to_find() {
    let world = World::new();
    let ran = Ran::of(&mut world.demo(&["--keep"]));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let [folder] = <[PathBuf; 1]>::try_from(world.left()).unwrap();
    assert!(ran.out.contains(&format!("Kept: {}", folder.display())));

    let scanned = Ran::of(unleak(&folder, world.0.path()).args(["scan", "--format", "json", "repository"]));
    assert_eq!((scanned.code, scanned.err.as_str()), (1, ""));
    assert_eq!(scanned.places(), ["history docs/rotation-report.md:11"]);

    let old = leaked(&folder.join("repository"));
    let env = std::fs::read_to_string(folder.join("server/.env")).unwrap();
    let new = env.lines().find_map(|line| line.strip_prefix("SESSION_SECRET=")).unwrap();
    assert!(new.len() == 128 && new != old && !env.contains(&old));
    let (gone, live) = session_ids(&folder, world.0.path());
    assert_eq!((gone.len(), live.len()), (5, 1));
    assert!(!gone.contains(&live[0]));

    let secrets = |values: &[String]| values.iter().cloned().map(Secret::from).collect::<Vec<_>>();
    let never = Redactor::new(&secrets(&[vec![old], gone].concat()));
    let elsewhere = Redactor::new(&secrets(&[vec![new.to_owned()], live].concat()));
    for output in [&ran.out, &ran.err, &scanned.out] {
        assert!(never.is_clean(output.as_bytes()) && elsewhere.is_clean(output.as_bytes()), "{output}");
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    assert!(files.len() > 20);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let belongs = path.ends_with("server/.env") || path.ends_with("server/sessions.db");
        assert!(never.is_clean(&bytes), "{} holds what was leaked or purged", path.display());
        assert!(belongs || elsewhere.is_clean(&bytes), "{} holds what is in use", path.display());
    }
}

/// The value that stands in the history, read without our own reader.
fn leaked(repository: &Path) -> String {
    let repository = git2::Repository::open(repository).unwrap();
    let report =
        repository.revparse_single("HEAD~1:docs/rotation-report.md").unwrap().peel_to_blob().unwrap();
    let text = String::from_utf8(report.content().to_vec()).unwrap();
    let value = text.split("SESSION_SECRET=").nth(1).unwrap();
    value.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// The ids of the sessions that were purged, out of the backup, and of those that are there now.
#[tokio::main(flavor = "current_thread")]
async fn session_ids(folder: &Path, scratch: &Path) -> (Vec<String>, Vec<String>) {
    let (store, copy) = (folder.join("server/sessions.db"), scratch.join("copy.db"));
    std::fs::copy(&store, &copy).unwrap();
    let live = ids(&store).await;
    let mut connection = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
    sqlx::raw_sql("DELETE FROM sessions").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let key = BackupKey::load_or_create(&folder.join("state/backup.key")).unwrap();
    let backups = list_backups(&folder.join("state/backups")).unwrap().backups;
    let mut copied = Store::connect(&StoreUrl::sqlite(&copy), &Options::default()).await.unwrap();
    for backup in backups {
        copied.restore(&backup.path, &key).await.unwrap();
    }
    (ids(&copy).await, live)
}

async fn ids(store: &Path) -> Vec<String> {
    let mut connection: SqliteConnection =
        SqliteConnectOptions::new().filename(store).connect().await.unwrap();
    sqlx::query_scalar("SELECT sid FROM sessions").fetch_all(&mut connection).await.unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[cfg(unix)]
mod stopped {
    use super::World;
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    /// Runs the demo until it comes to a chapter, then sends the signal; gives the exit code.
    fn at(world: &World, chapter: &str, signal: Signal) -> Option<i32> {
        let mut child = world.demo(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut screen = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with(chapter) {
            line.clear();
            assert!(screen.read_line(&mut line).unwrap() > 0, "the demo never came to chapter {chapter}");
        }
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        screen.read_to_string(&mut line).unwrap();
        child.wait_with_output().unwrap().status.code()
    }

    #[test]
    fn ctrl_c_leaves_nothing_behind() {
        for chapter in ["1  ", "3  ", "5  "] {
            let world = World::new();
            assert_eq!(at(&world, chapter, Signal::INT), Some(6), "{chapter}");
            assert!(world.left().is_empty() && world.running().is_empty(), "{chapter}");
        }
    }

    #[test]
    fn the_application_ends_with_a_killed_demo() {
        let world = World::new();
        assert_eq!(at(&world, "3  ", Signal::KILL), None);
        let end = Instant::now() + Duration::from_secs(20);
        while !world.running().is_empty() {
            assert!(Instant::now() < end, "{:?}", world.running());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
