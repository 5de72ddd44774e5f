//! The principals of a pool by their ids.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_core::pool::{PoolId, Tenant};

use super::config::Isolation;
use super::error::PrincipalError;
use super::locks::{LEAF, Mutex};
use super::principal::{Principal, PrincipalState};
use crate::sync::{Ordering, process::AtomicU64};

/// Bytes that a principal's id may have.
const ID_BYTES_MAX: usize = 64;

/// The principals of a pool by their ids.
pub(super) struct Principals {
    pool: PoolId,
    isolation: Isolation,
    table: Mutex<Table, LEAF>,
}

struct Table {
    by_id: HashMap<Box<str>, Arc<PrincipalState>>,
    /// At how many entries those that nobody holds are looked for.
    sweep_at: usize,
}

const SWEEP_MIN: usize = 64;

impl Principals {
    pub(super) fn new(pool: PoolId, isolation: Isolation) -> Self {
        let table = Table { by_id: HashMap::new(), sweep_at: SWEEP_MIN };
        Self { pool, isolation, table: Mutex::new(table) }
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
        let tenant = next_tenant()?;
        let owner = self.isolation.owner(tenant);
        let state = Arc::new(PrincipalState::new(id, self.pool, tenant, owner));
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
    use std::time::Duration;

    use super::*;
    use crate::pool::config::Backoff;
    use crate::pool::error::Quota;

    #[test]
    fn one_id_is_one_principal() {
        let principals = Principals::new(PoolId::new(1), Isolation::Fresh);
        let (acme, again) =
            (principals.intern("acme", 0).unwrap(), principals.intern("acme", 0).unwrap());
        assert_eq!((acme.id(), acme.tenant()), ("acme", again.tenant()));
        assert_ne!(principals.intern("other", 0).unwrap().tenant(), acme.tenant());
    }

    #[test]
    fn ids_are_checked() {
        let principals = Principals::new(PoolId::new(1), Isolation::Fresh);
        let error = |id: &str| principals.intern(id, 0).unwrap_err();
        assert_eq!(error(""), PrincipalError::Length { bytes: 0 });
        assert_eq!(error(&"x".repeat(65)), PrincipalError::Length { bytes: 65 });
        assert_eq!(error("a\nb"), PrincipalError::Character { at: 1 });
        assert!(principals.intern(&"x".repeat(64), 0).is_ok());
        assert!(error("").to_string().contains("1 to 64 bytes (this one: 0)"));
    }

    #[test]
    fn the_departed_are_forgotten_and_the_faulty_are_not() {
        let principals = Principals::new(PoolId::new(1), Isolation::Fresh);
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
}
