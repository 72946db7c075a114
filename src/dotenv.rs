//! A lossless reader of dotenv files: it knows where each value stands and leaves every other byte alone.
//!
//! The dialects (node, python, dotenvy, compose, shell, systemd) disagree on much. Where they agree on what a value
//! is, it is found; where they do not, the assignment is marked `doubtful` and a rotation refuses to touch it.

use std::ops::Range;

/// One `NAME=value` of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Where the name stands.
    pub(crate) name: Range<usize>,
    /// Where the value stands, without its quotes.
    pub(crate) value: Range<usize>,
    /// The quote around the value.
    pub(crate) quote: Option<u8>,
    /// The line of the name, from 1.
    pub(crate) line: usize,
    /// Whether parsers disagree on where the value ends.
    pub(crate) doubtful: bool,
}

impl Assignment {
    /// The name.
    pub(crate) fn name<'a>(&self, text: &'a str) -> &'a str {
        &text[self.name.clone()]
    }

    /// The value as it stands in the file, without its quotes.
    pub(crate) fn raw<'a>(&self, text: &'a str) -> &'a str {
        &text[self.value.clone()]
    }

    /// The value as most parsers read it.
    pub(crate) fn read(&self, text: &str) -> String {
        let raw = self.raw(text);
        if self.quote != Some(b'"') {
            return raw.to_owned();
        }
        let mut value = String::with_capacity(raw.len());
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            match (c, c == '\\') {
                (_, true) => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(c @ ('"' | '\\' | '$' | '`')) => value.push(c),
                    Some(c) => value.extend(['\\', c]),
                    None => value.push('\\'),
                },
                (c, false) => value.push(c),
            }
        }
        value
    }

    /// Whether the value is nothing but a reference to another variable.
    pub(crate) fn is_reference(&self, text: &str) -> bool {
        let raw = self.raw(text);
        let Some(rest) = raw.strip_prefix('$').filter(|_| self.quote != Some(b'\'')) else { return false };
        let name = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest);
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b':' | b'-' | b'?'))
    }
}

/// Who reads a file, where the readers do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// What the libraries for applications agree on: node, python, dotenvy, compose.
    Common,
    /// `docker run --env-file`: the rest of the line is the value, quotes and comments too.
    Docker,
    /// `EnvironmentFile=`: comments at the start of a line only, and no `export`.
    Systemd,
    /// `. file`: no blanks around `=`, and a value that the shell would expand is in doubt.
    Shell,
}

impl Dialect {
    /// The dialect by what stands behind `env` in the name of a target.
    pub(crate) fn of(suffix: &str) -> Option<Self> {
        match suffix {
            "" | "-node" | "-python" | "-dotenvy" | "-compose" => Some(Self::Common),
            "-docker" => Some(Self::Docker),
            "-systemd" => Some(Self::Systemd),
            "-shell" => Some(Self::Shell),
            _ => None,
        }
    }

    /// What stands behind `env` in the name of a target.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Common => "",
            Self::Docker => "-docker",
            Self::Systemd => "-systemd",
            Self::Shell => "-shell",
        }
    }
}

/// Finds every assignment, in the order of the file.
pub(crate) fn parse(text: &str) -> Vec<Assignment> {
    parse_as(text, Dialect::Common)
}

