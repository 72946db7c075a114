//! The detector: bytes in, matches out. Pure: it reads no file, knows no repository and keeps no state.
//!
//! One pass finds every rule's keywords; a rule's regular expression then runs only on the few bytes around
//! its keyword that a match could span. So a match depends on nothing further away than that, which is what lets
//! a reader hand over windows of a large file, or parts of it.

mod allow;
pub mod check;
mod compiled;
mod decode;
mod encoded;
mod error;
mod explain;
mod known;
mod lines;
mod machine;
mod memo;
mod named;
mod prefilter;
mod reach;
mod trace;
mod value;
mod wrapped;

pub use allow::is_allowed;
pub use error::Error;
pub use explain::Refused;
pub use known::Known;
pub use lines::{Lines, Span};
pub use trace::{Looked, Trace};
pub use value::{
    Reason, Refusal, Unfit, Verdict, is_common, is_generated, is_password_hash, may_be_password,
    may_be_secret, unfit,
};

use crate::rule::Rule;
use crate::secret::Secret;
use compiled::Compiled;
use memo::Memo;
use prefilter::Prefilter;
use reach::Around;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The most bytes that a match can span, and so the context that a reader must keep on both sides of a cut.
pub const MAX_SPAN: usize = 16 * 1024;

/// The most bytes that are unpacked of one packed and encoded part.
pub const MAX_UNPACKED: usize = decode::LARGEST;

/// A set of rules, ready to be run over any number of blobs from any number of threads.
pub struct Detector {
    rules: Arc<[Rule]>,
    compiled: Arc<[Compiled]>,
    prefilter: Prefilter,
    /// For each keyword what its rules' answers can depend on, known once it was asked for.
    spans: Vec<OnceLock<Spans>>,
    /// Whether it looks into what is encoded.
    decodes: bool,
    /// Live values; the last rule stands for them if there are any.
    known: Known,
    /// Where nothing was found; only a history has texts that are made from others, and pays for it.
    memo: OnceLock<Memo>,
}

/// What the answers of a keyword's rules can depend on.
#[derive(Clone, Copy)]
struct Spans {
    /// Answers that are near.
    near: Around,
    /// All answers.
    far: Around,
}

/// A value that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The rule's place in [`Detector::rules`].
    pub rule: usize,
    /// How sure that is, and why.
    pub verdict: Verdict,
    /// The bytes that are the secret, or that it was decoded from.
    pub secret: Range<usize>,
    /// What was decoded, if the secret does not stand in plain text.
    pub decoded: Option<Box<Decoded>>,
}

/// A secret that stands in a text in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The value itself.
    pub value: Secret,
    /// The encoding's name; of several around each other all, the outermost first: `base64+gzip`.
    pub encoding: String,
    /// Whether a marker allows it where it stands in plain text.
    pub allowed: bool,
}

impl Match {
    /// The value: the bytes it stands in, or what was decoded from them.
    pub fn value<'m>(&'m self, bytes: &'m [u8]) -> &'m [u8] {
        self.decoded.as_ref().map_or_else(|| &bytes[self.secret.clone()], |decoded| decoded.value.expose())
    }

    /// Whether a marker allows the value: on its line, or on the line that it was decoded to.
    pub fn is_allowed(&self, bytes: &[u8]) -> bool {
        self.decoded.as_ref().is_some_and(|decoded| decoded.allowed) || is_allowed(bytes, &self.secret)
    }

    /// How many encodings stand around the value.
    fn layers(&self) -> usize {
        self.decoded.as_ref().map_or(0, |decoded| 1 + decoded.encoding.matches('+').count())
    }
}

