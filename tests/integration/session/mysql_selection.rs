//! Selections where MySQL and MariaDB are unlike the others: collations, keys, zones, and locks.

use super::fixture::{names, spec};
use super::mysql::{Database, EXPRESS};
use sqlx::Connection as _;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;
use unleak::secret::Secret;
use unleak::session::{Bounds, Error, ListQuery, Options, Selection, Settled, UsersWanted};

fn tokens(tokens: &[&str]) -> Selection {
    Selection::Tokens(tokens.iter().map(|token| Secret::from((*token).to_owned())).collect())
}

fn users(ids: &[&str]) -> Selection {
    Selection::Users(ids.iter().map(|id| (*id).to_owned()).collect())
}

const LEFT: &str = "SELECT concat('<', sessionToken, '>') FROM session ORDER BY id";

/// The usual collations take `A` for `a`, and pass over blanks at the end.
#[tokio::test]
async fn only_the_very_same_token_is_taken() {
    for collation in ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_swedish_ci"] {
        let charset = collation.split('_').next().unwrap();
        let database = Database::with(&format!(
            "CREATE TABLE session (id int PRIMARY KEY, sessionToken varchar(99), userId varchar(99), expires datetime)
             CHARACTER SET {charset} COLLATE {collation};
             INSERT INTO session VALUES (1, 'abc', 'u', now()), (2, 'ABC', 'U', now()), (3, 'abc ', 'u', now()), (4, '\u{e4}bc', 'x', now())"
        ))
        .await;
        let mut store = database.open().await.unwrap();
        assert_eq!(store.count(&Selection::Duplicates).await.unwrap(), 0, "{collation}");
        assert_eq!(store.facts(None, jiff::SignedDuration::ZERO).await.unwrap().duplicate_tokens, 0);
        for (selection, count) in [
            (tokens(&["abc"]), 1),
            (tokens(&["aBc"]), 0),
            (tokens(&["\u{e4}bc"]), 1),
            (tokens(&["' OR 1=1 -- ", "x'41'", "\\"]), 0),
            (users(&["u"]), 2),
            (users(&["u "]), 0),
            (users(&[]), 0),
        ] {
            assert_eq!(store.count(&selection).await.unwrap(), count, "{selection:?} {collation}");
        }
        let done = store.delete(&tokens(&["ABC"]), &spec(&database.backups(), &database.key)).await.unwrap();
        assert_eq!(done.deleted, 1);
        assert_eq!(database.texts(LEFT).await, ["<abc>", "<abc >", "<\u{e4}bc>"]);
        store.restore(&done.backup.unwrap().path, &database.key).await.unwrap();
        assert_eq!(database.texts(LEFT).await.len(), 4);
    }
}

/// Rows are deleted by key: beyond 2^53, of several columns, of bytes, and never by one that can be NULL.
#[tokio::test]
async fn keys_of_every_kind_reach_their_rows() {
    for (columns, values) in [
        ("id bigint unsigned PRIMARY KEY", ["9007199254740993", "9007199254740992", "18446744073709551615"]),
        ("id binary(16) PRIMARY KEY", ["unhex('00ff5c27')", "unhex('00ff5c28')", "unhex('27')"]),
        ("id varchar(99) COLLATE utf8mb4_bin PRIMARY KEY", ["'a\\'b'", "'A\\'b'", "'\u{1f600}'"]),
        ("id datetime(6) PRIMARY KEY", ["'2026-01-01 00:00:00.000001'", "'2026-01-01'", "'0000-00-00'"]),
        ("id decimal(40,10) PRIMARY KEY", ["1.0000000001", "-1.0000000001", "0"]),
        ("id int, part int DEFAULT 7, PRIMARY KEY (part, id)", ["1", "2", "3"]),
        ("id float PRIMARY KEY, other int AUTO_INCREMENT UNIQUE", ["0.1", "0.2", "16777217"]),
    ] {
        let row = |(n, id): (usize, &&str)| format!("({id}, 't{}', {n}, '2001-01-01')", n / 2);
        let rows: Vec<String> = values.iter().enumerate().map(row).collect();
        let database = Database::with(&format!(
            "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE session ({columns}, sessionToken varchar(99), userId int, expires datetime);
             INSERT INTO session (id, sessionToken, userId, expires) VALUES {}",
            rows.join(", ")
        ))
        .await;
        let mut store = database.open().await.unwrap();
        let backups = database.backups();
        let spec = spec(&backups, &database.key);
        for selection in [users(&["1"]), Selection::Expired, Selection::Duplicates] {
            let before = database.texts("SELECT cast(userId AS char) FROM session ORDER BY userId").await;
            let wanted = match selection {
                Selection::Users(_) => 1,
                Selection::Expired => 3,
                _ => 2,
            };
            let done = store.delete(&selection, &spec).await.unwrap();
            assert_eq!((done.deleted, done.selected_after), (wanted, 0), "{columns} {}", selection.name());
            store.restore(&done.backup.unwrap().path, &database.key).await.unwrap();
            let after = database.texts("SELECT cast(userId AS char) FROM session ORDER BY userId").await;
            assert_eq!(after, before, "{columns}");
        }
        let bounds = Bounds { at_most: None, batch: Some(2) };
        let sizes = [
            store.delete_bounded(&Selection::All, &spec, bounds).await.unwrap().deleted,
            store.delete_bounded(&Selection::All, &spec, bounds).await.unwrap().deleted,
        ];
        assert_eq!(sizes, [2, 1], "{columns}");
    }
}

