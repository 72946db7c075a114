//! The form in which the built-in rules are embedded: texts one behind the other, so that to read them is to find their ends.
//! A hook starts the program for every commit; to parse all rules would be most of what it does.
//!
//! `build.rs` writes it.

use super::form::{Filters, Promise, Rule, Text};
use crate::finding::{Confidence, Severity};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Ends a field; the last one of a rule too.
const END: char = '\0';
/// Stands between keywords.
const WORD: char = '\u{1}';
/// How many fields a rule has.
const FIELDS: usize = 7;

/// What is not text, in JSON.
type Rest = (Severity, Confidence, bool, Option<Promise>, Option<Filters>, Vec<Text>);

/// Reads rules, which have no examples; `None` if the text has another form.
pub(super) fn read(text: &'static str) -> Option<Vec<Rule>> {
    let mut fields = text.split_terminator(END);
    let (mut rules, mut rests) = (Vec::new(), HashMap::new());
    while let Some(id) = fields.next() {
        let mut of_rule = [id; FIELDS];
        for field in &mut of_rule[1..] {
            *field = fields.next()?;
        }
        rules.push(rule(&of_rule, &mut rests)?);
    }
    Some(rules)
}

/// Reads a rule. What is not text is the same in many rules, and read once.
fn rule(
    [id, title, pattern, reference, advice, keywords, rest]: &[&'static str; FIELDS],
    rests: &mut HashMap<&'static str, Rest>,
) -> Option<Rule> {
    let known = match rests.entry(rest) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(serde_json::from_str(rest).ok()?),
    };
    let (severity, confidence, named, promise, filters, part_of) = known.clone();
    Some(Rule {
        id: Cow::Borrowed(id),
        title: Cow::Borrowed(title),
        severity,
        confidence,
        keywords: keywords.split(WORD).map(Cow::Borrowed).collect(),
        pattern: Cow::Borrowed(pattern),
        named,
        promise,
        part_of,
        filters: filters.unwrap_or_default(),
        examples: Vec::new(),
        counterexamples: Vec::new(),
        reference: Cow::Borrowed(reference),
        advice: Cow::Borrowed(advice),
    })
}
