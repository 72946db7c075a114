//! The procedures as administrators ask for them: each as a plan first, then with backup and record, and undone by its
//! backup. One change at a time, so that nobody's plan is another one's surprise.

use super::Problem;
use super::access::Identity;
use super::app::App;
use super::files;
use super::sessions::by_fingerprint;
use crate::secret::Fingerprint;
use crate::session::{
    BackupInfo, Carried, Carrier, Error, Permission, ProcedurePlan, ProcedureReport, Restored, Selection,
    Store, list_backups,
};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// Of orphans and disabled users no more percent of all sessions than this: the users table may be the wrong one.
const MOST: u8 = 20;
/// How many days a backup is kept.
const KEEP: u16 = 30;

/// Which sessions are to go.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    All,
    Expired,
    Duplicates,
    Orphans,
    Disabled,
    Before(Timestamp),
    Idle(SignedDuration),
    User(String),
    Sessions(Vec<Fingerprint>),
}

impl Ask {
    /// The command that does the same.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::All => "sessions purge",
            Self::Expired => "sessions expired",
            Self::Duplicates => "sessions dedupe",
            Self::Orphans => "sessions orphans",
            Self::Disabled | Self::Before(_) | Self::Idle(_) => "sessions stale",
            Self::User(_) => "sessions user",
            Self::Sessions(_) => "sessions delete",
        }
    }

    /// What is selected, in words.
    pub(super) fn what(&self) -> String {
        match self {
            Self::All => "every session; everybody is logged out".to_owned(),
            Self::Expired => "sessions whose expiry is past".to_owned(),
            Self::Duplicates => "rows that share a token: all but the newest where they are one user's, all where they are not".to_owned(),
            Self::Orphans => "sessions whose user does not exist".to_owned(),
            Self::Disabled => "sessions of users who are disabled or deleted".to_owned(),
            Self::Before(time) => format!("sessions made before {time}"),
            Self::Idle(length) => format!("sessions not used for {} hours", length.as_hours()),
            Self::User(id) => format!("the sessions of the user {id}"),
            Self::Sessions(wanted) => match &wanted[..] {
                [one] => format!("the session with the fingerprint {one}"),
                more => format!("{} sessions", more.len()),
            },
        }
    }

    /// Whether more of them come by themselves at any moment, and no one among them is a surprise: the count that was
    /// shown binds nobody then, or a busy site could never be cleaned up.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::All | Self::Expired)
    }

    async fn plan(self, app: &App, store: &mut Store) -> Result<ProcedurePlan, Error> {
        let share = matches!(self, Self::Orphans | Self::Disabled).then_some(MOST);
        let selection = match self {
            Self::All => Selection::All,
            Self::Expired => Selection::Expired,
            Self::Duplicates => Selection::Duplicates,
            Self::Orphans => Selection::Orphans(store.users_table(&app.users).await?),
            Self::Disabled => Selection::Disabled(store.users_table(&app.users).await?),
            Self::Before(time) => Selection::Before(time),
            Self::Idle(length) => Selection::Idle(Timestamp::now() - length),
            Self::User(id) => Selection::Users(vec![id]),
            Self::Sessions(wanted) => by_fingerprint(app, store, &wanted).await?,
        };
        ProcedurePlan::prepare(store, selection, share).await
    }
}

/// What a change did, and where that is written down.
#[derive(Debug, Serialize)]
pub(super) struct Outcome<T> {
    #[serde(flatten)]
    pub(super) done: T,
    /// The hash of the audit log's record; `None` when it could not be written.
    pub(super) audit: Option<String>,
}

impl<T> Outcome<T> {
    fn of(carried: Carried<T>) -> Result<Self, Error> {
        Ok(Self { done: carried.done?, audit: carried.record.ok() })
    }
}

/// Counts what would go, and changes nothing.
pub(super) async fn preview(app: &App, ask: Ask) -> Result<ProcedurePlan, Problem> {
    let this = app.clone();
    Ok(app.stores.work(async move |store: &mut Store| ask.plan(&this, store).await).await?)
}

