//! Rails with activerecord-session_store: `sessions(session_id, data, created_at, updated_at)`.
//!
//! Nothing in it ends a session, so none counts as expired; `data` may be Ruby's Marshal and is never decoded.

use super::{Columns, Dialect, Expiry, Form, StoreClass, Unit};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "rails",
    aliases: &["activerecord"],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Table(Columns {
        token: "sessionid",
        expiry: Expiry::new("updatedat", Unit::Never),
        user: None,
        also: &["data"],
    }),
};
