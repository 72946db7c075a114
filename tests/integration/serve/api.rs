//! What programs do with the API, on both stores.

use super::world::{Server, World, put};
use serde_json::{Value, json};

fn fingerprint(server: &Server, token: &str, user: &str) -> String {
    let (_, list) = server.get(token, &format!("/admin/sessions?userId={user}"));
    list["sessions"][0]["fingerprint"].as_str().unwrap().to_owned()
}

fn total(server: &Server, token: &str) -> u64 {
    server.get(token, "/admin/sessions").1["total"].as_u64().unwrap()
}

#[test]
fn sessions_are_listed_by_page_user_and_status() {
    for world in World::some() {
        let token = world.token("reader", "read");
        let server = world.serve(&[]);
        let ask = |query: &str| {
            let (status, list) = server.get(&token, &format!("/admin/sessions{query}"));
            assert_eq!(status, 200, "{query}: {list}");
            (list["total"].as_u64().unwrap(), list["sessions"].as_array().unwrap().len())
        };
        assert_eq!(ask(""), (5, 5));
        assert_eq!(ask("?limit=2&page=3"), (5, 1));
        assert_eq!(ask("?userId=1"), (3, 3));
        assert_eq!(ask("?userId=1&status=active"), (2, 2));
        assert_eq!(ask("?status=expired"), (1, 1));
        assert_eq!(ask("?userId=nobody"), (0, 0));
        assert_eq!(ask("?userId=99999999999999999999"), (0, 0));
        assert_eq!((ask("?userId=01"), ask("?userId=1%20OR%201=1")), ((0, 0), (0, 0)));
        let first = |sort: &str| {
            let (_, list) = server.get(&token, &format!("/admin/sessions?status=active&sort={sort}"));
            list["sessions"][0]["user"].as_str().unwrap().to_owned()
        };
        assert_eq!((first("expires"), first("-expires")), ("1".to_owned(), "99".to_owned()));
        assert_eq!((first("created"), first("-created")), ("1".to_owned(), "99".to_owned()));
        for bad in
            ["?page=0", "?limit=201", "?limit=x", "?status=asleep", "?what=1", "?userId=", "?sort=user"]
        {
            let (status, problem) = server.get(&token, &format!("/admin/sessions{bad}"));
            assert_eq!((status, &problem["type"]), (400, &json!("urn:unleak:request")), "{bad}");
        }
    }
}

#[test]
fn a_session_is_ended_with_a_backup_and_comes_back_from_it() {
    for world in World::some() {
        let token = world.token("ops", "write");
        let server = world.serve(&[]);
        let wanted = fingerprint(&server, &token, "2");
        let dry = format!("/admin/sessions?session={wanted}&dryRun=true");
        let (status, plan) = server.ask("DELETE", &token, &dry, None);
        assert_eq!(
            (status, &plan["plan"]["selected"], &plan["report"]),
            (200, &json!(1), &Value::Null),
            "{plan}"
        );
        assert_eq!(total(&server, &token), 5);
        let (status, done) =
            server.ask("DELETE", &token, "/admin/sessions", Some(&json!({"session": wanted})));
        assert_eq!((status, &done["report"]["deleted"]), (200, &json!(1)), "{done}");
        assert_eq!(total(&server, &token), 4);
        let (_, audit) = server.get(&token, "/admin/audit");
        assert_eq!(audit["records"][0]["hash"], done["audit"]);
        assert_eq!(
            (&audit["records"][0]["who"], &audit["records"][0]["state"]),
            (&json!("ops (token)"), &json!("done"))
        );
        // Nobody's session is revived by accident.
        let restore = format!("/admin/backups/{}/restore", done["backups"][0].as_str().unwrap());
        let (status, refused) = server.ask("POST", &token, &restore, None);
        assert_eq!((status, &refused["type"]), (409, &json!("urn:unleak:refused")), "{refused}");
        let (status, back) = server.ask("POST", &token, &restore, Some(&json!({"revive": true})));
        assert_eq!((status, &back["restored"]), (200, &json!(1)), "{back}");
        assert_eq!(fingerprint(&server, &token, "2"), wanted);
        let (status, _) = server.ask("POST", &token, "/admin/backups/..%2Fx/restore", None);
        assert_eq!(status, 404);
        // The same can be seen and undone by the command line.
        assert!(world.output(&["audit", "verify"]).status.success());
    }
}

