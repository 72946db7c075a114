//! Selections on Redis: the sessions of the databases' table as keys, Spring's hashes, and what has no meaning there.

use super::commands::{exit, said};
use super::fixture::{names, spec};
use super::redis::Database;
use super::selection::ROWS;
use redis::cmd;
use std::process::{Command, Output};
use unleak::secret::Secret;
use unleak::session::{Bounds, Error, ListQuery, Options, Selection, Store, UsersWanted};

fn ago(minutes: i64) -> jiff::Timestamp {
    jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)
}

/// The rows of the databases' table as an application with own members in its sessions keeps them. A key is there once,
/// and one without a time to live stays when its session is over.
async fn database() -> Database {
    let database = Database::new().await;
    for (token, user, expires, made, used) in ROWS {
        let user = user.map_or_else(|| "null".to_owned(), |user| user.to_string());
        let value = format!(
            r#"{{"cookie":{{"expires":"{}"}},"passport":{{"user":{user}}},"createdAt":"{}","lastActivity":{}}}"#,
            ago(-expires),
            ago(made),
            ago(used).as_second()
        );
        database.set(&format!("sess:{token}"), value, if expires > 0 { 3600 } else { 0 }).await;
    }
    database
}

async fn open(database: &Database) -> Store {
    let options = Options { user_path: Some("passport.user".to_owned()), ..Options::default() };
    Store::connect(&database.url.parse().unwrap(), &options).await.unwrap()
}

fn users(ids: &[&str]) -> Selection {
    Selection::Users(ids.iter().map(|id| (*id).to_owned()).collect())
}

async fn tokens(database: &Database) -> Vec<String> {
    let mut keys: Vec<String> = database.run(cmd("KEYS").arg("sess:*")).await;
    keys.sort();
    keys.into_iter().map(|key| key["sess:".len()..].to_owned()).collect()
}

#[tokio::test]
async fn each_selection_takes_its_sessions_and_a_restore_brings_them_back() {
    let database = database().await;
    // The application has used it since: its time to live counts, and not what its value says.
    let touched = r#"{"cookie":{"expires":"2001-01-01T00:00:00.000Z"},"passport":{"user":4}}"#;
    database.set("sess:touched", touched, 3600).await;
    database.set("sess:x*", touched, 3600).await;
    let mut store = open(&database).await;
    let (before, all) = (database.dump().await, tokens(&database).await);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.total, counts.active, counts.expired), (9, 8, 1));
    for (selection, taken) in [
        (
            Selection::Tokens(vec![Secret::from("live".to_owned()), Secret::from("x".to_owned())]),
            vec!["live"],
        ),
        (Selection::Tokens(vec![Secret::from("*".to_owned()), Secret::from(String::new())]), vec![]),
        (users(&["1", "x' OR '1'='1"]), vec!["live", "past"]),
        (users(&[]), vec![]),
        (Selection::Expired, vec!["past"]),
        (Selection::Before(ago(120)), vec!["past"]),
        (Selection::Idle(ago(15)), vec!["leak", "past", "twin"]),
        (Selection::All, all.iter().map(String::as_str).collect()),
    ] {
        // The last row of a token is the one that is there.
        let mut taken: Vec<&str> = taken
            .into_iter()
            .filter(|token| *token != "leak" && *token != "twin" || selection.name() == "all")
            .collect();
        if selection.name() == "idle" {
            taken = vec!["past"];
        }
        let name = selection.name();
        assert_eq!(store.count(&selection).await.unwrap(), taken.len() as u64, "{name}");
        let done = store.delete(&selection, &spec(&database.backups(), &database.key)).await.unwrap();
        let mut together = tokens(&database).await;
        together.extend(taken.iter().map(|token| (*token).to_owned()));
        together.sort();
        assert_eq!(together, all, "{name}");
        let n = taken.len() as u64;
        assert_eq!(
            (done.selected_before, done.deleted, done.backed_up, done.selected_after),
            (n, n, n, 0),
            "{name}"
        );
        let Some(backup) = done.backup else {
            assert!(taken.is_empty(), "{name}");
            continue;
        };
        assert_eq!((backup.rows, backup.selection.as_str()), (n, name));
        store.restore(&backup.path, &database.key).await.unwrap();
        assert!(database.dump().await == before, "{name}");
    }
}

