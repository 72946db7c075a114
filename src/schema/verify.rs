//! Whether everything is there and does what it must: the catalogue object by object, then the behaviour.

use super::catalogue::{Rows, State};
use super::fill::{self, Filling};
use super::hardening::Hardening;
use super::{Error, constraints, prerequisites};
use serde::Serialize;

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "detail")]
pub enum Outcome {
    /// It is as it must be.
    Verified,
    /// It is not.
    Failed(String),
    /// It could not be told.
    NotChecked(String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// All checks of one table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verification {
    /// Each object against the catalogue.
    pub objects: Vec<Check>,
    /// What the functions, constraints and views do.
    pub behaviour: Vec<Check>,
    /// How many of the newest sessions have no device or network although they could: an application makes them that
    /// does not fill these columns, and another apply fills them.
    pub unfilled: u64,
    /// Of how many.
    pub looked_at: u64,
}

impl Verification {
    /// Every check.
    pub fn all(&self) -> impl Iterator<Item = &Check> {
        self.objects.iter().chain(&self.behaviour)
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.all().filter(|check| matches!(check.outcome, Outcome::Failed(_))).count()
    }

    /// How many could not be told.
    pub fn not_checked(&self) -> usize {
        self.all().filter(|check| matches!(check.outcome, Outcome::NotChecked(_))).count()
    }
}

impl Hardening {
    /// Compares the catalogue with what must be there, and tries the behaviour in transactions that are rolled back. Reads
    /// few rows, however many there are: that each is filled, the validated constraints say.
    ///
    /// # Errors
    /// When the server or the role keep the comparison from being made at all.
    pub async fn verify(&mut self, behaviour: bool) -> Result<Verification, Error> {
        let problems = prerequisites::of_base(&self.base);
        if !problems.is_empty() {
            return Err(Error::Blocked { table: self.table.to_string(), problems });
        }
        let found = self.survey(Rows::PassedOver).await?;
        let fits = |name: &str| found.iter().any(|one| one.object.name == name && one.state == State::Fits);
        let filled = fits(constraints::FAMILY) && fits(constraints::LOGIN);
        let mut objects: Vec<Check> = found
            .iter()
            .map(|one| Check { name: one.object.label(), outcome: outcome(&one.state, filled) })
            .collect();
        objects.extend(prerequisites::of_schema(&self.base).map(|problem| Check {
            name: format!("schema {}", self.base.names.schema),
            outcome: Outcome::Failed(problem.to_string()),
        }));
        let whole = objects.iter().all(|check| check.outcome == Outcome::Verified);
        let behaviour = match (behaviour, whole) {
            (false, _) => Vec::new(),
            (true, true) => self.try_behaviour().await?,
            (true, false) => vec![Check {
                name: "behaviour".to_owned(),
                outcome: Outcome::NotChecked("not everything that it rests on is there".to_owned()),
            }],
        };
        let (unfilled, looked_at) =
            if whole { fill::newest(&mut self.connection, &Filling::new(&self.base)).await? } else { (0, 0) };
        Ok(Verification { objects, behaviour, unfilled, looked_at })
    }
}

fn outcome(state: &State, filled: bool) -> Outcome {
    let failed = |text: &str| Outcome::Failed(text.to_owned());
    match state {
        State::Missing => failed("it is missing"),
        // An older application goes on writing rows without a device or network; see `Verification::unfilled`.
        State::Fits | State::Unfilled { must: 0, .. } => Outcome::Verified,
        State::Uncounted if filled => Outcome::Verified,
        State::Uncounted => Outcome::NotChecked(format!(
            "the validated constraints {} and {} would show it",
            constraints::FAMILY,
            constraints::LOGIN
        )),
        State::Unfilled { must, .. } => Outcome::Failed(format!("{must} rows lack what every row must have")),
        State::Differs { .. } => failed("it has another form"),
        State::Invalid => failed("a stopped build left it unusable"),
        State::Unvalidated => failed("old rows were not checked against it"),
        State::Conflicts { reason } => failed(reason),
    }
}
