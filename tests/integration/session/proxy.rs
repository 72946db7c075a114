//! A TCP proxy before a real server, which cuts connections where a test says so.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// From the client to the server, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// What becomes of some bytes, and of the connections.
pub(super) enum Act {
    Pass,
    /// They pass when this says so; other connections go on.
    Wait(Receiver<()>),
    /// So many of the bytes pass, then every connection ends. Later ones are taken as if nothing had been.
    Cut(usize),
    /// The same, and nobody answers any more.
    Silence(usize),
}

type Watch = Box<dyn FnMut(Way, &[u8]) -> Act + Send>;

struct State {
    target: SocketAddr,
    watch: Mutex<Option<Watch>>,
    open: Mutex<Vec<TcpStream>>,
    silent: Mutex<bool>,
}

/// Ends with the test, connection by connection.
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// Before the server of an address.
    pub(super) fn before(url: &str) -> Self {
        let url = url::Url::parse(url).unwrap();
        let target = format!("127.0.0.1:{}", url.port().unwrap()).parse().unwrap();
        let (watch, open, silent) = (Mutex::new(None), Mutex::new(Vec::new()), Mutex::new(false));
        let state = Arc::new(State { target, watch, open, silent });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                serving.take(client);
            }
        });
        Self { port, state }
    }

    /// The same address by way of the proxy.
    pub(super) fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    /// From now on every piece of either way is shown to `watch` before it goes on.
    pub(super) fn watch(&self, watch: impl FnMut(Way, &[u8]) -> Act + Send + 'static) {
        *lock(&self.state.watch) = Some(Box::new(watch));
    }

    /// Nothing is watched any more, and everybody is answered.
    pub(super) fn calm(&self) {
        *lock(&self.state.watch) = None;
        *lock(&self.state.silent) = false;
    }

    /// Cuts once so many bytes went one way.
    pub(super) fn cut_after(&self, way: Way, bytes: usize) {
        let (mut seen, mut is_done) = (0, false);
        self.watch(move |this, piece| {
            if is_done || this != way {
                return Act::Pass;
            }
            let room = bytes - seen;
            seen += piece.len();
            if piece.len() < room {
                return Act::Pass;
            }
            is_done = true;
            Act::Cut(room)
        });
    }

    /// Counts the bytes of both ways.
    pub(super) fn count(&self) -> Arc<Mutex<[usize; 2]>> {
        let counted = Arc::new(Mutex::new([0, 0]));
        let counting = Arc::clone(&counted);
        self.watch(move |way, piece| {
            lock(&counting)[usize::from(way == Way::Down)] += piece.len();
            Act::Pass
        });
        counted
    }

    /// Does something before the piece goes up that begins the `nth` statement (from 1) with these words.
    pub(super) fn at_statement(
        &self,
        words: &'static str,
        nth: usize,
        mut act: impl FnMut() -> Act + Send + 'static,
    ) {
        let mut seen = 0;
        self.watch(move |way, piece| {
            let found = way == Way::Up && memchr::memmem::find(piece, words.as_bytes()).is_some();
            seen += usize::from(found);
            if found && seen == nth { act() } else { Act::Pass }
        });
    }
}

impl State {
    fn take(self: &Arc<Self>, client: TcpStream) {
        if *lock(&self.silent) {
            return;
        }
        let Ok(server) = TcpStream::connect(self.target) else { return };
        for socket in [&client, &server] {
            drop(socket.set_nodelay(true));
            lock(&self.open).extend(socket.try_clone());
        }
        let (from_client, from_server) = (client.try_clone(), server.try_clone());
        if let (Ok(from_client), Ok(from_server)) = (from_client, from_server) {
            for (way, from, to) in [(Way::Up, from_client, server), (Way::Down, from_server, client)] {
                let state = Arc::clone(self);
                std::thread::spawn(move || state.carry(way, from, to));
            }
        }
    }

    fn carry(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let piece = &buffer[..length];
            let act = lock(&self.watch).as_mut().map_or(Act::Pass, |watch| watch(way, piece));
            let is_silent = matches!(act, Act::Silence(_));
            let (passed, is_cut) = match act {
                Act::Pass => (piece, false),
                Act::Wait(until) => {
                    until.recv_timeout(Duration::from_mins(1)).expect("somebody says so");
                    (piece, false)
                }
                Act::Cut(bytes) | Act::Silence(bytes) => {
                    *lock(&self.silent) = is_silent;
                    (&piece[..bytes.min(length)], true)
                }
            };
            let is_written = to.write_all(passed).is_ok();
            if is_cut {
                lock(&self.open).drain(..).for_each(|socket| drop(socket.shutdown(Shutdown::Both)));
            }
            if is_cut || !is_written {
                break;
            }
        }
        for socket in [from, to] {
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
