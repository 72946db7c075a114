//! The hardened form of `auth_sessions` on PostgreSQL: planned, applied beside live traffic, verified, rolled back.
//!
//! What must exist is data: `objects` lists every object once, with what defines it. The plan, the exported SQL, the
//! apply, the verification and the rollback are all derived from that list and from what the catalogue says; a
//! temporary copy of the table tells how the server itself spells what is wanted. What an apply changes is written to
//! a journal in the state folder first, and a rollback undoes exactly that.

mod advice;
mod alone;
mod audit;
mod base;
mod behaviour;
mod build;
mod catalogue;
mod columns;
mod constraints;
mod course;
mod error;
mod fault;
mod fill;
mod functions;
mod hardening;
mod indexes;
mod journal;
mod names;
mod object;
mod objects;
mod plan;
mod prerequisites;
mod probe;
mod progress;
mod rollback;
mod runner;
mod script;
mod status;
mod stop;
mod template;
mod undo;
mod verify;
mod views;

pub use advice::{Advice, AdviceBack, AdviceUndone, Followed, Lack, advise, unique_token};
pub use catalogue::State;
pub use course::Course;
pub use error::{Error, Problem};
pub use fault::Fault;
pub use hardening::Hardening;
pub use object::Kind;
pub use plan::{Action, Plan, Step};
pub use progress::Progress;
pub use rollback::{RolledBack, Way};
pub use runner::{Applied, Settings};
pub use status::{Numbers, Status};
pub use verify::{Check, Outcome, Verification};
