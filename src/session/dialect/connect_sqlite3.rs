//! express-session with connect-sqlite3: `sessions(sid, expired, sess)`, where `expired` is Unix milliseconds.

use super::{Columns, Dialect, Expiry, Form, StoreClass, Unit};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "connect-sqlite3",
    aliases: &[],
    kinds: &[StoreKind::Sqlite],
    class: StoreClass::A,
    form: Form::Table(Columns {
        token: "sid",
        expiry: Expiry::new("expired", Unit::Milliseconds),
        user: None,
        also: &["sess"],
    }),
};
