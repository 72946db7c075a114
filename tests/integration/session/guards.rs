//! What procedures and restores refuse rather than do wrongly, and how they end when something fails late.

use super::commands::{exit, said};
use super::place::{Place, TABLES};
use unleak::session::{Error, Selection, UsersWanted};

/// Two sessions each of two users, and one expired.
const SESSIONS: &str = r"INSERT INTO sessions VALUES
    ('tok-1', 1, '2100-01-01 00:00:00', NULL, NULL), ('tok-2', 1, '2100-01-01 00:00:00', NULL, NULL),
    ('tok-3', 2, '2100-01-01 00:00:00', NULL, NULL), ('tok-4', 2, '2001-01-01 00:00:00', NULL, NULL)";

fn content() -> String {
    format!("{TABLES}; {SESSIONS}")
}

#[tokio::test]
async fn only_a_flag_or_a_time_tells_who_is_gone() {
    for (columns, values, gone) in [
        ("disabled text", "'no'), (2, 'yes'", None),
        ("banned numeric", "0), (2, 1", None),
        ("suspended text, deleted_at timestamp", "'no', NULL), (2, 'no', NULL", None),
        ("is_active boolean", "true), (2, false", Some(2)),
        ("is_active boolean, deleted_at timestamp", "true, NULL), (2, true, '2026-01-01'", Some(2)),
        ("is_active boolean, deleted_at timestamp", "false, NULL), (2, true, '2026-01-01'", Some(4)),
        ("deleted_at text", "''), (2, '2026-01-01'", Some(2)),
        ("disabled integer", "0), (2, 1", Some(2)),
    ] {
        let sql = format!(
            "{}; DROP TABLE users; CREATE TABLE users (id integer PRIMARY KEY, {columns}); \
             INSERT INTO users VALUES (1, {values})",
            content()
        );
        for place in Place::some(&sql).await {
            let mut store = place.open().await;
            let users = store.users_table(&UsersWanted::default()).await.unwrap();
            match (store.count(&Selection::Disabled(users)).await, gone) {
                (Ok(count), Some(gone)) => assert_eq!(count, gone, "{columns} {values} on {}", place.name()),
                (Err(Error::Column { .. }), None) => {}
                (result, _) => panic!("{columns} {values} on {}: {result:?}", place.name()),
            }
        }
    }
}

#[tokio::test]
async fn a_share_bounds_what_disabled_users_lose() {
    let place = Place::sqlite(&content()).await;
    place.run("UPDATE users SET deleted_at = '2026-01-01'").await;
    let refused = place.sessions(&["stale", "--disabled", "--yes"]);
    assert_eq!(exit(&refused), 2);
    assert!(said(&refused).contains("more than 20 %"), "{}", said(&refused));
    assert_eq!(exit(&place.sessions(&["stale", "--disabled", "--yes", "--max-share", "100"])), 0);
}
