//! Expiries without a zone: what counts as expired does not depend on anybody's zone, and a difference is told.

use super::fixture::{CONNECT_PG_SIMPLE, Database, block_on};
use super::place::{Base, Place};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use unleak::session::{Options, Selection};

/// The application's own reading: its connection has the server's zone and compares with `now()`.
async fn as_the_application_counts(database: &Database) -> u64 {
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    // The driver pins UTC while it connects; the application's driver does not.
    let sql = "SELECT substr(s, 10) FROM pg_db_role_setting d, unnest(setconfig) s JOIN pg_database b ON \
               b.datname = current_database() WHERE d.setdatabase = b.oid AND s LIKE 'TimeZone=%'";
    let zone: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    let set = AssertSqlSafe(format!("SET TimeZone = '{zone}'"));
    sqlx::raw_sql(set).execute(&mut connection).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM session WHERE expire <= now()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    count.unsigned_abs()
}

#[test]
fn both_readings_are_right_in_every_zone() {
    let database = block_on(Database::with(CONNECT_PG_SIMPLE));
    let zones = block_on(database.texts(
        "SELECT name FROM pg_timezone_names WHERE name ~ '^(Africa|America|Asia|Australia|Europe|Pacific|Etc)/' ORDER BY 1",
    ));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    // Minutes from now, none at the very border.
    let expiries = prop::collection::vec((-2000..2000i32).prop_filter("border", |m| m.abs() > 2), 1..20);
    let outcome = runner.run(&(prop::sample::select(zones), expiries), |(zone, minutes)| {
        block_on(async {
            let name = database.texts("SELECT current_database()::text").await.remove(0);
            database.run(&format!("ALTER DATABASE {name} SET TimeZone = '{zone}'; TRUNCATE session")).await;
            for (n, minutes) in minutes.iter().enumerate() {
                database
                    .run(&format!(
                        "INSERT INTO session VALUES ('{n}', '{{}}', (now() AT TIME ZONE 'UTC') + {minutes} * interval '1 min')"
                    ))
                    .await;
            }
            let counts = database.open().await.unwrap().counts().await.unwrap();
            let expired = minutes.iter().filter(|minutes| **minutes < 0).count() as u64;
            let theirs = as_the_application_counts(&database).await;
            assert_eq!((counts.total, counts.expired), (minutes.len() as u64, expired));
            match counts.in_server_zone {
                None => assert_eq!(theirs, expired, "{zone}"),
                Some(other) => {
                    assert_eq!((other.zone.as_str(), other.expired), (zone.as_str(), theirs));
                    assert_ne!(other.expired, expired);
                }
            }
        });
        Ok(())
    });
    outcome.unwrap();
}

/// Sessions with a time of their making and no zone.
const MADE: &str = r#"CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamp NOT NULL, "createdAt" timestamp)"#;

/// Seconds around a change of the clocks: its hour, the one before and the one after, and their borders.
const AROUND: [i64; 17] =
    [-7201, -5400, -3601, -3600, -3599, -1801, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 3601, 5400, 7201];

/// When a zone's clocks were changed, from 2015 to 2030.
fn changes(zone: &TimeZone) -> Vec<Timestamp> {
    let from: Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2031-01-01T00:00:00Z".parse().unwrap();
    zone.following(from).map(|change| change.timestamp()).take_while(|at| *at < until).collect()
}

/// The later of the two times that a wall clock may mean.
fn latest(zone: &TimeZone, shown: jiff::civil::DateTime) -> Timestamp {
    zone.to_ambiguous_timestamp(shown).later().unwrap()
}

/// What is selected around one change of a zone's clocks, held against the tz database of this machine.
async fn check_change(place: &Place, name: &str, change: Timestamp) {
    let is_file = matches!(place.base, Base::Sqlite(_));
    // A file's clocks are read in UTC.
    let name = if is_file { "UTC" } else { name };
    let zone = TimeZone::get(name).unwrap();
    let shown: Vec<_> =
        AROUND.map(|seconds| zone.to_datetime(change + SignedDuration::from_secs(seconds))).to_vec();
    let rows: Vec<String> = shown
        .iter()
        .enumerate()
        .map(|(n, at)| {
            format!("('tok-{n}', 1, '2100-01-01 00:00:00', '{}')", at.strftime("%Y-%m-%d %H:%M:%S"))
        })
        .collect();
    place.run(&format!("DELETE FROM sessions; INSERT INTO sessions (\"sessionToken\", \"userId\", expires, \"createdAt\") VALUES {}", rows.join(", "))).await;
    let options = Options { zone: Some(name.to_owned()), ..Options::default() };
    let mut store = place.open_with(&options).await.unwrap();
    for seconds in AROUND {
        let at = change + SignedDuration::from_secs(seconds);
        let count = store.count(&Selection::Before(at)).await.unwrap();
        let by = |at: Timestamp| shown.iter().filter(|shown| latest(&zone, **shown) <= at).count() as u64;
        let what = format!("{name} on {} around {change}, at {at}", place.name());
        match place.base {
            // Nothing that may be still to come is taken, and what came two hours ago is.
            Base::MariaDb(_) => {
                assert!(
                    (by(at - SignedDuration::from_hours(2))..=by(at)).contains(&count),
                    "{what}: {count}"
                );
            }
            _ => assert_eq!(count, by(at), "{what}"),
        }
    }
}

/// Names that mean two things, and zones with a rule of their own: half an hour, two hours, a winter that is the exception, changes for good, none.
const ODD: [&str; 14] = [
    // PostgreSQL has abbreviations of the same names, which know no summer.
    "WET",
    "CET",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "America/Sao_Paulo",
    "Pacific/Tongatapu",
    "America/Caracas",
    "Africa/Juba",
    "Pacific/Chatham",
    "Asia/Kathmandu",
];

#[test]
fn no_session_is_taken_before_its_time_when_clocks_change() {
    let places = block_on(Place::every(MADE));
    let known = block_on(
        places[0].texts("SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/' ORDER BY 1"),
    );
    let known: Vec<String> = known.into_iter().filter(|name| TimeZone::get(name).is_ok()).collect();
    assert!(known.len() > 400, "{} zones", known.len());
    let check = |name: &str, change: Timestamp| {
        for place in &places {
            block_on(check_change(place, name, change));
        }
    };
    for name in ODD {
        let all = changes(&TimeZone::get(name).unwrap());
        // The last two of either direction.
        all.iter().rev().take(2).for_each(|change| check(name, *change));
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let outcome =
        runner.run(&(prop::sample::select(known), any::<prop::sample::Index>()), |(name, which)| {
            let all = changes(&TimeZone::get(&name).unwrap());
            let change = if all.is_empty() {
                "2024-03-31T01:00:00Z".parse().unwrap()
            } else {
                all[which.index(all.len())]
            };
            check(&name, change);
            Ok(())
        });
    outcome.unwrap();
}
