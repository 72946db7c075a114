//! The library's manager: one life of a session on PostgreSQL, MariaDB, SQLite and Redis, and what each refuses.

use super::server::{database, service, wait};
use crate::session::mysql::Database as Maria;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, SqliteConnection};
use unleak::secret::Secret;
use unleak::session::{
    BackupKey, BackupSpec, Error, Found, Manager, NewSession, Options, Pooling, StoreUrl, UsersWanted,
};

const POSTGRES: &str = r#"
CREATE TABLE users (id serial PRIMARY KEY, name text, active boolean NOT NULL DEFAULT true);
CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamp NOT NULL, "sessionToken" varchar(255) NOT NULL);
INSERT INTO users (name, active) VALUES ('ada', true), ('bob', false)"#;

const SQLITE: &str = r#"
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, active BOOLEAN NOT NULL DEFAULT 1);
CREATE TABLE sessions ("sessionToken" TEXT PRIMARY KEY, "userId" INTEGER NOT NULL, expires DATETIME NOT NULL);
INSERT INTO users (name, active) VALUES ('ada', 1), ('bob', 0)"#;

const MARIADB: &str = "
CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, name varchar(99), active boolean NOT NULL DEFAULT true);
CREATE TABLE sessions (sessionToken varchar(255) PRIMARY KEY, userId int NOT NULL, expires datetime(3) NOT NULL);
INSERT INTO users (name, active) VALUES ('ada', true), ('bob', false)";

fn in_hours(hours: i64) -> Timestamp {
    let time = Timestamp::now() + SignedDuration::from_hours(hours);
    Timestamp::from_millisecond(time.as_millisecond()).unwrap()
}

fn token(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

async fn lives(url: &StoreUrl) {
    let users = UsersWanted::default();
    let manager = Manager::open(url, &Options::default(), Pooling::default(), Some(&users)).await.unwrap();
    let new = |name: &str, user: &str, expires| NewSession {
        token: token(name),
        user: Some(user.to_owned()),
        expires,
        payload: None,
    };
    let ends = in_hours(2);
    for (name, user, expires) in [
        ("a", "1", ends),
        ("b", "1", in_hours(1)),
        ("c", "1", in_hours(-1)),
        ("d", "2", ends),
        ("e", "7", ends),
    ] {
        manager.create(&new(name, user, expires)).await.unwrap();
    }
    let (Found::Session(session), Some(account)) = manager.get_with_user(&token("a")).await.unwrap() else {
        panic!("the session and its user are there")
    };
    assert_eq!((session.user.as_deref(), session.expires), (Some("1"), Some(ends)));
    assert!(account.enabled && account.about == ["name: ada"]);
    let (_, bob) = manager.get_with_user(&token("d")).await.unwrap();
    assert!(!bob.unwrap().enabled);
    assert!(manager.get_with_user(&token("e")).await.unwrap().1.is_none(), "an orphan");
    assert!(matches!(manager.get(&token("' OR '1'='1")).await.unwrap(), Found::Nothing));
    assert!(matches!(manager.get(&token("nul\0")).await, Ok(Found::Nothing) | Err(Error::Database { .. })));

    assert_eq!(manager.count_by_user("1").await.unwrap(), 2);
    assert_eq!(manager.count_by_user("1 OR 1=1").await.unwrap(), 0);
    let active = manager.active_by_user("1").await.unwrap();
    assert_eq!(active.iter().map(|session| &session.token).collect::<Vec<_>>(), [&token("b"), &token("a")]);
    assert!(
        manager.update(&token("c"), ends).await.unwrap() && !manager.update(&token("x"), ends).await.unwrap()
    );
    let Found::Session(session) = manager.get(&token("c")).await.unwrap() else { panic!("c is there") };
    assert_eq!(session.expires, Some(ends));
    assert!(manager.delete(&token("b")).await.unwrap() && !manager.delete(&token("b")).await.unwrap());
    assert!(manager.update(&token("d"), in_hours(-3)).await.unwrap());

    let dir = tempfile::tempdir().unwrap();
    let key = BackupKey::load_or_create(&dir.path().join("key")).unwrap();
    let (created, expires) = (Timestamp::now(), in_hours(24));
    let spec = BackupSpec { dir: dir.path(), key: &key, incident: "", created, expires, owner: None };
    let report = Box::pin(manager.delete_by_user("1", &spec)).await.unwrap();
    assert_eq!((report.deleted, report.backed_up, report.selected_after), (2, 2, 0));
    assert_eq!(manager.count_by_user("1").await.unwrap(), 0);
    assert!(matches!(manager.get(&token("e")).await.unwrap(), Found::Session(_)));
}

#[test]
fn a_session_lives_and_ends_on_postgresql() {
    let url = database(POSTGRES).parse().unwrap();
    wait(lives(&url));
}

#[test]
fn a_session_lives_and_ends_on_mariadb_and_its_end_in_another_zone_is_refused() {
    wait(async {
        let database = Maria::with(MARIADB).await;
        let url: StoreUrl = database.url.parse().unwrap();
        Box::pin(lives(&url)).await;
        let manager = Manager::open(&url, &Options::default(), Pooling::default(), None).await.unwrap();
        // The collation takes one for the other, and whoever asks is not to be given somebody else's session.
        assert!(matches!(manager.get(&token("E")).await.unwrap(), Found::Nothing));
        assert!(matches!(manager.get(&token("e")).await.unwrap(), Found::Session(_)));
        let elsewhere = Options { zone: Some("Europe/Berlin".to_owned()), ..Options::default() };
        let refused = Manager::open(&url, &elsewhere, Pooling::default(), None).await.unwrap_err();
        assert!(refused.to_string().contains("Europe/Berlin"), "{refused}");
    });
}

#[test]
fn a_session_lives_and_ends_in_a_sqlite_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db").display().to_string();
    wait(async {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{path}?mode=rwc")).await.unwrap();
        sqlx::raw_sql(SQLITE).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Box::pin(lives(&format!("sqlite:{path}").parse().unwrap())).await;
    });
}

#[test]
fn a_session_lives_and_ends_in_redis_and_is_not_found_by_its_user() {
    let url: StoreUrl = format!("{}/9", service("UNLEAK_TEST_REDIS")).parse().unwrap();
    let options = Options {
        table: Some(format!("manager-{}:sess:", std::process::id())),
        dialect: Some("connect-redis".to_owned()),
        ..Options::default()
    };
    wait(async {
        let manager = Manager::open(&url, &options, Pooling::default(), None).await.unwrap();
        let payload = Some(token(r#"{"cookie":{},"passport":{"user":"ada"}}"#));
        let new = NewSession { token: token("a"), user: None, expires: in_hours(1), payload };
        manager.create(&new).await.unwrap();
        assert!(matches!(manager.create(&new).await, Err(Error::Unsupported { .. })), "not a second one");
        let Found::Session(session) = manager.get(&token("a")).await.unwrap() else { panic!("it is there") };
        assert_eq!(session.user.as_deref(), Some("ada"));
        assert!(
            session.is_active() && session.expires.unwrap() <= in_hours(1) + SignedDuration::from_secs(1)
        );
        assert!(matches!(manager.count_by_user("ada").await, Err(Error::Unsupported { .. })));
        assert!(manager.update(&token("a"), in_hours(3)).await.unwrap());
        let Found::Session(session) = manager.get(&token("a")).await.unwrap() else { panic!("it is there") };
        assert!(session.expires.unwrap() > in_hours(2));
        assert!(manager.delete(&token("a")).await.unwrap());
        assert!(matches!(manager.get(&token("a")).await.unwrap(), Found::Nothing));
    });
}
