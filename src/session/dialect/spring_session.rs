//! Spring Session JDBC: `SPRING_SESSION(PRIMARY_ID, SESSION_ID, …, EXPIRY_TIME, PRINCIPAL_NAME)`, in milliseconds.
//!
//! `SPRING_SESSION_ATTRIBUTES` goes with it by a cascade. The cookie is the bare id in base64.

use super::{Columns, Dialect, Expiry, Form, StoreClass, Unit};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "spring-session",
    aliases: &["spring-session-jdbc", "spring"],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Table(Columns {
        token: "sessionid",
        expiry: Expiry::new("expirytime", Unit::Milliseconds),
        user: Some("principalname"),
        also: &["primaryid"],
    }),
};
