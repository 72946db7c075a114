//! express-session with connect-sqlite3: `sessions(sid, expired, sess)`, where `expired` is Unix milliseconds.

use super::{Columns, Dialect, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "connect-sqlite3",
    aliases: &[],
    kinds: &[StoreKind::Sqlite],
    class: StoreClass::A,
    form: Form::Table(Columns { token: "sid", expires: "expired", user: None, also: &["sess"] }),
};
