//! express-session with better-sqlite3-session-store: `sessions(sid, sess, expire)`, where `expire` is ISO 8601
//! text in UTC.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "better-sqlite3-session-store",
    aliases: &["better-sqlite3"],
    kinds: &[StoreKind::Sqlite],
    class: StoreClass::A,
    form: Form::Table(Columns { token: "sid", expiry: Expiry::time("expire"), user: None, also: &["sess"] }),
};
