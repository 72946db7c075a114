//! A decoded text, and from which bytes of the text around it each part of it came.

use std::ops::Range;

/// What a part says.
pub(in crate::detect) struct View {
    pub(in crate::detect) text: Vec<u8>,
    /// The encoding's name; several are joined by `+`, the outermost first.
    pub(in crate::detect) name: String,
    /// How many encodings these are.
    pub(in crate::detect) layers: usize,
    /// Whether the text is only the beginning of what the part says.
    pub(in crate::detect) cut: bool,
    pub(super) map: Map,
}

/// From a view to the text around it.
pub(super) enum Map {
    /// The bytes of `decoded` came from digits of so many bits, which stand in these ranges one after the other.
    Digits { decoded: Range<usize>, bits: usize, lines: Vec<Range<usize>> },
    /// So many bytes each, from here on.
    Wide(usize, usize),
    /// Any byte may have come from any of these.
    Whole(Range<usize>),
    /// One after the other.
    Pieces(Vec<Piece>),
}

/// A piece of a view.
pub(super) struct Piece {
    /// Where it stands in the view.
    pub(super) at: usize,
    pub(super) source: Range<usize>,
    /// Whether it stands there as it is; else one byte stands for it.
    pub(super) plain: bool,
}

/// How near to a value its encoding counts: a quote or an equals sign beside it may be what was encoded.
const BESIDE: usize = 2;

impl View {
    /// Whether a value in the view is there only since something was decoded.
    pub(in crate::detect) fn shows(&self, value: &Range<usize>) -> bool {
        match &self.map {
            Map::Digits { decoded, .. } => decoded.start <= value.start && value.end <= decoded.end,
            Map::Wide(..) | Map::Whole(_) => true,
            Map::Pieces(pieces) => {
                let first = pieces.partition_point(|piece| piece.at + BESIDE < value.start);
                let near = pieces[first..].iter().take_while(|piece| piece.at <= value.end + BESIDE);
                // The piece at the view's start begins there for no reason of its own.
                near.filter(|piece| piece.at > 0 || !piece.plain).count() > 0
            }
        }
    }

    /// The bytes around it that a range of the view came from.
    pub(in crate::detect) fn source(&self, range: &Range<usize>) -> Range<usize> {
        match &self.map {
            Map::Digits { decoded, bits, lines } => {
                let start = (range.start - decoded.start) * 8 / bits;
                let end = (range.end - decoded.start) * 8;
                nth(lines, start)..nth(lines, end.div_ceil(*bits) - 1) + 1
            }
            Map::Wide(start, width) => start + width * range.start..start + width * range.end,
            Map::Whole(whole) => whole.clone(),
            Map::Pieces(pieces) => {
                let piece = |at: usize| &pieces[pieces.partition_point(|piece| piece.at <= at).max(1) - 1];
                let (first, last) = (piece(range.start), piece(range.end - 1));
                let offset = if first.plain { range.start - first.at } else { 0 };
                let end = if last.plain { last.source.start + range.end - last.at } else { last.source.end };
                first.source.start + offset..end
            }
        }
    }
}

/// Where the digit with this number stands.
fn nth(lines: &[Range<usize>], mut number: usize) -> usize {
    for line in lines {
        if number < line.len() {
            return line.start + number;
        }
        number -= line.len();
    }
    lines.last().map_or(0, |line| line.end.saturating_sub(1))
}
