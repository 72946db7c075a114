//! The columns of the hardened table, and the defaults that let applications go on which know nothing of them.

use super::base::Base;
use super::object::{Object, Shape};

/// The five of the hardening, in their order, and what they rest on where the table lacks it.
pub(super) fn columns(base: &Base) -> Vec<Object> {
    let column = |name, data_type| Object { name, shape: Shape::Column { data_type } };
    // A revocation needs a place; one that is kept without a zone stays as it is.
    let revoked = match base.column("revoked_at") {
        Some(there) if there.is_wall_clock() => "timestamp without time zone",
        _ => "timestamp with time zone",
    };
    vec![
        column("family_id", "uuid"),
        column("revoked_at", revoked),
        column("current_jti", "uuid"),
        column("reused_jti_of", "uuid"),
        column("device_hash", "character varying(64)"),
        column("last_ip_cidr", "cidr"),
        column("auth_time", "timestamp with time zone"),
    ]
}

/// Rows that an older application writes without these columns hold them all the same.
pub(super) fn defaults() -> Vec<Object> {
    let default = |name, expression| Object { name, shape: Shape::Default { expression } };
    vec![default("family_id", "gen_random_uuid()"), default("auth_time", "now()")]
}
