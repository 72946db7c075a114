//! What code writes between a name and its literal besides an operator: a declared type, what stands in for a missing value,
//! a function that returns it, and several names that are set at once.

use super::super::value::Form;
use super::Candidate;
use super::cursor::{Cursor, line_around};
use super::name::Name;

/// How far behind a name its literal may stand, in bytes.
const FAR: usize = 200;

/// The longest type between a name and the operator, in bytes.
const TYPE: usize = 64;

/// First words of types that a declaration writes behind its name without a colon.
const DECLARES: [&[u8]; 8] =
    [b"constant", b"varchar", b"nvarchar", b"text", b"string", b"char", b"progmem", b"pic "];

/// Words between a type and the literal that is its value, in SQL, COBOL and ABAP.
const GIVES: [&[u8]; 2] = [b" DEFAULT ", b" VALUE "];

/// What ends in front of a literal that counts where an expression has no value.
const STANDS_IN: [&[u8]; 26] = [
    b"||",
    b"??",
    b"?:",
    b" or",
    b"} //",
    b"unwrap_or(",
    b"unwrap_or_else(",
    b"getOrElse(",
    b"orElse(",
    b".or(",
    b"fromMaybe",
    b"default=",
    b"default =",
    b"default:",
    b"default(",
    b"Default:",
    b"Default(",
    b"defaultValue:",
    b"defaultValue =",
    b"defaultValue=",
    b"default_value =",
    b"default_value=",
    b"fallback:",
    b"with:",
    b"$(echo",
    b"|| echo",
];

/// Words that begin a declaration of several names.
const BEGINS: [&[u8]; 6] = [b"const ", b"let ", b"var ", b"val ", b"local ", b"my "];

/// The operator behind a type that only a literal follows: `[41] = "…"`, `: &'static str = "…"`, `VARCHAR2(99) DEFAULT '…'`.
pub(super) fn declared(at: Cursor<'_>) -> Option<Cursor<'_>> {
    let mut ahead = at;
    let is_array = ahead.eat(b"[");
    if is_array {
        ahead.skip(24, |byte| byte.is_ascii_alphanumeric() || b"_+ ".contains(&byte));
        if !ahead.eat(b"]") {
            return None;
        }
    }
    ahead.blanks();
    let has_colon = ahead.eat(b":") && ahead.peek() == Some(b' ');
    let area = &ahead.rest()[..ahead.rest().len().min(TYPE)];
    let starts = |word: &&[u8]| area.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if !is_array && !has_colon && !DECLARES.iter().any(starts) {
        return None;
    }
    let is_type = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"_&'<>[]?.*| ()".contains(&byte) && !(has_colon && byte == b'(')
    };
    let start = ahead.at;
    ahead.skip(TYPE, is_type);
    let passed = &ahead.text[start..ahead.at];
    if let Some(at) = GIVES.iter().find_map(|word| memchr::memmem::find(passed, word)) {
        return Some(Cursor::new(ahead.text, start + at + 1));
    }
    let mut behind = ahead;
    let is_operator =
        behind.eat(b":=") || behind.eat(b"=") && !matches!(behind.peek(), Some(b'=' | b'>' | b'~'));
    behind.blanks();
    (is_operator && behind.literal().is_some()).then_some(ahead)
}

/// The literal that stands in where an expression has no value: `env("X") || "…"`, `unwrap_or("…")`, `default="…"`. Among the
/// arguments of a call the others are passed over.
pub(super) fn fallback(mut at: Cursor<'_>, is_argument: bool) -> Option<Candidate> {
    at.blanks();
    let (start, mut depth) = (at.at, 0_i32);
    // A literal stands for itself.
    if !is_argument && at.literal().is_some() {
        return None;
    }
    while at.at - start < FAR {
        match at.peek()? {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return None,
            b')' | b']' | b'}' => depth -= 1,
            b';' => return None,
            b',' if depth == 0 && !is_argument => return None,
            b'\n' if depth == 0 && !goes_on(at) => return None,
            b'"' | b'\'' | b'`' => {
                let found = at.literal();
                if stands_in(&at.text[start..at.at], depth) {
                    return found;
                }
                if let Some(found) = found {
                    at.at = found.range.end;
                }
            }
            _ => {}
        }
        at.at += 1;
    }
    None
}

/// Whether an expression goes on in the next line.
fn goes_on(at: Cursor<'_>) -> bool {
    let before = at.text[..at.at].trim_ascii_end();
    let behind = at.rest().trim_ascii_start();
    before.ends_with(b"||")
        || before.ends_with(b"??")
        || [&b"||"[..], b"??", b"?:", b"."].iter().any(|mark| behind.starts_with(mark))
}

