//! Plans, steps and checks as text for people.

use crate::cli::Context;
use crate::cli::sessions::say;
use crate::schema::{Advice, AdviceBack, Check, Outcome, Plan, Progress, Verification, Way};
use crate::session::TableName;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What the copy is good for that an apply makes first.
const BACKUP: &str = "an apply copies every row first, encrypted, unless --no-backup: against rows that are lost. \
    `unleak sessions restore` puts those back once a rollback has given the table its columns of now again; the rollback \
    itself needs no backup";

/// What a copy is good for, and how it is put back.
const RESTORE: &str = "for rows that are lost: it fits the table in the form of before, so undo this change first, then \
    `unleak sessions restore FILE --revive` puts back those that are gone and leaves the others as they are";

pub(super) fn plan(plan: &Plan) -> String {
    let mut text = format!("{}, table {}\n", plan.store, plan.table);
    let mut line =
        |mark: &str, what: &str| writeln!(text, "  {mark:<8} {what}").expect("a string takes any text");
    for note in &plan.notes {
        line("note", note);
    }
    for problem in &plan.problems {
        line("problem", &problem.to_string());
    }
    for (number, step) in plan.steps.iter().enumerate() {
        line(&format!("{}.", number + 1), &format!("{}: {}", step.label(), step.detail));
    }
    if plan.problems.is_empty() && !plan.steps.is_empty() {
        line("backup", BACKUP);
    }
    match (plan.problems.len(), plan.steps.len()) {
        (0, 0) => writeln!(text, "Everything is there: {} objects.", plan.fitting),
        (0, 1) => writeln!(text, "1 step; {} objects are as they must be.", plan.fitting),
        (0, steps) => writeln!(text, "{steps} steps; {} objects are as they must be.", plan.fitting),
        (1, _) => writeln!(text, "1 problem stands in the way; nothing is applied before it is gone."),
        (problems, _) => {
            writeln!(text, "{problems} problems stand in the way; nothing is applied before they are gone.")
        }
    }
    .expect("a string takes any text");
    text
}

pub(super) fn advice(table: &TableName, advice: &[Advice]) -> String {
    let mut text = format!("table {table}\n");
    for one in advice {
        writeln!(text, "  {:<8} {}", "lacks", one.what).expect("a string takes any text");
        let first = one.first.iter().map(|first| ("first", first));
        for (mark, line) in first.chain(one.sql.iter().map(|sql| ("sql", sql))) {
            writeln!(text, "  {mark:<8} {line}").expect("a string takes any text");
        }
    }
    text.push_str(match (advice.is_empty(), advice.iter().all(Advice::is_ready)) {
        (true, _) => "It lacks nothing that is looked at.\n",
        (false, true) => {
            "`unleak schema apply --advice` adds it beside live traffic, and a rollback drops it again.\n"
        }
        (false, false) => {
            "See what stands at `first`; `unleak schema apply --advice` adds the rest, where no rows stand in the way.\n"
        }
    });
    text
}

pub(super) fn advice_sql(advice: &[Advice]) -> String {
    let statements = |one: &Advice| {
        let first = one.first.iter().map(|first| format!("-- first: {first}\n"));
        let sql = one.sql.iter().map(|sql| format!("{sql};\n"));
        format!("-- {}\n{}", one_line(&one.what), first.chain(sql).collect::<String>())
    };
    advice.iter().map(statements).collect()
}

/// Names of columns may hold anything; a comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

pub(super) fn advice_back(back: &AdviceBack) -> String {
    let mut text = format!("table {}\n", back.table);
    for (number, step) in back.steps.iter().enumerate() {
        writeln!(text, "  {:<8} {step}", format!("{}.", number + 1)).expect("a string takes any text");
    }
    if back.steps.is_empty() {
        text.push_str("Nothing of what was recorded is there any more.\n");
    }
    text
}

pub(super) fn way(way: &Way) -> String {
    let mut text = format!("{}, table {}\n", way.store, way.table);
    for (number, step) in way.steps.iter().enumerate() {
        writeln!(text, "  {:<8} {step}", format!("{}.", number + 1)).expect("a string takes any text");
    }
    for stays in &way.stays {
        writeln!(text, "  {:<8} {stays}", "stays").expect("a string takes any text");
    }
    for goes in &way.goes {
        writeln!(text, "  {:<8} {goes}", "goes").expect("a string takes any text");
    }
    if way.revived > 0 {
        writeln!(
            text,
            "{} sessions that were revoked and have not expired are live again afterwards.",
            way.revived
        )
        .expect("a string takes any text");
    }
    text.push_str("What stands in these columns is lost, and so is the protection that they gave.\n");
    text
}

pub(super) fn verification(verification: &Verification) -> String {
    let mut text = String::new();
    for Check { name, outcome } in verification.all() {
        let (mark, detail) = match outcome {
            Outcome::Verified => ("verified", ""),
            Outcome::Failed(detail) => ("failed", detail.as_str()),
            Outcome::NotChecked(detail) => ("not checked", detail.as_str()),
        };
        let colon = if detail.is_empty() { "" } else { ": " };
        writeln!(text, "  {mark:<12} {name}{colon}{detail}").expect("a string takes any text");
    }
    if verification.unfilled > 0 {
        writeln!(
            text,
            "  {:<12} {} of the newest {} sessions have no device or network although they could: the application does not fill these columns yet, `unleak schema apply` does",
            "note", verification.unfilled, verification.looked_at
        )
        .expect("a string takes any text");
    }
    let (all, failed, open) = (verification.all().count(), verification.failed(), verification.not_checked());
    writeln!(text, "{} of {all} checks verified, {failed} failed, {open} not checked.", all - failed - open)
        .expect("a string takes any text");
    text
}

/// Tells steps as they come, and the filling of rows twice a second at most.
pub(super) struct Teller<'a> {
    context: &'a mut Context,
    told: Instant,
}

impl<'a> Teller<'a> {
    pub(super) fn new(context: &'a mut Context) -> Self {
        Self { context, told: Instant::now() }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        let line = match progress {
            Progress::BackingUp => "  backing the table up\n".to_owned(),
            Progress::BackedUp(backup) => {
                format!("  backup: {} ({} rows)\n          {RESTORE}\n", backup.path.display(), backup.rows)
            }
            Progress::Begun { number, of, step } => format!("  {number}/{of} {step}\n"),
            Progress::Filled { rows, of } => {
                if rows < of && self.told.elapsed() < Duration::from_millis(500) {
                    return;
                }
                self.told = Instant::now();
                format!("      {rows} of {of} rows filled\n")
            }
            Progress::Waiting { doing, attempt } => {
                format!("      {doing}: others hold the lock, attempt {attempt}; trying again\n")
            }
        };
        // A closed terminal must not stop a change half-way.
        drop(say(self.context, &line));
    }
}
