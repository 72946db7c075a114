//! `unleak schema` on any session table that is not hardened: what it lacks is told, added on request, and dropped again
//! by a rollback.

use super::arguments::{Changing, Place, settle, stop_sign, trail, wait_for};
use super::{failure, show};
use crate::cli::sessions::run::{completed, confirm};
use crate::cli::sessions::say;
use crate::cli::{Context, Failure, interrupt};
use crate::exit::Exit;
use crate::schema::{Advice, AdviceBack, AdviceUndone, Error, Followed, Lack, Progress, advise};
use crate::session::{AuditState, TableName, UsersWanted};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

/// That advice is meant, and what it is about.
#[derive(clap::Args)]
pub(super) struct Advising {
    /// Look for what any session table needs (a unique token, an index for what is over, a reference to the user), and
    /// not for the hardened form of `auth_sessions`; a plan does so by itself where there is no such table.
    #[arg(long)]
    advice: bool,
    /// Only this of it; may be given several times.
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Vec<Only>,
    /// The table with the users, when it should not be detected.
    #[arg(long, value_name = "TABLE")]
    users_table: Option<String>,
    /// Its column that sessions refer to [default: what a foreign key says, else `id`].
    #[arg(long, value_name = "COLUMN")]
    users_id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// A unique index on the token.
    Token,
    /// An index on the end of a session.
    Expiry,
    /// A reference to the user.
    User,
}

impl Advising {
    /// Whether advice was asked for by its name.
    pub(super) fn is_asked(&self) -> bool {
        self.advice || !self.only.is_empty()
    }

    fn wanted(&self) -> UsersWanted {
        UsersWanted { table: self.users_table.clone(), id: self.users_id.clone(), disabled: None }
    }

    fn is_meant(&self, lack: Lack) -> bool {
        let only = match lack {
            Lack::UniqueToken => Only::Token,
            Lack::ExpiryIndex => Only::Expiry,
            Lack::UserIndex | Lack::UserReference => Only::User,
        };
        self.only.is_empty() || self.only.contains(&only)
    }

    /// What an apply adds: what takes more than an addition keeps the rest from nothing, unless it was asked for.
    fn to_add(&self, advice: &[Advice]) -> Vec<Advice> {
        let leaves_out = self.only.is_empty() && advice.iter().any(Advice::can_be_added);
        advice.iter().filter(|one| !leaves_out || one.can_be_added()).cloned().collect()
    }

    /// What the table lacks of what is meant.
    async fn look(&self, place: &Place) -> Result<(TableName, Vec<Advice>), Error> {
        let mut store = place.access.connect().await?;
        let table = store.describe().await?.table;
        let mut advice = advise(&mut store, &self.wanted(), &place.state).await?;
        advice.retain(|one| self.is_meant(one.lack));
        Ok((table, advice))
    }
}

/// The form of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Human,
    Json,
    Sql,
}

/// Tells what the table lacks.
pub(super) fn plan(
    advising: &Advising,
    place: &Place,
    form: Form,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let (table, advice) = wait_for(async { advising.look(place).await })?;
    print(&table, &advice, form, context)?;
    Ok(if advice.is_empty() { Exit::Clean } else { Exit::Findings })
}

fn print(table: &TableName, advice: &[Advice], form: Form, context: &mut Context) -> Result<(), Failure> {
    let text = match form {
        Form::Human => show::advice(table, advice),
        Form::Sql => show::advice_sql(advice),
        Form::Json => {
            let body = json!({"schema": "unleak.schema.advice/v1", "table": table, "advice": advice});
            format!("{body:#}\n")
        }
    };
    context.out.write_all(text.as_bytes())?;
    Ok(())
}

fn form(changing: &Changing) -> Form {
    if changing.source.is_json() { Form::Json } else { Form::Human }
}

