//! The clean-up procedures: a plan that is counted and judged first, then backup and deletion of what it selected,
//! in one transaction or in batches, a second pass, and the counts afterwards by the same condition.
//!
//! Undo is `Store::restore` of the backups that a report names.

use super::backup::{self, BackupInfo};
use super::pace::Pace;
use super::{
    BackupSpec, Bounds, Counts, Error, Orphaned, Selection, Store, StoreKind, StoreSummary, ZoneCount,
};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// For how long what a plan counted is as good as a count of now: about as long as nobody was asked in between.
const FRESH: Duration = Duration::from_secs(5);

/// How many rows go in one transaction where nobody says so.
const BATCH: u64 = 200_000;

/// How many passes may gather hardly fewer than the one before: as many as a store without load needs to be found empty.
const MORE: u32 = 3;

/// What would be deleted, counted; nothing was changed for it.
#[derive(Clone, Debug, Serialize)]
pub struct ProcedurePlan {
    /// The store as it is.
    pub store: StoreSummary,
    /// Which sessions, by the selection's name.
    pub selection: &'static str,
    /// How many are selected.
    pub selected: u64,
    /// What the judgement of orphans rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orphaned: Option<Orphaned>,
    #[serde(skip)]
    meant: Selection,
    #[serde(skip)]
    at_most: Option<u64>,
    /// When it was counted, if it was.
    #[serde(skip)]
    counted: Option<Instant>,
}

impl ProcedurePlan {
    /// Counts what is selected and refuses what must not be deleted: a selection that depends on an unknown zone,
    /// orphans of a wrong or empty users table, more than `max_share` percent of all sessions.
    pub async fn prepare(store: &mut Store, meant: Selection, max_share: Option<u8>) -> Result<Self, Error> {
        store.preflight().await?;
        let mut orphaned = None;
        if let Selection::Orphans(users) | Selection::Disabled(users) = &meant {
            let found = store.orphaned(users).await?;
            if found.users == 0 {
                return Err(Error::NoUsers { users: users.name().to_string() });
            }
            orphaned = Some(found);
        }
        store.check_addresses(&meant).await?;
        let summary = store.describe().await?;
        if matches!(meant, Selection::Expired) && summary.lifetime.is_some_and(|lifetime| lifetime.assumed) {
            return Err(Error::LifetimeUnknown { table: summary.table.to_string() });
        }
        let selected = match (&meant, &orphaned) {
            // The same condition counted them already.
            (Selection::Orphans(_), Some(found)) => found.orphans,
            _ => store.count_of(&meant, &summary.counts).await?,
        };
        let counted = Some(Instant::now());
        if let Some(ZoneCount { zone, ours, theirs }) = store.count_in_server_zone(&meant).await?
            && theirs != ours
        {
            let table = summary.table.to_string();
            return Err(Error::ZoneMatters { table, in_utc: ours, elsewhere: theirs, zone });
        }
        let total = summary.counts.total;
        let at_most = max_share.map(|percent| total * u64::from(percent) / 100);
        if let (Some(at_most), Some(percent)) = (at_most, max_share)
            && selected > at_most
        {
            return Err(Error::Share { selected, total, percent });
        }
        Ok(Self { store: summary, selection: meant.name(), selected, orphaned, meant, at_most, counted })
    }

    /// The same where nobody is to be asked. Redis tells what there was as it is emptied, and is not counted before, which would
    /// take as long as the rest.
    pub async fn prepare_agreed(
        store: &mut Store,
        meant: Selection,
        max_share: Option<u8>,
    ) -> Result<Self, Error> {
        if store.kind() != StoreKind::Redis || !matches!(meant, Selection::All) || max_share.is_some() {
            return Self::prepare(store, meant, max_share).await;
        }
        store.preflight().await?;
        let (store, selection) = (store.summary(Counts::none()), meant.name());
        Ok(Self { store, selection, selected: 0, orphaned: None, meant, at_most: None, counted: None })
    }

    /// Whether its numbers mean anything.
    pub fn is_counted(&self) -> bool {
        self.counted.is_some()
    }

    /// How many rows go in one transaction where nobody says so; `None` for all of them. Redis is emptied at once, since nobody
    /// waits for that, and so is SQLite: a table is emptied sooner than a part of it is deleted row by row.
    pub fn usual_batch(&self) -> Option<u64> {
        let is_emptied = matches!(self.store.kind, StoreKind::Redis | StoreKind::Sqlite)
            && matches!(self.meant, Selection::All);
        (self.meant.can_be_split() && !is_emptied).then_some(BATCH)
    }

    /// Refuses batches where there are none to be had.
    pub(super) fn check_batch(&self, batch: Option<u64>) -> Result<(), Error> {
        if batch.is_none() || self.store.kind != StoreKind::Redis || !matches!(self.meant, Selection::All) {
            return Ok(());
        }
        Err(Error::Impossible {
            what: "a purge in batches",
            kind: self.store.kind,
            reason: "keys go one by one there, and nobody waits for them",
            hint: Some("leave the batch out"),
        })
    }

