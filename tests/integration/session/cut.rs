//! A network that is cut in the middle of every procedure, at many places of either way: no row is lost that is in no
//! backup, every backup tells the truth, what was done is reported, and a second run finishes.

use super::fixture::{names, spec};
use super::place::{Place, TABLES};
use super::proxy::{Proxy, Way};
use super::redis::Database;
use redis::cmd;
use std::path::PathBuf;
use unleak::secret::Secret;
use unleak::session::{
    Advance, BackupKey, BackupState, Error, Options, ProcedurePlan, ProcedureReport, Selection, Settled,
    Store, UsersWanted, list_backups,
};

/// So many places of each way and procedure.
const CUTS: usize = 5;
/// Rows in one transaction.
const BATCH: u64 = 25;

/// Expired rows, twins, orphans, live ones of two users, and a token that both have.
fn rows() -> String {
    let row = |n: u32| {
        let (token, user, year) = match n {
            0..40 => (n, 1, 2001),
            40..80 => (n / 2, 2, 2100),
            80..110 => (n, 99, 2100),
            _ => (n, 1 + n % 2, 2100),
        };
        let padding = "x".repeat(60);
        format!(
            "('tok-{token}-{padding}', {user}, '{year}-01-01 00:00:{:02}', '2026-01-01 00:00:00', {n})",
            n % 60
        )
    };
    let rows: Vec<String> = (0..180).map(row).collect();
    format!("{TABLES}; INSERT INTO sessions VALUES {}", rows.join(", "))
}

/// Everything that a procedure needs to be run on one store, straight and by way of the proxy.
pub(super) struct Course<'a> {
    pub(super) what: String,
    pub(super) direct: String,
    pub(super) proxy: &'a Proxy,
    pub(super) selection: Selection,
    pub(super) options: Options,
    pub(super) dir: PathBuf,
    pub(super) key: BackupKey,
}

impl Course<'_> {
    async fn open(&self, url: &str) -> Store {
        Store::connect(&url.parse().unwrap(), &self.options).await.unwrap()
    }

    /// Plans through the proxy, and applies when `arm` has told it what to do.
    pub(super) async fn through(&self, arm: impl FnOnce()) -> Result<ProcedureReport, Error> {
        self.through_telling(arm, &mut |_| {}).await
    }

    /// The same, and `told` learns of each batch.
    pub(super) async fn through_telling(
        &self,
        arm: impl FnOnce(),
        told: &mut dyn FnMut(&Advance),
    ) -> Result<ProcedureReport, Error> {
        let mut store = self.open(&self.proxy.url(&self.direct)).await;
        let plan = ProcedurePlan::prepare(&mut store, self.selection.clone(), None).await.unwrap();
        arm();
        let done = Box::pin(plan.apply(&mut store, &self.spec(), batch(&plan), &|| false, told)).await;
        self.proxy.calm();
        done
    }

    fn spec(&self) -> unleak::session::BackupSpec<'_> {
        spec(&self.dir, &self.key)
    }

    /// What the procedure's report, or its error, says that it deleted, and how many may have been besides.
    pub(super) fn told(&self, done: &Result<ProcedureReport, Error>) -> (u64, u64) {
        match done {
            Ok(done) => (done.deleted, done.gone),
            Err(Error::Partial { deleted, gone, .. }) => (*deleted, *gone),
            Err(Error::Uncounted { deleted, .. }) => (*deleted, 0),
            Err(Error::CommitUnknown { .. }) => (0, u64::MAX),
            Err(error) => {
                assert!(error.is_outage(), "{}: {error:?}", self.what);
                (0, 0)
            }
        }
    }

    /// Settles what is left open, as an operator does; gives the rows of all backups that count.
    pub(super) async fn settled(&self) -> u64 {
        let mut store = self.open(&self.direct).await;
        for name in names(&self.dir).iter().filter(|name| name.ends_with(".prepared")) {
            let settled = store.settle(&self.dir.join(name), &self.key).await.unwrap();
            assert!(!matches!(settled, Settled::Unknown), "{}: {settled:?}", self.what);
        }
        let list = list_backups(&self.dir).unwrap();
        assert!(list.backups.iter().all(|backup| backup.state == BackupState::Committed), "{}", self.what);
        assert!(list.unreadable.is_empty(), "{}", self.what);
        list.backups.iter().map(|backup| backup.rows).sum()
    }

    /// A second run, which nobody cuts.
    pub(super) async fn finish(&self) {
        let mut store = self.open(&self.direct).await;
        let plan = ProcedurePlan::prepare(&mut store, self.selection.clone(), None).await.unwrap();
        let spec = self.spec();
        let done =
            Box::pin(plan.apply(&mut store, &spec, batch(&plan), &|| false, &mut |_| {})).await.unwrap();
        assert_eq!((done.selected_after, done.stopped), (0, false), "{}", self.what);
    }

    pub(super) async fn restore_all(&self) {
        let mut store = self.open(&self.direct).await;
        for name in names(&self.dir) {
            store.restore(&self.dir.join(name), &self.key).await.unwrap();
        }
    }

    fn clear(&self) {
        for name in names(&self.dir) {
            std::fs::remove_file(self.dir.join(name)).unwrap();
        }
    }
}

