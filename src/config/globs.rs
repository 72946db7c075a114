//! Patterns of paths, as a configuration lists them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Some globs, of which one must match.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs(GlobSet);

impl Globs {
    /// Compiles them.
    ///
    /// # Errors
    /// With the number of the glob that is none, and why.
    pub(super) fn new<'g>(globs: impl Iterator<Item = &'g str>) -> Result<Self, (usize, String)> {
        let mut builder = GlobSetBuilder::new();
        for (number, glob) in globs.enumerate() {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            builder.add(glob.map_err(|error| (number, error.to_string()))?);
        }
        builder.build().map(Self).map_err(|error| (0, error.to_string()))
    }

    pub(super) fn holds(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}
