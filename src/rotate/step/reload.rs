//! The application takes the new value: a command of the operator's, which is told no secret.

use super::unstoppable;
use crate::rotate::command::{arguments, kill, shell, shown, tail};
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan, Reload, Stop};
use crate::secret::Redactor;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How much of what the command printed is kept.
const OUTPUT: u64 = 64 * 1024;

pub(super) fn describe(plan: &Plan) -> String {
    plan.request.reload.as_ref().map_or_else(String::new, |reload| {
        format!("run {}, for at most {} s", shown(&reload.command), reload.limit.as_secs())
    })
}

pub(super) fn apply(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    let stop = rotation.stop.clone();
    let took = run(rotation, &stop)?;
    Ok(format!("the command ended with 0 after {} ms", took.as_millis()))
}

pub(super) fn undo(rotation: &mut Rotation<'_>) -> Result<String, Error> {
    run(rotation, &unstoppable())?;
    Ok("the command was run again, with the old value".to_owned())
}

fn run(rotation: &mut Rotation<'_>, stop: &Stop) -> Result<Duration, Error> {
    let plan = rotation.plan;
    let Some(reload) = &plan.request.reload else { return Ok(Duration::ZERO) };
    let started = Instant::now();
    // A file and not a pipe: a process that the command leaves behind would die of a broken pipe after we are gone.
    let mut output = tempfile::tempfile().map_err(Error::ReloadStart)?;
    let mut child = start(reload, &plan.variables(), &output)?;
    rotation.touched = true;
    let failed = match wait(&mut child, reload.limit, stop) {
        Ended::By(status) if status.success() => return Ok(started.elapsed()),
        Ended::By(status) => match status.code() {
            Some(code) => format!("ended with {code}"),
            None => "was ended by a signal".to_owned(),
        },
        Ended::Late => format!("took longer than {} s and was ended", reload.limit.as_secs()),
        Ended::Stopped => return Err(Error::Stopped),
    };
    let arguments = Redactor::new(&arguments(&reload.command));
    Err(Error::Reload { how: failed, output: said(&mut output, [&rotation.redactor, &arguments]) })
}

fn start(reload: &Reload, names: &[&str], output: &File) -> Result<Child, Error> {
    let mut command = shell(&reload.command);
    if let Some(directory) = &reload.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::null());
    command.stdout(output.try_clone().map_err(Error::ReloadStart)?);
    command.stderr(output.try_clone().map_err(Error::ReloadStart)?);
    // An old value in our own environment would win over the file in the application that the command starts.
    for name in names.iter().copied().chain(["UNLEAK_STORE_PASSWORD", "PGPASSWORD"]) {
        command.env_remove(name);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    command.spawn().map_err(Error::ReloadStart)
}

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
