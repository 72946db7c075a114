//! Holds rules against their own examples, with the detector that scans.

mod possible;

use super::{Detector, Error};
use crate::rule::{Rule, template};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// How often the random part of a line is drawn.
const ROUNDS: u64 = 8;

/// What is wrong with a rule, as its own examples show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {kind}")]
pub struct Problem {
    /// The rule's id.
    pub rule: String,
    /// What is wrong.
    pub kind: Kind,
}

/// The kinds of problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// A line cannot be expanded.
    #[error("the line `{line}` cannot be expanded: {source}")]
    Template {
        /// The line as it stands in the rule file.
        line: String,
        /// What is wrong with it.
        source: template::Error,
    },
    /// An example in which the rule finds nothing.
    #[error("does not find its example `{0}`")]
    Missed(String),
    /// An example in which other rules find more, or know better.
    #[error("shares its example `{line}` with `{other}`")]
    Shared {
        /// The line as it stands in the rule file.
        line: String,
        /// The other rule's id.
        other: String,
    },
    /// A counterexample in which the rule finds something.
    #[error("finds a secret in its counterexample `{0}`")]
    FalseAlarm(String),
    /// A keyword that is in no example: perhaps misspelt, certainly untested.
    #[error("keyword `{0}` is in none of its examples")]
    UntestedKeyword(String),
    /// A keyword that no match of the pattern can hold: it is looked for in vain.
    #[error("no match of the pattern can hold the keyword `{0}`")]
    ForeignKeyword(String),
    /// None of the keywords can stand in a match.
    #[error("can never find anything: no match of the pattern can hold one of its keywords")]
    NeverFires,
    /// A pattern that takes long and much memory wherever a keyword stands.
    #[error("the pattern is large: it compiles to {0} states")]
    Costly(usize),
}

impl Problem {
    /// Whether the rule works all the same.
    pub fn is_warning(&self) -> bool {
        matches!(self.kind, Kind::UntestedKeyword(_) | Kind::ForeignKeyword(_) | Kind::Costly(_))
    }

    /// The field of the rule that it is about.
    pub fn field(&self) -> &'static str {
        match &self.kind {
            Kind::Template { .. } | Kind::Missed(_) | Kind::Shared { .. } => "examples",
            Kind::FalseAlarm(_) => "counterexamples",
            Kind::UntestedKeyword(_) | Kind::ForeignKeyword(_) | Kind::NeverFires => "keywords",
            Kind::Costly(_) => "pattern",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(
            match &self.kind {
                Kind::Template { source, .. } => return source.hint(),
                Kind::Missed(_) => {
                    "is a keyword in it, does the pattern match it, and do the filters let it pass?"
                }
                Kind::Shared { .. } => "narrow one of the two patterns, or drop the rule that adds nothing",
                Kind::FalseAlarm(_) => {
                    "narrow the pattern, or add to `filters.not` what such values have in common"
                }
                Kind::UntestedKeyword(_) => "add an example with it, or drop it",
                Kind::ForeignKeyword(_) => "drop it, or let the pattern match it",
                Kind::NeverFires => "name as keywords what stands in every match",
                Kind::Costly(_) => {
                    "repetitions stand inside repetitions: write smaller ones, {1,40} in place of {1,400}"
                }
            }
            .to_owned(),
        )
    }
}

/// Runs every example and counterexample of the rules, among all of them. The same rules give the same answer.
///
/// # Errors
/// When the rules make no detector.
pub fn check(rules: &[Rule]) -> Result<Vec<Problem>, Error> {
    let detector = Detector::new(rules.to_vec())?;
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let subject = Subject { detector: &detector, index };
        let mut kinds = Vec::new();
        for line in &rule.examples {
            kinds.extend(subject.over_rounds(line, Subject::example)?);
        }
        for line in &rule.counterexamples {
            kinds.extend(subject.over_rounds(line, Subject::counterexample)?);
        }
        kinds.extend(untested_keywords(rule));
        kinds.extend(possible::problems(rule));
        problems.extend(kinds.into_iter().map(|kind| Problem { rule: rule.id.to_string(), kind }));
    }
    Ok(problems)
}

/// One rule among all the others.
struct Subject<'d> {
    detector: &'d Detector,
    index: usize,
}

