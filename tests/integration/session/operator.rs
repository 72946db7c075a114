//! What an operator asks besides the procedures: an own table in the configuration, networks, watch, logs.

use super::commands::{exit, said};
use super::place::{Place, TABLES};
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// As `auth_sessions` has them, with what tells from where a session is used.
const USED_FROM: &str = r"CREATE TABLE auth_sessions (id varchar(36) PRIMARY KEY, user_id varchar(36), family_id varchar(36),
    expires_at timestamp, last_ip_cidr varchar(50), device_hash varchar(64));
    INSERT INTO auth_sessions VALUES ('tok-1', 'u', 'f', '2099-01-01 00:00:00', '10.1.2.0/24', 'aa'),
    ('tok-2', 'u', 'f', '2099-01-01 00:00:00', '192.168.7.1', 'AA'), ('tok-3', 'u', 'f', '2099-01-01 00:00:00', '2001:db8::1', 'bb'),
    ('tok-4', 'u', 'f', '2099-01-01 00:00:00', NULL, NULL), ('tok-5', 'u', 'f', '2099-01-01 00:00:00', 'unknown', 'aa')";

#[tokio::test]
async fn sessions_of_a_network_or_a_device_are_ended() {
    for place in Place::every(USED_FROM).await {
        for (args, selected) in [
            (["--network", "10.0.0.0/8"], 1),
            (["--network", "10.1.2.0/25"], 0),
            (["--network", "0.0.0.0/0"], 2),
            (["--network", "2001:db8::/32"], 1),
            (["--device", "aa"], 2),
            (["--device", "aa' OR '1'='1"], 0),
        ] {
            let plan = place.json(&[&["stale", "--dry-run"], &args[..]].concat(), 0);
            assert_eq!(plan["plan"]["selected"], selected, "{args:?} on {}", place.name());
        }
        assert_eq!(place.json(&["stale", "--network=10.1.2.0/24", "--yes"], 0)["report"]["deleted"], 1);
        assert_eq!(place.json(&["stale", "--device=aa", "--yes"], 0)["report"]["deleted"], 1);
        assert_eq!(exit(&place.sessions(&["stale", "--network", "10.0.0.0/33"])), 2);
    }
    let place = Place::sqlite(TABLES).await;
    let refused = place.sessions(&["stale", "--network", "10.0.0.0/8", "--dry-run"]);
    assert!(said(&refused).contains("no column with the client's address"), "{}", said(&refused));
}

const OWN: &str = r"CREATE TABLE people (nr integer PRIMARY KEY, name varchar(50), gone integer);
    CREATE TABLE logins (secret varchar(50) PRIMARY KEY, who integer, until bigint);
    INSERT INTO people VALUES (1, 'Ada', 0), (2, 'Bob', 1);
    INSERT INTO logins VALUES ('tok-1', 1, 4102444800000), ('tok-2', 2, 1000), ('tok-3', 9, 4102444800000), ('tok-4', 1, 4102444800000)";

impl Place {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path.display().to_string()
    }
}

