//! Apply, rollback, apply, and the exported SQL: the same catalogue each time, and no value of the application changed.

use super::table::{BASE, Table};

/// Everything of the application's own, families aside, of which it lacks some.
const OWN: &str = "SELECT md5(string_agg(concat_ws('|', id, user_id, refresh_token_hash, user_agent, ip, created_at, \
    last_used_at, expires_at, revoked_at), ',' ORDER BY id)) FROM auth_sessions";

/// A table that is called and kept otherwise, with everything quoted that can be.
const HOSTILE: &str = r#"
CREATE SCHEMA "we""ird {table} $unleak$ ' --";
SET search_path = "we""ird {table} $unleak$ ' --";
CREATE TABLE "Users; {key}" (id bigint PRIMARY KEY, email text);
CREATE TABLE "sess'ions ""{x}""; $$ --" (
  "p_session_id ""q""" text PRIMARY KEY, user_id bigint REFERENCES "Users; {key}" (id), family_id uuid, p_family_id int,
  own int, s int, user_agent varchar(300), ip_address text, created_at timestamp, expires_at timestamp(3) NOT NULL);
INSERT INTO "Users; {key}" VALUES (1, 'a@example.org');
INSERT INTO "sess'ions ""{x}""; $$ --" SELECT 'k' || i, 1, NULL, i, i, i, 'A', '10.0.0.' || i, now(), now() + interval '1 day'
FROM generate_series(1, 20) i"#;

#[tokio::test]
async fn apply_rollback_apply_ends_where_it_began() {
    let table = Table::new().await;
    let (bare, own) = (table.dump(), table.text(OWN).await);
    table.said(&["apply", "--yes"], 0);
    let hardened = table.dump();
    assert_ne!(bare, hardened);
    assert!(table.steps().is_empty());
    assert!(table.said(&["apply", "--yes"], 0).contains("34 of 34 checks verified"));
    let done = table.json(&["rollback", "--yes"], 0);
    assert_eq!(done["rollback"]["left"], serde_json::json!([]));
    assert_eq!(table.dump(), bare);
    assert_eq!(table.text(OWN).await, own);
    // Nothing is left to undo, and nothing else is touched.
    assert!(table.said(&["rollback", "--yes"], 2).contains("no apply to public.auth_sessions is recorded"));
    table.said(&["apply", "--force", "--no-backup"], 0);
    assert_eq!(table.dump(), hardened);
    assert_eq!(table.text(OWN).await, own);
}

