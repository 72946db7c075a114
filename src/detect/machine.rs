//! A pattern as machines. A lazy automaton says whether there is a match and where it ends; only for a match another one
//! says where it begins, and only for a group inside it a simulation. Patterns are many, windows are small and matches are
//! rare, so what each thread keeps for them is bounded in all, not for each.

use crate::rule;
use regex_automata::hybrid::dfa::{Cache as States, DFA};
use regex_automata::nfa::thompson::pikevm::{Cache as Threads, PikeVM};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of states an automaton keeps before it begins anew.
const LAZY_STATES: usize = 1 << 20;
/// How often it does so for few bytes before the simulation takes over.
const MOST_CLEARED: usize = 4;
/// A compiled pattern of more bytes is refused.
const LARGEST: usize = 8 << 20;
/// A repetition that may be of so many has no end.
const LONG: u32 = 1000;
/// How many bytes of states a thread keeps for all patterns.
const MOST_KEPT: usize = 6 << 20;
/// And for how many what a simulation needs, which is up to two megabytes each.
const MOST_SIMULATED: usize = 8;

/// Why a pattern cannot be a machine.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A pattern, ready to be run from any number of threads.
pub(super) struct Machine {
    /// Its number among all of the process, for what threads keep.
    number: usize,
    pattern: String,
    forward: DFA,
    /// Reads from a match's end to its start; made for the first match.
    backward: OnceLock<Option<DFA>>,
    simulation: PikeVM,
    /// The group that is asked for; 0 is the whole match.
    group: usize,
}

/// What a thread keeps for one machine.
struct Kept {
    forward: States,
    backward: Option<States>,
    /// How many bytes both have.
    size: usize,
    /// When it was last used.
    used: u64,
}

#[derive(Default)]
struct Keep {
    of: Vec<Option<Box<Kept>>>,
    /// How many bytes they have together.
    size: usize,
    clock: u64,
}

thread_local! {
    static KEEP: RefCell<Keep> = RefCell::default();
    /// By the machine's number, the one that was used last at the end.
    static SIMULATIONS: RefCell<Vec<(usize, Threads)>> = const { RefCell::new(Vec::new()) };
}

