//! How a running application is made to take the new value: a command, a service manager, a signal, a container, a
//! cluster.
//!
//! Each kind looks, before anything is changed, whether it could do what it is asked for. None is told a secret.

mod process;
mod program;
mod rollout;
#[cfg(unix)]
mod signal;

use super::command::{arguments, shell, shown};
use super::target::Surroundings;
use super::{Error, Stop};
use crate::secret::{Redactor, Secret};
use process::run;
use program::Program;
use rollout::Rollout;
#[cfg(unix)]
use signal::Signalled;
use std::path::PathBuf;
use std::time::Duration;

/// One way in which an application takes the new value.
#[derive(Clone, Debug)]
pub struct Reload {
    way: Way,
    /// How long it may take.
    limit: Duration,
}

#[derive(Clone, Debug)]
enum Way {
    /// A command line for the shell, and the folder that it runs in; `None` is the one of this process.
    Command {
        line: String,
        directory: Option<PathBuf>,
    },
    Program(Program),
    #[cfg(unix)]
    Signal(Signalled),
    Rollout(Box<Rollout>),
}

/// What a reload may need of the rotation that it is part of.
pub(super) struct Around<'a> {
    /// Names of variables that the application must not inherit from us.
    pub(super) names: &'a [&'a str],
    /// Takes secrets out of what a command said.
    pub(super) redactor: &'a Redactor,
    pub(super) stop: &'a Stop,
}

impl Reload {
    /// A command line for the shell; it ends when the application has the new value.
    pub fn command(line: impl Into<String>, directory: Option<PathBuf>, limit: Duration) -> Self {
        Self { way: Way::Command { line: line.into(), directory }, limit }
    }

    /// What is meant by `systemd:UNIT`, `systemd-user:UNIT`, `signal:NAME:PID`, `signal:NAME:@PIDFILE`,
    /// `docker:CONTAINER`, `kubernetes:NAMESPACE/KIND/NAME`, or by a command line, which everything else is.
    ///
    /// # Errors
    /// When the text begins like a kind and names nothing, or the cluster's credential is not there.
    pub fn parse(
        text: &str,
        directory: Option<PathBuf>,
        limit: Duration,
        around: &Surroundings<'_>,
    ) -> Result<Self, Error> {
        let way = match text.split_once(':') {
            #[cfg(unix)]
            Some(("signal", rest)) => Way::Signal(Signalled::parse(rest)?),
            #[cfg(not(unix))]
            Some(("signal", _)) => return Err(bad_form("signal:", "this system has no signals")),
            Some((kind @ ("systemd" | "systemd-user" | "docker"), name)) => {
                Way::Program(Program::new(kind, name, around)?)
            }
            Some(("kubernetes", rest)) => Way::Rollout(Box::new(Rollout::parse(rest, around)?)),
            // A mistyped kind would be a command that is not there, and that only after the value was written.
            Some((kind, _))
                if !kind.is_empty()
                    && kind.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') =>
            {
                return Err(bad_form(
                    "systemd:, systemd-user:, signal:, docker: or kubernetes: with a name",
                    "there is no such kind",
                ));
            }
            _ => return Ok(Self::command(text, directory, limit)),
        };
        Ok(Self { way, limit })
    }

    /// The same text with the path in it in full, so that it means the same in another folder.
    pub fn in_full(text: &str, full: &dyn Fn(&str) -> String) -> String {
        let file = text.strip_prefix("signal:").and_then(|rest| rest.split_once(":@"));
        match file {
            Some((name, path)) if !path.is_empty() => format!("signal:{name}:@{}", full(path)),
            _ => text.to_owned(),
        }
    }

    /// What it will do.
    pub(super) fn describe(&self) -> String {
        let what = match &self.way {
            Way::Command { line, .. } => format!("run {}", shown(line)),
            Way::Program(program) => program.describe(),
            #[cfg(unix)]
            Way::Signal(signal) => signal.describe(),
            Way::Rollout(rollout) => rollout.describe(),
        };
        format!("{what}, for at most {} s", self.limit.as_secs())
    }

