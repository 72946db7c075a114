//! A rule's pattern and filters as machines, made when the rule's keyword is first seen.

use super::machine::{Failure, Machine};
use super::named::{self, Candidate, Candidates};
use super::reach::{self, Gate};
use super::value::{
    Form, Judge, Reason, Refusal, ValueFilter, Verdict, is_chosen_word, is_digest_like, judge_or_word,
    likely, says_otherwise,
};
use super::wrapped::{self, Ends, Unwrapped};
use super::{Around, Error, MAX_SPAN, Spans};
use crate::finding::Confidence;
use crate::rule::{self, Promise, Reach, Rule, Unread};
use regex_automata::meta::{BuildError, Regex};
use regex_automata::{Anchored, Input};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// A rule of which only so much has been compiled as its keywords in the text so far have called for.
#[derive(Default)]
pub(super) struct Compiled {
    reach: OnceLock<Reach>,
    /// What is tried first.
    gate: OnceLock<Box<Gate>>,
    /// In a place of its own: most rules never get one, and all of them are made for every scan of a hook.
    matcher: OnceLock<Box<Matcher>>,
    matched: AtomicBool,
    /// Held by the thread that compiles: others wait for it, which is cheaper than to compile the same.
    compiling: Mutex<()>,
}

/// The pattern and the filters.
struct Matcher {
    /// Its group `secret` is the value, or else the whole match.
    machine: Machine,
    filter: ValueFilter,
    confidence: Confidence,
    promise: Option<Promise>,
    /// Whether it takes any value that its name is given.
    is_loose: bool,
}

/// What a rule says of a place.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) found: Vec<Found>,
    /// Whether it depends on no more bytes than [`Spans::near`].
    pub(super) near: bool,
}

impl Answer {
    /// Nothing is found, and little had to be looked at to tell.
    fn nothing_near() -> Self {
        Self { found: Vec::new(), near: true }
    }
}

/// A value that a rule found, and how sure it is of it.
pub(super) struct Found {
    pub(super) secret: Range<usize>,
    pub(super) verdict: Verdict,
    /// The value, if line breaks stand in it.
    pub(super) unwrapped: Option<Vec<u8>>,
}

/// How many bytes of states a filter's pattern keeps for each thread; values are short.
const LAZY_STATES: usize = 1 << 18;

/// How far around a match is looked whether it stands inside of something long.
const BLOB: usize = 40;
/// How far around a match is looked at all: also whether the line is full at whose end it is broken.
const AROUND: usize = if BLOB > wrapped::FULL { BLOB } else { wrapped::FULL };
const _: () = assert!(wrapped::MORE < AROUND && AROUND < named::NEAR);
/// The longest value of which that is asked.
const LONGEST_IN_BLOB: usize = 512;

/// Whether a rule takes any value that its name is given. So what stands beside the name counts.
fn is_loose(rule: &Rule) -> bool {
    static ANY: LazyLock<String> = LazyLock::new(|| rule::expanded("{{to}}{{value}}"));
    rule.promise.is_none() && rule::expanded(&rule.pattern).contains(&*ANY)
}

/// Compiles the pattern of a filter, in the syntax of all rules' patterns.
pub(super) fn regex(pattern: &str) -> Result<Regex, Box<BuildError>> {
    Regex::builder()
        .syntax(rule::syntax())
        .configure(
            Regex::config()
                .utf8_empty(false)
                .nfa_size_limit(Some(8 << 20))
                .hybrid_cache_capacity(LAZY_STATES),
        )
        .build(pattern)
        .map_err(Box::new)
}

impl Compiled {
    /// The secret of the first match that holds the keyword at `keyword`, if the filters accept it. What is named so may be
    /// several: the cells of a column.
    pub(super) fn find(&self, rule: &Rule, bytes: &[u8], keyword: &Range<usize>) -> Result<Answer, Error> {
        self.find_or_refuse(rule, bytes, keyword, &mut |_, _| {})
    }

