//! What old rows are given: families, times, devices and networks, whatever stands in them.

use super::table::Table;

fn base(address: &str) -> String {
    format!(
        "CREATE TABLE auth_sessions (id serial PRIMARY KEY, user_id int, family_id uuid, user_agent text, ip {address}, \
         created_at timestamp, expires_at timestamp NOT NULL)"
    )
}

#[tokio::test]
async fn networks_stand_for_addresses() {
    let good = [
        ("10.1.2.3", "10.1.2.0/24"),
        ("10.1.2.3/8", "10.1.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("255.255.255.255", "255.255.255.0/24"),
    ];
    let only_text = [
        ("10.1.2.3, 172.16.0.1", "10.1.2.0/24"),
        (" 10.1.2.3 ", "10.1.2.0/24"),
        ("10.1.2.3:443", "10.1.2.0/24"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1::/48"),
        ("unknown", "none"),
        ("10.1.2", "none"),
        ("10.1.2.999", "none"),
        ("fe80::1%eth0", "none"),
        ("'; DROP TABLE auth_sessions; --", "none"),
        ("", "none"),
    ];
    for kind in ["inet", "text", "varchar(45)"] {
        let cases: Vec<_> = good.iter().chain(only_text.iter().filter(|_| kind != "inet")).collect();
        let rows: Vec<String> = cases
            .iter()
            .map(|(address, _)| {
                format!("(1, '{}', now(), now() + interval '1 day')", address.replace('\'', "''"))
            })
            .collect();
        let table = Table::with(&format!(
            "{}; INSERT INTO auth_sessions (user_id, ip, created_at, expires_at) VALUES {}, (1, NULL, NULL, now())",
            base(kind),
            rows.join(", ")
        ))
        .await;
        let applied = table.json(&["apply", "--yes", "--no-backup", "--batch", "3"], 0);
        let networks =
            table.texts("SELECT coalesce(last_ip_cidr::text, 'none') FROM auth_sessions ORDER BY id").await;
        let expected: Vec<&str> = cases.iter().map(|(_, network)| *network).chain(["none"]).collect();
        assert_eq!(networks, expected, "{kind}");
        let unreadable = if kind == "inet" { 0 } else { 5 };
        assert_eq!(applied["applied"]["unreadable_addresses"], unreadable, "{kind}");
        assert!(table.steps().is_empty(), "addresses that are none are not looked at again");
    }
}

#[tokio::test]
async fn families_times_and_devices() {
    let table = Table::with(&format!(
        "{}; INSERT INTO auth_sessions (user_id, family_id, user_agent, created_at, expires_at) VALUES \
         (1, NULL, 'Mozilla \u{e9}', '2026-01-02 03:04:05', now()), (1, NULL, '', NULL, now()), \
         (NULL, '00000000-0000-4000-8000-000000000001', NULL, 'infinity', now())",
        base("inet")
    ))
    .await;
    // All of them are over: two cannot contend for one.
    table.said(&["apply", "--yes"], 3);
    let devices = table.texts("SELECT coalesce(device_hash, 'none') FROM auth_sessions ORDER BY id").await;
    let hash = table.text("SELECT encode(sha256(convert_to('Mozilla \u{e9}', 'UTF8')), 'hex')").await;
    assert_eq!(devices, [hash.as_str(), "none", "none"], "unknown devices are not all one device");
    let times =
        table.texts("SELECT (auth_time AT TIME ZONE 'UTC')::text FROM auth_sessions ORDER BY id").await;
    assert_eq!((times[0].as_str(), times[2].as_str()), ("2026-01-02 03:04:05", "infinity"));
    let families = table.texts("SELECT family_id::text FROM auth_sessions ORDER BY id").await;
    assert_eq!(families[2], "00000000-0000-4000-8000-000000000001");
    assert_ne!(families[0], families[1]);
}

/// An application that knows nothing of the new columns goes on; what it leaves out is told, and filled by the next apply.
#[tokio::test]
async fn an_older_application_goes_on() {
    let table = Table::with(&base("inet")).await;
    // There is no session yet that two could contend for, so that check is left out and said.
    table.said(&["apply", "--yes"], 3);
    let insert = "INSERT INTO auth_sessions (user_id, user_agent, ip, created_at, expires_at) \
        VALUES (1, 'A', '10.1.2.3', now(), now() + interval '1 day')";
    table.database.run(insert).await;
    let text = table.said(&["verify"], 0);
    assert!(text.contains("1 of the newest 1 sessions have no device or network"), "{text}");
    assert_eq!(table.steps(), ["fill rows backfill"]);
    table.said(&["apply", "--yes"], 0);
    assert_eq!(table.text("SELECT last_ip_cidr::text FROM auth_sessions").await, "10.1.2.0/24");
}

/// No session at all, and none that two could contend for.
#[tokio::test]
async fn an_empty_table_is_hardened_and_what_cannot_be_tried_is_said() {
    let table = Table::with(&base("inet")).await;
    let applied = table.json(&["apply", "--yes"], 3);
    assert_eq!(applied["applied"]["backup"], serde_json::Value::Null);
    let text = table.said(&["verify"], 3);
    assert!(
        text.contains("not checked  a rotation waits for another of the same session, and a used token rotates nothing: there is no live session"),
        "{text}"
    );
}
