//! What is wrong with the sessions of a store, judged by thresholds: each point is well, a warning, critical, or not
//! checked, and says by which numbers.

use super::Growth;
use super::listing::Facts;
use super::replays::{Recent, Replays};
use serde::Serialize;

/// From where on a number is no longer well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Active sessions a user on average; above is a warning.
    pub per_user: f64,
    /// Active sessions of one user; above is a warning.
    pub most: u64,
    /// Expired rows in percent of all; above is a warning.
    pub expired_percent: u64,
    /// Active sessions that expire soon in percent of the active; above is a warning.
    pub expiring_percent: u64,
    /// Sessions of the last hour by the average hour of the day before; above is a warning.
    pub spike: f64,
    /// Rows below which a spike is none.
    pub spike_least: u64,
    /// Networks of one user's active sessions; above is a warning.
    pub networks: u64,
    /// Rows, or bytes, that become more in a day, in percent; above is a warning.
    pub growth_percent: f64,
    /// Rows below which growth is none.
    pub growth_least: u64,
    /// Bytes below which growth is none.
    pub growth_least_bytes: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            per_user: 3.0,
            most: 20,
            expired_percent: 50,
            expiring_percent: 50,
            spike: 3.0,
            spike_least: 100,
            networks: 5,
            growth_percent: 50.0,
            growth_least: 1000,
            growth_least_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PointState {
    /// It is as it should be.
    Ok,
    /// Nothing in this store could ever tell it.
    NotApplicable,
    /// It could be told, and was not.
    NotChecked,
    /// Somebody should look at it.
    Warning,
    /// It is a security incident, or may be one.
    Critical,
}

/// One point that was checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// A short name, for machines.
    pub name: &'static str,
    /// How it stands.
    pub state: PointState,
    /// The number that decides, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// In words.
    pub text: String,
}

/// The points that somebody may insist on.
pub const POINTS: [&str; 13] = [
    "duplicates",
    "shared_tokens",
    "orphans",
    "expired",
    "per_user",
    "most",
    "expiring_soon",
    "creation",
    "networks",
    "growth",
    "replays",
    "undecided_replays",
    "zone",
];

/// What nothing here could tell is not well for who insists on it. `zone` stands in the list only where it is not.
pub fn insist(points: &mut Vec<Point>, required: &[String]) {
    for name in POINTS.into_iter().filter(|name| required.iter().any(|wanted| wanted == name)) {
        match points.iter_mut().find(|point| point.name == name) {
            Some(point) if point.state == PointState::NotApplicable => point.state = PointState::NotChecked,
            Some(_) => {}
            None if name == "zone" => {}
            None => {
                let text = "not checked: nothing here tells it".to_owned();
                points.push(Point { name, state: PointState::NotChecked, value: None, text });
            }
        }
    }
}

/// Judges the facts.
#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub fn judge(facts: &Facts, limits: &Thresholds) -> Vec<Point> {
    let point = |name, state, value: u64, text| Point { name, state, value: Some(value as f64), text };
    let share = |part: u64, of: u64| (part * 100).checked_div(of).unwrap_or_default();
    let no_users = "rows do not say whose they are (--user-path)";
    let counts = &facts.counts;

    let mut points = vec![duplicates(facts)];
    points.push(match facts.shared_tokens {
        Some(shared) => {
            let state = if shared > 0 { PointState::Critical } else { PointState::Ok };
            point("shared_tokens", state, shared, format!("{shared} tokens belong to several users"))
        }
        None if facts.token_is_unique => point(
            "shared_tokens",
            PointState::Ok,
            0,
            "the database refuses a second row with one token".to_owned(),
        ),
        None => never("shared_tokens", no_users),
    });
    points.push(match &facts.orphaned {
        Some(found) if found.users == 0 => missing("orphans", "the users table is empty"),
        Some(found) => {
            let text = format!("{} of {} sessions are of no user", found.orphans, found.sessions);
            point("orphans", warn(found.orphans > 0), found.orphans, text)
        }
        None => match &facts.orphans_untold {
            Some(users) => {
                missing("orphans", &format!("this role may not read {users} (GRANT SELECT on its key)"))
            }
            None => never("orphans", "the users table was not found (--users-table)"),
        },
    });
    let expired = share(counts.expired, counts.total);
    points.push(point(
        "expired",
        warn(expired > limits.expired_percent),
        counts.expired,
        format!("{} of {} sessions are expired ({expired} %)", counts.expired, counts.total),
    ));
    if let Some(other) = &counts.in_server_zone {
        let text = format!(
            "{} are expired in UTC, {} in the server's zone {}: name the right one with --zone",
            counts.expired, other.expired, other.zone
        );
        points.push(point("zone", PointState::Warning, other.expired, text));
    }
    match &facts.users {
        Some(users) => {
            let ratio = if users.users == 0 { 0.0 } else { users.sessions as f64 / users.users as f64 };
            points.push(Point {
                name: "per_user",
                state: warn(ratio > limits.per_user),
                value: Some(ratio),
                text: format!("{ratio:.1} active sessions a user ({} of {})", users.sessions, users.users),
            });
            let text = format!("the user with the most has {} active sessions", users.most);
            points.push(point("most", warn(users.most > limits.most), users.most, text));
        }
        None => points.extend(["per_user", "most"].map(|name| never(name, no_users))),
    }
    points.push(expiring(facts, limits));
    points.push(match (facts.made_last_hour, facts.made_last_day) {
        (Some(hour), Some(day)) => {
            let usual = day.saturating_sub(hour) as f64 / 23.0;
            let spike = hour >= limits.spike_least && hour as f64 > usual * limits.spike;
            let text =
                format!("{hour} sessions were made in the last hour, {usual:.0} an hour in the day before");
            point("creation", warn(spike), hour, text)
        }
        _ => never("creation", "no column tells when a session was made"),
    });
    points.push(networks(facts, limits));
    points.extend(facts.growth.as_ref().map(|growth| grown(growth, limits)));
    match &facts.replays {
        Some(Replays::Told(recent)) => points.extend(replays(recent)),
        Some(Replays::Untold(why)) => points.push(missing("replays", why)),
        // Nothing notices a second use, so that none is no sign of anything.
        None => {}
    }
    points
}

