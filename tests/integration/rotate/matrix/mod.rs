//! Real applications under a rotation: what a new secret alone ends, what a purge alone ends, and that both together,
//! as `unleak rotate` does it, leave no old session and no forged one, while a new login works. Needs tests/run.

pub(crate) mod app;
mod browser;
mod forged; // the cookies of frameworks that do not install here, by their documented construction
mod redis; // Express with connect-redis

use super::{ends, stderr};
use app::{App, Kind, Login, password, service};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use std::process::Output;

const LIVE: &str = "alive before is refused";
const FORGED: &str = "that the old value makes is refused";
const LOGIN: &str = "new login works";
const CONTROL: &str = "Nobody gets in";

#[test]
fn flask_sessions_end_with_the_secret() {
    let kind =
        Kind { fixture: "flask-app", variable: "SECRET_KEY", settings: Vec::new(), login: Login::Json };
    let app = App::start(kind);
    ends_with_the_secret(&app, "flask");
    // Twice, and without being told what it is.
    is_proved(&app, &app.rotate(&["--forge", "auto"]), true);
}

/// Needs a debug build: killed before it verifies, then resumed with the cookies that the first run had made.
#[test]
fn a_killed_rotation_is_resumed_with_the_sessions_that_it_had_made() {
    let kind =
        Kind { fixture: "flask-app", variable: "SECRET_KEY", settings: Vec::new(), login: Login::Json };
    let app = App::start(kind);
    let killed = app.rotate(&["--forge", "flask", "--fault=verify:before:kill"]);
    assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    let resumed = app.resume();
    ends(&resumed, 0);
    for claim in [LIVE, FORGED, LOGIN, CONTROL, "/nowhere answers as before"] {
        assert_eq!(check(&app, claim), "verified", "{claim}: {}", stderr(&resumed));
    }
}

#[test]
fn django_sessions_in_signed_cookies_end_with_the_secret() {
    ends_with_the_secret(&django("signed_cookies"), "django");
}

#[test]
fn authjs_tokens_end_with_the_secret() {
    let app = authjs("jwt", Vec::new());
    ends_with_the_secret(&app, "authjs");
}

#[test]
fn nextauth_4_tokens_end_with_the_secret() {
    let app = authjs("v4", Vec::new());
    ends_with_the_secret(&app, "nextauth");
}

