//! What an operator does with the hardened table, and what other session tables are told.

use super::table::{BASE, Table, said};

const FAMILY: &str = "00000000-0000-4000-8000-0000000000ff";

#[tokio::test]
async fn replays_are_told_and_a_family_is_ended() {
    let table = Table::with(&format!(
        "{BASE}; UPDATE auth_sessions SET revoked_at = NULL, expires_at = now() + interval '1 day'"
    ))
    .await;
    assert!(
        table.said(&["status"], 2).contains("is not hardened: it lacks the column current_jti of type uuid")
    );
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
    assert_eq!((count(&status, "active"), &status["status"]["log"]["told"]["replays"]), (100, &0.into()));
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
    // What was revoked is not counted as active, by whichever command.
    let live = "SELECT count(*)::text FROM auth_sessions WHERE revoked_at IS NULL";
    let live: u64 = table.text(live).await.parse().unwrap();
    assert!(live < 99);
    let listed = table.json(&["sessions", "list", "--status", "active"], 0);
    assert_eq!(listed["total"].as_u64(), Some(live), "{listed}");
    let reasons = "SELECT count(*)::text FROM auth_audit_log WHERE details ->> 'reason' = 'lost phone'";
    assert_eq!(table.text(reasons).await, "1");
    assert_eq!(table.schema(&["revoke", "not-a-family", "--yes"]).status.code(), Some(2));
}

/// Monitoring hears of a second use from `sessions check`, in each of its forms, with the family to end.
#[tokio::test]
async fn a_check_of_the_sessions_tells_replays_and_names_the_family() {
    let reader = format!("unleak_watcher_{}", std::process::id());
    let table = Table::with(&format!(
        "{BASE}; UPDATE auth_sessions SET revoked_at = NULL, expires_at = now() + interval '1 day'"
    ))
    .await;
    let check = ["sessions", "check", "--format"];
    let point = |report: &serde_json::Value, name: &str| {
        let points = report["points"].as_array().unwrap();
        points.iter().find(|point| point["name"] == name).cloned()
    };
    let bare: serde_json::Value =
        serde_json::from_slice(&table.schema(&[&check[..], &["json"]].concat()).stdout).unwrap();
    assert_eq!(point(&bare, "replays"), None, "nothing would notice a replay");
    table.said(&["apply", "--yes", "--no-backup"], 0);
    // Most sessions have no token on record, so that most uses cannot be judged.
    table
        .database
        .run(&format!(
            "UPDATE auth_sessions SET family_id = '{FAMILY}', current_jti = gen_random_uuid() WHERE refresh_token_hash < '2'; \
             SELECT handle_token_replay(gen_random_uuid(), '{FAMILY}'); \
             SELECT handle_token_replay(gen_random_uuid(), family_id) FROM \
               (SELECT family_id FROM auth_sessions WHERE current_jti IS NULL LIMIT 1) AS open"
        ))
        .await;
    let undecided = "SELECT family_id::text FROM auth_audit_log WHERE action = 'token_replay_undecided'";
    let undecided = table.text(undecided).await;
    let report: serde_json::Value =
        serde_json::from_slice(&table.schema(&[&check[..], &["json"]].concat()).stdout).unwrap();
    let replays = point(&report, "replays").unwrap();
    assert_eq!((&replays["state"], &replays["value"]), (&"critical".into(), &1.0.into()), "{report}");
    let families = &report["facts"]["replays"]["told"]["families"];
    assert_eq!(families.as_array().unwrap().len(), 2, "{report}");
    let nagios = table.said(&[&check[..], &["nagios"]].concat(), 2);
    assert!(nagios.starts_with("SESSIONS CRITICAL - 1 tokens were used a second time"), "{nagios}");
    assert!(nagios.contains("replays=1 undecided_replays=1"), "{nagios}");
    let prometheus = table.said(&[&check[..], &["prometheus"]].concat(), 0);
    assert!(prometheus.contains("unleak_sessions_replays{table=\"public.auth_sessions\"} 1"), "{prometheus}");
    let human = table.said(&[&check[..], &["human"]].concat(), 1);
    assert!(human.contains(&format!("still live, end it: unleak schema revoke {undecided}")), "{human}");
    assert!(human.contains(&format!("ended: family {FAMILY}")), "{human}");

    // What was is no longer told after an hour, and whoever may not read the log is told so.
    let age = "UPDATE auth_audit_log SET created_at = now() - interval '61 minutes'";
    table.database.run(age).await;
    let grant =
        format!("CREATE ROLE {reader} LOGIN PASSWORD 'x'; GRANT SELECT ON auth_sessions, users TO {reader}");
    table.database.run(&grant).await;
    let calm = table.schema(&[&check[..], &["json"]].concat());
    let mut url = url::Url::parse(&table.database.url).unwrap();
    url.set_username(&reader).unwrap();
    url.set_password(Some("x")).unwrap();
    let source = table.dir.path().join("reader");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), url.as_str().as_bytes()).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().env("HOME", table.dir.path()).args(["sessions", "check", "--store-from"]);
    let blind = command.arg(format!("file:{}", source.display())).output().unwrap();
    table.database.run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}")).await;
    let calm: serde_json::Value = serde_json::from_slice(&calm.stdout).unwrap();
    assert_eq!(point(&calm, "replays").unwrap()["state"], "ok");
    let blind = said(&blind);
    assert!(blind.contains("may not read the log: GRANT SELECT ON"), "{blind}");
}

