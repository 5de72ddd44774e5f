//! A server of its own for a status.

use std::fmt;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use plimsoll::Registry;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::connection::Patient;
use crate::error::ServeError;
use crate::latest::PATIENCE;
use crate::status::Status;

/// Connections beside those of the streams that may be open.
const OTHER_CONNECTIONS: usize = 64;

/// What the operating system holds of what a reader was sent; it doubles the number for itself.
const SEND_BUFFER_BYTES: u32 = 64 << 10;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// Serves the [status](Status) of a registry at an address, with the default settings, until it fails
/// or the future is dropped.
///
/// ```no_run
/// # async fn host() -> Result<(), plimsoll_status::ServeError> {
/// plimsoll_status::serve(plimsoll::Registry::global(), "127.0.0.1:7070").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As for [`Status::bind`] and [`Server::run`].
///
/// # Cancellation
/// Dropping the future closes the listener; connections that are open end with their requests.
pub async fn serve(registry: &Registry, addr: impl fmt::Display) -> Result<(), ServeError> {
    Status::new(registry).bind(addr).await?.run().await
}

/// A status that listens, and answers once it [runs](Self::run).
#[derive(Debug)]
#[must_use = "it answers nobody until `run`"]
pub struct Server {
    status: Status,
    listener: TcpListener,
    addr: SocketAddr,
}

impl Status {
    /// Listens at an address: `127.0.0.1:7070`, `localhost:7070`, `[::1]:7070`; with port 0, one that is
    /// free.
    ///
    /// # Errors
    /// [`ServeError::Address`] for what is no address, [`ServeError::Remote`] for one that other machines
    /// reach, if that was not [allowed](crate::StatusBuilder::allow_remote), [`ServeError::Bind`] if
    /// the port is taken.
    pub async fn bind(&self, addr: impl fmt::Display) -> Result<Server, ServeError> {
        let asked = addr.to_string();
        let found = lookup_host(&asked).await.map(Iterator::collect::<Vec<_>>);
        let found = found.and_then(|found| match found.is_empty() {
            true => Err(io::Error::other("the name has no address")),
            false => Ok(found),
        });
        let addrs = found.map_err(|cause| ServeError::Address { asked, cause })?;
        let is_remote = |addr: &&SocketAddr| !addr.ip().is_loopback();
        if let Some(&addr) = addrs.iter().find(is_remote).filter(|_| !self.0.settings.is_remote) {
            return Err(ServeError::Remote { addr });
        }
        let addr = addrs[0];
        let bind_error = |cause| ServeError::Bind { addr, cause };
        let listener = listen(addr).map_err(bind_error)?;
        let addr = listener.local_addr().map_err(bind_error)?;
        Ok(Server { status: self.clone(), listener, addr })
    }
}

/// Connections have small buffers: a reader that does not read is noticed soon, and costs little.
fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does, so that a server can be started again at once.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

impl Server {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until it fails, or the future is dropped.
    ///
    /// # Errors
    /// [`ServeError::Ended`].
    pub async fn run(self) -> Result<(), ServeError> {
        self.run_until(future::pending()).await
    }

    /// Answers until `stop` is ready. Then it ends the streams, answers the requests that it has, and
    /// returns.
    ///
    /// # Errors
    /// [`ServeError::Ended`].
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { status, listener, .. } = self;
        let settings = &status.0.settings;
        let connections = settings.streams_max.saturating_add(OTHER_CONNECTIONS);
        // Streams are sent something at each refresh, if only that a snapshot is late, so that none is
        // silent for so long; nor is a request that waits for a snapshot.
        let patience = 2 * settings.refresh + PATIENCE + Duration::from_secs(1);
        let patience = settings.reader_timeout.max(patience);
        let listener = Patient::new(listener, connections, patience);
        let router = status.router();
        let stopped = async move {
            stop.await;
            status.close();
        };
        let served = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        served.map_err(|cause| ServeError::Ended { cause })
    }
}
