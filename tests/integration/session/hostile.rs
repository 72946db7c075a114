//! Rows that nobody would make on purpose: NULLs everywhere, ten megabytes, quotes, control characters, what is no JSON.

use super::fixture::spec;
use super::place::{Base, Place};
use unleak::session::{Options, Selection};

const LARGE: usize = 10 * 1024 * 1024;

/// Tokens and payloads, as SQL.
fn rows(place: &Place) -> String {
    let large = match place.base {
        Base::Sqlite(_) => format!("hex(zeroblob({}))", LARGE / 2),
        _ => format!("repeat('x', {LARGE})"),
    };
    let values = [
        format!("('large', 7, '2001-01-01 00:00:00', {large})"),
        "(NULL, NULL, NULL, NULL)".to_owned(),
        "(NULL, 7, '2001-01-01 00:00:00', 'not { json')".to_owned(),
        "('', NULL, '2100-01-01 00:00:00', '')".to_owned(),
        "('a''; DROP TABLE sessions; --', 7, '2100-01-01 00:00:00', '{\"user\": {\"id\": [[[]]]}}')"
            .to_owned(),
        "('tab\t and \u{1b}[2J', 8, '2100-01-01 00:00:00', 'a:1:{i:0;O:8:\"Exploit\":0:{}}')".to_owned(),
    ];
    format!("INSERT INTO sessions VALUES {}", values.join(", "))
}

#[tokio::test]
async fn hostile_rows_are_purged_and_come_back() {
    for place in Place::every("CREATE TABLE other (id integer)").await {
        let (payload, text) = match place.base {
            Base::MariaDb(_) => ("longtext", "varchar(200)"),
            _ => ("text", "text"),
        };
        let ddl = format!(
            "CREATE TABLE sessions (\"sessionToken\" {text}, \"userId\" integer, expires timestamp NULL, data {payload})"
        );
        match &place.base {
            Base::MariaDb(database) => {
                // Rows of one token are told apart by a key.
                let key = "nr bigint AUTO_INCREMENT PRIMARY KEY INVISIBLE, `sessionToken`";
                let ddl = ddl
                    .replace('"', "`")
                    .replace("timestamp NULL", "datetime")
                    .replace("`sessionToken`", key);
                database.run(&ddl).await;
                database.run(&rows(&place)).await;
            }
            _ => {
                place.run(&ddl).await;
                place.run(&rows(&place)).await;
            }
        }
        let dump = match place.base {
            Base::Postgres(_) => "SELECT md5(s::text) FROM sessions s ORDER BY 1",
            Base::Sqlite(_) => {
                "SELECT coalesce(\"sessionToken\", 'NULL') || '|' || coalesce(\"userId\", 'NULL') || '|' || coalesce(expires, 'NULL') \
                 || '|' || coalesce(substr(data, 1, 99) || length(data), 'NULL') FROM sessions ORDER BY 1"
            }
            Base::MariaDb(_) => {
                "SELECT md5(concat_ws('|', coalesce(\"sessionToken\", 'NULL'), coalesce(\"userId\", 'NULL'), coalesce(expires, 'NULL'), \
                 coalesce(data, 'NULL'))) FROM sessions ORDER BY 1"
            }
        };
        let before = place.texts(dump).await;
        let mut store = place.open_with(&Options::default()).await.unwrap();
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.total, counts.expired), (6, 2), "{}", place.name());
        for (selection, taken) in [
            (Selection::Expired, 2),
            // Rows without a token are no twins of each other.
            (Selection::Duplicates, 0),
            (Selection::All, 6),
        ] {
            let name = format!("{} on {}", selection.name(), place.name());
            let done = store.delete(&selection, &spec(&place.backups(), &place.key)).await;
            let done = done.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((done.deleted, done.selected_after), (taken, 0), "{name}");
            if let Some(backup) = done.backup {
                store
                    .restore(&backup.path, &place.key)
                    .await
                    .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            assert!(place.texts(dump).await == before, "{name}");
        }
        let listed =
            store.page(&unleak::session::ListQuery { limit: 10, ..Default::default() }).await.unwrap();
        assert_eq!(listed.total, 6, "{}", place.name());
    }
}
