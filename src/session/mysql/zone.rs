//! The zone in which wall clocks are read: by name, or as a distance from UTC.
//!
//! Servers often have no list of zones, so what a clock shows there at a given moment is told by this machine's list.

use crate::session::Error;
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A zone with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The zone that a caller names: `UTC`, `Europe/Berlin` or `+02:00`.
    pub(super) fn named(name: &str) -> Result<Self, Error> {
        let zone = distance(name).map(TimeZone::fixed).or_else(|| TimeZone::get(name).ok());
        let zone = zone.ok_or_else(|| Error::UnknownZone { name: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), zone })
    }

    /// The zone of a server, which is ahead of UTC by so much now. The short name of a system's zone, as `CEST`, says
    /// less than the distance.
    pub(super) fn of_server(name: &str, seconds: i64) -> Option<Self> {
        let known = name == "UTC" || name.contains('/');
        if let Some(zone) = known.then(|| Self::named(name).ok()).flatten() {
            return Some(zone);
        }
        let offset = Offset::from_seconds(i32::try_from(seconds).ok()?).ok()?;
        let minutes = seconds.abs() / 60;
        let sign = if seconds < 0 { '-' } else { '+' };
        let name = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        Some(Self { name, zone: TimeZone::fixed(offset) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many seconds its clocks are ahead of UTC at a moment.
    pub(super) fn ahead(&self, at: Timestamp) -> i32 {
        self.zone.to_offset(at).seconds()
    }

    /// The same, but the least of both distances where the clocks show this hour twice: what they showed then may be
    /// still to come.
    pub(super) fn least_ahead(&self, at: Timestamp) -> i32 {
        let offset = self.zone.to_offset(at);
        match self.zone.to_ambiguous_timestamp(offset.to_datetime(at)).offset() {
            AmbiguousOffset::Fold { before, after } => before.min(after).seconds(),
            _ => offset.seconds(),
        }
    }

    /// Whether its clocks are always ahead by the same.
    pub(super) fn is_fixed(&self) -> bool {
        self.zone.to_fixed_offset().is_ok()
    }
}

/// `+02:00` or `-05:30`.
fn distance(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|minutes| *minutes < 60)?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_comes_twice_is_past_when_its_second_one_is() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // The clocks go back from 03:00 to 02:00 at 01:00 UTC.
        for (at, ahead) in [
            ("2026-10-24T23:59:59Z", 7200),
            ("2026-10-25T00:00:00Z", 3600),
            ("2026-10-25T00:59:59Z", 3600),
            ("2026-10-25T01:30:00Z", 3600),
            ("2026-10-25T02:30:00Z", 3600),
            ("2026-07-01T00:00:00Z", 7200),
        ] {
            assert_eq!(berlin.least_ahead(at.parse().unwrap()), ahead, "{at}");
        }
    }

    #[test]
    fn zones_are_names_or_distances_and_nothing_else() {
        let at: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(Zone::named("+02:00").unwrap().ahead(at), 7200);
        assert_eq!(Zone::named("-05:30").unwrap().ahead(at), -19_800);
        for wrong in ["", "+2", "+02:60", "+2:00", "Mars/Base", "+02:00'", "++1:00"] {
            assert!(Zone::named(wrong).is_err(), "{wrong}");
        }
        let cest = Zone::of_server("CEST", 7200).unwrap();
        assert_eq!((cest.name(), cest.ahead(at)), ("+02:00", 7200));
        assert_eq!(Zone::of_server("-03:30", -12_600).unwrap().name(), "-03:30");
    }
}