impl Detector {
    /// Prepares the rules. Regular expressions compile on their first use, not here.
    ///
    /// # Errors
    /// When there is no rule at all: a scan by no rules would always be clean.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Error> {
        Self::with_known(rules, Known::default())
    }

    /// The same, for live values too. One rule, `known-value`, is added for all of them.
    ///
    /// # Errors
    /// When there is neither a rule nor a value.
    pub fn with_known(mut rules: Vec<Rule>, known: Known) -> Result<Self, Error> {
        if !known.is_empty() {
            rules.push(known::rule());
        }
        if rules.is_empty() {
            return Err(Error::NoRules);
        }
        let prefilter = Prefilter::new(&rules, &|_| true, known.keywords())?;
        let compiled = rules.iter().map(|_| Compiled::default()).collect();
        Ok(Self::of(rules.into(), compiled, prefilter, known))
    }

    fn of(rules: Arc<[Rule]>, compiled: Arc<[Compiled]>, prefilter: Prefilter, known: Known) -> Self {
        let spans = (0..prefilter.count()).map(|_| OnceLock::new()).collect();
        Self { rules, compiled, prefilter, spans, decodes: true, known, memo: OnceLock::new() }
    }

    /// The same with no other rules than these, which keep their numbers, and without live values. Of a text in which the
    /// others match nothing it says the same, and sooner.
    ///
    /// # Errors
    /// Never, if the rules are those of a detector.
    pub fn narrowed(&self, rules: &BTreeSet<usize>) -> Result<Self, Error> {
        let prefilter = Prefilter::new(&self.rules, &|rule| rules.contains(&rule), std::iter::empty())?;
        let (rules, compiled) = (Arc::clone(&self.rules), Arc::clone(&self.compiled));
        let narrow = Self::of(rules, compiled, prefilter, Known::default());
        Ok(Self { decodes: self.decodes, ..narrow })
    }

    /// The numbers of the rules that have matched anything so far, told of or not.
    pub fn matched(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rules.len()).filter(|&rule| self.compiled[rule].has_matched())
    }

    /// The same, for plain text only.
    #[must_use]
    pub fn without_decoding(mut self) -> Self {
        self.decodes = false;
        self
    }

    /// The rules, in the order that [`Match::rule`] counts.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The live values that are looked for.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Whether a match is a live value.
    pub fn is_live(&self, found: &Match) -> bool {
        !self.known.is_empty() && found.rule + 1 == self.rules.len()
    }

    /// Names all that decides what it finds: rules, switches, and the version of the code itself. Two detectors of one
    /// name find the same in the same bytes.
    pub fn identity(&self) -> String {
        let rules = serde_json::to_vec(&*self.rules).expect("rules are plain data");
        let switches = [u8::from(self.decodes)];
        let parts = [env!("UNLEAK_ENGINE").as_bytes(), &switches, &rules];
        hex::encode(Sha256::digest(parts.concat()))
    }

    /// Finds the secrets in `bytes`, ordered by position. Where several rules claim the same bytes, the surest keeps them.
    ///
    /// # Errors
    /// When a rule's pattern does not compile; checked rule files never do that.
    pub fn scan(&self, bytes: &[u8]) -> Result<Vec<Match>, Error> {
        let mut matches = self.scan_patched(bytes, None)?.matches;
        // Only who knows the file can tell what a word is.
        matches.retain(|found| found.verdict.reason != Reason::Word);
        Ok(matches)
    }

    /// Keeps the best of each run of matches that share bytes.
    fn without_overlaps(&self, matches: Vec<Match>) -> Vec<Match> {
        let mut kept: Vec<Match> = Vec::with_capacity(matches.len());
        for found in matches {
            let mut wins = true;
            while let Some(last) = kept.last().filter(|last| last.secret.end > found.secret.start) {
                if self.rank(last) >= self.rank(&found) {
                    wins = false;
                    break;
                }
                kept.pop();
            }
            if wins {
                kept.push(found);
            }
        }
        kept
    }

    /// The surer and the graver rule knows more about a value, and one that goes by its format more than one by its name; of two equals the one that took more bytes.
    fn rank(&self, found: &Match) -> impl Ord + use<> {
        let rule = &self.rules[found.rule];
        let knows = rule.promise.is_none();
        (found.verdict.confidence, knows, rule.severity, found.secret.len(), std::cmp::Reverse(found.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Severity};
    use proptest::prelude::*;

    pub(in crate::detect) fn rule(id: &str, keyword: &str, pattern: &str, confidence: Confidence) -> Rule {
        Rule {
            id: id.to_owned().into(),
            title: id.to_owned().into(),
            severity: Severity::High,
            confidence,
            keywords: vec![keyword.to_owned().into()],
            pattern: pattern.to_owned().into(),
            named: false,
            promise: None,
            part_of: vec![],
            filters: crate::rule::Filters { allow_placeholders: true, ..Default::default() },
            examples: vec![],
            counterexamples: vec![],
            reference: "".into(),
            advice: "".into(),
        }
    }

    fn values(rules: Vec<Rule>, text: &str) -> Vec<&str> {
        let found = Detector::new(rules).unwrap().scan(text.as_bytes()).unwrap();
        found.into_iter().map(|found| &text[found.secret]).collect()
    }

    #[test]
    fn the_surest_rule_keeps_shared_bytes() {
        let rules = vec![
            rule("loose", "key", "key=(?<secret>[a-z0-9_]{4,20})", Confidence::Medium),
            rule("exact", "tok_", "tok_[a-z0-9]{8}", Confidence::High),
        ];
        assert_eq!(values(rules, "key=xx_tok_a1b2c3d4 key=other"), ["tok_a1b2c3d4", "other"]);
    }

    #[test]
    fn keywords_count_in_any_case_and_anywhere_in_a_match() {
        let rules = vec![rule(
            "session",
            "secret",
            "(?i:session[_-]?secret) ?= ?(?<secret>[a-z]{4,8})",
            Confidence::High,
        )];
        assert_eq!(
            values(rules, "x session_secret=abcd SESSION-SECRET = efgh secret=none"),
            ["abcd", "efgh"]
        );
    }

    #[test]
    fn a_long_pattern_of_a_name_may_begin_far_before_its_keyword() {
        let mut wide = rule("wide", "password", "[a-z]{0,5000}password", Confidence::High);
        (wide.named, wide.promise) = (true, Some(crate::rule::Promise::Password));
        let text = format!("{} = \"kX9#mPq2vL\"", ["a".repeat(4500), "password".to_owned()].concat());
        assert_eq!(values(vec![wide], &text), ["kX9#mPq2vL"]);
    }

    #[test]
    fn no_rule_is_an_error() {
        assert!(matches!(Detector::new(vec![]), Err(Error::NoRules)));
    }

    #[test]
    fn an_unbounded_pattern_is_an_error() {
        let detector = Detector::new(vec![rule("wide", "key", "key=.+", Confidence::High)]).unwrap();
        assert!(matches!(detector.scan(b"key=1"), Err(Error::Unbounded { .. })));
    }

    /// A keyword at the beginning, behind a few signs, and far behind another word.
    const PATTERNS: [&str; 4] = [
        r"(?i:kk)=(?<secret>[a-c]{1,3})\b",
        r"\b[a-c]{0,3}(?i:kk)=(?<secret>[a-c]{1,3})\b",
        r"\b[a-c]{0,9}b?(?i:kk)=(?<secret>[a-c]{1,3})\b",
        r"b(?:[^\n]{0,9}\n)?[^\n]{0,9}?(?:(?i:kk)=|c?kk=)(?<secret>[a-c]{1,3})",
    ];

    proptest! {
        /// What the windows around keywords find is what the pattern finds in the whole text, also where its end is tried first.
        #[test]
        fn windows_lose_nothing(text in "(kk=|KK=|[a-c ]|\n){0,80}", pattern in proptest::sample::select(&PATTERNS[..])) {
            let whole = compiled::regex(pattern).unwrap();
            let detector = Detector::new(vec![rule("short", "kk=", pattern, Confidence::High)]).unwrap();
            let found: Vec<_> = detector.scan(text.as_bytes()).unwrap().into_iter().map(|found| found.secret).collect();
            let mut captures = whole.create_captures();
            let mut at = 0;
            while at <= text.len() {
                let input = regex_automata::Input::new(text.as_bytes()).span(at..text.len());
                whole.search_captures(&input, &mut captures);
                let Some(all) = captures.get_match() else { break };
                let secret = captures.get_group_by_name("secret").unwrap().range();
                prop_assert!(found.contains(&secret), "{:?} of {:?} not in {:?}", secret, text, found);
                at = all.end().max(at + 1);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::sample::select(vec![0_u8, b'a', 0x80, 0xff, b'\n']), 0..500)) {
            let detector = Detector::new(vec![rule("any", "aaa", r"[\x00-\xff]{0,9}a{3}[\x80-\xff]{0,9}", Confidence::Low)]).unwrap();
            detector.scan(&bytes).unwrap();
        }
    }
}
