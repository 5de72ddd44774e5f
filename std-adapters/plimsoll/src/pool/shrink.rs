//! Fewer idle instances while the host is under pressure (POOL-17).

use std::sync::Arc;
use std::time::Duration;

use super::error::PoolError;
use super::locks::{LEAF, Mutex};
use crate::pressure::Pressure;

/// What a pool keeps idle while it is under [pressure](super::Pool::shrink_under): nothing that has
/// been idle for a second, if not said otherwise.
///
/// Numbers above those of the pool change nothing: it never keeps more under pressure than without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it has no effect before `shrink_under`"]
pub struct Shrink {
    warm: usize,
    idle_age: Duration,
}

impl Default for Shrink {
    fn default() -> Self {
        Self { warm: 0, idle_age: Duration::from_secs(1) }
    }
}

impl Shrink {
    /// The default: 0 warm instances, and an idle age of 1 s.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many idle instances are kept [warm](super::PoolBuilder::warm).
    pub fn warm(mut self, idle: usize) -> Self {
        self.warm = idle;
        self
    }

    /// For how long others may be [idle](super::PoolBuilder::idle_age), also in a pool that evicts
    /// none for that without pressure.
    pub fn idle_age(mut self, age: Duration) -> Self {
        self.idle_age = age;
        self
    }

    pub(super) fn check(&self) -> Result<(), PoolError> {
        match self.idle_age.is_zero() {
            true => Err(PoolError::Zero { setting: "idle_age" }),
            false => Ok(()),
        }
    }
}

/// Under which pressure a pool shrinks, and to what.
#[derive(Default)]
pub(super) struct Shrinking(Mutex<Option<Arc<(Pressure, Shrink)>>, LEAF>);

impl Shrinking {
    pub(super) fn set(&self, shrink: Option<(Pressure, Shrink)>) {
        let before = std::mem::replace(&mut *self.0.lock(), shrink.map(Arc::new));
        // With it may go what the pressure goes by.
        drop(before);
    }

    /// What is kept now; `None` if the pool is not under pressure.
    fn now(&self) -> Option<Shrink> {
        self.0.lock().as_deref().filter(|(pressure, _)| pressure.is_on()).map(|(_, shrink)| *shrink)
    }

    /// How many are kept warm at most now; `None` for as many as was asked.
    pub(super) fn warm(&self) -> Option<usize> {
        self.now().map(|shrink| shrink.warm)
    }

    /// How long an instance may be idle now, where it is `asked` without pressure.
    pub(super) fn idle_age(&self, asked: Option<Duration>) -> Option<Duration> {
        let shrunk = self.now().map(|shrink| shrink.idle_age);
        asked.into_iter().chain(shrunk).min()
    }
}