    /// What it is called, and what it leads to at this moment, where the name does not tell: a server, or one process of all
    /// that ever have a number.
    pub(super) fn endpoint(&self) -> Option<(String, String)> {
        match &self.way {
            Way::Command { .. } => None,
            Way::Program(program) => Some((program.describe(), program.endpoint()?)),
            #[cfg(unix)]
            Way::Signal(signal) => Some((signal.describe(), signal.endpoint()?)),
            Way::Rollout(rollout) => Some((rollout.describe(), rollout.endpoint())),
        }
    }

    /// What the operator should know before.
    pub(super) fn warning(&self) -> Option<String> {
        match &self.way {
            Way::Program(program) => program.warning(),
            Way::Rollout(rollout) => rollout.warning(),
            _ => None,
        }
    }

    /// Credentials that it needs, which must never be shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match &self.way {
            Way::Rollout(rollout) => rollout.secrets(),
            _ => Vec::new(),
        }
    }

    /// Looks whether it could be done, and changes nothing.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.way {
            Way::Command { .. } => Ok(()),
            Way::Program(program) => program.check(),
            #[cfg(unix)]
            Way::Signal(signal) => signal.check(),
            Way::Rollout(rollout) => rollout.check(),
        }
    }

    /// Does it, and says what was done. `begun` is set as soon as the application may have been told.
    pub(super) fn perform(&self, around: &Around<'_>, begun: &mut bool) -> Result<String, Error> {
        match &self.way {
            Way::Command { line, directory } => {
                let mut command = shell(line);
                if let Some(directory) = directory {
                    command.current_dir(directory);
                }
                let own = Redactor::new(&arguments(line));
                let took = run("the reload command", command, self.limit, around, &own, begun)?;
                Ok(format!("the command ended with 0 after {} ms", took.as_millis()))
            }
            Way::Program(program) => program.perform(self.limit, around, begun),
            #[cfg(unix)]
            Way::Signal(signal) => signal.perform(self.limit, around.stop, begun),
            Way::Rollout(rollout) => rollout.perform(self.limit, around.stop, begun),
        }
    }
}

fn bad_form(kind: &'static str, why: &'static str) -> Error {
    Error::ReloadForm { kind, why }
}

/// Why the plan is refused: `way` is the kind with its name, `why` half a sentence.
fn cannot(way: &str, why: impl Into<String>, hint: &'static str) -> Error {
    Error::ReloadPlan { way: way.to_owned(), why: why.into(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Reload, Error> {
        let around = Surroundings {
            env: &|_| None,
            read_command: None,
            graceful: false,
            directory: None,
            state: None,
        };
        Reload::parse(text, None, Duration::from_secs(1), &around)
    }

    #[test]
    fn what_is_no_kind_is_a_command() {
        for text in ["systemctl restart app", "./signal: x", "", "touch a:b", ": x", "./docker:x"] {
            assert!(matches!(parse(text).unwrap().way, Way::Command { .. }), "{text}");
        }
        for text in [
            "dockerd:x",
            "systemctl:app",
            "systemd:",
            "systemd:-H x",
            "systemd-user:a b",
            "docker:--help",
            "docker:a;b",
            "signal:HUP",
            "signal:KILL:77",
            "signal:HUP:1",
            "signal:HUP:-5",
            "signal:HUP:@",
            "kubernetes:web",
            "kubernetes:prod/pod/web",
            "kubernetes:../deployment/web",
        ] {
            assert!(parse(text).is_err_and(|error| error.hint().is_some()), "{text}");
        }
    }

    #[test]
    fn the_path_of_a_pid_file_is_kept_in_full() {
        let full = |path: &str| format!("/srv/{path}");
        assert_eq!(Reload::in_full("signal:HUP:@run/app.pid", &full), "signal:HUP:@/srv/run/app.pid");
        for text in ["signal:HUP:77", "systemd:app", "run :@x", "signal:HUP:@"] {
            assert_eq!(Reload::in_full(text, &full), text);
        }
    }

    proptest! {
        #[test]
        fn no_name_becomes_an_option(kind in "systemd|systemd-user|docker", name in "[ -~]{0,12}") {
            if let Ok(Reload { way: Way::Program(program), .. }) = parse(&format!("{kind}:{name}")) {
                prop_assert_eq!(program.name(), name.as_str());
                prop_assert!(!name.starts_with('-') && !name.contains([' ', ';', '$', '/']));
            }
        }
    }
}
