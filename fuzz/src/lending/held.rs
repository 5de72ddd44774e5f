//! A lease, with a borrow or without.

use std::ops::{Deref, DerefMut};

use plimsoll::pool::{Lease, OwnedLease};

use super::world::{Maker, Object};

#[derive(Debug)]
pub(super) enum Held<'a> {
    Borrowed(Lease<'a, Maker>),
    Owned(OwnedLease<Maker>),
}

impl Held<'_> {
    pub(super) fn uses(&self) -> usize {
        match self {
            Self::Borrowed(lease) => lease.uses() as usize,
            Self::Owned(lease) => lease.uses() as usize,
        }
    }

    pub(super) fn complete(self) {
        match self {
            Self::Borrowed(lease) => lease.complete(),
            Self::Owned(lease) => lease.complete(),
        }
    }

    pub(super) fn fault(self) {
        match self {
            Self::Borrowed(lease) => lease.fault(),
            Self::Owned(lease) => lease.fault(),
        }
    }

    /// The same without a borrow.
    pub(super) fn into_owned(self) -> Self {
        match self {
            Self::Borrowed(lease) => Self::Owned(lease.into_owned()),
            owned => owned,
        }
    }
}

impl Deref for Held<'_> {
    type Target = Object;

    fn deref(&self) -> &Object {
        match self {
            Self::Borrowed(lease) => lease,
            Self::Owned(lease) => lease,
        }
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Object {
        match self {
            Self::Borrowed(lease) => lease,
            Self::Owned(lease) => lease,
        }
    }
}
