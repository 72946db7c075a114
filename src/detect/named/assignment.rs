//! A name, an operator and a value: code, configuration, shells, headers, queries and options.

use super::super::value::Form;
use super::cursor::{Cursor, SCHEMES, line_around};
use super::name::Name;
use super::prose::{self, is_assignment};
use super::{Candidate, expression, spaced, table};

/// Longer ones first.
const OPERATORS: [&[u8]; 20] = [
    b"||=",
    b"??=",
    b"===",
    b"!==",
    b"::=",
    b"==",
    b"!=",
    b":=",
    b"?=",
    b"+=",
    b"=>",
    b":-",
    b"<-",
    b"::",
    b"=",
    b":",
    "→".as_bytes(),
    "：".as_bytes(),
    "—".as_bytes(),
    "＝".as_bytes(),
];

/// Types that stand between a name and its value without a colon.
const TYPES: [&[u8]; 8] = [b"string", b"String", b"str", b"text", b"varchar", b"[]byte", b"char", b"byte"];

/// The first words of lines whose names and values only a blank parts.
const DIRECTIVES: [&[u8]; 5] = [b"ENV", b"ARG", b"machine", b"login", b"default"];

/// Words of command lines that set a name to a value behind a blank: `set -gx NAME value`, `config set NAME value`.
const SETTERS: [&[u8]; 5] = [b"set", b"setx", b"setenv", b"-gx", b"-x"];

/// Marks of text that is set off, between an operator and its value.
const TAGS: [&[u8]; 7] = [b"<code>", b"<b>", b"<strong>", b"<kbd>", b"<tt>", b"<pre>", b"<em>"];

/// What stands behind the operator of a name.
pub(super) fn operated<'t>(text: &'t [u8], name: &Name) -> Option<Cursor<'t>> {
    let mut at = Cursor::new(text, name.range.end);
    close(&mut at);
    at.blanks();
    typed(&mut at);
    at.eat_any(&OPERATORS).then_some(at)
}

/// The values that may stand behind a name and an operator.
pub(super) fn behind(text: &[u8], name: &Name) -> Vec<Candidate> {
    if let Some(found) = expression::of_several(text, name) {
        return vec![found];
    }
    let mut at = Cursor::new(text, name.range.end);
    let is_quoted = close(&mut at);
    let gap = at.blanks();
    // `scope::name` of a language; AsciiDoc and LDIF write a value behind two colons.
    let scope = at.rest().strip_prefix(b"::").and_then(|rest| rest.first());
    if scope.is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_') {
        return Vec::new();
    }
    typed(&mut at);
    let operator = at.rest();
    // An arrow between blanks points at a value; without, at a member. Dots lead to one.
    let points = gap > 0 && at.eat(b"-> ");
    if points || gap > 0 && at.skip(60, |byte| byte == b'.') > 3 {
        return value(at, text, name, true).into_iter().collect();
    }
    if at.eat_any(&OPERATORS) {
        // `NAME=` at a line's end is an empty value; only what ends in a colon goes on below.
        let empty = operator.starts_with(b"=") && !operator.starts_with(b"=>");
        if let Some(found) = spelled(at) {
            return vec![found];
        }
        let stands_in = expression::fallback(at, false);
        let found = stands_in.into_iter().chain(value(at, text, name, empty));
        return found.chain(expression::changed(at)).collect();
    }
    // A row of a name and its value, the value quoted.
    let is_cell = gap == 0 && name.before(text).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
    if is_cell && at.rest().starts_with(b",\"") {
        at.at += 1;
        return at.literal().into_iter().collect();
    }
    if at.eat_any(&[b"||", b"??", b"or "]) || ((is_quoted || is_first_of_two(text, name)) && at.eat(b",")) {
        at.space();
        let found = at.literal().filter(|found| !is_key(text, found));
        return found.or_else(|| expression::fallback(at, true)).into_iter().collect();
    }
    // `env("NAME").unwrap_or("…")`
    if is_quoted && gap == 0 && text[at.at - 1] == b'.' {
        return expression::fallback(at, true).into_iter().collect();
    }
    if matches!(at.peek(), Some(b'(' | b'{')) && gap == 0 && !is_quoted {
        let found = arguments(at);
        return if found.is_empty() { expression::returned(at).into_iter().collect() } else { found };
    }
    if !is_quoted && at.eat_any(&[b"DEFAULT ", b"VALUE ", b"by lazy {", b"{ '", b"{ \""]) {
        at.at -= usize::from(matches!(text[at.at - 1], b'"' | b'\''));
        at.blanks();
        return at.literal().into_iter().collect();
    }
    if at.peek() == Some(b'|') {
        return table::next_cells(text, at.at);
    }
    // Behind a variable's name that is another word of the command: `--password=$PASSWORD "$file"`.
    if gap > 0 && matches!(at.peek(), Some(b'"' | b'\'' | b'`')) && text[name.range.start] != b'$' {
        return at.literal().into_iter().collect();
    }
    if gap > 0 && (name.is_option(text) || is_directive(text, name, at)) {
        return at.word(|_| false).map(|range| Candidate { range, form: Form::Line }).into_iter().collect();
    }
    if at.is_line_end() {
        return below(at, text, name);
    }
    fed(at).into_iter().collect()
}

