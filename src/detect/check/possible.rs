//! What a pattern can match at all, without any text: whether a keyword can stand in a match, and what the pattern costs.

use super::Kind;
use crate::rule::{self, Rule};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;
use std::collections::BTreeSet;

/// A pattern of that many states is large, if one match takes not nearly as many bytes: repetitions stand in repetitions.
const MOST_STATES: usize = 6000;
/// States that one byte of the longest match may take; classes beyond ASCII and choices take several.
const MOST_PER_BYTE: usize = 4;

/// What is wrong with a rule's pattern and keywords by themselves.
pub(super) fn problems(rule: &Rule) -> Vec<Kind> {
    let pattern = rule::expanded(&rule.pattern);
    // What does not compile was told of before.
    let Ok(nfa) = NFA::compiler().syntax(rule::syntax()).build(&pattern) else { return Vec::new() };
    let (possible, foreign): (Vec<_>, Vec<_>) =
        rule.keywords.iter().partition(|keyword| can_hold(&nfa, keyword.as_bytes()));
    let mut kinds = Vec::new();
    if possible.is_empty() {
        kinds.push(Kind::NeverFires);
    } else {
        kinds.extend(foreign.into_iter().map(|keyword| Kind::ForeignKeyword(keyword.to_string())));
    }
    let states = nfa.states().len();
    let span = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&pattern);
    let span = span.ok().and_then(|hir| hir.properties().maximum_len()).unwrap_or(0);
    kinds.extend((states > MOST_STATES && states > MOST_PER_BYTE * span).then_some(Kind::Costly(states)));
    kinds
}

/// Whether some match holds these bytes, in any case of their letters: a walk through the automaton from every state.
fn can_hold(nfa: &NFA, keyword: &[u8]) -> bool {
    let mut at = reachable(nfa);
    for byte in keyword {
        let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        let next: Vec<StateID> = at.iter().flat_map(|id| steps(nfa.state(*id), cases)).collect();
        at = closure(nfa, next);
    }
    !at.is_empty()
}

/// All states of the pattern itself, without those that skip what stands before a match.
fn reachable(nfa: &NFA) -> BTreeSet<StateID> {
    let mut reached = BTreeSet::new();
    let mut open = closure(nfa, vec![nfa.start_anchored()]);
    while !open.is_empty() {
        reached.extend(open.iter().copied());
        let next: Vec<StateID> = open.iter().flat_map(|id| targets(nfa.state(*id))).collect();
        open = closure(nfa, next).difference(&reached).copied().collect();
    }
    reached
}

/// Where any byte leads.
fn targets(state: &State) -> Vec<StateID> {
    match state {
        State::ByteRange { trans } => vec![trans.next],
        State::Sparse(sparse) => sparse.transitions.iter().map(|trans| trans.next).collect(),
        State::Dense(dense) => dense.transitions.iter().copied().filter(|id| *id != StateID::ZERO).collect(),
        _ => Vec::new(),
    }
}

/// Where one byte, in either case, leads.
fn steps(state: &State, cases: [u8; 2]) -> Vec<StateID> {
    let takes = |start: u8, end: u8| cases.iter().any(|byte| (start..=end).contains(byte));
    match state {
        State::ByteRange { trans } => {
            takes(trans.start, trans.end).then_some(trans.next).into_iter().collect()
        }
        State::Sparse(sparse) => {
            let taken = sparse.transitions.iter().filter(|trans| takes(trans.start, trans.end));
            taken.map(|trans| trans.next).collect()
        }
        State::Dense(dense) => {
            let to = cases.iter().map(|byte| dense.transitions[usize::from(*byte)]);
            to.filter(|id| *id != StateID::ZERO).collect()
        }
        _ => Vec::new(),
    }
}

/// All that is reached without a byte.
fn closure(nfa: &NFA, mut open: Vec<StateID>) -> BTreeSet<StateID> {
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        match nfa.state(id) {
            State::Look { next, .. } | State::Capture { next, .. } => open.push(*next),
            State::Union { alternates } => open.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
            _ => {}
        }
    }
    reached
}
