//! Accepts connections, so many at a time and each with deadlines, until it is told to stop; then lets those under way
//! come to their end.

use super::share::{Share, Shares};
use super::stall::{Bounded, Patience};
use super::unparsed::Explained;
use super::{Error, Observer, Tls};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tower_http::timeout::DeadlineBody;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Default for Peer {
    fn default() -> Self {
        Self((Ipv4Addr::UNSPECIFIED, 0).into())
    }
}

/// What one client, and all of them, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// Connections at a time of one address that is not this machine's; more are closed.
    pub per_address: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take, the wait for one on an open connection included.
    pub head: Duration,
    /// How many bytes the head of a request may have.
    pub head_bytes: usize,
    /// How long the body of a request may take.
    pub body: Duration,
    /// How long a client may take nothing of what is written to it.
    pub stall: Duration,
    /// How long it may take with one whole answer.
    pub answer: Duration,
    /// How long connections may take to end after the server was told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: 256,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_bytes: 64 << 10,
            body: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            answer: Duration::from_mins(2),
            farewell: Duration::from_secs(10),
        }
    }
}

impl Limits {
    fn patience(&self) -> Patience {
        Patience { stall: self.stall, answer: self.answer }
    }
}

/// A socket that is listened on.
pub struct Listener {
    socket: TcpListener,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    observer: Observer,
}

impl Listener {
    /// Listens on an address, with TLS or without; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address cannot be had.
    pub async fn bind(address: SocketAddr, limits: Limits, tls: Option<Arc<Tls>>) -> Result<Self, Error> {
        let socket = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        Ok(Self { socket, limits, tls, observer: Observer::default() })
    }

    /// Tells also of requests that no router sees, since nobody could read them.
    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The address, with the port that was found free.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers until `stopped` is done.
    pub async fn serve(self, router: Router, stopped: impl Future<Output = ()>) {
        let room = Room {
            connections: Arc::new(Semaphore::new(self.limits.connections)),
            shares: Shares::new(self.limits.per_address),
        };
        let graceful = GracefulShutdown::new();
        tokio::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                () = &mut stopped => break,
                accepted = self.accept(&room) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let (router, observer) = (router.clone(), self.observer.clone());
            let connection =
                Connection { peer, limits: self.limits, router, observer, watcher: graceful.watcher() };
            let tls = self.tls.as_ref().map(|tls| tls.acceptor());
            tokio::spawn(async move {
                match tls {
                    None => connection.answer(stream).await,
                    Some(tls) => connection.answer_by_tls(stream, &tls).await,
                }
                drop(place);
            });
        }
        drop(self.socket);
        // Whoever is not done by then is cut off.
        drop(tokio::time::timeout(self.limits.farewell, graceful.shutdown()).await);
    }

    /// The next connection when there is room for one; `None` when it could not be accepted, or its address has enough.
    async fn accept(&self, room: &Room) -> Option<(TcpStream, Peer, Place)> {
        let permit = Arc::clone(&room.connections).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, peer)) => {
                let share = room.shares.take(peer.ip())?;
                // Answers are small: none should wait for the next.
                stream.set_nodelay(true).ok()?;
                Some((stream, Peer(peer), (permit, share)))
            }
            Err(_) => {
                // Mostly too many open files: the ones under way will close theirs.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

/// What there is for all connections together.
struct Room {
    connections: Arc<Semaphore>,
    shares: Arc<Shares>,
}

/// What one connection takes of it.
type Place = (OwnedSemaphorePermit, Share);

/// One connection and what answers it.
struct Connection {
    peer: Peer,
    limits: Limits,
    router: Router,
    observer: Observer,
    watcher: Watcher,
}

impl Connection {
    /// Who does not come to the end of a handshake in time is gone.
    async fn answer_by_tls(self, stream: TcpStream, tls: &TlsAcceptor) {
        // Below TLS, whose own buffers say nothing about who reads.
        let stream = Bounded::new(stream, self.limits.patience());
        if let Ok(Ok(stream)) = tokio::time::timeout(self.limits.handshake, tls.accept(stream)).await {
            self.converse(stream).await;
        }
    }

    async fn answer(self, stream: TcpStream) {
        let stream = Bounded::new(stream, self.limits.patience());
        self.converse(stream).await;
    }

    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let (peer, patience) = (self.peer, self.limits.body);
        let stream = Explained::new(stream, self.observer, peer);
        let service = self.router.map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(|body| Body::new(DeadlineBody::new(patience, body)))
        });
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .max_headers(100);
        let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        // A connection that breaks off is the client's affair.
        drop(self.watcher.watch(connection).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use axum::routing::post;
    use std::future::pending;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::sleep;

    async fn listening(limits: Limits) -> SocketAddr {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), limits, None).await.unwrap();
        let address = listener.address().unwrap();
        // What is sent comes back many times over.
        let router = Router::new().route("/", post(async |body: Bytes| body.repeat(1 << 10)));
        tokio::spawn(listener.serve(router, pending()));
        address
    }

    #[tokio::test]
    async fn a_body_that_dribbles_is_given_up() {
        let address = listening(Limits { body: Duration::from_millis(300), ..Limits::default() }).await;
        let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
        to.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000\r\n\r\n").await.unwrap();
        let dribble = async {
            while to.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
            pending::<()>().await;
        };
        let mut answer = Vec::new();
        tokio::select! {
            _ = from.read_to_end(&mut answer) => {}
            () = dribble => {}
        }
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    #[tokio::test]
    async fn whoever_reads_no_answer_is_cut_off() {
        let address = listening(Limits { stall: Duration::from_millis(300), ..Limits::default() }).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let body = "x".repeat(60 << 10);
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
        // One answer is more than any system's buffers take; at some point nobody takes the next request either.
        while client.write_all(format!("{head}{body}").as_bytes()).await.is_ok() {}
    }

    #[tokio::test]
    async fn whoever_reads_an_answer_steadily_and_too_slowly_is_cut_off() {
        let limits = Limits { answer: Duration::from_millis(500), ..Limits::default() };
        let (mut from, mut to) = TcpStream::connect(listening(limits).await).await.unwrap().into_split();
        let body = "x".repeat(60 << 10);
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
        to.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let (mut taken, mut some) = (0, vec![0; 64 << 10]);
        while let Ok(read @ 1..) = from.read(&mut some).await {
            taken += read;
            sleep(Duration::from_millis(10)).await;
        }
        // The whole is 60 MiB, of which the system's buffers hold some.
        assert!((1..40 << 20).contains(&taken), "{taken} bytes");
    }
}
