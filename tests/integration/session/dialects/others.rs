//! The tables of frameworks for other languages, as they are documented: the same on each database, in its own types.

use super::{COLUMNS, Form, LITE, MY, PG, uuid};
use unleak::session::StoreKind;

/// The frameworks of other languages: the same table on each database, in its own types.
#[expect(clippy::too_many_lines, reason = "a table of tables")]
pub(super) fn forms() -> Vec<Form> {
    // A form, its tables on PostgreSQL, MariaDB and SQLite, and how it differs from the usual.
    let every = |form: fn() -> Form, ddl: [&'static str; 3]| {
        [PG, MY, LITE]
            .into_iter()
            .zip(ddl)
            .map(move |(kind, ddl)| Form { kind, ddl, ..form() })
            .collect::<Vec<_>>()
    };
    [
        every(
            || Form {
                dialect: "auth-sessions",
                table: "auth_sessions",
                columns: "id, user_id, family_id, expires_at",
                values: |row| format!("'{0}', '{1}', '{0}', {2}", row.uuid(), uuid(row.user), row.time()),
                ..COLUMNS
            },
            [
                "CREATE TABLE users (id uuid PRIMARY KEY, name text); INSERT INTO users VALUES ('00000000-0000-4000-8000-000000000001', 'ada'),
                 ('00000000-0000-4000-8000-000000000002', 'bruno'); CREATE TABLE auth_sessions (id uuid PRIMARY KEY, user_id uuid, family_id uuid,
                 expires_at timestamptz)",
                "CREATE TABLE users (id char(36) PRIMARY KEY, name text); INSERT INTO users VALUES ('00000000-0000-4000-8000-000000000001', 'ada'),
                 ('00000000-0000-4000-8000-000000000002', 'bruno'); CREATE TABLE auth_sessions (id char(36) PRIMARY KEY, user_id char(36), family_id char(36),
                 expires_at datetime(6))",
                "CREATE TABLE users (id text PRIMARY KEY, name text); INSERT INTO users VALUES ('00000000-0000-4000-8000-000000000001', 'ada'),
                 ('00000000-0000-4000-8000-000000000002', 'bruno'); CREATE TABLE auth_sessions (id text PRIMARY KEY, user_id text, family_id text, expires_at text)",
            ],
        ),
        every(
            || Form {
                dialect: "django",
                table: "django_session",
                columns: "session_key, session_data, expire_date",
                values: |row| format!("'tok-{}', '.eJx', {}", row.n, row.time()),
                tells: (false, true, false),
                ..COLUMNS
            },
            [
                r#"CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL,
                   "expire_date" timestamp with time zone NOT NULL); CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")"#,
                "CREATE TABLE `django_session` (`session_key` varchar(40) NOT NULL PRIMARY KEY, `session_data` longtext NOT NULL, `expire_date` datetime(6) NOT NULL)",
                r#"CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL)"#,
            ],
        ),
        every(
            || Form {
                dialect: "laravel",
                table: "sessions",
                columns: "id, user_id, ip_address, user_agent, payload, last_activity",
                values: |row| format!("'tok-{}', {}, '10.0.0.1', 'x', 'YTow', {}", row.n, row.user, row.seconds()),
                lifetime: Some(120),
                ..COLUMNS
            },
            [
                concat!(users!("CREATE TABLE users (id bigint PRIMARY KEY, name text)", "users"),
                r#"create table "sessions" ("id" varchar(255) not null, "user_id" bigint null, "ip_address" varchar(45) null, "user_agent" text null,
                   "payload" text not null, "last_activity" integer not null); alter table "sessions" add primary key ("id")"#),
                concat!(users!("CREATE TABLE users (id bigint unsigned PRIMARY KEY, name text)", "users"),
                "create table `sessions` (`id` varchar(255) not null, `user_id` bigint unsigned null, `ip_address` varchar(45) null, `user_agent` text null,
                 `payload` longtext not null, `last_activity` int not null, primary key (`id`))"),
                concat!(users!("CREATE TABLE users (id integer PRIMARY KEY, name text)", "users"),
                r#"create table "sessions" ("id" varchar not null, "user_id" integer, "ip_address" varchar, "user_agent" text, "payload" text not null,
                   "last_activity" integer not null, primary key ("id"))"#),
            ],
        ),
        every(
            || Form {
                dialect: "spring-session",
                table: "SPRING_SESSION",
                columns: "PRIMARY_ID, SESSION_ID, CREATION_TIME, LAST_ACCESS_TIME, MAX_INACTIVE_INTERVAL, EXPIRY_TIME, PRINCIPAL_NAME",
                values: |row| {
                    format!("'{0}', '{1}', 1767225600000, 1767225600000, 1800, {2}000, '{3}'", row.uuid(), uuid(row.n + 100), row.seconds(), row.user)
                },
                ..COLUMNS
            },
            [
                "CREATE TABLE users (id varchar(50) PRIMARY KEY, name text); INSERT INTO users VALUES ('1', 'ada'), ('2', 'bruno');
                 CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) NOT NULL, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL, LAST_ACCESS_TIME BIGINT NOT NULL,
                 MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID));
                 CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)",
                "CREATE TABLE users (id varchar(50) PRIMARY KEY, name text); INSERT INTO users VALUES ('1', 'ada'), ('2', 'bruno');
                 CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) NOT NULL, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL, LAST_ACCESS_TIME BIGINT NOT NULL,
                 MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID))
                 ENGINE=InnoDB ROW_FORMAT=DYNAMIC; CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)",
                "CREATE TABLE users (id varchar(50) PRIMARY KEY, name text); INSERT INTO users VALUES ('1', 'ada'), ('2', 'bruno');
                 CREATE TABLE SPRING_SESSION (PRIMARY_ID CHARACTER(36) NOT NULL, SESSION_ID CHARACTER(36) NOT NULL, CREATION_TIME BIGINT NOT NULL,
                 LAST_ACCESS_TIME BIGINT NOT NULL, MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100),
                 CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID)); CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)",
            ],
        ),
        every(
            || Form {
                dialect: "flask-session",
                table: "sessions",
                columns: "session_id, data, expiry",
                values: |row| format!("'session:tok-{}', '', {}", row.n, row.time()),
                tells: (false, true, false),
                ..COLUMNS
            },
            [
                "CREATE TABLE sessions (id SERIAL NOT NULL, session_id VARCHAR(255), data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id), UNIQUE (session_id))",
                "CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
                "CREATE TABLE sessions (id INTEGER NOT NULL, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
            ],
        ),
        every(
            || Form {
                dialect: "tower-sessions",
                table: "session",
                columns: "id, data, expiry_date",
                values: |row| format!("'tok-{}', '', {}", row.n, row.time()),
                tells: (false, true, false),
                ..COLUMNS
            },
            [
                r"create table session (id text primary key not null, data bytea not null, expiry_date timestamptz not null)",
                "create table if not exists `session` (id char(22) primary key not null, data blob not null, expiry_date timestamp(6) not null)",
                "create table if not exists session (id text primary key not null, data blob not null, expiry_date integer not null)",
            ],
        )
        .into_iter()
        // Its store for SQLite writes Unix seconds.
        .map(|form| match form.kind {
            StoreKind::Sqlite => Form { values: |row| format!("'tok-{}', x'', {}", row.n, row.seconds()), ..form },
            _ => form,
        })
        .collect(),
        every(
            || Form {
                dialect: "rails",
                table: "sessions",
                columns: "session_id, data, created_at, updated_at",
                values: |row| format!("'2::{}', 'BAh7', {1}, {1}", row.n, row.time()),
                tells: (false, false, false),
                ..COLUMNS
            },
            [
                r#"CREATE TABLE "sessions" ("id" bigserial primary key, "session_id" character varying NOT NULL, "data" text, "created_at" timestamp(6) NOT NULL,
                   "updated_at" timestamp(6) NOT NULL); CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id")"#,
                "CREATE TABLE `sessions` (`id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, `session_id` varchar(255) NOT NULL, `data` text, `created_at` datetime(6) NOT NULL,
                 `updated_at` datetime(6) NOT NULL); CREATE UNIQUE INDEX `index_sessions_on_session_id` ON `sessions` (`session_id`)",
                r#"CREATE TABLE "sessions" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "session_id" varchar NOT NULL, "data" text, "created_at" datetime(6) NOT NULL,
                   "updated_at" datetime(6) NOT NULL); CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id")"#,
            ],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
