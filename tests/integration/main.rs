//! One integration target; each module says what it holds.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails, fails the test")]

mod accounts; // weak passwords in files that keep accounts
mod archives; // archives in every form and depth, and what is said when one is not read to its end
mod baseline; // unleak baseline: what it knows, what is new beside it, and what is gone
mod cache; // what a scan keeps for the next one: the same report, nothing secret, no trust in what comes with a repository
mod configuration; // what a configuration may leave out, from where it is read, and that the report says so
mod damage; // a damaged pack or index: every flipped byte is told
mod delta; // the engine that reads deltas, held against a scan of every whole blob
mod demo; // unleak demo: its facts, what it leaves behind, and that it shows no secret
mod documents; // office files and PDF: the text as a person reads it, and where it stands
mod encodings; // secrets that do not stand in plain text, in every place that a scan reads
mod every_rule; // random tokens of every rule, and what only looks like one
mod explain; // scan --explain: where a value was considered and why it is not reported
#[cfg(unix)] // starts and stops the application by a shell script
mod express; // the main job: a real Express application, its secret rotated and its sessions ended
mod history; // findings and first commits over random histories, held against git
#[cfg(unix)]
mod hook; // the pre-commit hook, run by git itself
mod ignore; // .unleakignore: what it leaves out, what it never does, and that the report says so
mod known; // scan --known-from: every encoding, every place, what is refused, and that no value is shown
mod layers; // the arrows between the modules, and the form of the source tree
mod parts; // credentials of several parts, and files whose name tells what they hold
#[cfg(unix)] // other systems refuse such names
mod paths; // paths that are no text, hostile names, and where a report can be written to
#[cfg(unix)] // the hook is a shell script
mod places; // every place in which a repository can hold a secret
mod programs; // the files in which programs keep their passwords
mod push; // a push that a pre-receive hook scans before git accepts it
mod repo; // a real repository for a test, and the binary in it
mod report; // the report formats, against their schemas
mod rotate; // unleak rotate against a real application and store: every way it can end, and that nothing leaks
mod rules; // the built-in rules, rule files, and `unleak rules`
mod scan; // unleak scan: every source, what it must find there, and what it must not pass over in silence
mod schema; // unleak schema on a real PostgreSQL: plan, apply, verify, rollback, crashes, refusals
mod serve; // unleak serve: API, page, metrics, who is let in
mod session; // session stores: detection, counts, backup and purge on real PostgreSQL and SQLite
mod tokens; // live-looking credentials, made at run time
#[cfg(unix)] // starts applications by a shell script
mod verify; // forward-auth: every verdict, real applications behind real proxies, and that a database that is away clears nothing
mod worktree; // files on disk and in the index that git's status does not speak of, and repositories that are damaged there