/// Second uses of a token, and the uses that nobody can judge, each with the families that are to be ended.
#[expect(clippy::cast_precision_loss, reason = "counts of events are far below 2^52")]
fn replays(recent: &Recent) -> [Point; 2] {
    let point = |name, count: u64, bad, what: &str, certain| Point {
        name,
        state: if count > 0 { bad } else { PointState::Ok },
        value: Some(count as f64),
        text: format!("{count} {what} in the last hour{}", of_families(recent, certain)),
    };
    [
        point("replays", recent.replays, PointState::Critical, "tokens were used a second time", true),
        point(
            "undecided_replays",
            recent.undecided,
            PointState::Warning,
            "uses of a token could not be judged",
            false,
        ),
    ]
}

/// How many families are named.
const NAMED: usize = 3;

/// Which families it is about, those that are still live first.
fn of_families(recent: &Recent, certain: bool) -> String {
    let mut all: Vec<_> = recent.families.iter().filter(|one| one.certain == certain).collect();
    all.sort_by_key(|one| !one.live);
    let named = all.iter().take(NAMED).map(|one| {
        let what = if one.live { "still live, end it: unleak schema revoke" } else { "ended: family" };
        format!("; {what} {}", one.family)
    });
    let more = all.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; {more} families more: unleak schema status") } else { String::new() };
    named.chain([more]).collect()
}

fn untold(name: &'static str, state: PointState, why: &str) -> Point {
    Point { name, state, value: None, text: format!("not checked: {why}") }
}

/// It could be told, and was not.
fn missing(name: &'static str, why: &str) -> Point {
    untold(name, PointState::NotChecked, why)
}

/// Nothing in this store could tell it.
fn never(name: &'static str, why: &str) -> Point {
    untold(name, PointState::NotApplicable, why)
}

fn warn(bad: bool) -> PointState {
    if bad { PointState::Warning } else { PointState::Ok }
}

#[expect(clippy::cast_precision_loss, reason = "counts of networks are far below 2^52")]
fn networks(facts: &Facts, limits: &Thresholds) -> Point {
    const NAME: &str = "networks";
    let Some(found) = &facts.networks else {
        return never(NAME, "rows do not say whose they are and from which address they are used");
    };
    if found.read == 0 && found.unread > 0 {
        return missing(NAME, &format!("{} addresses are in no form that is known", found.unread));
    }
    let beyond = found.beyond(limits.networks);
    let text = if beyond > 0 {
        let widest = found.widest.iter().filter(|one| one.networks > limits.networks);
        let widest: Vec<String> =
            widest.map(|one| format!("{} on {}", plain(&one.user), one.networks)).collect();
        format!(
            "{beyond} users have active sessions on more than {} networks: {}",
            limits.networks,
            widest.join(", ")
        )
    } else {
        format!("no user has active sessions on more than {} networks", found.most.max(1))
    };
    Point { name: NAME, state: warn(beyond > 0), value: Some(found.most as f64), text }
}

