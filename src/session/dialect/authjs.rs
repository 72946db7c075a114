//! Auth.js and NextAuth with database sessions: the pg adapter, Prisma and Drizzle, on every SQL database.
//!
//! Tables are called `sessions`, `"Session"` or `session`; an `id` column may exist or not (Prisma v5 and
//! Drizzle have none). The cookie is the bare token without a signature: the secret has no part in it.

use super::{Columns, Dialect, Expiry, Form, StoreClass};
use crate::session::StoreKind;

pub(super) const DIALECT: Dialect = Dialect {
    name: "authjs",
    aliases: &["nextauth", "next-auth", "prisma", "drizzle"],
    kinds: &[StoreKind::Postgres, StoreKind::Sqlite, StoreKind::MySql],
    class: StoreClass::B,
    form: Form::Table(Columns {
        token: "sessiontoken",
        expiry: Expiry::time("expires"),
        user: Some("userid"),
        also: &[],
    }),
};
