//! Django's database sessions: `django_session(session_key, session_data, expire_date)`.
//!
//! The data is signed with the secret and holds a hash made with it; with `cached_db` it is in a cache as well.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "django",
    aliases: &["django-db"],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::C,
    form: Form::Table(Columns {
        token: "sessionkey",
        expiry: Expiry::time("expiredate"),
        user: None,
        also: &["sessiondata"],
    }),
};
