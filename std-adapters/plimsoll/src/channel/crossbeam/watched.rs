//! Tracked handles in upstream's `select!`.
//!
//! In tail position too, before edition 2024:
//!
//! ```edition2021
//! use plimsoll::{Registry, channel::crossbeam};
//!
//! fn first(registry: &Registry) -> Option<u32> {
//!     let (tx, rx) = crossbeam::bounded::<u32>(registry, "replies", 1).ok()?;
//!     tx.send(7).ok()?;
//!     crossbeam_channel::select! {
//!         recv(rx.watched()) -> reply => reply.ok(),
//!         send(tx.watched(), 8) -> _ => None,
//!     }
//! }
//!
//! let registry = Registry::new();
//! assert_eq!(first(&registry), Some(7));
//! assert!(registry.snapshot().entries().is_empty());
//! ```

use ::std::ops::Deref;

use super::{Receiver, Sender, Shared};
use crate::registry::Registered;

/// A [`Receiver`] in a `select!`. It derefs to the upstream handle and settles the gauge when
/// dropped, which is when the `select!` ends; until then the operation is in flight.
///
/// Upstream does not say which operation it has made, so the totals of
/// [`flow_totals`](crate::Limit::flow_totals) miss it: use a [`Select`](super::Select) there.
#[derive(Debug)]
#[must_use = "name it inside `select!`: it settles the gauge when dropped"]
pub struct WatchedReceiver<'a, T> {
    inner: &'a crossbeam_channel::Receiver<T>,
    _settles: Settles<T>,
}

/// A [`Sender`] in a `select!`. It derefs to the upstream handle and settles the gauge when
/// dropped, which is when the `select!` ends; until then the operation is in flight. A caller that
/// is blocked in a `select!` is not counted as waiting: it may be waiting for something else.
#[derive(Debug)]
#[must_use = "name it inside `select!`: it settles the gauge when dropped"]
pub struct WatchedSender<'a, T> {
    inner: &'a crossbeam_channel::Sender<T>,
    _settles: Settles<T>,
}

impl<T> Receiver<T> {
    /// This handle as upstream's `select!` takes it; the gauge is settled when the `select!` ends.
    pub fn watched(&self) -> WatchedReceiver<'_, T> {
        WatchedReceiver { inner: self.upstream(), _settles: Settles(self.shared().clone()) }
    }
}

impl<T> Sender<T> {
    /// This handle as upstream's `select!` takes it; the gauge is settled when the `select!` ends.
    pub fn watched(&self) -> WatchedSender<'_, T> {
        WatchedSender { inner: self.upstream(), _settles: Settles(self.shared().clone()) }
    }
}

impl<T> Deref for WatchedReceiver<'_, T> {
    type Target = crossbeam_channel::Receiver<T>;

    fn deref(&self) -> &Self::Target {
        self.inner
    }
}

impl<T> Deref for WatchedSender<'_, T> {
    type Target = crossbeam_channel::Sender<T>;

    fn deref(&self) -> &Self::Target {
        self.inner
    }
}

/// Settles the gauge when dropped. It borrows from no handle: before edition 2024, the temporaries
/// of a `select!` in tail position outlive the locals of their block.
struct Settles<T>(Registered<Shared<T>>);

impl<T> Drop for Settles<T> {
    fn drop(&mut self) {
        self.0.settle();
    }
}

impl<T> ::std::fmt::Debug for Settles<T> {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        f.pad("Settles")
    }
}
