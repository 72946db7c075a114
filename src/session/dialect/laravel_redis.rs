//! Laravel with sessions in Redis: entries of the cache that are told from others by their 40-character id and
//! by their value, a serialized string. That is too little to be sure without being told: `--dialect laravel`.

use super::{Content, Dialect, Family, Form, Id, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "laravel",
    aliases: &["laravel-redis"],
    kinds: &[StoreKind::Redis],
    class: StoreClass::C,
    form: Form::Keys(Keys {
        prefix: "laravel_database_laravel_cache_:",
        endings: &[],
        family: Family::Ids(Id::Laravel),
        content: Content::PhpString,
        shared: true,
    }),
};
