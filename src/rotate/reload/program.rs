//! Service managers that have a command line: systemd and Docker.
//!
//! A unit is restarted and never only reloaded: a reload reads neither its environment file nor its credentials again.

use super::process::{ask, run};
use super::{Around, bad_form, cannot};
use crate::rotate::Error;
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::rotate::target::Surroundings;
use crate::secret::Redactor;
use std::process::Command;
use std::time::Duration;

/// A service, and the manager that restarts it.
#[derive(Clone, Debug)]
pub(super) struct Program {
    manager: Manager,
    name: String,
    /// The engine that Docker's own program asks.
    engine: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    System,
    User,
    Docker,
}

/// Which engine Docker's program asks, by its own rules: DOCKER_HOST, DOCKER_CONTEXT, the context of its configuration.
fn engine(around: &Surroundings<'_>) -> String {
    let context = || {
        let config = around.in_home("DOCKER_CONFIG", ".docker")?.join("config.json");
        let text = bounded::read(&config, &config, CONFIGURATION).ok()?;
        let config: serde_json::Value = serde_json::from_slice(&text).ok()?;
        config["currentContext"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    };
    let named = |name: String| format!("the context {name}");
    let host = around.text("DOCKER_HOST");
    host.or_else(|| around.text("DOCKER_CONTEXT").or_else(context).map(named))
        .unwrap_or_else(|| "the default engine".to_owned())
}

impl Program {
    pub(super) fn new(kind: &str, name: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (manager, form) = match kind {
            "docker" => (Manager::Docker, "docker:CONTAINER"),
            "systemd-user" => (Manager::User, "systemd-user:UNIT"),
            _ => (Manager::System, "systemd:UNIT"),
        };
        let more: &[u8] = if manager == Manager::Docker { b"_.-" } else { b"_.-:@\\" };
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
        // A name that begins with a hyphen would be an option.
        if name.is_empty() || name.len() > 255 || name.starts_with('-') || !name.bytes().all(fine) {
            return Err(bad_form(form, "the name is none"));
        }
        let engine = (manager == Manager::Docker).then(|| engine(around));
        Ok(Self { manager, name: name.to_owned(), engine })
    }

    pub(super) fn endpoint(&self) -> Option<String> {
        self.engine.clone()
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn way(&self) -> String {
        let what = match self.manager {
            Manager::System => "the systemd unit",
            Manager::User => "the user's systemd unit",
            Manager::Docker => "the Docker container",
        };
        format!("{what} {}", self.name)
    }

    pub(super) fn describe(&self) -> String {
        format!("restart {}", self.way())
    }

    pub(super) fn warning(&self) -> Option<String> {
        (self.manager == Manager::Docker).then(|| {
            format!(
                "A restart of the container {} does not change its environment: it takes the new value from a mounted file only. Where `--env-file` or `env_file:` passed it, let --reload be the command that makes the container anew.",
                self.name
            )
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        if self.manager == Manager::User {
            command.arg("--user");
        }
        if self.manager != Manager::Docker {
            // It is a background process: a question for a password would stop it.
            command.arg("--no-ask-password");
        }
        command.args(words).arg("--").arg(&self.name);
        command
    }

    fn program(&self) -> &'static str {
        if self.manager == Manager::Docker { "docker" } else { "systemctl" }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let (words, wanted): (&[&str], _) = match self.manager {
            Manager::Docker => (&["container", "inspect", "--format", "{{.State.Running}}"], "true"),
            _ => (&["show", "--property=LoadState", "--value"], "loaded"),
        };
        let way = self.way();
        let answer = ask(self.command(words)).map_err(|_| {
            cannot(
                &way,
                format!("the program `{}` cannot be started", self.program()),
                "install it, or add its folder to PATH; or give --reload a command",
            )
        })?;
        match answer.as_deref() {
            Some(word) if word == wanted => Ok(()),
            Some("false") => Err(cannot(&way, "it is not running", "start it first, or leave it out")),
            Some("not-found") => Err(cannot(
                &way,
                "there is no such unit",
                "check the name with `systemctl list-units`; for a unit of your own write `systemd-user:UNIT`",
            )),
            Some(_) => Err(cannot(&way, "systemd cannot load it", "see `systemctl status` of it")),
            None if self.manager == Manager::Docker => Err(cannot(
                &way,
                "Docker does not know it, or does not answer",
                "see `docker ps`: the name or id is wanted, and the right to use Docker",
            )),
            None => Err(cannot(
                &way,
                "systemd does not answer",
                "run `systemctl status` to see why; systemd must be what runs this machine",
            )),
        }
    }

    pub(super) fn perform(
        &self,
        limit: Duration,
        around: &Around<'_>,
        begun: &mut bool,
    ) -> Result<String, Error> {
        let way = self.way();
        let took = run(&way, self.command(&["restart"]), limit, around, &Redactor::new([]), begun)?;
        Ok(format!("{way} was restarted in {} ms", took.as_millis()))
    }
}
