//! One integration target; each module says what it holds.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails, fails the test")]

#[cfg(unix)] // starts and stops the application by a shell script
mod express; // the main job: a real Express application, its secret rotated and its sessions ended
#[cfg(unix)]
mod hook; // the pre-commit hook, run by git itself
mod layers; // the arrows between the modules, and the form of the source tree
mod report; // the report formats, against their schemas
