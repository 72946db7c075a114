//! What procedures and restores refuse rather than do wrongly, and how they end when something fails late.

use super::commands::{exit, said};
use super::place::{Place, TABLES};
use unleak::session::{Error, Selection, UsersWanted};

/// Two sessions each of two users, and one expired.
const SESSIONS: &str = r"INSERT INTO sessions VALUES
    ('tok-1', 1, '2100-01-01 00:00:00', NULL, NULL), ('tok-2', 1, '2100-01-01 00:00:00', NULL, NULL),
    ('tok-3', 2, '2100-01-01 00:00:00', NULL, NULL), ('tok-4', 2, '2001-01-01 00:00:00', NULL, NULL)";

fn content() -> String {
    format!("{TABLES}; {SESSIONS}")
}

#[tokio::test]
async fn only_a_flag_or_a_time_tells_who_is_gone() {
    for (columns, values, gone) in [
        ("disabled text", "'no'), (2, 'yes'", None),
        ("banned numeric", "0), (2, 1", None),
        ("suspended text, deleted_at timestamp", "'no', NULL), (2, 'no', NULL", None),
        ("is_active boolean", "true), (2, false", Some(2)),
        ("is_active boolean, deleted_at timestamp", "true, NULL), (2, true, '2026-01-01'", Some(2)),
        ("is_active boolean, deleted_at timestamp", "false, NULL), (2, true, '2026-01-01'", Some(4)),
        ("deleted_at text", "''), (2, '2026-01-01'", Some(2)),
        ("disabled integer", "0), (2, 1", Some(2)),
    ] {
        let sql = format!(
            "{}; DROP TABLE users; CREATE TABLE users (id integer PRIMARY KEY, {columns}); \
             INSERT INTO users VALUES (1, {values})",
            content()
        );
        for place in Place::some(&sql).await {
            let mut store = place.open().await;
            let users = store.users_table(&UsersWanted::default()).await.unwrap();
            match (store.count(&Selection::Disabled(users)).await, gone) {
                (Ok(count), Some(gone)) => assert_eq!(count, gone, "{columns} {values} on {}", place.name()),
                (Err(Error::Column { .. }), None) => {}
                (result, _) => panic!("{columns} {values} on {}: {result:?}", place.name()),
            }
        }
    }
}

#[tokio::test]
async fn a_share_bounds_what_disabled_users_lose() {
    let place = Place::sqlite(&content()).await;
    place.run("UPDATE users SET deleted_at = '2026-01-01'").await;
    let refused = place.sessions(&["stale", "--disabled", "--yes"]);
    assert_eq!(exit(&refused), 2);
    assert!(said(&refused).contains("more than 20 %"), "{}", said(&refused));
    assert_eq!(exit(&place.sessions(&["stale", "--disabled", "--yes", "--max-share", "100"])), 0);
}

#[tokio::test]
async fn what_expires_on_laravel_is_not_guessed() {
    let now = jiff::Timestamp::now().as_second();
    let place = Place::sqlite(&format!(
        "CREATE TABLE sessions (id text PRIMARY KEY, user_id integer, ip_address text, user_agent text, payload text, \
         last_activity integer); INSERT INTO sessions (id, last_activity) VALUES ('tok-1', {now} - 10000)"
    ))
    .await;
    let refused = place.sessions(&["expired", "--yes"]);
    assert_eq!(exit(&refused), 2);
    assert!(said(&refused).contains("--lifetime MINUTES"), "{}", said(&refused));
    let plan = said(&place.sessions(&["expired", "--dry-run", "--lifetime", "43200"]));
    assert!(
        plan.contains("delete  0 of them") && plan.contains("43200 minutes after their last use"),
        "{plan}"
    );
    for command in ["check", "list", "stats"] {
        assert!(
            said(&place.sessions(&[command])).contains("120 minutes after their last use (assumed"),
            "{command}"
        );
    }
    assert_eq!(place.json(&["expired", "--yes", "--lifetime", "60"], 0)["report"]["deleted"], 1);
    let other = Place::sqlite(&content()).await;
    assert_eq!(exit(&other.sessions(&["expired", "--yes", "--lifetime", "60"])), 2);
}

#[tokio::test]
async fn triggers_on_delete_are_refused_by_name() {
    let function = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'";
    for place in Place::some(&content()).await {
        if place.name() == "SQLite" {
            place.run("CREATE TRIGGER made AFTER INSERT ON sessions BEGIN DELETE FROM users; END").await;
            assert!(place.open().await.preflight().await.is_ok());
            place.run("CREATE TRIGGER \"keep insert\" BEFORE DELETE ON sessions BEGIN SELECT RAISE(IGNORE); END").await;
        } else if place.name() == "MariaDB" {
            place
                .run("CREATE TRIGGER \"keep insert\" BEFORE DELETE ON sessions FOR EACH ROW SET @kept = 1")
                .await;
        } else {
            place
                .run(&format!(
                    "{function}; CREATE TRIGGER \"keep insert\" BEFORE DELETE ON sessions \
                FOR EACH ROW EXECUTE FUNCTION keep()"
                ))
                .await;
        }
        let refused = place.sessions(&["purge", "--yes"]);
        assert_eq!(exit(&refused), 2);
        assert!(said(&refused).contains("the trigger keep insert"), "{}", said(&refused));
        if place.name() == "PostgreSQL" {
            place.run("ALTER TABLE sessions DISABLE TRIGGER ALL; CREATE RULE kept AS ON DELETE TO sessions DO INSTEAD NOTHING").await;
            assert!(said(&place.sessions(&["purge", "--yes"])).contains("the rule kept"));
        }
    }
}

