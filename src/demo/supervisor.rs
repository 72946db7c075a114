//! What keeps the application running: holds its process, and starts it anew when the reload command asks for that.
//!
//! The process hangs on a pipe that only this one holds, so it ends with the demo however the demo ends. A restarted
//! process must outlive the command that asked for it, which is why the command asks here, over loopback, instead
//! of starting anything itself.

use super::Error;
use super::app::READY;
use crate::durable::{self, Mode};
use rand::TryRng as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a process may take to end after its input has.
const GRACE: Duration = Duration::from_secs(2);
/// How long the one who asks may take to say so.
const REQUEST: Duration = Duration::from_secs(2);
/// How long a restart may take.
const RESTART: Duration = Duration::from_secs(30);

/// The application under supervision; dropping it ends everything.
pub(super) struct Supervisor {
    port: u16,
    control: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the application in `folder` as a process of `program`.
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Self, Error> {
        let process = Process::start(program, folder, 0)?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("listen on 127.0.0.1"))?;
        let control = listener.local_addr().map_err(Error::io("ask for a port"))?;
        let word = word()?;
        let text = format!("{control} {word}");
        durable::write_atomic(&control_file(folder), text.as_bytes(), Mode::Private)?;
        let closing = Arc::new(AtomicBool::new(false));
        let (port, closed) = (process.port, Arc::clone(&closing));
        let mut keeper = Keeper {
            program: program.to_owned(),
            folder: folder.to_owned(),
            port,
            word,
            process: Some(process),
        };
        let thread = thread::spawn(move || keeper.keep(&listener, &closed));
        Ok(Self { port, control, closing, thread: Some(thread) })
    }

    /// The application's port; the same after every restart.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        drop(TcpStream::connect(self.control));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Asks the supervisor of the application in `folder` for a restart, and waits for it.
///
/// # Errors
/// When there is no supervisor, or the application did not start again.
pub fn restart(folder: &Path) -> Result<(), Error> {
    let text =
        std::fs::read_to_string(control_file(folder)).map_err(Error::io("find the demo's application"))?;
    let bad = || Error::Restart("its control file is damaged".to_owned());
    let (address, word) = text.split_once(' ').ok_or_else(bad)?;
    let address = address.parse().map_err(|_| bad())?;
    let mut answer = String::new();
    let asked = TcpStream::connect_timeout(&address, REQUEST).and_then(|mut stream| {
        stream.set_read_timeout(Some(RESTART))?;
        writeln!(stream, "{word}")?;
        stream.take(1024).read_to_string(&mut answer)
    });
    asked.map_err(Error::io("reach the demo's supervisor"))?;
    if answer == "ok" { Ok(()) } else { Err(Error::Restart(answer)) }
}

fn control_file(folder: &Path) -> PathBuf {
    folder.join("control")
}

/// A word that only readers of the control file know.
fn word() -> Result<String, Error> {
    let mut bytes = [0; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(hex::encode(bytes))
}

/// The thread's side.
struct Keeper {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    word: String,
    process: Option<Process>,
}

impl Keeper {
    fn keep(&mut self, listener: &TcpListener, closing: &AtomicBool) {
        for stream in listener.incoming() {
            if closing.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(stream) = stream {
                // Whoever asked and went away is not told.
                drop(self.answer(stream));
            }
        }
    }

    fn answer(&mut self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(REQUEST))?;
        let mut asked = String::new();
        BufReader::new((&stream).take(64)).read_line(&mut asked)?;
        let answer = if asked.trim_end() == self.word { self.restart() } else { "unknown word".to_owned() };
        stream.write_all(answer.as_bytes())
    }

    fn restart(&mut self) -> String {
        // The old process must be gone first: it holds the port.
        drop(self.process.take());
        match Process::start(&self.program, &self.folder, self.port) {
            Ok(process) => {
                self.process = Some(process);
                "ok".to_owned()
            }
            Err(error) => error.to_string(),
        }
    }
}

/// One process of the application; dropping it ends it.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts it and waits until it serves.
    fn start(program: &Path, folder: &Path, port: u16) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command.args(["demo-app", "serve", "--port"]).arg(port.to_string()).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // Ctrl-C is for the demo, which may still need the application to take a rotation back.
            command.process_group(0);
        }
        let child = command.spawn().map_err(Error::io("start its application"))?;
        let mut process = Self { child, port };
        let mut line = String::new();
        if let Some(output) = process.child.stdout.take() {
            BufReader::new(output.take(64))
                .read_line(&mut line)
                .map_err(Error::io("read from its application"))?;
        }
        let announced = line.trim_end().strip_prefix(READY).and_then(|port| port.parse().ok());
        process.port = announced.ok_or(Error::NotStarted)?;
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let end = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The command line that asks for a restart, for the shell.
pub(super) fn restart_command(program: &Path, folder: &Path) -> String {
    format!("{} demo-app restart {}", quoted(program), quoted(folder))
}

/// A path as one word of the system's shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | ':' | '.' | '_' | '-' | '~');
    match (text.chars().all(plain), cfg!(windows)) {
        (true, _) if cfg!(windows) || !text.contains(['\\', '~']) => text,
        (_, true) => format!("\"{text}\""),
        (_, false) => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