/// A text from a row as people may be shown it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn grown(growth: &Growth, limits: &Thresholds) -> Point {
    const NAME: &str = "growth";
    let grown = match growth {
        Growth::First => return never(NAME, "nobody looked before, so the next check tells"),
        Growth::Untold(why) => return missing(NAME, &format!("{why} (--state names another folder)")),
        Growth::Told(grown) => grown,
    };
    let (rows, bytes) = (grown.rows_a_day(), grown.bytes_a_day());
    let is_much = |percent: Option<f64>| percent.is_some_and(|percent| percent > limits.growth_percent);
    let more = |more: i64, least: u64| u64::try_from(more).is_ok_and(|more| more >= least);
    let bad = is_much(rows) && more(grown.rows, limits.growth_least)
        || is_much(bytes) && more(grown.bytes, limits.growth_least_bytes);
    let value = rows.zip(bytes).map(|(rows, bytes)| rows.max(bytes));
    Point { name: NAME, state: warn(bad), value, text: grown.to_string() }
}

fn duplicates(facts: &Facts) -> Point {
    let (tokens, rows) = (facts.duplicate_tokens, facts.duplicate_rows);
    let state = match (tokens, facts.shared_tokens) {
        (0, _) => PointState::Ok,
        (_, Some(0)) => PointState::Warning,
        // Of several users, or who can tell.
        _ => PointState::Critical,
    };
    let unique =
        if facts.token_is_unique { "" } else { "; no unique index keeps them away (dedupe --add-index)" };
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
    let value = Some(tokens as f64);
    Point {
        name: "duplicates",
        state,
        value,
        text: format!("{tokens} tokens have several rows ({rows}){unique}"),
    }
}

/// Where every session ends soon, none is made for longer: a day is what connect-redis gives, and two hours are Laravel's. That
/// is no trouble, and would be told for ever.
#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
fn expiring(facts: &Facts, limits: &Thresholds) -> Point {
    let (soon, active) = (facts.expiring_soon, facts.counts.active);
    let percent = (soon * 100).checked_div(active).unwrap_or_default();
    let is_usual = active > 0 && soon == active;
    let why = if is_usual { ": none is made for longer" } else { "" };
    let text = format!("{soon} of {active} active sessions expire soon ({percent} %){why}");
    let state = warn(!is_usual && percent > limits.expiring_percent);
    Point { name: "expiring_soon", state, value: Some(soon as f64), text }
}

#[cfg(test)]
mod tests {
    use super::super::listing::UserFacts;
    use super::super::{Counts, Grown, NetworkFacts, Orphaned, UserNetworks};
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn sessions_that_all_end_soon_are_no_trouble() {
        let of = |expiring_soon| expiring(&Facts { expiring_soon, ..facts() }, &Thresholds::default()).state;
        assert_eq!(
            [of(45), of(46), of(89), of(90)].map(|state| state == PointState::Ok),
            [true, false, false, true]
        );
    }

    fn facts() -> Facts {
        Facts {
            counts: Counts { total: 100, active: 90, expired: 10, in_server_zone: None },
            expiring_soon: 9,
            made_last_hour: Some(10),
            made_last_day: Some(240),
            users: Some(UserFacts { sessions: 90, users: 45, most: 4 }),
            networks: Some(NetworkFacts::default()),
            growth: Some(Growth::Told(grown(0, 0))),
            duplicate_tokens: 0,
            duplicate_rows: 0,
            shared_tokens: Some(0),
            orphaned: Some(Orphaned { sessions: 100, with_user: 100, orphans: 0, users: 50 }),
            orphans_untold: None,
            replays: Some(Replays::Told(Recent::default())),
            token_is_unique: true,
            bytes: 1,
        }
    }

    /// So many rows and bytes more, of a thousand and a gigabyte, since a day ago.
    fn grown(rows: i64, bytes: i64) -> Grown {
        Grown {
            since: Timestamp::UNIX_EPOCH,
            seconds: 86_400,
            rows_before: 1000,
            rows,
            bytes_before: 1 << 30,
            bytes,
        }
    }

    fn state(facts: &Facts, name: &str) -> PointState {
        let points = judge(facts, &Thresholds::default());
        points.iter().find(|point| point.name == name).unwrap().state
    }

    #[test]
    fn a_healthy_store_is_well_in_every_point() {
        assert!(judge(&facts(), &Thresholds::default()).iter().all(|point| point.state == PointState::Ok));
    }

    #[test]
    fn what_a_store_can_never_tell_is_not_well_for_who_insists_on_it() {
        let bare = Facts {
            users: None,
            orphaned: None,
            made_last_hour: None,
            replays: None,
            networks: None,
            growth: Some(Growth::First),
            ..facts()
        };
        let told = judge(&bare, &Thresholds::default());
        assert!(told.iter().all(|point| point.state <= PointState::NotApplicable));
        for name in ["orphans", "per_user", "creation", "replays", "networks", "growth"] {
            let mut points = told.clone();
            insist(&mut points, &[name.to_owned()]);
            let not_well: Vec<_> = points.iter().filter(|p| p.state > PointState::NotApplicable).collect();
            assert_eq!(
                (not_well.len(), not_well[0].name, not_well[0].state),
                (1, name, PointState::NotChecked)
            );
        }
        let mut points = told.clone();
        insist(&mut points, &["duplicates".to_owned(), "zone".to_owned()]);
        assert_eq!(points, told);
    }