    /// Backs the selected sessions up and deletes them, in batches where they can be split, then once more what
    /// arrived meanwhile. Asks `stopped` between batches; what is done by then is whole, and another run goes on.
    pub async fn apply(
        &self,
        store: &mut Store,
        spec: &BackupSpec<'_>,
        batch: Option<u64>,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Advance),
    ) -> Result<ProcedureReport, Error> {
        self.check_batch(batch)?;
        self.apply_paced(store, spec, Pace::from(batch), stopped, progress).await
    }

    /// The same, in transactions of other sizes.
    pub(super) async fn apply_paced(
        &self,
        store: &mut Store,
        spec: &BackupSpec<'_>,
        pace: Pace,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Advance),
    ) -> Result<ProcedureReport, Error> {
        store.preflight().await?;
        let (selected_before, before) = match self.counted {
            Some(counted) if counted.elapsed() >= FRESH => self.count(store).await?,
            _ => (self.selected, self.store.counts.clone()),
        };
        let pace = if self.meant.can_be_split() { pace } else { Pace::Whole };
        let mut work = Work {
            plan: self,
            pace,
            started: Instant::now(),
            total: selected_before,
            // Twice as many as it should take: whoever logs in all the while must not keep it going.
            room: 2 * (selected_before + pace.most()),
            left: u64::MAX,
            more: MORE,
            deleted: 0,
            gone: 0,
            taken: 0,
            before: None,
            backups: Vec::new(),
        };
        let mut after = None;
        let end = loop {
            let had = work.deleted;
            let end = Box::pin(work.pass(store, spec, stopped, progress)).await;
            // A pass that finds nothing is the last, whatever arrives behind it.
            if !matches!(end, End::Complete) || work.room == 0 || (had > 0 && work.deleted == had) {
                break end;
            }
            match self.count(store).await {
                Ok((left, counts)) => {
                    // These numbers are the last ones.
                    if left == 0 || !work.goes_on(left) {
                        after = Some((left, counts));
                        break end;
                    }
                }
                Err(error) => return Err(work.uncounted(error)),
            }
        };
        let deleted = work.deleted;
        let (stopped, cause) = match end {
            // Nothing was changed: that is an error like any other.
            End::Failed(cause) if deleted == 0 && work.gone == 0 => return Err(cause),
            End::Failed(cause) => (true, Some(cause)),
            End::Stopped => (true, None),
            End::Complete => (false, None),
        };
        let counted = match after {
            Some(counted) => Ok(counted),
            None => self.count(store).await,
        };
        match counted {
            Ok((selected_after, after)) => Ok(ProcedureReport {
                selection: self.selection,
                selected_before: if self.is_counted() { selected_before } else { work.seen(&after).total },
                before: if self.is_counted() { before } else { work.seen(&after) },
                deleted,
                backed_up: deleted,
                gone: work.gone,
                taken: work.taken,
                selected_after,
                after,
                backups: work.backups,
                stopped,
                cause,
            }),
            // What ended it is why nobody could be asked; that it is half done must not look like done and uncounted.
            Err(error) if stopped => Err(work.partial(cause.unwrap_or(error))),
            Err(error) => Err(work.uncounted(error)),
        }
    }

    /// How many are selected, and how many there are.
    async fn count(&self, store: &mut Store) -> Result<(u64, Counts), Error> {
        let counts = store.counts().await?;
        Ok((store.count_of(&self.meant, &counts).await?, counts))
    }
}

/// What a procedure did; every number of selected rows is by the same condition.
#[derive(Debug, Serialize)]
pub struct ProcedureReport {
    /// Which sessions, by the selection's name.
    pub selection: &'static str,
    /// The counts of all sessions before.
    pub before: Counts,
    /// How many were selected before.
    pub selected_before: u64,
    /// How many rows were deleted.
    pub deleted: u64,
    /// How many rows the backups hold, by the count that is sealed in each; every byte of them was read back. Always as
    /// many as were deleted.
    pub backed_up: u64,
    /// How many were gone when their delete came, and are in no count of what was deleted. Only on Redis, which has no locks.
    pub gone: u64,
    /// Those of them whose time had not come: somebody else ended them.
    pub taken: u64,
    /// How many are selected now: rows that arrived meanwhile, or what a stopped procedure left.
    pub selected_after: u64,
    /// The counts of all sessions after.
    pub after: Counts,
    /// The backups, one a transaction.
    pub backups: Vec<BackupInfo>,
    /// Whether it ended before its work was done; what it did is whole, and another run goes on.
    pub stopped: bool,
    /// Why, when it failed after a part of the work.
    #[serde(skip)]
    pub cause: Option<Error>,
}

