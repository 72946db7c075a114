//! The application takes the new value: a command of the operator's, which is told no secret.

use super::unstoppable;
use crate::rotate::transaction::Rotation;
use crate::rotate::{Error, Plan, Reload, Stop};
use crate::secret::{Redactor, Secret};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
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
    let mut child = start(reload, plan.request.target.name(), &output)?;
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
    Err(Error::Reload { how: failed, output: tail(&mut output, [&rotation.redactor, &arguments]) })
}

/// The command as plan, journal and report show it: the program's name and how much follows. Any argument may be a
/// credential, and no list of shapes knows all quotings.
pub(in crate::rotate) fn shown(command: &str) -> String {
    let mut words = command.split_whitespace();
    match (words.next().and_then(program), words.count()) {
        (None, _) => "a shell command".to_owned(),
        (Some(name), 0) => format!("`{name}`"),
        (Some(name), 1) => format!("`{name}` with 1 more word"),
        (Some(name), more) => format!("`{name}` with {more} more words"),
    }
}

/// The name of the program, when the first word is plainly one: no assignment, quote or expansion.
fn program(word: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'/');
    let name = word.rsplit('/').next().unwrap_or(word);
    (word.bytes().all(plain) && (1..=24).contains(&name.len())).then_some(name)
}

/// What the command's own output must not repeat: everything in it but the program's name.
fn arguments(command: &str) -> Vec<Secret> {
    let first = command.split_whitespace().next().filter(|word| program(word).is_some()).unwrap_or("");
    let rest = command.trim_start().strip_prefix(first).unwrap_or(command);
    let between = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/'));
    let glued =
        |word: &'_ str| word.strip_prefix('-').and_then(|word| word.get(1..)).unwrap_or("").to_owned();
    let unquoted = |word: &'_ str| word.trim_matches(['"', '\'', '`', ';']).to_owned();
    let words = rest.split(between).map(str::to_owned).chain(rest.split_whitespace().map(unquoted));
    let words = words.flat_map(|word| [glued(&word), word]);
    words.filter(|word| word.len() >= 6).map(Secret::from).collect()
}

#[cfg(not(windows))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

/// cmd does not understand the quoting by which arguments are passed: the line goes to it as it was typed.
#[cfg(windows)]
fn shell(line: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut command = Command::new("cmd");
    command.args(["/S", "/C"]).raw_arg(format!("\"{line}\""));
    command
}

fn start(reload: &Reload, name: &str, output: &File) -> Result<Child, Error> {
    let mut command = shell(&reload.command);
    if let Some(directory) = &reload.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::null());
    command.stdout(output.try_clone().map_err(Error::ReloadStart)?);
    command.stderr(output.try_clone().map_err(Error::ReloadStart)?);
    // An old value in our own environment would win over the file in the application that the command starts.
    command.env_remove(name).env_remove("UNLEAK_STORE_PASSWORD").env_remove("PGPASSWORD");
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

/// Ends the command with everything that it started: asks first, then insists.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)) {
            // A group that is gone already is what we want.
            let _: Result<_, _> = kill_process_group(group, Signal::TERM);
            let end = Instant::now() + Duration::from_secs(2);
            while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _: Result<_, _> = kill_process_group(group, Signal::KILL);
        }
    }
    drop(child.kill());
    drop(child.wait());
}

/// The end of what the command printed, indented, without secrets.
fn tail(output: &mut File, redactors: [&Redactor; 2]) -> String {
    let mut bytes = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    // Redacted before it is cut: half a secret would not be known any more.
    let from = length.saturating_sub(OUTPUT);
    if output.seek(SeekFrom::Start(from)).is_err() || output.take(OUTPUT).read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    let text = redactors.iter().fold(String::from_utf8_lossy(&bytes).into_owned(), |text, r| r.redact(&text));
    let lines: Vec<_> = text.lines().map(printable).collect();
    let last = &lines[lines.len().saturating_sub(20)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// The line without control characters, which could play tricks on a terminal, and not endless.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_program_is_named_and_nothing_else() {
        for (command, expected) in [
            ("systemctl restart app", "`systemctl` with 2 more words"),
            ("  /srv/app/restart", "`restart`"),
            ("TOKEN=abc deploy", "a shell command"),
            ("'/opt/my app/run' now", "a shell command"),
            ("$(cat x)", "a shell command"),
            ("", "a shell command"),
        ] {
            assert_eq!(shown(command), expected);
        }
    }

    proptest! {
        // Each case builds an automaton.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_argument_is_shown_in_any_quoting(form in 0_usize..11, word in "[A-Za-z0-9]{8,20}") {
            let planted = format!("Zq{word}");
            let command = [
                "curl -H 'Authorization: Bearer @'",
                "deploy --token @",
                "curl -u admin:@ http://h/",
                "curl -uadmin:@",
                "mysql -p@ x",
                "X=@ run",
                "sh -c \"A='@' b\"",
                "\"@\" now",
                "printf @|run",
                "run --key=@ https://u:@@h/",
                "$(echo @)",
            ][form].replace('@', &planted);
            prop_assert!(!shown(&command).contains(&planted));
            let said = format!("unknown option {planted}\nand --token={planted} again");
            prop_assert!(!Redactor::new(&arguments(&command)).redact(&said).contains(&planted));
        }
    }
}
