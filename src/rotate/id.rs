//! Names of incidents: `INC-YYYYMMDD-NNN`, or what the operator's own records say.

use super::Error;
use jiff::Timestamp;
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
    fn a_name_can_never_leave_its_folder() {
        for good in ["INC-20251119-001", "EMRG-SESSION-20250915-1612"] {
            assert_eq!(good.parse::<IncidentId>().unwrap().as_str(), good);
        }
        for bad in ["", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "ab\n"] {
            assert!(bad.parse::<IncidentId>().is_err(), "{bad}");
        }
    }
}
