//! Redis servers and accounts that a purge cannot work with: each is found out before anything is deleted.

use super::fixture::{everything, names, spec};
use super::redis::Database;
use super::redis_own::Own;
use redis::cmd;
use unleak::session::{Error, Options, Store};

#[tokio::test]
async fn a_refusal_says_what_to_do_and_shows_no_key() {
    let database = Database::new().await;
    database.express(3).await;
    let word = format!("w{}", std::process::id());
    let user = |rights: &'static [&'static str]| {
        let mut set = cmd("ACL");
        set.arg("SETUSER").arg("limited").arg("reset").arg("on").arg(format!(">{word}")).arg(rights);
        set
    };
    let at = |user: &str, word: &str| {
        let url = url::Url::parse(&database.url).unwrap();
        format!("redis://{user}:{word}@{}:{}{}", url.host_str().unwrap(), url.port().unwrap(), url.path())
    };
    let reads =
        &["~*", "+scan", "+type", "+getrange", "+strlen", "+select", "+ping", "+info", "+dump", "+pttl"];
    database.run::<()>(&user(reads)).await;
    let limited = Store::connect(&at("limited", &word).parse().unwrap(), &Options::default()).await;
    let mut limited = limited.unwrap();
    assert_eq!(limited.counts().await.unwrap().total, 3);
    let error = limited.purge(&spec(&database.backups(), &database.key)).await.unwrap_err();
    let text = everything(&error);
    assert!(text.contains("NOPERM") && text.contains("ACL SETUSER"), "{text}");
    assert!(!text.contains("tok-") && !text.contains(&word), "{text}");
    // The right commands, but for other keys.
    database.run::<()>(&user(&["~cache:*", "+@all"])).await;
    let error =
        Store::connect(&at("limited", &word).parse().unwrap(), &Options::default()).await.unwrap_err();
    assert!(everything(&error).contains("NOPERM"), "{error:?}");
    assert_eq!(database.size().await, 3);
    assert!(names(&database.backups()).is_empty());

    let error =
        Store::connect(&at("limited", "wrong").parse().unwrap(), &Options::default()).await.unwrap_err();
    assert!(everything(&error).contains("check user and password"), "{error:?}");
    let bare = format!("redis://{}", database.url.split('@').nth(1).unwrap());
    let error = Store::connect(&bare.parse().unwrap(), &Options::default()).await.unwrap_err();
    assert!(everything(&error).contains("no password was given"), "{error:?}");
    let error =
        Store::connect(&"redis://127.0.0.1:1".parse().unwrap(), &Options::default()).await.unwrap_err();
    assert!(everything(&error).contains("check host and port"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_found_out_before_anything_is_done() {
    let server = Own::start(&[]).await;
    let database = server.database().await;
    database.express(3).await;
    let mut store = database.open().await.unwrap();
    assert!(store.describe().await.unwrap().url.starts_with("unix:/"));
    database.run::<()>(cmd("CONFIG").arg("SET").arg("min-replicas-to-write").arg(1)).await;
    let error = store.purge(&spec(&database.backups(), &database.key)).await.unwrap_err();
    assert!(everything(&error).contains("NOREPLICAS"), "{error:?}");
    database.run::<()>(cmd("REPLICAOF").arg("127.0.0.1").arg(1)).await;
    let error = store.preflight().await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    assert!(names(&database.backups()).is_empty());
}

#[tokio::test]
async fn a_server_that_dies_is_said_to_be_gone() {
    let server = Own::start(&[]).await;
    let database = server.database().await;
    database.express(3).await;
    let mut store = database.open().await.unwrap();
    drop(server);
    let error = store.purge(&spec(&database.backups(), &database.key)).await.unwrap_err();
    assert!(!everything(&error).contains("tok-"), "{error:?}");
    assert!(names(&database.backups()).is_empty());
}