impl fmt::Display for ProcedureReport {
    /// The counts, as the audit log and people are told them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} selected before, {} backed up, {} deleted, {} selected after; {} of {} sessions left",
            self.selected_before,
            self.backed_up,
            self.deleted,
            self.selected_after,
            self.after.total,
            self.before.total
        )?;
        match (self.gone, self.taken) {
            (0, _) => Ok(()),
            (gone, 0) => write!(f, "; {gone} ended by themselves before their delete"),
            (gone, taken) => {
                write!(f, "; {gone} were gone before their delete, {taken} of them before their time")
            }
        }
    }
}

/// How far a procedure is.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// Rows deleted so far.
    pub deleted: u64,
    /// Rows that were selected.
    pub total: u64,
    /// Rows a second so far.
    pub rate: f64,
    /// Seconds that the rest takes at this rate.
    pub left: f64,
}

enum End {
    Complete,
    Stopped,
    Failed(Error),
}

struct Work<'a> {
    plan: &'a ProcedurePlan,
    pace: Pace,
    started: Instant,
    total: u64,
    /// How many rows its transactions may still be meant for.
    room: u64,
    /// How many were left after the last pass.
    left: u64,
    /// How many more passes may gather a few that arrived meanwhile.
    more: u32,
    deleted: u64,
    gone: u64,
    taken: u64,
    /// What the first deletion saw, where it saw everything.
    before: Option<Counts>,
    backups: Vec<BackupInfo>,
}

impl Work<'_> {
    /// Whether another pass is worth it. It is while each leaves much less than the one before, or much of what there was in
    /// the beginning; behind that are only those who log in all the while, and each pass would make another tiny backup.
    fn goes_on(&mut self, left: u64) -> bool {
        let before = std::mem::replace(&mut self.left, left);
        let is_much = self.deleted < self.total && left >= self.pace.most() / 4;
        if left > before / 2 && !is_much {
            self.more = self.more.saturating_sub(1);
        }
        self.more > 0
    }

    /// What there was before, though nobody counted it: by the deletion itself, or by what it came to.
    fn seen(&self, after: &Counts) -> Counts {
        let gone = self.deleted + self.gone;
        let came_to = Counts { total: after.total + gone, active: after.active + gone, ..after.clone() };
        self.before.clone().unwrap_or(came_to)
    }

    /// What was deleted stays so, and its backups must be known.
    fn partial(self, cause: Error) -> Error {
        if self.deleted == 0 && self.backups.is_empty() {
            return cause;
        }
        Error::Partial {
            read: self.total,
            deleted: self.deleted,
            gone: self.gone,
            backups: self.backups.into_iter().map(|backup| backup.path).collect(),
            cause: Box::new(cause),
        }
    }

    /// What was deleted stays so, and its backups must be known.
    fn uncounted(self, error: Error) -> Error {
        if self.deleted == 0 {
            return error;
        }
        Error::Uncounted {
            deleted: self.deleted,
            backups: self.backups.into_iter().map(|backup| backup.path).collect(),
            cause: Box::new(error),
        }
    }

    /// Deletes until nothing selected seems to be left.
    async fn pass(
        &mut self,
        store: &mut Store,
        spec: &BackupSpec<'_>,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Advance),
    ) -> End {
        while self.room > 0 {
            let (batch, began) = (self.pace.rows(), Instant::now());
            self.room = self.room.saturating_sub(batch.unwrap_or(self.total + 1));
            if stopped() {
                return End::Stopped;
            }
            // A bound holds for everything that is deleted together.
            let at_most = self.plan.at_most.map(|at_most| at_most.saturating_sub(self.deleted));
            let spec = BackupSpec { created: Timestamp::now().max(spec.created), ..*spec };
            let done = store.delete_unlocked(&self.plan.meant, &spec, Bounds { at_most, batch }).await;
            let removed = match done {
                Err(error) => {
                    self.take_note(&error);
                    return End::Failed(error);
                }
                Ok(removed) => removed,
            };
            self.pace.took(began.elapsed());
            self.gone += removed.gone;
            self.taken += removed.taken;
            self.before = self.before.take().or(removed.before);
            if removed.backups.is_empty() {
                return End::Complete;
            }
            let is_last = batch.is_none_or(|batch| removed.deleted < batch - batch / 4);
            self.deleted += removed.deleted;
            self.backups.extend(removed.backups);
            progress(&self.advance());
            // A batch is also short where somebody else deleted some of its rows meanwhile: the count tells.
            if is_last {
                break;
            }
        }
        End::Complete
    }

    /// What a store without transactions had deleted before it failed.
    fn take_note(&mut self, error: &Error) {
        if let Error::Partial { read, deleted, gone, backups, .. } = error {
            self.total = self.total.max(*read);
            self.deleted += deleted;
            self.gone += gone;
            self.backups.extend(backups.iter().filter_map(|path| backup::info(path).ok()));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn advance(&self) -> Advance {
        let deleted = self.deleted;
        let rate = deleted as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let left = self.total.saturating_sub(deleted) as f64 / rate.max(0.001);
        Advance { deleted, total: self.total, rate, left }
    }
}
