//! What every row must hold once all were filled. No constraint touches what an older application writes by default.

use super::object::{Object, Shape};

pub(super) const FAMILY: &str = "auth_sessions_family_id_check";
pub(super) const LOGIN: &str = "auth_sessions_auth_time_check";
pub(super) const DEVICE: &str = "auth_sessions_device_hash_check";
pub(super) const NETWORK: &str = "auth_sessions_last_ip_cidr_check";

pub(super) fn constraints() -> Vec<Object> {
    let check = |name, check: &str| Object { name, shape: Shape::Constraint { check: check.to_owned() } };
    vec![
        check(FAMILY, "family_id IS NOT NULL"),
        check(LOGIN, "auth_time IS NOT NULL"),
        check(DEVICE, "device_hash ~ '^[0-9a-f]{64}$'"),
        // The address itself stays out: a network of 256 addresses, or of one site.
        check(NETWORK, "masklen(last_ip_cidr) <= CASE family(last_ip_cidr) WHEN 4 THEN 24 ELSE 48 END"),
    ]
}
