//! What git keeps besides objects: the names of references, and the files in its own folder. The address of a remote
//! with a password in it is the commonest leak on developers' machines.

use super::{GitSource, ObjectId, cache, origins};
use crate::coverage::Coverage;
use crate::finding::Place;
use crate::source::{Blob, Content, Key, Origin, Visit, folder};
use std::path::Path;

/// What is read in other ways (objects, references, the index, repositories of their own), or holds names of objects only.
const READ_ELSEWHERE: [&str; 10] = [
    "objects",
    "refs",
    "packed-refs",
    "index",
    "modules",
    "lfs/objects",
    "lfs/tmp",
    "info/refs",
    "shallow",
    cache::FOLDER,
];

/// Files of more bytes are no text of git's.
const LARGEST: u64 = 64 << 20;

impl GitSource {
    /// Hands over the names of all references, packed, symbolic and remote ones too.
    pub(super) fn reference_names(&self, visit: &Visit<'_>) {
        if let Some(lone) = &self.lone {
            return lone.reference_names(visit);
        }
        // What cannot be listed is told of by the check for dangling references.
        for reference in self.repository.references().into_iter().flatten().flatten() {
            let name = String::from_utf8_lossy(reference.name_bytes());
            visit(Blob {
                key: Key::Reference(name.clone().into_owned()),
                content: Content::whole(name.as_bytes()),
            });
        }
    }

    /// Hands over every file of git's own folder that is not read in another way. They are not counted: whoever asks how
    /// much was seen means the repository's content.
    pub(super) fn own_files(&self, visit: &Visit<'_>, coverage: &mut Coverage) {
        if self.lone.is_some() {
            return;
        }
        let root = self.repository.commondir();
        let prefix = if self.repository.is_bare() { "" } else { ".git/" };
        let walk = ignore::WalkBuilder::new(root)
            .standard_filters(false)
            .follow_links(false)
            .sort_by_file_path(Path::cmp)
            .filter_entry({
                let root = root.to_owned();
                move |entry| !is_read_elsewhere(entry.path().strip_prefix(&root).unwrap_or(entry.path()))
            })
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    coverage.skip(error.to_string(), "cannot be listed");
                    continue;
                }
            };
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let name = format!("{prefix}{}", folder::name(root, entry.path()));
            if size > LARGEST {
                coverage.skip(name, format!("has more than {LARGEST} bytes"));
                continue;
            }
            match std::fs::read(entry.path()) {
                Ok(mut bytes) => {
                    if is_log(&name) {
                        blank_ids(&mut bytes);
                    }
                    visit(Blob { key: Key::Own(name), content: Content::whole(&bytes) });
                }
                // git removes its files for the moment while it works.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => coverage.skip(name, format!("cannot be read: {error}")),
            }
        }
    }
}

fn is_read_elsewhere(path: &Path) -> bool {
    // The same files of a linked working tree are two folders deeper.
    let mut parts = path.components();
    let inside = if path.starts_with("worktrees") && parts.by_ref().take(2).count() == 2 {
        parts.as_path()
    } else {
        path
    };
    READ_ELSEWHERE.iter().any(|known| inside == Path::new(known))
}

/// The origin of a reference's name: the commit that it names now.
pub(super) fn of_reference(source: &GitSource, name: &str) -> Origin {
    let reference = source.repository.find_reference(name).and_then(|reference| reference.peel_to_commit());
    let id = reference.ok().map(|commit| ObjectId::from(commit.id()));
    let id = id.or_else(|| source.lone.as_ref()?.target(name));
    let commit = id.and_then(|id| origins::info(source, &id, b"author", 0));
    Origin { commit, ..Origin::at(Place::Ref, None) }
}

fn is_log(path: &str) -> bool {
    path.split('/').any(|part| part == "logs")
}

/// Puts blanks in the place of the two ids that begin each line of a log: behind a message that ends in "the token",
/// the next line's id would be one.
fn blank_ids(log: &mut [u8]) {
    for line in log.split_mut(|byte| *byte == b'\n') {
        let mut at = 0;
        for _ in 0..2 {
            let digits = line[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            if !matches!(digits, 40 | 64) || line.get(at + digits) != Some(&b' ') {
                break;
            }
            line[at..at + digits].fill(b' ');
            at += digits + 1;
        }
    }
}

/// The origin of a file of git's own. Logs and the last message repeat what commits say.
pub(super) fn of_file(path: &str) -> Origin {
    let is_echo = is_log(path) || path.ends_with("_EDITMSG") || path.ends_with("_MSG");
    Origin { is_echo, ..Origin::at(Place::Repository, Some(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_log_are_blanks_and_all_else_stays_where_it_is() {
        let (one, other) = ("a1".repeat(20), "b2".repeat(20));
        let text = format!("{one} {other} Ada <a@b.c> 1 +0000\tcommit: the {one}\nno id\n{one}\n");
        let mut log = text.clone().into_bytes();
        blank_ids(&mut log);
        let blank = " ".repeat(40);
        let expected = format!("{blank} {blank} Ada <a@b.c> 1 +0000\tcommit: the {one}\nno id\n{one}\n");
        assert_eq!(String::from_utf8(log).unwrap(), expected);
        assert_eq!(expected.len(), text.len());
    }
}
