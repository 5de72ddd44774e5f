//! Which request goes on to the inner service.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
#[cfg(feature = "tokio")]
use std::time::Duration;

use super::error::Overloaded;
use crate::pressure::{Pressure, UntilState};

/// How long a request that is not ready waits while the pressure is on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    None,
    #[cfg(feature = "tokio")]
    Bounded(Duration),
    Unbounded,
}

/// The turn of the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It has not been judged, or waits for the pressure to go off.
    Arrived,
    /// The pressure was off when it was judged: it is the inner service's, which may have reserved a
    /// slot for it. Whatever the pressure does then, that slot is used rather than held.
    Passed,
    /// It gets an error.
    Refused,
}

/// What a service knows of the pressure and of its next request.
pub(super) struct Admission {
    pressure: Pressure,
    patience: Patience,
    turn: Turn,
    /// Resolves when the pressure is off; there while a request waits for that.
    calm: Option<UntilState>,
    /// Resolves when patience is at its end; there while a request waits.
    refusal: Option<Refusal>,
}

type Refusal = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Admission {
    pub(super) fn new(pressure: Pressure, patience: Patience) -> Self {
        Self { pressure, patience, turn: Turn::Arrived, calm: None, refusal: None }
    }

    /// Resolves when the next request may be made: the inner service is ready for it, or it is to be
    /// refused.
    ///
    /// The inner service is asked only once the pressure has been off, so that no slot of it is
    /// reserved for a request that waits.
    #[inline]
    pub(super) fn poll_ready<E>(
        &mut self,
        context: &mut Context<'_>,
        mut inner: impl FnMut(&mut Context<'_>) -> Poll<Result<(), E>>,
    ) -> Poll<Result<(), E>> {
        let was_refused = self.turn == Turn::Refused;
        if self.turn == Turn::Passed || !self.pressure.is_on() {
            let ready = self.poll_inner(context, &mut inner);
            if ready.is_ready() {
                return ready;
            }
        }
        // Once a request may be made, that remains so.
        if was_refused || self.poll_refusal(context).is_ready() {
            self.turn = Turn::Refused;
            self.stop_waiting();
            return Poll::Ready(Ok(()));
        }
        if self.turn == Turn::Passed {
            return Poll::Pending;
        }
        ready!(self.poll_calm(context));
        self.poll_inner(context, &mut inner)
    }

    #[inline]
    fn poll_inner<E>(
        &mut self,
        context: &mut Context<'_>,
        inner: &mut impl FnMut(&mut Context<'_>) -> Poll<Result<(), E>>,
    ) -> Poll<Result<(), E>> {
        self.turn = Turn::Passed;
        let ready = inner(context);
        if ready.is_ready() {
            self.stop_waiting();
        }
        ready
    }

    fn poll_calm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let calm = self.calm.get_or_insert_with(|| self.pressure.off());
        ready!(Pin::new(calm).poll(context));
        self.calm = None;
        Poll::Ready(())
    }

    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Shedding allocates nothing.
        if matches!(self.patience, Patience::None) && self.pressure.is_on() {
            return Poll::Ready(());
        }
        if self.refusal.is_none() {
            self.refusal = self.patience.end(&self.pressure);
        }
        self.refusal.as_mut().map_or(Poll::Pending, |refusal| refusal.as_mut().poll(context))
    }

    #[inline]
    fn stop_waiting(&mut self) {
        if self.calm.is_some() || self.refusal.is_some() {
            (self.calm, self.refusal) = (None, None);
        }
    }

    /// Takes the turn of a request that is made.
    ///
    /// # Returns
    /// The error that it gets, if it does not go on to the inner service.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Overloaded> {
        let turn = mem::replace(&mut self.turn, Turn::Arrived);
        (turn == Turn::Refused).then(|| self.patience.overloaded())
    }
}

/// A clone has a turn of its own, as that of the inner service has a readiness of its own.
impl Clone for Admission {
    fn clone(&self) -> Self {
        Self::new(self.pressure.clone(), self.patience)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Admission");
        debug.field("pressure", &self.pressure).field("patience", &self.patience);
        debug.field("turn", &self.turn).finish()
    }
}

impl Patience {
    /// Resolves once the pressure has been on for so long without a break.
    fn end(self, pressure: &Pressure) -> Option<Refusal> {
        match self {
            Self::None => Some(Box::pin(pressure.on())),
            #[cfg(feature = "tokio")]
            Self::Bounded(timeout) => {
                let pressure = pressure.clone();
                Some(Box::pin(async move {
                    pressure.on().await;
                    while tokio::time::timeout(timeout, pressure.off()).await.is_ok() {
                        pressure.on().await;
                    }
                }))
            }
            Self::Unbounded => None,
        }
    }

    fn overloaded(self) -> Overloaded {
        match self {
            #[cfg(feature = "tokio")]
            Self::Bounded(timeout) => Overloaded::TimedOut { timeout },
            Self::None | Self::Unbounded => Overloaded::Shed,
        }
    }
}
