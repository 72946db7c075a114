//! Indexes, built beside live traffic. One that takes the place of another is built under a name of its own first, so
//! that the table is never without either; then one short transaction drops the old one and gives its name to the new.

use super::base::Base;
use super::catalogue::{Rows, State, survey};
use super::hardening::Hardening;
use super::names::Names;
use super::object::{Object, Shape};
use super::plan::{Action, Step};
use super::runner::{ATTEMPTS, Settings};
use super::stop::pause;
use super::{Error, Fault, Progress, prerequisites};
use crate::session::quoted;
use sqlx::postgres::PgConnection;

/// Whether there is such an index, and whether a stopped build left it unusable.
const THERE: &str = "SELECT i.indisvalid AND i.indisready FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid \
    WHERE n.nspname = $1 AND c.relname = $2 AND i.indrelid = $3::int8::oid";

impl Object {
    /// The same index under the name that it has until it takes another's place; none of what is no index.
    pub(super) fn stand_in(&self) -> Option<Self> {
        let Shape::Index { stand_in, .. } = &self.shape else { return None };
        Some(Self { name: stand_in, shape: self.shape.clone() })
    }
}

/// The statements of one transaction that put a stand-in in the place of what has its name now.
pub(super) fn swap(names: &Names, object: &Object, stand_in: &Object, is_there: bool) -> Vec<String> {
    let drop = is_there.then(|| format!("DROP INDEX {}", names.beside(object.name)));
    let rename = format!("ALTER INDEX {} RENAME TO {}", names.beside(stand_in.name), quoted(object.name));
    drop.into_iter().chain([rename]).collect()
}

/// Those stand-ins that a stopped run left.
pub(super) async fn left_over(
    connection: &mut PgConnection,
    base: &Base,
    objects: impl Iterator<Item = Object>,
) -> Result<Vec<Object>, Error> {
    let mut left = Vec::new();
    for object in objects {
        let Some(stand_in) = object.stand_in() else { continue };
        if is_whole(connection, base, stand_in.name).await?.is_some() {
            left.push(stand_in);
        }
    }
    Ok(left)
}

async fn is_whole(connection: &mut PgConnection, base: &Base, name: &str) -> Result<Option<bool>, Error> {
    let query = sqlx::query_scalar(THERE).bind(&base.names.schema).bind(name).bind(base.oid);
    query.fetch_optional(connection).await.map_err(Error::database("looking at the index"))
}

impl Hardening {
    /// Builds what a step wants, and puts it in the place of another where there is one.
    pub(super) async fn build(
        &mut self,
        step: &Step,
        settings: &Settings<'_>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let label = step.label();
        let (Action::Replace, Some(stand_in)) = (step.action, step.object.stand_in()) else {
            return self.build_one(&label, &step.object, stopped, tell).await;
        };
        // One that was built by a run that was stopped before it could take its place is taken as it is.
        let one = [stand_in];
        let found = survey(&mut self.connection, &self.base, &one, Rows::PassedOver).await?;
        let [stand_in] = one;
        if found.iter().any(|one| one.state != State::Fits) {
            // A whole one of another form has this name from nobody but an older run of ours.
            if found.iter().any(|one| matches!(one.state, State::Differs { .. })) {
                let drop = [stand_in.drop(&self.base.names)];
                self.alone("dropping what a build left", &drop, stopped).await?;
            }
            self.build_one(&label, &stand_in, stopped, tell).await?;
        }
        Fault::strike(settings.fault.as_ref(), &label, "built");
        let swap = swap(&self.base.names, &step.object, &stand_in, true);
        self.together(&label, &swap, settings.lock_timeout, stopped, tell).await
    }

    /// Builds one index, after what a stopped build left of it is gone.
    async fn build_one(
        &mut self,
        label: &str,
        index: &Object,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<(), Error> {
        let statements = index.create(&self.base.names.real(), true);
        for attempt in 1..=ATTEMPTS {
            let done = match self.drop_index(index, stopped).await {
                Ok(()) => self.alone(label, &statements, stopped).await,
                Err(error) => Err(error),
            };
            let Err(error) = done else { return Ok(()) };
            if error.code() == Some("23505") {
                self.drop_index(index, stopped).await?;
                let found = prerequisites::duplicates(&mut self.connection, &self.base).await?;
                let rows = found.map_or_else(
                    || "some were duplicates for a moment".to_owned(),
                    |found| found.to_string(),
                );
                return Err(Error::Rows { doing: label.to_owned(), rows });
            }
            if !error.is_lock_conflict() {
                if matches!(error, Error::Interrupted) {
                    return Err(self.let_go(index).await);
                }
                // After a lost connection the next run finds what was left.
                if !error.leaves_open() {
                    self.drop_index(index, stopped).await?;
                }
                return Err(error);
            }
            tell(&Progress::Waiting { doing: label, attempt });
            if pause(attempt, stopped).await.is_err() {
                return Err(self.let_go(index).await);
            }
        }
        self.drop_index(index, stopped).await?;
        Err(Error::Locked { doing: label.to_owned(), attempts: ATTEMPTS })
    }

    /// Drops what a stop left of a build. What is not valid may refuse rows all the same, and costs every write.
    async fn let_go(&mut self, index: &Object) -> Error {
        match is_whole(&mut self.connection, &self.base, index.name).await {
            Ok(Some(false)) => self.drop_at_once(index.name, index.drop(&self.base.names)).await,
            Ok(_) => Error::Interrupted,
            Err(cause) => Error::LeftOver { index: index.name.to_owned(), cause: Box::new(cause) },
        }
    }

    /// Drops what a build left under this name. A whole index somebody else made meanwhile: the build will say so.
    async fn drop_index(&mut self, index: &Object, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        if is_whole(&mut self.connection, &self.base, index.name).await? != Some(false) {
            return Ok(());
        }
        let drop = [index.drop(&self.base.names)];
        self.alone("dropping what a build left", &drop, stopped).await
    }
}
