//! Names and values as elements, attributes and entries: XML, HTML, Kubernetes, Terraform.

use super::super::value::Form;
use super::Candidate;
use super::cursor::{Cursor, trimmed};
use super::name::Name;

/// How far the other half of an entry may be from its name, in bytes.
const ENTRY: usize = 300;

/// The value of an element, of the next cell or attribute, or of the entry that is named so.
pub(super) fn behind(text: &[u8], name: &Name) -> Vec<Candidate> {
    element(text, name).into_iter().chain(entry(text, name)).collect()
}

/// `<password …>value<`, `>Password</td><td>value<`, `>Password:</b> value<`
fn element(text: &[u8], name: &Name) -> Option<Candidate> {
    let mut at = Cursor::new(text, name.range.end);
    let is_tag = matches!(name.before(text), Some(b'<' | b':'));
    if is_tag {
        let attributes = at.at;
        at.skip(100, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
        if !at.eat(b">") {
            return None;
        }
        return if text[at.at - 2] == b'/' { attribute(text, attributes..at.at) } else { content(at) };
    }
    if text[..name.range.start].ends_with(b"&lt;") && at.eat(b"&gt;") {
        return escaped(at);
    }
    at.skip(2, |byte| matches!(byte, b':' | b' '));
    let mut tags = 0;
    while at.peek() == Some(b'<') && tags < 6 {
        at.skip(120, |byte| byte != b'>' && byte != b'\n');
        if !at.eat(b">") {
            return None;
        }
        at.space();
        at.eat(b":");
        at.space();
        tags += 1;
    }
    if tags > 0 { content(at) } else { None }
}

/// `<secret value="…"/>`
fn attribute(text: &[u8], tag: std::ops::Range<usize>) -> Option<Candidate> {
    const VALUE: &[u8] = b" value=";
    let found = memchr::memmem::find(&text[tag.clone()], VALUE)?;
    Cursor::new(text, tag.start + found + VALUE.len()).literal()
}

/// What stands up to the next tag of markup that itself is written in markup: `&lt;password&gt;value&lt;/password&gt;`.
fn escaped(at: Cursor<'_>) -> Option<Candidate> {
    let area = &at.rest()[..at.rest().len().min(512)];
    let len = memchr::memmem::find(area, b"&lt;")?;
    let range = trimmed(at.text, at.at..at.at + len);
    (!range.is_empty() && !area[..len].contains(&b'\n')).then_some(Candidate { range, form: Form::Cell })
}

/// What stands up to the next tag, on one line.
fn content(mut at: Cursor<'_>) -> Option<Candidate> {
    at.space();
    // `<Password><Value>…</Value></Password>`, as Windows writes it in files of answers.
    if at.eat_any(&[b"<Value>", b"<value>"]) {
        at.space();
    }
    if at.eat(b"<![CDATA[") {
        let len = at.rest().windows(3).take(512).position(|end| end == b"]]>")?;
        return Some(Candidate { range: at.at..at.at + len, form: Form::Cell });
    }
    let start = at.at;
    let len = at.skip(512, |byte| !matches!(byte, b'<' | b'\n' | b'\r'));
    let range = trimmed(at.text, start..start + len);
    (at.peek() == Some(b'<') && !range.is_empty()).then_some(Candidate { range, form: Form::Cell })
}

/// `name: X` and `value: Y` as two fields of one entry, in this order or on the next lines.
fn entry(text: &[u8], name: &Name) -> Option<Candidate> {
    const FIELDS: [&[u8]; 6] = [b"value", b"Value", b"default", b"stringValue", b"plaintext", b"content"];
    let mut at = Cursor::new(text, name.range.end);
    let is_quoted = at.skip(3, |byte| b"\\\"'".contains(&byte)) > 0;
    let line = memchr::memrchr(b'\n', &text[..name.range.start]).map_or(0, |end| end + 1);
    let before = without_words(&text[line..name.range.start]);
    let is_named = is_naming(before);
    // `"db_password": { "value": … }`
    let mut inside = at;
    inside.blanks();
    let is_object = inside.eat(b":") && {
        inside.blanks();
        inside.eat(b"{")
    };
    if !is_named && !is_object {
        return None;
    }
    if is_object {
        at = inside;
    }
    let area = &at.rest()[..at.rest().len().min(ENTRY)];
    // The entry ends at its brace, or at the next one's name.
    let end = [&b"}"[..], b"- name", b"\n\n", b"</property", b"/>", b"\">", b"\nvariable"]
        .iter()
        .filter_map(|end| memchr::memmem::find(area, end))
        .min();
    let area = &area[..end.unwrap_or(area.len())];
    for field in FIELDS {
        for found in
            area.windows(field.len()).enumerate().filter(|(_, part)| *part == field).map(|(at, _)| at)
        {
            let mut value = Cursor::new(text, at.at + found + field.len());
            value.skip(3, |byte| b"\\\"'".contains(&byte));
            value.blanks();
            if !value.eat_any(&[b"=", b":"]) {
                continue;
            }
            value.blanks();
            if let Some(literal) = value.literal() {
                return Some(literal);
            }
            if !matches!(value.peek(), Some(b'{' | b'[' | b'"' | b'\'')) && !value.is_line_end() {
                return value.word(|_| false).map(|range| Candidate { range, form: Form::Line });
            }
        }
    }
    // `<property name="password">value</property>`
    at.skip(100, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
    if !(is_quoted && at.eat(b">") && text[at.at - 2] != b'/') {
        return None;
    }
    at.space();
    at.eat(b"<string>");
    content(at)
}

/// What stands before a name without the other words of the literal that it ends: `key="Client ` before `Secret"`.
fn without_words(before: &[u8]) -> &[u8] {
    let words = before.iter().rev().take(24);
    let len = words.take_while(|byte| byte.is_ascii_alphabetic() || b" /".contains(byte)).count();
    let start = &before[..before.len() - len];
    // `"Name": "/production/api-key"`: a path of a store of parameters.
    let is_path = before.ends_with(b"/") && before[start.len()] == b'/';
    if (before.ends_with(b" ") || is_path) && matches!(start.last(), Some(b'"' | b'\'')) {
        start
    } else {
        before
    }
}

/// Whether what stands before a name says that it is one: `name: `, `key="`, `variable "`.
fn is_naming(before: &[u8]) -> bool {
    let is_between = |byte: &u8| b" \t\"'\\=:(".contains(byte);
    let end = before.iter().rposition(|byte| !is_between(byte)).map_or(0, |at| at + 1);
    let word = before[..end].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = &before[end - word..end];
    // `ParameterKey`, `optionName`
    let word = [&b"Key"[..], b"Name"].into_iter().find(|last| word.ends_with(last)).unwrap_or(word);
    [
        "name",
        "key",
        "variable",
        "id",
        "parameter",
        "setting",
        "var",
        "field",
        "option",
        "property",
        "header",
        "attribute",
    ]
    .iter()
    .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}