#[tokio::test]
async fn a_table_without_a_key_is_served_as_far_as_it_can_be() {
    let database = Database::with(
        "CREATE TABLE users (id int PRIMARY KEY, name text, is_active bit(1)); INSERT INTO users VALUES (1, 'Ada', b'1'), (2, 'Bob', b'0');
         CREATE TABLE session (sessionToken varchar(99), userId int, expires datetime, createdAt timestamp NULL, updatedAt timestamp NULL);
         INSERT INTO session VALUES ('a', 1, '2099-01-01', now(), now()), ('a', 1, '2099-01-01', now(), now()),
         ('b', 2, '2001-01-01', '2001-01-01', '2001-01-01'), ('c', 9, '2099-01-01', NULL, NULL), ('d', NULL, '2099-01-01', NULL, NULL)",
    )
    .await;
    let mut store = database.open().await.unwrap();
    let found = store.users_table(&UsersWanted::default()).await.unwrap();
    let hour = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let backups = database.backups();
    let spec = spec(&backups, &database.key);
    let bounds = Bounds { at_most: None, batch: Some(1) };
    for (selection, count) in [
        (tokens(&["a"]), 2),
        (users(&["2", "x"]), 1),
        (Selection::Expired, 1),
        (Selection::Orphans(found.clone()), 1),
        (Selection::Disabled(found), 1),
        (Selection::Before(hour), 1),
        (Selection::Idle(hour), 1),
        (Selection::All, 5),
    ] {
        let done = store.delete_bounded(&selection, &spec, bounds).await.unwrap();
        assert_eq!((done.deleted, done.selected_after), (count, 0), "{}", selection.name());
        let backup = done.backup.unwrap();
        let prepared = backup.path.with_extension("prepared");
        assert!(std::process::Command::new("mv").args([&backup.path, &prepared]).status().unwrap().success());
        // The rows are gone, which only a commit explains.
        assert!(matches!(store.settle(&prepared, &database.key).await.unwrap(), Settled::Committed(_)));
        store.restore(&backup.path, &database.key).await.unwrap();
        assert_eq!(store.counts().await.unwrap().total, 5);
        std::fs::remove_file(backup.path).unwrap();
    }
    let error = store.count(&Selection::Duplicates).await.unwrap_err();
    assert!(error.to_string().contains("no key that tells the rows of one token apart"), "{error}");
    let page = store.page(&ListQuery { limit: 9, ..ListQuery::default() }).await.unwrap();
    assert_eq!((page.total, page.sessions.len()), (5, 5));
}

/// What is not selected stays untouched, and whoever works on it does not wait.
#[tokio::test]
async fn rows_that_are_not_selected_are_not_locked() {
    let database = Database::with(&format!(
        "{EXPRESS}; INSERT INTO sessions SELECT concat('tok-', seq), if(seq % 2 = 0, 1, 4102444800), '{{\"user\":1}}' FROM seq_1_to_2000"
    ))
    .await;
    let mut options = Options { user_path: Some("user".to_owned()), ..Options::default() };
    options.limits.lock = Duration::from_secs(1);
    let mut store = database.open_with(&options).await.unwrap();
    let mut holder = MySqlConnection::connect(&database.url).await.unwrap();
    let hold = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION; UPDATE sessions SET data = 'mine' WHERE expires > 1";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let backups = database.backups();
    let spec = spec(&backups, &database.key);
    let done =
        store.delete_bounded(&Selection::Expired, &spec, Bounds { at_most: None, batch: Some(700) }).await;
    assert_eq!(done.unwrap().deleted, 700);
    let error = store.delete(&users(&["1"]), &spec).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    // The payload of the others is no JSON any more: whose they are cannot be told.
    assert_eq!(store.delete(&users(&["1"]), &spec).await.unwrap().deleted, 300);
    assert_eq!(names(&database.backups()).len(), 2);
}

