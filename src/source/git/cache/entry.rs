//! The form of an entry about a pack, or about the loose objects.

use super::stamp::Stamp;
use crate::source::git::ObjectId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pack, or the loose objects, of which everything was scanned.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Unit {
    /// The pack's file as it was; `None` if it was too young for that to say anything. Then its content is proof.
    pub(super) stamp: Option<Stamp>,
    /// The loose objects that it is about.
    pub(super) loose: Vec<(ObjectId, Option<Stamp>)>,
    /// The names of the entries about packs that have some of its objects too. Those were counted there.
    pub(super) leans: Vec<String>,
    /// What was seen.
    pub(super) seen: Seen,
    /// What the scan noted of all objects of interest.
    pub(super) notes: Vec<u32>,
}

/// What was seen of a pack.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::source::git) struct Seen {
    pub(in crate::source::git) commits: u64,
    pub(in crate::source::git) objects: u64,
    pub(in crate::source::git) bytes: u64,
    /// Objects with a match, or of which something could not be seen, each with its note.
    pub(in crate::source::git) interest: BTreeMap<ObjectId, String>,
    /// Objects that it names and does not hold.
    pub(in crate::source::git) outside: Vec<ObjectId>,
    /// Objects of another form than git gives them.
    pub(in crate::source::git) malformed: Vec<ObjectId>,
}