#[test]
fn procedures_are_counted_first_and_then_carried_out() {
    for world in World::some() {
        let token = world.token("ops", "write");
        let server = world.serve(&[]);
        let post = |body: Value| server.ask("POST", &token, "/admin/sessions", Some(&body));
        for (body, selected) in [
            (json!({"action": "cleanup"}), 1),
            (json!({"action": "purge"}), 5),
            (json!({"action": "dedupe"}), 0),
            (json!({"action": "orphans"}), 1),
            (json!({"action": "disabled"}), 0),
            (json!({"action": "before", "before": "2025-01-01T00:00:00Z"}), 1),
            (json!({"action": "idle", "idleHours": 200_000}), 1),
        ] {
            let mut dry = body.clone();
            dry["dryRun"] = json!(true);
            let (status, plan) = post(dry);
            assert_eq!((status, &plan["plan"]["selected"]), (200, &json!(selected)), "{body}: {plan}");
        }
        let (status, problem) = post(json!({"action": "purge", "atMost": 4}));
        assert_eq!((status, &problem["type"]), (409, &json!("urn:unleak:grown")), "{problem}");
        let form = "action=user&userId=1&atMost=2";
        let (status, page) = server.send("POST", &token, "/apply", form);
        assert!(status == 409 && page.contains("3 sessions would be ended"), "{status} {page}");
        assert_eq!(server.send("POST", &token, "/apply", "action=user&userId=1").0, 400);
        assert_eq!(total(&server, &token), 5);
        let (_, done) = post(json!({"action": "cleanup", "atMost": 1, "incident": "INC-20261122-001"}));
        assert_eq!(
            (&done["report"]["deleted"], &done["report"]["selected_after"]),
            (&json!(1), &json!(0)),
            "{done}"
        );
        let of_ada = ["/admin/sessions", "userId=1"].join("?");
        let (_, done) = server.ask("DELETE", &token, &of_ada, None);
        assert_eq!(done["report"]["deleted"], 2);
        let (_, stats) = server.get(&token, "/admin/stats");
        assert_eq!(stats["store"]["counts"]["total"], 2);
        let (_, check) = server.get(&token, "/admin/check");
        let orphans =
            check["points"].as_array().unwrap().iter().find(|point| point["name"] == "orphans").unwrap();
        assert_eq!(orphans["state"], "warning");
        for bad in [
            json!({"action": "explode"}),
            json!({"action": "before"}),
            json!({"action": "purge", "before": "2025-01-01T00:00:00Z"}),
            json!({"action": "cleanup", "atMost": null}),
            json!({}),
            json!({"action": "idle", "idleHours": 0}),
        ] {
            let (status, _) = post(bad.clone());
            assert_eq!(status, 400, "{bad}");
        }
    }
}

#[test]
fn incidents_findings_and_metrics_are_read() {
    let world = World::sqlite();
    let token = world.token("reader", "read");
    let report = world.dir.path().join("findings.json");
    put(&report, r#"{"schema":"unleak.findings/v1","coverage":{"complete":true},"findings":[]}"#);
    let server = world.serve(&["--findings", report.to_str().unwrap()]);
    assert_eq!(server.get(&token, "/admin/findings").1["findings"], json!([]));
    assert_eq!(server.get(&token, "/admin/incidents").1["incidents"], json!([]));
    for missing in ["INC-20261122-001", "..%2F..%2Fetc", "a b"] {
        let (status, problem) =
            server.get(&token, &format!("/admin/incidents/{}/report", missing.replace(' ', "%20")));
        assert_eq!((status, &problem["status"]), (404, &json!(404)), "{missing}: {problem}");
    }
    let (_, metrics) = server.text("GET", &token, "/metrics", None);
    for line in [
        "unleak_sessions{state=\"active\"} 4",
        "unleak_session_risks{state=\"orphan\"} 1",
        "unleak_store_up 1",
        "unleak_sessions_made{state=\"day\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert_eq!(server.text("GET", "", "/readyz", None).0, 200);
    let (_, document) = server.get(&token, "/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/admin/sessions"]["delete"]["requestBody"].is_object());
}
