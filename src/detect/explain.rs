//! Why a value was not reported: what the rules that go by a name considered in a text and refused.

use super::{Detector, Error, Match, Refusal};
use std::collections::BTreeMap;
use std::ops::Range;

/// A value that a rule considered and that is no secret to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule's place in [`Detector::rules`].
    pub rule: usize,
    /// The bytes of the value.
    pub value: Range<usize>,
    /// Why it is none.
    pub refusal: Refusal,
}

impl Detector {
    /// The values in the plain text that rules considered and refused, and that share no byte with what was found there;
    /// each once, by the first rule that refused it. Only rules that judge a value by what its name promises are asked: the
    /// others refuse what has not their format.
    ///
    /// # Errors
    /// As [`Detector::scan`].
    pub fn refused(&self, bytes: &[u8], found: &[Match]) -> Result<Vec<Refused>, Error> {
        let mut refused = BTreeMap::new();
        let mut failure = Ok(());
        self.prefilter.each_hit(bytes, |hit| {
            for &rule in self.prefilter.rules_of(hit.keyword) {
                if failure.is_err() || self.rules[rule].promise.is_none() {
                    continue;
                }
                let keep = &mut |value: Range<usize>, refusal| {
                    refused.entry((value.start, value.end)).or_insert((rule, refusal));
                };
                let looked = self.compiled[rule].find_or_refuse(&self.rules[rule], bytes, &hit.range, keep);
                failure = looked.map(drop);
            }
        });
        failure?;
        let is_apart = |value: &Range<usize>| {
            let shares = |found: &Match| found.secret.start < value.end && value.start < found.secret.end;
            !found.iter().any(shares)
        };
        let refused = refused
            .into_iter()
            .filter(|((start, end), _)| start < end)
            .map(|((start, end), (rule, refusal))| Refused { rule, value: start..end, refusal });
        Ok(refused.filter(|refused| is_apart(&refused.value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::{Detector, Refusal};

    #[test]
    fn each_refused_value_is_told_with_its_reason_and_what_is_found_is_not() {
        let random = "kT9".to_owned() + "vQ2xW7" + "mZ4pL8";
        let text = format!("password = 'changeme'\ndb_password = os.environ['X']\npassword = '{random}'\n");
        let detector = Detector::new(crate::rule::builtin()).unwrap();
        let found = detector.scan(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 1);
        let refused = detector.refused(text.as_bytes(), &found).unwrap();
        let told: Vec<_> =
            refused.iter().map(|refused| (&text[refused.value.clone()], refused.refusal)).collect();
        assert!(told.contains(&("changeme", Refusal::Placeholder)), "{told:?}");
        assert!(told.iter().any(|(value, _)| value.starts_with("os.environ")), "{told:?}");
        assert!(!told.iter().any(|(value, _)| value.contains(&random)), "{told:?}");
    }
}