/// A wall clock an hour ago in UTC is one hour to come where clocks are two hours ahead.
#[tokio::test]
async fn wall_clocks_are_read_in_the_zone_that_was_named() {
    let database = Database::with(
        "CREATE TABLE session (sessionToken varchar(99) PRIMARY KEY, userId binary(4), expires datetime, updatedAt timestamp NULL);
         INSERT INTO session VALUES ('a', unhex('00ff0a27'), date_sub(utc_timestamp(), INTERVAL 1 HOUR), utc_timestamp()),
         ('b', NULL, date_add(utc_timestamp(), INTERVAL 30 DAY), NULL)",
    )
    .await;
    let zone = |zone: &str| Options { zone: Some(zone.to_owned()), ..Options::default() };
    for (name, expired) in
        [("UTC", 1), ("+02:00", 1), ("-02:00", 0), ("Asia/Tokyo", 1), ("America/New_York", 0)]
    {
        let mut store = database.open_with(&zone(name)).await.unwrap();
        assert_eq!(store.count(&Selection::Expired).await.unwrap(), expired, "{name}");
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.expired, counts.in_server_zone), (expired, None), "{name}");
        let query = ListQuery { user: Some("00ff0a27".to_owned()), limit: 5, ..ListQuery::default() };
        let page = store.page(&query).await.unwrap();
        assert_eq!((page.total, page.sessions[0].user.as_deref()), (1, Some("00ff0a27")));
        let ends = page.sessions[0].expires.unwrap();
        assert_eq!(ends <= jiff::Timestamp::now(), expired == 1, "{name} {ends}");
    }
    assert!(matches!(database.open_with(&zone("Mars/Base")).await, Err(Error::UnknownZone { .. })));
    // Nobody said which zone holds: both readings are told.
    let mut store = database.open().await.unwrap();
    let selection = Selection::Expired;
    let both = store.count_in_server_zone(&selection).await.unwrap().unwrap();
    assert_eq!((&*both.zone, both.theirs), ("+02:00", 1));
}

/// They are found by an index or by numbers that stand for tokens, which must make no difference.
#[tokio::test]
async fn duplicates_are_the_same_with_an_index_and_without() {
    for index in [
        "",
        ", KEY (sessionToken)",
        ", KEY (sessionToken(3))",
        ", KEY (sessionToken) IGNORED, KEY (expires, sessionToken)",
    ] {
        let database = Database::with(&format!(
            "CREATE TABLE session (id int PRIMARY KEY, sessionToken varchar(99), userId int, expires datetime{index});
             INSERT INTO session SELECT seq, concat('tok-', seq % 700), if(seq % 700 < 50 AND seq > 700, 2, 1),
               date_add(utc_timestamp(), INTERVAL seq MINUTE) FROM seq_1_to_1000;
             INSERT INTO session VALUES (2001, 'twin', 1, now()), (2002, 'Twin', 2, now()), (2003, 'twin ', 3, now()), (2004, NULL, 1, now()), (2005, NULL, 1, now())"
        ))
        .await;
        let mut store = database.open().await.unwrap();
        let facts = store.facts(None, jiff::SignedDuration::ZERO).await.unwrap();
        assert_eq!((facts.duplicate_tokens, facts.duplicate_rows, facts.shared_tokens), (300, 600, Some(49)));
        let done =
            store.delete(&Selection::Duplicates, &spec(&database.backups(), &database.key)).await.unwrap();
        // Of 49 tokens both rows go, since they are of two users; of the others the older one.
        assert_eq!((done.deleted, done.selected_after), (2 * 49 + 251, 0), "{index}");
    }
}

