//! Lines of standard input: `NAME=value` as in a `.env` file, or a value alone.

use crate::dotenv;
use crate::secret::Secret;

/// Tells every value with its name, or the number of its line.
pub(super) fn each(text: &str, mut tell: impl FnMut(String, &Secret)) {
    let mut taken: Vec<std::ops::Range<usize>> = Vec::new();
    for assignment in dotenv::parse(text) {
        let value = assignment.read(text);
        // The padding of base64 is no value.
        if !value.trim_matches('=').trim().is_empty() && !assignment.is_reference(text) {
            let last = assignment.line + assignment.raw(text).matches('\n').count();
            taken.push(assignment.line..last + 1);
            tell(assignment.name(text).to_owned(), &value.into());
        }
    }
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start_matches('\u{feff}').trim();
        let is_taken = taken.iter().any(|lines| lines.contains(&number));
        if !is_taken && !line.is_empty() && !line.starts_with('#') {
            tell(format!("line {number}"), &line.to_owned().into());
        }
    }
}
