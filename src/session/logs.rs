//! Searches an application's log for the lines that tell of sessions gone wrong.
//!
//! What is found is counted and numbered, never shown: lines of a log hold tokens. A log is read in pieces, so that
//! neither a huge file nor a line without end takes more memory than a piece.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use serde::Serialize;
use std::io::{self, Read};

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// The longest text that can be looked for.
const LONGEST: usize = 1024;

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSeverity {
    /// Somebody should look at it.
    Warning,
    /// It is a security incident, or may be one.
    Critical,
}

/// A text that a line of a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPattern {
    /// The text; upper and lower case of ASCII are alike.
    pub text: String,
    /// How bad it is.
    pub severity: LogSeverity,
}

/// What was found of one pattern in one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogFinding {
    /// The text.
    pub pattern: String,
    /// How bad it is.
    pub severity: LogSeverity,
    /// How often it is there.
    pub count: u64,
    /// The first line that holds it, from 1.
    pub first_line: u64,
    /// The last line that holds it.
    pub last_line: u64,
}

/// What one log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// How many lines it has.
    pub lines: u64,
    /// The patterns that are there, the worst first.
    pub findings: Vec<LogFinding>,
}

/// Patterns ready to be looked for.
#[derive(Debug)]
pub struct LogSearch {
    patterns: Vec<LogPattern>,
    automaton: AhoCorasick,
}

impl LogPattern {
    /// What applications write that use Auth.js with the messages that its operators agreed on.
    pub fn defaults() -> Vec<Self> {
        use LogSeverity::{Critical, Warning};
        [
            (Critical, "[SESSION-CALLBACK] User ID mismatch"),
            (Critical, "[AUTH-ADAPTER] Duplicate session token detected"),
            (Warning, "[SESSION-CALLBACK] User not found"),
            (Warning, "[AUTH-ADAPTER] Error creating user"),
        ]
        .map(|(severity, text)| Self { text: text.to_owned(), severity })
        .to_vec()
    }
}

impl LogSearch {
    /// Takes the patterns, or says what is wrong with one.
    pub fn new(patterns: Vec<LogPattern>) -> Result<Self, String> {
        if patterns.is_empty() {
            return Err("there is no text to look for".to_owned());
        }
        for LogPattern { text, .. } in &patterns {
            if text.trim().is_empty() || text.contains(['\n', '\r']) {
                return Err("a text to look for is empty or has several lines".to_owned());
            }
            if text.len() > LONGEST {
                return Err(format!("a text to look for has more than {LONGEST} bytes"));
            }
        }
        let texts = patterns.iter().map(|pattern| &pattern.text);
        let automaton = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(texts);
        Ok(Self { patterns, automaton: automaton.map_err(|error| error.to_string())? })
    }

    /// Reads a log to its end, or until it cannot be read; what was found by then is told with the error.
    pub fn read(&self, log: &mut dyn Read) -> (LogReport, Option<io::Error>) {
        let mut tally = Tally { found: vec![None; self.patterns.len()], passed: 0, newlines: 0, ended: true };
        let mut buffer = Vec::with_capacity(PIECE + LONGEST);
        loop {
            // The end of the last piece stays: a text may begin in it.
            let kept = buffer.len();
            let error = (&mut *log).take(PIECE as u64).read_to_end(&mut buffer).err();
            if buffer.len() > kept {
                self.note(&buffer, kept, &mut tally);
                tally.newlines += newlines(&buffer[kept..]);
                tally.ended = buffer.ends_with(b"\n");
            }
            if error.is_some() || buffer.len() == kept {
                return (self.report(tally), error);
            }
            let done = buffer.len().saturating_sub(LONGEST);
            tally.passed += newlines(&buffer[..done]);
            buffer.drain(..done);
        }
    }

    /// Notes what ends behind the part that was seen before.
    fn note(&self, buffer: &[u8], seen: usize, tally: &mut Tally) {
        let (mut line, mut counted) = (tally.passed + 1, 0);
        for found in self.automaton.find_overlapping_iter(buffer).filter(|found| found.end() > seen) {
            line += newlines(&buffer[counted..found.end()]);
            counted = found.end();
            let (count, _, last) = tally.found[found.pattern()].get_or_insert((0, line, line));
            *count += 1;
            *last = line;
        }
    }

