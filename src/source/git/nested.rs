//! Repositories inside this one: submodules, checked out or only kept by git, and clones that lie in the working tree.
//! Each is scanned like a repository of its own, and its places are told under the path it has here.

use super::{GitSource, Part, worktree};
use crate::coverage::Coverage;
use crate::finding::Place;
use crate::patch::Patch;
use crate::source::{Asked, Blob, Error, Key, MayBe, Origins, Progress, Visitor};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A repository inside another one.
pub(super) struct Nested {
    /// Its path in the outermost one.
    path: String,
    source: GitSource,
}

/// Where one may be: its path here, and its folder on disk.
pub(super) type Candidate = (String, PathBuf);

impl GitSource {
    /// Scans this repository and all that are inside of it.
    pub(super) fn everything<V: Visitor>(
        &self,
        jobs: usize,
        progress: &Progress,
        visitor: &V,
    ) -> Result<Coverage, Error> {
        let (mut coverage, mut waiting) = self.own(jobs, progress, visitor)?;
        let mut seen = HashSet::from([self.repository.commondir().to_owned()]);
        let mut nested = Vec::new();
        while let Some((path, folder)) = waiting.pop().filter(|_| !progress.stopped()) {
            let opened = Self::inside(&folder, self.part.clone());
            let source = match (opened, &self.session.cache) {
                (Ok(source), Some(cache)) => source.with_cache(cache.clone()),
                (Ok(source), None) => source,
                (Err(error), _) => {
                    coverage.skip(&path, format!("is a repository inside the repository: {error}"));
                    continue;
                }
            };
            let prefix = Prefix { path: &path, inner: visitor };
            let read = if seen.insert(source.repository.commondir().to_owned()) {
                source.own(jobs, progress, &prefix)
            } else {
                // Another working tree of a repository that was read: only its files are new.
                let mut coverage = Coverage::default();
                let visit = |blob: Blob<'_>| drop(prefix.blob(&blob, None));
                source.working_tree(jobs, progress, &visit, &mut coverage).map(|inside| (coverage, inside))
            };
            match read {
                Ok((found, inside)) => {
                    add(&mut coverage, found, &path);
                    waiting.extend(
                        inside.into_iter().map(|(below, folder)| (format!("{path}/{below}"), folder)),
                    );
                }
                Err(error) => coverage.skip(&path, format!("is a repository inside the repository: {error}")),
            }
            nested.push(Nested { path, source });
        }
        drop(self.nested.set(nested));
        Ok(coverage)
    }

    /// Opens the repository of exactly this folder.
    fn inside(folder: &Path, part: Part) -> Result<Self, Error> {
        let repository = super::open::exactly(folder)?;
        Ok(Self::of(repository, part))
    }

    /// The repository inside this one that has this path.
    pub(super) fn nested(&self, path: &str) -> Option<&Self> {
        self.nested.get()?.iter().find(|nested| nested.path == path).map(|nested| &nested.source)
    }

    /// The repositories inside this one that were scanned, with their paths.
    pub(super) fn nested_sources(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.nested.get().into_iter().flatten().map(|nested| (nested.path.as_str(), &nested.source))
    }

    /// The submodules, checked out or kept in git's own folder; those that are in neither are named as not seen.
    pub(super) fn submodules(&self, coverage: &mut Coverage) -> Vec<Candidate> {
        let modules = self.repository.commondir().join("modules");
        let mut found = Vec::new();
        let mut kept: Vec<PathBuf> = kept_below(&modules, coverage);
        // A bare repository has no file that names any.
        let named = if self.repository.is_bare() { Ok(Vec::new()) } else { self.repository.submodules() };
        let named = named.unwrap_or_else(|error| {
            coverage.skip(
                "the submodules that .gitmodules names",
                format!("cannot be listed: {}", error.message()),
            );
            Vec::new()
        });
        for submodule in named {
            let path = submodule.path().display().to_string();
            let checked_out = self.repository.workdir().map(|root| root.join(submodule.path()));
            let own = modules.join(worktree::path_of(submodule.name_bytes()));
            let own = kept.iter().position(|folder| *folder == own).map(|at| kept.swap_remove(at));
            let checked_out = checked_out.filter(|folder| folder.join(".git").exists());
            match checked_out.or(own) {
                Some(folder) => found.push((path, folder)),
                None => coverage.skip(
                    format!("submodule {path}"),
                    "is a repository of its own that is not here; `git submodule update --init` gets it",
                ),
            }
        }
        // Of earlier commits: nothing else names them any more.
        found.extend(kept.into_iter().map(|folder| {
            let name = folder.strip_prefix(&modules).unwrap_or(&folder).display().to_string();
            (name, folder)
        }));
        found
    }

