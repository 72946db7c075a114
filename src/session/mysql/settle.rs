//! Finds out how a deletion ended whose commit nobody saw: by whether the rows of its backup are in the table.
//!
//! A row that is there with other content may be another one under the same key, so it tells nothing.

use super::spelling::{hex_literal, text_literal};
use super::{MySql, row};
use crate::session::backup::{BackupSpec, Reader};
use crate::session::schema::quoted;
use crate::session::{Error, Selection};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::path::Path;

const DOING: &str = "looking for rows";

/// How many rows are looked up.
const SAMPLE: usize = 100;

impl MySql {
    /// Looks over a new connection whether the rows of the backup are there.
    pub(super) async fn ask_again(&self, path: &Path, spec: &BackupSpec<'_>) -> Option<bool> {
        for _ in 0..20 {
            if let Ok(mut connection) = self.opener.open().await
                && let Ok(reader) = Reader::open(path, spec.key)
                && let Ok(committed) = self.look_up(&mut connection, reader, false).await
            {
                return committed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        None
    }

    /// Looks the first rows of a backup up in the table: all there and unchanged means that their delete was
    /// rolled back.
    pub(in crate::session) async fn was_committed(
        &mut self,
        reader: Reader,
        selection: &str,
    ) -> Result<Option<bool>, Error> {
        let mut connection = self.take().await?;
        let of_all = selection == Selection::All.name();
        let committed = self.look_up(&mut connection, reader, of_all).await?;
        self.connection = Some(connection);
        Ok(committed)
    }

    async fn look_up(
        &self,
        connection: &mut MySqlConnection,
        reader: Reader,
        of_all: bool,
    ) -> Result<Option<bool>, Error> {
        let columns = &self.selected.table.columns;
        let mut rows = row::Rows::new(reader, columns.len())?;
        let selected = columns.iter().map(row::selected).collect::<Vec<_>>().join(", ");
        let (mut seen, mut present, mut unchanged) = (0, 0, 0);
        while seen < SAMPLE
            && let Some(values) = rows.next()?
        {
            seen += 1;
            let Some(same) = self.same_row(&values) else { return Ok(None) };
            // A lock of the lost connection may still be held; its rows are not to be waited for without end.
            let select = format!(
                "SELECT {selected} FROM {} AS s WHERE {same} LIMIT {SAMPLE} FOR UPDATE",
                self.selected.table.name.quoted()
            );
            let found = sqlx::raw_sql(AssertSqlSafe(select)).fetch_all(&mut *connection).await;
            let found = found.map_err(Error::database(DOING))?;
            present += usize::from(!found.is_empty());
            let found = found.iter().map(row::values).collect::<Result<Vec<_>, _>>()?;
            unchanged += usize::from(found.contains(&values));
        }
        Ok(match present {
            0 => Some(true),
            // Without a key another row of the same token is not told from the one that was deleted.
            _ if unchanged == seen && (of_all || self.key.is_some()) => Some(false),
            _ => None,
        })
    }

    /// The condition for the row of a backup: its key, else its token.
    fn same_row(&self, values: &row::Row) -> Option<String> {
        if let Some(key) = &self.key {
            return key.is_row(values);
        }
        let token = &self.selected.roles.token;
        let at = self.selected.table.columns.iter().position(|column| column == token)?;
        let name = format!("s.{}", quoted(&token.name));
        Some(match &values[at] {
            None => format!("{name} IS NULL"),
            Some(value) if row::is_binary(token) => format!("{name} = {}", hex_literal(value)),
            Some(value) => format!("{name} = {}", text_literal(value)),
        })
    }
}
