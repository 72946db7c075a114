//! The seven indexes. Those of columns that most rows leave empty hold only the rows that do not. That of families holds
//! every row: a replay is looked for in families that were ended long ago as well, and must read no more than its own.

use super::object::{Object, Shape};

pub(super) const UNIQUE_JTI: &str = "idx_auth_sessions_unique_active_jti";

/// An index, with the name that it has until it takes the place of another.
macro_rules! index {
    ($name:literal, $definition:literal) => {
        Object {
            name: $name,
            shape: Shape::Index {
                unique: $name == UNIQUE_JTI,
                definition: $definition.to_owned(),
                stand_in: concat!($name, "_unleak_new"),
            },
        }
    };
}

pub(super) fn indexes() -> Vec<Object> {
    vec![
        index!("idx_auth_sessions_current_jti", "(current_jti) WHERE current_jti IS NOT NULL"),
        index!("idx_auth_sessions_device_hash", "(device_hash) WHERE device_hash IS NOT NULL"),
        index!("idx_auth_sessions_last_ip_cidr", "(last_ip_cidr) WHERE last_ip_cidr IS NOT NULL"),
        index!("idx_auth_sessions_auth_time", "(auth_time)"),
        index!("idx_auth_sessions_reused_jti_of", "(reused_jti_of) WHERE reused_jti_of IS NOT NULL"),
        index!("idx_auth_sessions_family_active", "(family_id, revoked_at)"),
        index!(
            "idx_auth_sessions_unique_active_jti",
            "(current_jti) WHERE revoked_at IS NULL AND current_jti IS NOT NULL"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_fit_and_one_index_is_unique() {
        let all = indexes();
        let names = all.iter().map(|index| index.stand_in().unwrap().name);
        assert!(names.clone().all(|name| name.len() < 64), "PostgreSQL cuts longer names");
        let unique = all.iter().filter(|index| matches!(index.shape, Shape::Index { unique: true, .. }));
        assert_eq!(unique.map(|index| index.name).collect::<Vec<_>>(), [UNIQUE_JTI]);
    }
}
