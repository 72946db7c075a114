//! How often four bytes are met in text, so that a keyword is looked for by its rarest ones.

use super::hash;

/// For each value of the upper 16 bits of a folded gram's hash the logarithm to the base of two of how often any such gram
/// is met, in quarters of a millionth: a digit of base 36 each, 128 a line. Counted in 60 MB of documentation, manual pages
/// and source code in many languages of a Debian system, of each package at most 25 files.
static CLASSES: &[u8; LINES * (LINE + 1)] = include_bytes!("grams.txt");

/// What of four bytes was counted: of the outer two less than is told apart when keywords are looked for.
const COUNTED: u32 = u32::from_le_bytes([0x0f, 0x5f, 0x5f, 0x0f]);
const LINE: usize = 128;
const LINES: usize = (1 << 16) / LINE;

/// How often a folded gram can be expected, in quarters of a millionth; never 0.
pub(super) fn frequency(gram: u32) -> u32 {
    let place = (hash(gram & COUNTED) >> 16) as usize;
    let class = match CLASSES[place / LINE * (LINE + 1) + place % LINE] {
        digit @ b'0'..=b'9' => digit - b'0',
        letter => letter.saturating_sub(b'a' - 10),
    };
    1 << class.min(24)
}

/// The same of four bytes.
#[cfg(test)]
fn frequency_of(bytes: [u8; 4]) -> u32 {
    frequency(super::fold(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_day_are_commoner_than_the_marks_of_credentials() {
        for (common, rare) in [(*b"tion", *b"ghp_"), (*b"    ", *b"xoxb"), (*b"tion", *b"dckr")] {
            assert!(frequency_of(common) > 8 * frequency_of(rare), "{common:?} {rare:?}");
        }
    }
}