/// Where the columns exist, a list shows where a session is used from, and how fresh its login is.
#[tokio::test]
async fn a_list_shows_device_and_network() {
    let table = Table::new().await;
    let list = ["sessions", "list", "--limit", "100"];
    assert!(!table.said(&list, 0).contains("device, network"));
    table.said(&["apply", "--yes", "--no-backup"], 0);
    table.database.run("UPDATE auth_sessions SET auth_time = now() - interval '185 minutes'").await;
    let text = table.said(&list, 0);
    assert!(text.contains("  3h  ") && text.contains("how long ago its login was"), "{text}");
    let device = table.text("SELECT left(max(device_hash), 12) FROM auth_sessions").await;
    assert!(text.contains("device, network") && text.contains("10.1.2.0/24"), "{text}");
    assert!(text.contains(&device), "{text}");
    let listed = table.schema(&[&list[..], &["--format", "json"]].concat());
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let families = table.texts("SELECT family_id::text FROM auth_sessions").await;
    for session in listed["sessions"].as_array().unwrap() {
        let origin = &session["origin"];
        assert!(families.contains(&origin["family"].as_str().unwrap().to_owned()), "{session}");
        assert!(origin["login"].is_string() && origin["network"] == "10.1.2.0/24", "{session}");
    }
}

/// A function under the right name that does nothing is no end of a family.
#[tokio::test]
async fn a_revocation_that_did_nothing_is_noticed() {
    let table = Table::with(&format!(
        "{BASE}; UPDATE auth_sessions SET revoked_at = NULL, expires_at = now() + interval '1 day', family_id = '{FAMILY}'"
    ))
    .await;
    let revoke = ["revoke", FAMILY, "--yes"];
    assert!(table.said(&revoke, 2).contains("lacks the function revoke_session_family"));
    table
        .database
        .run("CREATE FUNCTION revoke_session_family(a uuid, b text) RETURNS int LANGUAGE sql AS 'SELECT 0'")
        .await;
    assert!(table.said(&revoke, 6).contains("100 sessions of the family"));
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
    assert!(plan(1).contains("CREATE UNIQUE INDEX \"sessions_unleak_unique\""));
    let keys = r#"CREATE UNIQUE INDEX a ON sessions ("sessionToken"); CREATE INDEX b ON sessions (expires)"#;
    sqlx::raw_sql(keys).execute(&mut connection).await.unwrap();
    let text = plan(1);
    assert!(text.contains("userId is no foreign key") && !text.contains("is not unique"), "{text}");
}
