//! The state that the handles of a pool share, and the path of a lease that need not wait.

use std::sync::Weak;
use std::time::Duration;

use plimsoll_core::Waiters;
use plimsoll_core::pool::Condemned;

use super::board::Board;
use super::config::Config;
use super::drain::Drain;
use super::error::{CheckoutError, Quota};
use super::executor::{Inline, Keeper, Work, contain};
use super::locks::{Mutex, SCHEDULER};
use super::manager::Manager;
use super::principal::PrincipalState;
use super::principals::Principals;
use super::scheduler::{Room, Rules, Scheduler};
use super::shrink::Shrinking;
use super::stats::{DiscardReason, Stats};
use super::store::{Grant, Random, Store, Words};
use super::turnstile::Turnstile;

/// The result of an attempt that does not wait.
pub(super) enum Attempt<M: Manager> {
    Leased(Grant<M>),
    Busy,
    Refused(CheckoutError),
}

/// The parts of a pool. Each part has its own file; here is what needs several of them.
pub(super) struct Shared<M: Manager> {
    /// Present until the pool is drained. Each instance refers to it as well.
    pub(super) manager: Keeper<M>,
    pub(super) config: Config,
    pub(super) store: Store<M>,
    pub(super) scheduler: Mutex<Scheduler, SCHEDULER>,
    pub(super) work: Work<M>,
    pub(super) inline: Inline,
    pub(super) turnstile: Turnstile,
    pub(super) principals: Principals,
    pub(super) waiters: Waiters,
    pub(super) stats: Stats,
    pub(super) board: Option<Board>,
    pub(super) shrinking: Shrinking,
    pub(super) drain: Drain,
    pub(super) random: Random,
    /// For threads and tasks, which hold the pool only while they work.
    pub(super) me: Weak<Shared<M>>,
}

impl<M: Manager> Shared<M> {
    pub(super) fn new(
        manager: M,
        config: Config,
        work: Work<M>,
        board: Option<Board>,
        words: Words,
        me: Weak<Shared<M>>,
    ) -> Self {
        let room = Room::new(&config);
        room.publish(&words);
        Self {
            inline: Inline::new(&manager, &config),
            manager: Keeper::new(manager),
            scheduler: Mutex::new(Scheduler::new(Rules::new(&config), room)),
            principals: Principals::new(words.slots.id(), config.isolation),
            store: Store::new(words, config.max),
            config,
            work,
            turnstile: Turnstile::default(),
            waiters: Waiters::new(),
            stats: Stats::new(),
            board,
            shrinking: Shrinking::default(),
            drain: Drain::default(),
            random: Random::new(),
            me,
        }
    }

    /// Asks the clock, and publishes what it says.
    pub(super) fn refresh(&self) -> Duration {
        let now = self.config.clock.now();
        self.store.moments.publish(now.as_millis() as u64);
        now
    }

    /// Nothing is live any more, and nothing will be: drops the manager with all that it has, and
    /// then wakes those that wait for the pool to be drained (POOL-16).
    pub(super) fn on_drained(&self) {
        let Some(manager) = self.manager.take() else { return };
        self.work.stop();
        self.shrinking.set(None);
        if contain(|| drop(manager)).is_err() {
            self.stats.panics.count();
        }
        self.drain.finish();
    }

    /// Follows the pressure, if there is one to follow. It is read under the scheduler's lock, so that
    /// what was read last holds.
    pub(super) fn shrink(&self) {
        self.decide(|scheduler, decision| scheduler.on_shrink(self.shrinking.warm(), decision));
    }

    /// Closes the pool.
    ///
    /// # Returns
    /// Whether it was open.
    pub(super) fn close(&self) -> bool {
        self.decide(|scheduler, decision| scheduler.on_close(decision))
    }

    /// A slot is idle, or a principal that was at its cap has room, and a waiter may be served.
    #[cold]
    pub(super) fn on_release(&self, has_room: Option<&PrincipalState>) {
        let tenant = has_room.map(|principal| principal.tenant);
        self.decide(|scheduler, decision| scheduler.on_release(tenant, decision));
    }

    /// Counts a lease out, if there is a cap.
    ///
    /// # Returns
    /// Whether a waiter of the principal may have been at the cap.
    #[inline]
    pub(super) fn release(&self, principal: &PrincipalState) -> bool {
        self.config.cap.is_some() && principal.release()
    }

    /// Counts a lease out, and serves a waiter that was at the cap.
    pub(super) fn release_and_serve(&self, principal: &PrincipalState) {
        if self.release(principal) {
            self.on_release(Some(principal));
        }
    }

    /// An idle instance is not used again.
    pub(super) fn on_condemned(&self, condemned: Condemned, reason: DiscardReason) {
        self.stats.discard(reason);
        self.work.push_retirement(self, self.store.retirement(condemned));
    }

    /// A lease of an idle instance, if nobody waits for it. [`objection`](Self::objection) says why
    /// there is none.
    #[inline(always)]
    pub(super) fn lease_idle(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        if principal.pool != self.store.id() || !self.store.words.demand.look().is_quiet() {
            return None;
        }
        if principal.faults() > 0 && self.refusal(principal).is_some() {
            return None;
        }
        if self.config.cap.is_some_and(|cap| !principal.admit_first(cap)) {
            return None;
        }
        match self.store.take_idle(principal.tenant, principal.owner) {
            Some(token) => match Grant::open(self, token, principal.tenant) {
                None => self.lease_another(principal),
                grant => grant,
            },
            None => self.go_without(principal),
        }
    }

    /// Tries the other idle instances: the first one was dead.
    #[cold]
    #[inline(never)]
    fn lease_another(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        while let Some(token) = self.store.take_idle(principal.tenant, principal.owner) {
            if let Some(grant) = Grant::open(self, token, principal.tenant) {
                return Some(grant);
            }
        }
        self.go_without(principal)
    }

    #[cold]
    fn go_without(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        self.release_and_serve(principal);
        None
    }

    /// Why a principal may not even wait.
    #[cold]
    pub(super) fn objection(&self, principal: &PrincipalState) -> Option<CheckoutError> {
        if principal.pool != self.store.id() {
            return Some(CheckoutError::ForeignPrincipal);
        }
        let quota = self.refusal(principal)?;
        let error = CheckoutError::Refused { quota };
        self.stats.refuse(&error);
        Some(error)
    }

    /// Whether the principal is in its back-off. The published time goes stale while the pool is
    /// empty, so a refusal is confirmed with the clock.
    #[cold]
    fn refusal(&self, principal: &PrincipalState) -> Option<Quota> {
        principal.refusal(self.store.moments.now_ms())?;
        principal.refusal(self.refresh().as_millis() as u64)
    }
}

/// Destroys what is left of leases that ended after the last handle and all workers were gone.
impl<M: Manager> Drop for Shared<M> {
    fn drop(&mut self) {
        while let Some(retirement) = self.work.take_retirement() {
            // With the slots.
            let _ = retirement.destroy(self);
        }
    }
}
