//! Every key under the prefix, sorted, part by part. While the caller works on one part the server is asked for the next.

use super::keys::{Extent, Key, KeySpace, Tally};
use super::record::Moment;
use super::server::Node;
use crate::session::Error;
use futures_util::{Stream, TryStreamExt as _, stream};

/// How many parts are asked for at once: one that is on its way, and one that the server works on.
const AHEAD: usize = 2;

/// What one SCAN named.
pub(super) struct Swept {
    /// The server's clock right after it was looked at. Who only counts may not be allowed to ask for it.
    pub(super) at: Option<Moment>,
    pub(super) keys: Vec<Key>,
    pub(super) tally: Tally,
}

impl KeySpace {
    /// All keys of one server.
    pub(super) fn sweep<'a>(
        &'a self,
        node: &'a Node,
        extent: Extent,
        doing: &'static str,
    ) -> impl Stream<Item = Result<Swept, Error>> + 'a {
        let start = (node.clone(), Some("0".to_owned()));
        let names = stream::try_unfold(start, move |(mut node, mut cursor)| async move {
            if cursor.is_none() {
                return Ok(None);
            }
            let names = self.scan(&mut node, &mut cursor, doing).await?;
            Ok(Some((names, (node, cursor))))
        });
        let look = move |names| {
            let mut node = node.clone();
            async move {
                let mut tally = Tally::default();
                let (keys, at) = self.sort_at(&mut node, names, extent, &mut tally, doing).await?;
                Ok(Swept { at, keys, tally })
            }
        };
        names.map_ok(look).try_buffered(AHEAD)
    }
}
