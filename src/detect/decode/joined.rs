//! Literals that a call on one line puts together: `["ab", "cd"].join("")`, `"".join(("ab", "cd"))`,
//! `implode('', ['ab', 'cd'])`, `"%s%s" % ("ab", "cd")`, `"{}{}".format("ab", "cd")`.

use super::pieces;
use super::view::{Map, Piece, View};
use super::{Kind, Part};
use std::ops::Range;

/// How far from the empty literal, or from the template, the others stand.
pub(super) const REACH: usize = 400;

/// How far before a list the name of the call stands that joins it.
pub(super) const NAME: usize = 24;
/// What that name ends with.
const NAME_END: &[u8] = b"oin(";

/// What stands before an empty literal that a list follows.
const JOINS: [&[u8]; 4] = [b"implode(", b"oin(", b"oncat(", b"oin-String -Separator "];

/// A call: all of it, and what is between the quotes of each literal.
struct Call {
    range: Range<usize>,
    literals: Vec<Range<usize>>,
    /// From where on the bytes before it were looked at, in a line before at most for the name.
    seen: usize,
}

/// The part of the call whose empty literal or template begins at `at`.
pub(super) fn part(text: &[u8], at: usize) -> Option<Part> {
    let call = call(text, at)?;
    // Nothing of it but its name stands in another line.
    let reach = REACH + pieces::REACH;
    let (floor, ceiling) = (at.saturating_sub(reach), (at + reach).min(text.len()));
    let start = memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |newline| floor + newline + 1);
    let end = memchr::memchr(b'\n', &text[at..ceiling]).map_or(ceiling, |newline| at + newline);
    let extent = start.min(call.seen)..end;
    let is_near = call.range.start + REACH >= at && call.range.end <= at + REACH;
    is_near.then_some(Part { kind: Kind::Joined, range: call.range, extent })
}

/// The line with one literal in the place of the call.
pub(super) fn view(text: &[u8], range: &Range<usize>) -> Option<View> {
    let quotes = memchr::memchr2_iter(b'"', b'\'', &text[range.clone()]);
    let Call { range: whole, mut literals, .. } =
        quotes.filter_map(|at| call(text, range.start + at)).find(|call| call.range == *range)?;
    // With the quote before the first and the one behind the last.
    literals.first_mut()?.start -= 1;
    literals.last_mut()?.end += 1;
    let line = pieces::line_before(text, whole.start)..pieces::line_behind(text, whole.end);
    let (mut out, mut map) = (Vec::with_capacity(line.len()), Vec::new());
    let sources = std::iter::once(line.start..whole.start).chain(literals);
    for source in sources.chain(std::iter::once(whole.end..line.end)) {
        map.push(Piece { at: out.len(), source: source.clone(), plain: true });
        out.extend_from_slice(&text[source]);
    }
    Some(View { text: out, name: "split".to_owned(), layers: 1, cut: false, map: Map::Pieces(map) })
}

fn call(text: &[u8], at: usize) -> Option<Call> {
    let quote = *text.get(at)?;
    let len = text[at + 1..].iter().take(32).position(|byte| *byte == quote)?;
    let (inner, end) = (&text[at + 1..at + 1 + len], at + len + 2);
    let behind = &text[end..];
    if !inner.is_empty() {
        let is_template = inner.len() >= 4
            && (inner.chunks(2).all(|two| two == b"%s") || inner.chunks(2).all(|two| two == b"{}"));
        let open = [&b" % "[..], b" %", b"% ", b"%", b".format"]
            .into_iter()
            .find_map(|sign| behind.starts_with(sign).then_some(end + sign.len()))?;
        let (literals, close) = list(text, open).filter(|_| is_template)?;
        return Some(Call { range: at..close, literals, seen: at });
    }
    if behind.starts_with(b".join(") {
        let open = end + 6;
        let (literals, close) = list(text, open).or_else(|| list(text, open - 1))?;
        let close = close + usize::from(text.get(close) == Some(&b')'));
        return Some(Call { range: at..close, literals, seen: at });
    }
    let before = &text[at.saturating_sub(REACH)..at];
    let name = JOINS.iter().find(|name| before.ends_with(name));
    if let Some(name) = name
        && behind.starts_with(b",")
    {
        let open = end + 1 + usize::from(behind.get(1) == Some(&b' '));
        let (literals, close) = list(text, open).or_else(|| literals(text, open))?;
        let close = close + usize::from(text.get(close) == Some(&b')'));
        let start = word_start(text, at - name.len());
        return Some(Call { range: start..close, literals, seen: start });
    }
    // The list stands before: `[…].join("")`, `Join([]string{…}, "")`.
    let list_end = at
        - [&b".join("[..], b", ", b","]
            .into_iter()
            .find_map(|sign| before.ends_with(sign).then_some(sign.len()))?;
    let open = match text[..list_end].last()? {
        b']' => b'[',
        b'}' => b'{',
        _ => return None,
    };
    let floor = at.saturating_sub(REACH);
    let start = floor + memchr::memrchr(open, &text[floor..list_end])?;
    let (literals, close) = list(text, start)?;
    let is_method = text[list_end] == b'.';
    let seen = if is_method { start } else { start.saturating_sub(NAME) };
    let is_call = is_method || has_name(&text[seen..start]);
    let start = if is_method { start } else { word_start(text, start) };
    let end = end + usize::from(text.get(end) == Some(&b')'));
    (is_call && close == list_end).then_some(Call { range: start..end, literals, seen })
}

