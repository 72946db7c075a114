//! Commands of the operator's: how one is started, fed, shown and ended. No argument of one is ever shown.

use crate::rotate::Stop;
use crate::secret::{Redactor, Secret};
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How much of what a command printed is kept.
const OUTPUT: usize = 64 * 1024;
/// How long the pipes of a command are waited for that has ended.
const REST: Duration = Duration::from_secs(2);

/// The command as plan, journal and report show it: the program's name and how much follows. Any argument may be a
/// credential, and no list of shapes knows all quotings.
pub(super) fn shown(command: &str) -> String {
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
pub(super) fn arguments(command: &str) -> Vec<Secret> {
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
pub(super) fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

/// cmd does not understand the quoting by which arguments are passed: the line goes to it as it was typed.
#[cfg(windows)]
pub(super) fn shell(line: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut command = Command::new("cmd");
    command.args(["/S", "/C"]).raw_arg(format!("\"{line}\""));
    command
}

/// Ends the command with everything that it started: asks first, then insists.
pub(super) fn kill(child: &mut Child) {
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

/// What a command that was fed came to.
pub(super) struct Fed {
    /// Everything on standard output, or why what was read is not everything.
    pub(super) out: Result<Zeroizing<Vec<u8>>, &'static str>,
    /// What was read of standard error.
    pub(super) err: Zeroizing<Vec<u8>>,
    /// How it failed, if it did.
    pub(super) failed: Option<String>,
}

/// Runs a command line with something on its standard input; what it prints stays in memory.
pub(super) fn feed(
    line: &str,
    directory: Option<&Path>,
    input: Option<&Secret>,
    limit: Duration,
    stop: &Stop,
) -> Result<Fed, std::io::Error> {
    let mut command = shell(line);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    feed_program(command, input, limit, stop)
}

/// The same for a program with its arguments.
pub(super) fn feed_program(
    mut command: Command,
    input: Option<&Secret>,
    limit: Duration,
    stop: &Stop,
) -> Result<Fed, std::io::Error> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let taken = child.stdin.take().zip(input).map(|(pipe, input)| pour(input.clone(), pipe));
    let mut failed = ended(&mut child, limit, stop);
    // A process that it left behind may hold a pipe open; what it would take or say later is not waited for.
    if failed.is_none() && taken.is_some_and(|taken| taken.recv_timeout(REST).is_err()) {
        failed = Some("did not read its standard input".to_owned());
    }
    let rest = |from: mpsc::Receiver<Zeroizing<Vec<u8>>>| from.recv_timeout(REST);
    Ok(Fed { out: whole(rest(out)), err: rest(err).unwrap_or_default(), failed })
}

/// Half of an output is none: nobody may take it for the whole.
fn whole(read: Result<Zeroizing<Vec<u8>>, RecvTimeoutError>) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    match read {
        Ok(bytes) if bytes.len() > OUTPUT => Err("printed more than 64 KiB"),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("left its standard output open"),
    }
}

/// Writes beside the wait for the end: a command that reads nothing must not hold us longer than it may take. Only
/// what was taken whole is answered.
fn pour(input: Secret, mut pipe: ChildStdin) -> mpsc::Receiver<()> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        if pipe.write_all(input.expose()).is_ok() {
            drop(pipe);
            let _: Result<_, _> = send.send(());
        }
    });
    receive
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let Some(mut pipe) = pipe else { return };
        // Without an answer the other side knows that there is no whole output.
        if pipe.by_ref().take(OUTPUT as u64 + 1).read_to_end(&mut bytes).is_ok() {
            drop(std::io::copy(&mut pipe, &mut std::io::sink()));
            drop(send.send(bytes));
        }
    });
    receive
}

/// Waits for the end, and says how it failed.
fn ended(child: &mut Child, limit: Duration, stop: &Stop) -> Option<String> {
    let end = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return match status.code() {
                Some(0) => None,
                Some(code) => Some(format!("ended with {code}")),
                None => Some("was ended by a signal".to_owned()),
            };
        }
        if Instant::now() >= end {
            kill(child);
            return Some(format!("took longer than {} s and was ended", limit.as_secs()));
        }
        if stop.wait(Duration::from_millis(10)) {
            kill(child);
            return Some("was ended on request".to_owned());
        }
    }
}

/// The end of what a command printed, indented, without secrets.
pub(super) fn tail(bytes: &[u8], redactors: [&Redactor; 2]) -> String {
    let text = redactors.iter().fold(String::from_utf8_lossy(bytes).into_owned(), |text, r| r.redact(&text));
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

    #[cfg(unix)]
    #[test]
    fn more_than_a_pipe_holds_is_neither_a_deadlock_nor_beyond_the_limit() {
        let input = Secret::from("v".repeat(1 << 20));
        let run = |line, seconds| {
            feed(line, None, Some(&input), Duration::from_secs(seconds), &Stop::default()).unwrap()
        };
        let started = Instant::now();
        let idle = run("sleep 600", 1);
        assert!(idle.failed.is_some_and(|how| how.starts_with("took longer")));
        assert!(started.elapsed() < Duration::from_mins(1));
        let counted = run("wc -c", 60);
        assert_eq!((counted.failed, counted.out.unwrap().trim_ascii()), (None, &b"1048576"[..]));
        let echoed = run("cat", 60);
        assert_eq!((echoed.failed, echoed.out.unwrap_err()), (None, "printed more than 64 KiB"));
        assert_eq!(run("head -c 9", 60).failed.as_deref(), Some("did not read its standard input"));
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
