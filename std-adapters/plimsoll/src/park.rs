//! Waiting on a thread.

#[cfg(feature = "tokio")]
use std::pin::pin;
use std::sync::Arc;
#[cfg(feature = "tokio")]
use std::task::{Context, Poll};
use std::task::{Wake, Waker};

use crate::sync::{
    thread::{self, Thread},
    thread_local,
};

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

/// A waker of the calling thread.
pub(crate) fn thread_waker() -> Waker {
    // A thread whose locals are gone has to make one.
    WAKER.try_with(Waker::clone).unwrap_or_else(|_| Arc::new(Unpark(thread::current())).into())
}

/// Runs a future on the calling thread, for as long as it takes.
#[cfg(feature = "tokio")]
pub(crate) fn block_on_end<F: Future>(future: F) -> F::Output {
    let waker = thread_waker();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[cfg(any(feature = "budget", feature = "keepalive", feature = "pressure"))]
mod blocking {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use crate::sync::{Instant, thread};

    /// Runs a future on the calling thread, until `timeout` has passed.
    ///
    /// # Returns
    /// `None` if it has; the future is then dropped.
    pub(crate) fn block_on<F: Future>(future: F, timeout: Option<Duration>) -> Option<F::Output> {
        let waker = super::thread_waker();
        let mut context = Context::from_waker(&waker);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    thread::park_timeout(left);
                }
            }
        }
    }
}
#[cfg(any(feature = "budget", feature = "keepalive", feature = "pressure"))]
pub(crate) use blocking::block_on;
