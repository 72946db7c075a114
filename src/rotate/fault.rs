//! Crashes on purpose, for the tests that prove what a crash leaves behind. Debug builds only.

use super::Stop;
use std::str::FromStr;

/// Where a rotation dies or waits: `POINT:before:kill`, `POINT:after:kill`, `POINT:before:wait`; a point
/// is a step, or `write.2` for the second target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    point: String,
    kill: bool,
}

impl FromStr for Fault {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (point, action) = text.rsplit_once(':').ok_or("write it as POINT:before|after:kill|wait")?;
        match action {
            "kill" | "wait" => Ok(Self { point: point.to_owned(), kill: action == "kill" }),
            _ => Err("the action is kill or wait"),
        }
    }
}

impl Fault {
    /// Holds the process when the rotation and every secret of it are gone.
    pub fn at_end(&self) {
        self.strike("end", "before", &Stop::default());
    }

    /// Dies like a process that is killed, or waits until somebody asks to stop.
    pub(super) fn strike(&self, at: &str, moment: &str, stop: &Stop) {
        if !cfg!(debug_assertions) || self.point != format!("{at}:{moment}") {
            return;
        }
        if self.kill {
            crate::durable::die();
        }
        stop.wait(std::time::Duration::from_mins(1));
    }
}
