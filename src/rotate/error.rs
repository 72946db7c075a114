//! How a rotation fails: what, why, and the next step.

use crate::{contain, durable, session};
use std::io;
use std::path::PathBuf;

/// Why a rotation could not be planned, or one of its steps failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no target.
    #[error("the target is none that unleak knows")]
    Target,
    /// The text is no incident id.
    #[error("the incident id is not usable as a name")]
    IncidentId,
    /// The text is no id for a new incident.
    #[error("a new incident cannot have this id")]
    NewIncidentId,
    /// The id is taken.
    #[error("there is already an incident {0}")]
    IncidentExists(String),
    /// The URL cannot be asked.
    #[error("the URL {url} is not usable: {reason}")]
    Url {
        /// The URL, without what could be secret in it.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// The cookie cannot be sent.
    #[error("the probe's cookie is not usable: {0}")]
    Cookie(&'static str),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file is not UTF-8.
    #[error("{} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    /// The file is larger than any that belongs there.
    #[error("{} is larger than {mib} MiB, which nothing is that belongs there", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large one may be.
        mib: u64,
    },
    /// Two targets stand in one file.
    #[error("two targets stand in one file, {}", .0.display())]
    SameFile(PathBuf),
    /// Two targets stand in one secret of a store.
    #[error("two targets stand in one secret, {0}, which is written as a whole")]
    SameSecret(String),
    /// The variable is not in the file.
    #[error("{} has no variable {}", path.display(), shown_name(name))]
    NoSuchName {
        /// The file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
    /// The key is not in the file.
    #[error("{} has no key {key}", path.display())]
    NoSuchKey {
        /// The file.
        path: PathBuf,
        /// The key, as it was typed.
        key: String,
    },
    /// Several Secrets of a manifest hold the key.
    #[error("{} has several Secrets with a key {key}", path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// What stands in the file cannot be replaced.
    #[error("{}:{line}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// Why; no text of the file.
        reason: String,
    },
    /// Parsers of dotenv files would read different values.
    #[error("{}:{line}: parsers disagree on where this value ends", path.display())]
    Doubtful {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// The value only points to another variable.
    #[error("{}:{line}: the value is a reference to another variable", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// The target holds another value than the finding.
    #[error("{0} does not hold the value of the finding")]
    NotLeaked(String),
    /// The file was changed between reading and writing.
    #[error("{0} was changed by somebody else meanwhile")]
    ChangedMeanwhile(String),
    /// The edited file does not read back as it should; it was not written.
    #[error("{} would not read back correctly with the new value, and was left as it is", .0.display())]
    Edit(PathBuf),
    /// A store that is reached over the network, or its answer.
    #[error("{place}: {what}")]
    Remote {
        /// The target.
        place: String,
        /// What it answered or why it did not; nothing that it holds.
        what: String,
    },
    /// A store's credential is not there.
    #[error("there is no credential for {place}")]
    NoCredential {
        /// The target.
        place: String,
        /// Where it was looked for.
        wanted: &'static str,
    },
    /// The command of a target could not be started.
    #[error("cannot start the command of {place}")]
    ExecStart {
        /// The target.
        place: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The command of a target failed.
    #[error("the command of {place} {how}{}", said(.output))]
    Exec {
        /// The target.
        place: String,
        /// How it ended.
        how: String,
        /// The end of what it said, without secrets.
        output: String,
    },
    /// A target that cannot be read has the new value, and nobody knows the old one.
    #[error("{0} cannot be put back: nobody could read what it held")]
    NoWayBack(String),
    /// The old value was written, and something else is read.
    #[error("{0} does not hold the old value after it was written back")]
    NotBack(String),
    /// A target or a reload leads to another place than when the rotation was planned.
    #[error("{what} is another one than when the rotation was planned: it was {was}, and is now {now}")]
    OtherPlace {
        /// The target or the reload.
        what: String,
        /// Where it led.
        was: String,
        /// Where it leads.
        now: String,
    },
    /// The new value's own form is of no use.
    #[error("the form of the new secret is not usable: {0}")]
    Alphabet(&'static str),
    /// The operating system has no randomness.
    #[error("the operating system gives no random bytes: {0}")]
    Random(String),
    /// A file could not be written or locked.
    #[error(transparent)]
    Durable(#[from] durable::Error),
    /// The session store.
    #[error("the session store cannot be used")]
    Store(#[source] session::Error),
    /// The runtime that drives the session store did not start.
    #[error("cannot start the runtime for the session store")]
    Runtime(#[source] io::Error),
    /// The probe does not show a live session, so its later refusal would show nothing.
    #[error("the probe {url} {found}")]
    Probe {
        /// The URL.
        url: String,
        /// What it answered and why that is of no use.
        found: String,
    },
    /// The login that should give a live session did not work.
    #[error("the login at {url} did not work: {what}")]
    Login {
        /// The URL.
        url: String,
        /// What it answered; nothing of what was sent.
        what: String,
    },
    /// No cookie could be made with the old value.
    #[error("no cookie can be forged: {0}")]
    Forge(&'static str),
    /// The text begins like a kind of reload, and names nothing.
    #[error("the reload is not usable: {why}")]
    ReloadForm {
        /// How it is written.
        kind: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// A reload could not do what it is asked for.
    #[error("{way} cannot be reloaded: {why}")]
    ReloadPlan {
        /// What would be reloaded.
        way: String,
        /// Why not.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The program of a reload could not be started.
    #[error("cannot start what reloads: {way}")]
    ReloadStart {
        /// What would be reloaded.
        way: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A reload failed.
    #[error("{way} {how}{}", said(.output))]
    Reload {
        /// What was reloaded.
        way: String,
        /// How it ended.
        how: String,
        /// The end of what it printed, without secrets.
        output: String,
    },
    /// The application did not become healthy.
    #[error("{url} was not healthy within {seconds} s (last answer: {last})")]
    Health {
        /// The URL.
        url: String,
        /// How long it was asked.
        seconds: u64,
        /// The last answer.
        last: String,
    },
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// The journal does not fit together.
    #[error("{}:{line}: the journal was changed: {reason}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What does not fit.
        reason: &'static str,
    },
    /// There is nothing to go on with.
    #[error("there is no unfinished rotation {0}")]
    NotUnfinished(String),
    /// Another rotation of the same target did not end.
    #[error("the rotation {id} of {target} is not finished, and a new one would take its way back away")]
    Unfinished {
        /// The incident.
        id: String,
        /// The target.
        target: String,
        /// The incident's folder.
        folder: PathBuf,
    },
    /// Somebody else has gone on with it since it was looked at.
    #[error("the rotation {0} went on meanwhile")]
    WentOn(String),
    /// The file has further names, which would keep the old content.
    #[error("{} has {links} names (hard links), of which only one would get the new value", path.display())]
    HardLinks {
        /// The file.
        path: PathBuf,
        /// How many.
        links: u64,
    },
    /// The unfinished rotation is of something else.
    #[error("the incident {id} is about {target}")]
    OtherTarget {
        /// The incident.
        id: String,
        /// Its target.
        target: String,
    },
    /// The purge has begun.
    #[error("the rotation {0} had begun to delete sessions and cannot be taken back")]
    TooLate(String),
    /// The application may run with the new value.
    #[error(
        "the new value of {0} may be in use already, and to take that back is to put a leaked value into use again"
    )]
    InUse(String),
    /// The undo file cannot be opened.
    #[error("the sealed old value {} cannot be opened", .0.display())]
    Seal(PathBuf),
    /// There is no such incident.
    #[error("there is no incident {0}")]
    NoIncident(String),
    /// The signing key or what was signed with it cannot be used.
    #[error("cannot sign or check with {}", .0.display())]
    Signing(PathBuf),
    /// The leaked value could not be taken out of the repository.
    #[error("the leaked value cannot be taken out of the repository")]
    Contain(#[from] contain::Error),
    /// What was to be written still held a secret; it was not written.
    #[error("{0} would have held a secret and was not written")]
    Unclean(&'static str),
}

/// What to do where a name leads elsewhere than before.
const OTHER_PLACE: &str = "go back to the environment and configuration of that time, or say with --target or --reload what is meant now";

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!("; it said:\n{output}") }
}

impl From<session::Error> for Error {
    fn from(error: session::Error) -> Self {
        Self::Store(error)
    }
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Target => {
                "write it as `env:PATH#NAME`, `yaml:PATH#a.b`, `json:PATH#/a/b`, `toml:PATH#a.b`, `k8s:PATH#KEY`, `file:PATH` or `exec:COMMAND`; `unleak rotate --help` lists all kinds"
            }
            Self::IncidentId => "use 3 to 64 letters, digits, `-`, `_` or `.`, for example INC-20251119-001",
            Self::NewIncidentId => {
                "write it as INC-20251119-001 (INC, day, number) or EMRG-SESSION-20251119-0312 (day, time), or leave it out to get the next number"
            }
            Self::IncidentExists(_) => "choose another --incident-id, or leave it out to get the next number",
            Self::Url { .. } => "give an http:// or https:// address without user and password",
            Self::Cookie(_) => "give it as the browser sends it, `name=value`, in one line",
            Self::TooLarge { .. } => "check the path",
            Self::SameFile(_) => {
                "write both in one target: `env:PATH#NAME,NAME`; keys of other files one rotation after the other"
            }
            Self::SameSecret(_) => "rotate one key after the other; nothing was changed",
            Self::NotText(_) => "convert the file to UTF-8 first",
            Self::NoSuchName { .. } => {
                "check the name's spelling and case; a rotation replaces a value and adds none"
            }
            Self::NoSuchKey { .. } => {
                "check the spelling: `a.b.c` for YAML and TOML, `/a/b/c` for JSON, `KEY` or `NAME/KEY` for a manifest; a rotation replaces a value and adds none"
            }
            Self::Ambiguous { .. } => "name the Secret too: `k8s:PATH#NAME/KEY`",
            Self::Unreadable { .. } => {
                "change the file so that one plain value stands there, then start again"
            }
            Self::Doubtful { .. } => {
                "write the value in one pair of quotes, or without quotes and backslashes"
            }
            Self::Reference { .. } => "rotate the variable that it refers to",
            Self::ChangedMeanwhile(_) => "find out who else writes it, then start again",
            Self::Probe { .. } => {
                "give a URL that only a logged-in user can see and a cookie that is live now, or leave out --probe"
            }
            Self::Login { .. } => {
                "try it by hand: what is sent is JSON if it begins with a brace, else a form; `{{csrf}}` in it takes the token of --login-page"
            }
            Self::Forge(_) => {
                "check the kind, and that the target is what the application reads; --forge-from and --forge-name give what the cookie says and its name"
            }
            Self::ReloadForm { kind, .. } => return Some(format!("write it as {kind}, or as a command")),
            Self::ReloadPlan { hint, .. } => hint,
            Self::ReloadStart { .. } => {
                "check that the shell or program can be started and that the folder is still there that the rotation was started in"
            }
            Self::Reload { .. } => "do the same by hand to see what it needs",
            Self::Health { .. } => "look at the application's log; --health-timeout gives it more time",
            Self::Journal { .. } => "keep a copy for the investigation; do not rely on it",
            Self::NotUnfinished(_) => {
                "a rotation that can be resumed or aborted has a file `undo.sealed` in its incident's folder; give the same --state as before"
            }
            Self::OtherTarget { .. } => {
                "leave --target out, or give the same as before, with every argument of an `exec:` command"
            }
            Self::TooLate(_) => "finish it with --resume: a leaked value that is out stays out",
            Self::NotLeaked(_) => {
                "check that it is the right target; where the value was replaced already, end the sessions with `unleak sessions` or rotate without --from-finding"
            }
            Self::Seal(_) => {
                "the state folder and its key `undo.key` must be those of the run that sealed it"
            }
            Self::NoIncident(_) => "see `unleak incident list`; give the same --state as before",
            Self::Signing(_) => {
                "the file must be a key that minisign understands; the state folder's own are `signing.key` and `signing.pub`"
            }
            Self::Unclean(_) => "this is a fault in unleak; please report it, without the secret",
            Self::Remote { .. } => "check the target's name, the address and the credential's rights",
            Self::NoCredential { wanted, .. } => return Some(format!("set {wanted}")),
            Self::ExecStart { .. } => "check that the shell can be started",
            Self::Exec { .. } => {
                "run the command by hand: it must read the value from standard input, the one of --read-back must print it, and both must end with 0"
            }
            Self::Alphabet(_) => {
                "leave out --secret-length and --secret-alphabet, or give for example 64 and alnum"
            }
            Self::NotBack(_) => "look at the store; the old value stays sealed, and --abort writes it again",
            Self::OtherPlace { .. } => OTHER_PLACE,
            Self::NoWayBack(_) => "go on with --resume, or put the old value there by hand",
            Self::Read { .. } => "check the path and its permissions; a symbolic link must lead to a file",
            Self::Edit(_) => {
                "write the value in one pair of quotes and without line breaks, then start again"
            }
            Self::InUse(_)
            | Self::Unfinished { .. }
            | Self::WentOn(_)
            | Self::HardLinks { .. }
            | Self::Durable(_)
            | Self::Store(_)
            | Self::Contain(_) => {
                return self.hint_of_its_own();
            }
            Self::Random(_) | Self::Runtime(_) | Self::Stopped => return None,
        };
        Some(text.to_owned())
    }

    /// What to do about what says it itself.
    fn hint_of_its_own(&self) -> Option<String> {
        match self {
            Self::InUse(id) => Some(format!(
                "finish it with `unleak rotate --resume {id}`; `unleak rotate --abort {id} --restore-leaked` puts the leaked value back in spite of the leak: whoever has it can go on using it, and the incident stays open"
            )),
            Self::Unfinished { id, folder, .. } => Some(format!(
                "finish it with `unleak rotate --resume {id}`, or take it back with `unleak rotate --abort {id}` (once a reload had begun, with --restore-leaked); where neither is possible any more, since somebody else has changed the target, move {} out of the way",
                folder.join(super::unfinished::SEALED).display()
            )),
            Self::WentOn(id) => Some(format!("see `unleak incident show {id}`, then try again")),
            Self::HardLinks { path, .. } => Some(format!(
                "`find / -xdev -samefile {}` shows them all: make symbolic links of the others, or rotate a file of its own",
                path.display()
            )),
            Self::Durable(error) => error.hint().or_else(|| {
                Some("check the path; a symbolic link must lead to a file that is there".to_owned())
            }),
            Self::Contain(error) => error.hint(),
            Self::Store(error) => error.hint().or_else(|| {
                Some(
                    "check the store's address, and that nobody else holds it; see it with --dry-run"
                        .to_owned(),
                )
            }),
            _ => None,
        }
    }

    /// The error with its causes, in one text.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let next = error.to_string();
            if !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        text
    }
}

/// A variable's name; what does not look like one may be a value that was pasted in its place.
fn shown_name(name: &str) -> &str {
    let part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name =
        name.len() <= 40 && name.bytes().all(part) && name.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_name { name } else { "of the name after `#`" }
}