#[tokio::test]
async fn an_own_table_is_described_in_the_configuration() {
    for place in Place::every(OWN).await {
        let told = "sessions: {table: logins, token: secret, user: who, expiry: until, unit: milliseconds, \
                    users_table: people, users_id: nr, disabled: gone, thresholds: {per_user: 1.5, of_one: 1}}";
        let config = place.write("own.yaml", told);
        let own = ["--config", &config, "--dialect", "custom"];
        let run = |args: &[&str], code| place.json(&[args, &own[..]].concat(), code);
        let counts = &run(&["stats"], 0)["facts"]["counts"];
        assert_eq!((&counts["total"], &counts["expired"]), (&4.into(), &1.into()), "{}", place.name());
        for (args, selected) in [
            (&["expired", "--dry-run"][..], 1),
            (&["orphans", "--dry-run", "--max-share=50"], 1),
            (&["stale", "--disabled", "--dry-run", "--max-share=50"], 1),
            (&["user", "--name=ada", "--dry-run"], 2),
        ] {
            assert_eq!(run(args, 0)["plan"]["selected"], selected, "{args:?} on {}", place.name());
        }
        let check = run(&["check"], 1);
        let state = |check: &serde_json::Value, name: &str| {
            let points = check["points"].as_array().unwrap();
            points.iter().find(|point| point["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
        };
        assert_eq!(state(&check, "most"), "warning");
        // The command line wins.
        assert_eq!(state(&run(&["check", "--max-of-one=2"], 1), "most"), "ok");
        // Whoever names the file means its table: another one is not taken for it.
        let plain = place.sessions(&["stats", "--config", &config]);
        assert_eq!(exit(&plain), 2);
        assert!(said(&plain).contains("which only --dialect custom means"), "{}", said(&plain));
        let wrong = place.write("wrong.yaml", &told.replace("token", "tokn"));
        let refused = place.sessions(&["stats", "--dialect=custom", "--config", &wrong]);
        assert_eq!(exit(&refused), 2);
        assert!(
            said(&refused).contains("unknown field `tokn`") && said(&refused).contains("`sessions: {"),
            "{}",
            said(&refused)
        );
        let bare = place.sessions(&["stats", "--dialect=custom"]);
        assert!(said(&bare).contains("sessions: {table:"), "{}", said(&bare));
        // What merely lies there does not say whose sessions end, and that is told.
        place.write(".unleak.yaml", told);
        let own = place.sessions(&["orphans", "--dry-run", "--dialect=custom"]);
        let passed_over = "users_table, users_id, disabled is passed over";
        assert!(said(&own).contains(passed_over), "{}", said(&own));
        assert_eq!(run(&["expired", "--yes"], 0)["report"]["deleted"], 1);
    }
}

#[tokio::test]
async fn a_watch_tells_what_came_and_went() {
    let place = Place::sqlite(&format!(
        "{TABLES}; INSERT INTO sessions VALUES ('tok-1', 1, '2099-01-01', NULL, NULL), ('tok-2', 1, '2099-01-01', NULL, NULL)"
    ))
    .await;
    let url = place.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().current_dir(place.dir.path()).args([
        "sessions",
        "watch",
        "--interval=1",
        "--format=json",
    ]);
    let mut child = command.args(["--count=3", "--store", &url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut glance =
        || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let first = glance();
    assert_eq!(
        (&first["glance"]["counts"]["total"], &first["glance"]["change"]),
        (&2.into(), &serde_json::Value::Null)
    );
    place.run("DELETE FROM sessions WHERE \"sessionToken\" = 'tok-1'; INSERT INTO sessions VALUES \
        ('tok-3', 1, '2099-01-01', NULL, NULL), ('tok-4', 1, '2099-01-01', NULL, NULL), ('tok-4', 2, '2099-01-01', NULL, NULL)").await;
    // It may have come between two looks, or in one.
    let (second, third) = (glance(), glance());
    let sum = |name: &str| {
        let of = |glance: &serde_json::Value| glance["glance"]["change"]["told"][name].as_u64().unwrap();
        of(&second) + of(&third)
    };
    assert_eq!((sum("new"), sum("ended")), (2, 1));
    assert_eq!(third["glance"]["anomalies"][0]["name"], "duplicates");
    assert_eq!(child.wait().unwrap().code(), Some(1), "a token of two users is critical");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_watch_ends_well() {
    let place = Place::sqlite(TABLES).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().current_dir(place.dir.path()).args([
        "sessions",
        "watch",
        "--interval=600",
        "--store",
        &place.url(),
    ]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert!(
        line.contains("0 sessions (0 active, 0 expired), first look; well") && !line.contains('\x1b'),
        "{line}"
    );
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn logs(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().current_dir(std::env::temp_dir()).args(["sessions", "logs"]).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn logs_are_searched_and_no_line_is_shown() {
    let log = b"start\n[SESSION-CALLBACK] User ID mismatch tok-1 ada@example.org\n[SESSION-CALLBACK] User not found\n\xff\xfe\n";
    let found = logs(&["-"], log);
    assert_eq!(exit(&found), 1);
    let text = said(&found);
    assert!(text.contains("critical  1  [SESSION-CALLBACK] User ID mismatch (line 2)"), "{text}");
    assert!(text.contains("warning   1  [SESSION-CALLBACK] User not found (line 3)"), "{text}");
    assert!(!text.contains("tok-1") && !text.contains("example.org"), "{text}");
    assert_eq!(exit(&logs(&["-"], b"[AUTH-ADAPTER] Error creating user\n")), 0, "a warning is no finding");
    assert_eq!(
        exit(&logs(&["-", "--critical", "error CREATING"], b"[AUTH-ADAPTER] Error creating user\n")),
        1
    );
    assert_eq!(exit(&logs(&["-", "--critical", ""], b"")), 2);

    let dir = tempfile::tempdir().unwrap();
    let packed = dir.path().join("app.log.1.gz");
    let mut encoder = GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    encoder.write_all(log).unwrap();
    encoder.finish().unwrap();
    let missing = dir.path().join("none.log").display().to_string();
    let found = logs(&[packed.to_str().unwrap(), &missing, "--format=json"], b"");
    assert_eq!(exit(&found), 1);
    let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&report["critical"], &report["unread"]), (&1.into(), &1.into()));
    assert_eq!(exit(&logs(&[&missing], b"")), 3, "what could not be read is no all-clear");
    let config = dir.path().join("own.yaml");
    std::fs::File::create(&config).unwrap().write_all(b"sessions: {logs: {critical: [boot]}}").unwrap();
    assert_eq!(exit(&logs(&["-", "--config", config.to_str().unwrap()], b"BOOT\n")), 1);
}
