//! What the log of a hardened table tells of the last hour.

use super::Postgres;
use crate::session::Error;
use crate::session::replays::{LogAt, Replays, read};
use crate::session::store::within;
use jiff::SignedDuration;

impl Postgres {
    /// Tokens that were used twice lately; none where nothing would notice that.
    pub(super) async fn replays(&mut self, since: SignedDuration) -> Result<Option<Replays>, Error> {
        let table = &self.selected.table;
        if table.revoked().is_none() {
            return Ok(None);
        }
        let sql = self.sql(self.reading());
        let over = self.subject().over(&sql)?;
        let (quoted_table, live) = (table.name.quoted(), format!("({over}) IS NOT TRUE"));
        let schema = table.name.schema.clone().unwrap_or_default();
        let at = LogAt { schema: &schema, table: &quoted_table, live: &live };
        let mut connection = self.take().await?;
        let limit = self.opener.limits.statement;
        match within(limit, "reading the log of replays", read(&mut connection, &at, since)).await {
            Ok(told) => {
                self.connection = Some(connection);
                Ok(Some(told))
            }
            // The log is somebody else's too: what it cannot tell must not cost the answers about sessions.
            Err(error) => Ok(Some(Replays::Untold(error.to_string()))),
        }
    }
}
