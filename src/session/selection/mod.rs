//! Which sessions are meant: a plain value that every store turns into its own query.
//!
//! ```text
//! store, dialect ──▶ selection ──▶ procedure (plan, backup and delete, verify) ──▶ audit
//! ```
//! The same selection is counted, backed up, deleted and counted again by one condition, so that the four numbers
//! can be compared. What comes from outside is bound, never written into SQL; names are the catalogue's, quoted.

mod condition;
mod network;
mod user;
mod users;

pub(super) use condition::{
    CREATED, Moment, Spelling, Subject, USED, address, column_of, condition, counting, created, gone, marks,
    named,
};
pub use network::Network;
pub(super) use user::{UserAt, path};
pub(super) use users::{Collation, choose, family, orphaned, search, told};
pub use users::{Orphaned, User, UserPattern, UsersTable, UsersWanted};

use super::Error;
use crate::secret::Secret;
use jiff::Timestamp;

/// Some sessions of a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Selection {
    /// Every session.
    All,
    /// Those with one of these tokens or ids.
    Tokens(Vec<Secret>),
    /// Those of the users with one of these ids.
    Users(Vec<String>),
    /// Those whose expiry is past.
    Expired,
    /// Of every token that several rows have: all but the newest where the rows belong to one user, all where they do
    /// not or where that cannot be told, since keeping one would keep the leak.
    Duplicates,
    /// Those that name a user who does not exist. Sessions of nobody are none of them.
    Orphans(UsersTable),
    /// Those of users who are disabled or marked as deleted, by the column that the table was looked up with.
    Disabled(UsersTable),
    /// Those made before a time, by the column that tells.
    Before(Timestamp),
    /// Those not used since a time, by the column that tells.
    Idle(Timestamp),
    /// Those used from a network, by the addresses that are in the table at that moment.
    From(Network),
    /// Those whose column of a mark has one of these texts; see `Store::marks`.
    Marked(Mark, Vec<String>),
}

/// What a row tells about where a session is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The client's address or network.
    Address,
    /// The client's device, as the application tells devices apart.
    Device,
}

impl Selection {
    /// Its name in backups and audit records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Tokens(_) => "tokens",
            Self::Users(_) => "users",
            Self::Expired => "expired",
            Self::Duplicates => "duplicates",
            Self::Orphans(_) => "orphans",
            Self::Disabled(_) => "disabled",
            Self::Before(_) => "before",
            Self::Idle(_) => "idle",
            Self::From(_) | Self::Marked(Mark::Address, _) => "network",
            Self::Marked(Mark::Device, _) => "device",
        }
    }

    /// Whether part of it may be deleted before the rest. The rows of one token are judged together: with one of two
    /// gone, the other would be no duplicate any more and stay.
    pub fn can_be_split(&self) -> bool {
        !matches!(self, Self::Duplicates)
    }

    /// Whether the clock has a part in it, so that the zone in which a store's times are read matters.
    pub fn is_timed(&self) -> bool {
        matches!(self, Self::Expired | Self::Before(_) | Self::Idle(_))
    }

    /// The values to bind; none for a selection without any.
    pub(super) fn values(&self) -> Result<Option<Vec<&str>>, Error> {
        match self {
            Self::Tokens(tokens) => {
                let text = |token| std::str::from_utf8(Secret::expose(token));
                let texts: Result<_, _> = tokens.iter().map(text).collect();
                texts
                    .map(Some)
                    .map_err(|_| Error::Unsupported { what: "a token that is not UTF-8".to_owned() })
            }
            Self::Users(texts) | Self::Marked(_, texts) => {
                Ok(Some(texts.iter().map(String::as_str).collect()))
            }
            _ => Ok(None),
        }
    }
}

/// How much a deletion may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// More rows than these are refused, and nothing is deleted: the plan counted fewer.
    pub at_most: Option<u64>,
    /// So many rows in one transaction, and no more; a selection that cannot be split ignores it.
    pub batch: Option<u64>,
}

impl Bounds {
    /// Refuses more rows than the plan counted, before they are gone for good.
    pub(super) fn check(self, found: u64) -> Result<(), Error> {
        match self.at_most {
            Some(at_most) if found > at_most => Err(Error::TooMany { found, at_most }),
            _ => Ok(()),
        }
    }
}

/// Whether a backup of such a selection holds sessions that were over anyway, so that a restore revives nobody. What
/// belongs to an incident was ended on purpose.
pub fn is_routine(selection: &str, incident: &str) -> bool {
    incident.is_empty() && matches!(selection, "expired" | "orphans")
}