/// Whether the name of a call that joins a list is among these bytes.
pub(super) fn has_name(before: &[u8]) -> bool {
    memchr::memmem::find(before, NAME_END).is_some()
}

/// The start of the dotted word that ends here.
fn word_start(text: &[u8], end: usize) -> usize {
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.:(-[]".contains(byte);
    end - text[..end].iter().rev().take(32).take_while(is_word).count()
}

/// The literals between the bracket at `open` and the one that closes it, and the end of that.
fn list(text: &[u8], open: usize) -> Option<(Vec<Range<usize>>, usize)> {
    if !matches!(text.get(open)?, b'[' | b'(' | b'{') {
        return None;
    }
    let inner = open + 1 + text[open + 1..].iter().take(4).take_while(|byte| **byte == b' ').count();
    let (found, end) = literals(text, inner)?;
    let end = end + text[end..].iter().take(4).take_while(|byte| matches!(byte, b' ' | b',')).count();
    matches!(text.get(end)?, b']' | b')' | b'}').then_some((found, end + 1))
}

/// The literals from here on, two at least, and where they end.
fn literals(text: &[u8], start: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let (mut found, mut at, mut end) = (Vec::new(), start, start);
    while let Some(quote @ (b'"' | b'\'')) = text.get(at).copied() {
        let inner = text.get(at + 1..text.len().min(start + REACH))?;
        let len = inner
            .iter()
            .position(|byte| *byte == quote || *byte == b'\n')
            .filter(|len| inner[*len] == quote)?;
        found.push(at + 1..at + 1 + len);
        end = at + len + 2;
        let gap = text[end..].iter().take(4).take_while(|byte| matches!(byte, b' ' | b',')).count();
        if !text[end..end + gap].contains(&b',') {
            break;
        }
        at = end + gap;
    }
    (found.len() > 1).then_some((found, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        let part = (0..bytes.len())
            .filter(|at| matches!(bytes[*at], b'"' | b'\''))
            .find_map(|at| part(bytes, at))?;
        Some(String::from_utf8(view(bytes, &part.range)?.text).unwrap())
    }

    #[test]
    fn calls_become_literals() {
        for (text, expected) in [
            ("let a = [\"ab\", \"cd\"].join(\"\");", "let a = \"abcd\";"),
            ("a = ''.join(['ab', 'cd', 'ef'])", "a = 'abcdef'"),
            ("a = ''.join(('ab', 'cd'))", "a = 'abcd'"),
            ("$a = implode('', ['ab', 'cd']);", "$a = 'abcd';"),
            ("a = \"%s%s\" % (\"ab\", \"cd\")", "a = \"abcd\""),
            ("a = \"{}{}\".format(\"ab\", \"cd\")", "a = \"abcd\""),
            ("a := strings.Join([]string{\"ab\", \"cd\"}, \"\")", "a := \"abcd\""),
            ("var a = String.Join(\"\", \"ab\", \"cd\");", "var a = \"abcd\";"),
        ] {
            assert_eq!(joined(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "[\"ab\", \"cd\"].join(\", \")",
            "a = \"\" + \"b\"",
            "f(\"\", x)",
            "\"%s of %s\" % (\"a\", \"b\")",
            "x = [''] + ['']",
        ] {
            assert_eq!(joined(text), None, "{text}");
        }
    }
}