/// Deletes what was asked for. When it is more than `at_most` by now, nothing is done: there is a plan and no outcome.
pub(super) async fn carry_out(
    app: &App,
    identity: &Identity,
    ask: Ask,
    incident: String,
    at_most: Option<u64>,
) -> Result<(ProcedurePlan, Option<Outcome<ProcedureReport>>), Problem> {
    let change = Change::begin(app, ask.action())?;
    let who = identity.who();
    let work = async move |store: &mut Store| {
        let plan = ask.plan(&change.app, store).await?;
        if at_most.is_some_and(|most| plan.selected > most) {
            return Ok((plan, None));
        }
        let carrier = Carrier { batch: plan.usual_batch(), ..change.carrier(&who, &incident) };
        let carried = carrier.apply(store, &plan, &|| false, &mut |_| {}).await?;
        let outcome = Outcome::of(carried)?;
        change.succeeded();
        Ok((plan, Some(outcome)))
    };
    Ok(app.stores.change(work).await?)
}

/// Puts the sessions of a backup back.
pub(super) async fn restore(
    app: &App,
    identity: &Identity,
    backup: BackupInfo,
    revive: bool,
) -> Result<Outcome<Restored>, Problem> {
    let change = Change::begin(app, "sessions restore")?;
    let who = identity.who();
    let work = async move |store: &mut Store| {
        let carrier = change.carrier(&who, "");
        let info = carrier.verified(&backup.path)?;
        let permission = Permission { revive, elsewhere: false };
        let carried = carrier.restore(store, &[info], permission, &mut |_, _| {}).await?;
        let outcome = Outcome::of(carried)?;
        change.succeeded();
        Ok(outcome)
    };
    Ok(app.stores.change(work).await?)
}

/// The backups, the newest first, each with its name.
pub(super) async fn backups(app: &App) -> Result<Vec<(String, BackupInfo)>, Problem> {
    let list = files::read(app, |app| list_backups(&Carrier::backups(&app.state))).await?;
    let named = list.backups.into_iter().rev().filter_map(|backup| Some((backup_id(&backup)?, backup)));
    Ok(named.collect())
}

/// The name of a backup: that of its file, without what may change about it.
pub(super) fn backup_id(backup: &BackupInfo) -> Option<String> {
    Some(backup.path.file_stem()?.to_str()?.to_owned())
}

/// The backup of a name. It is looked for among those that are there: a name is never made into a path.
pub(super) async fn backup(app: &App, id: &str) -> Result<BackupInfo, Problem> {
    let found = backups(app).await?.into_iter().find(|(name, _)| name == id);
    found.map(|(_, backup)| backup).ok_or_else(|| Problem::missing("there is no backup of this name"))
}

/// The one change that is under way. It belongs to the work and not to the request, so that it is counted, and what was
/// sampled is forgotten, also when nobody waits for the answer any more.
struct Change {
    app: App,
    action: &'static str,
    done: bool,
    _alone: OwnedMutexGuard<()>,
}

impl Change {
    fn begin(app: &App, action: &'static str) -> Result<Self, Problem> {
        let alone = Arc::clone(&app.changing).try_lock_owned().map_err(|_| busy())?;
        Ok(Self { app: app.clone(), action, done: false, _alone: alone })
    }

    fn carrier<'a>(&'a self, who: &'a str, incident: &'a str) -> Carrier<'a> {
        let Self { app, action, .. } = self;
        Carrier { state: &app.state, who, action, incident, keep: KEEP, batch: None }
    }

    fn succeeded(mut self) {
        self.done = true;
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.app.samples.forget();
        self.app.metrics.action(self.action, if self.done { "done" } else { "failed" });
    }
}

fn busy() -> Problem {
    Problem::new(StatusCode::CONFLICT, "urn:unleak:busy", "Another change to sessions is under way")
        .hinted(Some("wait until it has ended, and look at the sessions again".to_owned()))
}
