//! Files that stand for others or are encrypted: their bytes are not what somebody put into them.
//!
//! A pointer of Git LFS is followed where its file is here. What git-crypt encrypts is plain in every unlocked clone, so
//! it is told as not seen; what age, PGP or Ansible Vault encrypt is meant to be public and is only counted.

use super::{Blob, Key, Progress, Source, Visit, content};
use crate::coverage::Coverage;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// How many names a sentence of the coverage has.
const MAX_NAMED: usize = 3;

/// Pointers have few bytes; git-lfs reads as many.
const LONGEST_POINTER: usize = 1024;

/// What first bytes tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A pointer to a file with this name in the storage of Git LFS.
    Lfs(String),
    /// Encrypted by git-crypt.
    GitCrypt,
    /// Encrypted before it was committed.
    OnPurpose,
}

impl Mark {
    /// What these bytes, the first ones of a blob, tell.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? {
            0 if bytes.starts_with(b"\0GITCRYPT\0") => Some(Self::GitCrypt),
            b'v' if bytes.starts_with(b"version https://git-lfs.github.com/spec/") => {
                lfs_name(bytes).map(Self::Lfs)
            }
            b'a' if bytes.starts_with(b"age-encryption.org/v1\n") => Some(Self::OnPurpose),
            b'$' if bytes.starts_with(b"$ANSIBLE_VAULT;") => Some(Self::OnPurpose),
            b'-' if bytes.starts_with(b"-----BEGIN PGP MESSAGE-----") => Some(Self::OnPurpose),
            b'-' if bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") => Some(Self::OnPurpose),
            _ => None,
        }
    }
}

fn lfs_name(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes.get(..LONGEST_POINTER).unwrap_or(bytes)).ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?.trim();
    (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| name.to_ascii_lowercase())
}

/// What was met of them.
#[derive(Default)]
pub(super) struct Encrypted {
    /// The names of files of Git LFS, and which pointers point to each.
    lfs: BTreeMap<String, Vec<Key>>,
    git_crypt: Vec<Key>,
    on_purpose: u64,
}

impl Encrypted {
    pub(super) fn note(&mut self, mark: Mark, key: &Key) {
        match mark {
            Mark::Lfs(name) => self.lfs.entry(name).or_default().push(key.clone()),
            Mark::GitCrypt => self.git_crypt.push(key.clone()),
            Mark::OnPurpose => self.on_purpose += 1,
        }
    }

    /// Hands over what pointers point to, and tells what was not seen.
    pub(super) fn finish(
        mut self,
        source: &Source,
        visit: &Visit<'_>,
        progress: &Progress,
        coverage: &mut Coverage,
    ) {
        coverage.encrypted += self.on_purpose;
        let mut absent = Vec::new();
        for (name, pointers) in &self.lfs {
            let file = match (source, pointers.first()) {
                (Source::Git(source), Some(pointer)) => Some(source.lfs_object(pointer, name)),
                _ => None,
            };
            let read =
                file.filter(|file| file.is_file()).map(|file| follow(&file, pointers, visit, progress));
            match read {
                None => absent.extend(pointers.first().map(Key::label)),
                Some(Ok(bytes)) => coverage.bytes += bytes,
                Some(Err(error)) => {
                    coverage.skip(format!("Git LFS object {name}"), format!("cannot be read: {error}"));
                }
            }
        }
        tell(
            &absent,
            "Git LFS",
            "are not here, only pointers to them; `git lfs fetch --all` gets them",
            coverage,
        );
        self.git_crypt.sort_unstable();
        let locked: Vec<String> = self.git_crypt.iter().map(Key::label).collect();
        tell(
            &locked,
            "git-crypt",
            "are encrypted; scan the files of an unlocked clone with --no-git",
            coverage,
        );
    }
}

/// Hands over a file in the place of each of its pointers.
fn follow(file: &Path, pointers: &[Key], visit: &Visit<'_>, progress: &Progress) -> std::io::Result<u64> {
    let mut bytes = 0;
    for key in pointers {
        bytes += content::each_window(&mut File::open(file)?, &mut |content| {
            visit(Blob { key: key.clone(), content });
            !progress.stopped()
        })?;
    }
    Ok(bytes)
}

/// One sentence for all files of a kind, with the first names.
fn tell(names: &[String], kind: &str, reason: &str, coverage: &mut Coverage) {
    if names.is_empty() {
        return;
    }
    let first = names.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if names.len() > MAX_NAMED { ", …" } else { "" };
    let files = if names.len() == 1 { "file" } else { "files" };
    coverage.skip(format!("{} {files} of {kind} ({first}{more})", names.len()), reason);
}