/// Finds every assignment as this reader sees it.
pub(crate) fn parse_as(text: &str, dialect: Dialect) -> Vec<Assignment> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, line: 1, dialect };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    let mut found = Vec::new();
    while reader.at < reader.bytes.len() {
        found.extend(reader.assignment());
        reader.next_line();
    }
    found
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    dialect: Dialect,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn end_of_line(&self, from: usize) -> usize {
        self.bytes[from..]
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .map_or(self.bytes.len(), |n| from + n)
    }

    fn next_line(&mut self) {
        self.at = self.end_of_line(self.at);
        if self.bytes[self.at..].starts_with(b"\r\n") {
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.bytes.len());
        self.line += 1;
    }

    /// Reads the assignment that starts on this line, if one does.
    fn assignment(&mut self) -> Option<Assignment> {
        self.skip_blanks();
        let exports = matches!(self.dialect, Dialect::Common | Dialect::Shell);
        if exports
            && self.bytes[self.at..].starts_with(b"export")
            && matches!(self.bytes.get(self.at + 6), Some(b' ' | b'\t'))
        {
            self.at += 6;
            self.skip_blanks();
        }
        let name = self.name()?;
        if self.dialect == Dialect::Common {
            self.skip_blanks();
        }
        match self.peek()? {
            b'=' => {}
            b':' if self.dialect == Dialect::Common
                && matches!(self.bytes.get(self.at + 1), Some(b' ' | b'\t')) => {}
            _ => return None,
        }
        self.at += 1;
        let line = self.line;
        match self.dialect {
            Dialect::Docker => {
                let value = self.at..self.end_of_line(self.at);
                return Some(Assignment { name, value, quote: None, line, doubtful: false });
            }
            Dialect::Shell => {}
            Dialect::Common | Dialect::Systemd => self.skip_blanks(),
        }
        if let Some(quote @ (b'"' | b'\'' | b'`')) = self.peek() {
            if let Some(value) = self.quoted(quote) {
                self.line += newlines(&self.bytes[value.clone()]);
                self.at = value.end + 1;
                return Some(Assignment { name, value, quote: Some(quote), line, doubtful: false });
            }
            let value = self.plain();
            return Some(Assignment { name, value, quote: None, line, doubtful: true });
        }
        let value = self.plain();
        let shell = self.dialect == Dialect::Shell;
        // A shell would end the value there, and nobody else would.
        let mixed = self.dialect == Dialect::Common && exported(&self.bytes[value.clone()]);
        let doubtful = mixed
            || self.bytes[value.clone()].iter().any(|byte| match byte {
                b'"' | b'\'' | b'`' | b'\\' => true,
                b' ' | b'\t' | b'$' | b'(' | b')' | b';' | b'&' | b'|' | b'<' | b'>' | b'*' | b'?' | b'~' => {
                    shell
                }
                _ => false,
            });
        Some(Assignment { name, value, quote: None, line, doubtful })
    }

    fn name(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        self.peek().filter(|&byte| first(byte))?;
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        {
            self.at += 1;
        }
        Some(start..self.at)
    }

    /// What stands between the quotes; `None` when the line goes on after them, where parsers disagree.
    fn quoted(&self, quote: u8) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            match *self.bytes.get(end)? {
                b'\\' => end += 2,
                byte if byte == quote => break,
                _ => end += 1,
            }
        }
        let rest = &self.bytes[end + 1..self.end_of_line(end)];
        let comment = match self.dialect {
            Dialect::Systemd | Dialect::Docker => false,
            Dialect::Common => rest.trim_ascii().starts_with(b"#"),
            // Without a blank before it, `#` belongs to the value.
            Dialect::Shell => ends_command(rest),
        };
        (rest.trim_ascii().is_empty() || comment).then_some(start..end)
    }

    /// A value without quotes: up to a comment or the end of the line.
    fn plain(&self) -> Range<usize> {
        let line = &self.bytes[self.at..self.end_of_line(self.at)];
        if self.dialect == Dialect::Systemd {
            return self.at..self.at + line.trim_ascii_end().len();
        }
        if self.dialect == Dialect::Shell
            && let Some(end) = line.iter().position(|&byte| byte == b';')
            && ends_command(&line[end..])
        {
            return self.at..self.at + line[..end].trim_ascii_end().len();
        }
        let comment =
            (0..line.len()).find(|&n| line[n] == b'#' && (n == 0 || matches!(line[n - 1], b' ' | b'\t')));
        let value = line[..comment.unwrap_or(line.len())].trim_ascii_end();
        self.at..self.at + value.len()
    }
}

/// Whether nothing follows a value in a shell but a comment, or `; export NAME`.
fn ends_command(rest: &[u8]) -> bool {
    let is_comment = |rest: &[u8]| rest.is_empty() || rest.starts_with(b"#");
    let Some(next) = rest.trim_ascii_start().strip_prefix(b";") else {
        // Without a blank before it, `#` belongs to the value.
        return rest.trim_ascii().is_empty() || !rest.starts_with(b"#") && is_comment(rest.trim_ascii());
    };
    let Some(names) = next.trim_ascii().strip_prefix(b"export") else { return is_comment(next.trim_ascii()) };
    let mut words = names.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_name =
        |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b';'));
    names.first().is_some_and(u8::is_ascii_whitespace)
        && words.by_ref().take_while(|word| !word.starts_with(b"#")).all(is_name)
}

