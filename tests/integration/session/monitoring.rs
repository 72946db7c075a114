//! `unleak sessions check` and `stats` as monitoring uses them: networks, growth, what a store can never tell.

use super::commands::{exit, said};
use super::place::{Place, TABLES};
use serde_json::Value;

fn point<'a>(check: &'a Value, name: &str) -> &'a Value {
    let points = check["points"].as_array().unwrap();
    points.iter().find(|point| point["name"] == name).unwrap_or(&Value::Null)
}

/// A user's sessions from many networks are those of a stolen or a shared account.
#[tokio::test]
async fn a_user_on_many_networks_is_told() {
    let mut rows = Vec::new();
    // Of the user 1 six networks, one of them twice; of 2 many addresses of one; of 3 six networks that are over.
    for n in 0..7 {
        rows.push(format!("('tok-1-{n}', 1, '2100-01-01 00:00:00', '10.{}.0.{n}')", n.min(5)));
        rows.push(format!("('tok-2-{n}', 2, '2100-01-01 00:00:00', '10.0.0.{n}')"));
        rows.push(format!("('tok-3-{n}', 3, '2001-01-01 00:00:00', '2001:db8:{n}::1')"));
    }
    let sql = format!(
        "CREATE TABLE users (id integer PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c'); \
         CREATE TABLE sessions (\"sessionToken\" text, \"userId\" integer, expires timestamp NOT NULL, ip_address varchar(45)); \
         INSERT INTO sessions VALUES {}",
        rows.join(", ")
    );
    for place in Place::every(&sql).await {
        let lenient = ["--max-of-one", "99", "--max-per-user", "99"];
        let check = place.json(&[&["check"], &lenient[..]].concat(), 1);
        let networks = point(&check, "networks");
        assert_eq!(
            (&networks["state"], &networks["value"]),
            (&"warning".into(), &6.0.into()),
            "{}",
            place.name()
        );
        assert_eq!(networks["text"], "1 users have active sessions on more than 5 networks: 1 on 6");
        let higher = place.json(&[&["check", "--max-networks", "6"], &lenient[..]].concat(), 0);
        assert_eq!(point(&higher, "networks")["state"], "ok", "{}", place.name());
        let stats = place.json(&["stats"], 0);
        assert_eq!(stats["facts"]["networks"]["most"], 6, "{}", place.name());
        // The configuration says the same.
        let config = place.dir.path().join("own.yaml");
        let text = "sessions: {thresholds: {networks: 6, of_one: 99, per_user: 99}}";
        std::io::Write::write_all(&mut std::fs::File::create(&config).unwrap(), text.as_bytes()).unwrap();
        let output = place.sessions(&["check", "--config", config.to_str().unwrap()]);
        assert_eq!(exit(&output), 0, "{}", said(&output));
        // Addresses that nobody can read are no sign that all is well.
        place.run("UPDATE sessions SET ip_address = 'somewhere ' || ip_address").await;
        if place.name() == "MariaDB" {
            place.run("UPDATE sessions SET ip_address = concat('somewhere', \"sessionToken\")").await;
        }
        let unread = place.json(&[&["check"], &lenient[..]].concat(), 3);
        assert_eq!(point(&unread, "networks")["state"], "not_checked", "{}", place.name());
    }
}

/// Moves what earlier looks saw into the past.
fn age(place: &Place, hours: i64) {
    let folder = place.dir.path().join("state/checks");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for look in kept["looks"].as_array_mut().unwrap() {
            let at: jiff::Timestamp = look["at"].as_str().unwrap().parse().unwrap();
            look["at"] = (at - jiff::SignedDuration::from_hours(hours)).to_string().into();
        }
        let mut file = std::fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut file, kept.to_string().as_bytes()).unwrap();
    }
}

/// So many sessions with tokens from a number on.
fn more(from: u32, count: u32) -> String {
    let row = |n| format!("('tok-{n}', 1, '2100-01-01 00:00:00', NULL, 0)");
    let rows: Vec<String> = (from..from + count).map(row).collect();
    format!("INSERT INTO sessions VALUES {}", rows.join(", "))
}

