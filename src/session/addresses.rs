//! The sessions of a network: the addresses in the table are read, and those inside are meant.
//!
//! They are read again for each pass and each count, so that a session that came meanwhile is not passed over.

use super::selection::{address, family};
use super::{Error, Mark, Network, Selection, Store};
use std::borrow::Cow;
use std::cell::Cell;

impl Store {
    /// A selection as its store can tell it.
    pub(super) async fn resolved<'s>(
        &mut self,
        selection: &'s Selection,
    ) -> Result<Cow<'s, Selection>, Error> {
        let Selection::From(network) = selection else { return Ok(Cow::Borrowed(selection)) };
        let (found, _) = self.addresses(network).await?;
        Ok(Cow::Owned(Selection::Marked(Mark::Address, found)))
    }

    /// Refuses an answer that rests on nothing: there are addresses, and not one of them can be read.
    pub(super) async fn check_addresses(&mut self, selection: &Selection) -> Result<(), Error> {
        let Selection::From(network) = selection else { return Ok(()) };
        let (_, unread) = self.addresses(network).await?;
        let Some(unread) = unread else { return Ok(()) };
        let table = &self.selected().table;
        let column = address(table).map_or("", |column| column.name.as_str());
        let reason = format!("{unread} values of {column} are no addresses in any form that is known");
        Err(Error::Column { table: table.name.to_string(), reason })
    }

    /// The addresses of a network as the table has them; and how many values there are, where none could be read.
    async fn addresses(&mut self, network: &Network) -> Result<(Vec<String>, Option<u64>), Error> {
        let column = address(&self.selected().table);
        let is_number = column.is_some_and(|column| family(&column.data_type) == "integer");
        let (read, unread) = (Cell::new(0_u64), Cell::new(0_u64));
        let fits = |text: &str| {
            let written = Network::written(text, is_number);
            let tally = if written.is_some() { &read } else { &unread };
            tally.set(tally.get() + u64::from(!text.trim().is_empty()));
            written.is_some_and(|written| network.holds(&written))
        };
        let found = self.marks(Mark::Address, &fits).await?;
        Ok((found, (read.get() == 0 && unread.get() > 0).then(|| unread.get())))
    }
}
