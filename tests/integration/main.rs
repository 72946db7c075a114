//! One integration target; each module says what it holds.

#[cfg(unix)]
mod hook; // the pre-commit hook, run by git itself
mod report; // the report formats, against their schemas
