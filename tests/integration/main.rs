//! One integration target; each module says what it holds.

mod rotate; // every way a rotation can end, on a real application and store, and that nothing leaks
mod session; // session stores: detection, counts, backup and purge on real PostgreSQL and SQLite