    #[test]
    fn a_replay_is_critical_and_names_the_family_to_end() {
        use super::super::replays::Replayed;
        let family = |family: &str, certain, live| Replayed { family: family.to_owned(), certain, live };
        let families = vec![family("aa", true, false), family("bb", true, true), family("cc", false, true)];
        let recent = Recent { replays: 2, undecided: 1, revoked: 1, families };
        let bad = Facts { replays: Some(Replays::Told(recent)), ..facts() };
        let points = judge(&bad, &Thresholds::default());
        let point = |name| points.iter().find(|point| point.name == name).unwrap();
        assert_eq!(point("replays").state, PointState::Critical);
        assert_eq!(
            point("replays").text,
            "2 tokens were used a second time in the last hour; still live, end it: unleak schema revoke bb; ended: family aa"
        );
        assert_eq!(point("undecided_replays").state, PointState::Warning);
        assert!(point("undecided_replays").text.ends_with("unleak schema revoke cc"));
        let untold = Facts { replays: Some(Replays::Untold("no right".to_owned())), ..facts() };
        assert_eq!(state(&untold, "replays"), PointState::NotChecked);
        let without = Facts { replays: None, ..facts() };
        assert!(judge(&without, &Thresholds::default()).iter().all(|point| point.name != "replays"));
    }

    #[test]
    fn each_kind_of_trouble_shows_in_its_point() {
        let mut bad = facts();
        (bad.duplicate_tokens, bad.duplicate_rows) = (1, 2);
        assert_eq!(state(&bad, "duplicates"), PointState::Warning);
        bad.shared_tokens = Some(1);
        assert_eq!(
            (state(&bad, "duplicates"), state(&bad, "shared_tokens")),
            (PointState::Critical, PointState::Critical)
        );
        bad.shared_tokens = None;
        assert_eq!(state(&bad, "duplicates"), PointState::Critical);
        bad.orphaned = Some(Orphaned { sessions: 100, with_user: 100, orphans: 1, users: 50 });
        assert_eq!(state(&bad, "orphans"), PointState::Warning);
        // A users table that is empty says nothing about orphans.
        bad.orphaned = Some(Orphaned { sessions: 100, with_user: 100, orphans: 100, users: 0 });
        assert_eq!(state(&bad, "orphans"), PointState::NotChecked);
        // Nor does one that may not be read.
        (bad.orphaned, bad.orphans_untold) = (None, Some("public.users".to_owned()));
        assert_eq!(state(&bad, "orphans"), PointState::NotChecked);
        // Where there is none, nothing could ever tell.
        bad.orphans_untold = None;
        assert_eq!(state(&bad, "orphans"), PointState::NotApplicable);
        (bad.made_last_hour, bad.made_last_day) = (Some(500), Some(700));
        assert_eq!(state(&bad, "creation"), PointState::Warning);
        bad.users = Some(UserFacts { sessions: 90, users: 20, most: 21 });
        assert_eq!(
            (state(&bad, "per_user"), state(&bad, "most")),
            (PointState::Warning, PointState::Warning)
        );
        for (grown, wanted) in [
            (grown(499, 0), PointState::Ok),
            // Twice as many, though few.
            (grown(999, 0), PointState::Ok),
            (grown(1000, 0), PointState::Warning),
            (grown(-900, 1 << 29), PointState::Ok),
            (grown(-900, (1 << 29) + 1), PointState::Warning),
            (Grown { seconds: 3599, ..grown(100_000, 0) }, PointState::Ok),
        ] {
            bad.growth = Some(Growth::Told(grown));
            assert_eq!(state(&bad, "growth"), wanted, "{grown}");
        }
        bad.growth = Some(Growth::Untold("no".to_owned()));
        assert_eq!(state(&bad, "growth"), PointState::NotChecked);
        let widest = vec![UserNetworks { user: "7|\n".to_owned(), networks: 6 }];
        let many = NetworkFacts { most: 6, users: [(5, 9), (6, 1)].into(), widest, read: 70, unread: 0 };
        bad.networks = Some(many.clone());
        assert_eq!(state(&bad, "networks"), PointState::Warning);
        bad.networks = Some(NetworkFacts { most: 0, read: 0, unread: 1, ..many });
        assert_eq!(state(&bad, "networks"), PointState::NotChecked);
        bad.counts = Counts { total: 100, active: 10, expired: 90, in_server_zone: None };
        assert_eq!(state(&bad, "expired"), PointState::Warning);
    }
}
