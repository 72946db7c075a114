//! What any other session table lacks, on each database: told, added on request, dropped again, and refused while rows
//! stand in the way.

use super::on::{APPLY, IN_THE_WAY, On};
use super::table::{BASE, Table};
use sqlx::Connection as _;
use std::io::{BufRead as _, BufReader, Read as _};

#[tokio::test]
async fn advice_is_followed_on_request_and_rolled_back() {
    for on in On::all().await {
        let bare = on.form().await;
        let text = on.said(&["schema", "plan"], 1);
        for lack in
            ["session_token is not unique", "no index begins with expires", "user_id is no foreign key"]
        {
            assert!(text.contains(lack), "{lack}: {text}");
        }
        assert!(on.said(&["schema", "apply", "--yes"], 2).contains("apply --advice"));
        on.said(&["schema", "apply", "--advice", "--dry-run", "--only", "token"], 0);
        assert!(on.said(&["schema", "apply", "--advice"], 2).contains("add --yes"));
        assert_eq!(on.form().await, bare, "nothing is changed unasked");
        if on.adds_references() {
            // The reference brings its index on MariaDB.
            let added = if matches!(on, On::Postgres(_)) { "4 added" } else { "3 added" };
            assert!(on.said(&APPLY, 0).contains(added));
            assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
        } else {
            let text = on.said(&[&APPLY[..], &["--only", "user"]].concat(), 2);
            assert!(text.contains("takes a reference only when a table is made"), "{text}");
            assert!(on.said(&APPLY, 0).contains("2 added"));
            assert!(on.said(&["schema", "plan"], 1).contains("user_id is no foreign key"));
        }
        let log = std::fs::read_to_string(on.dir().join("state/audit/audit.jsonl")).unwrap();
        assert!(log.contains("schema advice"), "{log}");
        assert_ne!(on.form().await, bare);
        let text = on.said(&["schema", "rollback", "--dry-run"], 0);
        assert!(text.contains("drop index sessions_unleak_unique"), "{text}");
        on.said(&["schema", "rollback", "--yes"], 0);
        assert_eq!(on.form().await, bare, "it ends where it began");
        assert!(on.said(&["schema", "rollback", "--yes"], 2).contains("is recorded in"));
    }
}

#[tokio::test]
async fn rows_in_the_way_are_counted_and_the_procedure_is_named() {
    for on in On::all().await {
        on.run(IN_THE_WAY).await;
        let bare = on.form().await;
        let text = on.said(&APPLY, 2);
        assert!(text.contains("1 rows stand in the way: `unleak sessions dedupe`"), "{text}");
        assert!(!on.adds_references() || text.contains("`unleak sessions orphans`"), "{text}");
        assert_eq!(on.form().await, bare);
        on.said(&["sessions", "dedupe", "--yes"], 0);
        on.said(&["sessions", "orphans", "--yes", "--max-share", "100"], 0);
        on.said(&APPLY, 0);
    }
}

/// What the application has itself is neither added again nor dropped.
#[tokio::test]
async fn keys_of_the_application_stay() {
    for on in On::all().await {
        on.run("CREATE INDEX own ON sessions (expires)").await;
        let bare = on.form().await;
        on.said(&[&APPLY[..], &["--only", "token"]].concat(), 0);
        on.said(&["schema", "rollback", "--yes"], 0);
        assert_eq!(on.form().await, bare);
        on.run("CREATE INDEX sessions_unleak_unique ON sessions (user_id)").await;
        let taken = on.form().await;
        let text = on.said(&[&APPLY[..], &["--only", "token"]].concat(), 2);
        assert!(text.contains("has a key named sessions_unleak_unique already"), "{text}");
        assert_eq!(on.form().await, taken);
    }
}

/// A reference that was added and never checked, and an index whose build was stopped, are finished and still dropped by
/// a rollback.
#[tokio::test]
async fn what_a_stopped_run_left_half_done_is_finished() {
    let [on, ..] = On::all().await;
    let bare = on.form().await;
    for step in ["create index sessions_unleak_unique", "create constraint sessions_unleak_user"] {
        drop(on.unleak(&[&APPLY[..], &["--fault", &format!("{step}:begun")]].concat()));
    }
    on.run(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_unleak_expiry'::regclass; \
         ALTER TABLE sessions ADD CONSTRAINT sessions_unleak_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID",
    )
    .await;
    let text = on.said(&APPLY, 0);
    assert!(text.contains("validate constraint sessions_unleak_user"), "{text}");
    assert!(on.said(&["schema", "plan"], 0).contains("lacks nothing"));
    on.said(&["schema", "rollback", "--yes"], 0);
    assert_eq!(on.form().await, bare);
}

