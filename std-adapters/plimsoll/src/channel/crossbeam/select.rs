//! `Select`: runs whichever of several operations is ready first.

use ::std::time::{Duration, Instant};

use crossbeam_channel::{
    ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError, TrySelectError,
};

use super::{Receiver, Sender};

/// Selects from operations on tracked handles: `crossbeam_channel::Select` with gauges. Handles of
/// upstream's own, such as those of `after` and `tick`, can be among them.
///
/// The gauge is settled when the operation is completed; between that and its selection the
/// operation is in flight. A caller that is blocked here is not counted as waiting: it may be
/// waiting for something else.
///
/// ```
/// use plimsoll::{Registry, channel::crossbeam::{self, Select}};
///
/// let registry = Registry::new();
/// let (tx, rx) = crossbeam::bounded::<u32>(&registry, "replies", 1)?;
/// let timeout = crossbeam_channel::after(std::time::Duration::from_secs(9));
///
/// let mut select = Select::new();
/// let (send, recv) = (select.send(&tx), select.recv(&rx));
/// select.recv(&timeout);
/// for _ in 0..2 {
///     let operation = select.select();
///     match operation.index() {
///         index if index == send => operation.send(&tx, 7)?,
///         index if index == recv => assert_eq!(operation.recv(&rx), Ok(7)),
///         _ => operation.recv(&timeout).map(drop)?,
///     }
/// }
/// assert_eq!((rx.reading().depth, rx.reading().high_water), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Select<'a> {
    inner: crossbeam_channel::Select<'a>,
}

impl<'a> Select<'a> {
    /// No operation yet. Of several that are ready, one is selected at random.
    pub fn new() -> Self {
        Self { inner: crossbeam_channel::Select::new() }
    }

    /// No operation yet. Of several that are ready, the first one added is selected.
    pub fn new_biased() -> Self {
        Self { inner: crossbeam_channel::Select::new_biased() }
    }

    /// Adds a send.
    ///
    /// # Returns
    /// The operation's index.
    pub fn send<T>(&mut self, s: &'a impl SendHandle<T>) -> usize
    where
        T: 'a,
    {
        self.inner.send(s.upstream())
    }

    /// Adds a receive.
    ///
    /// # Returns
    /// The operation's index.
    pub fn recv<T>(&mut self, r: &'a impl ReceiveHandle<T>) -> usize
    where
        T: 'a,
    {
        self.inner.recv(r.upstream())
    }

    /// Removes the operation of this index.
    ///
    /// # Panics
    /// As upstream: if there is none.
    pub fn remove(&mut self, index: usize) {
        self.inner.remove(index);
    }

    /// Selects an operation that is ready now.
    ///
    /// # Errors
    /// As upstream: if none is.
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.inner.try_select().map(SelectedOperation)
    }

    /// Selects an operation, and blocks until one is ready.
    ///
    /// # Panics
    /// As upstream: if no operation was added.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        SelectedOperation(self.inner.select())
    }

    /// Selects an operation, and blocks for `timeout` at most until one is ready.
    ///
    /// # Errors
    /// As upstream: if none was in time.
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.inner.select_timeout(timeout).map(SelectedOperation)
    }

    /// Selects an operation, and blocks until `deadline` at most until one is ready.
    ///
    /// # Errors
    /// As upstream: if none was in time.
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.inner.select_deadline(deadline).map(SelectedOperation)
    }

    /// The index of an operation that is ready now, without making it.
    ///
    /// # Errors
    /// As upstream: if none is.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.inner.try_ready()
    }

    /// The index of an operation that is ready; blocks until one is.
    ///
    /// # Panics
    /// As upstream: if no operation was added.
    pub fn ready(&mut self) -> usize {
        self.inner.ready()
    }

    /// The index of an operation that is ready; blocks for `timeout` at most until one is.
    ///
    /// # Errors
    /// As upstream: if none was in time.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.inner.ready_timeout(timeout)
    }

    /// The index of an operation that is ready; blocks until `deadline` at most until one is.
    ///
    /// # Errors
    /// As upstream: if none was in time.
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.inner.ready_deadline(deadline)
    }
}

/// An operation that was selected and has to be completed: `crossbeam_channel::SelectedOperation`.
#[derive(Debug)]
#[must_use = "dropping an operation that is not completed panics"]
pub struct SelectedOperation<'a>(crossbeam_channel::SelectedOperation<'a>);

impl SelectedOperation<'_> {
    /// The operation's index.
    pub fn index(&self) -> usize {
        self.0.index()
    }

    /// Completes a send.
    ///
    /// # Errors
    /// As upstream: the item comes back if the channel is disconnected.
    ///
    /// # Panics
    /// As upstream: if the operation was added with another handle.
    pub fn send<T>(self, s: &impl SendHandle<T>, msg: T) -> Result<(), SendError<T>> {
        let result = self.0.send(s.upstream(), msg);
        match result {
            Ok(()) => s.sent(),
            Err(_) => s.refused(),
        }
        result
    }

    /// Completes a receive.
    ///
    /// # Errors
    /// As upstream: if the channel is empty and disconnected.
    ///
    /// # Panics
    /// As upstream: if the operation was added with another handle.
    pub fn recv<T>(self, r: &impl ReceiveHandle<T>) -> Result<T, RecvError> {
        let result = self.0.recv(r.upstream());
        if result.is_ok() {
            r.received();
        }
        result
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for crossbeam_channel::Sender<T> {}
    impl<T> Sealed for crossbeam_channel::Receiver<T> {}
    impl<T> Sealed for super::Sender<T> {}
    impl<T> Sealed for super::Receiver<T> {}
}

/// A sending handle that [`Select`] takes: a tracked one, or one of upstream's.
pub trait SendHandle<T>: sealed::Sealed {
    /// The upstream handle.
    #[doc(hidden)]
    fn upstream(&self) -> &crossbeam_channel::Sender<T>;

    /// An item went in.
    #[doc(hidden)]
    fn sent(&self) {}

    /// An item came back: nobody receives any more.
    #[doc(hidden)]
    fn refused(&self) {}
}

/// A receiving handle that [`Select`] takes: a tracked one, or one of upstream's.
pub trait ReceiveHandle<T>: sealed::Sealed {
    /// The upstream handle.
    #[doc(hidden)]
    fn upstream(&self) -> &crossbeam_channel::Receiver<T>;

    /// An item came out.
    #[doc(hidden)]
    fn received(&self) {}
}

impl<T> SendHandle<T> for crossbeam_channel::Sender<T> {
    fn upstream(&self) -> &crossbeam_channel::Sender<T> {
        self
    }
}

impl<T> ReceiveHandle<T> for crossbeam_channel::Receiver<T> {
    fn upstream(&self) -> &crossbeam_channel::Receiver<T> {
        self
    }
}

impl<T> SendHandle<T> for Sender<T> {
    fn upstream(&self) -> &crossbeam_channel::Sender<T> {
        self.upstream()
    }

    fn sent(&self) {
        self.sent();
    }

    fn refused(&self) {
        self.closed();
    }
}

impl<T> ReceiveHandle<T> for Receiver<T> {
    fn upstream(&self) -> &crossbeam_channel::Receiver<T> {
        self.upstream()
    }

    fn received(&self) {
        self.received();
    }
}
