//! The target `exec:COMMAND`: any store that has a command line.
//!
//! The command gets the value on its standard input and never in its arguments. A second command may print what the
//! store holds; without it nobody can read the store, and what it held is not known.

use super::{Facts, Held, Place, State};
use crate::rotate::command::{Fed, arguments, feed, shown, tail};
use crate::rotate::{Error, Stop};
use crate::secret::{Redactor, Secret};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a command may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A store behind a command.
#[derive(Clone)]
pub(super) struct ExecTarget {
    write: Secret,
    read: Option<Secret>,
    /// The folder that the commands run in.
    directory: Option<PathBuf>,
}

impl ExecTarget {
    pub(super) fn new(write: &str, read: Option<&str>, directory: Option<PathBuf>) -> Result<Self, Error> {
        let line = |line: &str| (!line.trim().is_empty()).then(|| Secret::from(line.to_owned()));
        let write = line(write).ok_or(Error::Target)?;
        Ok(Self { write, read: read.and_then(line), directory })
    }

    fn run(&self, line: &Secret, input: Option<&Secret>, known: &[&Secret]) -> Result<Fed, Error> {
        let line = std::str::from_utf8(line.expose()).expect("a command was given as text");
        // An undo must not be stopped by the wish that caused it, and a write that is ended half-way helps nobody.
        let fed = feed(line, self.directory.as_deref(), input, LIMIT, &Stop::default())
            .map_err(|source| Error::ExecStart { place: self.to_string(), source })?;
        let Some(how) = fed.failed else { return Ok(fed) };
        let redactors =
            [&Redactor::new(known.iter().copied().chain(input)), &Redactor::new(&arguments(line))];
        // What a command that reads the store printed may be the value itself.
        let output = if input.is_some() { tail(&fed.err, redactors) } else { String::new() };
        Err(Error::Exec { place: self.to_string(), how, output })
    }

    fn current(&self) -> Result<Option<Secret>, Error> {
        let Some(read) = &self.read else { return Ok(None) };
        let unknown = |how: &str| Error::Exec {
            place: self.to_string(),
            how: format!("{how} as --read-back, so that what the store holds is not known"),
            output: String::new(),
        };
        let out = self.run(read, None, &[])?.out.map_err(unknown)?;
        let value = out.strip_suffix(b"\n").unwrap_or(&out);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        // A shell does not tell that the first command of a pipe failed: it ends well and has printed nothing.
        if value.trim_ascii().is_empty() {
            return Err(unknown("printed nothing"));
        }
        Ok(Some(Secret::from(value)))
    }

    fn held(&self, old: Option<Secret>, recovered: bool) -> Box<dyn Held> {
        let mut facts = Facts { place: self.to_string(), count: 1, blind: old.is_none(), ..Facts::default() };
        match &old {
            Some(old) => facts.old.push(old.clone()),
            None => facts
                .warnings
                .push(format!("What {self} holds cannot be read without --read-back, before or afterwards.")),
        }
        facts.risks.push(format!("Whether {self} keeps earlier values is not known."));
        Box::new(HeldExec { target: self.clone(), old, recovered, facts })
    }
}

impl fmt::Display for ExecTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exec:{}", shown(&String::from_utf8_lossy(self.write.expose())))
    }
}

impl fmt::Debug for ExecTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Place for ExecTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        Ok(self.held(self.current()?, false))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let old = sealed.strip_prefix(b"=").map(Secret::from);
        Ok(self.held(old, true))
    }

    fn variable(&self) -> &'static str {
        "value"
    }

    /// Commands that differ in their arguments alone are shown alike, and lead to different stores.
    fn identity(&self) -> String {
        format!("exec:{}", hex::encode(Sha256::digest(self.write.expose())))
    }
}

#[derive(Debug)]
struct HeldExec {
    target: ExecTarget,
    old: Option<Secret>,
    /// Whether an earlier run may have written to it, and may have died or failed in the middle.
    recovered: bool,
    facts: Facts,
}

impl Held for HeldExec {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A store that cannot be read, or holds the beginning of the new value, may be what a write has left that failed.
    fn state(&self, new: &Secret) -> Result<State, Error> {
        match self.strict_state(new) {
            Err(Error::Exec { .. }) => Ok(State::Unknown),
            other => other,
        }
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        match if self.recovered { self.state(new)? } else { self.strict_state(new)? } {
            State::New => Ok(()),
            State::Other => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
            State::Old | State::Unknown => self.put(new),
        }
    }

    fn restore(&self, new: &Secret, elsewhere: Option<&Secret>) -> Result<(), Error> {
        match (self.state(new)?, self.old.as_ref().or(elsewhere)) {
            (State::Old, _) => Ok(()),
            (State::Other, _) => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
            (State::New | State::Unknown, Some(old)) => {
                self.put(old)?;
                match self.target.current()? {
                    Some(now) if now != *old => Err(Error::NotBack(self.facts.place.clone())),
                    _ => Ok(()),
                }
            }
            (State::New | State::Unknown, None) => Err(Error::NoWayBack(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(self.target.current()?.map(|now| now == *new))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let old = self.old.as_ref().map(|old| [b"=", old.expose()].concat());
        Zeroizing::new(old.unwrap_or_default())
    }
}

impl HeldExec {
    fn strict_state(&self, new: &Secret) -> Result<State, Error> {
        let (Some(now), Some(old)) = (self.target.current()?, &self.old) else { return Ok(State::Unknown) };
        Ok(match State::of(&now, old, new) {
            State::Other if new.expose().starts_with(now.expose()) => State::Unknown,
            state => state,
        })
    }

    fn put(&self, value: &Secret) -> Result<(), Error> {
        let known: Vec<_> = self.old.iter().collect();
        self.target.run(&self.target.write, Some(value), &known).map(|_| ())
    }
}
