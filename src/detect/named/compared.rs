//! Literals that code compares a name with: `password.equals("…")`, `"…".equals(password)`, `strcmp(password, "…")`,
//! `expect(apiKey).toBe("…")`. Whoever knows the literal passes.

use super::Candidate;
use super::cursor::{Cursor, line_around};
use super::name::Name;

/// How far from the name its literal may stand, in bytes.
const FAR: usize = 120;

/// What is in the name of a call that compares, in small letters.
const COMPARES: [&[u8]; 5] = [b"equal", b"compar", b"cmp", b"tobe", b".eq"];

/// Whether a call compares.
fn compares(call: &[u8]) -> bool {
    let lower = call.to_ascii_lowercase();
    COMPARES.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
}

/// The literal that a name is compared with, behind it or before it.
pub(super) fn with(text: &[u8], name: &Name) -> Option<Candidate> {
    behind(text, name).or_else(|| before(text, name))
}

/// `name.equals("…")`, `strcmp(name, "…")`, `Compare([]byte(name), []byte("…"))`, `expect(x.name).toBe("…")`.
fn behind(text: &[u8], name: &Name) -> Option<Candidate> {
    let mut at = Cursor::new(text, name.range.end);
    at.eat(b"()");
    let closes = at.skip(3, |byte| byte == b')') > 0;
    if at.peek() == Some(b',') {
        let line = line_around(text, name.range.start);
        let left = &text[line.start.max(name.range.start.saturating_sub(FAR))..name.range.start];
        // The call around the name, or around the one that turns it into bytes.
        let call = left.iter().rposition(|byte| *byte == b'(').map(|open| &left[..open]).filter(|call| {
            compares(last_call(call))
                || closes
                    && call
                        .iter()
                        .rposition(|byte| *byte == b'(')
                        .is_some_and(|open| compares(last_call(&call[..open])))
        });
        call?;
        at.at += 1;
        at.space();
        return at.literal();
    }
    if at.peek() != Some(b'.') {
        return None;
    }
    let start = at.at;
    at.skip(48, |byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    if !compares(&text[start..at.at]) || !at.eat(b"(") {
        return None;
    }
    at.space();
    at.literal()
}

/// `"…".equals(name)`, `assertEquals("…", x.name())`, `hash_equals('…', $name)`, `MOVE "…" TO NAME`.
fn before(text: &[u8], name: &Name) -> Option<Candidate> {
    let line = line_around(text, name.range.start);
    let start = line.start.max(name.range.start.saturating_sub(FAR));
    let left = &text[start..name.range.start];
    let close = left.iter().rposition(|byte| matches!(byte, b'"' | b'\''))?;
    let open = left[..close].iter().rposition(|byte| *byte == left[close])?;
    let between = &left[close + 1..];
    let call = left[..open].strip_suffix(b"(").map(last_call);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$->[]() ".contains(byte);
    let is_argument = || {
        between.strip_prefix(b",").is_some_and(|rest| rest.iter().all(is_part)) && call.is_some_and(compares)
    };
    let is_method = || between.starts_with(b".") && between.ends_with(b"(") && compares(between);
    let is_moved = || between == b" TO " && left[..open].trim_ascii_end().ends_with(b"MOVE");
    let is_compared = is_argument() || is_method() || is_moved();
    is_compared.then(|| Cursor::new(text, start + open).literal()).flatten()
}

/// The name of the call at the end of these bytes.
fn last_call(before: &[u8]) -> &[u8] {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
    &before[before.len() - before.iter().rev().take(40).take_while(is_part).count()..]
}
