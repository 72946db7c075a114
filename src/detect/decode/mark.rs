//! The bytes that a part may begin with, in one pass: escapes, quotes, zeros. Few bytes are any of these.

use super::{Kind, seam};
use std::ops::Range;

/// How many bytes are looked at together; the compiler compares so many at once.
const BLOCK: usize = 16;

/// Tells where in the window a part of which kind may begin.
pub(super) fn each_in(text: &[u8], window: &Range<usize>, mut tell: impl FnMut(Kind, usize)) {
    let (blocks, rest) = text[window.clone()].as_chunks::<BLOCK>();
    let mut look = |start: usize, block: &[u8]| {
        for (at, byte) in block.iter().enumerate() {
            if is_mark(*byte) != 0
                && let Some(kind) = kind(*byte, text.get(start + at + 1))
            {
                tell(kind, start + at);
            }
        }
    };
    for (number, block) in blocks.iter().enumerate() {
        if block.iter().fold(0, |marks, byte| marks | is_mark(*byte)) != 0 {
            look(window.start + number * BLOCK, block);
        }
    }
    look(window.end - rest.len(), rest);
}

/// Without branches, so that a block is compared as one.
#[inline]
fn is_mark(byte: u8) -> u8 {
    [b'%', b'\\', b'&', b'"', b'\'', 0].into_iter().fold(0, |is, mark| is | u8::from(byte == mark))
}

/// What a mark and the byte behind it may begin.
fn kind(mark: u8, next: Option<&u8>) -> Option<Kind> {
    Some(match (mark, next) {
        (0, _) => Kind::Wide,
        (b'%', Some(b'2'..=b'7')) => Kind::Percent,
        (b'\\', Some(b'\n' | b'\r')) => Kind::Continued,
        (b'\\', Some(b'u' | b'x' | b'/' | b'0' | b'1')) => Kind::Backslash,
        (b'&', Some(b'#')) => Kind::Entity,
        (b'&', Some(b'q')) => Kind::Quote,
        (b'"' | b'\'', Some(next)) if seam::joins(*next) => Kind::Split,
        _ => return None,
    })
}
