//! Values that a sentence tells before their name: "use … as the token", "`…` is the password".

use super::super::value::Form;
use super::Candidate;
use super::cursor::line_around;
use super::name::Name;
use super::prose::is_mixed;

/// The value that a text tells before the name: `` `value` as the password``, `value as the token`, `SET x = 'value' WHERE
/// name = 'password'`.
pub(super) fn before(text: &[u8], name: &Name) -> Option<Candidate> {
    const LINKS: [&[u8]; 5] = [b"as", b"is", b"for", b"=", b"als"];
    let line = line_around(text, name.range.start);
    let left = &text[line.start..name.range.start];
    let left = &left[left.len().saturating_sub(200)..];
    // A name that is a literal itself says what the one before it is for.
    let quote_of_name = left.last().filter(|byte| b"`\"'".contains(byte));
    let unquoted = &left[..left.len() - usize::from(quote_of_name.is_some())];
    let within = |range: std::ops::Range<usize>| {
        let start = name.range.start - left.len();
        start + range.start..start + range.end
    };
    let quoted = || {
        let close = unquoted.iter().rposition(|byte| b"`\"'".contains(byte))?;
        let quote = unquoted[close];
        let between = unquoted[close + 1..].trim_ascii();
        let mut words = between.split(u8::is_ascii_whitespace);
        let linked = words.next().is_some_and(|word| LINKS.contains(&word)) && words.clone().count() <= 4;
        let plain = between.iter().all(|byte| byte.is_ascii_alphanumeric() || b" =*-".contains(byte));
        let is_remark = between == b"(" && name.is_constant(text) && text.get(name.range.end) == Some(&b')');
        let is_told = linked && plain && quote_of_name.is_none() || is_label(between) || is_remark;
        let open = unquoted[..close].iter().rposition(|byte| *byte == quote)?;
        let form = if quote == b'`' { Form::Cell } else { Form::Quoted };
        is_told.then(|| Candidate { range: within(open + 1..close), form })
    };
    quoted().or_else(|| {
        let range = used(unquoted, &text[name.range.end..])?;
        Some(Candidate { range: within(range), form: Form::Bare })
    })
}

/// `, forHTTPHeaderField:` and `WHERE name =`, between a value and what it is for.
fn is_label(between: &[u8]) -> bool {
    let is_word = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
    };
    let between = between.strip_suffix(b"@").unwrap_or(between);
    let label = between
        .strip_prefix(b",")
        .or(Some(between).filter(|part| part.starts_with(b"forHTTP")))
        .and_then(|rest| rest.strip_suffix(b":"))
        .map(<[u8]>::trim_ascii);
    let mut words = between.split(|byte| matches!(byte, b' ' | b'=')).filter(|word| !word.is_empty());
    let is_where = words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"where"))
        && between.ends_with(b"=")
        && words.next().is_some_and(is_word)
        && words.next().is_none();
    label.is_some_and(is_word) || is_where
}

/// `use value as the token`, `pass value in the X-Api-Key header`: a word that no sentence has.
fn used(left: &[u8], behind: &[u8]) -> Option<std::ops::Range<usize>> {
    const MOST: usize = 4;
    let mut end = left.len();
    for _ in 0..MOST {
        end = left[..end].iter().rposition(|byte| *byte != b' ')? + 1;
        let start = left[..end].iter().rposition(|byte| *byte == b' ')? + 1;
        let word = &left[start..end];
        let is_header = || memchr::memmem::find(&behind[..behind.len().min(12)], b"header").is_some();
        if matches!(word, b"as" | b"is" | b"als") || word == b"in" && is_header() {
            let end = left[..start].iter().rposition(|byte| *byte != b' ')? + 1;
            let start = left[..end].iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
            let value = &left[start..end];
            let has = |is: fn(&u8) -> bool| value.iter().any(is);
            let irregular = value.len() >= 16 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
            return (irregular || is_mixed(value)).then_some(start..end);
        }
        if !word.iter().all(u8::is_ascii_lowercase) {
            return None;
        }
        end = start;
    }
    None
}