    /// The origins of what was found in repositories inside this one.
    pub(super) fn nested_origins(
        &self,
        asked: &Asked<'_>,
        jobs: usize,
        coverage: &mut Coverage,
    ) -> Result<Origins, Error> {
        let mut all = Origins::new();
        for Nested { path, source } in self.nested.get().into_iter().flatten() {
            let of_this = |key: &Key| match key {
                Key::Within(inside, key) if inside == path => Some(key.as_ref().clone()),
                _ => None,
            };
            let own: HashSet<Key> = asked.keys.iter().filter_map(of_this).collect();
            if own.is_empty() {
                continue;
            }
            let file = |key: &Key, name: &str, alone: bool| {
                let key = Key::Within(path.clone(), Box::new(key.clone()));
                asked.may_be.is_none_or(|may_be| (may_be.file)(&key, name, alone))
            };
            let own =
                Asked { keys: &own, may_be: asked.may_be.map(|may_be| MayBe { file: &file, ..may_be }) };
            for (key, mut origins) in super::origins::find(source, &own, jobs, coverage)? {
                for origin in &mut origins {
                    origin.place = Place::Submodule;
                    let below = origin.path.take();
                    origin.path = Some(below.map_or_else(|| path.clone(), |below| format!("{path}/{below}")));
                }
                all.insert(Key::Within(path.clone(), Box::new(key)), origins);
            }
        }
        Ok(all)
    }
}

/// The repositories that git keeps for submodules; a name may have slashes, and one may have submodules itself.
fn kept_below(folder: &Path, coverage: &mut Coverage) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
            found.push(folder);
            continue;
        }
        let below = match std::fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(below) => below,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    coverage.skip(folder.display().to_string(), format!("cannot be listed: {error}"));
                }
                continue;
            }
        };
        let folders = below.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(folders.map(|entry| entry.path()));
    }
    found.sort_unstable();
    found
}

/// Adds what was seen in a repository inside another one.
fn add(coverage: &mut Coverage, inside: Coverage, path: &str) {
    coverage.commits += inside.commits;
    coverage.objects += inside.objects;
    coverage.cached += inside.cached;
    coverage.files += inside.files;
    coverage.bytes += inside.bytes;
    coverage.ignored.files += inside.ignored.files;
    coverage.ignored.folders += inside.ignored.folders;
    for skip in inside.skipped {
        coverage.skip(format!("{path}: {}", skip.what), skip.reason);
    }
}

/// Passes blobs on as those of a repository inside another one.
struct Prefix<'p, V> {
    path: &'p str,
    inner: &'p V,
}

impl<V: Visitor> Visitor for Prefix<'_, V> {
    type Memory = V::Memory;

    fn blob(&self, blob: &Blob<'_>, base: Option<(&V::Memory, Patch<'_>)>) -> Option<V::Memory> {
        self.inner.blob(&self.prefixed(blob), base)
    }

    fn again(&self, blob: &Blob<'_>, note: &str) {
        self.inner.again(&self.prefixed(blob), note);
    }

    fn noted(&self, notes: &[u32]) {
        self.inner.noted(notes);
    }
}

impl<V> Prefix<'_, V> {
    fn prefixed<'b>(&self, blob: &Blob<'b>) -> Blob<'b> {
        let key = Key::Within(self.path.to_owned(), Box::new(blob.key.clone()));
        Blob { key, content: blob.content.clone() }
    }
}
