//! The tables of frameworks for Node.js, as they are documented: stores of express-session, Auth.js, better-auth.

use super::{COLUMNS, Form, LITE, MY, PG, Row};

/// The columns that only Drizzle's tables have in this spelling.
pub(super) const DRIZZLE: &str = r#""sessionToken", "userId", expires"#;

/// Sessions whose payload is JSON with the user in it, as express-session writes them.
pub(super) fn payload(row: &Row) -> String {
    format!(r#"'{{"cookie":{{"path":"/"}},"passport":{{"user":{}}}}}'"#, row.user)
}

#[expect(clippy::too_many_lines, reason = "a table of tables")]
pub(super) fn forms() -> Vec<Form> {
    let express = |kind, dialect, ddl, columns, values| Form {
        dialect,
        kind,
        ddl,
        table: if kind == PG { "session" } else { "sessions" },
        columns,
        values,
        user_path: Some("passport.user"),
        ..COLUMNS
    };
    let mut forms = vec![
        express(
            PG,
            "connect-pg-simple",
            concat!(
                users!("CREATE TABLE users (id integer PRIMARY KEY, name text)", "users"),
                r#"CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default", "sess" json NOT NULL, "expire" timestamp(6) NOT NULL)
                   WITH (OIDS=FALSE); ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("sid") NOT DEFERRABLE INITIALLY IMMEDIATE;
                   CREATE INDEX "IDX_session_expire" ON "session" ("expire")"#
            ),
            "sid, sess, expire",
            |row| format!("'tok-{}', {}, {}", row.n, payload(row), row.time()),
        ),
        express(
            MY,
            "express-mysql-session",
            concat!(
                users!("CREATE TABLE users (id integer PRIMARY KEY, name varchar(99))", "users"),
                "CREATE TABLE IF NOT EXISTS `sessions` (`session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL, `expires` int(11) unsigned NOT NULL,
                 `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB"
            ),
            "session_id, expires, data",
            |row| format!("'tok-{}', {}, {}", row.n, row.seconds(), payload(row)),
        ),
        express(
            LITE,
            "connect-sqlite3",
            concat!(
                users!("CREATE TABLE users (id integer PRIMARY KEY, name text)", "users"),
                "CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)"
            ),
            "sid, expired, sess",
            |row| format!("'tok-{}', {}000, {}", row.n, row.seconds(), payload(row)),
        ),
        express(
            LITE,
            "better-sqlite3-session-store",
            concat!(
                users!("CREATE TABLE users (id integer PRIMARY KEY, name text)", "users"),
                "CREATE TABLE IF NOT EXISTS sessions (sid TEXT NOT NULL PRIMARY KEY, sess JSON NOT NULL, expire TEXT NOT NULL)"
            ),
            "sid, sess, expire",
            |row| {
                let year = if row.live { 2037 } else { 2001 };
                format!("'tok-{}', {}, '{year}-01-01T00:00:00.000Z'", row.n, payload(row))
            },
        ),
        // Auth.js: its adapter for pg, Prisma of both versions, Drizzle, and the table of a hand-written manager.
        Form {
            dialect: "authjs",
            ddl: r#"CREATE TABLE users (id SERIAL, name VARCHAR(255), PRIMARY KEY (id)); INSERT INTO users (name) VALUES ('ada'), ('bruno');
                CREATE TABLE sessions (id SERIAL, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL,
                PRIMARY KEY (id))"#,
            table: "sessions",
            columns: r#""userId", expires, "sessionToken""#,
            values: |row| format!("{}, {}, 'tok-{}'", row.user, row.time(), row.n),
            twins: true,
            ..COLUMNS
        },
        Form {
            dialect: "authjs",
            ddl: r#"CREATE TABLE "user" (id SERIAL PRIMARY KEY, name text); INSERT INTO "user" (name) VALUES ('ada'), ('bruno');
                CREATE TABLE session (id SERIAL PRIMARY KEY, sessionToken VARCHAR(1024) UNIQUE NOT NULL, userId INTEGER NOT NULL,
                expires TIMESTAMP NOT NULL)"#,
            table: "session",
            columns: "sessiontoken, userid, expires",
            values: |row| format!("'tok-{}', {}, {}", row.n, row.user, row.time()),
            ..COLUMNS
        },
    ];
    let prisma = |kind, ddl, columns, values| Form {
        dialect: "authjs",
        kind,
        ddl,
        table: "\"Session\"",
        columns,
        values,
        ..COLUMNS
    };
    let in_millis = |row: &Row| format!("'tok-{}', '{}', {}000", row.n, row.user, row.seconds());
    let by_id = |row: &Row| format!("'i{0}', 'tok-{0}', '{1}', {2}", row.n, row.user, row.time());
    let without = |row: &Row| format!("'tok-{}', '{}', {}", row.n, row.user, row.time());
    forms.extend([
        prisma(
            PG,
            r#"CREATE TABLE "User" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT); INSERT INTO "User" VALUES ('1', 'ada'), ('2', 'bruno');
               CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" TIMESTAMP(3) NOT NULL,
               "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP);
               CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")"#,
            r#""sessionToken", "userId", "expires""#,
            without,
        ),
        prisma(
            PG,
            r#"CREATE TABLE "User" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT); INSERT INTO "User" VALUES ('1', 'ada'), ('2', 'bruno');
               CREATE TABLE "Session" ("id" TEXT NOT NULL, "sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" TIMESTAMP(3) NOT NULL,
               CONSTRAINT "Session_pkey" PRIMARY KEY ("id")); CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")"#,
            r#"id, "sessionToken", "userId", expires"#,
            by_id,
        ),
        prisma(
            MY,
            "CREATE TABLE `User` (`id` VARCHAR(191) NOT NULL PRIMARY KEY, `name` VARCHAR(191)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; INSERT INTO `User` VALUES ('1', 'ada'), ('2', 'bruno');
             CREATE TABLE `Session` (`sessionToken` VARCHAR(191) NOT NULL, `userId` VARCHAR(191) NOT NULL, `expires` DATETIME(3) NOT NULL,
             UNIQUE INDEX `Session_sessionToken_key`(`sessionToken`)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            r#""sessionToken", "userId", "expires""#,
            without,
        ),
        prisma(
            MY,
            "CREATE TABLE `User` (`id` VARCHAR(191) NOT NULL PRIMARY KEY, `name` VARCHAR(191)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; INSERT INTO `User` VALUES ('1', 'ada'), ('2', 'bruno');
             CREATE TABLE `Session` (`id` VARCHAR(191) NOT NULL, `sessionToken` VARCHAR(191) NOT NULL, `userId` VARCHAR(191) NOT NULL,
             `expires` DATETIME(3) NOT NULL, UNIQUE INDEX `Session_sessionToken_key`(`sessionToken`), PRIMARY KEY (`id`))
             DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            r#"id, "sessionToken", "userId", expires"#,
            by_id,
        ),
        // Prisma writes times into SQLite as numbers.
        prisma(
            LITE,
            r#"CREATE TABLE "User" ("id" TEXT NOT NULL PRIMARY KEY, "name" TEXT); INSERT INTO "User" VALUES ('1', 'ada'), ('2', 'bruno');
               CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" DATETIME NOT NULL);
               CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")"#,
            r#""sessionToken", "userId", "expires""#,
            in_millis,
        ),
    ]);
    let drizzle = |kind, ddl, values| Form {
        dialect: "authjs",
        kind,
        ddl,
        table: "session",
        columns: DRIZZLE,
        values,
        ..COLUMNS
    };
    forms.extend([
        drizzle(
            PG,
            r#"CREATE TABLE "user" ("id" text PRIMARY KEY NOT NULL, "name" text); INSERT INTO "user" VALUES ('1', 'ada'), ('2', 'bruno');
               CREATE TABLE "session" ("sessionToken" text PRIMARY KEY NOT NULL, "userId" text NOT NULL, "expires" timestamp NOT NULL)"#,
            without,
        ),
        drizzle(
            MY,
            "CREATE TABLE `user` (`id` varchar(255) NOT NULL PRIMARY KEY, `name` varchar(255)); INSERT INTO `user` VALUES ('1', 'ada'), ('2', 'bruno');
             CREATE TABLE `session` (`sessionToken` varchar(255) NOT NULL, `userId` varchar(255) NOT NULL, `expires` timestamp NOT NULL,
             CONSTRAINT `session_sessionToken` PRIMARY KEY(`sessionToken`))",
            without,
        ),
        drizzle(
            LITE,
            "CREATE TABLE `user` (`id` text PRIMARY KEY NOT NULL, `name` text); INSERT INTO `user` VALUES ('1', 'ada'), ('2', 'bruno');
             CREATE TABLE `session` (`sessionToken` text PRIMARY KEY NOT NULL, `userId` text NOT NULL, `expires` integer NOT NULL)",
            in_millis,
        ),
    ]);
    let better_auth = |kind, ddl, values| Form {
        dialect: "better-auth",
        kind,
        ddl,
        table: "session",
        columns: r#"id, "expiresAt", token, "createdAt", "updatedAt", "ipAddress", "userAgent", "userId""#,
        values,
        ..COLUMNS
    };
    let by_time = |row: &Row| {
        let (n, time, user) = (row.n, row.time(), row.user);
        format!(
            "'i{n}', {time}, 'tok-{n}', '2026-01-01 00:00:00', '2026-01-01 00:00:00', '10.0.0.1', 'x', '{user}'"
        )
    };
    let by_text = |row: &Row| {
        let (n, user, year) = (row.n, row.user, if row.live { 2037 } else { 2001 });
        format!(
            "'i{n}', '{year}-01-01T00:00:00.000Z', 'tok-{n}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '10.0.0.1', 'x', '{user}'"
        )
    };
    forms.extend([
        better_auth(
            PG,
            r#"create table "user" ("id" text not null primary key, "name" text not null); INSERT INTO "user" VALUES ('1', 'ada'), ('2', 'bruno');
               create table "session" ("id" text not null primary key, "expiresAt" timestamptz not null, "token" text not null unique,
               "createdAt" timestamptz default CURRENT_TIMESTAMP not null, "updatedAt" timestamptz not null, "ipAddress" text, "userAgent" text,
               "userId" text not null); create index "session_userId_idx" on "session" ("userId")"#,
            by_time,
        ),
        better_auth(
            MY,
            "create table `user` (`id` varchar(36) not null primary key, `name` varchar(255) not null); INSERT INTO `user` VALUES ('1', 'ada'), ('2', 'bruno');
             create table `session` (`id` varchar(36) not null primary key, `expiresAt` timestamp(3) not null default '2030-01-01', `token` varchar(255) not null unique,
             `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) not null default '2030-01-01', `ipAddress` text, `userAgent` text,
             `userId` varchar(36) not null)",
            by_time,
        ),
        better_auth(
            LITE,
            r#"create table "user" ("id" text not null primary key, "name" text not null); INSERT INTO "user" VALUES ('1', 'ada'), ('2', 'bruno');
               create table "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique,
               "createdAt" date not null, "updatedAt" date not null, "ipAddress" text, "userAgent" text, "userId" text not null)"#,
            by_text,
        ),
    ]);
    forms
}
