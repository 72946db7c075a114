//! What a backup file gives away (nothing of a row), and what it refuses (any change).

use super::fixture::{CONNECT_PG_SIMPLE, Database, rows, spec};
use proptest::prelude::*;
use std::path::PathBuf;
use unleak::session::{BackupKey, Error, list_backups, verify_backup};

async fn purged(n: u32) -> (Database, tempfile::TempDir, BackupKey, PathBuf) {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", rows(0, n))).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let path = Box::pin(store.purge(&spec(dir.path(), &key))).await.unwrap().backup.unwrap().path;
    (database, dir, key, path)
}

#[tokio::test]
async fn a_backup_holds_no_token_in_plain_and_only_its_owner_reads_it() {
    let (_database, dir, _, path) = purged(500).await;
    let bytes = std::fs::read(&path).unwrap();
    for needle in ["tok-", "cookie", "slash"] {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{needle}");
    }
    // The head is plain, so that a listing needs no key; it holds no password either.
    let text = String::from_utf8_lossy(&bytes);
    let password = url::Url::parse(&super::fixture::server()).unwrap().password().unwrap().to_owned();
    assert!(text.contains("INC-20261121-001") && !text.contains(&password));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(list_backups(dir.path()).unwrap().backups.len(), 1);
}

#[tokio::test]
async fn any_changed_or_missing_byte_is_noticed_before_a_row_is_written() {
    let (database, dir, key, path) = purged(2000).await;
    let good = std::fs::read(&path).unwrap();
    let bad = dir.path().join("bad.backup");
    let refused = |bytes: &[u8]| {
        std::io::Write::write_all(&mut std::fs::File::create(&bad).unwrap(), bytes).unwrap();
        verify_backup(&bad, &key).is_err()
    };
    assert!(!refused(&good));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let changes = (0..good.len(), 1..=255u8, any::<bool>());
    let outcome = runner.run(&changes, |(at, flip, cut)| {
        let mut bytes = good.clone();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        prop_assert!(refused(&bytes));
        Ok(())
    });
    outcome.unwrap();
    assert!(refused(&[&good[..], b"\0"].concat()));

    // The last byte of the last chunk: everything before it is genuine.
    let mut bytes = good.clone();
    let tampered = bytes.len() - 20;
    bytes[tampered] ^= 1;
    assert!(refused(&bytes));
    let mut store = database.open().await.unwrap();
    assert!(matches!(store.restore(&bad, &key).await.unwrap_err(), Error::Backup { .. }));
    assert_eq!(store.counts().await.unwrap().total, 0);
    let error = store.restore(&path, &BackupKey::generate().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
}

#[tokio::test]
async fn a_backup_of_another_table_or_shape_is_refused() {
    let (database, _dir, key, path) = purged(5).await;
    database.run("ALTER TABLE session ADD COLUMN extra int").await;
    let error = database.open().await.unwrap().restore(&path, &key).await.unwrap_err();
    assert!(error.to_string().contains("columns of public.session have changed"), "{error}");
    database.run("ALTER TABLE session RENAME TO other").await;
    let error = database.open().await.unwrap().restore(&path, &key).await.unwrap_err();
    assert!(error.to_string().contains("it is of the table public.session"), "{error}");
}

#[test]
fn listing_tells_leftovers_and_foreign_files_apart() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [("a.partial", "x"), ("b.backup", "no backup"), ("c.txt", "x")] {
        std::io::Write::write_all(
            &mut std::fs::File::create(dir.path().join(name)).unwrap(),
            content.as_bytes(),
        )
        .unwrap();
    }
    let list = list_backups(dir.path()).unwrap();
    assert_eq!((list.backups.len(), list.partial.len(), list.unreadable.len()), (0, 1, 1));
    assert!(list_backups(&dir.path().join("missing")).unwrap().backups.is_empty());
}

#[cfg(unix)]
#[test]
fn the_key_file_is_made_once_and_must_be_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/backup.key");
    BackupKey::load_or_create(&path).unwrap();
    let text = std::fs::read(&path).unwrap();
    let key = BackupKey::load_or_create(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), text);
    assert_eq!(format!("{key:?}"), "BackupKey([REDACTED])");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(BackupKey::load(&path), Err(Error::Key { .. })));
}
