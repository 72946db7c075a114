//! One integration target; each module says what it holds.
