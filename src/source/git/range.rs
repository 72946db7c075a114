//! Which commits a range names: `A..B`, `A...B`, and the forms in which git tells a hook of a new or a deleted branch.

use super::GitSource;
use crate::source::Error;
use git2::{Commit, ErrorCode, Oid, Sort};

impl GitSource {
    /// The commits of `A..B` or `A...B`, oldest first.
    pub(super) fn commits_of(&self, range: &str) -> Result<Vec<Oid>, Error> {
        let (from, to, symmetric) = match (range.split_once("..."), range.split_once("..")) {
            (Some((from, to)), _) => (from, to, true),
            (None, Some((from, to))) => (from, to, false),
            (None, None) => return Err(Error::BadRange(range.to_owned())),
        };
        if from.is_empty() && to.is_empty() {
            // What a CI job gives whose variables are not set: HEAD..HEAD would be clean without a look.
            return Err(Error::BadRange(range.to_owned()));
        }
        if is_zero(to) {
            // A branch that is deleted brings nothing.
            return Ok(Vec::new());
        }
        if is_zero(from) {
            return self.commits_of_new(to);
        }
        let name = |name| if str::is_empty(name) { "HEAD" } else { name };
        let (from, to) = (self.commit(name(from))?.id(), self.commit(name(to))?.id());
        let from = if symmetric { self.repository.merge_base(from, to).unwrap_or(from) } else { from };
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        walk.push(to)?;
        walk.hide(from)?;
        Ok(walk.collect::<Result<_, _>>()?)
    }

    /// The commits of a new branch: those that no reference has that does not have the branch's last commit itself. In
    /// a hook of the push no reference has it yet; in a CI job the branch's own does, and HEAD.
    fn commits_of_new(&self, to: &str) -> Result<Vec<Oid>, Error> {
        let to = self.commit(to)?.id();
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        walk.push(to)?;
        for reference in self.repository.references().map_err(Error::damaged("the list of references"))? {
            let tip = reference.and_then(|reference| reference.peel_to_commit());
            // What does not lead to a commit hides none.
            let Ok(tip) = tip.map(|tip| tip.id()) else { continue };
            if tip != to && !self.repository.graph_descendant_of(tip, to).unwrap_or(true) {
                walk.hide(tip)?;
            }
        }
        Ok(walk.collect::<Result<_, _>>()?)
    }

    /// The commit that somebody named.
    pub(super) fn commit(&self, name: &str) -> Result<Commit<'_>, Error> {
        let object = self.repository.revparse_single(name).and_then(|object| object.peel_to_commit());
        object.map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Ambiguous | ErrorCode::Peel => {
                Error::NoSuchRevision { name: name.to_owned() }
            }
            _ => Error::damaged(format!("`{name}`"))(error),
        })
    }
}

/// What git tells a hook in the place of a commit: there was no branch, or there is none any more.
pub(super) fn is_zero(name: &str) -> bool {
    name.len() >= 40 && name.bytes().all(|byte| byte == b'0')
}
