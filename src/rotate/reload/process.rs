//! A program that makes the application reload: started, watched, ended with everything it started when it is late.

use super::Around;
use crate::rotate::command::{kill, tail};
use crate::rotate::{Error, Stop};
use crate::secret::Redactor;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much of what it printed is kept.
const OUTPUT: u64 = 64 * 1024;
/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(15);

/// Runs it to its end; `own` takes out of its output what nobody else knows to be secret.
pub(super) fn run(
    way: &str,
    command: Command,
    limit: Duration,
    around: &Around<'_>,
    own: &Redactor,
    begun: &mut bool,
) -> Result<Duration, Error> {
    let failed = |source| Error::ReloadStart { way: way.to_owned(), source };
    let started = Instant::now();
    // A file and not a pipe: a process that the command leaves behind would die of a broken pipe after we are gone.
    let mut output = tempfile::tempfile().map_err(failed)?;
    let mut child = start(command, around.names, &output).map_err(failed)?;
    *begun = true;
    let how = match wait(&mut child, limit, around.stop) {
        Ended::By(status) if status.success() => return Ok(started.elapsed()),
        Ended::By(status) => match status.code() {
            Some(code) => format!("ended with {code}"),
            None => "was ended by a signal".to_owned(),
        },
        Ended::Late => format!("took longer than {} s and was ended", limit.as_secs()),
        Ended::Stopped => return Err(Error::Stopped),
    };
    Err(Error::Reload { way: way.to_owned(), how, output: said(&mut output, [around.redactor, own]) })
}

/// Asks a program for one word; `None` when it fails, or gives no answer in time.
pub(super) fn ask(mut command: Command) -> std::io::Result<Option<String>> {
    let mut output = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(Stdio::null());
    group(&mut command);
    let mut child = command.spawn()?;
    let ended = wait(&mut child, QUESTION, &Stop::default());
    if !matches!(ended, Ended::By(status) if status.success()) {
        return Ok(None);
    }
    let mut word = String::new();
    output.seek(SeekFrom::Start(0))?;
    output.take(256).read_to_string(&mut word)?;
    Ok(Some(word.trim().to_owned()))
}

fn start(mut command: Command, names: &[&str], output: &File) -> std::io::Result<Child> {
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
    // An old value in our own environment would win over the file in the application that the command starts.
    for name in
        names.iter().copied().chain(["UNLEAK_STORE_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH"])
    {
        command.env_remove(name);
    }
    group(&mut command);
    command.spawn()
}

/// A group of its own, so that it can be ended with everything that it starts.
#[cfg(unix)]
fn group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn group(_command: &mut Command) {}

enum Ended {
    By(ExitStatus),
    Late,
    Stopped,
}

fn wait(child: &mut Child, limit: Duration, stop: &Stop) -> Ended {
    let end = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Ended::By(status);
        }
        let late = Instant::now() >= end;
        if late || stop.wait(Duration::from_millis(10)) {
            kill(child);
            return if late { Ended::Late } else { Ended::Stopped };
        }
    }
}

/// The end of what the command printed, indented, without secrets.
fn said(output: &mut File, redactors: [&Redactor; 2]) -> String {
    let mut bytes = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    // Redacted before it is cut: half a secret would not be known any more.
    let from = length.saturating_sub(OUTPUT);
    if output.seek(SeekFrom::Start(from)).is_err() || output.take(OUTPUT).read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    tail(&bytes, redactors)
}
