//! Django with sessions in a Redis cache: `:1:django.contrib.sessions.cacheID`, pickled: read here, never loaded.
//!
//! With `cached_db` the rows are in `django_session` as well, and both must be purged.

use super::{Content, Dialect, Family, Form, Id, Keys, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "django-cache",
    aliases: &["django"],
    kinds: &[StoreKind::Redis],
    class: StoreClass::C,
    form: Form::Keys(Keys {
        prefix: ":1:django.contrib.sessions.cache",
        endings: &["django.contrib.sessions.cached_db", "django.contrib.sessions.cache"],
        family: Family::Ids(Id::UrlSafe(8, 64)),
        content: Content::Pickle,
        shared: false,
    }),
};
