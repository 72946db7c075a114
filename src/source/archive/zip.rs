//! The members of a zip file. Its directory is at its end, so it must be in memory.

use super::open::Opener;
use crate::source::{document, path};
use std::borrow::Cow;
use std::io::{Cursor, Read as _};
use zip::result::ZipError;

/// The largest file of a document of which the text is read.
const MOST_TEXT: u64 = 64 << 20;

/// Hands over all members, and the text if it is a document.
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
    text(opener, &mut archive, inside);
}

/// Tells the text of a document that is a zip file.
fn text(opener: &Opener<'_>, archive: &mut zip::ZipArchive<Cursor<&[u8]>>, inside: &str) {
    let mut names: Vec<String> = archive.file_names().flatten().map(Cow::into_owned).collect();
    if !document::is_office(&names) {
        return;
    }
    names.sort_by_key(|name| (name.len(), name.clone()));
    let mut load = |name: &str| {
        let member = archive.by_name(name).ok().filter(|_| !opener.is_over())?;
        let mut bytes = Vec::new();
        let mut reader = opener.budget().metered(member).take(MOST_TEXT);
        // What cannot be read was told of as a member.
        reader.read_to_end(&mut bytes).ok()?;
        if reader.limit() == 0 {
            opener.miss(&Opener::join(inside, name), format!("is a text of more than {MOST_TEXT} bytes"));
        }
        Some(bytes)
    };
    let seen =
        document::office(&names, &mut load, &|part, line, text| opener.passage(inside, part, line, text));
    if let Some(reason) = seen.reason("office document") {
        opener.miss(inside, reason);
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
