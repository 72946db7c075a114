//! Verify notices whatever is broken, and leaves nothing behind.

use super::table::{BASE, Table};

/// Everything in the database that a check could have left.
const ALL: &str = "SELECT md5((SELECT string_agg(s::text, ',' ORDER BY id) FROM auth_sessions s) || \
    (SELECT count(*) FROM auth_audit_log) || (SELECT count(*) FROM users))";

fn function(name: &str, arguments: &str, returns: &str, value: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql AS $$ BEGIN RETURN {value}; END $$"
    )
}

#[tokio::test]
async fn verify_leaves_nothing_behind() {
    let table = Table::new().await;
    table.said(&["apply", "--yes"], 0);
    let (before, dump) = (table.text(ALL).await, table.dump());
    let report = table.json(&["verify"], 0);
    let checks = report["verification"]["behaviour"].as_array().unwrap();
    assert_eq!(checks.len(), 6);
    assert!(checks.iter().all(|check| check["outcome"] == "verified"), "{report}");
    assert_eq!(table.text(ALL).await, before);
    assert_eq!(table.dump(), dump);
}

#[tokio::test]
async fn verify_notices_whatever_is_broken_and_an_apply_mends_it() {
    let table = Table::new().await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let hardened = table.dump();
    for (sabotage, expected) in [
        ("DROP INDEX idx_auth_sessions_auth_time".to_owned(), "index idx_auth_sessions_auth_time: it is missing"),
        (
            "DROP INDEX idx_auth_sessions_unique_active_jti; CREATE INDEX idx_auth_sessions_unique_active_jti ON \
             auth_sessions (current_jti) WHERE revoked_at IS NULL AND current_jti IS NOT NULL"
                .to_owned(),
            "index idx_auth_sessions_unique_active_jti: it has another form",
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_auth_sessions_device_hash'::regclass".to_owned(),
            "index idx_auth_sessions_device_hash: a stopped build left it unusable",
        ),
        (
            "ALTER TABLE auth_sessions DROP CONSTRAINT auth_sessions_auth_time_check".to_owned(),
            "constraint auth_sessions_auth_time_check: it is missing",
        ),
        (
            "ALTER TABLE auth_sessions DROP CONSTRAINT auth_sessions_last_ip_cidr_check; ALTER TABLE auth_sessions ADD \
             CONSTRAINT auth_sessions_last_ip_cidr_check CHECK (masklen(last_ip_cidr) <= 128)"
                .to_owned(),
            "constraint auth_sessions_last_ip_cidr_check: it has another form",
        ),
        (
            "ALTER TABLE auth_sessions ALTER COLUMN family_id DROP DEFAULT".to_owned(),
            "default family_id: it is missing",
        ),
        (
            function("handle_token_replay", "p_jti uuid, p_family_id uuid", "boolean", "false"),
            "function handle_token_replay: it has another form",
        ),
        (
            "ALTER FUNCTION rotate_session_token RESET search_path".to_owned(),
            "function rotate_session_token: it has another form",
        ),
        (
            "GRANT EXECUTE ON FUNCTION revoke_session_family TO PUBLIC".to_owned(),
            "function revoke_session_family: it has another form",
        ),
        ("ALTER FUNCTION cleanup_expired_sessions SECURITY DEFINER".to_owned(), "function cleanup_expired_sessions"),
        (
            "DROP VIEW active_sessions; CREATE VIEW active_sessions AS SELECT * FROM auth_sessions".to_owned(),
            "view active_sessions: it has another form",
        ),
        (
            "ALTER TABLE auth_sessions DISABLE TRIGGER USER; ALTER TABLE auth_sessions DROP COLUMN auth_time CASCADE".to_owned(),
            "column auth_time: it is missing",
        ),
    ] {
        table.database.run(&sabotage).await;
        let text = table.said(&["verify"], 6);
        assert!(text.contains(expected), "{sabotage}: {text}");
        table.said(&["apply", "--yes", "--no-backup"], 0);
        if !sabotage.contains("COLUMN auth_time") {
            assert_eq!(table.dump(), hardened, "{sabotage}");
        }
    }
}