/// Whether a value goes on with `; export NAME`.
fn exported(value: &[u8]) -> bool {
    let goes_on =
        |at: usize| value[at + 1..].trim_ascii().starts_with(b"export ") && ends_command(&value[at..]);
    (0..value.len()).any(|at| value[at] == b';' && goes_on(at))
}

/// Line ends of every kind, a CR LF counted once.
fn newlines(bytes: &[u8]) -> usize {
    let next = bytes.iter().skip(1).map(Some).chain([None]);
    bytes
        .iter()
        .zip(next)
        .filter(|&(&byte, next)| byte == b'\n' || byte == b'\r' && next != Some(&b'\n'))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).iter().map(|a| (a.name(text).to_owned(), a.read(text))).collect()
    }

    #[test]
    fn every_usual_form_is_read() {
        let text =
            "\u{feff}A=1\r\n  export B = 'two words' # why\r\nC=\"x\\ny\"\n# D=4\nE=with#hash # c\nF=\nG: 7";
        let expected =
            [("A", "1"), ("B", "two words"), ("C", "x\ny"), ("E", "with#hash"), ("F", ""), ("G", "7")];
        assert_eq!(pairs(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(parse(text).iter().map(|a| a.line).collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7]);
    }

    #[test]
    fn a_look_alike_inside_a_quoted_value_is_no_assignment() {
        let text = "PEM=\"first\nSECRET=not me\nlast\"\nSECRET=me\n";
        assert_eq!(pairs(text)[1], ("SECRET".to_owned(), "me".to_owned()));
        assert_eq!(parse(text)[1].line, 4);
    }

    #[test]
    fn an_unclosed_quote_does_not_swallow_the_next_line() {
        let text = "A=\"oops\nSECRET=\"me\"\n";
        let found = parse(text);
        assert!(found[0].doubtful);
        assert_eq!(found[1].read(text), "me");
    }

    #[test]
    fn each_reader_sees_its_own_value() {
        let value = |text: &str, dialect| {
            parse_as(text, dialect).iter().map(|a| (a.raw(text).to_owned(), a.doubtful)).next()
        };
        let is = |raw: &str| Some((raw.to_owned(), false));
        assert_eq!(value("A='x' # c\n", Dialect::Docker), is("'x' # c"));
        assert_eq!(value("A=x # c\n", Dialect::Systemd), is("x # c"));
        assert_eq!(value("A=\"x\"  \n", Dialect::Systemd), is("x"));
        assert!(value("A='x' # c\n", Dialect::Systemd).unwrap().1);
        assert_eq!(value("export A=x\n", Dialect::Systemd), None);
        assert_eq!(value("; A=x\nA = y\n", Dialect::Systemd), None);
        assert_eq!(value("export A='x' # c\n", Dialect::Shell), is("x"));
        assert_eq!(value("A = x\n", Dialect::Shell), None);
        assert!(value("A=x make\n", Dialect::Shell).unwrap().1);
        for text in [
            "A=x; export A\n",
            "A='x' ; export A B # c\n",
            "A=\"x\";export A;\n",
            "A=x;\n",
            "export A=x ; # c\n",
        ] {
            assert_eq!(value(text, Dialect::Shell), is("x"), "{text}");
        }
        assert!(value("A=x; export B=y\n", Dialect::Shell).unwrap().1);
        assert!(value("A=x; rm A\n", Dialect::Shell).unwrap().1);
        assert!(value("A=x; export A\n", Dialect::Common).unwrap().1);
    }

    #[test]
    fn references_are_known() {
        let is = |text: &str| parse(text)[0].is_reference(text);
        assert!(is("A=${B}") && is("A=$B") && is("A=\"${B:-x}\""));
        assert!(!is("A='$B'") && !is("A=x$B") && !is("A=$1"));
    }
}
