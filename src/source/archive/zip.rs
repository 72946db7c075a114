//! The members of a zip file. Its directory is at its end, so it must be in memory.

use super::open::Opener;
use crate::source::path;
use std::io::Cursor;
use zip::result::ZipError;

/// Hands over all members.
pub(super) fn each_member(opener: &Opener<'_>, bytes: &[u8], inside: &str, depth: u32) {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => {
            return opener.miss(inside, format!("looks like a zip file and cannot be opened: {error}"));
        }
    };
    if let Some(hidden) =
        listed(bytes).and_then(|listed| listed.checked_sub(archive.len())).filter(|&more| more > 0)
    {
        opener.miss(inside, format!("has {hidden} members whose names others have too"));
    }
    if !archive.comment().is_empty() {
        opener.text(&Opener::join(inside, "(comment)"), archive.comment());
    }
    for number in 0..archive.len() {
        if opener.is_over() {
            return;
        }
        let name = archive.name_for_index(number).and_then(Result::ok).map(std::borrow::Cow::into_owned);
        match archive.by_index(number) {
            Ok(mut member) => {
                let name = path::text(member.name_raw());
                if !member.is_dir() {
                    opener.member(&Opener::join(inside, &name), &mut member, depth);
                }
            }
            Err(error) => {
                let name = Opener::join(inside, &name.unwrap_or_else(|| format!("member {number}")));
                let encrypted = matches!(error, ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED));
                let reason =
                    if encrypted { "is encrypted".to_owned() } else { format!("cannot be read: {error}") };
                opener.miss(&name, reason);
            }
        }
    }
}

/// How many members the end of the directory tells of. The reader keeps one of several with the same name.
fn listed(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06")?;
    let count = bytes.get(end + 10..end + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    // The largest number says that the real one is in another table.
    (count != u16::MAX).then(|| usize::from(count))
}
