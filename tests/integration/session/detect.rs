//! Every framework's DDL is found, hostile names are harmless, and what is no session table is said to be none.

use super::fixture::{CONNECT_PG_SIMPLE, Database};
use unleak::session::{Error, Options, StoreClass};

const FUTURE: &str = "now() + interval '1 day'";

#[tokio::test]
async fn the_documented_tables_of_the_frameworks_are_found() {
    let authjs_pg = r#"CREATE TABLE sessions (id SERIAL, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL,
        "sessionToken" VARCHAR(255) NOT NULL, PRIMARY KEY (id));
        INSERT INTO sessions ("userId", expires, "sessionToken") VALUES (1, now() - interval '1 h', 'x')"#;
    let prisma_v4 = r#"CREATE TABLE "Session" ("id" TEXT PRIMARY KEY, "sessionToken" TEXT NOT NULL UNIQUE,
        "userId" TEXT NOT NULL, "expires" TIMESTAMP(3) NOT NULL); INSERT INTO "Session" VALUES ('i', 'x', '1', 'epoch')"#;
    let prisma_v5 = r#"CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL UNIQUE, "userId" TEXT NOT NULL,
        "expires" TIMESTAMP(3) NOT NULL, "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
        INSERT INTO "Session" VALUES ('x', '1', 'epoch')"#;
    let drizzle = r#"CREATE TABLE session ("sessionToken" text PRIMARY KEY, "userId" text NOT NULL, expires timestamp NOT NULL);
        INSERT INTO session VALUES ('x', '1', 'epoch')"#;
    let folded = r#"CREATE TABLE "user" (id serial PRIMARY KEY); INSERT INTO "user" DEFAULT VALUES; CREATE TABLE session (id SERIAL
        PRIMARY KEY, sessionToken VARCHAR(1024) UNIQUE NOT NULL, userId INTEGER NOT NULL REFERENCES "user"(id) ON DELETE CASCADE,
        expires TIMESTAMP NOT NULL); INSERT INTO session VALUES (1, 'x', 1, 'epoch')"#;
    let snake = "CREATE TABLE sessions (session_token text, user_id int, expires timestamptz);
        INSERT INTO sessions VALUES ('x', 1, 'epoch')";
    let pg_simple = format!("{CONNECT_PG_SIMPLE}; INSERT INTO session VALUES ('x', '{{}}', 'epoch')");
    for (ddl, dialect, class) in [
        (pg_simple.as_str(), "connect-pg-simple", StoreClass::A),
        (authjs_pg, "authjs", StoreClass::B),
        (prisma_v4, "authjs", StoreClass::B),
        (prisma_v5, "authjs", StoreClass::B),
        (drizzle, "authjs", StoreClass::B),
        (folded, "authjs", StoreClass::B),
        (snake, "authjs", StoreClass::B),
        (
            r#"CREATE TABLE session (id text PRIMARY KEY, "expiresAt" timestamp NOT NULL, token text UNIQUE, "ipAddress" text, "userId" text);
            INSERT INTO session VALUES ('1', 'epoch', 't', '', 'u')"#,
            "better-auth",
            StoreClass::A,
        ),
        (
            "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text, expire_date timestamptz);
            INSERT INTO django_session VALUES ('k', '', 'epoch')",
            "django",
            StoreClass::C,
        ),
        (
            "CREATE TABLE sessions (id varchar(255) PRIMARY KEY, user_id bigint, ip_address varchar(45), user_agent text, payload text,
            last_activity integer); INSERT INTO sessions VALUES ('k', 1, '', '', '', extract(epoch FROM now()) - 7300)",
            "laravel",
            StoreClass::C,
        ),
        (
            "CREATE TABLE SPRING_SESSION (PRIMARY_ID char(36) PRIMARY KEY, SESSION_ID char(36), EXPIRY_TIME bigint, PRINCIPAL_NAME text);
            INSERT INTO SPRING_SESSION VALUES ('1', 'k', 1000000000000, 'u')",
            "spring-session",
            StoreClass::B,
        ),
        (
            "CREATE TABLE sessions (id int PRIMARY KEY, session_id varchar(255), data bytea, expiry timestamp);
            INSERT INTO sessions VALUES (1, 'session:k', '', 'epoch')",
            "flask-session",
            StoreClass::B,
        ),
        (
            "CREATE SCHEMA tower_sessions; CREATE TABLE tower_sessions.session (id text PRIMARY KEY, data bytea, expiry_date timestamptz);
            INSERT INTO tower_sessions.session VALUES ('k', '', 'epoch')",
            "tower-sessions",
            StoreClass::B,
        ),
        (
            "CREATE TABLE auth_sessions (id uuid PRIMARY KEY, user_id uuid, family_id uuid, expires_at timestamptz, ip inet);
            INSERT INTO auth_sessions VALUES (gen_random_uuid(), NULL, NULL, 'epoch', NULL)",
            "auth-sessions",
            StoreClass::A,
        ),
    ] {
        let database = Database::with(ddl).await;
        let summary = database.open().await.expect(ddl).describe().await.unwrap();
        assert_eq!((summary.dialect, summary.class), (dialect, class), "{ddl}");
        assert_eq!((summary.counts.total, summary.counts.active, summary.counts.expired), (1, 0, 1), "{ddl}");
    }
}

