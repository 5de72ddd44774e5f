//! `crossbeam_channel` with tracked channels.

pub mod at_rest;

use at_rest::{limit, registry};
use plimsoll::channel::crossbeam as tracked;

pub use tracked::{IntoIter, Iter, Receiver, Select, SelectedOperation, Sender, TryIter};
pub use upstream::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError, after, at,
    crossbeam_channel_internal, select, select_biased, tick,
};

pub fn bounded<T: Send + 'static>(cap: usize) -> (Sender<T>, Receiver<T>) {
    tracked::bounded(registry(), limit("bounded"), cap).expect("a sound limit")
}

pub fn unbounded<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
    tracked::unbounded(registry(), limit("unbounded")).expect("a sound limit")
}

/// Tests keep it in places where a tracked handle stands too.
pub fn never<T: Send + 'static>() -> Receiver<T> {
    let (sender, receiver) = tracked::unbounded(registry(), limit("never")).expect("a sound limit");
    std::mem::forget(sender);
    receiver
}

/// Upstream's timers in a `select!`.
pub trait Watched {
    fn watched(&self) -> &Self;
}

impl<T> Watched for upstream::Receiver<T> {
    fn watched(&self) -> &Self {
        self
    }
}
