//! What stands in the way is said with what to do about it, and nothing is changed.

use super::table::{BASE, Table};

#[tokio::test]
async fn what_stands_in_the_way_is_said_and_nothing_is_changed() {
    let alter = |what: &str| format!("{BASE}; ALTER TABLE auth_sessions {what}");
    let audit = |columns: &str| format!("{BASE}; CREATE TABLE auth_audit_log ({columns})");
    for (sql, expected) in [
        (alter("ADD COLUMN current_jti text"), "the column current_jti: it is of type text; it must be uuid"),
        (alter("ADD COLUMN device_hash varchar(32)"), "it is of type character varying(32)"),
        (alter("ADD COLUMN last_ip_cidr inet"), "it is of type inet; it must be cidr"),
        (alter("ADD COLUMN auth_time timestamp"), "it must be timestamp with time zone"),
        (alter("ALTER COLUMN family_id TYPE text"), "the column family_id: it is of type text"),
        (alter("DROP CONSTRAINT auth_sessions_pkey CASCADE"), "no primary key of one column"),
        (alter("DROP COLUMN expires_at"), "has no column expires_at"),
        (
            alter("ALTER COLUMN expires_at TYPE text"),
            "the column expires_at is of type text, not a timestamp",
        ),
        (alter("RENAME user_id TO account"), "has no column user_id"),
        (audit("what text"), "auth_audit_log has no column action"),
        (audit("action varchar(10)"), "cannot hold the names of events"),
        (
            audit("action text, severity int NOT NULL, actor text NOT NULL"),
            "nothing is known for: severity, actor",
        ),
        (
            format!("{BASE}; CREATE VIEW auth_audit_log AS SELECT 'x'::text AS action"),
            "something that is no table",
        ),
        (
            format!(
                "{BASE}; CREATE FUNCTION cleanup_expired_sessions() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
            ),
            "DROP ROUTINE public.cleanup_expired_sessions()",
        ),
        (
            format!("{BASE}; GRANT CREATE ON SCHEMA public TO PUBLIC"),
            "REVOKE CREATE ON SCHEMA \"public\" FROM PUBLIC",
        ),
        (
            format!("{BASE}; CREATE TABLE active_sessions (x int)"),
            "the name is taken by something that is no view",
        ),
        (
            format!("{BASE}; CREATE INDEX idx_auth_sessions_auth_time ON users (email)"),
            "taken by an index of the table public.users",
        ),
        (
            format!(
                "{BASE}; ALTER TABLE auth_sessions ADD COLUMN current_jti uuid; \
                 UPDATE auth_sessions SET current_jti = '00000000-0000-4000-8000-000000000001', revoked_at = NULL WHERE refresh_token_hash < '2'"
            ),
            "1 token ids (current_jti) are held by",
        ),
        (
            format!(
                "{BASE}; ALTER TABLE auth_sessions ADD COLUMN device_hash varchar(64); \
                 UPDATE auth_sessions SET device_hash = 'secret device' WHERE refresh_token_hash < '2'"
            ),
            "rows hold a device_hash that auth_sessions_device_hash_check does not allow",
        ),
    ] {
        let table = Table::with(&sql).await;
        let before = table.dump();
        let text = table.said(&["apply", "--yes"], 2);
        assert!(text.contains(expected) && text.contains("nothing was changed"), "{expected}: {text}");
        assert!(!text.contains("secret device"), "{text}");
        assert!(table.said(&["plan"], 2).contains(expected));
        assert_eq!(table.dump(), before, "{expected}");
    }
}

#[tokio::test]
async fn what_is_no_plain_table_is_refused() {
    for (sql, expected) in [
        ("SELECT", "there is no table auth_sessions"),
        ("CREATE VIEW auth_sessions AS SELECT 1 AS id", "is a view"),
        ("CREATE TABLE auth_sessions (id uuid) PARTITION BY HASH (id)", "is a partitioned table"),
        (
            "CREATE TABLE auth_sessions (id uuid); CREATE TABLE child () INHERITS (auth_sessions)",
            "table with inheritance",
        ),
        (
            "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.auth_sessions (id uuid); CREATE TABLE b.auth_sessions (id uuid)",
            "a.auth_sessions, b.auth_sessions",
        ),
    ] {
        let table = Table::with(sql).await;
        for command in [&["plan"][..], &["apply", "--yes"], &["verify"], &["rollback", "--yes"]] {
            let text = table.said(command, 2);
            // Without such a table, any other session table is looked for, to advise on.
            let expected = match (sql, command[0]) {
                ("SELECT", "plan" | "rollback") => "looks like a session store",
                ("SELECT", "apply") => "there is no table to be hardened",
                _ => expected,
            };
            assert!(text.contains(expected), "{command:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_role_without_rights_is_told_what_it_lacks() {
    let table = Table::new().await;
    let role = format!("unleak_reader_{}", std::process::id());
    table
        .database
        .run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON auth_sessions TO {role}"))
        .await;
    let mut url = url::Url::parse(&table.database.url).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("x")).unwrap();
    let other =
        Table { database: crate::session::fixture::Database::new().await, dir: tempfile::tempdir().unwrap() };
    let mut command = other.command(&["apply", "--yes"]);
    let source = other.dir.path().join("url");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), url.as_str().as_bytes()).unwrap();
    let output = command.output().unwrap();
    let text = super::table::said(&output);
    table.database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("may not act as unleak, which owns"), "{text}");
    assert!(text.contains("GRANT \"unleak\" TO"), "{text}");
}

#[tokio::test]
async fn a_read_only_server_and_other_stores_are_refused() {
    let table = Table::new().await;
    table
        .database
        .run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
        .await;
    assert!(table.said(&["apply", "--yes"], 2).contains("read-only by default"));
    let mut command = table.command(&["apply", "--yes"]);
    let source = table.dir.path().join("url");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), b"redis://127.0.0.1:1/0")
        .unwrap();
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(super::table::said(&output).contains("there is no table to be hardened"));
}

#[tokio::test]
async fn nothing_is_done_without_an_answer() {
    let table = Table::new().await;
    let before = table.dump();
    assert!(table.said(&["apply"], 2).contains("add --yes"));
    assert_eq!(table.dump(), before);
    table.said(&["apply", "--yes", "--no-backup"], 0);
    assert!(table.said(&["rollback"], 2).contains("add --yes"));
    assert!(table.steps().is_empty());
}

#[tokio::test]
async fn a_journal_that_was_changed_is_not_followed() {
    let table = Table::new().await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let folder = table.dir.path().join("state/schema");
    let folder = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let path = folder.join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replacen("device_hash", "refresh_tok", 1);
    std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    assert!(table.said(&["rollback", "--yes"], 2).contains("its hash does not fit its content"));
    assert!(table.steps().is_empty());
}
