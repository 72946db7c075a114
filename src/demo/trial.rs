//! A cookie that is shown to the application before the rotation and after it.

use super::Error;
use super::browser::Site;
use super::screen::{BAD, DIM, GOOD};
use crate::secret::Secret;

/// A cookie and its answers.
pub(super) struct Trial {
    /// Whose it is and how it was made.
    pub(super) what: &'static str,
    cookie: Option<Secret>,
    expected: (Option<u16>, u16),
    before: Option<u16>,
    after: Option<u16>,
}

/// Let in.
pub(super) const IN: u16 = 200;
/// Turned away.
pub(super) const OUT: u16 = 401;

impl Trial {
    /// A cookie that is tried now, before the rotation; what it should be answered now and afterwards.
    pub(super) fn before(
        what: &'static str,
        cookie: Option<Secret>,
        expected: (u16, u16),
        site: &Site,
    ) -> Result<Self, Error> {
        let before = Some(site.status(cookie.as_ref())?);
        Ok(Self { what, cookie, expected: (Some(expected.0), expected.1), before, after: None })
    }

    /// A cookie that there is only now, after the rotation.
    pub(super) fn after(
        what: &'static str,
        cookie: Secret,
        expected: u16,
        site: &Site,
    ) -> Result<Self, Error> {
        let mut trial =
            Self { what, cookie: Some(cookie), expected: (None, expected), before: None, after: None };
        trial.again(site)?;
        Ok(trial)
    }

    /// Tries it after the rotation.
    pub(super) fn again(&mut self, site: &Site) -> Result<(), Error> {
        self.after = Some(site.status(self.cookie.as_ref())?);
        Ok(())
    }

    /// Whether both answers are what they should be.
    pub(super) fn held(&self) -> bool {
        (self.before, self.after) == (self.expected.0, Some(self.expected.1))
    }

    /// Its line in the table.
    pub(super) fn row(&self) -> String {
        let cell = |answer: Option<u16>| match answer {
            Some(IN) => format!("{GOOD}{IN}{GOOD:#}"),
            Some(other) => format!("{BAD}{other}{BAD:#}"),
            None => format!("{DIM} - {DIM:#}"),
        };
        let verdict = if self.held() { format!("{GOOD}ok{GOOD:#}") } else { format!("{BAD}WRONG{BAD:#}") };
        format!("{:<46}  {}     {}    {verdict}", self.what, cell(self.before), cell(self.after))
    }

    /// The head of the table.
    pub(super) fn head() -> String {
        format!("{DIM}{:<46}  before  after{DIM:#}", "GET /api/user with")
    }

    /// The first answer in words.
    pub(super) fn first(&self) -> String {
        match self.before {
            Some(IN) => format!("{BAD}{IN}{BAD:#}  let in"),
            Some(status) => format!("{GOOD}{status}{GOOD:#}  refused"),
            None => "not tried".to_owned(),
        }
    }
}