#[tokio::test]
async fn a_bound_is_kept_and_batches_take_all_in_the_end() {
    let database = Database::new().await;
    database.express(2500).await;
    for n in 0..900 {
        database.set(&format!("sess:mine-{n}"), r#"{"cookie":{},"passport":{"user":"me"}}"#, 60).await;
    }
    let mut store = open(&database).await;
    let (backups, mine) = (database.backups(), users(&["me"]));
    let spec = spec(&backups, &database.key);
    let bounds = Bounds { at_most: Some(899), batch: None };
    let error = store.delete_bounded(&mine, &spec, bounds).await.unwrap_err();
    assert!(matches!(error, Error::TooMany { found: 900, at_most: 899 }), "{error}");
    assert!(names(&backups).is_empty() && database.size().await == 3400);
    let (mut sizes, bounds) = (Vec::new(), Bounds { at_most: None, batch: Some(200) });
    while store.count(&mine).await.unwrap() > 0 {
        sizes.push(store.delete_bounded(&mine, &spec, bounds).await.unwrap().deleted);
    }
    assert!(sizes.len() > 1 && sizes.iter().sum::<u64>() == 900, "{sizes:?}");
    assert_eq!(database.size().await, 2500);
}

/// What cannot be told is refused with its reason, and never an empty answer.
#[tokio::test]
async fn what_has_no_meaning_is_refused() {
    let database = Database::new().await;
    database.express(3).await;
    let mut store = database.open().await.unwrap();
    let error = store.users_table(&UsersWanted::default()).await.unwrap_err();
    assert!(error.to_string().contains("the users are in another store"), "{error}");
    assert!(error.hint().unwrap().contains("unleak sessions user"), "{error}");
    for (selection, said) in [
        (Selection::Duplicates, "a key is there once"),
        (users(&["1"]), "--user-path"),
        (Selection::Before(ago(1)), "3 sessions, and none tells when it was made"),
        (Selection::Idle(ago(1)), "starts anew with each look"),
    ] {
        let error = store.count(&selection).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        let error = store.delete(&selection, &spec(&database.backups(), &database.key)).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let options = Options { user_path: Some("nowhere.user".to_owned()), ..Options::default() };
    let mut wrong = Store::connect(&database.url.parse().unwrap(), &options).await.unwrap();
    let error = wrong.count(&users(&["1"])).await.unwrap_err();
    assert!(error.to_string().contains("none tells whose it is"), "{error}");
    assert_eq!(store.count(&Selection::Expired).await.unwrap(), 0, "each has a time to live");

    let flask = Database::new().await;
    flask.set(&format!("session:{}", "k".repeat(32)), b"\x81\xa1u\x07", 0).await;
    let error = flask.open().await.unwrap().count(&Selection::Expired).await.unwrap_err();
    assert!(error.to_string().contains("none tells when it ends"), "{error}");
    assert!(names(&database.backups()).is_empty());
}

/// Numbers and texts as Java writes them.
fn java(class: &str, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(class.len()).unwrap().to_be_bytes();
    [b"\xac\xed\x00\x05sr", &length[..], class.as_bytes(), &[0; 9], b"xp", value].concat()
}

#[tokio::test]
async fn springs_hashes_tell_users_and_times() {
    let database = Database::new().await;
    let id = |n: u32| format!("spring:session:sessions:0000000{n}-b496-4b33-9f7d-df96679d32fe");
    for (n, user, made, used) in [(1, "ada", 600, 1), (2, "ada", 20, 10), (3, "bob", 900, 800)] {
        let mut set = cmd("HSET");
        set.arg(id(n))
            .arg("creationTime")
            .arg(java("java.lang.Long", &ago(made).as_millisecond().to_be_bytes()));
        set.arg("lastAccessedTime").arg(java("java.lang.Long", &ago(used).as_millisecond().to_be_bytes()));
        set.arg("maxInactiveInterval").arg(java("java.lang.Integer", &1800_i32.to_be_bytes()));
        let name = [b"\xac\xed\x00\x05t\x00\x03", user.as_bytes()].concat();
        set.arg("sessionAttr:org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME").arg(name);
        database.run::<()>(&set).await;
        database.run::<()>(cmd("EXPIRE").arg(id(n)).arg(2100)).await;
    }
    let mut store = database.open().await.unwrap();
    assert_eq!(store.counts().await.unwrap().expired, 1);
    for (selection, count) in [
        (users(&["ada"]), 2),
        (users(&["nobody"]), 0),
        (Selection::Expired, 1),
        (Selection::Before(ago(60)), 2),
        (Selection::Idle(ago(5)), 2),
    ] {
        assert_eq!(store.count(&selection).await.unwrap(), count, "{}", selection.name());
    }
    let page = store.page(&ListQuery { active: Some(true), limit: 5, ..ListQuery::default() }).await.unwrap();
    let told: Vec<_> = page.sessions.iter().map(|one| (one.user.as_deref(), one.created.is_some())).collect();
    assert_eq!(told, [(Some("ada"), true), (Some("ada"), true)]);
    let done = store.delete(&users(&["bob"]), &spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((done.deleted, store.counts().await.unwrap().total), (1, 2));
}

fn sessions(database: &Database, args: &[&str]) -> Output {
    let source = database.backups().with_file_name("url");
    std::io::Write::write_all(&mut std::fs::File::create(&source).unwrap(), database.url.as_bytes()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unleak"));
    command.env_clear().env("USER", "ada").arg("--state").arg(source.with_file_name("state"));
    command.arg("sessions").args(args).arg(format!("--store-from=file:{}", source.display()));
    let output = command.output().unwrap();
    assert!(!said(&output).contains("tok-"), "a token is shown: {}", said(&output));
    output
}

fn json(database: &Database, args: &[&str], code: i32) -> serde_json::Value {
    let output = sessions(database, &[args, &["--format=json", "--user-path=passport.user"]].concat());
    assert_eq!(exit(&output), code, "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_only_session_of_a_user_is_deleted_among_those_of_guests() {
    let database = Database::new().await;
    for n in 0..3 {
        let guest = r#"{"cookie":{"expires":"2099-01-01T00:00:00Z"},"access_token":"t","expires":3600}"#;
        database.set(&format!("sess:guest-{n}"), guest, 0).await;
    }
    let logged_in = r#"{"cookie":{"expires":"2099-01-01T00:00:00Z"},"passport":{"user":7}}"#;
    database.set("sess:seven", logged_in, 3600).await;
    let report = json(&database, &["user", "7", "--yes"], 0);
    assert_eq!((&report["report"]["deleted"], &report["report"]["selected_after"]), (&1.into(), &0.into()));
    assert_eq!(tokens(&database).await, ["guest-0", "guest-1", "guest-2"]);
    // Where nothing was told from the beginning, the place of the user may be wrong.
    let refused = sessions(&database, &["user", "7", "--yes", "--user-path=passport.user"]);
    assert!(exit(&refused) == 2 && said(&refused).contains("none tells whose it is"), "{}", said(&refused));
}

#[tokio::test]
async fn an_operator_looks_and_cleans_up() {
    let database = Database::new().await;
    database.express(30).await;
    database
        .set("sess:tok-old", r#"{"cookie":{"expires":"2001-01-01T00:00:00Z"},"passport":{"user":7}}"#, 0)
        .await;
    let list = json(&database, &["list", "--limit=4", "--page=2"], 0);
    assert_eq!((&list["total"], &list["pages"]), (&31.into(), &8.into()));
    // By the time that is left: the next of 30 in the order of their numbers.
    let found: Vec<&str> =
        list["sessions"].as_array().unwrap().iter().map(|one| one["user"].as_str().unwrap()).collect();
    assert_eq!(found.len(), 4);
    assert_eq!(json(&database, &["list", "--user=7"], 0)["total"], 2);
    assert_eq!(json(&database, &["list", "--expiring=25h"], 0)["total"], 30);
    let expired = json(&database, &["list", "--status=expired"], 0);
    let fingerprint = expired["sessions"][0]["fingerprint"].as_str().unwrap().to_owned();
    let stats = json(&database, &["stats"], 0);
    assert_eq!(stats["facts"]["users"]["users"], 30);
    assert!(stats["facts"]["bytes"].as_u64().unwrap() > 30 * 300);
    let check = json(&database, &["check", "--soon=1h"], 0);
    let point = |name: &str| {
        let points = check["points"].as_array().unwrap();
        points.iter().find(|point| point["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((point("duplicates"), point("orphans")), ("ok".into(), "not_applicable".into()));
    assert_eq!(json(&database, &["delete", &fingerprint, "--yes"], 0)["report"]["deleted"], 1);
    assert_eq!(json(&database, &["user", "7", "8", "--yes", "--batch=1"], 0)["report"]["deleted"], 2);
    assert_eq!(exit(&sessions(&database, &["dedupe", "--yes"])), 2);
    assert_eq!(exit(&sessions(&database, &["orphans", "--yes"])), 2);
    let refused = sessions(&database, &["purge", "--yes", "--batch=10"]);
    assert_eq!(exit(&refused), 2);
    assert!(said(&refused).contains("leave the batch out"), "{}", said(&refused));
    assert_eq!(database.size().await, 28);
}

/// Django pickles, Flask packs and Laravel serializes: none of it is run, and each says whose a session is. What Laravel
/// encrypts does not, and then nobody's sessions are ended on a guess.
#[tokio::test]
async fn users_are_found_in_what_frameworks_write_instead_of_json() {
    let login = format!("login_web_{}", "59ba36ad".repeat(5));
    let php = |user: u8| {
        let inner = format!("a:2:{{s:6:\"_token\";s:2:\"ab\";s:{}:\"{login}\";i:{user};}}", login.len());
        format!("s:{}:\"{inner}\";", inner.len()).into_bytes()
    };
    let packed = |user: u8| [&b"\x82\xaa_permanent\xc3\xa8_user_id\xa1"[..], &[b'0' + user]].concat();
    let pickled = |user: u8| {
        [&b"\x80\x05}\x94(\x8c\x0d_auth_user_id\x94\x8c\x01"[..], &[b'0' + user], b"\x94\x8c\x01x\x94Nu."]
            .concat()
    };
    let users_of = |value: &dyn Fn(u8) -> Vec<u8>| [0, 1, 2, 3].map(value);
    let forms = [
        ("laravel", "laravel_database_laravel_cache_:", users_of(&php)),
        ("flask-session", "session:", users_of(&packed)),
        ("django-cache", ":1:django.contrib.sessions.cache", users_of(&pickled)),
    ];
    for (dialect, prefix, values) in forms {
        let database = Database::new().await;
        for n in 0..40_u8 {
            database
                .set(
                    &format!("{prefix}{}", format!("{n:02}Zz").repeat(10)),
                    values[usize::from(n) % 4].clone(),
                    3600,
                )
                .await;
        }
        let options = Options { dialect: Some(dialect.to_owned()), ..Options::default() };
        let mut store = Store::connect(&database.url.parse().unwrap(), &options).await.unwrap();
        let facts = store.facts(None, jiff::SignedDuration::ZERO).await.unwrap();
        assert_eq!(facts.users.unwrap().users, 4, "{dialect}");
        let done = store.delete(&users(&["3"]), &spec(&database.backups(), &database.key)).await.unwrap();
        assert_eq!((done.deleted, done.selected_after, database.size().await), (10, 0, 30), "{dialect}");
    }
    let database = Database::new().await;
    let encrypted = "eyJpdiI6Im".repeat(9);
    let value = format!("s:{}:\"{encrypted}\";", encrypted.len());
    database.set(&format!("laravel_database_laravel_cache_:{}", "12Zz".repeat(10)), value, 3600).await;
    let options = Options { dialect: Some("laravel".to_owned()), ..Options::default() };
    let mut store = Store::connect(&database.url.parse().unwrap(), &options).await.unwrap();
    let error = store.count(&users(&["3"])).await.unwrap_err();
    assert!(error.to_string().contains("none tells whose it is"), "{error}");
}

#[tokio::test]
async fn the_configuration_may_say_the_prefix_of_an_own_form() {
    let database = Database::new().await;
    for n in 0..3 {
        database.set(&format!("login:{n}"), "anything", 60).await;
    }
    let config = database.backups().with_file_name("own.yaml");
    std::io::Write::write_all(&mut std::fs::File::create(&config).unwrap(), b"sessions: {table: 'login:'}")
        .unwrap();
    let config = format!("--config={}", config.display());
    let stats = json(&database, &["stats", "--dialect=custom", &config], 0);
    assert_eq!(stats["facts"]["counts"]["total"], 3);
}
