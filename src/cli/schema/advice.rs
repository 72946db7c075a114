//! `unleak schema` on any session table that is not hardened: what it lacks is told, added on request, and dropped again
//! by a rollback.

use super::arguments::{Changing, Place, wait_for};
use super::change::{Change, stopped};
use super::rollback::{UNDONE, undone};
use super::show;
use crate::cli::sessions::run::confirm;
use crate::cli::sessions::say;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::rotate::StoreAccess;
use crate::schema::{Advice, AdviceBack, Error, Fault, Followed, Lack, advise, unique_token};
use crate::session::{TableName, UsersWanted};
use serde_json::json;

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
    let change = Change::new(changing, place, "schema advice", &table, advice.len());
    follow(&change, &advice, &advising.wanted(), changing.fault().as_ref(), context)
}

/// Carries advice out, and tells what became of it.
fn follow(
    change: &Change<'_>,
    advice: &[Advice],
    wanted: &UsersWanted,
    fault: Option<&Fault>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let Place { access, state } = change.place;
    change.carry_out(
        context,
        async |stopped, tell| {
            let mut store = access.connect().await?;
            Advice::follow(advice, &mut store, wanted, state, fault, stopped, tell).await
        },
        |done| &done.course,
        |done, context| report(change, &done, context),
    )
}

/// Adds the unique index on the token, as `apply --advice --only token` does it.
pub(in crate::cli) fn add_unique_token(
    access: &StoreAccess,
    action: &'static str,
    incident: &str,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let place = Place { access: access.clone(), state: context.state()? };
    let (table, advice) = wait_for(async {
        let mut store = place.access.connect().await?;
        Ok((store.describe().await?.table, unique_token(&mut store).await?))
    })?;
    let Some(advice) = advice else {
        say(context, "The unique index on the token is there already.\n")?;
        return Ok(Exit::Clean);
    };
    let table = table.to_string();
    let change = Change { place: &place, incident, is_json: false, action, table, of: 1 };
    follow(&change, &[advice], &UsersWanted::default(), None, context)
}

fn report(change: &Change<'_>, done: &Followed, context: &mut Context) -> Result<Exit, Failure> {
    change.print(&json!({"schema": "unleak.schema.followed/v1", "applied": done}), context)?;
    if done.course.stopped {
        return stopped(&done.course, ", or `unleak schema rollback --advice` to undo what is done", context);
    }
    if done.missing.is_empty() {
        say(context, &format!("{} added; the catalogue shows them.\n", done.course.steps.len()))?;
        return Ok(Exit::Clean);
    }
    writeln!(context.err, "  failed: the catalogue does not show all of it; run `unleak schema plan` again")?;
    Ok(Exit::Unverified)
}

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
    let change = Change::new(changing, place, "schema rollback", &back.table, back.steps.len());
    change.carry_out(
        context,
        async |stopped, tell| {
            let mut store = place.access.connect().await?;
            back.undo(&mut store, &place.state, changing.fault().as_ref(), stopped, tell).await
        },
        |done| &done.course,
        |done, context| {
            change.print(&json!({"schema": UNDONE, "rollback": done}), context)?;
            let left: Vec<String> =
                done.left.iter().map(|left| format!("after `{left}` it is still there")).collect();
            undone(&done.course, &left, context)
        },
    )
}