/// The checks of behaviour stand by themselves: they notice a body that does nothing, whatever the catalogue says.
#[tokio::test]
async fn a_trigger_that_undoes_revocations_is_noticed() {
    let table = Table::new().await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    table
        .database
        .run("CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked_at := NULL; RETURN NEW; END $$;
              CREATE TRIGGER undo BEFORE UPDATE ON auth_sessions FOR EACH ROW EXECUTE FUNCTION undo()")
        .await;
    let text = table.said(&["verify"], 6);
    assert!(text.contains("sessions of the family are still live after a replay"), "{text}");
}

/// What the functions promise to an application.
#[tokio::test]
async fn tokens_are_rotated_once_and_a_second_use_ends_the_family() {
    let table =
        Table::with(&format!("{BASE}; DELETE FROM auth_sessions WHERE refresh_token_hash > '1'")).await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let jti = |number: u8| format!("'00000000-0000-4000-8000-0000000000{number:02}'::uuid");
    table
        .database
        .run(
            "UPDATE auth_sessions SET revoked_at = NULL, expires_at = now() + interval '1 day', \
              device_hash = NULL, family_id = '00000000-0000-4000-8000-0000000000ff'",
        )
        .await;
    let session = format!("'{}'", table.text("SELECT id::text FROM auth_sessions ORDER BY id LIMIT 1").await);
    let rotate = |old: &str, new: &str, more: &str| {
        format!("SELECT rotate_session_token({session}, {old}, {new}{more})::text")
    };
    let replay = |jti: &str| {
        format!("SELECT handle_token_replay({jti}, '00000000-0000-4000-8000-0000000000ff')::text")
    };
    let live = "SELECT count(*)::text FROM active_sessions";
    let all = table.text(live).await;
    // Sessions from before the hardening have no token on record: nothing can be called a replay yet.
    assert_eq!(table.text(&replay(&jti(9))).await, "false");
    assert_eq!(table.text(&rotate("NULL", &jti(1), ", 'Agent/1', '192.0.2.77'")).await, "true");
    assert_eq!(
        table.text(&format!("SELECT last_ip_cidr::text FROM auth_sessions WHERE id = {session}")).await,
        "192.0.2.0/24"
    );
    assert_eq!(table.text(&rotate("NULL", &jti(2), "")).await, "false");
    assert_eq!(table.text(&rotate(&jti(1), &jti(1), "")).await, "false");
    assert_eq!(table.text(&rotate(&jti(1), &jti(2), ", 'Agent/2'")).await, "true");
    assert_eq!(table.text(live).await, all);
    table
        .database
        .run("UPDATE auth_sessions SET current_jti = gen_random_uuid() WHERE current_jti IS NULL")
        .await;
    assert_eq!(table.text(&replay(&jti(2))).await, "false", "the current token is no replay");
    assert_eq!(
        table.text("SELECT handle_token_replay(gen_random_uuid(), gen_random_uuid())::text").await,
        "false"
    );
    assert_eq!(table.text(&replay(&jti(1))).await, "true");
    assert_eq!(table.text(live).await, "0");
    assert_eq!(
        table.text("SELECT string_agg(DISTINCT reused_jti_of::text, ',') FROM auth_sessions").await,
        "00000000-0000-4000-8000-000000000001"
    );
    let events = table.texts("SELECT action FROM auth_audit_log ORDER BY id").await;
    let expected = [
        "token_replay_undecided",
        "session_device_changed",
        "session_family_revoked",
        "token_replay_detected",
    ];
    assert_eq!(events, expected);
}

/// Rows that a foreign key keeps are passed over, chains of them go from their ends, and a bound holds.
#[tokio::test]
async fn cleanup_takes_what_is_expired_and_nothing_that_is_needed() {
    let table = Table::with(
        "CREATE TABLE auth_sessions (id int PRIMARY KEY, user_id int, parent int REFERENCES auth_sessions (id), \
         expires_at timestamptz NOT NULL); CREATE TABLE uses (session int REFERENCES auth_sessions (id)); \
         INSERT INTO auth_sessions VALUES (1, 1, NULL, 'epoch'), (2, 1, 1, 'epoch'), (3, 1, 2, 'epoch'), \
         (4, 1, NULL, 'epoch'), (5, 1, 4, 'infinity'), (6, 1, NULL, 'epoch'), (7, 1, NULL, 'infinity'); \
         INSERT INTO uses VALUES (6)",
    )
    .await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    assert_eq!(table.text("SELECT cleanup_expired_sessions(1)::text").await, "1");
    assert_eq!(table.text("SELECT cleanup_expired_sessions()::text").await, "2");
    assert_eq!(table.texts("SELECT id::text FROM auth_sessions ORDER BY id").await, ["4", "5", "6", "7"]);
}

/// However many rows there are, the newest few and what the checks make is all that is read.
#[tokio::test]
async fn verify_reads_few_rows_of_many() {
    let table = Table::with(&format!(
        "{BASE}; ALTER TABLE auth_sessions DROP COLUMN rotated_from; CREATE INDEX ON auth_sessions (expires_at); \
         INSERT INTO auth_sessions (user_id, refresh_token_hash, expires_at) \
         SELECT (SELECT id FROM users LIMIT 1), md5('more' || i), now() + interval '1 day' FROM generate_series(1, 30000) i; \
         ANALYZE auth_sessions"
    ))
    .await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    table.database.run("ANALYZE auth_sessions").await;
    let read =
        "SELECT coalesce(seq_tup_read, 0)::text FROM pg_stat_user_tables WHERE relname = 'auth_sessions'";
    let used = "SELECT idx_scan::text FROM pg_stat_user_tables WHERE relname = 'auth_sessions'";
    // What other connections read is told some time after they ended.
    let settled = async |than: &str| loop {
        let now = table.text(used).await;
        if now != than {
            break now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let before = settled("").await;
    let rows: u64 = table.text(read).await.parse().unwrap();
    table.said(&["verify"], 0);
    settled(&before).await;
    let now: u64 = table.text(read).await.parse().unwrap();
    assert!(now - rows < 3000, "{} rows were read one after the other", now - rows);
}
