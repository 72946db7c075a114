//! A plan as plain SQL: for who wants to read every statement, or to run them by another tool.

use super::fill::Filling;
use super::plan::{Action, Plan, Step};
use crate::session::{literal, quoted};
use std::fmt::Write as _;

/// How many keys one batch spans.
const BATCH: u32 = 5000;

pub(super) fn script(plan: &Plan) -> String {
    let mut text = format!(
        "-- {} of {}: {} steps, made by unleak {}.\n\
         -- Run it with psql, outside a transaction: indexes are built concurrently. It stops at the first error, and what\n\
         -- is missing then is what a new plan holds.\n\
         \\set ON_ERROR_STOP on\n",
        comment(&plan.table.to_string()),
        comment(&plan.store),
        plan.steps.len(),
        env!("CARGO_PKG_VERSION")
    );
    let owner = &plan.base.server.owner;
    if *owner != plan.base.server.role {
        line(&mut text, &format!("SET ROLE {}", quoted(owner)));
    }
    // A statement that must wait for a lock lets everybody behind it wait as well.
    line(&mut text, "SET search_path = pg_catalog");
    line(&mut text, "SET lock_timeout = '2s'");
    line(&mut text, "SET statement_timeout = 0");
    for step in &plan.steps {
        write!(text, "\n-- {}: {}\n", step.label(), step.detail).expect("a string takes any text");
        statements(&mut text, plan, step);
    }
    text
}

fn statements(text: &mut String, plan: &Plan, step: &Step) {
    if step.action == Action::Fill {
        let filling = Filling::new(&plan.base);
        if let Some(reader) = filling.prepare() {
            line(text, reader);
        }
        line(text, &fill(&filling));
        return;
    }
    let all = step.statements(&plan.base.names);
    let alone = step.object.stands_alone();
    let together = all.len() > 1 && !alone;
    if together {
        line(text, "BEGIN");
    }
    if alone {
        // It waits for older transactions, and nobody waits for it.
        line(text, "SET lock_timeout = 0");
    }
    for statement in &all {
        line(text, statement);
    }
    if together {
        line(text, "COMMIT");
    }
    if alone {
        line(text, "SET lock_timeout = '2s'");
    }
    let swap = step.swap(&plan.base.names);
    if !swap.is_empty() {
        line(text, "BEGIN");
        swap.iter().for_each(|statement| line(text, statement));
        line(text, "COMMIT");
    }
}

/// The filling as one block that commits after each batch.
fn fill(filling: &Filling) -> String {
    let batch = BATCH.to_string();
    let body = format!(
        "\nDECLARE\n  unleak_after {kind};\n  unleak_last {kind};\nBEGIN\n  LOOP\n    IF unleak_after IS NULL THEN\n      unleak_last := ({first_bound});\n    ELSE\n      \
         unleak_last := ({next_bound});\n    END IF;\n    EXIT WHEN unleak_last IS NULL;\n    IF unleak_after IS NULL THEN\n      {first};\n    \
         ELSE\n      {next};\n    END IF;\n    COMMIT;\n    unleak_after := unleak_last;\n  END LOOP;\n  IF EXISTS ({rest}) THEN\n    RAISE EXCEPTION \
         {held};\n  END IF;\nEND\n",
        kind = filling.key_type(),
        first_bound = filling.bound(None, &batch),
        next_bound = filling.bound(Some("unleak_after"), &batch),
        first = filling.update(None, "unleak_last"),
        next = filling.update(Some("unleak_after"), "unleak_last"),
        rest = filling.lacking(),
        held = literal("rows that other transactions held were passed over: run this again"),
    );
    format!("DO {}", super::names::dollar_quoted(&body))
}

fn line(text: &mut String, statement: &str) {
    writeln!(text, "{statement};").expect("a string takes any text");
}

/// A name that cannot end the comment it stands in.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
