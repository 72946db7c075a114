//! Who may do what afterwards: the application what it could do before, and nobody writes the log by hand.

use super::table::{BASE, Table};

#[tokio::test]
async fn functions_and_views_are_open_to_those_who_have_the_table_and_to_nobody_else() {
    let (app, other) =
        (format!("unleak_app_{}", std::process::id()), format!("unleak_other_{}", std::process::id()));
    let owner = format!("unleak_owner_{}", std::process::id());
    let table = Table::with(&format!(
        "{BASE}; CREATE ROLE {owner}; CREATE ROLE {app}; CREATE ROLE {other}; GRANT CREATE ON SCHEMA public TO {owner}; \
         DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {owner}', current_database()); END $$; \
         ALTER TABLE auth_sessions OWNER TO {owner}; ALTER TABLE users OWNER TO {owner}; \
         GRANT SELECT, INSERT, UPDATE ON auth_sessions TO {app}; GRANT SELECT ON auth_sessions TO {other}; \
         GRANT SELECT (id, email, name) ON users TO {app}"
    ))
    .await;
    let applied = table.schema(&["apply", "--yes", "--no-backup"]);
    // A role, a right, and whether it has it.
    let may = [
        (&app, "has_function_privilege($, 'revoke_session_family(uuid, text)', 'EXECUTE')", true),
        (&app, "has_function_privilege($, 'cleanup_expired_sessions(integer)', 'EXECUTE')", false),
        (&app, "has_table_privilege($, 'active_sessions', 'SELECT')", true),
        // It shows who a user is, which this one may not read.
        (&other, "has_table_privilege($, 'active_sessions', 'SELECT')", false),
        (&app, "has_table_privilege($, 'auth_audit_log', 'INSERT')", false),
        (&app, "has_table_privilege($, 'auth_audit_log', 'DELETE')", false),
        (&other, "has_function_privilege($, 'revoke_session_family(uuid, text)', 'EXECUTE')", false),
        (&other, "has_function_privilege($, 'handle_token_replay(uuid, uuid)', 'EXECUTE')", false),
        (&other, "has_table_privilege($, 'session_families', 'SELECT')", true),
    ];
    let mut answers = Vec::new();
    for (role, right, _) in may {
        let asked = format!("SELECT {}::text", right.replace('$', &format!("'{role}'")));
        answers.push(table.text(&asked).await);
    }
    let owners = "SELECT DISTINCT pg_get_userbyid(proowner)::text FROM pg_proc WHERE proname LIKE '%session%' AND pronamespace = 'public'::regnamespace";
    let owned_by = table.texts(owners).await;
    // The application ends a family without any right on the log, and temporary tables of these names change nothing.
    table
        .database
        .run(&format!(
            "SET ROLE {app}; CREATE TEMPORARY TABLE family AS SELECT family_id FROM auth_sessions WHERE revoked_at IS NULL LIMIT 1; \
             CREATE TEMPORARY TABLE auth_sessions (x int); CREATE TEMPORARY TABLE auth_audit_log (x int); \
             SELECT public.revoke_session_family(family_id, 'x') FROM family"
        ))
        .await;
    let events = table.text("SELECT count(*)::text FROM auth_audit_log").await;
    table
        .database
        .run(&format!("DROP OWNED BY {owner}, {app}, {other} CASCADE; DROP ROLE {owner}, {app}, {other}"))
        .await;
    assert_eq!(applied.status.code(), Some(0), "{}", super::table::said(&applied));
    for ((role, right, expected), answer) in may.into_iter().zip(answers) {
        assert_eq!(answer, expected.to_string(), "{role}: {right}");
    }
    assert_eq!(
        owned_by,
        [owner],
        "a function runs with the rights of the table's owner, not of who ran unleak"
    );
    assert_eq!(events, "1");
}