    /// The same; `refused` hears of the values that were considered and are none.
    pub(super) fn find_or_refuse(
        &self,
        rule: &Rule,
        bytes: &[u8],
        keyword: &Range<usize>,
        refused: &mut dyn FnMut(Range<usize>, Refusal),
    ) -> Result<Answer, Error> {
        let reach = self.reach(rule)?;
        let Some(input) = reach::input(reach, bytes, keyword) else { return Ok(Answer::nothing_near()) };
        if let Some(tail) = reach.tail()
            && !self.compiled(&self.gate, rule, |_| Gate::new(tail))?.is_open(&input, keyword)
        {
            return Ok(Answer::nothing_near());
        }
        let matcher = self.compiled(&self.matcher, rule, Matcher::new)?;
        let answer = if rule.named {
            matcher.named(input, keyword, refused)
        } else {
            let found = matcher.find(input, keyword, refused);
            let found = match reach {
                Reach::Prefix { span, is_fixed, .. } => {
                    matcher.whole(bytes, keyword, found, *span, *is_fixed)
                }
                Reach::Within { .. } => found,
            };
            Answer { found: found.into_iter().collect(), near: false }
        };
        // Only the first time, since many threads look.
        if !answer.found.is_empty() && !self.has_matched() {
            self.matched.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Whether it has found anything so far.
    pub(super) fn has_matched(&self) -> bool {
        self.matched.load(Ordering::Relaxed)
    }

    /// What its answers can depend on.
    pub(super) fn spans(&self, rule: &Rule) -> Result<Spans, Error> {
        let reach = self.reach(rule)?;
        let whole = Around::matches(reach);
        if rule.named {
            return Ok(Spans { near: whole.and(named::NEAR), far: whole.and(named::REACH) });
        }
        let (near, beside) = match reach {
            Reach::Prefix { literal, .. } => (Around { before: 0, after: literal.len() }, AROUND),
            Reach::Within { .. } => (whole, BLOB),
        };
        Ok(Spans { near, far: whole.and(if is_loose(rule) { named::NEAR } else { beside }) })
    }

    fn reach(&self, rule: &Rule) -> Result<&Reach, Error> {
        if let Some(reach) = self.reach.get() {
            return Ok(reach);
        }
        let named = || rule.id.to_string();
        let reach = rule::reach(rule).map_err(|unread| match unread {
            Unread::Pattern(error) => Error::Pattern { rule: named(), source: error },
            Unread::Unbounded => Error::Unbounded { rule: named() },
        })?;
        let most = if rule.named { MAX_SPAN - named::REACH } else { MAX_SPAN };
        if reach.span() > most {
            return Err(Error::Unbounded { rule: named() });
        }
        Ok(self.reach.get_or_init(|| reach))
    }

    /// What one of the cells holds, which the first that asks for it makes.
    fn compiled<'c, T>(
        &self,
        cell: &'c OnceLock<Box<T>>,
        rule: &Rule,
        make: impl FnOnce(&Rule) -> Result<T, Failure>,
    ) -> Result<&'c T, Error> {
        if let Some(made) = cell.get() {
            return Ok(made);
        }
        let _held = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = cell.get() {
            return Ok(made);
        }
        let made = make(rule).map_err(|source| Error::Pattern { rule: rule.id.to_string(), source })?;
        Ok(cell.get_or_init(|| Box::new(made)))
    }
}

impl Matcher {
    fn new(rule: &Rule) -> Result<Self, Failure> {
        Ok(Self {
            machine: Machine::new(&rule::expanded(&rule.pattern), "secret")?,
            filter: ValueFilter::new(&rule.filters)?,
            confidence: rule.confidence,
            promise: rule.promise,
            is_loose: is_loose(rule),
        })
    }

    /// The value of the first match that holds the keyword.
    fn find(
        &self,
        input: Input<'_>,
        keyword: &Range<usize>,
        refused: &mut dyn FnMut(Range<usize>, Refusal),
    ) -> Option<Found> {
        let (bytes, from) = (input.haystack(), input.start().saturating_sub(BLOB));
        let secret = without_parameters(bytes, self.matched(input, keyword)?);
        let value = &bytes[secret.clone()];
        let is_otherwise = (self.promise.is_some() || is_digest_like(value))
            && says_otherwise(&bytes[from.min(secret.start)..secret.start])
            || self.is_loose && named::is_of_another(bytes, keyword);
        match self.judged(value, Form::Cell) {
            Ok(_) if is_otherwise || is_within_blob(bytes, &secret) => {
                refused(secret, Refusal::Thing);
                None
            }
            Ok(verdict) => Some(Found { secret, verdict, unwrapped: None }),
            Err(refusal) => {
                refused(secret, refusal);
                None
            }
        }
    }

    /// The value with what stands of it on the next lines, if it was broken.
    fn whole(
        &self,
        bytes: &[u8],
        keyword: &Range<usize>,
        found: Option<Found>,
        span: usize,
        is_fixed: bool,
    ) -> Option<Found> {
        // What stands further away must not count: where those bytes are copied, the answer is taken over.
        let bytes = &bytes[..bytes.len().min(keyword.start + span + AROUND)];
        let ends_line = |found: &Found| matches!(bytes.get(found.secret.end), Some(b'\n' | b'\r' | b'='));
        let ends = if is_fixed { Ends::Itself } else { Ends::Open };
        match found {
            Some(found) if is_fixed || !ends_line(&found) => Some(found),
            found => self.find_wrapped(bytes, keyword, span, ends).or(found),
        }
    }

    /// The value of a match that line breaks part.
    fn find_wrapped(&self, bytes: &[u8], keyword: &Range<usize>, span: usize, ends: Ends) -> Option<Found> {
        Unwrapped::all(bytes, keyword.start, span, ends).find_map(|word| {
            let input = Input::new(&word.text).span(word.start..word.text.len()).anchored(Anchored::Yes);
            let range = self.matched(input, &(word.start..word.start + keyword.len()))?;
            let secret = word.source(&range)?;
            let value = word.text[range].to_vec();
            let verdict = self.judged(&value, Form::Cell).ok()?;
            Some(Found { secret, verdict, unwrapped: Some(value) })
        })
    }

