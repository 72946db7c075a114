//! The page in a real browser: log in, filter, end one session, undo, clean up with preview, on both stores, with a
//! script and without.

use super::service;
use super::world::{World, put};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A report with one finding of a long path.
const FINDINGS: &str = r#"{"schema": "unleak.findings/v1", "coverage": {"complete": true}, "findings": [{
    "rule": "session-secret", "title": "Session secret", "severity": "critical", "confidence": "high",
    "secret": {"fingerprint": "0123456789abcdef", "redacted": "********", "length": 64},
    "rotation": {"by": "unleak rotate"}, "live_in": [],
    "occurrences": [{"path": "a/folder/whose/names/go/on/and/on/and/on/until/no/telephone/has/room/for/them/.env", "line": 1,
      "commit": "0123456789abcdef0123456789abcdef01234567", "date": "2026-01-01T00:00:00Z", "where": "history"}]}]}"#;

/// A rotation, whose incident is shown with its report.
fn rotate(world: &World) {
    let file = world.dir.path().join("app.env");
    put(&file, &format!("SESSION_SECRET={}\n", "0123456789abcdef".repeat(4)));
    let target = format!("env:{}#SESSION_SECRET", file.display());
    let done = world.output(&["rotate", "--yes", "--target", &target]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What a person saw.
fn walk(world: &World, script: &str) -> Value {
    let token = world.token(&format!("person-{script}"), "write");
    let findings = world.dir.path().join("findings.json");
    put(&findings, FINDINGS);
    let server = world.serve(&["--findings", findings.to_str().unwrap()]);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/admin-browser/walk.js");
    let packages = PathBuf::from(service("UNLEAK_TEST_APPS")).join("admin-browser/node_modules");
    let output = Command::new("node")
        .arg(fixture)
        .args([&*server.url, &service("UNLEAK_TEST_BROWSER"), "-"])
        .env("NODE_PATH", packages)
        .env("UNLEAK_TOKEN", &token)
        .env("UNLEAK_SCRIPT", script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!server.log().contains(&token), "the log holds a token");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_person_ends_a_session_takes_it_back_and_cleans_up() {
    for world in World::some() {
        rotate(&world);
        for script in ["on", "off"] {
            world.run("DELETE FROM sessions WHERE expires < '2002-01-01'");
            world.run(r"INSERT INTO sessions VALUES ('tok-old', 1, '2001-01-01 00:00:00', NULL, NULL)");
            let seen = walk(&world, script);
            let expected = json!({
                "unknown": 401, "wrong": 1, "landed": "/sessions?userId=2", "filtered": 1,
                "planned": "1 session would be ended", "ended": "1 session ended", "afterwards": 1, "warned": 1,
                "restored": "Sessions put back | sessions restore: 1 restored; 4 sessions before, 5 now.", "again": 1, "preview": "1 session would be ended",
                "cleaned": "1 session ended", "skip": "Skip to the content", "hidden": [], "wide": [], "unlabelled": [],
                "report": 1, "commands": ["unleak rotate --from-finding", "unleak ignore add", "unleak ignore add"],
                "landmarks": 4, "loggedOut": 401, "errors": [], "foreign": [],
            });
            assert_eq!(seen, expected, "script {script}");
        }
    }
}
