//! Flask-Session in Redis: `session:ID`, msgpack today and a pickle before version 0.7, which is never loaded.

use super::{Content, Dialect, Family, Form, Id, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "flask-session",
    aliases: &["flask-session-redis", "flask"],
    kinds: &[StoreKind::Redis],
    class: StoreClass::B,
    form: Form::Keys(Keys {
        prefix: "session:",
        endings: &["session:"],
        family: Family::Ids(Id::UrlSafe(20, 128)),
        content: Content::Packed,
        shared: false,
    }),
};