/// In batches, where there are any.
fn batch(plan: &ProcedurePlan) -> Option<u64> {
    plan.usual_batch().and(Some(BATCH))
}

/// The places of a sweep, and the bytes of a whole run of either way.
async fn lengths(course: &Course<'_>) -> [usize; 2] {
    let counted = std::sync::Mutex::new(None);
    course.through(|| *counted.lock().unwrap() = Some(course.proxy.count())).await.unwrap();
    *counted.lock().unwrap().as_ref().unwrap().lock().unwrap()
}

fn places(lengths: [usize; 2]) -> Vec<(Way, usize)> {
    let of = |way, length: usize| (0..CUTS).map(move |n| (way, 1 + length * (2 * n + 1) / (2 * CUTS)));
    of(Way::Up, lengths[0]).chain(of(Way::Down, lengths[1])).collect()
}

async fn all_of(place: &Place) -> Vec<String> {
    let text = match place.name() {
        "MariaDB" => {
            r#"SELECT concat_ws('|', "sessionToken", "userId", expires, last_activity) FROM sessions"#
        }
        _ => "SELECT s::text FROM sessions s",
    };
    let mut rows = place.texts(text).await;
    rows.sort();
    rows
}

/// Every procedure on one database.
async fn sweep(place: &Place) {
    let before = all_of(place).await;
    let users = place.open().await.users_table(&UsersWanted::default()).await.unwrap();
    let proxy = Proxy::before(&place.url());
    let mut cut = 0;
    for (name, selection) in [
        ("purge", Selection::All),
        ("user", Selection::Users(vec!["1".to_owned()])),
        ("dedupe", Selection::Duplicates),
        ("orphans", Selection::Orphans(users)),
        ("expired", Selection::Expired),
        ("stale", Selection::Before("2026-06-01T00:00:00Z".parse().unwrap())),
        ("delete", Selection::Tokens(vec![Secret::from(format!("tok-111-{}", "x".repeat(60)))])),
    ] {
        let mut course = Course {
            what: name.to_owned(),
            direct: place.url(),
            proxy: &proxy,
            selection,
            // The server's zone is another one, and that is not what this is about.
            options: Options { zone: Some("UTC".to_owned()), ..Options::default() },
            dir: place.backups(),
            key: BackupKey::generate().unwrap(),
        };
        let lengths = lengths(&course).await;
        course.restore_all().await;
        course.clear();
        for (way, bytes) in places(lengths) {
            course.what =
                format!("{name} on {}, cut after {bytes} bytes {way:?} of {lengths:?}", place.name());
            let done = course.through(|| proxy.cut_after(way, bytes)).await;
            cut += u32::from(!matches!(&done, Ok(done) if done.cause.is_none()));
            let kept = course.settled().await;
            let left = all_of(place).await.len() as u64;
            assert_eq!(left + kept, before.len() as u64, "{}: a row is lost, or there twice", course.what);
            let (deleted, unsure) = course.told(&done);
            assert!(
                deleted <= kept && kept <= deleted.saturating_add(unsure),
                "{}: {kept} kept, {done:?}",
                course.what
            );
            course.finish().await;
            course.restore_all().await;
            assert!(all_of(place).await == before, "{}", course.what);
            course.clear();
        }
    }
    // A cut at the very end may come when all is done.
    assert!(cut > 45, "{cut} of {} runs were cut on {}", 14 * CUTS, place.name());
}

