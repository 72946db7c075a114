//! A purge of many rows needs no more memory than one of few, measured in a process of its own.

use super::fixture::{CONNECT_PG_SIMPLE, Database, block_on, rows, spec};
use std::process::Command;
use unleak::session::BackupKey;

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let peak = |rows: u32| -> u64 {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "session::memory::probe", "--nocapture", "--test-threads=1"])
            .env("UNLEAK_TEST_ROWS", rows.to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split("peak:").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    };
    // Both by two connections, each of which has its room for what waits to be sealed.
    let (few, many) = (peak(60_000), peak(600_000));
    assert!(many < few + 6 * 1024, "ten times the rows took {few} -> {many} KiB");
}

/// Purges as many rows as the environment says (a few when it runs as a test of its own) and prints its peak memory in KiB.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent passes the number of rows in")]
fn probe() {
    let n: u32 = std::env::var("UNLEAK_TEST_ROWS").map_or(10, |rows| rows.parse().unwrap());
    block_on(async {
        let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, n))).await;
        let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
        let mut store = database.open().await.unwrap();
        let purged = store.purge(&spec(dir.path(), &key)).await.unwrap();
        assert_eq!((purged.deleted, purged.after.total), (u64::from(n), 0));
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        println!("peak:{peak}");
    });
}