    /// The values that the text gives to the name that holds the keyword.
    fn named(
        &self,
        input: Input<'_>,
        keyword: &Range<usize>,
        refused: &mut dyn FnMut(Range<usize>, Refusal),
    ) -> Answer {
        let bytes = input.haystack();
        let Some(name) = self.matched(input, keyword) else { return Answer::nothing_near() };
        // Nothing further away counts, so that the answer is the same wherever those bytes stand.
        let start = name.start.saturating_sub(named::REACH);
        let text = &bytes[start..bytes.len().min(name.end + named::REACH)];
        let judged = |Candidate { range, form }: Candidate| {
            let secret = range.start + start..range.end + start;
            let value = &text[range];
            let meant = named::meant(value);
            match self.judged(meant.as_ref().map_or(value, |(meant, _)| meant), form) {
                Ok(verdict) => Ok(Found { secret, verdict, unwrapped: None }),
                Err(refusal) => Err((secret, refusal)),
            }
        };
        let found = match named::candidates(text, &(name.start - start..name.end - start)) {
            Candidates::None => return Answer::nothing_near(),
            Candidates::Column(cells) => {
                let cells = cells.into_iter().map(judged);
                cells.filter_map(|cell| cell.map_err(|(cell, refusal)| refused(cell, refusal)).ok()).collect()
            }
            Candidates::Either(places) => {
                let (mut first, mut word) = (None, None);
                for place in places {
                    match judged(place) {
                        // Another place may hold what is more than a word.
                        Ok(found) if found.verdict.reason == Reason::Word => word = word.or(Some(found)),
                        Ok(found) => return Answer { found: vec![found], near: false },
                        Err(refusal) => first = first.or(Some(refusal)),
                    }
                }
                // The first reading is the likeliest.
                if let Some((place, refusal)) = first {
                    refused(place, refusal);
                }
                word.into_iter().collect()
            }
        };
        Answer { found, near: false }
    }

    /// The named group of the first match that holds the keyword, or all of that.
    fn matched(&self, mut input: Input<'_>, keyword: &Range<usize>) -> Option<Range<usize>> {
        while input.start() <= keyword.start {
            let next = match self.machine.find(&input) {
                Some(whole) if whole.start <= keyword.start && whole.end >= keyword.end => {
                    return Some(self.machine.group(&input, whole)).filter(|range| !range.is_empty());
                }
                // An empty or early match: go on behind its first byte, so that none that holds the keyword is missed.
                Some(whole) if whole.start <= keyword.start => whole.start + 1,
                None if input.get_anchored().is_anchored() => input.start() + 1,
                _ => return None,
            };
            input.set_start(next);
        }
        None
    }

    /// How sure the rule is of a value.
    fn judged(&self, value: &[u8], form: Form) -> Result<Verdict, Refusal> {
        if value.is_empty() {
            return Err(Refusal::Length);
        }
        if let Some(refusal) = self.filter.refuses(&Judge { value, is_word: false }) {
            let is_named = self.promise == Some(Promise::Password) && refusal == Refusal::Placeholder;
            let is_word =
                is_named && form != Form::Bare && is_chosen_word(value) || self.filter.takes_word(value);
            if !is_word || self.filter.refuses(&Judge { value, is_word }).is_some() {
                return Err(refusal);
            }
            return Ok(Verdict { confidence: Confidence::Low, reason: Reason::Word });
        }
        let reason = if self.filter.has_checksum() { Reason::Checksum } else { Reason::Format };
        let Some(promise) = self.promise else {
            let most = if self.is_loose { likely(value)? } else { Confidence::High };
            return Ok(Verdict { confidence: self.confidence.min(most), reason });
        };
        let verdict = judge_or_word(value, form, promise)?;
        Ok(Verdict { confidence: verdict.confidence.min(self.confidence), ..verdict })
    }
}

/// The value alone where the next parameter of a query stands behind it: `VALUE&name=…`.
fn without_parameters(bytes: &[u8], secret: Range<usize>) -> Range<usize> {
    let value = &bytes[secret.clone()];
    let is_query = bytes[..secret.start].ends_with(b"=") && !value.contains(&b'?');
    let ends = memchr::memchr(b'&', value).filter(|at| {
        let name =
            value[at + 1..].iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
        name > 1 && value.get(at + 1 + name) == Some(&b'=') && !value[..*at].contains(&b'=')
    });
    match ends {
        Some(at) if is_query && at > 0 => secret.start..secret.start + at,
        _ => secret,
    }
}

/// Whether base64 goes on for long on one side of a match: an image or an archive, in which every prefix stands somewhere.
fn is_within_blob(bytes: &[u8], secret: &Range<usize>) -> bool {
    if secret.len() > LONGEST_IN_BLOB {
        return false;
    }
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let before = bytes[..secret.start].iter().rev().take(BLOB).take_while(is_part).count();
    let after = bytes[secret.end..].iter().take(BLOB).take_while(is_part).count();
    let is_blob = |side: &[u8]| {
        let has = |is: fn(&u8) -> bool| side.iter().any(is);
        side.len() == BLOB
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && memchr::memchr_iter(b'/', side).count() < 4
    };
    is_blob(&bytes[secret.start - before..secret.start]) || is_blob(&bytes[secret.end..secret.end + after])
}
