//! The bytes that a part may begin with, in one pass: escapes, quotes, zeros. Few bytes are any of these.

use super::{Kind, seam};
use std::ops::Range;

/// How many bytes are looked at together; the compiler compares so many at once.
const BLOCK: usize = 16;

/// Tells where in the window a part of which kind may begin.
pub(super) fn each_in(text: &[u8], window: &Range<usize>, mut tell: impl FnMut(Kind, usize)) {
    for start in window.clone().step_by(BLOCK) {
        let mut marks = marks(&text[start..]);
        let len = window.end - start;
        if len < BLOCK {
            marks &= (1 << (8 * len)) - 1;
        }
        while marks != 0 {
            let at = start + marks.trailing_zeros() as usize / 8;
            marks &= marks - 1;
            if let Some(kind) = kind(text[at], text.get(at + 1)) {
                tell(kind, at);
            }
        }
    }
}

/// The marks among the first bytes of a text: one byte of the number for each of those. Kept apart and in memory, since
/// the compiler otherwise takes the block apart and compares byte by byte.
#[inline(never)]
fn marks(text: &[u8]) -> u128 {
    let mut flags = [0; BLOCK];
    match text.first_chunk::<BLOCK>() {
        Some(block) => flags.iter_mut().zip(block).for_each(|(flag, byte)| *flag = is_mark(*byte)),
        None => flags.iter_mut().zip(text).for_each(|(flag, byte)| *flag = is_mark(*byte)),
    }
    u128::from_le_bytes(flags)
}

/// Without branches, so that a block is compared as one.
#[inline]
fn is_mark(byte: u8) -> u8 {
    // One comparison for both quotes and `&`, and with them `#`, which begins nothing.
    let quote = u8::from(byte | 5 == b'\'');
    [b'%', b'\\', b'=', 0x1b, 0].into_iter().fold(quote, |is, mark| is | u8::from(byte == mark))
}

/// What a mark and the byte behind it may begin. Most begin nothing, which one look into a table tells.
#[inline]
fn kind(mark: u8, next: Option<&u8>) -> Option<Kind> {
    if BEGINS[usize::from(next.copied().unwrap_or(0))] & sign(mark) == 0 {
        return None;
    }
    Some(match mark {
        0 => Kind::Wide,
        b'%' => Kind::Percent,
        b'=' => Kind::Printable,
        0x1b => Kind::Colour,
        b'\\' if matches!(next, Some(b'\n' | b'\r')) => Kind::Continued,
        b'\\' => Kind::Backslash,
        b'&' if next == Some(&b'#') => Kind::Entity,
        b'&' => Kind::Quote,
        _ if matches!(next, Some(b'"' | b'\'' | b'%' | b'{')) => Kind::Joined,
        _ => Kind::Split,
    })
}

/// A bit for each mark; one for both quotes.
const fn sign(mark: u8) -> u8 {
    match mark {
        0 => 1,
        b'%' => 2,
        b'\\' => 4,
        b'&' => 8,
        b'"' | b'\'' => 16,
        b'=' => 32,
        0x1b => 64,
        _ => 128,
    }
}

/// For each byte the marks that begin something before it. Before the text's end only a zero does, as before any byte.
static BEGINS: [u8; 256] = {
    let mut begins = [0; 256];
    let mut byte = 0_u8;
    loop {
        let is_percent = matches!(byte, b'2'..=b'7');
        let is_escape = matches!(byte, b'\n' | b'\r' | b'u' | b'x' | b'/' | b'_' | b'0' | b'1');
        let is_entity = matches!(byte, b'#' | b'q');
        begins[byte as usize] = sign(0)
            | if is_percent { sign(b'%') } else { 0 }
            | if is_escape { sign(b'\\') } else { 0 }
            | if is_entity { sign(b'&') } else { 0 }
            | if byte == b'3' { sign(b'=') } else { 0 }
            | if byte == b'[' { sign(0x1b) } else { 0 }
            | if matches!(byte, b'"' | b'\'' | b'%' | b'{') || seam::joins(byte) { sign(b'"') } else { 0 };
        if byte == u8::MAX {
            break begins;
        }
        byte += 1;
    }
};
