//! Rules are data: what a credential looks like, how sure that is, and what to do when it leaks.
//!
//! The built-in ones stand in `rules/*.yaml` and are embedded at build time; a user's own have the same form.

mod form;
mod fragment;
mod lead;
mod load;
mod reach;
mod rotation;
mod shape;
mod store;
pub mod template;
mod told;

pub use form::{CharClass, Checksum, Filters, Promise, Rule, Text};
pub use fragment::expanded;
pub use load::{
    Error, Problem, builtin, builtin_with_examples, from_path, from_path_within, from_texts, from_yaml,
    place, syntax,
};
pub use reach::{FEW, Reach, Tail, Unread};
pub use rotation::rotation;
pub use shape::Shape;
pub use told::reach;

/// The pattern as a regular expression of the library, which what is told of patterns is compared with.
#[cfg(test)]
fn searched(pattern: &str) -> Result<regex_automata::meta::Regex, Box<regex_automata::meta::BuildError>> {
    regex_automata::meta::Regex::builder().syntax(syntax()).build(pattern).map_err(Box::new)
}
