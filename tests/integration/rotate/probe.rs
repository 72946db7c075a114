//! What the answers to a cookie show: a redirect to the login page is a refusal, a redirect of everybody is none.

use super::{World, cookie, ends, hex_value, nothing_leaks, put, stderr, with};

#[test]
fn a_redirect_to_the_login_page_is_a_refusal_when_no_cookie_gets_it_too() {
    let world = World::new(&hex_value());
    let output = world.run(&with(world.all(), &[&world.account()]));
    ends(&output, 0);
    assert_eq!(world.status("alive before is refused"), "verified");
    let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
    assert!(markdown.contains("| a made-up one | 302 to /login |"), "{markdown}");
    nothing_leaks(&world, &output, &[&world.old, &cookie(&world.old)]);
}

#[test]
fn a_redirect_of_everybody_shows_nothing() {
    let world = World::new(&hex_value());
    let reload = format!("--reload={}; touch '{}'", world.reload(), world.path("maintenance").display());
    let output = world.run(&with(world.all(), &[&world.account(), &reload]));
    ends(&output, 6);
    assert_eq!(world.status("alive before is refused"), "failed");
    assert!(stderr(&output).contains("otherwise than before"), "{}", stderr(&output));
}

#[test]
fn a_cookie_that_is_only_redirected_was_never_alive() {
    let world = World::new(&hex_value());
    put(&world.path("cookie"), b"sid=dead.0000");
    let output = world.run(&with(world.all(), &[&world.account()]));
    ends(&output, 2);
    assert!(stderr(&output).contains("302 to /login") && stderr(&output).contains("hint"));
    assert_eq!(world.env(), world.before);
}
