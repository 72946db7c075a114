//! express-session with connect-pg-simple: `"session"(sid, sess json, expire timestamp(6))`.
//!
//! The library writes `expire` through `to_timestamp`, cast in its connection's time zone: a wall clock of the
//! server's zone, not of UTC. Table and schema names are options, so only the columns tell.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "connect-pg-simple",
    aliases: &["express-session"],
    kinds: &[StoreKind::Postgres],
    class: StoreClass::A,
    form: Form::Table(Columns { token: "sid", expiry: Expiry::time("expire"), user: None, also: &["sess"] }),
};
