//! Redis behind Sentinel, before and after a failover, and over TLS.

use super::fixture::{everything, names, spec};
use super::redis_own::{Own, port};
use std::path::Path;
use std::process::Command;
use unleak::session::{Error, Options, Store};

async fn open(url: &str) -> Result<Store, Error> {
    Store::connect(&url.parse().unwrap(), &Options::default()).await
}

#[tokio::test]
async fn sentinel_names_the_primary_and_after_a_failover_the_new_one() {
    let (first, second, third) = (port(), port(), port());
    let primary = Own::start(&["--port", &first.to_string()]).await;
    let replica =
        Own::start(&["--port", &second.to_string(), "--replicaof", &format!("127.0.0.1 {first}")]).await;
    replica.until("INFO", &["replication"], |text| text.contains("master_link_status:up")).await;
    let sentinel = Own::sentinel(third, first).await;
    let database = primary.database().await;
    database.express(5).await;
    // The first sentinel of the list is not there.
    let url = format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{third}/sessions/0", port());
    let mut store = open(&url).await.unwrap();
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.deleted, database.size().await), (5, 0));
    let unknown = open(&format!("redis+sentinel://127.0.0.1:{third}/others")).await.unwrap_err();
    assert!(everything(&unknown).contains("Sentinel knows no service others"), "{unknown:?}");

    // It can only promote a replica that it has heard of.
    sentinel.until("SENTINEL", &["replicas", "sessions"], |text| text.contains(&second.to_string())).await;
    drop(primary);
    let is_second = |text: &str| text.contains(&second.to_string());
    sentinel.until("SENTINEL", &["get-master-addr-by-name", "sessions"], is_second).await;
    replica.until("INFO", &["replication"], |text| text.contains("role:master")).await;
    let database = replica.database().await;
    database.express(3).await;
    // The store that was open goes on with the primary that there is now.
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.deleted, database.size().await), (3, 0));
    let info = purged.backup.unwrap();
    assert_eq!(store.restore(&info.path, &database.key).await.unwrap().restored, 3);
    assert_eq!(database.size().await, 3);
}

#[tokio::test]
async fn sessions_are_purged_over_tls_by_a_server_that_is_trusted_only() {
    let own = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(own.path(), "server");
    let (strange, _) = certificate(own.path(), "strange");
    let port = port().to_string();
    let options =
        ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &cert];
    let server = Own::start(&options).await;
    let database = server.database().await;
    database.express(4).await;
    // The server asks for a certificate of the client too.
    let with = |root: &str, client: bool| {
        let own = if client { format!("&ssl_certfile={cert}&ssl_keyfile={key}") } else { String::new() };
        format!("rediss://127.0.0.1:{port}/0?ssl_ca_certs={root}{own}")
    };
    for refused in [with(&strange, true), with(&cert, false), format!("redis://127.0.0.1:{port}/0")] {
        let error = open(&refused).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. } | Error::Timeout { .. }), "{refused}: {error:?}");
    }
    assert!(names(&database.backups()).is_empty());
    let mut store = open(&with(&cert, true)).await.unwrap();
    let purged = store.purge(&spec(&database.backups(), &database.key)).await.unwrap();
    assert_eq!((purged.deleted, database.size().await), (4, 0));
}

/// A certificate that signs itself, with its key.
fn certificate(dir: &Path, name: &str) -> (String, String) {
    let path = |end: &str| dir.join(format!("{name}.{end}")).to_str().unwrap().to_owned();
    let (cert, key) = (path("pem"), path("key"));
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split(' '))
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            &key,
            "-out",
            &cert,
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (cert, key)
}
