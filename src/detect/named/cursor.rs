//! A place in a text, and the small steps by which the syntaxes read on from it.

use super::super::value::Form;
use super::Candidate;
use std::ops::Range;

/// The longest value.
const LONGEST: usize = 512;

/// Words in the name of a call that looks its argument up.
const LOOKS_UP: [&[u8]; 22] = [
    b"env",
    b"get",
    b"read",
    b"open",
    b"load",
    b"lookup",
    b"find",
    b"ask",
    b"prompt",
    b"input",
    b"require",
    b"fetch",
    b"param",
    b"translat",
    b"hash",
    b"file",
    b"path",
    b"query",
    b"select",
    b"config",
    b"include",
    b"label",
];

/// Schemes of an `Authorization` header.
pub(super) const SCHEMES: [&[u8]; 7] =
    [b"Bearer ", b"bearer ", b"Basic ", b"Token ", b"token ", b"ApiKey ", b"Bot "];

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// What stands from here on.
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over `token` if it stands here.
    pub(super) fn eat(&mut self, token: &[u8]) -> bool {
        let stands = self.rest().starts_with(token);
        self.at += if stands { token.len() } else { 0 };
        stands
    }

    /// Steps over the first of the tokens that stands here.
    pub(super) fn eat_any(&mut self, tokens: &[&[u8]]) -> bool {
        tokens.iter().any(|token| self.eat(token))
    }

    /// Steps over at most `most` bytes of a kind; how many there were.
    pub(super) fn skip(&mut self, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let count = self.rest().iter().take(most).take_while(|byte| is(**byte)).count();
        self.at += count;
        count
    }

    /// Blanks, among them those that cannot be seen: no-break and zero-width ones.
    pub(super) fn blanks(&mut self) -> usize {
        let start = self.at;
        loop {
            let seen = self.skip(64, |byte| matches!(byte, b' ' | b'\t'));
            let unseen = self.eat_any(&[
                "\u{a0}".as_bytes(),
                "\u{200b}".as_bytes(),
                "\u{feff}".as_bytes(),
                "\u{2060}".as_bytes(),
            ]);
            if seen == 0 && !unseen {
                return self.at - start;
            }
        }
    }

    /// Blanks and line breaks, with a backslash or `+` that joins lines.
    pub(super) fn space(&mut self) -> usize {
        self.skip(128, |byte| byte.is_ascii_whitespace())
    }

    /// Whether the line ends here.
    pub(super) fn is_line_end(&self) -> bool {
        self.peek().is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
    }

    /// A literal between quotes, the quotes escaped or not, with a prefix or a wrapping call before it.
    pub(super) fn literal(mut self) -> Option<Candidate> {
        if let Some(found) = self.raw() {
            return Some(found);
        }
        self.wrapper();
        for entity in [
            &b"&quot;"[..],
            b"&apos;",
            b"&#39;",
            b"&#34;",
            "“".as_bytes(),
            "‘".as_bytes(),
            "«".as_bytes(),
            "„".as_bytes(),
            "‹".as_bytes(),
            "「".as_bytes(),
            "『".as_bytes(),
            "【".as_bytes(),
            "《".as_bytes(),
        ] {
            if self.eat(entity) {
                return self.set_off(entity);
            }
        }
        if self.command() {
            return self.until(&[b"}"]).map(|found| Candidate { form: Form::Cell, ..found });
        }
        let escapes = self.skip(3, |byte| byte == b'\\');
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
        if self.skip(3, |byte| byte == quote) == 3 {
            self.space();
            self.eat(b"> ");
            return self.until(&[&[quote; 3], b"\n"]);
        }
        if self.text[self.at - 1] == quote && self.at > 1 && self.text[self.at - 2] == quote {
            // reStructuredText sets literal text between two; otherwise the literal is empty.
            let found = (quote == b'`').then(|| self.until(&[b"``"])).flatten();
            return found.map(|found| Candidate { form: Form::Cell, ..found });
        }
        let start = self.at;
        let end = self.closing(quote, escapes)?;
        let form = if quote == b'`' { Form::Cell } else { Form::Quoted };
        // A literal whose text is quoted again.
        let inner = &self.text[start..end];
        let again = inner.len() > 4
            && inner.starts_with(b"\\")
            && inner.ends_with(&[b'\\', inner[1]])
            && b"\"'".contains(&inner[1]);
        let range = if again { start + 2..end - 2 } else { start..end };
        if SCHEMES.contains(&inner)
            && let Some(found) = self.joined(end + escapes + 1)
        {
            return Some(found);
        }
        Some(Candidate { range, form })
    }

    /// A literal in which no sign is escaped: `r#"…"#`, `R"(…)"`, `[[…]]`, `%q(…)`, and the first line behind `<<'END'`.
    fn raw(mut self) -> Option<Candidate> {
        const RAW: [(&[u8], &[u8]); 5] =
            [(b"r#\"", b"\"#"), (b"R\"(", b")\""), (b"[[", b"]]"), (b"%q(", b")"), (b"%q{", b"}")];
        if let Some((_, close)) = RAW.iter().find(|(open, _)| self.eat(open)) {
            return self.until(&[close]);
        }
        if !self.eat(b"<<") {
            return None;
        }
        self.skip(2, |byte| b"<~-".contains(&byte));
        self.skip(1, |byte| b"\"'".contains(&byte));
        let letters = self.skip(24, |byte| byte.is_ascii_alphabetic() || byte == b'_');
        let word = &self.text[self.at - letters..self.at];
        self.skip(24, |byte| byte != b'\n');
        self.space();
        let range = self.word(|_| false)?;
        let mut end = Cursor::new(self.text, range.end);
        end.space();
        (letters > 1 && end.rest().starts_with(word)).then_some(Candidate { range, form: Form::Line })
    }

    /// The literal that an operator joins to the one that ends at `end`: `"Bearer " + "…"`.
    fn joined(mut self, end: usize) -> Option<Candidate> {
        self.at = end;
        self.blanks();
        if !self.eat_any(&[b"+", b"..", b".", b"&"]) {
            return None;
        }
        self.blanks();
        self.literal()
    }

    /// What stands up to the sign that closes `open`; `« value »` has blanks inside.
    fn set_off(mut self, open: &[u8]) -> Option<Candidate> {
        const CLOSE: [&str; 9] = ["”", "’", "»", "“", "›", "」", "』", "】", "》"];
        self.blanks();
        let ends: Vec<&[u8]> = std::iter::once(open).chain(CLOSE.iter().map(|end| end.as_bytes())).collect();
        let found = self.until(&ends)?;
        Some(Candidate { range: trimmed(self.text, found.range), ..found })
    }

    /// Steps over `\texttt{` of TeX.
    fn command(&mut self) -> bool {
        let mut ahead = *self;
        let is_command = ahead.eat(b"\\")
            && ahead.skip(12, |byte| byte.is_ascii_lowercase()) > 3
            && ahead.eat(b"{")
            && ahead.peek() != Some(b'{');
        if is_command {
            *self = ahead;
        }
        is_command
    }

    /// Where the literal ends that `quote` opened behind so many backslashes.
    fn closing(&self, quote: u8, escapes: usize) -> Option<usize> {
        let mut at = self.at;
        while at - self.at < LONGEST {
            match *self.text.get(at)? {
                b'\n' | b'\r' => return None,
                byte if byte == quote => return Some(at),
                b'\\' => {
                    // No further than that: a text can be nothing but backslashes.
                    let marks = self.text[at..].iter().take(escapes + 1).take_while(|byte| **byte == b'\\');
                    if escapes > 0 && marks.count() == escapes && self.text.get(at + escapes) == Some(&quote)
                    {
                        return Some(at);
                    }
                    at += 2;
                }
                _ => at += 1,
            }
        }
        None
    }

    /// What stands from here to the first of `ends`, on one line.
    fn until(self, ends: &[&[u8]]) -> Option<Candidate> {
        let rest = self.rest();
        let len =
            (0..rest.len().min(LONGEST)).find(|at| ends.iter().any(|end| rest[*at..].starts_with(end)))?;
        let clean = !rest[..len].contains(&b'\n') && len > 0;
        clean.then_some(Candidate { range: self.at..self.at + len, form: Form::Quoted })
    }

    /// What stands before a literal and keeps its value, three deep: `Some(String::from(`.
    fn wrapper(&mut self) {
        for _ in 0..3 {
            if matches!(self.peek(), Some(b'"' | b'\'' | b'`')) || !self.wrapped() {
                return;
            }
        }
    }

    /// `b`, `@`, `$`, `<<`, `Some(`, `new String(`, `Buffer.from(`, `string(20) `: one such wrapping. A call that looks its
    /// argument up somewhere does not keep it.
    fn wrapped(&mut self) -> bool {
        let mut ahead = *self;
        ahead.eat(b"new ");
        ahead.eat(b"&");
        ahead.eat(b"[]");
        // The class of PowerShell: `[Convert]::FromBase64String(`.
        if ahead.eat(b"[") {
            ahead.skip(32, |byte| byte.is_ascii_alphanumeric() || byte == b'.');
            if !ahead.eat(b"]::") {
                return false;
            }
        }
        let start = ahead.at;
        let mut letters = 0;
        loop {
            letters += ahead.skip(40, |byte| byte.is_ascii_alphanumeric() || b"_.:!$@".contains(&byte));
            if !ahead.rest().starts_with(b"().") || letters > 40 {
                break;
            }
            ahead.at += 2;
        }
        let called = &ahead.text[start..ahead.at];
        let is_binary = letters == 0 && ahead.eat(b"<<");
        let is_call = ahead.eat(b"(");
        // `string(20) "value"`, `string 'value'`: PHP's dumps.
        if called == b"string" {
            ahead.skip(6, |byte| byte.is_ascii_digit());
            ahead.eat(b")");
            ahead.blanks();
        }
        // `base64Encoded: "value"`: an argument's name.
        let mut labelled = ahead;
        if is_call && labelled.skip(24, |byte| byte.is_ascii_alphanumeric()) > 2 && labelled.eat(b": ") {
            ahead = labelled;
        }
        // `in "value"`: a word of a sentence.
        let is_word = ahead.blanks() > 0 && !is_call && letters > 0;
        let is_quote = matches!(ahead.peek(), Some(b'"' | b'\'' | b'`')) && !is_word || called == b"string";
        // Another wrapping stands in its brackets.
        let is_outer = is_call
            && letters > 2
            && ahead.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'[');
        let keeps = is_call && (letters == 0 || letters > 2) && !looks_up(called)
            || !is_call && (letters <= 2 || called == b"string");
        let is_wrapping = (is_quote || is_outer) && (keeps || is_binary) && ahead.at > self.at;
        if is_wrapping {
            *self = ahead;
        }
        is_wrapping
    }

    /// `{{value}}`, as Jira sets literal text.
    pub(super) fn braced(self) -> Option<Range<usize>> {
        let rest = self.rest().strip_prefix(b"{{")?;
        let len = rest.iter().take(LONGEST).position(|byte| *byte == b'}' || byte.is_ascii_whitespace())?;
        rest[len..].starts_with(b"}}").then(|| self.at..self.at + len + 4)
    }

    /// A word up to what ends it where nothing is quoted.
    pub(super) fn word(self, ends: impl Fn(u8) -> bool) -> Option<Range<usize>> {
        let ends_here = |(at, byte): &(usize, &u8)| {
            let next = self.rest().get(at + 1);
            match **byte {
                byte if byte.is_ascii_whitespace() || b"\"'`<>".contains(&byte) || ends(byte) => true,
                b';' => {
                    next.is_none_or(|next| next.is_ascii_whitespace() || b"\"'<".contains(next))
                        || self.is_pair(at + 1)
                }
                b',' => {
                    next.is_none_or(|next| next.is_ascii_whitespace() || b"\"'".contains(next))
                        || self.is_pair(at + 1)
                }
                // The next field of a form or a record: `password=value&name=other`, `password=value|name=other`.
                b'&' | b'|' => self.is_field(at + 1),
                // A line's end inside of a literal: `"…NAME=value\nNEXT=…"`.
                b'\\' => matches!(next, Some(b'n' | b'r')),
                _ => false,
            }
        };
        let len = self
            .rest()
            .iter()
            .take(LONGEST + 1)
            .enumerate()
            .find(ends_here)
            .map_or(self.rest().len(), |(at, _)| at);
        let word = &self.rest()[..len.min(self.rest().len())];
        let mut end = word.len();
        // What closes something that was opened before the word, and what ends a sentence.
        while end > 0 && b".,:)]}*|\\".contains(&word[end - 1]) {
            let open = match word[end - 1] {
                b')' => b'(',
                b']' => b'[',
                b'}' => b'{',
                _ => 0,
            };
            if open != 0 && word[..end].contains(&open) {
                break;
            }
            end -= 1;
        }
        (end > 0 && end <= LONGEST).then(|| self.at..self.at + end)
    }

    /// Whether `name=` or `name:` stands so far ahead.
    fn is_pair(&self, ahead: usize) -> bool {
        matches!(self.behind_name(ahead), Some(b'=' | b':'))
    }

    /// Whether `name=` stands so far ahead.
    fn is_field(&self, ahead: usize) -> bool {
        self.behind_name(ahead) == Some(b'=')
    }

    /// What stands behind a name that stands so far ahead.
    fn behind_name(&self, ahead: usize) -> Option<u8> {
        let rest = &self.rest()[ahead..];
        let name = rest
            .iter()
            .take(40)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
            .count();
        rest.get(name).copied().filter(|_| name > 2)
    }
}

