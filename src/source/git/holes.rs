//! Where a history ends on purpose, and which references lead nowhere.

use super::GitSource;
use super::object_id::ObjectId;
use super::store::Store;
use crate::coverage::Coverage;
use crate::source::Error;
use std::collections::HashSet;

impl GitSource {
    /// The commits at which a shallow clone ends: their parents are missing on purpose.
    pub(super) fn shallow(&self) -> HashSet<ObjectId> {
        let list = std::fs::read(self.repository.commondir().join("shallow")).unwrap_or_default();
        list.split(|&byte| byte == b'\n').filter_map(ObjectId::from_hex).collect()
    }

    /// Names references to objects that are not here: what they held was not seen. Tells whether there are any.
    pub(super) fn note_dangling_references(
        &self,
        store: &Store,
        coverage: &mut Coverage,
    ) -> Result<bool, Error> {
        let before = coverage.skipped.len();
        for reference in self.repository.references()? {
            match reference {
                Ok(reference) => {
                    let missing = reference.target().filter(|id| !store.holds(&ObjectId::from(*id)));
                    if let Some(id) = missing {
                        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
                        coverage.skip(
                            format!("reference {name}"),
                            format!("names object {id}, which is missing"),
                        );
                    }
                }
                Err(error) => coverage.skip("a reference", format!("cannot be read: {}", error.message())),
            }
        }
        Ok(coverage.skipped.len() > before)
    }

    /// Names where the history was cut off on purpose.
    pub(super) fn note_boundaries(&self, coverage: &mut Coverage) -> Result<(), Error> {
        if self.repository.is_shallow() {
            let list =
                std::fs::read_to_string(self.repository.commondir().join("shallow")).unwrap_or_default();
            let cuts = list.lines().count();
            let commits = if cuts == 1 { "1 commit".to_owned() } else { format!("{cuts} commits") };
            coverage.skip(
                "older history",
                format!("the clone is shallow: it ends at {commits}; `git fetch --unshallow` gets the rest"),
            );
        }
        let promisor = self.repository.config()?.get_string("extensions.partialclone");
        if let Ok(remote) = promisor {
            coverage
                .skip("objects left out of a partial clone", format!("they are at the remote `{remote}`"));
        }
        Ok(())
    }
}
