//! Sessions of an own kind: every string and hash under the prefix that `--table` names.

use super::{Content, Dialect, Family, Form, Id, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "custom",
    aliases: &[],
    kinds: &[StoreKind::Redis],
    class: StoreClass::B,
    form: Form::Keys(Keys {
        prefix: "",
        endings: &[],
        family: Family::Ids(Id::Any),
        content: Content::TextOrHash,
        shared: false,
    }),
};
