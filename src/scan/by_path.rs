//! What counts only if the path of its blob says so: files that hold one value, weak passwords where accounts are kept. It is
//! kept until the paths are known. Most of it is nothing, so paths are asked for only where a file's name can say so.

use super::account::{self, Accounts};
use super::sole::{self, Soles};
use super::{Error, Hit, Options};
use crate::coverage::Coverage;
use crate::detect::Detector;
use crate::source::{Asked, Key, MayBe, Origins, Progress, Source};
use std::borrow::Cow;
use std::collections::HashSet;

/// What was kept.
#[derive(Default)]
pub(super) struct ByPath {
    pub(super) soles: Soles,
    pub(super) accounts: Accounts,
}

/// What became of it.
pub(super) struct Settled {
    /// What counts: all values of soles, as sure as the rules are, and passwords of accounts.
    pub(super) soles: sole::Told,
    pub(super) accounts: Vec<Hit>,
    /// The blobs whose paths say something, and all if some were not looked at.
    pub(super) meant: HashSet<Key>,
}

impl ByPath {
    /// Finds where the blobs stand that are not in `origins` yet, adds that, and says what counts.
    pub(super) fn settle(
        self,
        source: &Source,
        origins: &mut Origins,
        (detector, options, progress): (&Detector, &Options, &Progress),
        coverage: &mut Coverage,
    ) -> Result<Settled, Error> {
        let keys: HashSet<Key> = self.keys().filter(|key| !origins.contains_key(key)).cloned().collect();
        let before = coverage.skipped.len();
        if !keys.is_empty() {
            let archives: HashSet<&Key> = keys.iter().filter_map(Key::archive).collect();
            let file = |key: &Key, name: &str, alone: bool| {
                // What a member is called, its archive tells.
                archives.contains(key)
                    || self.soles.may_be(key, name, alone)
                    || self.accounts.may_be(key, name)
            };
            let may_be = MayBe { folder: &sole::is_folder, file: &file };
            let asked = Asked { keys: &keys, may_be: Some(may_be) };
            origins.extend(source.origins(&asked, options.jobs, coverage)?);
        }
        let mut meant = HashSet::new();
        if self.soles.cut || self.accounts.cut || coverage.skipped.len() > before {
            meant.extend(self.keys().cloned());
        }
        if self.accounts.cut {
            let most = account::MOST_KEPT;
            let reason =
                format!("more than {most} files may hold some, and the rest was not read by their paths");
            coverage.skip("weak passwords where accounts are kept", reason);
        }
        let accounts = self.accounts.told(origins, options.min_confidence, &mut meant);
        let soles = self.soles.named(origins, progress);
        if soles.cut {
            let reason = format!(
                "there are more than {} of them, and the rest was not read by their paths",
                sole::MOST
            );
            coverage.skip("files that hold one value", reason);
        }
        meant.extend(soles.keys().cloned());
        let soles = sole::told(soles, origins, detector, progress)?;
        Ok(Settled { soles, accounts, meant })
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.soles.keys().chain(self.accounts.keys())
    }
}

/// The paths of a blob; of a member of an archive those below it.
pub(super) fn paths<'o>(key: &'o Key, origins: &'o Origins) -> impl Iterator<Item = Cow<'o, str>> {
    let origins = origins.get(key).into_iter().flatten();
    origins.filter_map(|origin| origin.path.as_deref()).map(move |path| match key {
        Key::Member(_, member) => Cow::Owned(format!("{path}/{}", member.replace('!', "/"))),
        _ => Cow::Borrowed(path),
    })
}
