//! Names of incidents: `INC-YYYYMMDD-NNN`, or what the operator's own records say.

use super::Error;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The name of an incident, which is also the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentId(String);

impl IncidentId {
    /// The `number`th incident of the day in UTC.
    pub(super) fn numbered(now: Timestamp, number: u32) -> Self {
        Self(format!("INC-{}-{number:03}", now.strftime("%Y%m%d")))
    }

    /// A name for a new incident: `INC-YYYYMMDD-NNN` or `EMRG-SESSION-YYYYMMDD-HHMM`, with a day and a time that there are.
    ///
    /// # Errors
    /// When it has another form. Those that are on disk already are read by [`str::parse`].
    pub fn given(text: &str) -> Result<Self, Error> {
        let digits = |text: &str, many: usize| text.len() == many && text.bytes().all(|c| c.is_ascii_digit());
        let is_day = |day: &str| digits(day, 8) && Date::strptime("%Y%m%d", day).is_ok();
        let is_time = |time: &str| digits(time, 4) && Time::strptime("%H%M", time).is_ok();
        let numbered = || text.strip_prefix("INC-")?.split_once('-');
        let timed = || text.strip_prefix("EMRG-SESSION-")?.split_once('-');
        let fits = numbered().is_some_and(|(day, number)| is_day(day) && digits(number, 3))
            || timed().is_some_and(|(day, time)| is_day(day) && is_time(time));
        if fits { Ok(Self(text.to_owned())) } else { Err(Error::NewIncidentId) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IncidentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let safe = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts && (3..=64).contains(&text.len()) && text.bytes().all(safe) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::IncidentId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_has_one_of_two_forms() {
        for good in ["INC-20251119-001", "INC-20240229-999", "EMRG-SESSION-20250915-1612"] {
            assert_eq!(IncidentId::given(good).unwrap().as_str(), good);
        }
        for bad in [
            "INC-K",
            "INC-20251319-001",
            "INC-20250229-001",
            "INC-20251119-1",
            "INC-20251119-0001",
            "inc-20251119-001",
            "INC-20251119-001 ",
            "INC-2025111\u{664}-001",
            "EMRG-SESSION-20250915-2460",
            "EMRG-20250915-1612",
            "INC-20251119-001-x",
            "INC-+2025119-001",
        ] {
            assert!(IncidentId::given(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_can_never_leave_its_folder() {
        for good in ["INC-20251119-001", "EMRG-SESSION-20250915-1612"] {
            assert_eq!(good.parse::<IncidentId>().unwrap().as_str(), good);
        }
        for bad in ["", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "ab\n"] {
            assert!(bad.parse::<IncidentId>().is_err(), "{bad}");
        }
    }
}
