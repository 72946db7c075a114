//! What an apply would do: a value that can be read, exported as SQL, and carried out.

use super::base::Base;
use super::catalogue::{Found, State};
use super::names::Names;
use super::object::{Kind, Object};
use super::{Problem, build, script};
use crate::session::TableName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// It is dropped and made in the form that it must have.
    Replace,
    /// What a stopped build left is dropped, and the index is built again.
    Rebuild,
    /// Old rows are filled.
    Fill,
    /// Old rows are checked.
    Validate,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Rebuild => "rebuild",
            Self::Fill => "fill",
            Self::Validate => "validate",
        })
    }
}

/// One step of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// To what kind of thing.
    pub kind: Kind,
    /// To which.
    pub name: &'static str,
    /// Why, and what it costs.
    pub detail: String,
    #[serde(skip)]
    pub(super) object: Object,
    /// What makes again what is replaced.
    #[serde(skip)]
    pub(super) restore: Vec<String>,
}

impl Step {
    fn new(found: &Found, action: Action, detail: impl Into<String>) -> Self {
        Self {
            action,
            kind: found.object.kind(),
            name: found.object.name,
            detail: detail.into(),
            object: found.object.clone(),
            restore: found.restore.clone(),
        }
    }

    /// How it is named: `create index idx_auth_sessions_auth_time`.
    pub fn label(&self) -> String {
        format!("{} {}", self.action, self.object.label())
    }

    /// The statements that it runs; none for rows, which are filled in batches.
    pub(super) fn statements(&self, names: &Names) -> Vec<String> {
        let create = || self.object.create(&names.real(), true);
        match self.action {
            Action::Create => create(),
            // It takes the other's place afterwards: see `swap`.
            Action::Replace if self.kind == Kind::Index => {
                let Some(stand_in) = self.object.stand_in() else { return Vec::new() };
                let mut all =
                    vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", names.beside(stand_in.name))];
                all.extend(stand_in.create(&names.real(), true));
                all
            }
            Action::Replace | Action::Rebuild => {
                let mut all = vec![self.object.drop(names)];
                all.extend(create());
                all
            }
            Action::Validate => vec![self.object.validate(names)],
            Action::Fill => Vec::new(),
        }
    }

    /// What puts an index that is built in the place of another, in one transaction; nothing for all else.
    pub(super) fn swap(&self, names: &Names) -> Vec<String> {
        match (self.action, self.object.stand_in()) {
            (Action::Replace, Some(stand_in)) => build::swap(names, &self.object, &stand_in, true),
            _ => Vec::new(),
        }
    }
}

/// What an apply would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The store's address without its password.
    pub store: String,
    /// The table.
    pub table: TableName,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// How many objects are as they must be.
    pub fitting: usize,
    /// What stands in the way; nothing is applied while there is any.
    pub problems: Vec<Problem>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(super) base: Base,
}

impl Plan {
    /// Whether everything is as it must be.
    pub fn is_done(&self) -> bool {
        self.steps.is_empty() && self.problems.is_empty()
    }

    /// The plan as SQL that `psql` runs, with the same result as an apply.
    pub fn sql(&self) -> String {
        script::script(self)
    }
}

/// The steps that lead from what is there to what must be.
pub(super) fn steps(found: &[Found]) -> Vec<Step> {
    found.iter().flat_map(steps_of).collect()
}

fn steps_of(found: &Found) -> Vec<Step> {
    let one = |action, detail: &str| vec![Step::new(found, action, detail)];
    let kind = found.object.kind();
    let mut all = match &found.state {
        State::Fits | State::Uncounted | State::Conflicts { .. } => Vec::new(),
        State::Unvalidated => one(Action::Validate, VALIDATES),
        State::Unfilled { rows, .. } => vec![Step::new(
            found,
            Action::Fill,
            format!("{rows} rows, in batches by primary key; only those that lack something are written"),
        )],
        State::Invalid => one(Action::Rebuild, "a stopped build left it unusable; built beside live traffic"),
        State::Differs { .. } if kind == Kind::Index => one(
            Action::Replace,
            "it has another form, which a rollback brings back; built beside it, then it takes its place",
        ),
        State::Differs { .. } => one(Action::Replace, "it has another form, which a rollback brings back"),
        State::Missing => one(Action::Create, creates(kind)),
    };
    if kind == Kind::Constraint && matches!(found.state, State::Missing | State::Differs { .. }) {
        all.push(Step::new(found, Action::Validate, VALIDATES));
    }
    all
}

const VALIDATES: &str = "reads every row and blocks nobody";

fn creates(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "for security events",
        Kind::Column | Kind::Default => "a lock of milliseconds, tried again while others hold it",
        Kind::Constraint => "for new rows first: a lock of milliseconds",
        Kind::Index => "built beside live traffic",
        Kind::Function | Kind::View => "closed to everybody who has no rights on the table",
        Kind::Rows => "",
    }
}