/// What the shell feeds to the command that the name is an argument of: `secret put API_KEY <<< "value"`.
fn fed(mut at: Cursor<'_>) -> Option<Candidate> {
    if at.at == 0 || at.text[at.at - 1] != b' ' {
        return None;
    }
    at.skip(40, |byte| !b"\n<\"'".contains(&byte));
    if !at.eat(b"<<<") {
        return None;
    }
    at.blanks();
    at.literal()
}

/// `set :password, "value"`, `{password, "value"}`, `-define(PASSWORD, "value")`: settings of Ruby and Erlang.
fn is_first_of_two(text: &[u8], name: &Name) -> bool {
    let line = line_around(text, name.range.start);
    let before = text[line.start..name.range.start].trim_ascii();
    before == b"set :" || before.ends_with(b"{") || before == b"-define("
}

/// The literals of a call: `setPassword("value")`, `changePassword("user", "value")`.
fn arguments(mut at: Cursor<'_>) -> Vec<Candidate> {
    at.at += 1;
    let mut found = Vec::new();
    while found.len() < 3 {
        at.space();
        let Some(literal) = at.literal() else { break };
        at.at = literal.range.end;
        at.skip(8, |byte| b"\\\"'`) ".contains(&byte));
        found.push(literal);
        if !at.eat(b",") {
            break;
        }
    }
    found
}

/// The value below a name that is a heading or a term of its own: `### Password`, `Password` and `: value`.
fn below(mut at: Cursor<'_>, text: &[u8], name: &Name) -> Vec<Candidate> {
    let line = line_around(text, name.range.start);
    let is_heading = text[line.start] == b'#' || text[line.start] == b'=';
    at.space();
    let is_term = at.eat(b": ");
    // A term of reStructuredText, whose value is set off below it.
    let is_literal = at.rest().starts_with(b"``") && !at.rest().starts_with(b"```");
    if !is_heading && !is_term && !is_literal {
        return Vec::new();
    }
    value(at, text, name, false).into_iter().collect()
}

/// Whether a literal is the next field's name: `"password", "value": …`.
fn is_key(text: &[u8], found: &Candidate) -> bool {
    let mut at = Cursor::new(text, found.range.end);
    at.skip(4, |byte| b"\\\"'`".contains(&byte));
    at.blanks();
    at.peek() == Some(b':')
}

/// Steps over what closes a name: quotes, brackets, bold type. Whether a quote was among it.
fn close(at: &mut Cursor<'_>) -> bool {
    let start = at.at;
    at.skip(8, |byte| b"\\\"'`*_])".contains(&byte));
    at.eat(b"[]");
    at.skip(40, |byte| byte == b'.');
    at.text[start..at.at].iter().any(|byte| b"\"'`".contains(byte))
}

/// Steps over the type of a declaration: `: &str =`, ` string =`, ` { get; set; } =`, `[41] =`.
fn typed(at: &mut Cursor<'_>) {
    if let Some(behind) = type_of_one_word(*at).or_else(|| expression::declared(*at)) {
        *at = behind;
    }
}

