//! Who is let in, and what is refused at the start.

use super::world::World;

#[test]
fn a_token_works_until_it_is_removed_and_stands_in_no_log() {
    let world = World::sqlite();
    let token = world.token("ops", "read");
    let mut server = world.serve(&[]);
    let asked = ["/admin/stats", "secret=1"].join("?");
    assert_eq!(server.get(&token, &asked).0, 200);
    assert_eq!(server.get("", "/admin/stats").0, 401);
    assert_eq!(server.ask("DELETE", &token, "/admin/sessions?userId=1", None).0, 403);
    assert_eq!(server.text("GET", "", "/healthz", None), (200, "ok\n".to_owned()));
    assert!(world.output(&["serve", "token", "remove", "ops"]).status.success());
    assert_eq!(server.get(&token, "/admin/stats").0, 401);
    let list = world.output(&["serve", "token", "list"]);
    assert_eq!(String::from_utf8(list.stdout).unwrap(), "");
    assert!(server.stop().success());
    let log = server.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["route"] == "/admin/stats" && line["who"] == "ops"), "{log}");
    assert!(
        lines.iter().any(|line| line["status"] == 403 && line["who"] == "ops"),
        "who tried is known: {log}"
    );
    assert!(!log.contains(&token) && !log.contains("secret"), "{log}");
}

#[test]
fn what_a_client_makes_up_stands_in_no_label_and_no_line_of_the_log() {
    let world = World::sqlite();
    let token = world.token("ops", "write");
    let mut server = world.serve(&["--sign-in", "/signin"]);
    for (method, path) in [
        ("GET-EVIL", "/admin/stats"),
        ("EVIL", "/verify"),
        ("GET", "/evil%0aevil"),
        ("GET", "/console/evil/sessions"),
        ("GET", "/admin/incidents/evil%1b%5b31m"),
        ("GET", "/admin/sessions?userId=evil&page=evil"),
        ("POST", "/admin/backups/evil/restore"),
        ("GET", "/login?next=//evil.example"),
        ("GET", "/verify/evil?mode=evil"),
        ("GET", "/session/clear?rd=//evil.example"),
    ] {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", server.url));
        let request = request.header("authorization", format!("Bearer {token}")).header("user-agent", "evil");
        let request =
            request.header("cookie", "authjs.session-token=evil").header("x-forwarded-uri", "/evil");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let request = request.body(String::new()).unwrap();
        agent.run(agent.configure_request(request).allow_non_standard_methods(true).build()).unwrap();
    }
    let (_, metrics) = server.text("GET", &token, "/metrics", None);
    assert!(metrics.contains("method=\"GET\",route=\"/admin/incidents/{id}\",status=\"404\""), "{metrics}");
    assert!(metrics.contains("unleak_verifications_total{result=\"unknown-session\"}"), "{metrics}");
    assert!(!metrics.to_lowercase().contains("evil"), "{metrics}");
    assert!(server.stop().success());
    let log = server.log();
    assert!(log.contains("/admin/incidents/{id}") && !log.to_lowercase().contains("evil"), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
}

#[test]
fn nothing_is_sent_over_a_network_in_the_clear() {
    let world = World::sqlite();
    let refused = world.output(&["serve", "--store-from", "env:STORE", "--listen", "0.0.0.0:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--tls-cert") && said.contains("--behind-proxy"), "{said}");
}

#[test]
fn a_proxy_is_believed_only_when_it_was_named_and_proves_itself() {
    let world = World::sqlite();
    let proof = world.dir.path().join("proof");
    super::world::put(&proof, &"p".repeat(32));
    let from = format!("file:{}", proof.display());
    let ask = |server: &super::world::Server, sent: &str| {
        let url = format!("{}/admin/stats", server.url);
        let request = ureq::get(&url).header("x-user", "ada").header("x-unleak-proxy", sent);
        request.config().http_status_as_error(false).build().call().unwrap().status().as_u16()
    };
    let by = |address| ["--trust-header", "X-User", "--trusted-proxy", address, "--proxy-secret-from", &from];
    assert_eq!(ask(&world.serve(&[]), &"p".repeat(32)), 401);
    let server = world.serve(&by("127.0.0.1"));
    assert_eq!((ask(&server, &"p".repeat(32)), ask(&server, "guess")), (200, 401));
    assert_eq!(ask(&world.serve(&by("10.9.8.7")), &"p".repeat(32)), 401);
    let without =
        ["serve", "--store-from", "env:STORE", "--trust-header", "X-User", "--trusted-proxy", "127.0.0.1"];
    assert_eq!(world.output(&without).status.code(), Some(2));
}

#[test]
fn a_name_that_was_not_given_leads_nowhere() {
    let world = World::sqlite();
    let token = world.token("ops", "read");
    let server = world.serve(&["--host", "admin.example.com"]);
    let ask = |path: &str, host: &str| {
        let request = ureq::get(format!("{}{path}", server.url)).header("host", host);
        let request = request.header("authorization", format!("Bearer {token}"));
        request.config().http_status_as_error(false).build().call().unwrap().status().as_u16()
    };
    assert_eq!((ask("/admin/stats", "admin.example.com"), ask("/admin/stats", "localhost:1")), (200, 200));
    assert_eq!((ask("/admin/stats", "evil.example"), ask("/login", "evil.example")), (421, 421));
    assert_eq!(ask("/healthz", "evil.example"), 200);
}

#[test]
fn a_rotation_gives_a_running_server_another_token() {
    let world = World::sqlite();
    let old = world.token("ops", "write");
    let server = world.serve(&[]);
    let file = world.dir.path().join("ops.env");
    super::world::put(&file, &format!("UNLEAK_TOKEN={old}\n"));
    let place = format!("env:{}#UNLEAK_TOKEN", file.display());
    let rotate = ["rotate", "--yes", "--target", "serve-token:ops", "--target", &place];
    let done = world.output(&rotate);
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    let new = text.trim().strip_prefix("UNLEAK_TOKEN=").unwrap().trim_matches(['"', '\'']);
    assert!(done.status.success() && new != old && !said.contains(new), "{said}");
    assert_eq!((server.get(&old, "/admin/stats").0, server.get(new, "/admin/stats").0), (401, 200));
    let purge = serde_json::json!({"action": "cleanup", "dryRun": true});
    assert_eq!(server.ask("POST", new, "/admin/sessions", Some(&purge)).0, 200, "its scope stays");
    let missing = world.output(&["rotate", "--yes", "--target", "serve-token:nobody"]);
    assert_eq!(missing.status.code(), Some(2), "{}", String::from_utf8_lossy(&missing.stderr));
}

#[test]
#[cfg(unix)]
fn a_private_file_that_root_changes_stays_its_owners() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let world = World::sqlite();
    world.token("ops", "read");
    let file = world.state().join("serve").join("tokens.json");
    let owner = || {
        let now = std::fs::metadata(&file).unwrap();
        (now.uid(), now.gid(), now.mode() & 0o777)
    };
    // Nobody else may give files away.
    if owner().0 == 0 {
        chown(&file, Some(4321), Some(4322)).unwrap();
        world.token("more", "read");
        assert_eq!(owner(), (4321, 4322, 0o600));
    }
}
