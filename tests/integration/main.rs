//! One integration target; each module says what it holds.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails, fails the test")]

#[cfg(unix)]
mod hook; // the pre-commit hook, run by git itself
mod report; // the report formats, against their schemas
mod rules; // the built-in rules, rule files, and `unleak rules`
