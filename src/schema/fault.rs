//! Crashes on purpose, for the tests that prove what a crash leaves behind. Debug builds only.

use std::str::FromStr;

/// Where a run dies: `POINT:MOMENT`, where a point is a step as it is named in a plan and a moment is `begun` (it is
/// recorded, nothing is changed), `built` (an index stands that is to take another's place), `changed` (it is changed,
/// that is not recorded) or `recorded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    point: String,
    moment: String,
}

impl FromStr for Fault {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once(':') {
            Some((point, moment @ ("begun" | "built" | "changed" | "recorded"))) => {
                Ok(Self { point: point.to_owned(), moment: moment.to_owned() })
            }
            _ => Err("write it as POINT:begun|built|changed|recorded"),
        }
    }
}

impl Fault {
    /// Dies like a process that is killed.
    pub(super) fn strike(fault: Option<&Self>, point: &str, moment: &str) {
        if cfg!(debug_assertions) && fault.is_some_and(|fault| fault.point == point && fault.moment == moment)
        {
            crate::durable::die();
        }
    }
}
