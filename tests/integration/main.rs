//! One integration target; each module says what it holds.

mod rotate;
mod session; // session stores: detection, counts, backup and purge on real PostgreSQL and SQLite // unleak rotate against a real application and store: every way it can end, and that nothing leaks
