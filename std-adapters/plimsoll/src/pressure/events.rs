//! The events of a registry, as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use plimsoll_core::error_type::error_type;

use crate::contain::{contain, wake_all};
use crate::registry::{Registry, Subscription};
use crate::sync::Mutex;
use crate::telemetry::Event;

/// How many events a stream keeps, by default.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

error_type! {
    /// A stream of events was read too late: the oldest ones are lost. A snapshot has the levels as they
    /// are now.
    #[error("{count} events were lost: the stream was not read in time")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct EventsLost {
        /// How many.
        pub count: u64,
    }
}

impl Registry {
    /// The events from now on, as a stream that keeps up to 1,024 of them.
    ///
    /// Who reads too late loses the oldest, and gets how many they were in their place. The stream ends when
    /// the registry is gone. With [`Delivery::Deferred`](crate::Delivery::Deferred) events come as they
    /// are delivered.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::pin;
    /// use futures_core::Stream; // or the `StreamExt` of a crate, for `next`
    /// use plimsoll::{Registry, Watermarks};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let registry = Registry::new();
    /// let mut events = pin!(registry.events());
    /// let frames = registry.gauge("frames", Watermarks::new(10))?;
    /// frames.add(9);
    /// let event = poll_fn(|context| events.as_mut().poll_next(context)).await;
    /// assert_eq!(event.expect("the registry is there")?.name(), "frames");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn events(&self) -> EventStream {
        self.events_bounded(EVENTS_MAX)
    }

    /// As [`events`](Self::events), with another bound.
    pub fn events_bounded(&self, capacity: NonZeroUsize) -> EventStream {
        let queue = Arc::new(Queue { capacity: capacity.get(), state: Mutex::default() });
        let feed = Feed(queue.clone());
        let subscription = self.subscribe(move |event| feed.0.push(event.clone()));
        EventStream { queue, _subscription: subscription }
    }
}

/// The events of a [`Registry`]: see [`Registry::events`].
///
/// # Cancellation
/// Dropping it ends the subscription. A `next` that is cancelled loses nothing.
#[must_use = "a stream does nothing until it is polled"]
pub struct EventStream {
    queue: Arc<Queue>,
    _subscription: Subscription,
}

impl Stream for EventStream {
    type Item = Result<Event, EventsLost>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll(context.waker())
    }
}

/// The events between the deliveries and the reader.
struct Queue {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many were lost before the first one here.
    lost: u64,
    events: VecDeque<Event>,
    waker: Option<Waker>,
    is_closed: bool,
}

impl Queue {
    fn push(&self, event: Event) {
        let (waker, _lost) = {
            let mut state = self.state.lock();
            let lost = (state.events.len() >= self.capacity).then(|| state.events.pop_front());
            state.lost += u64::from(lost.is_some());
            state.events.push_back(event);
            (state.waker.take(), lost)
        };
        wake_all(waker);
    }

    fn close(&self) {
        let waker = {
            let mut state = self.state.lock();
            state.is_closed = true;
            state.waker.take()
        };
        wake_all(waker);
    }

    fn poll(&self, waker: &Waker) -> Poll<Option<Result<Event, EventsLost>>> {
        // Cloned before the lock, and the one before it dropped after the lock: both are user code.
        let waker = waker.clone();
        let mut state = self.state.lock();
        let count = mem::take(&mut state.lost);
        if count > 0 {
            return Poll::Ready(Some(Err(EventsLost { count })));
        }
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(Ok(event)));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        let before = state.waker.replace(waker);
        drop(state);
        contain(|| drop(before));
        Poll::Pending
    }
}

/// The subscriber's end; the stream ends with it.
struct Feed(Arc<Queue>);

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.queue.state.lock().events.len();
        f.debug_struct("EventStream").field("events", &waiting).finish_non_exhaustive()
    }
}
