//! express-session with express-mysql-session: `sessions(session_id, expires, data)`, where `expires` is Unix
//! seconds. The names are options; these are the library's own.

use super::{Columns, Dialect, Expiry, Form, StoreClass, Unit};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "express-mysql-session",
    aliases: &["express-session"],
    kinds: &[StoreKind::MySql],
    class: StoreClass::A,
    form: Form::Table(Columns {
        token: "sessionid",
        expiry: Expiry::new("expires", Unit::Seconds),
        user: None,
        also: &["data"],
    }),
};
