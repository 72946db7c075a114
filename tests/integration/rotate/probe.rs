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

#[test]
fn another_address_must_answer_as_before() {
    let world = World::new(&hex_value());
    let check = |page: &str| world.health(page).replace("--health", "--check");
    let plan = world.run(&with(world.all(), &[&check("worker"), "--dry-run"]));
    let text = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(text.contains("/worker answer as before"), "{text}");
    // What refused before may refuse afterwards.
    let mut args = world.all();
    args.extend([check("worker"), check("me")]);
    ends(&world.run(&args), 0);
    assert_eq!(world.status("/worker answers as before"), "verified");
    assert_eq!(world.status("/me answers as before"), "verified");

    let world = World::new(&hex_value());
    let check = world.health("worker").replace("--health", "--check");
    let reload = format!("--reload={}; touch '{}'", world.reload(), world.path("broken").display());
    let output = world.run(&with(world.all(), &[&check, &reload]));
    ends(&output, 6);
    assert_eq!(world.status("/worker answers as before"), "failed");
    assert!(stderr(&output).contains("503; before it was 200"), "{}", stderr(&output));
}

#[test]
fn downtime_is_measured_while_the_application_does_not_answer() {
    let world = World::new(&hex_value());
    let sick = world.path("sick").display().to_string();
    let reload = format!("--reload=touch '{sick}'; sleep 0.6; {}; rm '{sick}'", world.reload());
    let output = world.run(&with(world.all(), &[&reload]));
    ends(&output, 0);
    let downtime = world.report()["downtime"].clone();
    let longest = downtime["longest_ms"].as_u64().unwrap();
    assert!(
        longest >= 500 && downtime["gaps"] == 1 && downtime["failed"].as_u64().unwrap() > 2,
        "{downtime}"
    );
    assert!(stderr(&output).contains("in 1 gap, the longest"), "{}", stderr(&output));
    let markdown = std::fs::read_to_string(world.incident().join("report.md")).unwrap();
    assert!(markdown.contains("- Downtime: at most"), "{markdown}");

    let world = World::new(&hex_value());
    let output = world.run(&world.all());
    ends(&output, 0);
    assert!(stderr(&output).contains("none seen: "), "{}", stderr(&output));
}

#[test]
fn what_proves_nothing_is_refused_with_the_next_step() {
    let world = World::new(&hex_value());
    let probe = format!("{}?x=1", world.probed()[0].split('?').next().unwrap());
    let cookie = world.probed()[1].clone();
    let login = world.health("login").replace("--health", "--login");
    for (args, says) in [
        (vec![&*probe], "--login"),
        (vec!["--forge=auto"], "of no use without --probe"),
        (vec![&*login], "of no use without --probe"),
        (vec![&*probe, &*login], "--login-from"),
        (vec![&*probe, &*login, "--login-from=user=ada"], "cannot be given on the command line"),
        (vec![&*probe, "--probe-cookie-from=stdin", &*login, "--login-from=stdin"], "only once"),
        (vec![&*probe, &*cookie, "--forge-name=x"], "without --forge"),
        // The application of this test signs in a way of its own.
        (vec![&*probe, &*cookie, "--forge=auto"], "opens none of the live cookies"),
        (vec!["--check=ftp://x/"], "neither http nor https"),
    ] {
        let args: Vec<_> = args.into_iter().chain(["--yes"]).map(str::to_owned).collect();
        let output = world.run(&args);
        ends(&output, 2);
        assert!(
            stderr(&output).contains(says) && stderr(&output).contains("hint"),
            "{args:?}: {}",
            stderr(&output)
        );
        assert_eq!(world.env(), world.before);
    }
}