/// Rails ends no session, so the oldest counts as active; and a number may say that a session never ends.
#[tokio::test]
async fn a_session_without_an_end_is_active() {
    let rails = "CREATE TABLE sessions (id bigint, session_id text, data text, created_at timestamp, updated_at timestamp);
        INSERT INTO sessions VALUES (1, 'k', '', 'epoch', 'epoch')";
    let spring = "CREATE TABLE spring_session (primary_id text, session_id text, expiry_time bigint, principal_name text);
        INSERT INTO spring_session VALUES ('1', 'k', 9223372036854775807, NULL)";
    for (ddl, dialect) in [(rails, "rails"), (spring, "spring-session")] {
        let summary = Database::with(ddl).await.open().await.expect(ddl).describe().await.unwrap();
        assert_eq!((summary.dialect, summary.counts.active, summary.counts.expired), (dialect, 1, 0));
    }
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let ddl = format!(
        r#"CREATE TABLE victim (x int); CREATE SCHEMA "s.""x"; CREATE TABLE "s.""x"."a""; DROP TABLE victim; --"
        ("S_I_D" text, "sess" json, "expire" timestamp, "ev""il; --" int);
        INSERT INTO "s.""x"."a""; DROP TABLE victim; --" VALUES ('x', '{{}}', {FUTURE}, 7)"#
    );
    let database = Database::with(&ddl).await;
    let (dir, key) = (tempfile::tempdir().unwrap(), unleak::session::BackupKey::generate().unwrap());
    let mut store = database.open().await.unwrap();
    let purged = store.purge(&super::fixture::spec(dir.path(), &key)).await.unwrap();
    assert_eq!((purged.deleted, purged.after.total), (1, 0));
    let path = purged.backup.unwrap().path;
    assert_eq!(store.restore(&path, &key).await.unwrap().after.total, 1);
    assert_eq!(database.texts("SELECT count(*)::text FROM victim").await, ["0"]);
    for asked in ["session\"; DROP TABLE victim; --", "a; DROP TABLE victim"] {
        let options = Options { table: Some(asked.to_owned()), ..Options::default() };
        assert!(matches!(database.open_with(&options).await, Err(Error::NoSuchTable { .. })));
    }
    assert_eq!(database.texts("SELECT count(*)::text FROM victim").await, ["0"]);
}