fn type_of_one_word(mut ahead: Cursor<'_>) -> Option<Cursor<'_>> {
    let colon = ahead.eat(b":") || ahead.eat(b"As ");
    ahead.blanks();
    if ahead.eat(b"{ get;") {
        ahead.skip(40, |byte| byte != b'=' && byte != b'\n');
    } else {
        let letters = ahead.skip(40, |byte| byte.is_ascii_alphanumeric() || b"_&'<>[]?.*".contains(&byte));
        let text = &ahead.text[ahead.at - letters..ahead.at];
        if letters == 0 || !(colon || TYPES.contains(&text)) {
            return None;
        }
        ahead.blanks();
    }
    let mut behind = ahead;
    behind.skip(1, |byte| byte == b'=');
    // `password: dGhpcw=` ends in an equals sign: base64, and no type.
    let is_padding = behind.is_line_end();
    let is_operator = ahead.rest().starts_with(b"=>") || ahead.rest().starts_with(b"==");
    (ahead.peek() == Some(b'=') && !is_operator && !is_padding).then_some(ahead)
}

/// `ENV NAME value`, `machine x login y password value`, `bindpw value`: what only a blank parts from its name.
fn is_directive(text: &[u8], name: &Name, mut at: Cursor<'_>) -> bool {
    let line = line_around(text, name.range.start);
    let before = text[line.start..name.range.start].trim_ascii_start();
    let first = before.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    // Nothing on the line but the two.
    at.skip(512, |byte| !byte.is_ascii_whitespace());
    at.blanks();
    let sets = || before.split(u8::is_ascii_whitespace).take(4).any(|word| SETTERS.contains(&word));
    DIRECTIVES.contains(&first) || (at.is_line_end() && (matches!(before, b"" | b"> " | b"# ") || sets()))
}

/// Steps over the anchor that YAML gives a value: `password: &name value`.
fn anchor(at: &mut Cursor<'_>) {
    let mut ahead = *at;
    let is_anchor = ahead.eat(b"&")
        && ahead.skip(40, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) > 1
        && ahead.blanks() > 0
        && !ahead.is_line_end()
        && ahead.peek() != Some(b'=');
    if is_anchor {
        *at = ahead;
    }
}

/// The value of an array of its signs, behind its type or the call that makes a text of it.
fn spelled(mut at: Cursor<'_>) -> Option<Candidate> {
    const MAKER: usize = 48;
    at.blanks();
    let area = &at.rest()[..at.rest().len().min(MAKER)];
    // The last bracket: `new byte[] {`, `''.join(chr(c) for c in [`.
    let is_open = |(place, byte): &(usize, &u8)| {
        let sign = area[place + 1..].trim_ascii_start().first();
        b"{[(".contains(byte) && sign.is_some_and(|sign| sign.is_ascii_digit() || *sign == b'\'')
    };
    let open = area.iter().enumerate().take_while(|(_, byte)| **byte != b'\n').find(is_open)?.0;
    let range = spaced::array(at.text, at.at + open + 1)?;
    Some(Candidate { range, form: Form::Quoted })
}

/// The value of a list of one: `['value']`, and `[Bearer value]` as Java writes it; and `{'value'}` of an attribute.
fn only_one(mut at: Cursor<'_>) -> Option<Candidate> {
    if at.rest().starts_with(b"{\"") || at.rest().starts_with(b"{'") {
        at.at += 1;
        let found = at.literal()?;
        return (at.text.get(found.range.end + 1) == Some(&b'}')).then_some(found);
    }
    if !at.eat(b"[") {
        return None;
    }
    at.blanks();
    if let Some(found) = at.literal() {
        let mut behind = Cursor::new(at.text, found.range.end + 1);
        behind.blanks();
        return (behind.peek() == Some(b']')).then_some(found);
    }
    at.eat_any(&SCHEMES);
    let start = at.at;
    at.skip(256, |byte| byte.is_ascii_alphanumeric() || b"-_+/=.~:".contains(&byte));
    let is_long = at.at - start >= 16 && at.peek() == Some(b']');
    is_long.then_some(Candidate { range: start..at.at, form: Form::Line })
}

/// Reads the value behind an operator.
fn value(mut at: Cursor<'_>, text: &[u8], name: &Name, empty: bool) -> Option<Candidate> {
    if empty && at.is_line_end() {
        return None;
    }
    let spaced = at.blanks() > 0;
    at.skip(4, |byte| matches!(byte, b'*' | b'_'));
    at.blanks();
    at.eat_any(&[b"!!str ", b"!!binary ", b"!vault "]);
    anchor(&mut at);
    at.eat_any(&[b"() => ", b"()=>"]);
    let is_set_off = at.eat_any(&TAGS);
    // YAML blocks, lines that go on, and values of their own line.
    let mut block = at;
    block.skip(2, |byte| b"|>\\(-+".contains(&byte));
    block.blanks();
    let breaks = block.is_line_end();
    if breaks {
        at = block;
        at.space();
        // Quoted mail and text, and lists.
        at.eat(b"> ");
        prose::item(&mut at);
        if at.eat(b"```") || at.eat(b"~~~") {
            at.skip(20, |byte| byte != b'\n');
            at.space();
        }
    }
    if let Some(found) = at.literal() {
        // `"password:"),f(27,"`: the name's colon ends a literal, and what follows is code.
        let begins = |code: &[u8]| text[found.range.clone()].starts_with(code);
        return (!begins(b"),") && !begins(b");") && !begins(b")}")).then_some(found);
    }
    if is_set_off {
        return at.word(|_| false).map(|range| Candidate { range, form: Form::Cell });
    }
    if let Some(found) = only_one(at) {
        return Some(found);
    }
    let is_braced = at.rest().starts_with(b"{{");
    if !is_braced && matches!(at.peek(), Some(b'"' | b'\'' | b'`' | b'<' | b'[' | b'{')) {
        return None;
    }
    // `PASSWORD= # optional`
    if at.peek() == Some(b')') || spaced && at.peek() == Some(b'#') {
        return None;
    }
    let before = name.before(text);
    let is_query = matches!(before, Some(b'?' | b'&' | b';'));
    let range = match at.braced() {
        Some(range) => range,
        // A connection string has no fragment.
        None => at.word(|byte| is_query && (byte == b'&' || byte == b'#' && before != Some(b';')))?,
    };
    let mut end = Cursor::new(text, range.end);
    end.skip(4, |byte| b";,".contains(&byte) || byte == b'.' && empty);
    end.blanks();
    let ends_line = end.is_line_end()
        || [&b"#"[..], b"//", b"<br", b"</"].iter().any(|behind| end.rest().starts_with(behind));
    let tight = !spaced && (is_query || name.is_constant(text) || name.is_option(text));
    let form = if ends_line || tight { Form::Line } else { Form::Bare };
    // The next line's key is no value: `password:` with an object below it.
    let is_key =
        breaks && (matches!(text.get(range.end), Some(b':' | b'=')) || is_assignment(&text[range.clone()]));
    (!is_key).then_some(Candidate { range, form })
}
