//! The hardening of `auth_sessions` on a real PostgreSQL, which `tests/run` starts.

#![expect(clippy::unwrap_used, reason = "a test's own set-up may panic as the test may")]

mod advice; // what any other session table lacks, on each database
#[cfg(unix)]
mod advice_stops; // what ends half-way of it, by kill -9 or Ctrl-C
mod backups; // what the backup is good for that is made first
mod behaviour; // verify notices whatever is broken, and leaves nothing behind
#[cfg(unix)]
mod crash; // kill -9 in each step of an apply and of a rollback, then once more
#[cfg(unix)]
mod interrupt; // Ctrl-C between steps and while others hold the lock
mod locks; // held locks, two runs at once, builds that were stopped, traffic all the while
mod on; // a table without keys on each database
mod refusals; // what stands in the way is said, and nothing is changed
mod rights; // who may do what afterwards
mod rounds; // apply, rollback, apply, and the exported SQL: the same catalogue each time
mod search_path; // what a role puts before the functions' own names is not reached
#[cfg(unix)]
mod standby; // a real standby: what reads goes on, what writes is refused with a clear message
mod table; // a table of sessions of its own for each test
mod uses; // status, revoke, and advice for other session tables
mod values; // what old rows are given
