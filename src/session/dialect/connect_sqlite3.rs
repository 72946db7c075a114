//! express-session with connect-sqlite3: `sessions(sid, expired, sess)`, where `expired` is Unix milliseconds.

use super::{Dialect, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "connect-sqlite3",
    aliases: &[],
    kinds: &[StoreKind::Sqlite],
    class: StoreClass::A,
    token: "sid",
    expires: "expired",
    user: None,
    also: &["sess"],
};
