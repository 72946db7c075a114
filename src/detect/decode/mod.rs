//! Texts inside a text: what stands there in base64, in escapes, in two or four bytes a character, as a dump or in several pieces.
//!
//! A part is found by looking at few bytes, and depends on those in its extent and on nothing else, so that one that lies
//! in a copy need not be decoded again. What it says is a view: a text of its own, for the same detector, that knows from
//! which bytes each of its own came.

mod digits;
mod dump;
mod escape;
mod inflate;
mod joined;
mod mark;
mod pieces;
mod run;
mod seam;
mod vicinity;
mod view;
mod wide;

pub(super) use inflate::LARGEST;
pub(super) use view::View;

use std::ops::Range;

/// How many encodings may stand around each other.
pub(super) const DEPTH: usize = 3;

/// How a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Base64 or hexadecimal digits, on one line or several.
    Run,
    /// `%41`.
    Percent,
    /// `\u0041`, `\x41`, `\101` and `\/`.
    Backslash,
    /// `&#65;` and `&#x41;`.
    Entity,
    /// `&quot;`.
    Quote,
    /// A literal in several pieces: `"ab" + "cd"`.
    Split,
    /// A literal that goes on behind a backslash at the line's end.
    Continued,
    /// UTF-16 and UTF-32.
    Wide,
    /// Digits with blanks between them: a dump of bytes.
    Dump,
    /// `=3D` and `=` at a line's end: quoted-printable.
    Printable,
    /// What sets the colours of a terminal.
    Colour,
    /// Literals that a call puts together.
    Joined,
}

const KINDS: usize = 12;

/// A stretch of a text that may hold another text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// The bytes that are decoded, with those that are kept around them.
    range: Range<usize>,
    /// All bytes that were looked at to tell the part. At an end of the text that end was seen too.
    pub(super) extent: Range<usize>,
}

/// Finds the parts of a text, window by window.
pub(super) struct Parts<'t> {
    text: &'t [u8],
    /// How far the parts of each kind have been told.
    told: [usize; KINDS],
    dumps: dump::Told,
}

impl<'t> Parts<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, told: [0; KINDS], dumps: dump::Told::default() }
    }

    /// Tells the parts that show themselves in the window, each once. Windows are asked for in ascending order.
    pub(super) fn each_in(&mut self, window: &Range<usize>, mut tell: impl FnMut(&Part)) {
        let text = self.text;
        let mut tell = |part: Part, told: &mut [usize; KINDS]| {
            told[part.kind as usize] = part.range.end;
            tell(&part);
        };
        let (mut spaced, mut dumps) = (self.dumps, Vec::new());
        let look = |at: usize| dumps.extend(spaced.part(text, at));
        run::each_in(text, window, look, |found| {
            if found.start >= self.told[Kind::Run as usize]
                && (run::may_be_line(text, &found) || digits::may_say(text, &found))
                && let Some(part) = run::part(text, found)
            {
                tell(part, &mut self.told);
            }
        });
        self.dumps = spaced;
        dumps.into_iter().for_each(|part| tell(part, &mut self.told));
        mark::each_in(text, window, |kind, at| {
            if at < self.told[kind as usize] {
                return;
            }
            let part = match kind {
                Kind::Wide => wide::at(text, at).map(|found| wide::part(text, found)),
                Kind::Joined => joined::part(text, at),
                _ => pieces::part(text, kind, at),
            };
            if let Some(part) = part {
                tell(part, &mut self.told);
            }
        });
    }
}

/// The windows in which all parts show themselves that have a byte of one of the ranges, or one beside it, in their
/// extent. The ranges are ordered.
pub(super) fn around<'t>(
    text: &'t [u8],
    ranges: impl Iterator<Item = Range<usize>> + 't,
) -> impl Iterator<Item = Range<usize>> + 't {
    vicinity::windows(text, ranges)
}

impl Part {
    /// What the part says, in each way that it can be read.
    pub(super) fn views(&self, text: &[u8]) -> Vec<View> {
        match self.kind {
            Kind::Run => digits::views(text, &self.range),
            Kind::Wide => vec![wide::view(text, &self.range)],
            Kind::Joined => joined::view(text, &self.range).into_iter().collect(),
            Kind::Dump => dump::view(text, &self.range).into_iter().collect(),
            kind => pieces::view(text, kind, &self.range).into_iter().collect(),
        }
    }
}