/// Adds what the table lacks.
pub(super) fn apply(
    changing: &Changing,
    advising: &Advising,
    place: &Place,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let (table, advice) = wait_for(async { advising.look(place).await })?;
    if changing.dry_run {
        print(&table, &advice, form(changing), context)?;
        return Ok(if advising.to_add(&advice).iter().all(Advice::is_ready) {
            Exit::Clean
        } else {
            Exit::Usage
        });
    }
    if advice.is_empty() {
        print(&table, &advice, form(changing), context)?;
        return Ok(Exit::Clean);
    }
    say(context, &show::advice(&table, &advice))?;
    let advice = advising.to_add(&advice);
    if advice.iter().all(Advice::is_ready) {
        confirm(changing.yes, "apply", "this changes the table's indexes and references", context)?;
    }
    let trail = trail(place, "schema advice", table.to_string(), "", changing.incident(), context);
    let begun = trail.record(AuditState::Begun, format!("{} pieces of advice", advice.len()));
    begun.map_err(|error| failure(&error.into()))?;
    let stop = stop_sign()?;
    let done = {
        let mut teller = show::Teller::new(context);
        settle(async {
            let mut store = place.access.connect().await?;
            let stopped = || stop.load(Ordering::Relaxed);
            let (wanted, fault) = (advising.wanted(), changing.fault());
            let mut tell = |now: &Progress<'_>| teller.tell(now);
            Advice::follow(&advice, &mut store, &wanted, &place.state, fault.as_ref(), &stopped, &mut tell)
                .await
        })?
    };
    interrupt::end_at_once();
    match done {
        Ok(done) => {
            let state = if done.stopped { AuditState::Stopped } else { AuditState::Done };
            let text = format!("{} of {}", done.steps.len(), done.of);
            let told = report(changing, &done, context);
            completed(trail.record(state, text), told, context)
        }
        Err(error) => failed(&trail, &error, context),
    }
}

fn failed(trail: &crate::session::Trail, error: &Error, context: &mut Context) -> Result<Exit, Failure> {
    let state = if matches!(error, Error::Stopped { .. }) { AuditState::Stopped } else { AuditState::Failed };
    completed(trail.record(state, error.to_string()), Err(failure(error)), context)
}

fn report(changing: &Changing, done: &Followed, context: &mut Context) -> Result<Exit, Failure> {
    if changing.source.is_json() {
        writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.followed/v1", "applied": done}))?;
    }
    if done.stopped {
        context.err.write_all(STOPPED)?;
        return Ok(Exit::Interrupted);
    }
    if done.missing.is_empty() {
        say(context, &format!("{} added; the catalogue shows them.\n", done.steps.len()))?;
        return Ok(Exit::Clean);
    }
    writeln!(context.err, "  failed: the catalogue does not show all of it; run `unleak schema plan` again")?;
    Ok(Exit::Unverified)
}

const STOPPED: &[u8] = b"Stopped. What is done is whole and recorded; run the command again to go on.\n";

/// Drops what an apply of advice added.
pub(super) fn rollback(changing: &Changing, place: &Place, context: &mut Context) -> Result<Exit, Failure> {
    let back = wait_for(async { AdviceBack::of(&mut place.access.connect().await?, &place.state).await })?;
    let shown = show::advice_back(&back);
    if changing.dry_run {
        if changing.source.is_json() {
            let body = json!({"schema": "unleak.schema.advice_back/v1", "rollback": back});
            writeln!(context.out, "{body:#}")?;
        } else {
            context.out.write_all(shown.as_bytes())?;
        }
        return Ok(Exit::Clean);
    }
    say(context, &shown)?;
    confirm(changing.yes, "rollback", "this drops indexes and references", context)?;
    let trail = trail(place, "schema rollback", back.table.to_string(), "", changing.incident(), context);
    let begun = trail.record(AuditState::Begun, format!("{} steps", back.steps.len()));
    begun.map_err(|error| failure(&error.into()))?;
    let stop = stop_sign()?;
    let done = {
        let mut teller = show::Teller::new(context);
        settle(async {
            let mut store = place.access.connect().await?;
            let (stopped, fault) = (|| stop.load(Ordering::Relaxed), changing.fault());
            let mut tell = |now: &Progress<'_>| teller.tell(now);
            back.undo(&mut store, &place.state, fault.as_ref(), &stopped, &mut tell).await
        })?
    };
    interrupt::end_at_once();
    match done {
        Ok(done) => {
            let state = if done.stopped { AuditState::Stopped } else { AuditState::Done };
            let text = format!("{} of {} steps", done.steps.len(), back.steps.len());
            let told = undone(changing, &done, context);
            completed(trail.record(state, text), told, context)
        }
        Err(error) => failed(&trail, &error, context),
    }
}

fn undone(changing: &Changing, done: &AdviceUndone, context: &mut Context) -> Result<Exit, Failure> {
    if changing.source.is_json() {
        writeln!(context.out, "{:#}", json!({"schema": "unleak.schema.rollback/v1", "rollback": done}))?;
    }
    if done.stopped {
        context.err.write_all(STOPPED)?;
        return Ok(Exit::Interrupted);
    }
    let mut text = String::new();
    for left in &done.left {
        writeln!(text, "  failed: after `{left}` it is still there").expect("a string takes any text");
    }
    if done.left.is_empty() {
        writeln!(text, "{} dropped; the catalogue holds none of it any more.", done.steps.len())
            .expect("a string takes any text");
        say(context, &text)?;
        return Ok(Exit::Clean);
    }
    context.err.write_all(text.as_bytes())?;
    Ok(Exit::Unverified)
}
