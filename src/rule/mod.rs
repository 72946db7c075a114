//! Rules are data: what a credential looks like, how sure that is, and what to do when it leaks.
//!
//! The built-in ones stand in `rules/*.yaml` and are embedded at build time; a user's own have the same form.

mod form;
mod fragment;
mod load;
mod rotation;
mod store;
pub mod template;

pub use form::{CharClass, Checksum, Filters, Promise, Rule, Text};
pub use fragment::expanded;
pub use load::{
    Error, Problem, builtin, builtin_with_examples, from_path, from_path_within, from_texts, from_yaml,
    place, syntax,
};
pub use rotation::rotation;