impl Machine {
    /// Compiles a pattern; `group` is the name of a group that it may have.
    pub(super) fn new(pattern: &str, group: &str) -> Result<Self, Failure> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let nfa = compiled(pattern, false)?;
        let group = nfa.group_info().to_index(PatternID::ZERO, group).unwrap_or(0);
        let forward = automaton(nfa.clone(), MatchKind::LeftmostFirst)?;
        let simulation = PikeVM::builder().build_from_nfa(nfa)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let backward = OnceLock::new();
        Ok(Self { number, pattern: pattern.to_owned(), forward, backward, simulation, group })
    }

    /// The first match, and its group if it took part in it.
    pub(super) fn find(&self, input: &Input<'_>) -> Option<Range<usize>> {
        self.with_kept(|kept| {
            let Ok(end) = self.forward.try_search_fwd(&mut kept.forward, input) else {
                return self.simulate(input, 0);
            };
            self.start(kept, input, end?.offset())
        })
    }

    /// The group of the match there, or all of it.
    pub(super) fn group(&self, input: &Input<'_>, found: Range<usize>) -> Range<usize> {
        if self.group == 0 {
            return found;
        }
        let at_match = input.clone().span(found.start..input.end()).anchored(Anchored::Yes);
        self.simulate(&at_match, self.group).unwrap_or(found)
    }

    /// From where a match goes to its end.
    fn start(&self, kept: &mut Kept, input: &Input<'_>, end: usize) -> Option<Range<usize>> {
        if input.get_anchored().is_anchored() {
            return Some(input.start()..end);
        }
        let backward = self.backward.get_or_init(|| {
            let nfa = compiled(&self.pattern, true).ok()?;
            automaton(nfa, MatchKind::All).ok()
        });
        let found = backward.as_ref().and_then(|backward| {
            let states = kept.backward.get_or_insert_with(|| backward.create_cache());
            let back = input.clone().span(input.start()..end).anchored(Anchored::Yes).earliest(false);
            backward.try_search_rev(states, &back).ok().flatten()
        });
        match found {
            Some(start) => Some(start.offset()..end),
            None => self.simulate(input, 0),
        }
    }

    /// Where a group of the first match stands, or all of that if the group took no part in it.
    fn simulate(&self, input: &Input<'_>, group: usize) -> Option<Range<usize>> {
        let mut slots = vec![None; 2 * (group + 1)];
        SIMULATIONS.with_borrow_mut(|kept| {
            let mut threads = match kept.iter().position(|(number, _)| *number == self.number) {
                Some(at) => kept.remove(at).1,
                None if kept.len() < MOST_SIMULATED => self.simulation.create_cache(),
                None => {
                    let mut oldest = kept.remove(0).1;
                    oldest.reset(&self.simulation);
                    oldest
                }
            };
            let found = self.simulation.search_slots(&mut threads, input, &mut slots);
            kept.push((self.number, threads));
            found
        })?;
        let of = |group: usize| Some(slots[2 * group]?.get()..slots[2 * group + 1]?.get());
        of(group).or_else(|| of(0))
    }

    fn with_kept<T>(&self, run: impl FnOnce(&mut Kept) -> T) -> T {
        KEEP.with_borrow_mut(|keep| {
            keep.clock += 1;
            if keep.of.len() <= self.number {
                keep.of.resize_with(self.number + 1, || None);
            }
            if keep.of[self.number].is_none() {
                keep.make_room();
                let forward = self.forward.create_cache();
                keep.of[self.number] = Some(Box::new(Kept { forward, backward: None, size: 0, used: 0 }));
            }
            let kept = keep.of[self.number].as_mut().expect("it was just put there");
            kept.used = keep.clock;
            let found = run(kept);
            let size = kept.size();
            keep.size = keep.size - kept.size + size;
            kept.size = size;
            found
        })
    }
}

impl Kept {
    fn size(&self) -> usize {
        self.forward.memory_usage() + self.backward.as_ref().map_or(0, States::memory_usage)
    }
}

impl Keep {
    /// Forgets what was not used for longest, if there is too much.
    fn make_room(&mut self) {
        while self.size > MOST_KEPT {
            let used = |kept: &&mut Option<Box<Kept>>| kept.as_ref().map_or(u64::MAX, |kept| kept.used);
            let oldest = self.of.iter_mut().min_by_key(used).and_then(Option::take);
            self.size -= oldest.map_or(self.size, |oldest| oldest.size);
        }
    }
}

fn compiled(pattern: &str, reverse: bool) -> Result<NFA, Failure> {
    let captures = if reverse { WhichCaptures::None } else { WhichCaptures::All };
    let config = thompson::Config::new()
        .utf8(false)
        .reverse(reverse)
        .which_captures(captures)
        .nfa_size_limit(Some(LARGEST));
    let parsed = syntax::parse_with(pattern, &rule::syntax())?;
    Ok(NFA::compiler().configure(config).build_from_hir(&unbounded(parsed))?)
}

/// A pattern without the ends of its long repetitions, of which a machine has a state for each: the body of a private key
/// would take longer to compile than a repository to scan. The window that a pattern is run on has its bounds.
fn unbounded(pattern: Hir) -> Hir {
    let all = |parts: Vec<Hir>| parts.into_iter().map(unbounded).collect();
    match pattern.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let max = max.filter(|max| *max < LONG);
            Hir::repetition(Repetition { min, max, greedy, sub: Box::new(unbounded(*sub)) })
        }
        HirKind::Capture(Capture { sub, index, name }) => {
            Hir::capture(Capture { index, name, sub: Box::new(unbounded(*sub)) })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
    }
}

