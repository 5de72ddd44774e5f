//! Locks in the shape of `parking_lot`'s, which know no poison, and a cell that is set once.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use plimsoll_core::stepped::{Flaw, is_planted};
use shuttle::sync as inner;

use super::thread;
use super::time::{Instant, pass};

/// As of `parking_lot`.
#[derive(Default)]
pub(crate) struct Mutex<T: ?Sized>(inner::Mutex<T>);

/// As of `parking_lot`.
pub(crate) struct MutexGuard<'a, T: ?Sized> {
    lock: &'a Mutex<T>,
    /// `None` only while a condition variable waits.
    held: Option<inner::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(inner::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    fn hold(&self) -> inner::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { lock: self, held: Some(self.hold()) }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(held)) => held.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard { lock: self, held: Some(held) })
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("nobody waits with it")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("nobody waits with it")
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As of `parking_lot`.
#[derive(Debug, Default)]
pub(crate) struct Condvar(inner::Condvar);

/// As of `parking_lot`.
pub(crate) struct WaitTimeoutResult;

impl WaitTimeoutResult {
    /// Always: see the documentation of the module. It may be so although another thread has notified.
    pub(crate) fn timed_out(&self) -> bool {
        true
    }
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(inner::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("nobody waits with it");
        guard.held = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn wait_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        time: Duration,
    ) -> WaitTimeoutResult {
        guard.held = None;
        thread::yield_now();
        pass(time);
        guard.held = Some(guard.lock.hold());
        WaitTimeoutResult
    }

    pub(crate) fn wait_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        until: Instant,
    ) -> WaitTimeoutResult {
        self.wait_for(guard, until.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn notify_one(&self) {
        if !is_planted(Flaw::NotifyForgotten) {
            self.0.notify_one();
        }
    }

    pub(crate) fn notify_all(&self) {
        if !is_planted(Flaw::NotifyForgotten) {
            self.0.notify_all();
        }
    }
}

/// As of the standard library. A value that is being made keeps others waiting.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    making: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self { making: Mutex::new(()), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        thread::step();
        self.value.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _making = self.making.lock();
        self.value.set(value)
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _making = self.making.lock();
        self.value.get_or_init(make)
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> Self {
        Self { making: Mutex::new(()), value: self.value.clone() }
    }
}