/// The users whose id stands in a payload are told by a calculation, and by id they are found as on the other databases.
#[tokio::test]
async fn users_are_found_by_id_and_from_payloads() {
    let database = Database::with(&format!(
        "CREATE TABLE users (id int PRIMARY KEY, name varchar(99)); INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');
         {EXPRESS}; INSERT INTO sessions SELECT concat('tok-', seq), 4102444800, concat('{{\"user\":', seq % 4, '}}') FROM seq_1_to_40"
    ))
    .await;
    let options = Options { user_path: Some("user".to_owned()), ..Options::default() };
    let mut store = database.open_with(&options).await.unwrap();
    let found = store.users_table(&UsersWanted::default()).await.unwrap();
    let ids = ["1", "2", "9", "x' OR 1=1"].map(str::to_owned).to_vec();
    let people = store.users_by_id(&found, ids).await.unwrap();
    assert_eq!(
        people.iter().map(|user| user.about.join(" ")).collect::<Vec<_>>(),
        ["name: Ada", "name: Bob"]
    );
    let orphaned = store.orphaned(&found).await.unwrap();
    assert_eq!((orphaned.with_user, orphaned.orphans), (40, 20));
    let done =
        store.delete(&Selection::Orphans(found), &spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((done.deleted, done.selected_after), (20, 0));
}

/// Such columns cannot be compared as they are. Whoever is somebody by the rules of one of the two tables is nobody's orphan,
/// and disabled is only who is by the users' own.
#[tokio::test]
async fn users_of_another_collation_are_known_by_either() {
    for (theirs, ours, orphans, disabled) in [
        (
            "utf8mb4_unicode_ci",
            "utf8mb4_general_ci",
            ["gone", "\u{436}"].as_slice(),
            ["BOB", "bob"].as_slice(),
        ),
        ("utf8mb4_bin", "utf8mb4_general_ci", &["gone", "strasse", "\u{436}"], &["bob"]),
        ("utf8mb4_general_ci", "utf8mb4_bin", &["gone", "strasse", "\u{436}"], &["BOB", "bob"]),
        ("latin1_swedish_ci", "utf8mb4_unicode_ci", &["gone", "\u{436}"], &["BOB", "bob"]),
        ("utf8mb4_unicode_ci", "latin1_german1_ci", &["gone"], &["BOB", "bob"]),
        ("utf8mb3_general_ci", "utf8mb4_unicode_ci", &["gone", "\u{436}"], &["BOB", "bob"]),
    ] {
        let name = format!("{theirs} and {ours}");
        let charset = |collation: &str| collation.split('_').next().unwrap().to_owned();
        let database = Database::with(&format!(
            "CREATE TABLE users (id varchar(36) CHARACTER SET {} COLLATE {theirs} PRIMARY KEY, disabled tinyint(1));
             INSERT INTO users VALUES ('ada', 0), ('stra\u{df}e', 0), ('bob', 1);
             CREATE TABLE session (id int PRIMARY KEY, sessionToken varchar(99), userId varchar(36) CHARACTER SET {} COLLATE {ours}, expires datetime);
             INSERT INTO session VALUES (1, 'a', 'ada', now()), (2, 'b', 'ADA', now()), (3, 'c', 'gone', now()), (4, 'd', 'strasse', now()),
               (5, 'e', 'bob', now()), (6, 'f', 'BOB', now()), (7, 'g', NULL, now())",
            charset(theirs), charset(ours)
        ))
        .await;
        if orphans.contains(&"\u{436}") {
            database.run("INSERT INTO session VALUES (8, 'h', '\u{436}', now())").await;
        }
        let mut store = database.open().await.unwrap();
        let users = store.users_table(&UsersWanted::default()).await.unwrap();
        let found = store.orphaned(&users).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((found.users, found.orphans), (3, orphans.len() as u64), "{name}");
        for (selection, taken) in
            [(Selection::Orphans(users.clone()), orphans), (Selection::Disabled(users), disabled)]
        {
            let left = || {
                database.texts("SELECT CONVERT(userId USING utf8mb4) FROM session WHERE userId IS NOT NULL")
            };
            let before = left().await;
            assert_eq!(store.count(&selection).await.unwrap(), taken.len() as u64, "{name}");
            let done = store.delete(&selection, &spec(&database.backups(), &database.key)).await.unwrap();
            assert_eq!((done.deleted, done.selected_after), (taken.len() as u64, 0), "{name}");
            let after = left().await;
            let mut gone: Vec<_> = before.into_iter().filter(|user| !after.contains(user)).collect();
            gone.sort();
            let mut taken = taken.to_vec();
            taken.sort_unstable();
            assert_eq!(gone, taken, "{name}");
        }
    }
}
