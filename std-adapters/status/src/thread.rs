//! A server on a thread of its own, for hosts without a runtime.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::error::ServeError;
use crate::server::Server;
use crate::status::Status;

/// How long dropping waits for what is asked of the host, and for readers.
const FAREWELL: Duration = Duration::from_secs(1);

/// A thread that serves a [status](Status) for as long as this lives.
#[must_use = "dropping it stops the server"]
pub struct StatusThread {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Status {
    /// Serves on a thread of its own, for as long as the returned guard lives: for hosts without a
    /// runtime, and for those whose runtime is not to wait for readers.
    ///
    /// ```
    /// use plimsoll::Registry;
    /// use plimsoll_status::Status;
    ///
    /// let serving = Status::new(Registry::global()).spawn("127.0.0.1:0")?;
    /// println!("http://{}/", serving.local_addr());
    /// # Ok::<(), plimsoll_status::ServeError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`bind`](Self::bind), and [`ServeError::Thread`].
    pub fn spawn(&self, addr: impl fmt::Display) -> Result<StatusThread, ServeError> {
        let thread_error = |cause| ServeError::Thread { cause };
        let (status, asked) = (self.clone(), addr.to_string());
        let (stop, stopped) = oneshot::channel();
        let (ready, bound) = mpsc::sync_channel(1);
        // A runtime is neither made nor dropped here: the caller may be within another one.
        let run = move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(cause) => return drop(ready.send(Err(thread_error(cause)))),
            };
            match runtime.block_on(status.bind(asked)) {
                Ok(server) => {
                    _ = ready.send(Ok(server.local_addr()));
                    runtime.block_on(answer(server, stopped));
                }
                Err(error) => _ = ready.send(Err(error)),
            }
            // A function of the host that a snapshot asked may never return.
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = thread::Builder::new().name("plimsoll-status".into()).spawn(run);
        let thread = Some(thread.map_err(thread_error)?);
        // The thread ends without an answer only by a panic.
        let ended = || thread_error(io::Error::other("it has ended"));
        let addr = bound.recv().map_err(|_| ended())??;
        Ok(StatusThread { addr, stop: Some(stop), thread })
    }
}

/// Answers until the guard is dropped, and a little longer for the requests that there are.
async fn answer(server: Server, stopped: oneshot::Receiver<()>) {
    let (stopping, stops) = oneshot::channel::<()>();
    let stop = async {
        // An error is a guard that was dropped, too.
        _ = stopped.await;
        drop(stopping);
    };
    let farewell = async {
        _ = stops.await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        _ = server.run_until(stop) => {}
        () = farewell => {}
    }
}

impl StatusThread {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for StatusThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has no panics of its own, and those of handlers end their connection only.
            _ = thread.join();
        }
    }
}

impl fmt::Debug for StatusThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusThread").field("addr", &self.addr).finish_non_exhaustive()
    }
}
