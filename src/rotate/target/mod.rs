//! Where the secret lives: what every kind of target can do, and how one is named.
//!
//! A kind is one file: it says how it is read, written, read back and put back. The transaction knows no kind.

mod aws;
mod client;
pub(in crate::rotate) mod cluster;
mod docker;
mod dotenv;
mod exec;
mod fallback;
mod file;
mod form;
mod github;
mod keyed;
mod kubeconfig;
mod kubernetes;
mod serve_token;
mod sigv4;
mod swarm;
mod systemd;
mod traces;
mod tree;
mod vault;
mod vercel;

use super::Error;
use super::bounded::{self, CONFIGURATION};
use crate::secret::Secret;
use aws::AwsTarget;
use exec::ExecTarget;
use file::FileTarget;
use github::GithubTarget;
use kubernetes::KubernetesTarget;
use serve_token::ServeToken;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm::SwarmTarget;
use systemd::SystemdTarget;
use vault::VaultTarget;
use vercel::VercelTarget;
use zeroize::Zeroizing;

/// One place where the secret lives, as the operator named it.
#[derive(Clone, Debug)]
pub struct Target(Arc<dyn Place>);

/// What every kind of target can do without having read it.
pub(in crate::rotate) trait Place: fmt::Debug + fmt::Display + Send + Sync {
    /// Reads what is there, and changes nothing.
    fn read(&self) -> Result<Box<dyn Held>, Error>;
    /// What was there before a rotation that did not end, from what [`Held::sealed`] gave.
    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error>;
    /// The name that applications know the value by: a variable, a key, a file's name.
    fn variable(&self) -> &str;
    /// All such names, where it has several.
    fn variables(&self) -> Vec<&str> {
        vec![self.variable()]
    }
    /// What tells it from every other target, where its name as it is shown does not; kept sealed.
    fn identity(&self) -> String {
        self.to_string()
    }
    /// The server behind it, where its name does not tell and the configuration of the moment does.
    fn endpoint(&self) -> Option<String> {
        None
    }
    /// The file that is replaced, for the lock; `None` where no file of this machine is.
    fn file(&self) -> Option<&Path> {
        None
    }
    /// The secret of a store that is written as a whole, with all of its keys; `None` where a key is written alone.
    fn whole(&self) -> Option<String> {
        None
    }
    /// Credentials of the target itself, which must never be shown.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// A target as it was when the rotation was planned.
pub(in crate::rotate) trait Held: fmt::Debug {
    /// What a plan has to know of it.
    fn facts(&self) -> &Facts;
    /// Which value it holds now.
    fn state(&self, new: &Secret) -> Result<State, Error>;
    /// Writes the new value, unless something else was written since it was read; once more does no harm.
    fn write(&self, new: &Secret) -> Result<(), Error>;
    /// Puts back what was there; `old` is the one value that all targets held, for what cannot be read.
    fn restore(&self, new: &Secret, old: Option<&Secret>) -> Result<(), Error>;
    /// Whether it holds the new value and the old one in no place that was not known; `None` where nobody can read it.
    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error>;
    /// Lets go of what was kept for the way back, when nobody will need it any more; what was let go, if anything was.
    fn finish(&self, _new: &Secret) -> Result<Option<String>, Error> {
        Ok(None)
    }
    /// What it takes to put it back after a crash.
    fn sealed(&self) -> Zeroizing<Vec<u8>>;
}

/// Which value a target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rotate) enum State {
    /// What was there when the rotation was planned.
    Old,
    /// The new value.
    New,
    /// Something else: somebody changed it meanwhile.
    Other,
    /// It cannot be read, or one part of it holds the old value and another the new one.
    Unknown,
}

/// What a plan has to know of a target.
#[derive(Clone, Debug, Default)]
pub(in crate::rotate) struct Facts {
    /// What it is called in a sentence.
    pub(in crate::rotate) place: String,
    /// Whether nobody can read it, so that what it holds is never known.
    pub(in crate::rotate) blind: bool,
    /// Which part of it is replaced: `line 3`, `version 7`; empty when it is all of it.
    pub(in crate::rotate) part: String,
    /// Whether its places hold different values, so that none of them stands for all.
    pub(in crate::rotate) mixed: bool,
    /// In how many places of it the value stands.
    pub(in crate::rotate) count: usize,
    /// The old values, the one that counts first; empty where it cannot be read.
    pub(in crate::rotate) old: Vec<Secret>,
    /// Fallback lists that hold the old value, with their lines.
    pub(in crate::rotate) fallbacks: Vec<(String, usize)>,
    /// Fallback lists that go on holding it, because that is wanted.
    pub(in crate::rotate) kept: Vec<(String, usize)>,
    /// Other places in it that hold the old value and will keep it: what, and on which line.
    pub(in crate::rotate) leftovers: Vec<(String, usize)>,
    /// Variables that the framework prefers over this one.
    pub(in crate::rotate) overriding: Vec<String>,
    /// What the operator should know before, whole sentences.
    pub(in crate::rotate) warnings: Vec<String>,
    /// What is still open afterwards, whole sentences.
    pub(in crate::rotate) risks: Vec<String>,
}