impl Subject<'_> {
    /// The first problem of a line, over several draws of its random part.
    fn over_rounds(
        &self,
        line: &str,
        judge: fn(&Self, &str, &str) -> Result<Option<Kind>, Error>,
    ) -> Result<Option<Kind>, Error> {
        for round in 0..ROUNDS {
            let kind = match template::expand(line, &mut StdRng::seed_from_u64(round)) {
                Ok(text) => judge(self, line, &text)?,
                Err(source) => Some(Kind::Template { line: line.to_owned(), source }),
            };
            if kind.is_some() {
                return Ok(kind);
            }
        }
        Ok(None)
    }

    fn example(&self, line: &str, text: &str) -> Result<Option<Kind>, Error> {
        let found = self.detector.scan(text.as_bytes())?;
        if let Some(other) = found.iter().find(|found| found.rule != self.index) {
            let other = self.detector.rules()[other.rule].id.to_string();
            return Ok(Some(Kind::Shared { line: line.to_owned(), other }));
        }
        Ok(found.is_empty().then(|| Kind::Missed(line.to_owned())))
    }

    fn counterexample(&self, line: &str, text: &str) -> Result<Option<Kind>, Error> {
        let found = self.detector.scan(text.as_bytes())?;
        let is_alarm = found.iter().any(|found| found.rule == self.index);
        Ok(is_alarm.then(|| Kind::FalseAlarm(line.to_owned())))
    }
}

fn untested_keywords(rule: &Rule) -> Vec<Kind> {
    let examples: Vec<String> = rule.examples.iter().map(|line| line.to_ascii_lowercase()).collect();
    let occurs = |keyword: &str| examples.iter().any(|line| line.contains(&keyword.to_ascii_lowercase()));
    // One spelling of several is enough: they are one name written with `_`, `-`, `.` or none.
    let tested = rule.keywords.iter().any(|keyword| occurs(keyword));
    let first = rule.keywords.first().filter(|_| !tested);
    first.map(|keyword| Kind::UntestedKeyword(keyword.to_string())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;

    fn kinds(yaml: &str) -> Vec<Kind> {
        let rules = rule::from_yaml("test.yaml", yaml).unwrap();
        check(&rules).unwrap().into_iter().map(|problem| problem.kind).collect()
    }

    fn yaml(pattern: &str, example: &str, counterexample: &str) -> String {
        format!(
            "- {{id: acme, title: A, severity: high, confidence: high, keywords: [acme_], pattern: '{pattern}', \
             examples: ['{example}', 'acme_{{{{hex:12}}}}'], counterexamples: ['{counterexample}', 'x'], \
             reference: 'https://acme.dev/', advice: B}}"
        )
    }

    #[test]
    fn a_sound_rule_has_no_problem() {
        assert_eq!(kinds(&yaml(r"\bacme_[a-f0-9]{12}\b", "k=acme_{{hex:12}}", "acme_{{hex:11}}")), []);
    }

    #[test]
    fn each_kind_of_problem_is_told() {
        let pattern = r"\bacme_[a-f0-9]{12}\b";
        assert!(matches!(kinds(&yaml(pattern, "acme_{{hexx:12}}", "x")).as_slice(), [Kind::Template { .. }]));
        assert!(matches!(kinds(&yaml(pattern, "acme_{{hex:9}}", "x")).as_slice(), [Kind::Missed(_)]));
        assert!(matches!(
            kinds(&yaml(pattern, "acme_{{hex:12}}", "acme_{{hex:12}}")).as_slice(),
            [Kind::FalseAlarm(_)]
        ));
    }

    #[test]
    fn what_can_never_fire_or_costs_much_is_told() {
        let never = yaml(r"\bother_[a-f0-9]{12}\b", "k=other_{{hex:12}}", "x");
        assert!(kinds(&never).contains(&Kind::NeverFires), "{:?}", kinds(&never));
        let one =
            yaml(r"\bacme_[a-f0-9]{12}\b", "k=acme_{{hex:12}}", "x").replace("[acme_]", "[acme_, acma_]");
        assert_eq!(kinds(&one), [Kind::ForeignKeyword("acma_".to_owned())]);
        let words = "red|blue|green|black|white|pink|teal|gold|gray|cyan|lime|navy|ruby|rust|sand|snow";
        let large = yaml(&format!("acme_(?:(?:{words})-?){{12,300}}"), "k=acme_{{hex:12}}", "x");
        assert!(kinds(&large).iter().any(|kind| matches!(kind, Kind::Costly(_))), "{:?}", kinds(&large));
    }

    #[test]
    fn the_built_in_rules_keep_their_promises() {
        let problems = check(&rule::builtin_with_examples()).unwrap();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }
}