fn automaton(nfa: NFA, kind: MatchKind) -> Result<DFA, Failure> {
    let config = DFA::config()
        .match_kind(kind)
        .cache_capacity(LAZY_STATES)
        .skip_cache_capacity_check(true)
        .minimum_cache_clear_count(Some(MOST_CLEARED))
        .minimum_bytes_per_state(Some(10));
    Ok(DFA::builder().configure(config).build_from_nfa(nfa)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Patterns of every kind that rules have: groups that may not take part, edges, preference among alternatives.
    const PATTERNS: [&str; 7] = [
        r"\bab(?P<secret>[a-c]{1,3})\b",
        r"[a-c]{0,4}b(?:=(?P<secret>a{1,3}))?",
        r"(?P<secret>a|ab|abc)(?:c|=)",
        r"(?m)^a(?P<secret>[bc]{1,4})$",
        r"(?i:AB?)[ =]{0,2}(?P<secret>[a-c]{2})?c",
        r"(?:(?P<secret>ab{0,2}?)|b)c{0,3}",
        r"[^\n]{0,6}?b(?P<secret>=)a",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        /// The machine finds what the library's own regular expressions find.
        #[test]
        fn agrees_with_the_library(
            number in 0..PATTERNS.len(), text in "[abc= \nA-C]{0,24}", from in 0..24usize, to in 0..24usize, anchored: bool,
        ) {
            let span = from.min(text.len())..to.clamp(from.min(text.len()), text.len());
            let anchored = if anchored { Anchored::Yes } else { Anchored::No };
            let input = Input::new(text.as_bytes()).span(span).anchored(anchored);
            let machine = Machine::new(PATTERNS[number], "secret").unwrap();
            let regex = super::super::compiled::regex(PATTERNS[number]).unwrap();
            let mut captures = regex.create_captures();
            regex.search_captures(&input, &mut captures);
            let found = machine.find(&input);
            prop_assert_eq!(&found, &captures.get_match().map(|found| found.range()));
            if let Some(found) = found {
                let group = captures.get_group_by_name("secret").map_or(found.clone(), |group| group.range());
                prop_assert_eq!(machine.group(&input, found), group);
            }
        }
    }

    #[test]
    fn a_long_body_has_no_state_for_each_of_its_signs() {
        let pattern = r"-BEGIN-[\sa-z]{10,12000}?(?P<secret>-END-)";
        assert!(compiled(pattern, false).unwrap().memory_usage() < 1 << 16);
        let machine = Machine::new(pattern, "secret").unwrap();
        for (signs, is_key) in [(9, false), (10, true), (11_900, true)] {
            let text = format!("x-BEGIN-{}-END-", "a\n".repeat(signs).split_at(signs).0);
            let found = machine.find(&Input::new(text.as_bytes()));
            assert_eq!(found, is_key.then_some(1..text.len()), "{signs} signs");
        }
    }

    #[test]
    fn what_a_thread_keeps_is_bounded_and_what_it_forgot_works() {
        let machines: Vec<Machine> =
            (0..4000).map(|number| Machine::new(&format!("x{number}y[a-z]{{9}}"), "").unwrap()).collect();
        for _ in 0..2 {
            for (number, machine) in machines.iter().enumerate() {
                let text = format!("..x{number}yabcdefghi");
                assert_eq!(machine.find(&Input::new(text.as_bytes())), Some(2..text.len()));
                assert_eq!(machine.simulate(&Input::new(text.as_bytes()), 0), Some(2..text.len()));
            }
        }
        let (size, count) = KEEP.with_borrow(|keep| (keep.size, keep.of.iter().flatten().count()));
        let sum: usize = KEEP.with_borrow(|keep| keep.of.iter().flatten().map(|kept| kept.size()).sum());
        assert!(size == sum && size < MOST_KEPT + (1 << 16), "{size} {sum}");
        assert!(count > 100 && count < machines.len(), "{count}");
        assert_eq!(SIMULATIONS.with_borrow(Vec::len), MOST_SIMULATED);
    }
}
