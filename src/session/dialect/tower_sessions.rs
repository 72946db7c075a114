//! tower-sessions with its sqlx store: `"tower_sessions"."session"(id, data, expiry_date)`; `data` is msgpack.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "tower-sessions",
    aliases: &[],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Table(Columns {
        token: "id",
        expiry: Expiry::time("expirydate"),
        user: None,
        also: &["data"],
    }),
};
