//! A process that takes the new value when it gets a signal: by its number, or by the file that holds it.
//!
//! The file is read again each time: the process that it named when the rotation was planned may be gone.

use super::{bad_form, cannot};
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::rotate::{Error, Stop};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a process is watched that should go on running.
const WATCHED: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(20);

/// A signal and who gets it.
#[derive(Clone, Debug)]
pub(super) struct Signalled {
    name: &'static str,
    signal: Signal,
    /// Whether it ends a process, which somebody else then starts again.
    ends: bool,
    process: Process,
}

#[derive(Clone, Debug)]
enum Process {
    Number(Pid),
    File(PathBuf),
}

impl Signalled {
    pub(super) fn parse(rest: &str) -> Result<Self, Error> {
        let bad = |why| bad_form("signal:NAME:PID or signal:NAME:@PIDFILE", why);
        let (name, process) = rest.split_once(':').ok_or_else(|| bad("it has two parts"))?;
        let (name, signal, ends) = match name.strip_prefix("SIG").unwrap_or(name) {
            "HUP" => ("HUP", Signal::HUP, false),
            "USR1" => ("USR1", Signal::USR1, false),
            "USR2" => ("USR2", Signal::USR2, false),
            "TERM" => ("TERM", Signal::TERM, true),
            "INT" => ("INT", Signal::INT, true),
            "QUIT" => ("QUIT", Signal::QUIT, true),
            _ => return Err(bad("the signals are HUP, USR1, USR2, TERM, INT and QUIT")),
        };
        let process = match process.strip_prefix('@') {
            Some("") => return Err(bad("the file has no name")),
            Some(path) => Process::File(PathBuf::from(path)),
            None => Process::Number(number(process).ok_or_else(|| bad("the process is no number above 1"))?),
        };
        Ok(Self { name, signal, ends, process })
    }

    fn way(&self) -> String {
        match &self.process {
            Process::Number(pid) => format!("the process {}", pid.as_raw_nonzero()),
            Process::File(path) => format!("the process of {}", path.display()),
        }
    }

    pub(super) fn describe(&self) -> String {
        let until = if self.ends { ", and wait until it has ended" } else { "" };
        format!("send {} to {}{until}", self.name, self.way())
    }

    /// Which of all processes that ever have this number is meant; a file is meant to name another one later.
    pub(super) fn endpoint(&self) -> Option<String> {
        let Process::Number(pid) = &self.process else { return None };
        let read = |path: &str| bounded::read(Path::new(path), Path::new(path), CONFIGURATION).ok();
        let boot = read("/proc/sys/kernel/random/boot_id")?;
        let boot = String::from_utf8_lossy(boot.trim_ascii()).into_owned();
        let stat = read(&format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
        let fields = &stat[stat.iter().rposition(|&byte| byte == b')')? + 1..];
        // The 22nd of all fields, and the 20th behind the name.
        let started = String::from_utf8_lossy(fields).split_whitespace().nth(19)?.to_owned();
        Some(format!("the process that started at tick {started} of boot {boot}"))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.live().map(|_| ())
    }

    /// The process that a file names. Whoever owns the file decides who gets the signal: that must not be a third user.
    fn of_file(&self, path: &Path) -> Result<Pid, Error> {
        let way = self.way();
        let failed = |source| Error::Read { path: path.to_owned(), source };
        // Opened first, so that what is judged and what is read are one file; and without waiting for whom a pipe waits.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let open = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let file = open.metadata().map_err(failed)?;
        if !file.is_file() {
            return Err(cannot(&way, "it is no regular file", "check the path"));
        }
        let bytes = bounded::read_file(&open, path, CONFIGURATION)?;
        let text = std::str::from_utf8(&bytes).ok();
        let pid = text.and_then(|text| number(text.lines().next()?.trim())).ok_or_else(|| {
            cannot(&way, "the file does not begin with the number of a process", "check the path")
        })?;
        let process = std::fs::metadata(format!("/proc/{}", pid.as_raw_nonzero()));
        if file.uid() != 0 && process.is_ok_and(|process| process.uid() != file.uid()) {
            return Err(cannot(
                &way,
                "the file belongs to another user than the process that it names",
                "the file must belong to root or to the user that the application runs as",
            ));
        }
        Ok(pid)
    }

    /// The process, which is there and may be sent signals.
    fn live(&self) -> Result<Pid, Error> {
        let way = self.way();
        let pid = match &self.process {
            Process::Number(pid) => *pid,
            Process::File(path) => self.of_file(path)?,
        };
        match test_kill_process(pid) {
            Ok(()) if !is_dead(pid) => Ok(pid),
            Err(Errno::PERM) => Err(cannot(
                &way,
                format!("{} belongs to somebody else", pid.as_raw_nonzero()),
                "run this as the user that the application runs as, or as root",
            )),
            _ => Err(cannot(
                &way,
                format!("no process {} is running", pid.as_raw_nonzero()),
                "start the application, or name the process that it runs as now",
            )),
        }
    }

    pub(super) fn perform(&self, limit: Duration, stop: &Stop, begun: &mut bool) -> Result<String, Error> {
        let pid = self.live()?;
        let raw = pid.as_raw_nonzero();
        let failed = |how: String| Error::Reload { way: self.way(), how, output: String::new() };
        kill_process(pid, self.signal)
            .map_err(|error| failed(format!("did not get {}: {error}", self.name)))?;
        *begun = true;
        let end = Instant::now() + if self.ends { limit } else { limit.min(WATCHED) };
        loop {
            let dead = is_dead(pid);
            match (self.ends, dead, Instant::now() >= end) {
                (true, true, _) => return Ok(format!("{raw} ended after {}", self.name)),
                (false, true, _) => {
                    return Err(failed(format!("was ended by {}, which it does not handle", self.name)));
                }
                (true, false, true) => {
                    return Err(failed(format!("still runs {} s after {}", limit.as_secs(), self.name)));
                }
                (false, false, true) => return Ok(format!("{raw} got {} and goes on running", self.name)),
                (_, false, false) if stop.wait(PAUSE) => return Err(Error::Stopped),
                _ => {}
            }
        }
    }
}

/// The number of a process that may be sent a signal: neither a group nor the first of all.
fn number(text: &str) -> Option<Pid> {
    let raw: i32 = text.parse().ok().filter(|raw| *raw > 1)?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| Pid::from_raw(raw))?
}

/// Whether it is gone, or has ended and only waits for its parent to notice.
fn is_dead(pid: Pid) -> bool {
    if test_kill_process(pid) == Err(Errno::SRCH) {
        return true;
    }
    let status = PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let Ok(text) = bounded::read(&status, &status, CONFIGURATION) else { return false };
    // The name in parentheses may hold anything, a parenthesis too.
    let after = text.iter().rposition(|&byte| byte == b')').map(|at| &text[at + 1..]);
    after.is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'Z' | b'X')))
}