/// Whether a literal behind these bytes is what counts if nothing else does.
fn stands_in(before: &[u8], depth: i32) -> bool {
    let mut before = before.trim_ascii_end();
    for prefix in [&b" b"[..], b" @", b"(b", b"=b", b"|_|", b"||", b"() =>", b"()=>"] {
        // `unwrap_or_else(|| "…")`: an empty list of arguments, and no operator.
        let is_closure = prefix != b"||" || before.ends_with(b"(||");
        if let Some(rest) = before.strip_suffix(prefix).filter(|_| is_closure) {
            before = if prefix[0] == b'(' || prefix[0] == b'=' {
                &before[..=rest.len()]
            } else {
                rest.trim_ascii_end()
            };
        }
    }
    let is_choice = || before.ends_with(b" :") && before.contains(&b'?');
    // `getenv("X", "…")`, `Or(os.Getenv("X"), "…")`
    let is_second = || {
        depth > 0 && before.ends_with(b",") && before.windows(3).any(|part| part.eq_ignore_ascii_case(b"env"))
    };
    STANDS_IN.iter().any(|mark| before.ends_with(mark)) || is_choice() || is_second()
}

/// The literal that a function of that name returns: `name() { return "…" }`, `def name = "…"`, `by lazy { "…" }`.
pub(super) fn returned(at: Cursor<'_>) -> Option<Candidate> {
    const ENDS: [&[u8]; 6] = [b"return", b"=>", b"->", b"{", b") =", b");"];
    let area = &at.rest()[..at.rest().len().min(FAR)];
    let quote = area.iter().position(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let between = area[..quote].trim_ascii_end();
    let is_head = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"_(){:=>-,&*[]?.;".contains(byte)
    };
    let end = ENDS.iter().find(|end| between.ends_with(end))?;
    let head = &between[..between.len() - end.len()];
    // A literal in several braces is one of a structure: `token := Claims{For: List{"…"}}`.
    let is_deep = end.ends_with(b"{") && head.contains(&b'{');
    let says_more = is_deep
        || head.iter().any(|byte| b"=;".contains(byte))
        || memchr::memmem::find(head, b"return").is_some();
    if says_more || !head.iter().all(is_head) {
        return None;
    }
    let found = Cursor::new(at.text, at.at + quote).literal()?;
    let behind = at.text.get(found.range.end + 1..)?.trim_ascii_start();
    let is_whole = [&b";"[..], b"}", b")"].iter().any(|end| behind.starts_with(end)) || behind.is_empty();
    (is_whole || Cursor::new(at.text, found.range.end + 1).is_line_end()).then_some(found)
}

/// The literal that the last of two takes the place of: `"" => "…"`, `"old" -> "…"`.
pub(super) fn changed(mut at: Cursor<'_>) -> Option<Candidate> {
    at.blanks();
    let quote = at.peek().filter(|byte| matches!(byte, b'"' | b'\''))?;
    at.at += 1;
    at.skip(FAR, |byte| byte != quote && byte != b'\n');
    if at.peek() != Some(quote) {
        return None;
    }
    at.at += 1;
    at.blanks();
    if !at.eat_any(&[b"=>", b"->"]) {
        return None;
    }
    at.blanks();
    at.literal()
}

/// The literal of this name where several are set at once: `user, password = "…", "…"`.
pub(super) fn of_several(text: &[u8], name: &Name) -> Option<Candidate> {
    let is_list = |byte: u8| byte.is_ascii_alphanumeric() || b"_$, ".contains(&byte);
    let mut at = Cursor::new(text, name.range.end);
    at.skip(60, is_list);
    at.skip(1, |byte| b")]}".contains(&byte));
    at.blanks();
    if !(at.eat(b":=") || at.eat(b"=")) || matches!(at.peek(), Some(b'=' | b'>')) {
        return None;
    }
    let line = line_around(text, name.range.start);
    let mut before = text[line.start..name.range.start].trim_ascii_start();
    for word in BEGINS {
        before = before.strip_prefix(word).unwrap_or(before);
    }
    let before = before.strip_prefix(b"(").or_else(|| before.strip_prefix(b"[")).unwrap_or(before);
    let number = memchr::memchr_iter(b',', before).count();
    let is_start = name.range.start > line.start && before.iter().all(|byte| is_list(*byte));
    // A first name is told from one that stands alone by the comma behind it.
    if !is_start || number == 0 {
        return None;
    }
    at.blanks();
    at.skip(1, |byte| b"([{".contains(&byte));
    for _ in 0..number {
        if let Some(found) = at.literal() {
            at.at = found.range.end + 1;
        }
        at.skip(FAR, |byte| !b",;\n".contains(&byte));
        if !at.eat(b",") {
            return None;
        }
        at.blanks();
    }
    at.literal().filter(|found| found.form == Form::Quoted)
}
