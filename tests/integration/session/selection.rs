//! Which rows each selection takes, on every database alike, and that they all come back.

use super::fixture::{block_on, names, spec};
use super::place::{Base, Place, TABLES};
use proptest::prelude::*;
use unleak::secret::Secret;
use unleak::session::{Bounds, Error, Options, Selection, UserPattern, UsersWanted};

/// Token, user, minutes to the expiry, made so many minutes ago, used so many minutes ago.
pub(super) const ROWS: [(&str, Option<u32>, i64, i64, i64); 9] = [
    ("live", Some(1), 60, 10, 1),
    ("past", Some(1), -60, 600, 500),
    ("twin", Some(2), 60, 30, 20),
    ("twin", Some(2), 90, 20, 10),
    ("leak", Some(1), 60, 30, 20),
    ("leak", Some(2), 90, 20, 10),
    ("gone", Some(99), 60, 10, 1),
    ("off", Some(3), 60, 10, 1),
    ("nobody", None, 60, 10, 1),
];

fn insert() -> String {
    let at = |minutes: i64| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let row = |(token, user, expires, made, used): &(&str, Option<u32>, i64, i64, i64)| {
        let user = user.map_or_else(|| "NULL".to_owned(), |user| user.to_string());
        let used = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(*used)).as_second();
        format!("('{token}', {user}, '{}', '{}', {used})", at(*expires), at(-made))
    };
    format!("{TABLES}; INSERT INTO sessions VALUES {}", ROWS.iter().map(row).collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn each_selection_takes_its_rows_and_a_restore_brings_them_back() {
    for place in Place::every(&insert()).await {
        let mut store = place.open().await;
        let users = store.users_table(&UsersWanted::default()).await.unwrap();
        let ago = |minutes| jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        let all = place.tokens().await;
        for (selection, taken) in [
            (Selection::All, all.iter().map(String::as_str).collect()),
            (Selection::Tokens(vec![Secret::from("live".to_owned())]), vec!["live"]),
            (Selection::Users(vec!["1".to_owned(), "x' OR '1'='1".to_owned()]), vec!["leak", "live", "past"]),
            (Selection::Users(Vec::new()), vec![]),
            (Selection::Expired, vec!["past"]),
            // The older twin; both rows of the token that two users have.
            (Selection::Duplicates, vec!["leak", "leak", "twin"]),
            (Selection::Orphans(users.clone()), vec!["gone"]),
            (Selection::Disabled(users.clone()), vec!["off"]),
            (Selection::Before(ago(120)), vec!["past"]),
            (Selection::Idle(ago(15)), vec!["leak", "past", "twin"]),
        ] {
            let name = format!("{} on {}", selection.name(), place.name());
            assert_eq!(store.count(&selection).await.unwrap(), taken.len() as u64, "{name}");
            let done = store.delete(&selection, &spec(&place.backups(), &place.key)).await.unwrap();
            let left: Vec<String> = place.tokens().await;
            let mut together: Vec<&str> =
                left.iter().map(String::as_str).chain(taken.iter().copied()).collect();
            together.sort_unstable();
            assert_eq!(together, all, "{name}");
            assert_eq!(
                (done.selected_before, done.deleted, done.backed_up, done.selected_after),
                (taken.len() as u64, taken.len() as u64, taken.len() as u64, 0),
                "{name}"
            );
            assert_eq!(done.after.total + taken.len() as u64, all.len() as u64, "{name}");
            let Some(backup) = done.backup else {
                assert!(taken.is_empty(), "{name}");
                continue;
            };
            assert_eq!((backup.rows, backup.selection.as_str()), (taken.len() as u64, selection.name()));
            store.restore(&backup.path, &place.key).await.unwrap();
            assert_eq!(place.tokens().await, all, "{name}");
        }
    }
}

#[tokio::test]
async fn a_bound_is_kept_and_batches_take_all_in_the_end() {
    for place in Place::every(&insert()).await {
        let mut store = place.open().await;
        let all = place.tokens().await;
        let backups = place.backups();
        let spec = spec(&backups, &place.key);
        let bounds = Bounds { at_most: Some(8), batch: None };
        let error = store.delete_bounded(&Selection::All, &spec, bounds).await.unwrap_err();
        assert!(matches!(error, Error::TooMany { found: 9, at_most: 8 }), "{error}");
        assert_eq!(place.tokens().await, all);
        assert!(names(&place.backups()).is_empty(), "{}", place.name());

        let mut sizes = Vec::new();
        loop {
            let bounds = Bounds { at_most: None, batch: Some(4) };
            let done = store.delete_bounded(&Selection::All, &spec, bounds).await.unwrap();
            sizes.push(done.deleted);
            if done.selected_after == 0 {
                break;
            }
        }
        assert_eq!(sizes, [4, 4, 1], "{}", place.name());
        // Halves of a token's rows would let the other half stay.
        place.run(&insert()[TABLES.len() + 2..]).await;
        let bounds = Bounds { at_most: None, batch: Some(1) };
        assert_eq!(store.delete_bounded(&Selection::Duplicates, &spec, bounds).await.unwrap().deleted, 3);
    }
}

#[tokio::test]
async fn users_are_found_by_pattern_and_wrong_tables_are_refused() {
    for place in Place::every(&insert()).await {
        let mut store = place.open().await;
        let users = store.users_table(&UsersWanted::default()).await.unwrap();
        for (pattern, ids) in [
            (UserPattern::Name("bruno".to_owned()), vec!["2"]),
            (UserPattern::Name("*BRU*".to_owned()), vec!["2", "3"]),
            (UserPattern::Name("bru_no".to_owned()), vec!["3"]),
            (UserPattern::Email("*@example.org".to_owned()), vec!["1", "2", "3"]),
            (UserPattern::Name("' OR 1=1 --".to_owned()), vec![]),
        ] {
            let found = store.find_users(&users, &pattern, 100).await.unwrap();
            assert_eq!(found.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ids, "{pattern:?}");
        }
        let orphaned = store.orphaned(&users).await.unwrap();
        assert_eq!((orphaned.sessions, orphaned.with_user, orphaned.orphans, orphaned.users), (9, 8, 1, 4));

        place.run("CREATE TABLE people (id text PRIMARY KEY, name text)").await;
        let wanted = |table: &str| UsersWanted { table: Some(table.to_owned()), ..UsersWanted::default() };
        let people = store.users_table(&wanted("people")).await.unwrap();
        let error = store.count(&Selection::Orphans(people)).await.unwrap_err();
        assert!(matches!(error, Error::KeyTypes { .. }), "{error}");
        let error = store.users_table(&wanted("users; DROP TABLE users")).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchTable { .. }), "{error}");
        assert_eq!(place.texts("SELECT CAST(count(*) AS text) FROM users").await, ["4"]);
    }
}

