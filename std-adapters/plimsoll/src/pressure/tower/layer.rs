//! The layer.

#[cfg(feature = "tokio")]
use std::time::Duration;

use tower_layer::Layer;

use super::admission::{Admission, Patience};
use super::error::Overloaded;
use super::refusal::{Fail, Respond, Wait};
use super::service::Pressured;
use crate::pressure::Pressure;

/// A [`Layer`] that holds requests back while a [`Pressure`] is on.
///
/// Clones, and the services that they make, share the pressure. `R` is what becomes of a request that
/// is refused.
///
/// # Readiness
/// - A request is judged when its service is first polled for readiness. Off: the request is the inner
///   service's, whose readiness is then awaited and, once reserved, used whatever the pressure does.
/// - On: the inner service is not asked, so it may as well hang, and no slot of it is held for a
///   request that waits.
/// - A request that waits for the inner service is refused as one that waits for the pressure: at once
///   when the pressure comes on, or when it has been on for the timeout without a break.
/// - Its place in a queue of the inner service is then that of the next request of the same service: drop a
///   service that is not used again, as one clone for each request is, or else that place is kept.
/// - A refused request makes the service ready, and its call fails: the service goes on.
///
/// Each clone of a service counts its own wait. A request whose wait was cancelled leaves its time to
/// the next one of that same service, until the service sees the pressure off.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct PressureLayer<R = Fail> {
    admission: Admission,
    refusal: R,
}

impl PressureLayer<Fail> {
    /// A layer that refuses requests at once while `pressure` is on.
    pub fn shed(pressure: &Pressure) -> Self {
        Self { admission: Admission::new(pressure.clone(), Patience::None), refusal: Fail(()) }
    }

    /// A layer whose requests wait until `pressure` is off, and are refused if it was on for all of
    /// `timeout`. Needs feature `tokio`, and is polled within a runtime of tokio that has its timer.
    #[cfg(feature = "tokio")]
    pub fn wait_timeout(pressure: &Pressure, timeout: Duration) -> Self {
        let patience = Patience::Bounded(timeout);
        Self { admission: Admission::new(pressure.clone(), patience), refusal: Fail(()) }
    }

    /// The same layer, whose refused requests get a response of `response`, such as a 503 with
    /// `Retry-After`, rather than an error. The error remains the inner service's: a router of axum
    /// takes such a layer as it is, where others need its `HandleErrorLayer`.
    pub fn respond<F, T>(self, response: F) -> PressureLayer<Respond<F>>
    where
        F: Fn(Overloaded) -> T,
    {
        PressureLayer { admission: self.admission, refusal: Respond(response) }
    }
}

impl PressureLayer<Wait> {
    /// A layer whose requests wait until `pressure` is off. Neither their number nor their time is
    /// bounded; responses and errors are the inner service's.
    pub fn wait(pressure: &Pressure) -> Self {
        Self { admission: Admission::new(pressure.clone(), Patience::Unbounded), refusal: Wait(()) }
    }
}

impl<S, R: Clone> Layer<S> for PressureLayer<R> {
    type Service = Pressured<S, R>;

    fn layer(&self, inner: S) -> Pressured<S, R> {
        Pressured::new(inner, self.admission.clone(), self.refusal.clone())
    }
}
