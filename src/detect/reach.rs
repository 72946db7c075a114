//! What answers about a keyword depend on, and where the pattern of a rule is run for it.

use super::machine::{Failure, Machine};
use crate::rule::{FEW, Reach, Tail};
use regex_automata::{Anchored, Input};
use std::ops::Range;

/// How many bytes count, seen from where a keyword begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Around {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Around {
    /// Nothing counts.
    pub(super) const NONE: Self = Self { before: 0, after: 0 };

    /// What counts where a match can be, with nothing around that its pattern may look at.
    pub(super) fn matches(reach: &Reach) -> Self {
        Self { before: reach.lead(), after: reach.span() }
    }

    /// So many bytes more on both sides.
    pub(super) fn and(self, more: usize) -> Self {
        Self { before: self.before + more, after: self.after + more }
    }

    /// What counts for either.
    pub(super) fn or(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), after: self.after.max(other.after) }
    }

    /// The bytes that count of a text, with a keyword that stands there.
    pub(super) fn of(self, keyword: &Range<usize>, len: usize) -> Range<usize> {
        keyword.start.saturating_sub(self.before)..(keyword.start + self.after).max(keyword.end).min(len)
    }
}

/// Where a pattern is run for a keyword; `None` if it cannot match there.
pub(super) fn input<'a>(reach: &Reach, bytes: &'a [u8], keyword: &Range<usize>) -> Option<Input<'a>> {
    let window = Around::matches(reach).of(keyword, bytes.len());
    let anchored = match reach {
        // The keyword is found in any case, the literal counts in its own; most short ones end here.
        Reach::Prefix { literal, .. } if !bytes[keyword.start..].starts_with(literal) => return None,
        Reach::Within { shape: Some(shape), .. } if !shape.stands_in(&bytes[window.clone()]) => return None,
        Reach::Prefix { .. } => Anchored::Yes,
        Reach::Within { lead, .. } if *lead <= FEW => Anchored::Yes,
        Reach::Within { .. } => Anchored::No,
    };
    Some(Input::new(bytes).span(window).anchored(anchored))
}

/// The end of a pattern, tried before all of it: what stands before a keyword can be much, and costs much to look for.
pub(super) struct Gate {
    machine: Machine,
    before: usize,
}

impl Gate {
    pub(super) fn new(tail: &Tail) -> Result<Self, Failure> {
        Ok(Self { machine: Machine::new(&tail.pattern, "")?, before: tail.before })
    }

    /// Whether the end of a match can begin with this keyword. No more than `input` has is looked at.
    pub(super) fn is_open(&self, input: &Input<'_>, keyword: &Range<usize>) -> bool {
        let first = keyword.start.saturating_sub(self.before).max(input.start());
        (first..=keyword.start).any(|start| {
            let from = input.clone().span(start..input.end()).anchored(Anchored::Yes);
            self.machine.find(&from).is_some()
        })
    }
}
