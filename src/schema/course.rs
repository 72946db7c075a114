//! How far a change came: what is done, what is left, and whether somebody stopped it. The same for each kind of change.

use super::Error;
use serde::Serialize;

/// How far a change came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Course {
    /// What was done, in order.
    pub steps: Vec<String>,
    /// Of how many.
    pub of: usize,
    /// Whether somebody asked to stop; what is done is recorded, and the same command goes on.
    pub stopped: bool,
    /// What is left to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
}

impl Course {
    /// Nothing is done of all that is to be done.
    pub(super) fn of(labels: Vec<String>) -> Self {
        Self { steps: Vec::new(), of: labels.len(), stopped: false, open: labels }
    }

    /// The next step is done.
    pub(super) fn advance(&mut self) {
        if !self.open.is_empty() {
            self.steps.push(self.open.remove(0));
        }
    }

    /// What an end means: a stop is no failure, and a failure tells what was done before it.
    pub(super) fn end(&mut self, ended: Result<(), Error>) -> Result<(), Error> {
        match ended {
            Err(Error::Interrupted) => {
                self.stopped = true;
                Ok(())
            }
            Err(cause) if !self.steps.is_empty() => {
                Err(Error::Stopped { done: self.steps.len(), of: self.of, cause: Box::new(cause) })
            }
            ended => ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_whatever_ends_it() {
        let mut course = Course::of(vec!["a".to_owned(), "b".to_owned()]);
        assert!(matches!(course.end(Err(Error::Busy { table: String::new() })), Err(Error::Busy { .. })));
        course.advance();
        course.end(Err(Error::Interrupted)).unwrap();
        assert!(course.stopped && course.steps == ["a"] && course.open == ["b"]);
        let failed = course.end(Err(Error::Busy { table: String::new() }));
        assert!(matches!(failed, Err(Error::Stopped { done: 1, of: 2, .. })));
    }
}
