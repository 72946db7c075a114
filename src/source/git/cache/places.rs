//! What is known of one state of a repository: what is missing in it, and where the found blobs stand.
//!
//! Names of authors and dates are not kept: the commits tell them again.

use crate::finding::{Place, References};
use crate::source::git::{GitSource, ObjectId, origins};
use crate::source::{Key, Origin, Origins};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The entry about a state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::source::git) struct Places {
    /// Objects that others name and that are not here.
    pub(in crate::source::git) missing: Vec<ObjectId>,
    /// Whether a reference names an object that is not here.
    pub(in crate::source::git) dangling: bool,
    /// Where blobs stand, by their names; `None` if that was not told whole, or must not be written.
    pub(super) blobs: Option<BTreeMap<ObjectId, Vec<Kept>>>,
    /// Blobs with something in them that counts nowhere where they stand.
    pub(super) idle: BTreeSet<ObjectId>,
    /// The references that have commits with a found message in their history.
    pub(super) messages: BTreeMap<ObjectId, Option<References>>,
}

/// One place of a blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    place: String,
    path: Option<String>,
    /// The commit and its order.
    commit: Option<(ObjectId, u32)>,
    at_head: bool,
    last: Option<(u32, String)>,
    references: Option<References>,
}

/// The kinds of place that the history tells of a blob.
const PLACES: [Place; 6] =
    [Place::History, Place::Merge, Place::Note, Place::Stash, Place::Unreachable, Place::Index];

impl Kept {
    fn of(origin: &Origin) -> Option<Self> {
        let Origin { place, path, commit, at_head, last, references, is_echo: false } = origin else {
            return None;
        };
        let commit = match commit {
            Some(commit) => Some((ObjectId::from_hex(commit.id.as_bytes())?, commit.order)),
            None => None,
        };
        PLACES.contains(place).then(|| Self {
            place: place.to_string(),
            path: path.clone(),
            commit,
            at_head: *at_head,
            last: last.clone(),
            references: references.clone(),
        })
    }

    fn origin(&self, source: &GitSource) -> Option<Origin> {
        let place = PLACES.into_iter().find(|place| place.to_string() == self.place)?;
        let commit = match &self.commit {
            Some((id, order)) => Some(origins::info(source, id, b"author", *order)?),
            None => None,
        };
        Some(Origin {
            commit,
            at_head: self.at_head,
            last: self.last.clone(),
            references: self.references.clone(),
            ..Origin::at(place, self.path.clone())
        })
    }

    /// All text of the repository in it.
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str).chain(names(self.references.as_ref()))
    }
}

fn names(references: Option<&References>) -> impl Iterator<Item = &str> {
    references.into_iter().flat_map(|references| references.names.iter().map(String::as_str))
}

impl Places {
    /// Of a state in which these objects are missing.
    pub(in crate::source::git) fn with(missing: Vec<ObjectId>) -> Self {
        Self { missing, ..Self::default() }
    }

    /// Takes the origins of what was found. None are kept if one holds a text that must not be written.
    pub(super) fn take(&mut self, origins: &Origins, is_plain: &dyn Fn(&str) -> bool) {
        (self.blobs, self.messages) = (None, BTreeMap::new());
        let (mut blobs, mut messages) = (BTreeMap::new(), BTreeMap::new());
        for (key, origins) in origins {
            match key {
                Key::Object(id) => {
                    let Some(kept) = origins.iter().map(Kept::of).collect::<Option<Vec<_>>>() else { return };
                    blobs.insert(*id, kept);
                }
                Key::Commit(id) => {
                    let references = origins.first().and_then(|origin| origin.references.clone());
                    messages.insert(*id, references);
                }
                Key::Name(_) => return,
                _ => {}
            }
        }
        let of_messages = messages.values().flat_map(|references| names(references.as_ref()));
        let texts: HashSet<&str> =
            blobs.values().flatten().flat_map(Kept::texts).chain(of_messages).collect();
        if texts.into_iter().all(is_plain) {
            (self.blobs, self.messages) = (Some(blobs), messages);
        }
    }

    /// The origins of these blobs, and the references of these commits; `None` unless all are known.
    pub(super) fn origins(
        &self,
        source: &GitSource,
        blobs: &HashSet<ObjectId>,
        messages: &[ObjectId],
    ) -> Option<(Origins, HashMap<ObjectId, References>)> {
        let kept = self.blobs.as_ref()?;
        let of_blob = |id: &ObjectId| {
            let origins = kept.get(id)?.iter().map(|kept| kept.origin(source)).collect::<Option<Vec<_>>>()?;
            Some((Key::Object(*id), origins))
        };
        let origins = blobs.iter().map(of_blob).collect::<Option<Origins>>()?;
        let of_message = |id: &ObjectId| Some((*id, self.messages.get(id)?.clone()));
        let references = messages.iter().map(of_message).collect::<Option<Vec<_>>>()?;
        let references = references.into_iter().filter_map(|(id, found)| Some((id, found?)));
        Some((origins, references.collect()))
    }
}
