//! express-session with connect-redis: `sess:ID`, a string with JSON, which expires with its key.
//!
//! Another serializer than JSON is possible; such sessions are for `custom`.

use super::{Content, Dialect, Family, Form, Id, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "connect-redis",
    aliases: &["express-session"],
    kinds: &[StoreKind::Redis],
    class: StoreClass::A,
    form: Form::Keys(Keys {
        prefix: "sess:",
        endings: &["sess:", "session:"],
        family: Family::Ids(Id::Any),
        content: Content::ExpressJson,
        shared: false,
    }),
};
