//! `auth_sessions` as applications write it that sign tokens of their own: one row a session with its family, the
//! user and the end. The rows are what a signed token is checked against.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "auth-sessions",
    aliases: &[],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::A,
    form: Form::Table(Columns {
        token: "id",
        expiry: Expiry::time("expiresat"),
        user: Some("userid"),
        also: &["familyid"],
    }),
};
