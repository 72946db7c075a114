//! The seven indexes. Those of columns that most rows leave empty hold only the rows that do not.

use super::object::{Object, Shape};

pub(super) const UNIQUE_JTI: &str = "idx_auth_sessions_unique_active_jti";

pub(super) fn indexes() -> Vec<Object> {
    let index = |name, definition: &str| Object {
        name,
        shape: Shape::Index { unique: name == UNIQUE_JTI, definition: definition.to_owned() },
    };
    vec![
        index("idx_auth_sessions_current_jti", "(current_jti) WHERE current_jti IS NOT NULL"),
        index("idx_auth_sessions_device_hash", "(device_hash) WHERE device_hash IS NOT NULL"),
        index("idx_auth_sessions_last_ip_cidr", "(last_ip_cidr) WHERE last_ip_cidr IS NOT NULL"),
        index("idx_auth_sessions_auth_time", "(auth_time)"),
        index("idx_auth_sessions_reused_jti_of", "(reused_jti_of) WHERE reused_jti_of IS NOT NULL"),
        index("idx_auth_sessions_family_active", "(family_id) WHERE revoked_at IS NULL"),
        index(UNIQUE_JTI, "(current_jti) WHERE revoked_at IS NULL AND current_jti IS NOT NULL"),
    ]
}
