//! Lists and maps of several values under one name: `tokens = ["…", "…"]`, `apiKeys = { staging: "…", production: "…" }`.

use super::Candidate;
use super::assignment;
use super::cursor::Cursor;
use super::name::Name;

/// The most values that are looked at.
const MOST: usize = 24;

/// What may stand between the operator and the bracket: the type of the list, or the call that makes it.
const TYPE: usize = 40;

/// Ends of keys whose values everybody may know: of a pair only the other is secret.
const KNOWN: [&[u8]; 5] = [b"id", b"user", b"username", b"name", b"email"];

/// The values of a list or a map whose name says that there are several.
pub(super) fn column(text: &[u8], name: &Name) -> Option<Vec<Candidate>> {
    if !matches!(text[..name.range.end].last(), Some(b's' | b'S')) {
        return None;
    }
    let mut at = assignment::operated(text, name)?;
    at.blanks();
    let mut found = Vec::new();
    open(&mut at)?;
    for _ in 0..MOST {
        at.skip(128, |byte| byte.is_ascii_whitespace() || byte == b',');
        let Some((value, is_known)) = item(&mut at) else { break };
        found.extend((!is_known).then_some(value));
    }
    (!found.is_empty()).then_some(found)
}

/// Steps over what opens a list: `[`, `{`, `[]string{`, `new Map([`, `array(`, `mapOf(`.
fn open(at: &mut Cursor<'_>) -> Option<()> {
    let is_type = |byte: u8| byte.is_ascii_alphanumeric() || b"_<>[]., ".contains(&byte);
    let area = &at.rest()[..at.rest().len().min(TYPE)];
    let len = area.iter().take_while(|byte| is_type(**byte)).count();
    // The last bracket of `[]string{` is what opens, and that of `["a"` stands at once.
    let opens = match area.get(len) {
        Some(b'{' | b'(') => len,
        _ => area.iter().position(|byte| *byte == b'[')?,
    };
    let is_bracket_first = opens == 0 || area[..opens].iter().all(|byte| is_type(*byte));
    at.at += opens + 1;
    at.eat(b"[");
    is_bracket_first.then_some(())
}

/// The literal of the next entry, and whether everybody may know it. `None` where the list ends.
fn item(at: &mut Cursor<'_>) -> Option<(Candidate, bool)> {
    let first = literal(at);
    let key = match &first {
        Some(found) => found.range.clone(),
        None => {
            let start = at.at;
            let word = at.skip(40, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if word == 0 {
                return None;
            }
            start..at.at
        }
    };
    let mut behind = *at;
    behind.blanks();
    let links = behind.eat_any(&[b"=>", b"->", b"to ", b":", b"="]);
    if !links {
        return first.map(|found| (found, false));
    }
    behind.blanks();
    *at = behind;
    let value = literal(at)?;
    let key = at.text[key].to_ascii_lowercase();
    Some((value, KNOWN.iter().any(|end| key.ends_with(end))))
}

/// A literal, stepped over with the quote behind it.
fn literal(at: &mut Cursor<'_>) -> Option<Candidate> {
    let found = at.literal()?;
    at.at = found.range.end;
    at.skip(3, |byte| b"\\\"'`".contains(&byte));
    Some(found)
}
