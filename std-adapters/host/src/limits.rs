//! What a principal may use: memory by a quota over all its instances, and time by the turn.

use std::sync::{Arc, Mutex, PoisonError};

use plimsoll::catalog::SandboxLimit;
use plimsoll::ledger::{PeakPrincipal, SumPrincipal};
use plimsoll::{Limit, RegisterError, Registry, TrackedGauge, Watermarks};
use wasmtime::ResourceLimiter;

use crate::guests::Principal;

/// A number that many hold parts of, held to a maximum, with a gauge that shows it.
pub(crate) struct Quota {
    max: u64,
    held: Mutex<u64>,
    gauge: TrackedGauge,
}

impl Quota {
    /// A quota of `max` that the registry shows as `limit` of the principal `name`.
    pub(crate) fn new(
        registry: &Registry,
        limit: SandboxLimit,
        name: &'static str,
        max: u64,
    ) -> Result<Self, RegisterError> {
        let limit = Limit::from(limit).instance(name);
        let gauge = registry.gauge(limit, Watermarks::new(max))?;
        Ok(Self { max, held: Mutex::new(0), gauge })
    }

    /// Takes `more`, or nothing: all parts together never pass the maximum.
    ///
    /// # Returns
    /// What all parts are together, if they were granted.
    fn take(&self, more: u64) -> Option<u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = held.checked_add(more).filter(|sum| *sum <= self.max)?;
        *held = sum;
        self.gauge.add(more);
        Some(sum)
    }

    /// Gives back what was taken.
    fn give_back(&self, part: u64) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) -= part;
        self.gauge.sub(part);
    }
}

/// One instance's part of its principal's memory quota: what wasmtime asks before each growth.
pub(crate) struct Memory {
    principal: Arc<Principal>,
    peak: PeakPrincipal,
    held_bytes: u64,
    last_growth_bytes: u64,
}

impl Memory {
    pub(crate) fn new(principal: Arc<Principal>) -> Self {
        let peak = principal.usage.memory_bytes.clone();
        Self { principal, peak, held_bytes: 0, last_growth_bytes: 0 }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth_bytes = desired.saturating_sub(current) as u64;
        let granted = self.principal.memory.take(growth_bytes);
        self.last_growth_bytes = granted.map_or(0, |_| growth_bytes);
        self.held_bytes += self.last_growth_bytes;
        match granted {
            Some(sum_bytes) => {
                self.peak.record(sum_bytes);
            }
            None => self.principal.on_memory_refused(desired as u64)?,
        }
        Ok(granted.is_some())
    }

    /// A growth that was granted and then failed, at the module's own maximum or in the system.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let part = std::mem::take(&mut self.last_growth_bytes);
        self.held_bytes -= part;
        self.principal.memory.give_back(part);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.principal.memory.give_back(self.held_bytes);
    }
}

/// No guest here needs a table at all.
const TABLE_ELEMENTS_MAX: usize = 1_000;

/// The time an instance has used in its turn, which is the stretch between two host calls: a guest
/// that waits for the host, as under back-pressure, uses none.
pub(crate) struct Turn {
    principal: Arc<Principal>,
    fuel: SumPrincipal,
    used_ms: u64,
}

impl Turn {
    pub(crate) fn new(principal: Arc<Principal>) -> Self {
        let fuel = principal.usage.fuel_ms.clone();
        Self { principal, fuel, used_ms: 0 }
    }

    /// An epoch passed while the guest ran. Returns whether the turn is used up.
    pub(crate) fn on_tick(&mut self, tick_ms: u64) -> Result<bool, RegisterError> {
        self.used_ms += tick_ms;
        self.principal.turn.add(tick_ms);
        self.fuel.record(tick_ms);
        let spent = self.used_ms >= self.principal.plan.turn_max_ms;
        if spent {
            self.principal.on_deadline(self.used_ms)?;
        }
        Ok(spent)
    }

    /// The guest called the host: the next stretch is a new turn.
    pub(crate) fn on_host_call(&mut self) {
        self.principal.turn.sub(std::mem::take(&mut self.used_ms));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.on_host_call();
    }
}