/// What a server process still builds, although its client died, is waited for and taken as it is.
#[tokio::test]
async fn an_index_that_is_being_built_is_not_dropped() {
    let [on, ..] = On::all().await;
    let On::Postgres(table) = &on else { unreachable!("the first is PostgreSQL") };
    let mut holder = sqlx::PgConnection::connect(&on.url()).await.unwrap();
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users";
    sqlx::raw_sql(snapshot).execute(&mut holder).await.unwrap();
    let mut builder = sqlx::PgConnection::connect(&on.url()).await.unwrap();
    let build = "CREATE UNIQUE INDEX CONCURRENTLY sessions_unleak_unique ON sessions (session_token)";
    let built = tokio::spawn(async move { sqlx::raw_sql(build).execute(&mut builder).await.map(drop) });
    let begun = "SELECT c.oid::text FROM pg_class c JOIN pg_stat_progress_create_index p ON p.index_relid = c.oid \
        WHERE c.relname = 'sessions_unleak_unique'";
    let index = loop {
        if let [index] = &table.texts(begun).await[..] {
            break index.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let mut child = table.command(&["apply", "--advice", "--yes", "--only", "token"]).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("others hold the lock") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it must wait");
    }
    // Another one is kept away meanwhile.
    assert!(on.said(&[&APPLY[..], &["--only", "expiry"]].concat(), 2).contains("another"));
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    built.await.unwrap().unwrap();
    assert_eq!(table.text("SELECT 'sessions_unleak_unique'::regclass::oid::text").await, index);
}

/// A table of tokens that the database could hold apart only by their beginnings.
#[tokio::test]
async fn a_column_that_takes_no_unique_index_is_told() {
    let [_, on, _] = On::all().await;
    on.run("ALTER TABLE sessions MODIFY session_token text NOT NULL").await;
    let text = on.said(&[&APPLY[..], &["--only", "token"]].concat(), 2);
    assert!(text.contains("make it a varchar first"), "{text}");
    let text = on.said(&APPLY, 0);
    assert!(text.contains("make it a varchar first") && text.contains("2 added"), "{text}");
}

/// The hardened table can lack an index on its end as well, and its two journals do not mix.
#[tokio::test]
async fn the_hardened_table_takes_advice_too() {
    let table =
        Table::with(&format!("{BASE}; ALTER TABLE auth_sessions ALTER COLUMN expires_at SET NOT NULL")).await;
    let bare = table.dump();
    table.said(&["apply", "--yes", "--no-backup"], 0);
    let hardened = table.dump();
    assert!(table.said(&["plan", "--advice"], 1).contains("no index begins with expires_at"));
    table.said(&["apply", "--advice", "--yes"], 0);
    assert!(table.said(&["plan", "--advice"], 0).contains("lacks nothing"));
    table.said(&["rollback", "--advice", "--yes"], 0);
    assert_eq!(table.dump(), hardened);
    table.said(&["rollback", "--yes"], 0);
    assert_eq!(table.dump(), bare);
}

/// What was done to a file is known however its path is written.
#[cfg(unix)]
#[tokio::test]
async fn a_file_is_the_same_however_its_path_is_written() {
    let [.., on] = On::all().await;
    let (bare, dir) = (on.form().await, on.dir());
    std::os::unix::fs::symlink(dir.join("app.db"), dir.join("link.db")).unwrap();
    std::fs::create_dir(dir.join("below")).unwrap();
    let whole = dir.join("app.db").display().to_string();
    let spellings = [
        "sqlite:app.db".to_owned(),
        "sqlite:./below/../app.db".to_owned(),
        "sqlite:link.db".to_owned(),
        format!("sqlite:{whole}"),
        format!("sqlite://{whole}"),
        format!("sqlite://{whole}?mode=rwc"),
    ];
    let said = |spelling: &str, args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().env("HOME", dir).current_dir(dir).args(args).args(["--store", spelling]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{spelling}: {}", super::table::said(&output));
        super::table::said(&output)
    };
    for (one, other) in spellings.iter().zip(spellings.iter().cycle().skip(1)) {
        said(one, &["schema", "apply", "--advice", "--yes"]);
        assert!(
            said(other, &["schema", "rollback", "--yes"]).contains("2 steps undone"),
            "{one} then {other}"
        );
        assert_eq!(on.form().await, bare);
    }
}
