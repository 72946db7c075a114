//! Selections where PostgreSQL is unlike the others: it refuses to compare columns of two collations that are not the usual one.

use super::fixture::{Database, spec};
use unleak::session::{BackupKey, Selection, UsersWanted};

/// Whoever is somebody by the rules of one of the two tables is nobody's orphan, and disabled is only who is by the users' own.
#[tokio::test]
async fn users_of_another_collation_are_known_by_either() {
    let (deaf, exact) = ("\"any case\"", "\"C\"");
    for (theirs, ours, orphans, disabled) in [
        (exact, "\"POSIX\"", &["ADA", "BOB", "gone"][..], &["bob"][..]),
        (exact, "pg_catalog.\"en-x-icu\"", &["ADA", "BOB", "gone"], &["bob"]),
        (exact, deaf, &["gone"], &["bob"]),
        (deaf, exact, &["gone"], &["BOB", "bob"]),
        // One of them is the usual one: the server takes the other's rules.
        ("\"default\"", exact, &["ADA", "BOB", "gone"], &["bob"]),
        (deaf, "\"default\"", &["gone"], &["BOB", "bob"]),
    ] {
        let name = format!("{theirs} and {ours}");
        let database = Database::with(&format!(
            "CREATE COLLATION {deaf} (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE users (id text COLLATE {theirs} PRIMARY KEY, disabled boolean NOT NULL);
             INSERT INTO users VALUES ('ada', false), ('bob', true);
             CREATE TABLE session (id int PRIMARY KEY, \"sessionToken\" text COLLATE \"ucs_basic\", \"userId\" text COLLATE {ours}, expires timestamptz);
             INSERT INTO session SELECT row_number() OVER (), who || '-token', who, now() + interval '1 day'
               FROM unnest(ARRAY['ada', 'ADA', 'gone', 'bob', 'BOB', NULL]) who"
        ))
        .await;
        let (dir, key) = (tempfile::tempdir().unwrap(), BackupKey::generate().unwrap());
        let mut store = database.open().await.unwrap();
        let users = store.users_table(&UsersWanted::default()).await.unwrap();
        let found = store.orphaned(&users).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((found.users, found.orphans), (2, orphans.len() as u64), "{name}");
        for (selection, taken) in
            [(Selection::Disabled(users.clone()), disabled), (Selection::Orphans(users), orphans)]
        {
            let left = || database.texts("SELECT \"userId\" FROM session WHERE \"userId\" IS NOT NULL");
            let before = left().await;
            // Those who are disabled went first.
            let taken: Vec<_> = taken.iter().filter(|who| before.iter().any(|left| left == *who)).collect();
            assert_eq!(store.count(&selection).await.unwrap(), taken.len() as u64, "{name}");
            let done = store.delete(&selection, &spec(dir.path(), &key)).await.unwrap();
            assert_eq!((done.deleted, done.selected_after), (taken.len() as u64, 0), "{name}");
            let after = left().await;
            let mut gone: Vec<_> = before.iter().filter(|user| !after.contains(user)).collect();
            gone.sort();
            assert!(gone.iter().eq(taken.iter()), "{name}: {gone:?}");
        }
    }
}