#[tokio::test]
async fn several_candidates_are_listed_and_one_can_be_named() {
    let database = Database::with(CONNECT_PG_SIMPLE).await;
    // A backup made by hand has the same columns, and is the classic way to delete from the wrong table.
    database.run("CREATE SCHEMA old; CREATE TABLE old.session AS SELECT * FROM session").await;
    let error = database.open().await.unwrap_err();
    assert!(error.to_string().contains("old.session (connect-pg-simple), public.session"), "{error}");
    assert!(error.hint().unwrap().contains("--table"));
    for (asked, found) in [
        ("session", "public.session"), // as the search path resolves it
        ("old.session", "old.session"),
        (r#""old"."session""#, "old.session"),
    ] {
        let options = Options { table: Some(asked.to_owned()), ..Options::default() };
        let summary = database.open_with(&options).await.unwrap().describe().await.unwrap();
        assert_eq!(summary.table.to_string(), found);
    }
}

#[tokio::test]
async fn what_is_no_session_table_is_said_with_what_there_is() {
    let database =
        Database::with("CREATE TABLE orders (id int); CREATE TABLE t (sid text, sess json, expire bigint)")
            .await;
    let error = database.open().await.unwrap_err();
    assert!(error.to_string().contains("public.orders, public.t"), "{error}");
    assert!(error.hint().unwrap().contains("--dialect"));
    let named = |table: &str, dialect: &str| Options {
        table: Some(table.to_owned()),
        dialect: Some(dialect.to_owned()),
        ..Options::default()
    };
    let error = database.open_with(&named("orders", "authjs")).await.unwrap_err();
    assert!(error.to_string().contains("no column sessiontoken"), "{error}");
    let error = database.open_with(&named("t", "connect-pg-simple")).await.unwrap_err();
    assert!(error.to_string().contains("expire is no timestamp"), "{error}");
    let error = database.open_with(&named("t", "connect-sqlite3")).await.unwrap_err();
    assert!(
        error.to_string().contains("no dialect for PostgreSQL; the dialects are connect-pg-simple, authjs"),
        "{error}"
    );
    assert!(Database::new().await.open().await.unwrap_err().to_string().contains("it has no tables"));
}

#[tokio::test]
async fn only_plain_tables_are_purged() {
    let columns = "(sid text, sess json, expire timestamp)";
    for (ddl, what) in [
        (format!("CREATE TABLE p {columns}; CREATE TABLE c () INHERITS (p)"), "table with inheritance"),
        (
            "CREATE VIEW v AS SELECT 'x'::text sid, '{}'::json sess, now()::timestamp expire".to_owned(),
            "view",
        ),
    ] {
        let database = Database::with(&ddl).await;
        let error = match database.open().await {
            // Both sides of an inheritance look alike.
            Err(Error::Ambiguous { .. }) => {
                let options = Options { table: Some("p".to_owned()), ..Options::default() };
                database.open_with(&options).await.unwrap_err()
            }
            result => result.unwrap_err(),
        };
        assert!(error.to_string().contains(what), "{error}");
    }
    // A view over the table is no second candidate.
    let database =
        Database::with(&format!("{CONNECT_PG_SIMPLE}; CREATE VIEW live AS SELECT * FROM session")).await;
    assert_eq!(database.open().await.unwrap().describe().await.unwrap().table.to_string(), "public.session");
}

#[tokio::test]
async fn what_would_make_a_purge_incomplete_is_refused_before_anything_changes() {
    let database = Database::with(&format!("{CONNECT_PG_SIMPLE}; {}", super::fixture::rows(0, 5))).await;
    let before = database.dump().await;
    let role = format!("reader_{}", std::process::id());
    let word = format!("w{}", std::process::id());
    database
        .run(&format!("CREATE ROLE {role} LOGIN PASSWORD '{word}'; GRANT SELECT ON session TO {role}"))
        .await;
    let url = database.url_as(&role, &word);
    let mut store = unleak::session::Store::connect(&url, &Options::default()).await.unwrap();
    let error = store.preflight().await.unwrap_err();
    assert!(error.to_string().ends_with("lacks DELETE on public.session"), "{error}");
    assert!(error.hint().unwrap().starts_with("GRANT DELETE"));

    database
        .run(&format!("GRANT DELETE ON session TO {role}; ALTER TABLE session ENABLE ROW LEVEL SECURITY"))
        .await;
    assert!(matches!(store.preflight().await.unwrap_err(), Error::RowSecurity { .. }));
    database.run("ALTER TABLE session DISABLE ROW LEVEL SECURITY").await;
    database.run("CREATE TABLE device (sid text REFERENCES session ON DELETE CASCADE)").await;
    let error = store.preflight().await.unwrap_err();
    assert!(error.to_string().contains("would also change device"), "{error}");
    database.run("DROP TABLE device").await;
    drop(store);
    database.run(&format!("ALTER ROLE {role} SET default_transaction_read_only = on")).await;
    let mut store = unleak::session::Store::connect(&url, &Options::default()).await.unwrap();
    assert!(matches!(store.preflight().await.unwrap_err(), Error::ReadOnly { .. }));
    drop(store);
    assert_eq!(database.dump().await, before);
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
