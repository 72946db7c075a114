//! Names and values in sentences: "the password for staging is …", "use … as the token".

use super::super::value::Form;
use super::Candidate;
use super::cursor::{Cursor, line_around};
use super::name::Name;

/// The most words between a name and its value.
const WORDS: usize = 8;

/// Words that a value follows, soon.
const LINKS: &str = "is was be to as are now with reads becomes equals ist lautet es est being - – use of using jest är on è é er";

/// How many words may stand between such a word and the value: "is still", "is set to".
const AFTER_LINK: usize = 3;

/// The values that a sentence may tell behind the name.
pub(super) fn behind(text: &[u8], name: &Name) -> Vec<Candidate> {
    let mut at = Cursor::new(text, name.range.end);
    at.skip(6, |byte| b"\"'`*_])?".contains(&byte));
    let mut found = Vec::new();
    let mut linked = None;
    for step in 0..WORDS {
        let is_broken = at.blanks() == 0;
        if is_broken && !broken(&mut at) {
            break;
        }
        match linked {
            Some(since) if step - since <= AFTER_LINK => found.extend(told(at)),
            None if step == 0 => found.extend(plain(at)),
            _ => {}
        }
        let Some((word, colon)) = word(&mut at) else { break };
        // The key of the next line, not the next word.
        if is_broken && colon {
            break;
        }
        let is_link = LINKS.split(' ').any(|link| word.eq_ignore_ascii_case(link.as_bytes()));
        linked = if is_link || colon { Some(step) } else { linked };
    }
    found
}

/// Steps over a word or a remark in brackets; it, and whether a colon stands behind it.
fn word<'t>(at: &mut Cursor<'t>) -> Option<(&'t [u8], bool)> {
    let start = at.at;
    let remark = at.eat(b"(");
    let most = if remark { 60 } else { 24 };
    at.skip(most, |byte| {
        byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || b"-'/@_.".contains(&byte)
            || (remark && b" ),".contains(&byte))
    });
    let word = &at.text[start..at.at];
    let ends_sentence = word.ends_with(b".");
    let is_word = !word.is_empty() && (remark || word.len() < most) && !ends_sentence;
    let colon = at.eat(b":");
    at.skip(3, |byte| b"*_".contains(&byte));
    at.eat(b",");
    is_word.then_some((word, colon))
}

/// A value right behind its name, with nothing between: only what no word and no name looks like.
fn plain(at: Cursor<'_>) -> Option<Candidate> {
    let range = at.word(|_| false)?;
    let word = &at.text[range.clone()];
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let kinds = [
        has(u8::is_ascii_digit),
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
        has(|byte| is_sign(*byte)),
    ];
    let many = kinds.iter().filter(|kind| **kind).count() >= 3;
    (many && word.len() >= 8 && !word.starts_with(b"--") && !is_assignment(word))
        .then_some(Candidate { range, form: Form::Bare })
}

/// `PORT=8080`: the next line of a file, not the next word of a sentence.
pub(super) fn is_assignment(word: &[u8]) -> bool {
    let name = word.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    name > 1 && matches!(word.get(name), Some(b'=' | b':')) && word.len() > name + 1
}

fn is_sign(byte: u8) -> bool {
    b"!@#$%^&*+=?~".contains(&byte)
}

/// A sentence goes on in the next line.
fn broken(at: &mut Cursor<'_>) -> bool {
    let breaks = at.eat(b"\r\n") || at.eat(b"\n");
    breaks && {
        at.skip(16, |byte| matches!(byte, b' ' | b'\t' | b'>'));
        !at.is_line_end()
    }
}

/// The value at this place of a sentence: set off by quotes or type, or a word that is none.
fn told(mut at: Cursor<'_>) -> Option<Candidate> {
    at.skip(3, |byte| matches!(byte, b'*' | b'_'));
    if at.eat(b"<code>") || at.eat(b"<b>") || at.eat(b"<strong>") || at.eat(b"<kbd>") {
        return at.word(|_| false).map(|range| Candidate { range, form: Form::Cell });
    }
    if let Some(found) = at.literal() {
        return Some(found);
    }
    let range = at.word(|_| false)?;
    let word = &at.text[range.clone()];
    if is_assignment(word) {
        return None;
    }
    // Sentences hold years, versions and names with digits; a value says more than one kind of thing.
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let irregular = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || has(|byte| is_sign(*byte));
    (irregular && word.len() >= 6).then_some(Candidate { range, form: Form::Bare })
}

/// The value that a sentence tells before the name: `` `value` as the password``.
pub(super) fn before(text: &[u8], name: &Name) -> Option<Candidate> {
    const LINKS: [&[u8]; 5] = [b"as", b"is", b"for", b"=", b"als"];
    let line = line_around(text, name.range.start);
    let left = &text[line.start..name.range.start];
    let left = &left[left.len().saturating_sub(200)..];
    let close = left.iter().rposition(|byte| b"`\"'".contains(byte))?;
    let quote = left[close];
    let between = left[close + 1..].trim_ascii();
    let mut words = between.split(u8::is_ascii_whitespace);
    let linked = words.next().is_some_and(|word| LINKS.contains(&word)) && words.clone().count() <= 4;
    let plain = between.iter().all(|byte| byte.is_ascii_alphanumeric() || b" =*-".contains(byte));
    let open = left[..close].iter().rposition(|byte| *byte == quote)?;
    let start = name.range.start - left.len() + open + 1;
    let form = if quote == b'`' { Form::Cell } else { Form::Quoted };
    (linked && plain).then_some(Candidate { range: start..start + close - open - 1, form })
}
