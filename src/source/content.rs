//! Bytes to look at, and which of them count: a whole blob, a window of a huge one, or the lines a commit added.

use std::io::{self, Read};
use std::ops::Range;

/// The bytes of context that a window keeps on both sides. `scan` checks that no rule can span more.
pub const CONTEXT: usize = 17 * 1024;

/// Blobs of more bytes than this are read in windows, where the storage allows it.
pub(super) const LARGE: u64 = 16 << 20;

/// How many fresh bytes a window holds.
const WINDOW: usize = 8 << 20;

/// Bytes, and the ranges of them that are new to the scan.
#[derive(Clone, Debug)]
pub struct Content<'b> {
    /// The bytes, with the context that matches at the edges of the ranges need.
    pub bytes: &'b [u8],
    /// The line and column of the first byte, from 1.
    pub start: (u32, u32),
    /// Whether these are all bytes that there are.
    pub whole: bool,
    /// A match counts if its secret shares a byte with one of these, which are ordered; `None` is everything.
    pub fresh: Option<Vec<Range<usize>>>,
}

impl<'b> Content<'b> {
    /// A whole blob.
    pub fn whole(bytes: &'b [u8]) -> Self {
        Self { bytes, start: (1, 1), whole: true, fresh: None }
    }

    /// A whole blob of which only some ranges count.
    pub fn only(bytes: &'b [u8], fresh: Vec<Range<usize>>) -> Self {
        Self { bytes, start: (1, 1), whole: true, fresh: Some(fresh) }
    }

    /// Whether a match whose secret is `range` counts.
    pub fn counts(&self, range: &Range<usize>) -> bool {
        self.fresh.as_ref().is_none_or(|fresh| {
            let next = fresh.partition_point(|part| part.end <= range.start);
            fresh.get(next).is_some_and(|part| part.start < range.end)
        })
    }
}

/// Reads to the end and hands over windows, each with the context of its neighbours. Stops early when `emit` says so.
///
/// # Errors
/// When reading fails; the windows before that were handed over.
pub(super) fn each_window(
    reader: &mut dyn Read,
    emit: &mut dyn FnMut(Content<'_>) -> bool,
) -> io::Result<u64> {
    windows_of(reader, WINDOW, CONTEXT, emit)
}

fn windows_of(
    reader: &mut dyn Read,
    window: usize,
    context: usize,
    emit: &mut dyn FnMut(Content<'_>) -> bool,
) -> io::Result<u64> {
    let mut buffer = Vec::new();
    let (mut before, mut total, mut start) = (0, 0_u64, (1, 1));
    loop {
        let wanted = before + window + context - buffer.len();
        let read = (&mut *reader).take(wanted as u64).read_to_end(&mut buffer)?;
        total += read as u64;
        let last = read < wanted;
        let fresh = if last { before..buffer.len() } else { before..before + window };
        let end = fresh.end;
        let content =
            Content { bytes: &buffer, start, whole: last && start == (1, 1), fresh: Some(vec![fresh]) };
        if !emit(content) || last {
            return Ok(total);
        }
        let drop = end.saturating_sub(context);
        start = advance(start, &buffer[..drop]);
        buffer.drain(..drop);
        before = end - drop;
    }
}

/// The line and column behind `bytes`, if `start` is theirs.
fn advance(start: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let characters = |bytes: &[u8]| count(bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count());
    match memchr::memrchr(b'\n', bytes) {
        None => (start.0, start.1.saturating_add(characters(bytes))),
        Some(last) => {
            let lines = count(memchr::memchr_iter(b'\n', bytes).count());
            (start.0.saturating_add(lines), characters(&bytes[last + 1..]).saturating_add(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The fresh ranges of all windows are the text, once, and each has its context and its right place.
        #[test]
        fn windows_cover_everything_once(text in "[ab\n]{0,200}", window in 1usize..20, context in 0usize..10) {
            let (mut seen, mut starts) = (Vec::new(), Vec::new());
            windows_of(&mut text.as_bytes(), window, context, &mut |content| {
                let fresh = content.fresh.as_ref().unwrap()[0].clone();
                let left = seen.len().min(context);
                assert!(fresh.start >= left && content.bytes[fresh.start - left..fresh.start] == seen[seen.len() - left..]);
                starts.push((seen.len() - fresh.start, content.start));
                seen.extend_from_slice(&content.bytes[fresh]);
                true
            }).unwrap();
            prop_assert_eq!(&seen, text.as_bytes());
            for (offset, start) in starts {
                prop_assert_eq!(advance((1, 1), &text.as_bytes()[..offset]), start);
            }
        }
    }
}
