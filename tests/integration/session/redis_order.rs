//! Two purges of Redis at once while the application writes: which of their backups has a session as it was last.

use super::fixture::spec;
use super::proxy::{Act, Proxy, Way};
use super::redis::{Database, express};
use redis::cmd;
use std::sync::mpsc::channel;
use std::time::Duration;
use unleak::session::{BackupSpec, Options, Store};

/// The first purge begins and is held up before it reads. The second takes everything; users log in again under their ids; and
/// the first one goes on. What it has is newer, though it was begun earlier.
#[tokio::test]
async fn the_backup_that_read_a_session_last_brings_it_back() {
    for order in [[0, 1], [1, 0]] {
        let database = Database::new().await;
        database.express(30).await;
        let folder = database.backups();
        let proxy = Proxy::before(&database.url);
        let url = proxy.url(&database.url).parse().unwrap();
        let mut first = Store::connect(&url, &Options::default()).await.unwrap();
        let (reads, has_come) = channel();
        let (goes_on, waits) = channel();
        let mut waits = Some(waits);
        proxy.watch(move |way, piece| {
            // It asks for whole values only to back them up.
            let is_read = way == Way::Up && memchr::memmem::find(piece, b"\r\n8191\r\n").is_some();
            let Some(waits) = waits.take_if(|_| is_read) else { return Act::Pass };
            reads.send(()).unwrap();
            Act::Wait(waits)
        });
        let begun = jiff::Timestamp::now();
        let of_first = BackupSpec { created: begun, ..spec(&folder, &database.key) };
        let beside = async {
            let held = tokio::task::spawn_blocking(move || has_come.recv_timeout(Duration::from_mins(1)));
            held.await.unwrap().expect("the first purge reads");
            let created = jiff::Timestamp::now().max(begun + Duration::from_micros(1));
            let of_second = BackupSpec { created, ..spec(&folder, &database.key) };
            let mut second = Store::connect(&url, &Options::default()).await.unwrap();
            let purged = second.purge(&of_second).await.unwrap();
            for n in 0..10 {
                database.set(&format!("sess:tok-{n:06}"), express(1000 + n), 900).await;
            }
            goes_on.send(()).unwrap();
            (second, purged)
        };
        let (late, (mut second, early)) = tokio::join!(first.purge(&of_first), beside);
        assert_eq!(database.size().await, 0);
        let files = [early, late.unwrap()].map(|purged| purged.backup.unwrap().path);
        for at in order {
            let restored = second.restore(&files[at], &database.key).await.unwrap();
            let (back, superseded) = if at == 0 { (20, 10) } else { (10, 0) };
            assert_eq!((restored.restored, restored.superseded), (back, superseded), "{order:?}");
        }
        for n in 0..30 {
            let value: String = database.run(cmd("GET").arg(format!("sess:tok-{n:06}"))).await;
            assert_eq!(value, express(if n < 10 { 1000 + n } else { n }), "{order:?}");
        }
    }
}
