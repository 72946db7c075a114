//! What runs of digits say in base64 and hexadecimal. Most say nothing, which their first bytes show.

use super::view::{Map, Piece};
use super::{View, inflate, run};
use std::ops::Range;

/// How many bytes show whether a run says anything.
const HEAD: usize = 6;

/// Whether a run that stands alone may say anything, by itself or in one of its words. Nearly all end here.
pub(super) fn may_say(text: &[u8], run: &Range<usize>) -> bool {
    let digits = &text[run.clone()];
    starts_well(digits) || digits.starts_with(b"0x") || words(text, run).any(|word| starts_well(&text[word]))
}

/// Whether digits begin as those of something do, in either reading.
fn starts_well(digits: &[u8]) -> bool {
    // One bad byte is enough, and the first is bad in most.
    let first = match digits {
        [a, b, ..] => run::value(*a) << 2 | run::value(*b) >> 4,
        _ => return false,
    };
    if !is_printable(first) && !matches!(first, 0x00 | 0x1f | 0xef | 0xfe | 0xff) {
        return starts_hex(digits);
    }
    let sextets = digits.iter().map(|digit| u64::from(run::value(*digit)));
    let head = sextets.take(HEAD * 4 / 3).fold(0, |head, sextet| head << 6 | sextet).to_be_bytes();
    may_say_something(&head[8 - HEAD..]) || starts_hex(digits)
}

fn starts_hex(digits: &[u8]) -> bool {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let mut pairs = digits.chunks_exact(2).take(HEAD);
    let is_text = |pair: &[u8]| {
        let byte =
            nibble(pair[0]).zip(nibble(pair[1])).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        byte.is_some_and(|byte| {
            is_printable(byte) || matches!(byte, 0x00 | 0x01 | 0x08 | 0x1f | 0x8b | 0x9c | 0xda | 0xbb..)
        })
    };
    pairs.all(is_text)
}

/// What a run says: all of its lines together, or else what some of its lines or parts of them say.
pub(super) fn views(text: &[u8], range: &Range<usize>) -> Vec<View> {
    let first = run::first_line(text, range.start);
    let lines: Vec<Range<usize>> = run::lines(text, first).collect();
    let mut views = Vec::new();
    views.extend(folded(text, &lines));
    if let Some(view) = view(text, lines.clone()) {
        views.push(view);
        return views;
    }
    for line in &lines {
        let is_one = lines.len() == 1;
        if is_one {
            views.extend(words(text, line).filter_map(|word| view(text, vec![word])));
        } else if starts_well(&text[line.clone()]) {
            views.extend(view(text, vec![line.clone()]));
        }
        // What says that a number is hexadecimal is no part of it.
        if text[line.clone()].starts_with(b"0x") {
            let number = line.start + 2..line.end;
            views.extend(view(text, vec![number]));
        }
    }
    views
}

/// The parts of a run that its separators make: a path may end in something encoded.
fn words<'t>(text: &'t [u8], line: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let (mut start, line) = (line.start, line.clone());
    let ends =
        (line.start..=line.end).filter(move |at| *at == line.end || run::value(text[*at]) >= run::SEPARATOR);
    ends.filter_map(move |end| {
        let word = start..end;
        start = end + 1;
        (word.len() >= run::SHORTEST && word != line).then_some(word)
    })
}

/// The lines of a folded text as one, behind its name.
fn folded(text: &[u8], lines: &[Range<usize>]) -> Option<View> {
    let header = run::header(text, lines.first()?.start).filter(|_| lines.len() > 1)?;
    let (mut joined, mut pieces) = (Vec::new(), Vec::new());
    for source in std::iter::once(&header).chain(lines) {
        pieces.push(Piece { at: joined.len(), source: source.clone(), plain: true });
        joined.extend_from_slice(&text[source.clone()]);
    }
    Some(View { text: joined, name: "split".to_owned(), layers: 1, cut: false, map: Map::Pieces(pieces) })
}

/// What the digits of some lines say together, behind the name before them.
fn view(text: &[u8], lines: Vec<Range<usize>>) -> Option<View> {
    let (&Range { start, .. }, &Range { end, .. }) = (lines.first()?, lines.last()?);
    if !starts_well(&text[lines.first()?.clone()]) {
        return None;
    }
    let (name, bits, decoded) = decode(text, &lines)?;
    if let Some((packing, unpacked)) = inflate::unpack(&decoded) {
        let map = Map::Whole(start..end);
        let name = format!("{name}+{packing}");
        return Some(View { text: unpacked.text, name, layers: 2, cut: unpacked.cut, map });
    }
    if !is_text(&decoded) {
        return None;
    }
    // A name ends before its value; what reaches up to it would only hide where the value begins.
    let name_is_apart = start == 0 || !(text[start - 1].is_ascii_alphanumeric() || text[start - 1] == b'_');
    let from = if name_is_apart { run::name_start(text, start) } else { start };
    let mut view = text[from..start].to_vec();
    let from = view.len();
    view.extend_from_slice(&decoded);
    let map = Map::Digits { decoded: from..view.len(), bits, lines };
    let end = end + run::padding(text, end);
    view.extend(text.get(end));
    Some(View { text: view, name: name.to_owned(), layers: 1, cut: false, map })
}

fn decode(text: &[u8], lines: &[Range<usize>]) -> Option<(&'static str, usize, Vec<u8>)> {
    let digits = || lines.iter().flat_map(|line| &text[line.clone()]).copied();
    let count: usize = lines.iter().map(Range::len).sum();
    if count.is_multiple_of(2) && digits().all(|digit| digit.is_ascii_hexdigit()) {
        let bytes = join(digits().filter_map(|digit| char::from(digit).to_digit(16)), 4);
        if may_say_something(&bytes) {
            return Some(("hex", 4, bytes));
        }
    }
    let bytes = join(digits().map(|digit| u32::from(run::value(digit))), 6);
    may_say_something(&bytes).then_some(("base64", 6, bytes))
}

/// Puts digits of so many bits together; what is left over at the end is padding.
fn join(digits: impl Iterator<Item = u32>, bits: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(digits.size_hint().1.unwrap_or(0) * bits / 8);
    let (mut held, mut pending) = (0_u32, 0);
    for digit in digits {
        held = held << bits | digit;
        pending += bits;
        if pending >= 8 {
            pending -= 8;
            bytes.push((held >> pending & 0xff) as u8);
        }
    }
    bytes
}

/// Whether the first bytes are those of a text or of something packed. Of random ones hardly any are.
fn may_say_something(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let is_wide = |at: usize| head.iter().skip(at).step_by(2).all(|byte| *byte == 0);
    let head_text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    inflate::is_packed(head)
        || is_wide(0)
        || is_wide(1)
        || head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
        || head_text.iter().all(|byte| is_printable(*byte))
}

/// Whether bytes are text, in UTF-8 or in two bytes a character: few others, and not mostly foreign letters.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|byte| !is_printable(**byte) && **byte < 0x80 && **byte != 0).count();
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let zeros = bytes.len() - bytes.iter().filter(|byte| **byte != 0).count();
    let is_wide = zeros > bytes.len() / 3 && zeros <= bytes.len() / 2 + 1;
    odd <= bytes.len() / 50 && high <= bytes.len() / 4 && (zeros <= bytes.len() / 50 || is_wide)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}
