//! The target `systemd-creds:PATH`: a credential that systemd hands to a unit, plain or encrypted for this machine.
//!
//! An encrypted one is made and opened by systemd's own program, with the value on its standard input and output. What it
//! printed is opened again before it takes the file's place, and the old file comes back byte for byte.

use super::{Facts, Held, Place, State};
use crate::durable::{self, Mode};
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::rotate::command::feed_program;
use crate::rotate::{Error, Stop};
use crate::secret::{Redactor, Secret};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use zeroize::Zeroizing;

/// The program that encrypts and decrypts.
const PROGRAM: &str = "systemd-creds";
/// How long it may take; a security chip is slow.
const LIMIT: Duration = Duration::from_mins(1);

/// A credential's file.
#[derive(Clone, Debug)]
pub(super) struct SystemdTarget {
    path: PathBuf,
    name: String,
    /// Whether the name was given, and is no guess from the file's.
    named: bool,
    encrypted: bool,
}

impl SystemdTarget {
    /// `PATH`, or `PATH#NAME` where the credential is not called like its file.
    pub(super) fn parse(rest: &str) -> Result<Self, Error> {
        let (path, given) = match rest.rsplit_once('#') {
            Some((path, name)) => (path, Some(name)),
            None => (rest, None),
        };
        let path = PathBuf::from(path);
        let file = path.file_name().and_then(|name| name.to_str()).ok_or(Error::Target)?;
        let name = given.unwrap_or_else(|| file.strip_suffix(".cred").unwrap_or(file)).to_owned();
        let fine = |c: u8| c.is_ascii_graphic() && !matches!(c, b'/' | b':');
        if name.is_empty() || name.len() > 255 || !name.bytes().all(fine) {
            return Err(Error::Target);
        }
        let folder =
            path.parent().and_then(Path::file_name).is_some_and(|name| name == "credstore.encrypted");
        let encrypted = folder || path.extension().is_some_and(|end| end == "cred");
        Ok(Self { path, name, named: given.is_some(), encrypted })
    }

    /// The name with its path in full; `None` when it is of another kind.
    pub(super) fn in_full(text: &str, full: &dyn Fn(&str) -> String) -> Option<String> {
        let target = Self::parse(text.strip_prefix("systemd-creds:")?).ok()?;
        Some(Self { path: full(target.path.to_str()?).into(), ..target }.to_string())
    }

    fn failed(&self, how: impl Into<String>) -> Error {
        Error::Remote { place: self.to_string(), what: how.into() }
    }

    fn run(&self, verb: &str, input: &Secret) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut command = Command::new(PROGRAM);
        command.args([verb, &format!("--name={}", self.name), "--", "-", "-"]);
        let fed = feed_program(command, Some(input), LIMIT, &Stop::default()).map_err(|_| {
            self.failed(format!(
                "the program `{PROGRAM}`, which encrypts such credentials, cannot be started"
            ))
        })?;
        let Some(how) = fed.failed else {
            return fed.out.map_err(|how| self.failed(format!("`{PROGRAM} {verb}` {how}")));
        };
        // Its last line says why, and the rest is chatter.
        let said = Redactor::new([input]).redact(&String::from_utf8_lossy(&fed.err));
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let said: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
        Err(self.failed(format!("`{PROGRAM} {verb}` {how}: {said}")))
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        bounded::read(&self.path, &self.path, CONFIGURATION)
    }

    /// The value in such a file, and the line end behind it.
    fn open(&self, bytes: &[u8]) -> Result<(Secret, &'static [u8]), Error> {
        let plain = if self.encrypted {
            self.run("decrypt", &Secret::from(bytes))?
        } else {
            Zeroizing::new(bytes.to_vec())
        };
        let end: &[u8] = if plain.ends_with(b"\r\n") {
            b"\r\n"
        } else if plain.ends_with(b"\n") {
            b"\n"
        } else {
            b""
        };
        let value = Secret::from(&plain[..plain.len() - end.len()]);
        if value.is_empty() {
            return Err(self.failed("it is empty"));
        }
        Ok((value, end))
    }

    /// A file that holds the value.
    fn close(&self, value: &Secret, end: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let plain = Zeroizing::new([value.expose(), end].concat());
        if !self.encrypted {
            return Ok(plain);
        }
        let made = self.run("encrypt", &Secret::from(&plain[..]))?;
        if self.open(&made)?.0 == *value { Ok(made) } else { Err(Error::Edit(self.path.clone())) }
    }

    fn held(&self, bytes: &[u8]) -> Result<Box<dyn Held>, Error> {
        let (old, end) = self.open(bytes)?;
        let mut facts = Facts { place: self.to_string(), count: 1, old: vec![old], ..Facts::default() };
        facts.warnings.push(
            "systemd copies a credential when it starts the unit: `--reload systemd:UNIT` hands out the new one."
                .to_owned(),
        );
        if self.encrypted {
            facts.warnings.push(format!(
                "{self} is encrypted anew with the key that systemd takes by default: a choice of --with-key or --not-after is not kept."
            ));
        }
        facts
            .risks
            .push(format!("Units that run already keep the old content of {self} until they are restarted."));
        Ok(Box::new(HeldCredential { target: self.clone(), bytes: Secret::from(bytes), end, facts }))
    }
}

impl fmt::Display for SystemdTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "systemd-creds:{}", self.path.display())?;
        if self.named { write!(f, "#{}", self.name) } else { Ok(()) }
    }
}

impl Place for SystemdTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        if !std::fs::metadata(&self.path).is_ok_and(|file| file.is_file()) {
            return Err(self.failed("there is no such file, or it is none"));
        }
        super::file::sole(&self.path)?;
        let held = self.held(&self.bytes()?)?;
        // What can be opened here may still be closed to us: a key is missing, or the program cannot make one.
        self.close(&held.facts().old[0], b"")?;
        Ok(held)
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        self.held(sealed)
    }

    fn variable(&self) -> &str {
        &self.name
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

#[derive(Debug)]
struct HeldCredential {
    target: SystemdTarget,
    /// The whole file.
    bytes: Secret,
    end: &'static [u8],
    facts: Facts,
}

impl Held for HeldCredential {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        let now = self.target.bytes()?;
        if now[..] == *self.bytes.expose() {
            return Ok(State::Old);
        }
        // The same value that somebody encrypted again is not what was read.
        let (value, _) = self.target.open(&now)?;
        Ok(if value == *new { State::New } else { State::Other })
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        durable::clear_abandoned(&self.target.path)?;
        match self.state(new)? {
            State::New => Ok(()),
            State::Old => {
                let bytes = self.target.close(new, self.end)?;
                Ok(durable::write_atomic(&self.target.path, &bytes, Mode::Keep)?)
            }
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        durable::clear_abandoned(&self.target.path)?;
        match self.state(new)? {
            State::Old => Ok(()),
            State::New => Ok(durable::write_atomic(&self.target.path, self.bytes.expose(), Mode::Keep)?),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.target.open(&self.target.bytes()?)?.0 == *new))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.bytes.expose().to_vec())
    }
}
