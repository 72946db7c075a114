//! How a value is shown when it must not be: enough to recognise what it is, nothing that helps to guess it.
//!
//! A value becomes stars, always eight. Two things are kept, because the rule's name says them already: the literal
//! that every token of a provider starts with (`ghp_`), and the first line of a private key. A name or a path that
//! holds a found value is masked too: a report must not leak by its locations what it hides in its values.

use crate::finding::{Finding, Occurrence, Place, References, Scan};
use crate::rule::Rule;
use crate::secret::{Secret, Values};
use std::borrow::Cow;

use super::Options;

/// What stands for the hidden part; its length says nothing about the value's.
const STARS: &str = "********";
/// A prefix is shown only of a value at least this long …
const SHORTEST_WITH_PREFIX: usize = 20;
/// … and only when at least this much stays hidden.
const LEAST_HIDDEN: usize = 16;

/// Knows every value of the scan, and hides them.
pub(super) struct Redactor<'a> {
    rules: &'a [Rule],
    values: Values<'a>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(scan: &'a Scan, options: &Options<'a>) -> Self {
        let all = scan.findings.iter().map(|finding| &finding.secret).chain(&scan.hidden);
        let hidden = all.filter(|_| !options.show_secrets).map(Secret::expose);
        Self { rules: options.rules, values: Values::new(hidden) }
    }

    /// The value of a finding as anybody may see it.
    pub(super) fn value(&self, finding: &Finding) -> String {
        let value = finding.secret.expose();
        match key_header(value) {
            Some(header) => format!("{header} {STARS}"),
            None => format!("{}{STARS}", self.prefix(finding).unwrap_or_default()),
        }
    }

    /// The public prefix of a value: the longest keyword of its rule that it starts with, when the format alone
    /// is the proof. A rule that goes by names has keywords that a weak password may start with, or that are words of it.
    fn prefix(&self, finding: &Finding) -> Option<&str> {
        let value = finding.secret.expose();
        let rule = self.rules.iter().find(|rule| rule.id == finding.rule)?;
        let is_format = !rule.named && rule.promise.is_none();
        let documented = rule.confidence == crate::finding::Confidence::High && is_format;
        let keywords = rule.keywords.iter().filter(|word| value.starts_with(word.as_bytes()));
        let prefix = keywords.max_by_key(|word| word.len())?;
        let enough = value.len() >= SHORTEST_WITH_PREFIX && value.len() - prefix.len() >= LEAST_HIDDEN;
        (documented && enough).then_some(&**prefix)
    }

    /// A path or a name without the values that it may hold.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let places = self.values.find(text.as_bytes());
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut masked, mut at) = (Vec::with_capacity(text.len()), 0);
        for place in places {
            masked.extend_from_slice(&text.as_bytes()[at..place.start]);
            masked.extend_from_slice(STARS.as_bytes());
            at = place.end;
        }
        masked.extend_from_slice(&text.as_bytes()[at..]);
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// A place without the values that its path, author or archive member may hold.
    pub(super) fn occurrence(&self, occurrence: &Occurrence) -> Occurrence {
        let masked = |text: &Option<String>| text.as_deref().map(|text| self.text(text).into_owned());
        Occurrence {
            path: masked(&occurrence.path),
            author: masked(&occurrence.author),
            references: occurrence.references.as_ref().map(|References { count, names }| References {
                count: *count,
                names: names.iter().map(|name| self.text(name).into_owned()).collect(),
            }),
            place: match &occurrence.place {
                Place::Archive(member) => Place::Archive(self.text(member).into_owned()),
                place => place.clone(),
            },
            ..occurrence.clone()
        }
    }
}

/// The first line of a value in PEM form, when it is nothing but that.
fn key_header(value: &[u8]) -> Option<&str> {
    let rest = value.strip_prefix(b"-----BEGIN ")?;
    let label = rest.windows(5).position(|window| window == b"-----")?;
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let fits = label <= 40 && rest[..label].iter().all(plain);
    fits.then(|| std::str::from_utf8(&value[..11 + label + 5]).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{finding, options, rule};
    use super::*;
    use crate::finding::Confidence;
    use proptest::prelude::*;

    fn shown(value: &str, rules: &[Rule]) -> String {
        let scan = Scan { findings: vec![finding(value)], ..Scan::default() };
        let redactor = Redactor::new(&scan, &options(rules));
        redactor.value(&scan.findings[0])
    }

    #[test]
    fn a_documented_prefix_is_shown_and_nothing_of_the_rest() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        assert_eq!(shown(&token, &[rule(Confidence::High)]), "ghp_********");
        assert_eq!(shown(&token, &[rule(Confidence::Medium)]), "********");
        assert_eq!(shown("ghp_short", &[rule(Confidence::High)]), "********");
        assert_eq!(shown(&token, &[]), "********");
    }

    #[test]
    fn of_a_key_only_the_header_is_shown() {
        let label = ["RSA", "PRIVATE KEY"].join(" ");
        let key = format!("-----BEGIN {label}-----\nMIIabc\n-----END {label}-----");
        assert_eq!(shown(&key, &[]), format!("-----BEGIN {label}----- ********"));
        assert_eq!(shown("-----BEGIN my password is this-----", &[]), "********");
        assert_eq!(shown("-----BEGIN ", &[]), "********");
    }

    proptest! {
        #[test]
        fn no_part_of_a_value_is_shown(value in "[!-)+-~]{1,80}") {
            prop_assume!(!value.starts_with("ghp_"));
            prop_assert_eq!(shown(&value, &[rule(Confidence::High)]), STARS);
        }

        #[test]
        fn a_path_that_holds_a_value_is_masked(value in "[a-zA-Z0-9]{8,40}", before in "[a-z/]{0,9}") {
            let scan = Scan { findings: vec![finding(&value)], ..Scan::default() };
            let redactor = Redactor::new(&scan, &options(&[]));
            let path = format!("{before}{value}.txt");
            prop_assert!(!redactor.text(&path).contains(&value));
        }
    }
}
