//! Waits for a pressure to turn on or off, and the stream of its changes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::handle::Pressure;
use super::signal::Place;
use super::word::PressureState;
use crate::park::block_on;

impl Pressure {
    /// Resolves when the pressure is on. The wait begins with the first poll: what was on since
    /// then, however briefly, ends it.
    ///
    /// # Cancellation
    /// Safe: a future that is dropped leaves nothing behind.
    pub fn on(&self) -> UntilState {
        UntilState::new(self.clone(), true)
    }

    /// Resolves when the pressure is off. The wait begins with the first poll: what was off since
    /// then, however briefly, ends it.
    ///
    /// # Cancellation
    /// Safe: a future that is dropped leaves nothing behind.
    pub fn off(&self) -> UntilState {
        UntilState::new(self.clone(), false)
    }

    /// Blocks the calling thread until the pressure is on.
    pub fn on_blocking(&self) {
        block_on(self.on(), None);
    }

    /// Blocks the calling thread until the pressure is off.
    pub fn off_blocking(&self) {
        block_on(self.off(), None);
    }

    /// Blocks the calling thread until the pressure is on, or `timeout` has passed.
    ///
    /// # Returns
    /// Whether it was on.
    pub fn on_timeout(&self, timeout: Duration) -> bool {
        block_on(self.on(), Some(timeout)).is_some()
    }

    /// Blocks the calling thread until the pressure is off, or `timeout` has passed.
    ///
    /// # Returns
    /// Whether it was off.
    pub fn off_timeout(&self, timeout: Duration) -> bool {
        block_on(self.off(), Some(timeout)).is_some()
    }

    /// The changes from now on, as a stream without an end.
    ///
    /// It keeps the latest state only: changes between two polls come as one item, and the gap
    /// between the [sequences](PressureState::sequence) of two items says how many they were.
    pub fn changes(&self) -> Changes {
        Changes::new(self.clone())
    }
}

/// A waiter for changes; dropping it leaves nothing behind.
struct Waiter {
    pressure: Pressure,
    place: Place,
    /// The state that was seen last.
    seen: Option<PressureState>,
}

impl Waiter {
    fn new(pressure: Pressure, seen: Option<PressureState>) -> Self {
        Self { pressure, place: Place::default(), seen }
    }

    /// The state, if it is another than the one seen last.
    fn poll_change(&mut self, context: &mut Context<'_>) -> Poll<PressureState> {
        let now = self.pressure.state();
        let Some(seen) = self.seen.filter(|seen| *seen == now) else {
            self.seen = Some(now);
            return Poll::Ready(now);
        };
        if self.pressure.signal.wait(&mut self.place, seen, context.waker()) {
            return Poll::Pending;
        }
        let now = self.pressure.state();
        self.seen = Some(now);
        Poll::Ready(now)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.pressure.signal.leave(&mut self.place);
    }
}

/// Resolves when a pressure is on, or off: see [`Pressure::on`](super::Pressure::on) and
/// [`Pressure::off`](super::Pressure::off).
#[must_use = "a future does nothing until it is awaited"]
pub struct UntilState {
    waiter: Waiter,
    is_on: bool,
}

impl UntilState {
    fn new(pressure: Pressure, is_on: bool) -> Self {
        Self { waiter: Waiter::new(pressure, None), is_on }
    }
}

impl Future for UntilState {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let is_change = self.waiter.seen.is_some();
            let Poll::Ready(now) = self.waiter.poll_change(context) else { return Poll::Pending };
            // The states alternate: with any change it is, or has been, in the other one.
            if now.is_on == self.is_on || is_change {
                return Poll::Ready(());
            }
        }
    }
}

/// The changes of a pressure, as a stream: see [`Pressure::changes`](super::Pressure::changes).
#[must_use = "a stream does nothing until it is polled"]
pub struct Changes(Waiter);

impl Changes {
    fn new(pressure: Pressure) -> Self {
        let seen = pressure.state();
        Self(Waiter::new(pressure, Some(seen)))
    }
}

impl Stream for Changes {
    type Item = PressureState;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<PressureState>> {
        self.0.poll_change(context).map(Some)
    }
}

impl fmt::Debug for UntilState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilState").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("seen", &self.0.seen).finish_non_exhaustive()
    }
}
