//! Spring Session in Redis: hashes `spring:session:sessions:ID`, and with the indexed repository the keys that
//! expire and index them, which go with them. The cookie is the bare id in base64.

use super::{Content, Dialect, Family, Form, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "spring-session",
    aliases: &["spring-session-redis", "spring"],
    kinds: &[StoreKind::Redis],
    class: StoreClass::B,
    form: Form::Keys(Keys {
        prefix: "spring:session:",
        endings: &["spring:session:"],
        family: Family::Spring,
        content: Content::Hash,
        shared: false,
    }),
};
