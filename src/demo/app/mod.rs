//! The application of the demo, a process of its own: signs sessions as Express does, keeps them in SQLite, answers on
//! loopback.
//!
//! It reads SESSION_SECRET from its `.env` when it starts and never again, as most applications do. It lives as long
//! as its standard input is open, so whoever started it cannot leave it behind.

pub(super) mod cookie;
pub(super) mod dotenv;
mod http;
mod sessions;

use super::Error;
use crate::secret::Secret;
use http::{Reply, Request};
use sessions::Sessions;
use std::io::{self, Read as _, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The variable that holds the secret.
pub(super) const VARIABLE: &str = "SESSION_SECRET";
/// What the application says first, followed by its port.
pub(super) const READY: &str = "ready ";
/// How long a port that was just given up may stay taken.
const PORT_PATIENCE: Duration = Duration::from_secs(5);

/// The application's `.env` in its folder.
pub(super) fn env_file(folder: &Path) -> PathBuf {
    folder.join(".env")
}

/// The application's session store in its folder.
pub(super) fn store_file(folder: &Path) -> PathBuf {
    folder.join("sessions.db")
}

/// Serves from `folder` until standard input ends; says `ready PORT` on `out`. Port 0 takes any that is free.
///
/// # Errors
/// When the secret or the store cannot be read, or the port cannot be had.
pub fn serve(folder: &Path, port: u16, out: &mut dyn Write) -> Result<(), Error> {
    let app = App { secret: dotenv::read(&env_file(folder), VARIABLE)?, sessions: Sessions::open(folder)? };
    let listener = bind(port)?;
    let port = listener.local_addr().map_err(Error::io("ask for the application's port"))?.port();
    thread::spawn(move || app.answer_all(&listener));
    writeln!(out, "{READY}{port}").and_then(|()| out.flush()).map_err(Error::io("announce the port"))?;
    // Bytes do not matter, only that there is no end yet.
    let (mut input, mut ignored) = (io::stdin().lock(), [0; 64]);
    while !matches!(input.read(&mut ignored), Ok(0) | Err(_)) {}
    Ok(())
}

fn bind(port: u16) -> Result<TcpListener, Error> {
    let end = Instant::now() + PORT_PATIENCE;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse || Instant::now() >= end => {
                return Err(Error::io("listen on 127.0.0.1")(error));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

struct App {
    secret: Secret,
    sessions: Sessions,
}

impl App {
    /// One request after the other: each is small and has a deadline.
    fn answer_all(mut self, listener: &TcpListener) {
        for mut stream in listener.incoming().flatten() {
            let reply = match http::read(&mut stream) {
                Ok(request) => self.answer(&request),
                Err(status) => Reply::new(status, "{\"error\":\"bad request\"}"),
            };
            // A client that went away has no use for the answer.
            drop(reply.send(&mut stream));
        }
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let reply = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/health") => Ok(Reply::new(200, "{\"status\":\"healthy\"}")),
            ("GET", "/api/user") => self.user(request),
            ("POST", "/login") => self.login(request),
            (_, "/api/health" | "/api/user" | "/login") => {
                Ok(Reply::new(405, "{\"error\":\"method not allowed\"}"))
            }
            _ => Ok(Reply::new(404, "{\"error\":\"not found\"}")),
        };
        // What went wrong inside is nothing to tell a client.
        reply.unwrap_or_else(|_| Reply::new(500, "{\"error\":\"internal error\"}"))
    }

    fn user(&mut self, request: &Request) -> Result<Reply, Error> {
        let sent = request.cookies.iter().find_map(|header| cookie::find(header));
        let sid = sent.and_then(|value| cookie::verify(value, &self.secret));
        let user = sid.map(|sid| self.sessions.user(&sid)).transpose()?.flatten();
        Ok(match user {
            Some(user) => Reply::new(200, format!("{{\"user\":\"{user}\"}}")),
            None => Reply::new(401, "{\"error\":\"not logged in\"}"),
        })
    }

    fn login(&mut self, request: &Request) -> Result<Reply, Error> {
        let Some(user) = request.query.strip_prefix("user=").filter(|name| is_name(name)) else {
            return Ok(Reply::new(400, "{\"error\":\"user is missing\"}"));
        };
        let sid = self.sessions.create(user)?;
        let cookie = format!("{}; Path=/; HttpOnly; SameSite=Lax", cookie::signed(&sid, &self.secret));
        Ok(Reply::new(200, format!("{{\"user\":\"{user}\"}}")).with_cookie(cookie))
    }
}

/// A name that needs no escaping anywhere.
fn is_name(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