/// A place inside a target in words; line 0 is none.
pub(in crate::rotate) fn at(what: &str, line: usize) -> String {
    if line == 0 { what.to_owned() } else { format!("{what} (line {line})") }
}

/// What a target may need besides its name.
pub struct Surroundings<'a> {
    /// Looks up a credential in the environment.
    pub env: &'a dyn Fn(&str) -> Option<Secret>,
    /// The command that prints what the store of an `exec:` target holds.
    pub read_command: Option<String>,
    /// Whether the old value stays in fallback lists, so that sessions made with it live on.
    pub graceful: bool,
    /// The folder that the commands of an `exec:` target run in; `None` is the one of this process.
    pub directory: Option<PathBuf>,
    /// The folder with the tokens of `unleak serve`.
    pub state: Option<PathBuf>,
}

impl Surroundings<'_> {
    /// The folder that a variable names, or the one of this name in the home folder.
    pub(in crate::rotate) fn in_home(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let home = || Some(PathBuf::from(self.text("HOME")?).join(name));
        self.text(variable).map(PathBuf::from).or_else(home)
    }

    /// A setting that is no secret.
    pub(in crate::rotate) fn text(&self, name: &str) -> Option<String> {
        (self.env)(name).map(|value| String::from_utf8_lossy(value.expose()).into_owned())
    }

    /// The content of a file that a variable names.
    fn file_named_by(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = self.text(name).map(PathBuf::from) else { return Ok(None) };
        bounded::read(&path, &path, CONFIGURATION).map(|bytes| Some(bytes.to_vec()))
    }

    /// A token that a tool has left in the home folder.
    fn file_in_home(&self, name: &str) -> Option<Secret> {
        let path = PathBuf::from(self.text("HOME")?).join(name);
        let text = bounded::read(&path, &path, CONFIGURATION).ok()?;
        let token = text.trim_ascii();
        (!token.is_empty()).then(|| Secret::from(token))
    }
}

impl State {
    /// What a value is.
    fn of<T: PartialEq + ?Sized>(now: &T, old: &T, new: &T) -> Self {
        if now == old {
            Self::Old
        } else if now == new {
            Self::New
        } else {
            Self::Other
        }
    }
}

impl Target {
    /// The variable `name` of the dotenv file at `path`.
    ///
    /// # Errors
    /// When the name is none that a dotenv file can hold.
    pub fn env(path: impl Into<PathBuf>, name: &str) -> Result<Self, Error> {
        Ok(Self(Arc::new(FileTarget::env(path.into(), name)?)))
    }

    /// A target by its name, `KIND:WHERE`.
    ///
    /// # Errors
    /// When the text names none.
    pub fn parse(text: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (kind, rest) = text.split_once(':').ok_or(Error::Target)?;
        let of_file = |target: Result<FileTarget, Error>| Ok(Self(Arc::new(target?)));
        let of_aws = |target: Result<AwsTarget, Error>| Ok(Self(Arc::new(target?)));
        match kind {
            "exec" => {
                let (read, directory) = (around.read_command.as_deref(), around.directory.clone());
                Ok(Self(Arc::new(ExecTarget::new(rest, read, directory)?)))
            }
            "kubernetes" => Ok(Self(Arc::new(KubernetesTarget::parse(rest, around)?))),
            "github" => Ok(Self(Arc::new(GithubTarget::parse(rest, around)?))),
            "vercel" => Ok(Self(Arc::new(VercelTarget::parse(rest, around)?))),
            "serve-token" => Ok(Self(Arc::new(ServeToken::parse(rest, around)?))),
            "swarm" => Ok(Self(Arc::new(SwarmTarget::parse(rest, around)?))),
            "systemd-creds" => Ok(Self(Arc::new(SystemdTarget::parse(rest)?))),
            "vault" => Ok(Self(Arc::new(VaultTarget::parse(rest, around)?))),
            kind => FileTarget::parse(kind, rest, around.graceful)
                .map(of_file)
                .or_else(|| AwsTarget::parse(kind, rest, around).map(of_aws))
                .unwrap_or(Err(Error::Target)),
        }
    }

    /// The name with its path in full, so that it means the same in another folder.
    pub fn in_full(text: &str, full: &dyn Fn(&str) -> String) -> String {
        let systemd = || SystemdTarget::in_full(text, full);
        FileTarget::in_full(text, full).or_else(systemd).unwrap_or_else(|| text.to_owned())
    }

    pub(in crate::rotate) fn place(&self) -> &dyn Place {
        &*self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