    fn report(&self, tally: Tally) -> LogReport {
        let found = self.patterns.iter().zip(tally.found);
        let mut findings: Vec<LogFinding> = found
            .filter_map(|(pattern, found)| {
                let (count, first_line, last_line) = found?;
                let LogPattern { text, severity } = pattern.clone();
                Some(LogFinding { pattern: text, severity, count, first_line, last_line })
            })
            .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        // A last line without an end is a line.
        LogReport { lines: tally.newlines + u64::from(!tally.ended), findings }
    }
}

/// What was seen so far.
struct Tally {
    /// How often each pattern was there, and its first and last line.
    found: Vec<Option<(u64, u64, u64)>>,
    /// The line ends before what is still looked at.
    passed: u64,
    /// All line ends.
    newlines: u64,
    ended: bool,
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search() -> LogSearch {
        LogSearch::new(LogPattern::defaults()).unwrap()
    }

    #[test]
    fn lines_are_counted_and_no_line_is_shown() {
        let log = "boot\n[session-callback] user id MISMATCH tok-1\nx\n[AUTH-ADAPTER] Error creating user\n\
                   [SESSION-CALLBACK] User ID mismatch tok-2";
        let report = search().read(&mut log.as_bytes()).0;
        assert_eq!(report.lines, 5);
        let told: Vec<_> =
            report.findings.iter().map(|f| (f.severity, f.count, f.first_line, f.last_line)).collect();
        assert_eq!(told, [(LogSeverity::Critical, 2, 2, 5), (LogSeverity::Warning, 1, 4, 4)]);
        assert!(!format!("{report:?}").contains("tok-"));
        assert_eq!(search().read(&mut io::empty()).0, LogReport { lines: 0, findings: Vec::new() });
        for wrong in ["", "  ", "a\nb", &"x".repeat(LONGEST + 1)] {
            let pattern = LogPattern { text: wrong.to_owned(), severity: LogSeverity::Warning };
            assert!(LogSearch::new(vec![pattern]).is_err());
        }
    }

    /// Gives a few bytes at a time, as a pipe does.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let many = buffer.len().min(self.1).min(self.0.len());
            buffer[..many].copy_from_slice(&self.0[..many]);
            self.0 = &self.0[many..];
            Ok(many)
        }
    }

    /// Fails after its text, as a damaged archive does.
    struct Breaks<'a>(&'a [u8]);

    impl Read for Breaks<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.0.read(buffer)
        }
    }

    #[test]
    fn what_was_found_before_an_error_is_told() {
        let log = b"boot\n[AUTH-ADAPTER] Duplicate session token detected\nhal";
        let (report, error) = search().read(&mut Breaks(log));
        assert_eq!((report.lines, report.findings.len(), report.findings[0].first_line), (3, 1, 2));
        assert!(error.is_some());
    }

    proptest! {
        /// Wherever a text stands in the pieces that a log is read in, it is found once and in its line.
        #[test]
        fn pieces_make_no_difference(
            before in (PIECE - 40)..(PIECE + 40), lines in 0..5_u64, again in 0..200_usize, drop in 1..9000_usize,
        ) {
            let text = &LogPattern::defaults()[0].text;
            let mut log = vec![b'a'; before];
            log.extend(b"\n".repeat(usize::try_from(lines).unwrap()));
            log.extend(text.as_bytes());
            log.extend(vec![b'b'; again]);
            log.extend(text.as_bytes());
            log.extend(vec![b'c'; PIECE]);
            let report = search().read(&mut Drops(&log, drop)).0;
            prop_assert_eq!(report.lines, lines + 1);
            let [found] = &report.findings[..] else { panic!("{report:?}") };
            prop_assert_eq!((found.count, found.first_line, found.last_line), (2, lines + 1, lines + 1));
        }
    }
}
