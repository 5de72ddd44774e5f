//! Threads, and how they park.

pub(crate) use std::thread::{Result, panicking};

use std::cell::OnceCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plimsoll_core::stepped::{Flaw, is_planted};
use shuttle::thread as inner;

use super::time::pass;

pub(crate) use inner::yield_now;

/// A turn for the thread that the schedule names.
pub(crate) fn step() {
    inner::sleep(Duration::ZERO);
}

/// As of the standard library.
#[derive(Clone, Debug)]
pub(crate) struct Thread(Arc<Parked>);

#[derive(Debug, Default)]
struct Parked {
    thread: OnceLock<inner::Thread>,
    has_token: AtomicBool,
    is_parked: AtomicBool,
}

shuttle::thread_local! {
    static CURRENT: OnceCell<Thread> = OnceCell::new();
}

impl Thread {
    fn new() -> Self {
        Self(Arc::default())
    }

    /// This is the calling thread.
    fn begin(&self) {
        let _ = self.0.thread.set(inner::current());
    }

    pub(crate) fn id(&self) -> inner::ThreadId {
        self.0.thread.get().expect("it is known once it is spawned").id()
    }

    pub(crate) fn unpark(&self) {
        step();
        let is_parked = self.0.is_parked.load(Ordering::Relaxed);
        if !is_parked && is_planted(Flaw::UnparkForgotten) {
            return;
        }
        self.0.has_token.store(true, Ordering::Relaxed);
        self.0.thread.get().expect("it is known once it is spawned").unpark();
    }

    fn takes_token(&self) -> bool {
        self.0.has_token.swap(false, Ordering::Relaxed)
    }
}

pub(crate) fn current() -> Thread {
    let begin = || {
        let thread = Thread::new();
        thread.begin();
        thread
    };
    // A thread whose locals are gone parks no more.
    CURRENT.try_with(|current| current.get_or_init(begin).clone()).unwrap_or_else(|_| begin())
}

pub(crate) fn park() {
    let thread = current();
    // What decided to park was a moment ago.
    step();
    while !thread.takes_token() {
        thread.0.is_parked.store(true, Ordering::Relaxed);
        inner::park();
        thread.0.is_parked.store(false, Ordering::Relaxed);
    }
}

pub(crate) fn park_timeout(time: Duration) {
    let thread = current();
    if thread.takes_token() {
        return;
    }
    thread.0.is_parked.store(true, Ordering::Relaxed);
    yield_now();
    thread.0.is_parked.store(false, Ordering::Relaxed);
    if !thread.takes_token() {
        pass(time);
    }
}

/// As of the standard library.
pub(crate) struct JoinHandle<T> {
    handle: inner::JoinHandle<T>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    pub(crate) fn join(self) -> Result<T> {
        self.handle.join()
    }

    pub(crate) fn thread(&self) -> &Thread {
        &self.thread
    }
}

/// As of the standard library.
pub(crate) struct Builder(inner::Builder);

impl Builder {
    pub(crate) fn new() -> Self {
        Self(inner::Builder::new())
    }

    pub(crate) fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    pub(crate) fn spawn<T: Send + 'static>(
        self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let thread = Thread::new();
        let own = thread.clone();
        let handle = self.0.spawn(move || {
            own.begin();
            CURRENT.with(|current| drop(current.set(own)));
            run()
        })?;
        let _ = thread.0.thread.set(handle.thread().clone());
        Ok(JoinHandle { handle, thread })
    }
}
