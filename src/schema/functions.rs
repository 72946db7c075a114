//! The four functions. Three run with their owner's rights, because they write the log of events, which no application
//! role should be able to write or change by hand; each pins its search path and is closed to everybody who could not
//! do the same to the table. The one that only deletes runs with its caller's rights.

use super::audit::{AuditLog, Event};
use super::base::Base;
use super::fill;
use super::object::{Function, Object, Shape};
use super::template;
use crate::session::{REPLAYED, REVOKED, UNDECIDED, quoted};

pub(super) const REVOKE: &str = "revoke_session_family";
pub(super) const REPLAY: &str = "handle_token_replay";
pub(super) const ROTATE: &str = "rotate_session_token";
pub(super) const CLEANUP: &str = "cleanup_expired_sessions";

/// An event that nobody asks for by its name.
const DEVICE_CHANGED: &str = "session_device_changed";

pub(super) fn functions(base: &Base, audit: &AuditLog) -> Vec<Object> {
    let writer = Writer { base, key_type: base.key_type(), undecided: undecided(audit) };
    vec![
        writer.function(
            REVOKE,
            &[("p_family_id", "uuid", None), ("p_reason", "text", None)],
            include_str!("sql/revoke_session_family.sql"),
            &audit.insert(&Event {
                action: REVOKED,
                user: "own.holder",
                family: "revoke_session_family.p_family_id",
                details: "jsonb_build_object('reason', left(revoke_session_family.p_reason, 500), 'sessions', own.ended)",
            }),
        ),
        writer.function(
            REPLAY,
            &[("p_jti", "uuid", None), ("p_family_id", "uuid", None)],
            include_str!("sql/handle_token_replay.sql"),
            &audit.insert(&Event {
                action: REPLAYED,
                user: "own.holder",
                family: "handle_token_replay.p_family_id",
                details: "jsonb_build_object('jti', handle_token_replay.p_jti, 'sessions', own.ended)",
            }),
        ),
        writer.function(
            ROTATE,
            &[
                ("p_session_id", writer.key_type, None),
                ("p_old_jti", "uuid", None),
                ("p_new_jti", "uuid", None),
                ("p_user_agent", "text", Some("NULL")),
                ("p_ip", "inet", Some("NULL")),
            ],
            include_str!("sql/rotate_session_token.sql"),
            &audit.insert(&Event {
                action: DEVICE_CHANGED,
                user: "own.holder",
                family: "own.family",
                details: "jsonb_build_object('before', own.device_before, 'after', own.device)",
            }),
        ),
        writer.function(
            CLEANUP,
            &[("p_limit", "integer", Some("10000"))],
            include_str!("sql/cleanup_expired_sessions.sql"),
            "",
        ),
    ]
}

/// The event of a token that may be a live session's own, since that has none on record.
fn undecided(audit: &AuditLog) -> String {
    audit.insert(&Event {
        action: UNDECIDED,
        user: "own.holder",
        family: "handle_token_replay.p_family_id",
        details: "jsonb_build_object('jti', handle_token_replay.p_jti)",
    })
}

struct Writer<'a> {
    base: &'a Base,
    key_type: &'a str,
    undecided: String,
}

impl Writer<'_> {
    fn function(
        &self,
        name: &'static str,
        parameters: &[(&'static str, &str, Option<&'static str>)],
        body: &str,
        event: &str,
    ) -> Object {
        let deletes = name == CLEANUP;
        let callers = match (deletes, self.base.row_security) {
            (true, _) => self.base.cleaners.clone(),
            // What runs with its owner's rights is not bound by row-level security.
            (false, true) => Vec::new(),
            (false, false) => self.base.granted("UPDATE").map(str::to_owned).collect(),
        };
        Object {
            name,
            shape: Shape::Function(Function {
                parameters: parameters
                    .iter()
                    .map(|(name, kind, default)| (*name, (*kind).to_owned(), *default))
                    .collect(),
                returns: if matches!(name, REPLAY | ROTATE) { "boolean" } else { "integer" },
                definer: !deletes,
                search_path: "pg_catalog, pg_temp".to_owned(),
                body: self.body(body, event),
                callers,
            }),
        }
    }

    fn body(&self, text: &str, event: &str) -> String {
        let base = self.base;
        let used = base.last_used().map_or_else(String::new, |column| {
            format!(", {} = {}", quoted(&column.name), base.now_for(&column.name))
        });
        template::fill(
            text,
            &[
                ("table", &base.names.table()),
                ("user_type", base.user_type()),
                ("key", &base.key_name()),
                ("expires", "expires_at"),
                ("expires_now", base.now_for("expires_at")),
                ("revoked_now", base.now_for("revoked_at")),
                ("revoke", &base.names.beside(REVOKE)),
                ("used", &used),
                ("device", &fill::device("rotate_session_token.p_user_agent")),
                ("network", &fill::network("rotate_session_token.p_ip")),
                ("unreferenced", &self.unreferenced()),
                ("event", event),
                ("undecided", &self.undecided),
            ],
        )
    }

    /// Rows that a foreign key still needs stay.
    fn unreferenced(&self) -> String {
        let one = |[table, from, to]: &[String; 3]| {
            format!("\n        AND NOT EXISTS (SELECT FROM {table} AS r WHERE r.{from} = s.{to})")
        };
        self.base.references.iter().map(one).collect()
    }
}