/// Whoever has the old value needs no session to be somebody: what the cookie says is made up.
#[test]
fn a_cookie_made_up_from_the_old_value_alone_is_refused_afterwards() {
    let flask =
        Kind { fixture: "flask-app", variable: "SECRET_KEY", settings: Vec::new(), login: Login::Json };
    let django = django("signed_cookies");
    // The user and the hash that Django compares come from its database.
    django.log_in();
    let file = format!("sqlite:{}", django.path("db.sqlite3").display());
    let (id, column): (i64, String) = first_user(&file);
    let of_django = serde_json::json!({
        "_auth_user_id": id.to_string(),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "password": column,
    });
    for (app, kind, contents) in [
        (App::start(flask), "flask", r#"{"user":"grace"}"#.to_owned()),
        (django, "django", of_django.to_string()),
        (authjs("jwt", Vec::new()), "authjs", r#"{"name":"grace","sub":"7"}"#.to_owned()),
        (authjs("v4", Vec::new()), "nextauth", r#"{"name":"grace","sub":"7"}"#.to_owned()),
    ] {
        let output = app.rotate_forging(kind, &contents);
        ends(&output, 0);
        for (claim, expected) in [(FORGED, "verified"), (LIVE, "not checked"), (CONTROL, "verified")] {
            assert_eq!(check(&app, claim), expected, "{kind}, {claim}: {}", stderr(&output));
        }
        // With a value that the application does not read nothing could be shown, and nothing is changed.
        let before = app.secret();
        let refused =
            app.rotate_forging(if kind == "flask" { "django" } else { "flask" }, r#"{"user":"grace"}"#);
        ends(&refused, 2);
        assert_eq!(app.secret(), before, "{kind}");
    }
}

fn first_user(url: &str) -> (i64, String) {
    wait(async {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_as("SELECT id, password FROM auth_user ORDER BY id")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    })
}

/// Class D: there is no row to delete, and the old value makes a session of anybody.
fn ends_with_the_secret(app: &App, forgery: &str) {
    let cookies = app.log_in();
    assert_eq!(app.asks(&cookies), 200);
    let output = app.rotate(&["--forge", forgery]);
    is_proved(app, &output, true);
    assert_eq!(app.asks(&cookies), 401);
    assert_eq!(app.asks(&app.log_in()), 200);
}

#[test]
fn authjs_sessions_in_a_database_end_with_the_purge_only() {
    let url = database("authjs");
    let app = authjs("database", vec![("DATABASE_URL", url.clone())]);
    let cookies = app.log_in();
    // The new secret alone changes nothing, and that is told.
    let output = app.rotate(&[]);
    ends(&output, 6);
    assert_eq!(check(&app, LIVE), "failed", "{}", stderr(&output));
    assert_eq!(app.asks(&cookies), 200);
    // The purge alone ends them.
    assert!(on_postgres(&url, "DELETE FROM sessions") > 0);
    assert_eq!(app.asks(&cookies), 401);
    // Both, and a forged cookie cannot even be made: the secret has no part in them.
    let cookies = app.log_in();
    let store = store(&app, &url);
    let refused = app.rotate(&["--forge", "auto", &store]);
    ends(&refused, 2);
    assert!(stderr(&refused).contains("opens none of the live cookies"), "{}", stderr(&refused));
    is_proved(&app, &app.rotate(&[&store]), false);
    assert_eq!(app.asks(&cookies), 401);
}

#[test]
fn django_sessions_in_a_database_end_with_either() {
    let app = django("db");
    let file = format!("sqlite:{}", app.path("db.sqlite3").display());
    let cookies = app.log_in();
    let output = app.rotate(&[]);
    is_proved(&app, &output, false);
    assert_eq!(app.asks(&cookies), 401, "the secret signs the row's contents");
    let cookies = app.log_in();
    assert!(on_sqlite(&file, "DELETE FROM django_session") > 1, "the rows were still there");
    assert_eq!(app.asks(&cookies), 401);
    let cookies = app.log_in();
    is_proved(&app, &app.rotate(&["--store", &file]), false);
    assert_eq!(app.asks(&cookies), 401);
}

#[test]
fn express_sessions_in_postgresql_end_with_either_and_a_stolen_id_needs_both() {
    let url = database("express_matrix");
    let settings = vec![("DATABASE_URL", url.clone())];
    let login = Login::Form;
    let app = App::start(Kind { fixture: "express-app", variable: "SESSION_SECRET", settings, login });
    let cookies = app.log_in();
    // The new secret alone: refused, and the row is still there.
    let output = app.rotate(&["--forge", "express"]);
    is_proved(&app, &output, true);
    assert_eq!(app.asks(&cookies), 401);
    assert!(on_postgres(&url, "UPDATE session SET expire = expire") >= 2, "the rows were still there");
    // The purge alone.
    let cookies = app.log_in();
    assert_eq!(app.asks(&cookies), 200);
    on_postgres(&url, "DELETE FROM session");
    assert_eq!(app.asks(&cookies), 401);
    // Both: the forged cookie was refused before the purge, and for a session that lives.
    let cookies = app.log_in();
    let output = app.rotate(&["--forge", "auto", &store(&app, &url)]);
    is_proved(&app, &output, true);
    assert_eq!(app.asks(&cookies), 401);
    let said = stderr(&output);
    assert!(
        said.contains("before the purge 401") && said.contains("for the new login's session 401"),
        "{said}"
    );
}

#[test]
fn an_old_value_that_the_application_goes_on_accepting_is_a_failed_verification() {
    let url = database("express_list");
    let settings = vec![
        ("DATABASE_URL", url.clone()),
        ("ALSO_ACCEPT", "0123456789abcdef".repeat(8).chars().rev().collect()),
    ];
    let login = Login::Form;
    let app = App::start(Kind { fixture: "express-app", variable: "SESSION_SECRET", settings, login });
    // The store makes its table with the first session.
    app.log_in();
    // Without a forged cookie the purge hides it: the old session is refused because its row is gone.
    let store = store(&app, &url);
    // The value stands under another name too, which is a failure of its own.
    let output = app.rotate(&["--forge", "express", &store]);
    ends(&output, 6);
    assert_eq!((check(&app, LIVE).as_str(), check(&app, FORGED).as_str()), ("verified", "failed"));
    assert!(stderr(&output).contains("it is still accepted"), "{}", stderr(&output));
}

/// Ended well, with every claim seen to be so.
#[track_caller]
fn is_proved(app: &App, output: &Output, is_forged: bool) {
    ends(output, 0);
    let forged = if is_forged { "verified" } else { "not checked" };
    for (claim, expected) in [
        (LIVE, "verified"),
        (FORGED, forged),
        (LOGIN, "verified"),
        (CONTROL, "verified"),
        ("downtime was measured", "verified"),
        ("/nowhere answers as before", "verified"),
    ] {
        assert_eq!(check(app, claim), expected, "{claim}: {}", stderr(output));
    }
    let report = app.report();
    // A real process was stopped and started.
    let downtime = &report["downtime"];
    assert!(downtime["gaps"].as_u64().unwrap() >= 1, "{downtime}");
    let (longest, total) = (downtime["longest_ms"].as_u64().unwrap(), downtime["total_ms"].as_u64().unwrap());
    assert!(longest > 0 && longest <= total && total < report["duration_ms"].as_u64().unwrap() + 1000);
    let text = format!("{report}{}", stderr(output));
    for secret in [app.secret(), password()] {
        assert!(!text.contains(&secret));
    }
}

/// The status of a claim in the newest report.
fn check(app: &App, claim: &str) -> String {
    let report = app.report();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["claim"].as_str().unwrap().contains(claim));
    found.unwrap_or_else(|| panic!("no {claim} in {checks:?}"))["status"].as_str().unwrap().to_owned()
}

fn django(sessions: &str) -> App {
    let settings = vec![("SESSIONS", sessions.to_owned())];
    let login = Login::Guarded { url: "/login", page: "/login", token: "csrfmiddlewaretoken" };
    App::start(Kind { fixture: "django-app", variable: "SECRET_KEY", settings, login })
}

fn authjs(strategy: &str, mut settings: Vec<(&'static str, String)>) -> App {
    settings.push(("STRATEGY", strategy.to_owned()));
    let login = match strategy {
        "jwt" => Login::Guarded { url: "/auth/callback/credentials", page: "/auth/csrf", token: "csrfToken" },
        _ => Login::Form,
    };
    App::start(Kind { fixture: "authjs-app", variable: "AUTH_SECRET", settings, login })
}

/// The argument that names a store whose address holds a password.
fn store(app: &App, url: &str) -> String {
    super::put(&app.path("store"), url.as_bytes());
    format!("--store-from=file:{}", app.path("store").display())
}

/// A new database on the server of tests/run.
fn database(name: &str) -> String {
    let server = service("UNLEAK_TEST_POSTGRES");
    let name = format!("{name}_{}", std::process::id());
    on_postgres(&server, &format!("CREATE DATABASE {name}"));
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

fn on_postgres(url: &str, sql: &str) -> u64 {
    wait(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected()
    })
}

fn on_sqlite(url: &str, sql: &str) -> u64 {
    wait(async {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected()
    })
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
