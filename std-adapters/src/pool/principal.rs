//! For whom instances are lent.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_core::pool::{PoolId, Tenant};

use super::config::Backoff;
use super::error::{PrincipalError, Quota};
use crate::clock;

/// Bytes that a principal's id may have.
const ID_BYTES_MAX: usize = 64;

/// Somebody whom a pool lends to; see [`Pool::principal`](super::Pool::principal).
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

    /// The number under which the pool's slots know it. It is never given out again in this process.
    pub fn tenant(&self) -> Tenant {
        self.0.tenant
    }

    /// How many instances it holds; always 0 in a pool without a
    /// [cap](super::PoolBuilder::per_principal_cap), where nobody counts.
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
/// load      0..32   in use: leases, where a cap makes somebody count
///           32..64  waiting: checkouts in the queue; changed under the queue's lock
/// faults    faults less clean completions
/// until_ms  the moment until which it is refused
/// known_ms  the moment until which its faults are remembered though nobody holds it
/// ```
///
/// Both counts of `load` are one word, so that of a lease that ends and a waiter that arrives one
/// sees the other: the release that finds somebody waiting takes the queue's lock, and the waiter
/// that finds room takes it.
pub(super) struct PrincipalState {
    id: Box<str>,
    pub(super) pool: PoolId,
    pub(super) tenant: Tenant,
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
    /// Counts a lease in, if the cap allows it.
    #[inline]
    pub(super) fn admit(&self, cap: usize) -> bool {
        let admit = |word: u64| (word % WAITING < cap as u64).then_some(word + 1);
        // Relaxed: the word is its own message; see the type.
        self.load.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok()
    }

    /// Counts a lease out.
    ///
    /// # Returns
    /// Whether somebody waits who may have been at the cap.
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
}

impl PrincipalState {
    fn is_known(&self, now_ms: u64) -> bool {
        // Relaxed: as above.
        self.known_ms.load(Ordering::Relaxed) > now_ms
    }
}

/// The principals of a pool by their ids.
pub(super) struct Principals {
    pool: PoolId,
    table: Mutex<Table>,
}

struct Table {
    by_id: HashMap<Box<str>, Arc<PrincipalState>>,
    /// At how many entries those that nobody holds are looked for.
    sweep_at: usize,
}

const SWEEP_MIN: usize = 64;

impl Principals {
    pub(super) fn new(pool: PoolId) -> Self {
        let table = Table { by_id: HashMap::new(), sweep_at: SWEEP_MIN };
        Self { pool, table: Mutex::new(table) }
    }

    /// The principal of that id. One that nobody holds is forgotten some time, once the faults that
    /// are held against it are old.
    pub(super) fn intern(&self, id: &str, now_ms: u64) -> Result<Principal, PrincipalError> {
        check(id)?;
        let mut table = self.table.lock();
        if let Some(state) = table.by_id.get(id) {
            return Ok(Principal(state.clone()));
        }
        if table.by_id.len() >= table.sweep_at {
            table.by_id.retain(|_, state| Arc::strong_count(state) > 1 || state.is_known(now_ms));
            table.sweep_at = SWEEP_MIN.max(2 * table.by_id.len());
        }
        let state = Arc::new(PrincipalState {
            id: id.into(),
            pool: self.pool,
            tenant: next_tenant()?,
            load: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            until_ms: AtomicU64::new(0),
            known_ms: AtomicU64::new(0),
        });
        table.by_id.insert(id.into(), state.clone());
        Ok(Principal(state))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.table.lock().by_id.len()
    }
}

fn check(id: &str) -> Result<(), PrincipalError> {
    let bytes = id.len();
    if bytes == 0 || bytes > ID_BYTES_MAX {
        return Err(PrincipalError::Length { bytes });
    }
    match id.find(char::is_control) {
        Some(at) => Err(PrincipalError::Character { at }),
        None => Ok(()),
    }
}

/// A number that no principal of this process has had.
fn next_tenant() -> Result<Tenant, PrincipalError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: the number carries no other data. It would take centuries to wrap.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Tenant::new(number).map_err(|_| PrincipalError::TooMany { max: Tenant::MAX.get() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_is_one_principal() {
        let principals = Principals::new(PoolId::new(1));
        let (acme, again) =
            (principals.intern("acme", 0).unwrap(), principals.intern("acme", 0).unwrap());
        assert_eq!((acme.id(), acme.tenant()), ("acme", again.tenant()));
        assert_ne!(principals.intern("other", 0).unwrap().tenant(), acme.tenant());
    }

    #[test]
    fn ids_are_checked() {
        let principals = Principals::new(PoolId::new(1));
        let error = |id: &str| principals.intern(id, 0).unwrap_err();
        assert_eq!(error(""), PrincipalError::Length { bytes: 0 });
        assert_eq!(error(&"x".repeat(65)), PrincipalError::Length { bytes: 65 });
        assert_eq!(error("a\nb"), PrincipalError::Character { at: 1 });
        assert!(principals.intern(&"x".repeat(64), 0).is_ok());
        assert!(error("").to_string().contains("1 to 64 bytes (this one: 0)"));
    }

    #[test]
    fn the_departed_are_forgotten_and_the_faulty_are_not() {
        let principals = Principals::new(PoolId::new(1));
        let backoff =
            Backoff { after: 1, base: Duration::from_secs(1), max: Duration::from_secs(9) };
        let faulty = principals.intern("faulty", 0).unwrap();
        faulty.0.on_fault(&backoff, 5);
        let tenant = faulty.tenant();
        drop(faulty);
        let kept = principals.intern("kept", 0).unwrap();
        for number in 0..10_000 {
            principals.intern(&format!("guest-{number}"), 8_000).unwrap();
        }
        assert!(principals.len() <= SWEEP_MIN, "{}", principals.len());
        assert_eq!(principals.intern("kept", 0).unwrap().tenant(), kept.tenant());
        let faulty = principals.intern("faulty", 0).unwrap();
        assert_eq!((faulty.tenant(), faulty.faults()), (tenant, 1));
        let quota = Quota::Faults { faults: 1, retry_after: Duration::from_millis(5) };
        assert_eq!(faulty.0.refusal(1_000), Some(quota));
        assert_eq!(faulty.0.refusal(1_005), None);
        faulty.0.on_clean();
        faulty.0.on_clean();
        assert_eq!(faulty.faults(), 0);
        assert!(faulty.0.is_known(9_004) && !faulty.0.is_known(9_005));
    }

    #[test]
    fn pool_11_a_cap_counts_leases_and_tells_of_waiters() {
        let acme = Principals::new(PoolId::new(1)).intern("acme", 0).unwrap();
        let state = &acme.0;
        assert!(state.admit(2) && state.admit(2) && !state.admit(2));
        assert_eq!(acme.in_use(), 2);
        assert!(!state.release());
        state.enter();
        assert_eq!(Load::of(state), Load { in_use: 1, waiting: 1 });
        assert!(state.release());
        state.exit();
        assert_eq!(Load::of(state), Load { in_use: 0, waiting: 0 });
    }
}
