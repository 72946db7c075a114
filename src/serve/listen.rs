//! Accepts connections, so many at a time and each with deadlines, until it is told to stop; then lets those under way
//! come to their end.

use super::Error;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What one client, and all of them, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
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
            head: Duration::from_secs(10),
            head_bytes: 64 << 10,
            farewell: Duration::from_secs(10),
        }
    }
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    limits: Limits,
}

impl Listener {
    /// Listens on an address; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address cannot be had.
    pub async fn bind(address: SocketAddr, limits: Limits) -> Result<Self, Error> {
        let socket = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        Ok(Self { socket, limits })
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
            let Some((stream, permit)) = accepted else { continue };
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(self.protocol().serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // A connection that breaks off is the client's affair.
                drop(connection.await);
                drop(permit);
            });
        }
        drop(self.socket);
        // Whoever is not done by then is cut off.
        drop(tokio::time::timeout(self.limits.farewell, graceful.shutdown()).await);
    }

    /// The next connection when there is room for one; `None` when it could not be accepted.
    async fn accept(
        &self,
        connections: &Arc<Semaphore>,
    ) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(connections).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, _)) => {
                // Answers are small: none should wait for the next.
                stream.set_nodelay(true).ok()?;
                Some((stream, permit))
            }
            Err(_) => {
                // Mostly too many open files: the ones under way will close theirs.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }

    fn protocol(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .max_headers(100);
        builder
    }
}