#[tokio::test]
async fn growth_is_told_from_what_earlier_checks_saw() {
    for place in Place::every(&format!("{TABLES}; {}", more(0, 2000))).await {
        let lenient = ["--max-of-one", "9999", "--max-per-user", "9999"];
        let check = |args: &[&str], code| place.json(&[&["check"], args, &lenient].concat(), code);
        let first = check(&[], 0);
        assert_eq!(point(&first, "growth")["state"], "not_applicable");
        assert_eq!(exit(&place.sessions(&[&["check", "--require", "growth"], &lenient[..]].concat())), 0);
        place.run(&more(2000, 1500)).await;
        // A moment later it is told, and judged by nobody.
        let soon = check(&[], 0);
        assert!(point(&soon, "growth")["text"].as_str().unwrap().starts_with("+1500 rows since 2"), "{soon}");
        age(&place, 24);
        let grown = check(&[], 1);
        assert_eq!(point(&grown, "growth")["state"], "warning", "{}", place.name());
        assert!(point(&grown, "growth")["text"].as_str().unwrap().contains("(+75 % a day)"), "{grown}");
        assert_eq!(point(&check(&["--max-growth", "500"], 0), "growth")["state"], "ok");
        let prometheus = said(&place.sessions(&["check", "--format", "prometheus"]));
        assert!(prometheus.contains("\nunleak_sessions_bytes{"), "{prometheus}");
        assert!(said(&place.sessions(&["stats"])).contains("+1500 rows since"), "{}", place.name());
        // What is kept is for nobody else, and holds no session.
        let folder = place.dir.path().join("state/checks");
        let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("tok-"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

/// connect-pg-simple has no users table: monitoring says so and is well, unless somebody insists.
#[tokio::test]
async fn what_a_schema_can_never_tell_is_said_and_is_not_unknown() {
    let sql = "CREATE TABLE session (sid varchar(64) PRIMARY KEY, sess json NOT NULL, expire timestamp NOT NULL); \
               INSERT INTO session VALUES ('tok-1', '{}', '2100-01-01 00:00:00')";
    let place = Place::both(sql).await.remove(0);
    let nagios = place.sessions(&["check", "--format", "nagios"]);
    let text = said(&nagios);
    assert_eq!(exit(&nagios), 0, "{text}");
    assert!(
        text.starts_with("SESSIONS OK - all points are well; not told by this store: orphans, per_user"),
        "{text}"
    );
    let human = place.sessions(&["check"]);
    assert_eq!(exit(&human), 0, "{}", said(&human));
    assert!(
        said(&human).contains("-         not checked: the users table was not found"),
        "{}",
        said(&human)
    );
    let prometheus = said(&place.sessions(&["check", "--format", "prometheus"]));
    assert!(
        prometheus.contains("point=\"duplicates\"} 0") && !prometheus.contains("point=\"orphans\""),
        "{prometheus}"
    );

    let insisted = place.sessions(&["check", "--format", "nagios", "--require", "orphans"]);
    assert_eq!(exit(&insisted), 3, "{}", said(&insisted));
    assert!(
        said(&insisted).starts_with("SESSIONS UNKNOWN - not checked: the users table"),
        "{}",
        said(&insisted)
    );
    let config = |text: &str| {
        let path = place.dir.path().join("own.yaml");
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
        place.sessions(&["check", "--config", path.to_str().unwrap()])
    };
    assert_eq!(exit(&config("sessions: {require: [replays]}")), 3);
    assert_eq!(exit(&config("sessions: {require: [duplicates, zone]}")), 0);
    let wrong = config("sessions: {require: [orphan]}");
    assert_eq!(exit(&wrong), 2);
    assert!(said(&wrong).contains("no point of a check"), "{}", said(&wrong));

    // What a role may not read is something else: it could be told.
    place
        .run(
            "CREATE TABLE users (id integer PRIMARY KEY); DROP TABLE session; CREATE TABLE sessions (\"sessionToken\" text UNIQUE, \
             \"userId\" integer REFERENCES users (id), expires timestamp NOT NULL)",
        )
        .await;
    let check = place.json(&["check"], 3);
    assert_eq!(point(&check, "orphans")["state"], "not_checked", "an empty users table");
}
