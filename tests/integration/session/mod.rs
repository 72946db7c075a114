//! Session stores on real servers (PostgreSQL, MariaDB and Redis, started by `tests/run`) and on SQLite files.

#![expect(clippy::unwrap_used, reason = "a test's own set-up may panic as the test may")]

mod backups; // what a backup file gives away and what it refuses
mod commands; // unleak sessions and unleak audit as an operator runs them
mod cut; // a network that is cut in the middle of every procedure
mod detect; // every framework's DDL, hostile names, what is no session table
mod dialects; // every dialect on every database, in the tables that its framework makes
mod faults; // connections that fail, locks, killed servers, full disks
pub(crate) mod fixture; // a database of its own for each test
mod guards; // what procedures and restores refuse, mostly on SQLite
mod halves; // a large table of PostgreSQL that is emptied in two places at once
mod hostile; // NULLs, ten megabytes, quotes, what is no JSON
mod kill; // kill -9 between batches and in them
mod memory; // a purge of many rows in constant memory
mod monitoring; // check and stats: networks, growth, what a store can never tell
pub(crate) mod mysql; // dialects, purge, restore, refusals on MariaDB
mod mysql_selection; // what only MySQL does: collations, keys, zones, locks of rows that are not selected
mod operator; // an own table in the configuration, networks, watch, logs
mod parts; // partitioned tables, and views
mod place; // one store of each kind, so that the same test runs on all
mod postgres_selection; // what only PostgreSQL does: collations of two columns
mod proxy; // a TCP proxy before a real server
mod purge; // backup, purge, restore on PostgreSQL
mod races; // two at work on the same sessions, and connections that are lost: what is told
mod redis; // detection, purge, restore on Redis, alone and as a cluster
mod redis_network; // Sentinel with a failover, TLS
mod redis_order; // two purges at once, and in which order their backups come back
mod redis_own; // servers of a test's own
mod redis_refusals; // accounts and servers that Redis cannot be purged with
mod redis_selection; // the same selections on Redis, and what has no meaning there
mod restart; // a server that is killed and started again, between batches and in one
mod selection; // which rows each selection takes, on every database, against a plain model
mod several; // several backups in one run, and few of them while people log in
mod sqlite; // the same on SQLite
mod zones; // expiries without a zone
