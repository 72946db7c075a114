//! Flask-Session with SQLAlchemy: `sessions(id, session_id, data, expiry)`, a wall clock in UTC; `data` is msgpack.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "flask-session",
    aliases: &["flask"],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Table(Columns {
        token: "sessionid",
        expiry: Expiry::time("expiry"),
        user: None,
        also: &["data"],
    }),
};
