//! `unleak sessions` and `unleak audit` as an operator runs them, on every database.

use super::place::{Place, TABLES};
use std::process::{Command, Output, Stdio};

/// Three of Ada's, of which one is expired; one token of two users; one of nobody who exists.
const SESSIONS: &str = r"INSERT INTO sessions VALUES
    ('tok-ada-1', 1, '2100-01-01 00:00:00', '2026-01-01 00:00:00', 1767225600),
    ('tok-ada-2', 1, '2100-01-02 00:00:00', '2026-01-01 00:00:00', 1767225600),
    ('tok-ada-3', 1, '2001-01-01 00:00:00', '2001-01-01 00:00:00', 978307200),
    ('tok-shared', 1, '2100-01-01 00:00:00', '2026-01-01 00:00:00', 1767225600),
    ('tok-shared', 2, '2100-01-02 00:00:00', '2026-01-01 00:00:00', 1767225600),
    ('tok-gone', 99, '2100-01-01 00:00:00', '2026-01-01 00:00:00', 1767225600)";

impl Place {
    /// Runs `unleak` on this store.
    pub(super) fn unleak(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("USER", "ada")
            .current_dir(self.dir.path())
            .args(args);
        command.arg("--state").arg(self.dir.path().join("state"));
        command.output().unwrap()
    }