/// Whether a call's name says that it looks its argument up.
fn looks_up(called: &[u8]) -> bool {
    let lower = called.to_ascii_lowercase();
    // What turns bytes into text and text into bytes.
    let keeps = [&b"getbytes"[..], b"getstring"].iter().any(|end| lower.ends_with(end));
    !keeps && LOOKS_UP.iter().any(|word| lower.windows(word.len()).any(|part| part == *word))
}

/// The line around a place, without its end.
pub(super) fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr2(b'\n', b'\r', &text[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |end| at + end);
    start..end
}

/// The line after the one that ends at `end`.
pub(super) fn line_after(text: &[u8], end: usize) -> Option<Range<usize>> {
    let mut start = end;
    start += usize::from(text.get(start) == Some(&b'\r'));
    if text.get(start) == Some(&b'\n') {
        start += 1;
    } else if start == end {
        return None;
    }
    (start < text.len()).then(|| line_around(text, start))
}

/// A value without the scheme of an `Authorization` header before it.
pub(super) fn without_scheme(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let scheme = SCHEMES.iter().find(|scheme| value.starts_with(scheme));
    range.start += scheme.map_or(0, |scheme| scheme.len());
    range
}

/// A value without the marks that wikis and outlines set literal text between: `{{value}}` of Jira, `=value=` and
/// `~value~` of Org. What a template will replace has a blank or a path between such braces and is judged as it stands.
/// Between quotes every sign is one of the value.
pub(super) fn without_marks(text: &[u8], range: Range<usize>, form: Form) -> Range<usize> {
    let value = &text[range.clone()];
    let is_part = |byte: &u8| byte.is_ascii_graphic() && !b"{}".contains(byte);
    let within = |open: &[u8], close: &[u8]| {
        let inner = value.strip_prefix(open)?.strip_suffix(close)?;
        (inner.len() > 5 && inner.iter().all(is_part) && inner.iter().any(u8::is_ascii_digit))
            .then(|| range.start + open.len()..range.end - close.len())
    };
    // A template's names have such signs, and are no values.
    let is_name = |range: &Range<usize>| text[range.clone()].iter().any(|byte| b":._|$".contains(byte));
    let braced = within(b"{{", b"}}").filter(|range| !is_name(range));
    let outlined = || within(b"=", b"=").or_else(|| within(b"~", b"~")).filter(|_| form != Form::Quoted);
    braced.or_else(outlined).unwrap_or(range)
}

/// A range without blanks and the marks that Markdown sets text with at its ends.
pub(super) fn trimmed(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    let is_mark = |byte: u8| byte.is_ascii_whitespace() || b"*`\"'".contains(&byte);
    while range.start < range.end && is_mark(text[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && is_mark(text[range.end - 1]) {
        range.end -= 1;
    }
    range
}
