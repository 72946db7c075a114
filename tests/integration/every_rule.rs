//! Random tokens of every rule: each is found, and what only looks like one is not.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::sync::LazyLock;
use unleak::detect::Detector;
use unleak::rule::{self, Rule, template};

/// What tokens are made of. They are the same in every run: of random ones a few are stand-ins by chance.
const SEEDS: std::ops::Range<u64> = 0..3;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new(rule::builtin_with_examples()).unwrap());

/// What documents and templates put in the place of a value; `_` is as long as that.
const STAND_INS: [&str; 8] = [
    "_",
    "${SECRET}",
    "<your-secret>",
    "{{ .Values.secret }}",
    "********",
    "changeme",
    "[REDACTED]",
    "$(pass show app)",
];

/// A text with a random token of a rule.
fn valid(rule: &Rule, example: usize, seed: u64) -> String {
    let line = &rule.examples[example % rule.examples.len()];
    template::expand(line, &mut StdRng::seed_from_u64(seed)).unwrap()
}

/// The places of what a rule finds in a text.
fn places(text: &str, rule: usize) -> Vec<std::ops::Range<usize>> {
    let found = DETECTOR.scan(text.as_bytes()).unwrap();
    found.into_iter().filter(|found| found.rule == rule).map(|found| found.secret).collect()
}

/// What is wrong with what a rule finds in random tokens and beside them.
fn problem(index: usize, example: usize, seed: u64) -> Option<String> {
    let rule = &DETECTOR.rules()[index];
    let text = valid(rule, example, seed);
    let found = places(&text, index);
    let Some(secret) = found.first() else { return Some(format!("{} misses {text}", rule.id)) };
    let value = &text[secret.clone()];
    if rule.filters.allow_placeholders || value.contains("-----BEGIN") {
        return None;
    }
    STAND_INS.iter().find_map(|stand_in| {
        let stand_in = if *stand_in == "_" { "x".repeat(value.len()) } else { (*stand_in).to_owned() };
        let near = text.replace(value, &stand_in);
        // A text with two secrets still holds the other one.
        let is_alarm = places(&near, index).into_iter().any(|found| near[found].contains(&stand_in));
        is_alarm.then(|| format!("{} takes {stand_in} for a secret: {near}", rule.id))
    })
}

#[test]
fn every_rule_finds_its_tokens_and_no_stand_ins() {
    let rules = DETECTOR.rules().iter().enumerate();
    let examples =
        rules.flat_map(|(index, rule)| (0..rule.examples.len()).map(move |example| (index, example)));
    let problems: Vec<String> = examples
        .flat_map(|(index, example)| SEEDS.filter_map(move |seed| problem(index, example, seed)))
        .collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn a_wrong_check_digit_makes_a_token_none() {
    let mut checked = 0;
    for (index, rule) in
        DETECTOR.rules().iter().enumerate().filter(|(_, rule)| rule.filters.checksum.is_some())
    {
        for seed in 0..20 {
            let text = valid(rule, 0, seed);
            let secret = places(&text, index).remove(0);
            let last = text.as_bytes()[secret.end - 1];
            let other = if last == b'0' { '1' } else { '0' };
            let near = format!("{}{other}{}", &text[..secret.end - 1], &text[secret.end..]);
            assert!(places(&near, index).is_empty(), "{} takes {near}", rule.id);
        }
        checked += 1;
    }
    assert!(checked > 0);
}

/// A token in the middle of a longer run of its own characters is a part of something else.
#[test]
fn a_token_inside_a_longer_word_is_none() {
    let prefixed =
        DETECTOR.rules().iter().enumerate().filter(|(_, rule)| {
            rule.pattern.starts_with(r"\b(?P<secret>") && rule.pattern.ends_with(r"{{end}}")
        });
    for (index, rule) in prefixed {
        for seed in SEEDS {
            let text = valid(rule, 0, seed);
            if let Some(secret) = places(&text, index).first() {
                let glued = format!("{}k{}", &text[..secret.start], &text[secret.start..]);
                assert!(places(&glued, index).is_empty(), "{}", rule.id);
            }
        }
    }
}