#[tokio::test]
async fn names_are_only_names() {
    let table = Table::with(HOSTILE).await;
    let name = ["--table", r#"sess'ions "{x}"; $$ --"#];
    let bare = table.dump();
    table.said(&[&["apply", "--yes"], &name[..]].concat(), 0);
    let hardened = table.dump();
    table.said(&[&["rollback", "--yes"], &name[..]].concat(), 0);
    assert_eq!(table.dump(), bare);
    let script = table.schema(&[&["plan", "--sql"], &name[..]].concat());
    table.psql(&String::from_utf8(script.stdout).unwrap());
    assert_eq!(table.dump(), hardened);
    table.said(&[&["verify"], &name[..]].concat(), 0);
}

#[tokio::test]
async fn the_exported_sql_gives_the_same_catalogue_and_the_same_rows() {
    let [by_us, by_psql] = [Table::new().await, Table::new().await];
    by_us.said(&["apply", "--yes", "--no-backup"], 0);
    let plan = by_psql.schema(&["plan", "--sql"]);
    assert_eq!(plan.status.code(), Some(1));
    by_psql.psql(&String::from_utf8(plan.stdout).unwrap());
    assert_eq!(by_us.dump(), by_psql.dump());
    let rows = "SELECT string_agg(concat_ws('|', refresh_token_hash, device_hash, last_ip_cidr, auth_time = created_at, \
        family_id IS NULL), ',' ORDER BY refresh_token_hash) FROM auth_sessions";
    assert_eq!(by_us.text(rows).await, by_psql.text(rows).await);
    by_psql.said(&["verify"], 0);
    assert!(by_psql.said(&["rollback", "--yes"], 2).contains("is recorded"));
}

/// What earlier hands left is replaced, and a rollback brings it back as it was, rights included.
#[tokio::test]
async fn what_was_replaced_comes_back() {
    let table = Table::with(&format!(
        "{BASE}; DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unleak_app') THEN
           CREATE ROLE unleak_app; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         ALTER TABLE auth_sessions ADD COLUMN current_jti uuid, ADD COLUMN device_hash varchar(64);
         CREATE INDEX idx_auth_sessions_family_active ON auth_sessions (family_id, revoked_at) WHERE revoked_at IS NULL;
         ALTER TABLE auth_sessions ADD CONSTRAINT auth_sessions_device_hash_check CHECK (length(device_hash) > 3);
         CREATE FUNCTION revoke_session_family(a uuid, b text) RETURNS void LANGUAGE sql AS 'SELECT';
         REVOKE ALL ON FUNCTION revoke_session_family FROM PUBLIC;
         GRANT EXECUTE ON FUNCTION revoke_session_family TO unleak_app;
         CREATE VIEW active_sessions WITH (security_barrier = true) AS SELECT id FROM auth_sessions;
         GRANT SELECT ON active_sessions TO unleak_app"
    ))
    .await;
    let before = table.dump();
    let steps = table.steps();
    for step in [
        "replace index idx_auth_sessions_family_active",
        "replace constraint auth_sessions_device_hash_check",
        "replace function revoke_session_family",
        "replace view active_sessions",
    ] {
        assert!(steps.contains(&step.to_owned()), "{step} is not in {steps:?}");
    }
    assert!(!steps.contains(&"create column current_jti".to_owned()));
    table.said(&["apply", "--yes"], 0);
    table.said(&["rollback", "--yes"], 0);
    assert_eq!(table.dump(), before);
}

/// Evidence outlives the table that it is about.
#[tokio::test]
async fn a_log_with_events_stays() {
    let table = Table::new().await;
    table.said(&["apply", "--yes"], 0);
    table
        .database
        .run("SELECT revoke_session_family((SELECT family_id FROM auth_sessions WHERE revoked_at IS NULL LIMIT 1), 'test')")
        .await;
    assert!(table.said(&["rollback", "--yes"], 0).contains("auth_audit_log holds events and stays"));
    assert_eq!(table.text("SELECT action FROM auth_audit_log").await, "session_family_revoked");
    assert_eq!(table.text("SELECT details ->> 'reason' FROM auth_audit_log").await, "test");
}

/// The backup is the table as it was, and a restore into it works when the form is the same again.
#[tokio::test]
async fn the_backup_holds_every_row_and_is_recorded() {
    let table = Table::new().await;
    let applied = table.json(&["apply", "--yes", "--incident", "INC-20261122-001"], 0);
    assert_eq!(applied["applied"]["backup"]["rows"], 100);
    assert_eq!(applied["applied"]["rows_filled"], 100);
    assert_eq!(applied["applied"]["backup"]["incident"], "INC-20261122-001");
    let log = std::fs::read_to_string(table.dir.path().join("state/audit/audit.jsonl")).unwrap();
    assert!(log.contains("schema apply") && log.contains("30 of 30 steps"), "{log}");
    assert!(!log.contains("@example.org"), "{log}");
}

/// Where the apply made the column that says so, a rollback would bring revoked sessions back to life.
#[tokio::test]
async fn revoked_sessions_are_not_revived_unasked() {
    let table = Table::with(&format!("{BASE}; ALTER TABLE auth_sessions DROP COLUMN revoked_at")).await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let revoke = "UPDATE auth_sessions SET revoked_at = now(), expires_at = now() + interval '1 day' WHERE refresh_token_hash < '2'";
    table.database.run(revoke).await;
    let revoked =
        "SELECT count(*)::text FROM auth_sessions WHERE revoked_at IS NOT NULL AND expires_at > now()";
    let revoked = table.text(revoked).await;
    let text = table.said(&["rollback", "--yes", "--no-backup"], 2);
    assert!(text.contains(&format!("{revoked} revoked sessions")) && text.contains("--revive"), "{text}");
    assert!(table.steps().is_empty());
    table.said(&["rollback", "--yes", "--no-backup", "--revive"], 0);
}
