//! The entry of a pool in a registry.

mod listing;

use std::sync::Arc;

use plimsoll_core::{SampledGauge, Watermarks};

use crate::pool::locks::{LEAF, Mutex};
use crate::registry::{Registration, Registry};
use crate::{Limit, RegisterError};

/// How many instances are leased, as a registry sees it. Leases do not touch it: the number is read
/// from the slots, by maintenance and by each checkout that waits.
pub(super) struct Board {
    registry: Registry,
    limit: Limit,
    entry: Mutex<Arc<Entry>, LEAF>,
}

/// The pool's entry in its registry, with the maximum that it is registered with.
struct Entry {
    max: usize,
    gauge: SampledGauge,
    registration: Registration,
}

impl Entry {
    fn new(registry: &Registry, limit: Limit, max: usize) -> Result<Arc<Self>, RegisterError> {
        let watermarks = Watermarks::try_new(max as u64)?;
        let registration = registry.reserve(limit, watermarks)?;
        Ok(Arc::new(Self { max, gauge: SampledGauge::new(watermarks), registration }))
    }
}

impl Board {
    pub(super) fn new(
        registry: &Registry,
        limit: Limit,
        max: usize,
    ) -> Result<Self, RegisterError> {
        let entry = Mutex::new(Entry::new(registry, limit.clone(), max)?);
        Ok(Self { registry: registry.clone(), limit, entry })
    }

    fn entry(&self) -> Arc<Entry> {
        self.entry.lock().clone()
    }
}
