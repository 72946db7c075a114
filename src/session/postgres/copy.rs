//! Copies every row into a backup and deletes none: what is kept before the form of a table is changed.

use super::delete::copy_out;
use super::{Postgres, execute};
use crate::session::backup::{self, BackupInfo, BackupSpec, Encoding, Subject, Writer};
use crate::session::store::within;
use crate::session::{Error, StoreKind};

const DOING: &str = "copying the sessions";

impl Postgres {
    pub(in crate::session) async fn copy(
        &mut self,
        spec: &BackupSpec<'_>,
    ) -> Result<Option<BackupInfo>, Error> {
        let mut connection = self.take().await?;
        let table = &self.selected.table;
        let statement = format!(
            "COPY (SELECT {} FROM {}{}) TO STDOUT",
            table.quoted_columns(),
            self.only(),
            table.name.quoted()
        );
        let limit = self.opener.limits.purge;
        // A role that policies hide rows from is refused, since a backup of some rows would pass for one of all.
        let begin = format!(
            "BEGIN READ ONLY; SET LOCAL row_security = off; SET LOCAL statement_timeout = {}",
            limit.as_millis()
        );
        let subject = Subject {
            store: &self.opener.url,
            kind: StoreKind::Postgres,
            dialect: self.selected.dialect.name,
            table,
            encoding: Encoding::PgCopyText,
            selection: backup::COPY,
            transaction: None,
        };
        let copied = within(limit, DOING, async {
            execute(&mut connection, DOING, begin).await?;
            let mut writer = Writer::create(spec, &subject)?;
            let rows = copy_out(&mut connection, DOING, &statement, &mut writer).await?;
            execute(&mut connection, DOING, "COMMIT").await?;
            Ok((writer, rows))
        });
        let (writer, rows) = copied.await?;
        self.connection = Some(connection);
        if rows == 0 {
            return Ok(None);
        }
        // There is no delete whose fate it would have to wait for.
        backup::committed(&writer.finish(rows)?.keep()).map(Some)
    }
}