    pub(super) fn sessions(&self, args: &[&str]) -> Output {
        let source = self.dir.path().join("url");
        std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), self.url().as_bytes())
            .unwrap();
        let from = format!("file:{}", source.display());
        let output = self.unleak(&[&["sessions"], args, &["--store-from", &from]].concat());
        let text = said(&output);
        assert!(!text.contains("tok-"), "a token is shown: {text}");
        output
    }

    pub(super) fn json(&self, args: &[&str], exit: i32) -> serde_json::Value {
        let output = self.sessions(&[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(exit), "{args:?} on {}: {}", self.name(), said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(super) fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

async fn places() -> Vec<Place> {
    Place::every(&format!("{TABLES}; {SESSIONS}")).await
}

#[tokio::test]
async fn a_plan_changes_nothing_and_without_an_answer_nothing_is_deleted() {
    for place in places().await {
        for (args, selected) in [
            (&["purge"][..], 6),
            (&["user", "1"], 4),
            (&["user", "--name", "*byron"], 4),
            (&["user", "--email", "BRUNO@example.org"], 1),
            (&["dedupe"], 2),
            (&["orphans"], 1),
            (&["expired"], 1),
            (&["stale", "--before", "2025-01-01"], 1),
            (&["stale", "--idle", "9000d"], 1),
            (&["stale", "--disabled"], 0),
        ] {
            let plan = place.json(&[args, &["--dry-run"]].concat(), 0);
            assert_eq!(plan["plan"]["selected"], selected, "{args:?} on {}", place.name());
            if selected > 0 {
                let refused = place.sessions(args);
                assert_eq!(exit(&refused), 2, "{args:?}: {}", said(&refused));
                assert!(said(&refused).contains("add --yes"), "{}", said(&refused));
            }
        }
        assert_eq!(place.tokens().await.len(), 6);
    }
}

#[tokio::test]
async fn each_procedure_deletes_backs_up_and_is_recorded() {
    for place in places().await {
        let done = place.json(&["orphans", "--yes", "--incident", "INC-20261122-001"], 0);
        assert_eq!((&done["report"]["deleted"], &done["report"]["selected_after"]), (&1.into(), &0.into()));
        let done = place.json(&["dedupe", "--yes", "--add-index"], 0);
        assert_eq!(done["report"]["deleted"], 2, "both rows of a token that two users have");
        assert_eq!(place.tokens().await, ["tok-ada-1", "tok-ada-2", "tok-ada-3"]);
        assert!(said(&place.sessions(&["dedupe", "--yes"])).contains("there already"));
        let done = place.json(&["user", "1", "--yes", "--batch", "2"], 0);
        assert_eq!(
            (&done["report"]["deleted"], done["report"]["backups"].as_array().unwrap().len()),
            (&3.into(), 2)
        );
        assert!(place.tokens().await.is_empty());

        let shown = said(&place.unleak(&["audit", "show"]));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 8, "{shown}");
        assert!(lines[0].contains("ada") && lines[0].contains("sessions orphans begun"), "{shown}");
        assert!(lines[1].contains("INC-20261122-001") && lines[7].contains("3 deleted"), "{shown}");
        assert!(!shown.contains("tok-") && !shown.contains("example.org"), "{shown}");
        let verified = place.unleak(&["audit", "verify"]);
        assert_eq!(exit(&verified), 0);
        let log = place.dir.path().join("state/audit/audit.jsonl");
        let text = std::fs::read_to_string(&log).unwrap().replacen("3 deleted", "0 deleted", 1);
        std::io::Write::write_all(&mut std::fs::File::create(&log).unwrap(), text.as_bytes()).unwrap();
        assert_eq!(exit(&place.unleak(&["audit", "verify"])), 6);
    }
}

#[tokio::test]
async fn a_restore_revives_nobody_unless_told() {
    for place in places().await {
        let before = place.tokens().await;
        let purged = place.json(&["purge", "--yes"], 0);
        let file = purged["report"]["backups"][0]["path"].as_str().unwrap().to_owned();
        let refused = place.sessions(&["restore", &file, "--yes"]);
        assert_eq!(exit(&refused), 2);
        assert!(said(&refused).contains("--revive"), "{}", said(&refused));
        assert!(place.tokens().await.is_empty());
        assert_eq!(exit(&place.sessions(&["restore", &file, "--yes", "--revive"])), 0);
        assert_eq!(place.tokens().await, before);

        // What was over anyway comes back without a word.
        let expired = place.json(&["expired", "--yes"], 0);
        let file = expired["report"]["backups"][0]["path"].as_str().unwrap().to_owned();
        assert_eq!(exit(&place.sessions(&["restore", &file, "--yes"])), 0);
        assert_eq!(place.tokens().await, before);

        let listed = said(&place.unleak(&["sessions", "backups"]));
        assert_eq!(listed.lines().count(), 2, "{listed}");
        assert!(listed.contains("6 rows  all") && listed.contains("ada"), "{listed}");
        let pruned = place.unleak(&["sessions", "backups", "prune", "--yes"]);
        assert!(said(&pruned).contains("0 files removed"), "{}", said(&pruned));
    }
}

#[tokio::test]
async fn a_list_shows_fingerprints_and_one_of_them_deletes_its_session() {
    for place in places().await {
        let list = place.json(&["list", "--user", "1", "--status", "active", "--limit", "2"], 0);
        assert_eq!((&list["total"], &list["pages"]), (&3.into(), &2.into()));
        assert_eq!(list["sessions"][0]["user"], "1");
        assert_eq!(list["sessions"][0]["expires"], "2100-01-01T00:00:00Z");
        assert_eq!(place.json(&["list", "--status", "expired"], 0)["total"], 1);
        assert_eq!(place.json(&["list", "--expiring", "24h"], 0)["total"], 0);
        let expired = place.json(&["list", "--status", "expired"], 0);
        let fingerprint = expired["sessions"][0]["fingerprint"].as_str().unwrap().to_owned();
        assert_eq!(place.json(&["delete", &fingerprint, "--yes"], 0)["report"]["deleted"], 1);
        assert!(!place.tokens().await.contains(&"tok-ada-3".to_owned()));
        assert_eq!(exit(&place.sessions(&["delete", &fingerprint, "--yes"])), 2);
    }
}

#[tokio::test]
async fn orphans_of_a_wrong_users_table_are_refused() {
    for place in places().await {
        let refused = place.sessions(&["orphans", "--max-share", "10", "--yes"]);
        assert!(
            said(&refused).contains("1 of 6 sessions are selected, more than 10 %"),
            "{}",
            said(&refused)
        );
        place.run("DELETE FROM users").await;
        let refused = place.sessions(&["orphans", "--max-share", "100", "--yes"]);
        assert_eq!(exit(&refused), 2);
        assert!(said(&refused).contains("is empty"), "{}", said(&refused));
        place.run("ALTER TABLE users RENAME TO people").await;
        let refused = place.sessions(&["orphans", "--yes"]);
        assert!(said(&refused).contains("--users-table"), "{}", said(&refused));
        assert_eq!(place.tokens().await.len(), 6);
    }
}

#[tokio::test]
async fn a_check_tells_trouble_and_is_well_afterwards() {
    for place in places().await {
        let check = place.json(&["check"], 1);
        let state = |check: &serde_json::Value, name: &str| {
            let points = check["points"].as_array().unwrap();
            points.iter().find(|point| point["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
        };
        for (name, wanted) in [
            ("duplicates", "critical"),
            ("shared_tokens", "critical"),
            ("orphans", "warning"),
            ("expired", "ok"),
            ("per_user", "ok"),
        ] {
            assert_eq!(state(&check, name), wanted, "{name} on {}", place.name());
        }
        let nagios = place.sessions(&["check", "--format", "nagios"]);
        assert_eq!(exit(&nagios), 2);
        assert!(
            said(&nagios).starts_with("SESSIONS CRITICAL - 1 tokens have several rows (2)"),
            "{}",
            said(&nagios)
        );
        let prometheus = said(&place.sessions(&["check", "--format", "prometheus"]));
        assert!(prometheus.contains("\nunleak_sessions_orphans{table="), "{prometheus}");
        assert_eq!(place.json(&["stats"], 0)["facts"]["counts"]["total"], 6);
        for procedure in ["orphans", "dedupe"] {
            assert_eq!(exit(&place.sessions(&[procedure, "--yes", "--batch", "0"])), 0);
        }
        assert_eq!(exit(&place.sessions(&["check", "--max-per-user", "9"])), 0);
    }
}

#[tokio::test]
async fn a_purge_goes_in_batches_where_they_are_asked_for() {
    for place in places().await {
        let before = place.tokens().await;
        let done = place.json(&["purge", "--yes", "--batch", "4"], 0);
        let backups = done["report"]["backups"].as_array().unwrap();
        let rows: Vec<_> = backups.iter().map(|backup| backup["rows"].as_u64().unwrap()).collect();
        assert_eq!((&done["report"]["deleted"], rows), (&6.into(), vec![4, 2]), "{}", place.name());
        assert!(place.tokens().await.is_empty(), "{}", place.name());
        for backup in backups {
            let restored =
                place.sessions(&["restore", backup["path"].as_str().unwrap(), "--yes", "--revive"]);
            assert_eq!(exit(&restored), 0, "{}: {}", place.name(), said(&restored));
        }
        assert!(place.tokens().await == before, "{}", place.name());
    }
}

#[test]
fn triage_names_the_procedure() {
    let output = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
        command.env_clear().args(["sessions", "triage"]).args(args).stdin(Stdio::null()).output().unwrap()
    };
    let run = |args: &[&str]| said(&output(args));
    assert!(run(&["--leak", "--orphans"]).starts_with("P0 critical: act now"));
    assert!(run(&["--duplicates"]).contains("sessions dedupe --add-index"));
    assert!(run(&["--nothing"]).starts_with("P3"));
    // Who says nothing is told nothing: an empty input is no report that all is well.
    for args in [&[][..], &["--format", "json"]] {
        let silent = output(args);
        assert_eq!((exit(&silent), silent.stdout.len()), (2, 0), "{}", said(&silent));
        assert!(said(&silent).contains("--nothing"), "{}", said(&silent));
    }
    assert_eq!(exit(&output(&["--nothing", "--leak"])), 2);
}

/// What is live depends on the zone, so nothing is deleted until somebody says which one holds.
#[tokio::test]
async fn a_zone_that_matters_must_be_named() {
    let place = Place::both(TABLES).await.remove(0);
    let name = place.texts("SELECT current_database()::text").await.remove(0);
    place
        .run(&format!(
            "ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'; \
             INSERT INTO sessions VALUES ('tok-1', 1, (now() AT TIME ZONE 'UTC') + interval '3 hours', NULL, NULL)"
        ))
        .await;
    let refused = place.sessions(&["expired", "--yes"]);
    assert_eq!(exit(&refused), 2);
    let text = said(&refused);
    assert!(text.contains("0 sessions are selected in UTC, 1 in the server's zone Asia/Tokyo"), "{text}");
    assert_eq!(place.json(&["expired", "--yes", "--zone", "UTC"], 0)["report"], serde_json::Value::Null);
    assert_eq!(place.json(&["expired", "--yes", "--zone", "Asia/Tokyo"], 0)["report"]["deleted"], 1);
    assert!(
        said(&place.sessions(&["expired", "--zone", "Mars/Base"]))
            .contains("no time zone that this store knows")
    );
}
