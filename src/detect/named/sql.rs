//! `INSERT INTO users (name, password) VALUES ('app', '…'), …` and `COPY users (name, password) FROM stdin;`: the column's
//! values.

use super::super::value::Form;
use super::Candidate;
use super::cursor::Cursor;
use super::name::Name;

/// The most rows of a statement that are looked at.
const ROWS: usize = 60;

/// The values of the column that the name stands for, if it stands in a statement's list of columns.
pub(super) fn column(text: &[u8], name: &Name) -> Option<Vec<Candidate>> {
    let left = &text[name.range.start.saturating_sub(600)..name.range.start];
    let open = memchr::memrchr(b'(', left)?;
    // Nearly every bracket is a call's, and closed again.
    if memchr::memchr(b')', &left[open..]).is_some() {
        return None;
    }
    let mut at = Cursor::new(text, name.range.end);
    at.skip(600, |byte| byte != b')' && byte != b';');
    at.eat(b")");
    at.space();
    let head = &left[..open];
    let number = memchr::memchr_iter(b',', &left[open..]).count();
    if at.eat_any(&[b"FROM stdin;", b"FROM STDIN;", b"from stdin;"]) {
        return memchr::memmem::rfind(head, b"COPY ").map(|_| copied(at, number));
    }
    if !at.eat_any(&[b"VALUES", b"values", b"Values"]) {
        return None;
    }
    let words: [&[u8]; 3] = [b"INSERT", b"insert", b"Insert"];
    let insert = words.iter().filter_map(|word| memchr::memmem::rfind(head, word)).max()?;
    if memchr::memchr(b';', &head[insert..]).is_some() {
        return None;
    }
    let mut found = Vec::new();
    for _ in 0..ROWS {
        at.space();
        if !at.eat(b"(") {
            break;
        }
        let values = tuple(&mut at);
        found.extend(values.into_iter().nth(number).flatten());
        at.space();
        at.eat(b",");
    }
    Some(found)
}

/// The fields of a column in the lines that PostgreSQL's `COPY` reads, a tab between two fields.
fn copied(mut at: Cursor<'_>, number: usize) -> Vec<Candidate> {
    let mut found = Vec::new();
    for _ in 0..ROWS {
        at.skip(2, |byte| matches!(byte, b'\r' | b'\n'));
        let line = at.rest().split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        if line.is_empty() || line == b"\\." {
            break;
        }
        let mut fields = line.split(|byte| *byte == b'\t');
        let before: usize = fields.by_ref().take(number).map(|field| field.len() + 1).sum();
        if let Some(field) = fields.next() {
            let start = at.at + before;
            found.push(Candidate { range: start..start + field.len(), form: Form::Cell });
        }
        at.at += line.len();
    }
    found
}

/// The literals of one row, up to its closing bracket.
fn tuple(at: &mut Cursor<'_>) -> Vec<Option<Candidate>> {
    let mut values = vec![None];
    while let Some(byte) = at.peek() {
        match byte {
            b'\'' | b'"' => {
                let start = at.at + 1;
                at.at = start;
                while let Some(inner) = at.peek().filter(|inner| *inner != byte && at.at - start < 4096) {
                    at.at += if inner == b'\\' { 2 } else { 1 };
                }
                if at.at <= at.text.len()
                    && let Some(last) = values.last_mut()
                {
                    *last = Some(Candidate { range: start..at.at, form: Form::Quoted });
                }
                at.at += 1;
            }
            b',' => {
                values.push(None);
                at.at += 1;
            }
            b')' => {
                at.at += 1;
                break;
            }
            _ => at.at += 1,
        }
    }
    values
}
