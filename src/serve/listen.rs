//! Accepts connections, so many at a time and each with deadlines, until it is told to stop; then lets those under way
//! come to their end.

use super::{Error, Tls};
use axum::Router;
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
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a request may take, the wait for one on an open connection included.
    pub head: Duration,
    /// How many bytes the head of a request may have.
    pub head_bytes: usize,
    /// How long connections may take to end after the server was told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_bytes: 64 << 10,
            farewell: Duration::from_secs(10),
        }
    }
}

/// A socket that is listened on.
pub struct Listener {
    socket: TcpListener,
    limits: Limits,
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Listens on an address, with TLS or without; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address cannot be had.
    pub async fn bind(address: SocketAddr, limits: Limits, tls: Option<Arc<Tls>>) -> Result<Self, Error> {
        let socket = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        Ok(Self { socket, limits, tls })
    }

    /// The address, with the port that was found free.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers until `stopped` is done.
    pub async fn serve(self, router: Router, stopped: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        tokio::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                () = &mut stopped => break,
                accepted = self.accept(&connections) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let connection =
                Connection { peer, limits: self.limits, router: router.clone(), watcher: graceful.watcher() };
            let tls = self.tls.as_ref().map(|tls| tls.acceptor());
            tokio::spawn(async move {
                match tls {
                    None => connection.answer(stream).await,
                    Some(tls) => connection.answer_by_tls(stream, &tls).await,
                }
                drop(permit);
            });
        }
        drop(self.socket);
        // Whoever is not done by then is cut off.
        drop(tokio::time::timeout(self.limits.farewell, graceful.shutdown()).await);
    }

    /// The next connection when there is room for one; `None` when it could not be accepted.
    async fn accept(&self, connections: &Arc<Semaphore>) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
        let permit = Arc::clone(connections).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, peer)) => {
                // Answers are small: none should wait for the next.
                stream.set_nodelay(true).ok()?;
                Some((stream, Peer(peer), permit))
            }
            Err(_) => {
                // Mostly too many open files: the ones under way will close theirs.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

/// One connection and what answers it.
struct Connection {
    peer: Peer,
    limits: Limits,
    router: Router,
    watcher: Watcher,
}

impl Connection {
    /// Who does not come to the end of a handshake in time is gone.
    async fn answer_by_tls(self, stream: TcpStream, tls: &TlsAcceptor) {
        if let Ok(Ok(stream)) = tokio::time::timeout(self.limits.handshake, tls.accept(stream)).await {
            self.answer(stream).await;
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let peer = self.peer;
        let service = self.router.map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request
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
