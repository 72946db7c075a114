//! Laravel's database sessions: `sessions(id, user_id, ip_address, user_agent, payload, last_activity)`.
//!
//! A session ends two hours after its last use unless the configuration says otherwise, which no column tells: what
//! counts as expired here is a session that was idle for longer than that.

use super::{Columns, Dialect, Expiry, Form, StoreClass, Unit};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "laravel",
    aliases: &[],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::C,
    form: Form::Table(Columns {
        token: "id",
        expiry: Expiry::new("lastactivity", Unit::IdleSeconds(2 * 60 * 60)),
        user: Some("userid"),
        also: &["payload"],
    }),
};
