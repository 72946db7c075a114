//! An emergency rotation as a transaction: plan → journal → steps → incident.
//!
//! [`Plan::prepare`] looks at everything and changes nothing. [`run`] acts on the plan and nothing else: new value →
//! reload → health → purge → purge again → verify → report. A failure before the first reload takes half-done writes back;
//! from then on a leaked value stays out, see `standing`. It tells what it does through a callback, and writes a report in which every line says what was really checked.

mod before;
mod bounded;
mod canary;
mod claim;
mod command;
mod downtime;
mod error;
mod evidence;
mod exposure;
mod fault;
mod framework;
mod generate;
mod http;
mod id;
mod incident;
mod journal;
mod memo;
mod opened;
mod plan;
mod protection;
mod reload;
mod seal;
mod standing;
mod step;
mod stop;
mod store;
mod strength;
mod target;
mod transaction;
mod unfinished;
mod warnings;
mod way_back;

pub use canary::{Forge, Forgery, Login, Probe};
pub use downtime::Downtime;
pub use error::Error;
pub use evidence::{Answer, Check, Moment, Round, Sent, Status};
pub use exposure::{ExposedPlace, Exposure};
pub use fault::Fault;
pub use framework::Framework;
pub use generate::{Custom, Format, Shape};
pub use http::Address;
pub use id::IncidentId;
pub use incident::{Entry, Incident, ReportForm, Severity, list as incidents, report, verify};
pub use journal::{Kind, Record, read_journal};
pub use memo::remembered;
pub use plan::{Health, Plan, Request};
pub use protection::{Protection, protect};
pub use reload::Reload;
pub use step::Step;
pub use stop::Stop;
pub use store::StoreAccess;
pub use strength::Strength;
pub use target::{Surroundings, Target};
pub use transaction::{Ending, Event, Outcome, abort, run};
