//! Principals of a pool: their leases, waiters and faults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::pool::{PoolId, Tenant};

use super::config::Backoff;
use super::error::Quota;
use crate::clock;
use crate::sync::{AtomicU64, Ordering};

/// A user of a pool's instances; see [`Pool::principal`](super::Pool::principal).
///
/// Clones, and handles that were asked for under the same id, are the same principal: its cap, its
/// turns and its faults are counted together.
#[derive(Clone)]
pub struct Principal(pub(super) Arc<PrincipalState>);

impl Principal {
    /// The id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The number under which the pool's slots know it. It is never given out again in this
    /// process.
    pub fn tenant(&self) -> Tenant {
        self.0.tenant
    }

    /// How many instances it holds; always 0 in a pool without a
    /// [cap](super::PoolBuilder::per_principal_cap), where leases are not counted.
    pub fn in_use(&self) -> usize {
        Load::of(&self.0).in_use as usize
    }

    /// How many faults are held against it.
    pub fn faults(&self) -> u32 {
        self.0.faults()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Principal");
        debug.field("id", &self.id()).field("tenant", &self.0.tenant.get()).finish_non_exhaustive()
    }
}

/// ```text
/// load      0..32   in use: leases, counted only where there is a cap
///           32..64  waiting: checkouts in the queue; changed under the queue's lock
/// faults    faults less clean completions
/// until_ms  the moment until which it is refused
/// known_ms  the moment until which its faults are remembered though nobody holds it
/// ```
///
/// Both counts of `load` are in one word, so that a lease that ends and a waiter that arrives
/// cannot miss each other: a release that finds a waiter takes the queue's lock, and a waiter that
/// finds room takes it.
pub(super) struct PrincipalState {
    id: Box<str>,
    pub(super) pool: PoolId,
    pub(super) tenant: Tenant,
    /// The owner of the instances that it has used.
    pub(super) owner: Tenant,
    load: AtomicU64,
    faults: AtomicU64,
    until_ms: AtomicU64,
    known_ms: AtomicU64,
}

const WAITING: u64 = 1 << 32;

/// What a principal's `load` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) in_use: u64,
    pub(super) waiting: u64,
}

impl Load {
    fn from_word(word: u64) -> Load {
        Load { in_use: word % WAITING, waiting: word / WAITING }
    }

    pub(super) fn of(state: &PrincipalState) -> Load {
        // Relaxed: the word is its own message.
        Load::from_word(state.load.load(Ordering::Relaxed))
    }
}

impl PrincipalState {
    /// Without leases, waiters and faults.
    pub(super) fn new(id: &str, pool: PoolId, tenant: Tenant, owner: Tenant) -> Self {
        let zero = || AtomicU64::new(0);
        let (load, faults, until_ms, known_ms) = (zero(), zero(), zero(), zero());
        Self { id: id.into(), pool, tenant, owner, load, faults, until_ms, known_ms }
    }

    /// Counts a lease in, if the cap allows it.
    pub(super) fn admit(&self, cap: usize) -> bool {
        let admit = |word: u64| (word % WAITING < cap as u64).then_some(word + 1);
        // Relaxed: the word is its own message; see the type.
        self.load.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok()
    }

    /// The same for a checkout that is not queued: the principal's waiters come first (POOL-6).
    #[inline]
    pub(super) fn admit_first(&self, cap: usize) -> bool {
        // A word with waiters in it is above every cap.
        let admit = |word: u64| (word < WAITING.min(cap as u64)).then_some(word + 1);
        // Relaxed: as above.
        self.load.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok()
    }

    /// Counts a lease out.
    ///
    /// # Returns
    /// Whether a waiter of the principal may have been at the cap.
    #[inline]
    pub(super) fn release(&self) -> bool {
        // Relaxed: as above.
        Load::from_word(self.load.fetch_sub(1, Ordering::Relaxed)).waiting > 0
    }

    /// Counts a waiter in.
    pub(super) fn enter(&self) {
        // Relaxed: as above.
        self.load.fetch_add(WAITING, Ordering::Relaxed);
    }

    /// Counts a waiter out.
    pub(super) fn exit(&self) {
        // Relaxed: as above.
        self.load.fetch_sub(WAITING, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn faults(&self) -> u32 {
        // Relaxed: the number carries no other data.
        self.faults.load(Ordering::Relaxed) as u32
    }

    /// A lease has ended in a fault.
    pub(super) fn on_fault(&self, backoff: &Backoff, now_ms: u64) {
        // Relaxed, both: numbers of their own; that a refusal is seen a moment later does no harm.
        let faults = self.faults.fetch_add(1, Ordering::Relaxed) + 1;
        let faults = u32::try_from(faults).unwrap_or(u32::MAX);
        let after = |time| now_ms.saturating_add(clock::ceil_ms(time));
        self.known_ms.fetch_max(after(backoff.max), Ordering::Relaxed);
        if let Some(keep_off) = backoff.keep_off(faults) {
            self.until_ms.fetch_max(after(keep_off), Ordering::Relaxed);
        }
    }

    /// A lease has ended well.
    #[inline]
    pub(super) fn on_clean(&self) {
        if self.faults() > 0 {
            let fewer = |faults: u64| faults.checked_sub(1);
            // Relaxed: as above.
            let _ = self.faults.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        }
    }

    /// Whether the principal has to keep off at that moment.
    #[inline]
    pub(super) fn refusal(&self, now_ms: u64) -> Option<Quota> {
        match self.faults() {
            0 => None,
            faults => self.refusal_for(faults, now_ms),
        }
    }

    #[cold]
    fn refusal_for(&self, faults: u32, now_ms: u64) -> Option<Quota> {
        // Relaxed: as above.
        let left_ms = self.until_ms.load(Ordering::Relaxed).saturating_sub(now_ms);
        let retry_after = Duration::from_millis(left_ms);
        (left_ms > 0).then_some(Quota::Faults { faults, retry_after })
    }

    /// Whether its faults are remembered though nobody holds it.
    pub(super) fn is_known(&self, now_ms: u64) -> bool {
        // Relaxed: as above.
        self.known_ms.load(Ordering::Relaxed) > now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_11_a_cap_counts_leases_and_tells_of_waiters() {
        let state =
            Arc::new(PrincipalState::new("acme", PoolId::new(1), Tenant::MAX, Tenant::NONE));
        let acme = Principal(state.clone());
        assert!(state.admit(2) && state.admit(2) && !state.admit(2));
        assert_eq!(acme.in_use(), 2);
        assert!(!state.release());
        state.enter();
        assert_eq!(Load::of(&state), Load { in_use: 1, waiting: 1 });
        assert!(!state.admit_first(2), "another of the principal's was here before");
        assert!(state.release());
        state.exit();
        assert_eq!(Load::of(&state), Load { in_use: 0, waiting: 0 });
        assert!(state.admit_first(1) && !state.admit_first(1) && state.admit_first(usize::MAX));
    }
}