#[tokio::test]
async fn default_privileges_open_nothing_and_a_right_that_was_given_later_is_seen() {
    let anon = format!("unleak_anon_{}", std::process::id());
    let table = Table::with(&format!(
        "{BASE}; CREATE ROLE {anon}; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {anon}; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO {anon}; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO {anon}"
    ))
    .await;
    let applied = table.schema(&["apply", "--yes", "--no-backup"]);
    let held = format!(
        "SELECT relname::text FROM pg_class WHERE relacl::text LIKE '%{anon}=%' \
         UNION ALL SELECT proname::text FROM pg_proc WHERE proacl::text LIKE '%{anon}=%'"
    );
    let held = table.texts(&held).await;
    table
        .database
        .run(&format!("GRANT EXECUTE ON FUNCTION revoke_session_family(uuid, text) TO {anon}"))
        .await;
    let verified = table.schema(&["verify"]);
    table.database.run(&format!("DROP OWNED BY {anon}; DROP ROLE {anon}")).await;
    assert_eq!(applied.status.code(), Some(0), "{}", super::table::said(&applied));
    assert!(held.is_empty(), "{held:?}");
    let text = super::table::said(&verified);
    assert!(text.contains("function revoke_session_family: it has another form"), "{text}");
}

/// Who reads the log by a right of their own loses it with the log, and keeps it where the log stays.
#[tokio::test]
async fn rights_on_the_log_are_told_before_it_goes() {
    let monitor = format!("unleak_monitor_{}", std::process::id());
    let table = Table::new().await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let grants = format!(
        "CREATE ROLE {monitor}; GRANT SELECT, DELETE ON auth_audit_log TO {monitor}; \
         ALTER TABLE auth_sessions DROP CONSTRAINT auth_sessions_auth_time_check"
    );
    table.database.run(&grants).await;
    let plan = table.schema(&["plan"]);
    let goes = table.schema(&["rollback", "--dry-run"]);
    table
        .database
        .run("SELECT revoke_session_family((SELECT family_id FROM auth_sessions WHERE revoked_at IS NULL LIMIT 1), 'x')")
        .await;
    let stays = table.schema(&["rollback", "--yes", "--no-backup"]);
    let rights = "SELECT array_to_string(relacl, ',') FROM pg_class WHERE relname = 'auth_audit_log'";
    let kept = table.text(rights).await;
    let again = table.schema(&["apply", "--yes", "--no-backup"]);
    let still = table.text(rights).await;
    table.database.run(&format!("DROP OWNED BY {monitor}; DROP ROLE {monitor}")).await;
    let said = super::table::said;
    assert!(said(&plan).contains(&format!("{monitor} may change or delete events")), "{}", said(&plan));
    let told = format!("(DELETE for {monitor}, SELECT for {monitor})");
    assert!(said(&goes).contains(&told) && said(&goes).contains("grant them again"), "{}", said(&goes));
    assert!(
        said(&stays).contains(&told) && said(&stays).contains("holds events and stays"),
        "{}",
        said(&stays)
    );
    assert!(kept.contains(&monitor) && still == kept, "{kept} and {still}");
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
}

/// Who monitors sessions needs no right on the users.
#[tokio::test]
async fn what_a_role_may_not_read_is_not_checked_and_the_rest_is() {
    let table = Table::new().await;
    let watch = format!("unleak_watch_{}", std::process::id());
    table
        .database
        .run(&format!(
            "CREATE ROLE {watch} LOGIN PASSWORD '{watch}'; GRANT SELECT ON auth_sessions TO {watch}"
        ))
        .await;
    let checked =
        table.said_as(&watch, &["sessions", "check", "--max-expired", "99", "--max-per-user", "99"], 3);
    let advised = table.said_as(&watch, &["plan", "--advice", "--only", "user"], 0);
    table.database.run("ALTER TABLE auth_sessions DROP CONSTRAINT auth_sessions_user_id_fkey").await;
    let unknown = table.said_as(&watch, &["plan", "--advice", "--only", "user"], 1);
    table.database.run(&format!("GRANT SELECT (id) ON users TO {watch}")).await;
    let known =
        table.said_as(&watch, &["sessions", "check", "--max-expired", "99", "--max-per-user", "99"], 0);
    table.database.run(&format!("DROP OWNED BY {watch}; DROP ROLE {watch}")).await;
    assert!(checked.contains("not checked: this role may not read public.users"), "{checked}");
    assert!(
        checked.contains("0 tokens have several rows") && checked.contains("sessions are expired"),
        "{checked}"
    );
    assert!(advised.contains("lacks nothing"), "{advised}");
    assert!(unknown.contains("may not read the rows of public.users"), "{unknown}");
    assert!(known.contains("0 of 100 sessions are of no user"), "{known}");
}
