//! The two views: sessions that are live with what is known of their user, and families in numbers. Neither shows a
//! token.

use super::base::Base;
use super::object::{Object, Shape};
use crate::session::quoted;

pub(super) fn views(base: &Base) -> Vec<Object> {
    // A view reads with its owner's rights, which row-level security does not bind.
    let readers: Vec<String> =
        if base.row_security { Vec::new() } else { base.granted("SELECT").map(str::to_owned).collect() };
    // Nor does it ask whether the reader may read users.
    let sees_users = |role: &String| base.users.as_ref().is_none_or(|users| users.readers.contains(role));
    let of_users = readers.iter().filter(|role| sees_users(role)).cloned().collect();
    let view = |name, select, readers| Object { name, shape: Shape::View { select, readers } };
    vec![view("active_sessions", active(base), of_users), view("session_families", families(base), readers)]
}

fn is_live(base: &Base) -> String {
    format!("s.revoked_at IS NULL AND s.expires_at > {}", base.now_for("expires_at"))
}

fn active(base: &Base) -> String {
    let mut columns: Vec<String> = Vec::new();
    let own = |name: &str| format!("s.{}", quoted(name));
    columns.extend(base.key.as_ref().map(|key| own(&key.name)));
    columns.push(own("user_id"));
    let mut join = String::new();
    if let Some(users) = &base.users {
        columns.extend(users.about.iter().map(|name| {
            let shown = if name.starts_with("user") { name.clone() } else { format!("user_{name}") };
            format!("u.{} AS {}", quoted(name), quoted(&shown))
        }));
        join = format!("\nLEFT JOIN {} AS u ON u.{} = s.user_id", users.names.table(), quoted(&users.id));
    }
    columns.extend(["family_id", "device_hash", "last_ip_cidr", "auth_time"].map(own));
    let times = [base.column("created_at"), base.last_used()];
    columns.extend(times.into_iter().flatten().map(|column| own(&column.name)));
    columns.push(own("expires_at"));
    // A primary key may be one of those that are named above.
    let mut seen = std::collections::BTreeSet::new();
    columns.retain(|column| seen.insert(column.clone()));
    format!("SELECT {}\nFROM {} AS s{join}\nWHERE {}", columns.join(", "), base.names.table(), is_live(base))
}

fn families(base: &Base) -> String {
    format!(
        "SELECT s.family_id, s.user_id, count(*) AS sessions, count(*) FILTER (WHERE {}) AS active,\n  \
         count(s.revoked_at) AS revoked, count(s.reused_jti_of) AS replayed,\n  \
         count(DISTINCT s.device_hash) AS devices, count(DISTINCT s.last_ip_cidr) AS networks,\n  \
         min(s.auth_time) AS first_auth_time, max(s.auth_time) AS last_auth_time, max(s.expires_at) AS expires_at\n\
         FROM {} AS s\nGROUP BY s.family_id, s.user_id",
        is_live(base),
        base.names.table()
    )
}