/// express-session keeps the user inside the payload; anything may stand there.
#[tokio::test]
async fn a_user_inside_the_payload_is_found() {
    for json in ["json", "jsonb"] {
        let sql = format!(
            "CREATE TABLE session (sid text PRIMARY KEY, sess {json} NOT NULL, expire timestamp NOT NULL); \
             INSERT INTO session VALUES ('a', '{{\"passport\":{{\"user\":7}}}}', '2100-01-01'), \
             ('b', '{{\"passport\":{{\"user\":\"8\"}}}}', '2100-01-01'), ('c', '{{}}', '2100-01-01'), \
             ('d', '{{\"passport\":[1]}}', '2100-01-01'), ('e', '\"x\"', '2100-01-01')"
        );
        for place in Place::both(&sql).await {
            if matches!(place.base, Base::Sqlite(_)) {
                place.run("INSERT INTO session VALUES ('f', 'no json', '2100-01-01')").await;
            }
            let path = |path: &str| Options { user_path: Some(path.to_owned()), ..Options::default() };
            let mut store = place.open_with(&path("passport.user")).await.unwrap();
            for (id, count) in [("7", 1), ("8", 1), ("9", 0)] {
                let selection = Selection::Users(vec![id.to_owned()]);
                assert_eq!(store.count(&selection).await.unwrap(), count, "{id} on {}", place.name());
            }
            let error = place.open().await.count(&Selection::Users(vec!["7".to_owned()])).await.unwrap_err();
            assert!(error.to_string().contains("--user-path"), "{error}");
            let error = place.open_with(&path("passport.user'}' OR true")).await.unwrap_err();
            assert!(matches!(error, Error::Column { .. }), "{error}");
        }
    }
}

/// Random tables against a plain model: what stays after duplicates, and then orphans, are deleted.
#[test]
fn duplicates_and_orphans_are_those_of_a_plain_model() {
    let places = block_on(Place::every(TABLES));
    let row = (0..6u8, prop::option::weighted(0.8, 1..7u32), -9..9i64);
    let table = prop::collection::vec(row, 0..25);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(60));
    let outcome = runner.run(&table, |rows| {
        for place in &places {
            block_on(check_model(place, &rows));
        }
        Ok(())
    });
    outcome.unwrap();
}

async fn check_model(place: &Place, rows: &[(u8, Option<u32>, i64)]) {
    // Deleted rows may leave gaps that later ones fill, and rows of equal age are told apart by their place.
    let mut sql = match place.base {
        Base::Postgres(_) => "TRUNCATE sessions".to_owned(),
        Base::Sqlite(_) | Base::MariaDb(_) => "DELETE FROM sessions".to_owned(),
    };
    let base = jiff::Timestamp::now();
    for (n, (token, user, days)) in rows.iter().enumerate() {
        // The last token is none at all.
        let token = if *token == 5 { "NULL".to_owned() } else { format!("'t{token}'") };
        let user = user.map_or_else(|| "NULL".to_owned(), |user| user.to_string());
        let expires = (base + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d %H:%M:%S");
        sql = format!("{sql}; INSERT INTO sessions VALUES ({token}, {user}, '{expires}', NULL, {n})");
    }
    place.run(&sql).await;
    let mut left: Vec<usize> = (0..rows.len()).filter(|&n| stays(rows, n)).collect();
    let numbers = || async {
        let texts = place.texts("SELECT CAST(last_activity AS text) FROM sessions").await;
        let mut numbers: Vec<usize> = texts.iter().map(|text| text.parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    let mut store = place.open().await;
    let backups = place.backups();
    let spec = spec(&backups, &place.key);
    store.delete(&Selection::Duplicates, &spec).await.unwrap();
    assert_eq!(numbers().await, left, "duplicates on {}", place.name());
    let users = store.users_table(&UsersWanted::default()).await.unwrap();
    store.delete(&Selection::Orphans(users), &spec).await.unwrap();
    left.retain(|&n| rows[n].1.is_none_or(|user| user <= 4));
    assert_eq!(numbers().await, left, "orphans on {}", place.name());
}

/// A row stays when it has no token, an only one, or is the newest of one user's; of equal ones the last.
fn stays(rows: &[(u8, Option<u32>, i64)], n: usize) -> bool {
    let (token, user, _) = rows[n];
    let same: Vec<usize> = (0..rows.len()).filter(|&other| rows[other].0 == token).collect();
    let one_user = user.is_some() && same.iter().all(|&other| rows[other].1 == user);
    let newest = same.iter().copied().max_by_key(|&other| (rows[other].2, other));
    token == 5 || same.len() == 1 || one_user && newest == Some(n)
}
