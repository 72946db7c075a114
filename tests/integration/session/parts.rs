//! Tables whose rows are in several, and views: what is purged as one table, and what is refused with a way out.

use super::fixture::{Database, spec};
use super::mysql;
use super::place::{Base, Place};
use unleak::session::{BackupKey, Bounds, Error, Options, Selection, Store, UsersWanted};

/// Sessions by their user's number, a part each, so that rows of two parts lie at the same places.
const PARTITIONED: &str = r#"
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE sessions ("sessionToken" text NOT NULL, "userId" integer NOT NULL, expires timestamptz NOT NULL) PARTITION BY RANGE ("userId");
CREATE TABLE sessions_low PARTITION OF sessions FOR VALUES FROM (0) TO (2);
CREATE TABLE sessions_mid PARTITION OF sessions FOR VALUES FROM (2) TO (50) PARTITION BY HASH ("sessionToken");
CREATE TABLE sessions_mid_0 PARTITION OF sessions_mid FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE sessions_mid_1 PARTITION OF sessions_mid FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE sessions_rest PARTITION OF sessions DEFAULT;
INSERT INTO users VALUES (1), (2);
INSERT INTO sessions SELECT 'tok-' || n, 1 + n % 2, now() + CASE WHEN n % 5 = 0 THEN interval '-1 day' ELSE interval '1 day' END
  FROM generate_series(1, 60) n;
INSERT INTO sessions SELECT 'gone-' || n, 99, now() + interval '1 day' FROM generate_series(1, 10) n;
INSERT INTO sessions VALUES ('twin', 1, now() + interval '1 day'), ('twin', 1, now() + interval '2 days'),
  ('leak', 1, now() + interval '1 day'), ('leak', 2, now() + interval '1 day')"#;

