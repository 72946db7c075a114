//! The standard fonts that every reader of PDF has: their encoding, and how wide their letters are.

/// A font of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    Plain,
    Bold,
}

/// The widths of Helvetica for the characters from the blank to the tilde, in thousandths of the size.
const PLAIN: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The same for Helvetica-Bold.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// No other character of the encoding is wider.
const WIDEST: u16 = 1000;

impl Font {
    /// How wide a text is, in thousandths of the size. What the tables do not know is taken for wide, so that nothing
    /// runs out of its column.
    pub(super) fn width(self, text: &[u8]) -> u32 {
        let table = if self == Self::Bold { &BOLD } else { &PLAIN };
        let of = |byte: &u8| {
            let index = usize::from(*byte).checked_sub(32).filter(|index| *index < 95);
            u32::from(index.map_or(WIDEST, |index| table[index]))
        };
        text.iter().map(of).sum()
    }
}

/// The text in WinAnsi, the encoding that the standard fonts know. What is not in it becomes something that is.
pub(super) fn encoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c as u8),
            '\u{a0}'..='\u{ff}' => out.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
            '\u{2026}' => out.push(0x85),
            '\u{2018}' => out.push(0x91),
            '\u{2019}' => out.push(0x92),
            '\u{201c}' => out.push(0x93),
            '\u{201d}' => out.push(0x94),
            '\u{2022}' => out.push(0x95),
            '\u{2013}' => out.push(0x96),
            '\u{2014}' => out.push(0x97),
            '\u{20ac}' => out.push(0x80),
            '\u{2610}' => out.extend_from_slice(b"[ ]"),
            '\u{2192}' => out.extend_from_slice(b"->"),
            '\t' => out.push(b' '),
            c if c.is_control() => {}
            // Two names that differ must not become one.
            c => out.extend_from_slice(format!("<U+{:04X}>", u32::from(c)).as_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_encoding_lacks_is_told() {
        assert_eq!(encoded("a\u{201c}b\u{201d} \u{fc} \u{1f511}\n"), b"a\x93b\x94 \xfc <U+1F511>");
    }

    proptest! {
        #[test]
        fn no_control_character_gets_in(text: String) {
            prop_assert!(encoded(&text).iter().all(|&byte| byte >= b' ' && byte != 0x7f));
        }
    }
}
