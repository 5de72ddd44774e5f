//! Reserved slots.
//!
//! A reserved slot is not in the depth until an item is in it: these types wrap upstream's, and
//! count what is sent.

use ::std::fmt;
use ::std::iter::FusedIterator;

use ::tokio::sync::mpsc;

use crate::channel::counted::SenderSide;

/// A reserved slot: `tokio::sync::mpsc::Permit`. Dropping it gives the slot back.
#[must_use = "dropping a permit gives its slot back"]
pub struct Permit<'a, T> {
    inner: mpsc::Permit<'a, T>,
    side: &'a SenderSide,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(inner: mpsc::Permit<'a, T>, side: &'a SenderSide) -> Self {
        Self { inner, side }
    }

    /// Sends into the slot.
    #[inline]
    pub fn send(self, value: T) {
        let sending = self.side.sending();
        self.inner.send(value);
        sending.end(true);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Reserved slots, one by one: `tokio::sync::mpsc::PermitIterator`. Dropping it gives back what is
/// left.
#[must_use = "dropping the iterator gives its slots back"]
pub struct PermitIterator<'a, T> {
    inner: mpsc::PermitIterator<'a, T>,
    side: &'a SenderSide,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn new(inner: mpsc::PermitIterator<'a, T>, side: &'a SenderSide) -> Self {
        Self { inner, side }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        Some(Permit { inner: self.inner.next()?, side: self.side })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("left", &self.len()).finish_non_exhaustive()
    }
}

/// A reserved slot that owns its handle: `tokio::sync::mpsc::OwnedPermit`. Dropping it gives the
/// slot back and drops the handle.
#[must_use = "dropping a permit gives its slot back"]
pub struct OwnedPermit<T> {
    pub(super) inner: mpsc::OwnedPermit<T>,
    pub(super) side: SenderSide,
}

impl<T> OwnedPermit<T> {
    pub(super) fn new(inner: mpsc::OwnedPermit<T>, side: SenderSide) -> Self {
        Self { inner, side }
    }

    /// Whether both belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
