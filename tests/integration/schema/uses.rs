//! What an operator does with the hardened table, and what other session tables are told.

use super::table::{BASE, Table, said};

const FAMILY: &str = "00000000-0000-4000-8000-0000000000ff";

#[tokio::test]
async fn replays_are_told_and_a_family_is_ended() {
    let table = Table::with(&format!(
        "{BASE}; UPDATE auth_sessions SET revoked_at = NULL, expires_at = now() + interval '1 day'"
    ))
    .await;
    assert!(table.said(&["status"], 2).contains("objects of the hardened table are missing or differ"));
    table.said(&["apply", "--yes", "--no-backup"], 0);
    table
        .database
        .run(&format!(
            "UPDATE auth_sessions SET family_id = '{FAMILY}', current_jti = gen_random_uuid() WHERE refresh_token_hash < '2'; \
             UPDATE auth_sessions SET last_ip_cidr = '192.0.2.0/24' \
             WHERE id = (SELECT id FROM auth_sessions WHERE family_id = '{FAMILY}' LIMIT 1)"
        ))
        .await;
    let count = |status: &serde_json::Value, name: &str| status["status"][name].as_u64().unwrap();
    let status = table.json(&["status", "--fresh", "240h"], 0);
    assert_eq!((count(&status, "active"), count(&status, "replays")), (100, 0));
    assert_eq!(count(&status, "on_several_networks"), 1);
    assert!(count(&status, "stale_login") > 0 && count(&status, "without_token") > 0);

    table.database.run(&format!("SELECT handle_token_replay(gen_random_uuid(), '{FAMILY}')")).await;
    let text = table.said(&["status"], 1);
    assert!(text.contains("used twice, last 1h") && text.contains(FAMILY), "{text}");
    let other =
        table.text("SELECT family_id::text FROM auth_sessions WHERE revoked_at IS NULL LIMIT 1").await;
    assert!(table.said(&["revoke", &other], 2).contains("add --yes"));
    let text = table.said(&["revoke", &other, "--yes", "--reason", "lost phone"], 0);
    assert!(text.contains("1 live sessions of the family were ended"), "{text}");
    let reasons = "SELECT count(*)::text FROM auth_audit_log WHERE details ->> 'reason' = 'lost phone'";
    assert_eq!(table.text(reasons).await, "1");
    assert_eq!(table.schema(&["revoke", "not-a-family", "--yes"]).status.code(), Some(2));
}

/// Another session table is not changed, but told what it lacks, on each store.
#[tokio::test]
async fn other_tables_are_told_what_they_lack() {
    let sessions = r#"CREATE TABLE users (id integer PRIMARY KEY); CREATE TABLE sessions ("sessionToken" text, "userId" integer, expires timestamp NOT NULL)"#;
    let table = Table::with(sessions).await;
    let before = table.dump();
    let text = table.said(&["plan"], 1);
    for expected in ["sessionToken is not unique", "no index begins with expires", "userId is no foreign key"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(table.dump(), before);
    let sql = table.schema(&["plan", "--sql"]);
    table.psql(&String::from_utf8(sql.stdout).unwrap());
    assert!(table.said(&["plan"], 0).contains("lacks nothing"));

    let file = table.dir.path().join("app.db");
    let url = format!("sqlite:{}", file.display());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql(sessions).execute(&mut connection).await.unwrap();
    let plan = |exit: i32| {
        let mut command = table.command(&["plan"]);
        let source = table.dir.path().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(source).unwrap(), url.as_bytes()).unwrap();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{}", said(&output));
        said(&output)
    };
    assert!(plan(1).contains("CREATE UNIQUE INDEX \"sessions_sessionToken_idx\""));
    let keys = r#"CREATE UNIQUE INDEX a ON sessions ("sessionToken"); CREATE INDEX b ON sessions (expires)"#;
    sqlx::raw_sql(keys).execute(&mut connection).await.unwrap();
    let text = plan(1);
    assert!(text.contains("userId is no foreign key") && !text.contains("is not unique"), "{text}");
}
