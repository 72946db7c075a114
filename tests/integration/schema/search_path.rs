//! Whatever stands earlier in its caller's search path, or among its temporary things, a function of the hardening finds
//! its own: tried by a role with no more than an application's rights.

use super::table::Table;

/// Functions that those of the hardening call: the name, the arguments, the result.
const TRAPS: [(&str, &str, &str); 8] = [
    ("now", "", "timestamptz"),
    ("gen_random_uuid", "", "uuid"),
    ("sha256", "bytea", "bytea"),
    ("encode", "bytea, text", "text"),
    ("convert_to", "text, name", "bytea"),
    ("family", "inet", "int4"),
    ("set_masklen", "inet, integer", "inet"),
    ("revoke_session_family", "uuid, text", "int4"),
];

/// Tables and types of the same names, and an operator by which all tokens are equal.
const BAIT: &str = "CREATE TABLE evil.caught (what text); CREATE TABLE evil.auth_sessions (LIKE public.auth_sessions); \
    CREATE TEMPORARY TABLE auth_sessions (LIKE public.auth_sessions); CREATE TEMPORARY TABLE auth_audit_log (x int); \
    CREATE TYPE pg_temp.uuid AS ENUM ('x'); CREATE TYPE evil.cidr AS ENUM ('x'); \
    CREATE FUNCTION evil.equal(pg_catalog.uuid, pg_catalog.uuid) RETURNS boolean LANGUAGE plpgsql AS $f$ \
      BEGIN INSERT INTO evil.caught VALUES ('='); RETURN true; END $f$; \
    CREATE OPERATOR evil.= (LEFTARG = pg_catalog.uuid, RIGHTARG = pg_catalog.uuid, FUNCTION = evil.equal)";

/// Uses each function; first it is shown that the traps catch.
const USE: &str = "SET search_path = evil, pg_temp, public, pg_catalog; \
    DO $do$ DECLARE one record; BEGIN PERFORM now(); \
      IF NOT EXISTS (SELECT FROM evil.caught) THEN RAISE EXCEPTION 'the traps catch nothing'; END IF; \
      SELECT s.id, s.current_jti INTO one FROM public.auth_sessions s ORDER BY s.id LIMIT 1; DELETE FROM evil.caught; \
      IF NOT public.rotate_session_token(one.id, one.current_jti, pg_catalog.gen_random_uuid(), 'Agent/9', \
        '192.0.2.7'::inet) THEN RAISE EXCEPTION 'not rotated'; END IF; \
      PERFORM public.cleanup_expired_sessions(1); \
      IF NOT public.handle_token_replay(one.current_jti, '00000000-0000-4000-8000-0000000000ff'::pg_catalog.uuid) THEN \
        RAISE EXCEPTION 'no replay'; END IF; \
    END $do$";

fn trap(schema: &str, (name, arguments, returns): (&str, &str, &str)) -> String {
    format!(
        "CREATE FUNCTION {schema}.{name}({arguments}) RETURNS pg_catalog.{returns} LANGUAGE plpgsql AS $f$ \
         DECLARE r pg_catalog.{returns}; BEGIN INSERT INTO evil.caught VALUES ('{name}'); RETURN r; END $f$"
    )
}

#[tokio::test]
async fn a_hostile_search_path_reaches_no_function() {
    let table = Table::new().await;
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let app = format!("unleak_evil_{}", std::process::id());
    let rights = format!(
        "CREATE ROLE {app}; CREATE SCHEMA evil AUTHORIZATION {app}; GRANT USAGE ON SCHEMA public TO {app}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON auth_sessions TO {app}; \
         UPDATE auth_sessions SET family_id = '00000000-0000-4000-8000-0000000000ff', revoked_at = NULL, \
           expires_at = now() + interval '1 day', current_jti = gen_random_uuid(), device_hash = repeat('0', 64)"
    );
    table.database.run(&rights).await;
    // The functions are opened by an apply after the rights were given.
    let opened = table.schema(&["apply", "--yes", "--no-backup"]);
    let traps = ["evil", "pg_temp"].iter().flat_map(|schema| TRAPS.iter().map(|one| trap(schema, *one)));
    let all = [format!("SET ROLE {app}"), BAIT.to_owned()].into_iter().chain(traps).chain([USE.to_owned()]);
    let all: Vec<String> = all.collect();
    table.database.run(&all.join("; ")).await;
    let caught = table.texts("SELECT what FROM evil.caught").await;
    let events = table.texts("SELECT DISTINCT action FROM public.auth_audit_log ORDER BY 1").await;
    let live = table.text("SELECT count(*)::text FROM public.auth_sessions WHERE revoked_at IS NULL").await;
    table.database.run(&format!("DROP OWNED BY {app} CASCADE; DROP ROLE {app}")).await;
    assert_eq!(opened.status.code(), Some(0), "{}", super::table::said(&opened));
    assert_eq!(caught, [""; 0], "a trap was stepped into");
    assert_eq!(live, "0", "the whole family is ended");
    assert_eq!(events, ["session_device_changed", "session_family_revoked", "token_replay_detected"]);
}
