//! Values that a configuration allows wherever they stand: published samples, and forms of test data.

use crate::rule;
use regex_automata::Input;
use regex_automata::meta::Regex;
use std::collections::HashSet;

/// Texts and patterns of values that are no leak.
#[derive(Debug, Default)]
pub(super) struct Values {
    exact: HashSet<Vec<u8>>,
    patterns: Vec<Regex>,
}

impl Values {
    pub(super) fn add_exact(&mut self, value: String) {
        self.exact.insert(value.into_bytes());
    }

    /// Adds a pattern of values, which is searched for in them.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn add_pattern(&mut self, pattern: &str) -> Result<(), String> {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .multi_line(true)
            .build()
            .parse(pattern)
            .map_err(|error| one_line(&error))?;
        if hir.properties().minimum_len().is_none_or(|least| least == 0) {
            return Err("it matches the empty text, and so every value".to_owned());
        }
        let regex = Regex::builder().syntax(rule::syntax()).build(pattern);
        self.patterns.push(regex.map_err(|error| error.to_string())?);
        Ok(())
    }

    pub(super) fn holds(&self, value: &[u8]) -> bool {
        self.exact.contains(value) || self.patterns.iter().any(|regex| regex.is_match(Input::new(value)))
    }
}

/// The reason alone, without the excerpt that a syntax error draws.
fn one_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string(),
    }
}
