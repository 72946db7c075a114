//! Expiries without a zone: what counts as expired does not depend on anybody's zone, and a difference is told.

use super::fixture::{CONNECT_PG_SIMPLE, Database, block_on};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

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
