//! One integration target; each module says what it holds.

mod session; // session stores: detection, counts, backup and purge on real PostgreSQL and SQLite
