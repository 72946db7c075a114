//! better-auth: `session(id, token, "expiresAt", "userId", …)`. The cookie is the token with a signature.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "better-auth",
    aliases: &[],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::A,
    form: Form::Table(Columns {
        token: "token",
        expiry: Expiry::time("expiresat"),
        user: Some("userid"),
        also: &[],
    }),
};