#[tokio::test]
async fn tables_without_row_ids_are_told_apart_by_their_key() {
    let sql = "CREATE TABLE sessions (\"sessionToken\" text PRIMARY KEY, \"userId\" integer, expires timestamp) WITHOUT ROWID; \
        INSERT INTO sessions VALUES ('tok-1', 1, '2001-01-01'), ('tok-2', 1, '2001-01-01'), ('tok-3', 2, '2100-01-01')";
    let place = Place::sqlite(sql).await;
    assert_eq!(place.json(&["list"], 0)["total"], 3);
    let done = place.json(&["expired", "--yes", "--batch", "1"], 0);
    assert_eq!(done["report"]["backups"].as_array().unwrap().len(), 2);
    assert_eq!(place.tokens().await, ["tok-3"]);
    let sql = sql
        .replace("text PRIMARY KEY", "text")
        .replace("expires timestamp", "expires timestamp, PRIMARY KEY (\"sessionToken\", \"userId\")");
    let place = Place::sqlite(&sql).await;
    let refused = place.sessions(&["purge", "--yes"]);
    assert!(exit(&refused) == 2 && said(&refused).contains("no row ids"), "{}", said(&refused));
}

#[tokio::test]
async fn a_restore_goes_where_the_backup_came_from_and_revives_nobody() {
    let place = Place::sqlite(&content()).await;
    let backup = |done: &serde_json::Value| done["report"]["backups"][0]["path"].as_str().unwrap().to_owned();
    let incident = backup(&place.json(&["expired", "--yes", "--incident", "INC-20261122-001"], 0));
    assert!(said(&place.sessions(&["restore", &incident, "--yes"])).contains("--revive"));
    assert_eq!(exit(&place.sessions(&["restore", &incident, "--yes", "--revive"])), 0);
    let old = backup(&place.json(&["user", "2", "--yes"], 0));
    assert!(said(&place.sessions(&["restore", &old, "--yes"])).contains("--revive"));
}

#[tokio::test]
async fn a_backup_of_another_store_needs_a_word() {
    let place = Place::sqlite(&content()).await;
    let done = place.json(&["expired", "--yes"], 0);
    let file = done["report"]["backups"][0]["path"].as_str().unwrap().to_owned();
    let from = place.dir.path().join("app.db");
    std::fs::copy(&from, place.dir.path().join("other.db")).unwrap();
    let other = format!("sqlite:{}", place.dir.path().join("other.db").display());
    let restore = ["sessions", "restore", &file, "--yes", "--store", &other];
    let refused = place.unleak(&restore);
    assert!(exit(&refused) == 2 && said(&refused).contains("--elsewhere"), "{}", said(&refused));
    let done = place.unleak(&[&restore[..], &["--elsewhere"]].concat());
    assert_eq!(exit(&done), 0, "{}", said(&done));
    assert!(said(&place.unleak(&["audit", "show"])).lines().last().unwrap().contains("other.db"));
    assert_eq!(place.tokens().await.len(), 3);
}

#[tokio::test]
async fn lengths_ids_and_names_are_read_as_they_are_meant() {
    let place = Place::sqlite(&content()).await;
    for args in [
        &["stale", "--idle", "4000000000d", "--dry-run"][..],
        &["stats", "--soon", "4000000000d"],
        &["check", "--soon", "4000000000d"],
        &["list", "--expiring", "4000000000d"],
        &["purge", "--yes", "--incident", "a\u{1b}[2Jb"],
    ] {
        assert_eq!(exit(&place.sessions(args)), 2, "{args:?}");
    }
    place.run("UPDATE users SET name = '\u{c4}rzte [a]?' WHERE id = 1").await;
    for name in ["\u{e4}rzte*", "\u{c4}RZTE [A]?", "*\u{c4}rzte*"] {
        let plan = place.json(&["user", "--name", name, "--dry-run"], 0);
        assert_eq!(plan["plan"]["selected"], 2, "{name}");
    }
    assert_eq!(exit(&place.sessions(&["user", "--name", "\u{e4}rzte [b]*", "--dry-run"])), 2);
}

#[tokio::test]
async fn monitoring_is_told_what_is_not_known() {
    let place = Place::sqlite(&content()).await;
    let nagios =
        place.unleak(&["sessions", "check", "--format", "nagios", "--store", "sqlite:/nowhere/app.db"]);
    assert_eq!(exit(&nagios), 3);
    assert!(String::from_utf8_lossy(&nagios.stdout).starts_with("SESSIONS UNKNOWN: "), "{}", said(&nagios));
    place.run("INSERT INTO sessions VALUES ('tok-1', NULL, '2100-01-01 00:00:00', NULL, NULL)").await;
    assert_eq!(place.json(&["check"], 1)["facts"]["shared_tokens"], 1);
    // The audit log's last line as a full disk leaves it.
    assert_eq!(exit(&place.sessions(&["dedupe", "--yes", "--add-index"])), 0);
    let shown = said(&place.unleak(&["audit", "show"]));
    assert!(shown.contains("1 of 1 steps: create index sessions_unleak_unique"), "{shown}");
    let log = place.dir.path().join("state/audit/audit.jsonl");
    let text = std::fs::read(&log).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(&log).unwrap(), &text[..text.len() - 9]).unwrap();
    let cut = place.unleak(&["audit", "verify"]);
    assert!(exit(&cut) == 3 && said(&cut).contains("cut off"), "{}", said(&cut));
}
