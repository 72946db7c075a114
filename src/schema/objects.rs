//! Everything that must exist, once, in the order in which it is made. All else is derived from this list.

use super::audit::{self, AuditLog};
use super::base::Base;
use super::object::{Object, Shape};
use super::{columns, constraints, functions, indexes, views};

/// The name of the step that fills rows.
pub(super) const ROWS: &str = "backfill";

pub(super) fn objects(base: &Base, log: &AuditLog) -> Vec<Object> {
    let table = Object { name: audit::NAME, shape: Shape::Table { definition: log.definition() } };
    let mut all = vec![table];
    all.extend(columns::columns(base));
    all.extend(columns::defaults());
    // Before the constraints, which would refuse an update of a row that is not filled; and before the indexes, which
    // would make every written row cost more.
    all.push(Object { name: ROWS, shape: Shape::Rows });
    all.extend(constraints::constraints());
    all.extend(indexes::indexes());
    all.extend(functions::functions(base, log));
    all.extend(views::views(base));
    all
}
