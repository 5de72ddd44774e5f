//! Checkouts that block the thread, and those that do not wait.

use std::sync::Arc;
use std::time::Duration;

use super::config::Isolation;
use super::error::CheckoutError;
use super::executor::Vacancy;
use super::lease::Lease;
use super::manager::Manager;
use super::principal::Principal;
use super::shared::{Attempt, Shared};
use super::store::Grant;
use super::waiting::Waiting;
use crate::park::thread_waker;
use crate::sync::{Backoff, Instant};

/// Waits on the calling thread. What is held for a few instructions is worth a moment's spin,
/// as long as nobody waits.
#[cold]
#[inline(never)]
pub(super) fn wait<'a, M: Manager>(
    shared: &'a Arc<Shared<M>>,
    principal: &'a Principal,
    timeout: Option<Duration>,
) -> Result<Lease<'a, M>, CheckoutError> {
    let lease = |grant| Lease::new(shared, principal, grant);
    let mut attempt = Vacancy::lease(shared, &principal.0);
    if matches!(attempt, Attempt::Busy) {
        shared.work.hurry(shared);
    }
    let backoff = Backoff::new();
    loop {
        match attempt {
            Attempt::Leased(grant) => return Ok(lease(grant)),
            Attempt::Refused(error) => return Err(error),
            Attempt::Busy if backoff.is_completed() || !is_worth_a_spin(shared) => break,
            Attempt::Busy => backoff.snooze(),
        }
        attempt = match shared.lease_idle(&principal.0) {
            Some(grant) => Attempt::Leased(grant),
            None => Vacancy::lease(shared, &principal.0),
        };
    }
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let waiting = Waiting::begin(shared, principal, thread_waker(), None, None)?;
    waiting.block(deadline, timeout).map(lease)
}

/// Whether an instance may come any moment, and nobody waits: of those that are used again
/// one comes back, of those for a single use one is being made.
fn is_worth_a_spin<M: Manager>(shared: &Shared<M>) -> bool {
    let counts = shared.store.words.counts();
    let is_coming = match shared.config.isolation {
        Isolation::Fresh => counts.building + counts.condemned > 0,
        _ => counts.leased > 0 && counts.vacant == 0,
    };
    is_coming && shared.store.words.demand.look().is_quiet()
}

/// For a checkout that does not wait: makes an instance, or begins one for the next checkout.
#[cold]
#[inline(never)]
pub(super) fn make_or_begin<M: Manager>(
    shared: &Shared<M>,
    principal: &Principal,
) -> Result<Grant<M>, CheckoutError> {
    match Vacancy::lease(shared, &principal.0) {
        Attempt::Leased(grant) => return Ok(grant),
        Attempt::Refused(error) => return Err(error),
        Attempt::Busy => shared.work.hurry(shared),
    }
    Err(shared.decide(|scheduler, decision| scheduler.on_try(&principal.0, decision)))
}