/// The same on MariaDB, where every key holds what the parts are told by.
const IN_MARIADB: &str = "
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE sessions (nr bigint AUTO_INCREMENT, sessionToken varchar(99) NOT NULL, userId integer NOT NULL, expires datetime NOT NULL,
  PRIMARY KEY (nr, userId)) PARTITION BY RANGE (userId)
  (PARTITION low VALUES LESS THAN (2), PARTITION mid VALUES LESS THAN (50), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO users VALUES (1), (2);
INSERT INTO sessions (sessionToken, userId, expires)
  SELECT concat('tok-', seq), 1 + seq % 2, if(seq % 5 = 0, '2001-01-01', '2100-01-01') FROM seq_1_to_60;
INSERT INTO sessions (sessionToken, userId, expires) SELECT concat('gone-', seq), 99, '2100-01-01' FROM seq_1_to_10;
INSERT INTO sessions (sessionToken, userId, expires) VALUES ('twin', 1, '2100-01-01'), ('twin', 1, '2100-01-02'),
  ('leak', 1, '2100-01-01'), ('leak', 2, '2100-01-01')";

async fn rows(place: &Place) -> Vec<String> {
    let sql = match place.base {
        Base::MariaDb(_) => "SELECT concat_ws('|', sessionToken, userId, expires) FROM sessions ORDER BY 1",
        _ => "SELECT s::text FROM sessions s ORDER BY 1",
    };
    place.texts(sql).await
}

async fn parted() -> Vec<Place> {
    let bases = [
        Base::Postgres(Database::with(PARTITIONED).await),
        Base::MariaDb(mysql::Database::with(IN_MARIADB).await),
    ];
    bases
        .into_iter()
        .map(|base| Place { base, dir: tempfile::tempdir().unwrap(), key: BackupKey::generate().unwrap() })
        .collect()
}

#[tokio::test]
async fn a_partitioned_table_is_purged_and_restored_as_one() {
    for place in parted().await {
        let before = rows(&place).await;
        let mut store = place.open().await;
        assert_eq!(store.counts().await.unwrap().total, 74, "{}", place.name());
        let users = store.users_table(&UsersWanted::default()).await.unwrap();
        let facts = store.facts(Some(&users), jiff::SignedDuration::from_hours(1)).await.unwrap();
        assert!(facts.bytes > 0, "{}: the parts have a size", place.name());
        for (selection, batch, taken) in [
            (Selection::All, None, 74),
            (Selection::All, Some(10), 74),
            (Selection::Users(vec!["2".to_owned()]), Some(7), 31),
            (Selection::Expired, None, 12),
            // The older twin, and both of the token that two users have, which are in two parts.
            (Selection::Duplicates, None, 3),
            (Selection::Orphans(users.clone()), Some(3), 10),
        ] {
            let name = format!("{} by {batch:?} on {}", selection.name(), place.name());
            assert_eq!(store.count(&selection).await.unwrap(), taken, "{name}");
            let (mut deleted, mut backups) = (0, Vec::new());
            loop {
                let bounds = Bounds { at_most: None, batch };
                let done = store
                    .delete_bounded(&selection, &spec(&place.backups(), &place.key), bounds)
                    .await
                    .unwrap();
                let most = batch.filter(|_| selection.can_be_split()).unwrap_or(u64::MAX);
                assert!(done.deleted <= most && done.deleted > 0, "{name}: {}", done.deleted);
                deleted += done.deleted;
                backups.extend(done.backup);
                if done.selected_after == 0 {
                    break;
                }
            }
            assert_eq!((deleted, rows(&place).await.len() as u64), (taken, 74 - taken), "{name}");
            for backup in backups {
                store.restore(&backup.path, &place.key).await.unwrap();
            }
            assert!(rows(&place).await == before, "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_part_has_of_its_own_counts_for_the_whole() {
    let database = Database::with(PARTITIONED).await;
    let mut store = database.open().await.unwrap();
    store.preflight().await.unwrap();
    // Of its parts none is the session table.
    let named = |table: &str| Options { table: Some(table.to_owned()), ..Options::default() };
    let error = database.open_with(&named("sessions_low")).await.unwrap_err();
    assert!(error.hint().unwrap().contains("public.sessions"), "{:?}", error.hint());
    assert!(matches!(store.key_facts().await.unwrap_err(), Error::Unsupported { .. }));
    let trigger = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER no BEFORE DELETE ON sessions_rest FOR EACH ROW EXECUTE FUNCTION no()";
    database.run(trigger).await;
    assert!(matches!(store.preflight().await.unwrap_err(), Error::Triggered { .. }));
    database.run("DROP TRIGGER no ON sessions_rest").await;
    let foreign = "CREATE FOREIGN DATA WRAPPER away; CREATE SERVER away FOREIGN DATA WRAPPER away;
        DROP TABLE sessions_rest; CREATE FOREIGN TABLE sessions_rest PARTITION OF sessions DEFAULT SERVER away";
    database.run(foreign).await;
    let error = store.preflight().await.unwrap_err();
    assert!(error.to_string().contains("parts on another server"), "{error}");
}

/// A view shows some columns of its rows, and a backup must hold all of them: the way out names the table.
#[tokio::test]
async fn a_view_is_refused_with_the_table_behind_it() {
    let sql = r#"CREATE TABLE real_logins (id integer PRIMARY KEY, secret varchar(99), who integer, until timestamp);
        CREATE VIEW sessions AS SELECT secret AS "sessionToken", who AS "userId", until AS expires FROM real_logins"#;
    for place in Place::every(sql).await {
        let error = place.open_with(&Options::default()).await.unwrap_err();
        assert!(matches!(error, Error::NotAPlainTable { what: "view", .. }), "{}: {error:?}", place.name());
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("real_logins") && hint.contains("--dialect custom"),
            "{}: {hint}",
            place.name()
        );
    }
    let inherited = r#"CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamptz);
        CREATE TABLE sessions_old () INHERITS (sessions); CREATE TABLE other (id integer)"#;
    let database = Database::with(inherited).await;
    let options = Options { table: Some("sessions".to_owned()), ..Options::default() };
    let url = database.url.parse().unwrap();
    let error = Store::connect(&url, &options).await.unwrap_err();
    assert!(error.hint().unwrap().contains("NO INHERIT"), "{:?}", error.hint());
}