#[tokio::test]
async fn a_network_that_is_cut_loses_no_row_on_postgresql() {
    sweep(&Place::every(&rows()).await[0]).await;
}

#[tokio::test]
async fn a_network_that_is_cut_loses_no_row_on_mariadb() {
    sweep(&Place::every(&rows()).await[2]).await;
}

/// The keys that are there.
async fn keys(database: &Database) -> Vec<(String, Vec<u8>)> {
    database.dump().await
}

#[tokio::test]
async fn a_network_that_is_cut_loses_no_session_on_redis() {
    let database = Database::new().await;
    let mut pipe = redis::pipe();
    for n in 0..400 {
        let (ends, user) = (if n < 150 { "2001" } else { "2099" }, n % 3);
        let value = format!(
            r#"{{"cookie":{{"expires":"{ends}-01-01T00:00:00Z"}},"user":{user},"pad":"{}"}}"#,
            "x".repeat(300)
        );
        pipe.cmd("SET").arg(format!("sess:tok-{n}")).arg(value);
    }
    database.pipe(&pipe).await;
    let before = keys(&database).await;
    let proxy = Proxy::before(&database.url);
    let mut cut = 0;
    for (name, selection) in [
        ("purge", Selection::All),
        ("user", Selection::Users(vec!["1".to_owned()])),
        ("expired", Selection::Expired),
        (
            "delete",
            Selection::Tokens(vec![Secret::from("tok-7".to_owned()), Secret::from("tok-8".to_owned())]),
        ),
    ] {
        let mut course = Course {
            what: name.to_owned(),
            direct: database.url.clone(),
            proxy: &proxy,
            selection,
            // Keys that are gone tell nothing about their form.
            options: Options {
                user_path: Some("user".to_owned()),
                dialect: Some("connect-redis".to_owned()),
                table: Some("sess:*".to_owned()),
                ..Options::default()
            },
            dir: database.backups(),
            key: BackupKey::generate().unwrap(),
        };
        let lengths = lengths(&course).await;
        course.restore_all().await;
        course.clear();
        for (way, bytes) in places(lengths) {
            course.what = format!("{name} on Redis, cut after {bytes} bytes {way:?} of {lengths:?}");
            let done = course.through(|| proxy.cut_after(way, bytes)).await;
            cut += u32::from(!matches!(&done, Ok(done) if done.cause.is_none()));
            course.settled().await;
            let gone = (before.len() - keys(&database).await.len()) as u64;
            let (deleted, unsure) = course.told(&done);
            assert!(
                deleted <= gone && gone <= deleted.saturating_add(unsure),
                "{}: {gone} gone, {done:?}",
                course.what
            );
            course.restore_all().await;
            assert!(keys(&database).await == before, "{}: what is gone is in a backup", course.what);
            course.finish().await;
            course.restore_all().await;
            assert!(keys(&database).await == before, "{}", course.what);
            course.clear();
        }
    }
    assert!(cut > 20, "{cut} of {} runs were cut", 8 * CUTS);
    assert_eq!(database.run::<usize>(&cmd("DBSIZE")).await, before.len());
}
