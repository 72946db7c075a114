//! Deltas: an object as copies from its base and short literal inserts.
//!
//! Format: git's `gitformat-pack` manual page, "Deltified representation".

use super::{PackError, make_room};
use crate::patch::Copied;
use std::ops::Range;

const BAD: PackError = PackError::Malformed("a delta does not fit its base");

/// Builds the object that `delta` makes of `base` into `out`, and notes in `copies` what it took from there; both are
/// cleared first. `limit` bounds the object's size.
pub(super) fn apply(
    base: &[u8],
    delta: &[u8],
    out: &mut Vec<u8>,
    copies: &mut Vec<Copied>,
    limit: usize,
) -> Result<(), PackError> {
    let mut at = 0;
    let base_size = size(delta, &mut at)?;
    let size = size(delta, &mut at)?;
    if base_size != base.len() as u64 || size > limit as u64 {
        return Err(BAD);
    }
    let size = usize::try_from(size).map_err(|_| BAD)?;
    make_room(out, size)?;
    out.clear();
    copies.clear();
    while at < delta.len() {
        match instruction(delta, &mut at)? {
            Instruction::Copy(range) => {
                note(copies, &range, out.len());
                out.extend_from_slice(base.get(range).ok_or(BAD)?);
            }
            Instruction::Insert(range) => out.extend_from_slice(&delta[range]),
        }
        if out.len() > size {
            return Err(BAD);
        }
    }
    if out.len() == size { Ok(()) } else { Err(BAD) }
}

/// Notes a copy; one that goes on where the last one ended becomes part of it, since an instruction copies 64 KiB at most.
fn note(copies: &mut Vec<Copied>, range: &Range<usize>, to: usize) {
    match copies.last_mut() {
        Some(last) if last.from_end() == range.start && last.to_end() == to => last.len += range.len(),
        _ => copies.push(Copied { from: range.start, to, len: range.len() }),
    }
}

enum Instruction {
    /// Bytes of the base.
    Copy(Range<usize>),
    /// Bytes of the delta itself.
    Insert(Range<usize>),
}

fn instruction(delta: &[u8], at: &mut usize) -> Result<Instruction, PackError> {
    let mut next = || {
        let byte = delta.get(*at).copied().ok_or(BAD);
        *at += 1;
        byte
    };
    let code = next()?;
    if code & 0x80 == 0 {
        let end = *at + usize::from(code);
        let insert = *at..end;
        *at = end;
        return if code == 0 || end > delta.len() { Err(BAD) } else { Ok(Instruction::Insert(insert)) };
    }
    let (mut offset, mut size) = (0_usize, 0_usize);
    for bit in 0..4 {
        if code & (1 << bit) != 0 {
            offset |= usize::from(next()?) << (8 * bit);
        }
    }
    for bit in 0..3 {
        if code & (0x10 << bit) != 0 {
            size |= usize::from(next()?) << (8 * bit);
        }
    }
    if size == 0 {
        size = 0x1_0000;
    }
    Ok(Instruction::Copy(offset..offset.checked_add(size).ok_or(BAD)?))
}

/// A size as little-endian groups of seven bits.
fn size(delta: &[u8], at: &mut usize) -> Result<u64, PackError> {
    let (mut size, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = *delta.get(*at).ok_or(BAD)?;
        *at += 1;
        if shift > 56 {
            return Err(BAD);
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(base: &[u8], delta: &[u8], limit: usize) -> Result<(Vec<u8>, Vec<Copied>), PackError> {
        let (mut out, mut copies) = (Vec::new(), Vec::new());
        apply(base, delta, &mut out, &mut copies, limit).map(|()| (out, copies))
    }

    #[test]
    fn copies_and_inserts() {
        let delta = [5, 6, 0x91, 1, 3, 3, b'x', b'y', b'z'];
        let (out, copies) = made(b"abcde", &delta, 100).unwrap();
        assert_eq!(out, b"bcdxyz");
        assert_eq!(copies, [Copied { from: 1, to: 0, len: 3 }]);
        assert!(made(b"abcd", &delta, 100).is_err(), "the base has another size");
        assert!(made(b"abcde", &delta, 5).is_err(), "the result is over the limit");
    }

    #[test]
    fn copies_that_go_on_are_one() {
        let (out, copies) = made(b"abcde", &[5, 5, 0x91, 1, 2, 0x91, 3, 2, 1, b'x'], 100).unwrap();
        assert_eq!(out, b"bcdex");
        assert_eq!(copies, [Copied { from: 1, to: 0, len: 4 }]);
    }

    proptest! {
        /// No bytes make it panic, and what it says was copied is the base's.
        #[test]
        fn no_bytes_make_it_panic(base in proptest::collection::vec(any::<u8>(), 0..40), delta in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok((out, copies)) = made(&base, &delta, 1 << 20) {
                for copy in copies {
                    prop_assert_eq!(&out[copy.to..copy.to_end()], &base[copy.from..copy.from_end()]);
                }
            }
        }
    }
}
