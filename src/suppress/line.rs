//! One line of a file of fingerprints: words, then `key=value` in any order. A value that holds a space or a sign is
//! written as a JSON string. One entry a line and no context, so that merges are unions and a diff shows what changed.

use std::fmt::Write as _;

/// The parts of a line.
pub(super) struct Line<'l> {
    pub(super) words: Vec<&'l str>,
    pub(super) fields: Vec<(&'l str, String)>,
}

impl<'l> Line<'l> {
    /// Takes a line apart.
    pub(super) fn parse(line: &'l str) -> Result<Self, String> {
        let (mut words, mut fields) = (Vec::new(), Vec::<(&str, String)>::new());
        let mut rest = line.trim();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let Some(value) = behind.strip_prefix('=') else {
                if !fields.is_empty() {
                    return Err(format!("`{name}` has no value; one with spaces stands in quotes"));
                }
                words.push(name);
                rest = behind.trim_start();
                continue;
            };
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(format!("`{name}` is given twice"));
            }
            let (value, length) =
                read_value(value).ok_or_else(|| format!("the quotes of `{name}` do not end"))?;
            fields.push((name, value));
            rest = &behind[1 + length..];
            if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
                return Err(format!("a space is missing behind the value of `{name}`"));
            }
            rest = rest.trim_start();
        }
        Ok(Self { words, fields })
    }

    /// Takes a field out; what is left at the end nobody knows.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|(known, _)| *known == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Refuses fields that were not taken.
    pub(super) fn end(&self, known: &str) -> Result<(), String> {
        match self.fields.first() {
            Some((name, _)) => Err(format!("`{name}` is unknown; there are {known}")),
            None => Ok(()),
        }
    }
}

/// A value and how many bytes it takes.
fn read_value(text: &str) -> Option<(String, usize)> {
    if text.starts_with('"') {
        let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let value = strings.next()?.ok()?;
        return Some((value, strings.byte_offset()));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Some((text[..end].to_owned(), end))
}

/// Adds a field to a line.
pub(super) fn write_field(line: &mut String, name: &str, value: &str) {
    let quoted = serde_json::to_string(value).expect("a string becomes JSON");
    write!(line, " {name}={quoted}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_line_is_refused() {
        for line in ["a b reason=\"x", "a reason=\"x\"y", "a x=1 x=2", "a x=1 word"] {
            assert!(Line::parse(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in any::<String>()) {
            let mut line = "ab cd".to_owned();
            write_field(&mut line, "reason", &value);
            write_field(&mut line, "owner", "x");
            prop_assert!(!line.contains('\n'));
            let mut parsed = Line::parse(&line).unwrap();
            prop_assert_eq!(&parsed.words, &["ab", "cd"]);
            prop_assert_eq!(parsed.take("reason"), Some(value));
            prop_assert_eq!(parsed.take("owner"), Some("x".to_owned()));
        }

        #[test]
        fn no_line_makes_it_panic(line in any::<String>()) {
            drop(Line::parse(&line));
        }
    }
}
