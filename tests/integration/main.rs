//! One integration target; each module says what it holds.
mod rules; // the built-in rules, rule files, and `unleak rules`
