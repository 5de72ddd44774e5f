//! What the handles of a pool share, and the way of a lease that meets nobody.

use std::cell::Cell;
#[cfg(feature = "tokio")]
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use plimsoll_core::pool::{Condemned, Demand, Leased, PoolId, PoolSlot, PoolSlots, SlotId, Tenant};
use plimsoll_core::{Tick, Waiters};

use super::board::Board;
use super::config::{Config, Isolation};
use super::contain::{Panicked, contain};
use super::dispatch::Queue;
use super::drain::Drain;
use super::error::{CheckoutError, Quota};
use super::inline::Inline;
use super::live::{Live, Place, Random};
use super::manager::Manager;
use super::principal::PrincipalState;
use super::principals::Principals;
use super::stats::{DiscardReason, Stats};
use super::work::{Doomed, Work};

/// A slot and its object, in the hands of a lease.
pub(super) struct Grant<M: Manager> {
    pub(super) token: Leased,
    pub(super) live: Box<Live<M::Object>>,
}

impl<M: Manager> Grant<M> {
    /// A lease begins; at `began` if it is timed.
    #[inline(always)]
    pub(super) fn new(
        token: Leased,
        mut live: Box<Live<M::Object>>,
        began: Option<Duration>,
    ) -> Self {
        live.uses = live.uses.saturating_add(1);
        live.began = began;
        Self { token, live }
    }
}

/// What came of an attempt that does not wait.
pub(super) enum Attempt<M: Manager> {
    Leased(Grant<M>),
    Busy,
    Refused(CheckoutError),
}

pub(super) struct Shared<M: Manager> {
    pub(super) manager: M,
    pub(super) config: Config,
    pub(super) id: PoolId,
    pub(super) slots: PoolSlots<Box<[PoolSlot]>>,
    pub(super) places: Box<[CachePadded<Place<M::Object>>]>,
    pub(super) demand: Demand,
    /// Milliseconds of the pool's clock, as published by maintenance and slow paths.
    now_ms: CachePadded<AtomicU64>,
    pub(super) queue: Mutex<Queue>,
    pub(super) work: Work<M>,
    pub(super) inline: Inline,
    pub(super) principals: Principals,
    pub(super) waiters: Waiters,
    pub(super) stats: Stats,
    pub(super) board: Option<Board>,
    pub(super) drain: Drain,
    pub(super) random: Random,
    /// What a task of a runtime holds while it works.
    #[cfg(feature = "tokio")]
    pub(super) me: Weak<Shared<M>>,
}

/// One lease in so many is timed, of an instance that is used again.
const TIMED_EVERY: u32 = 64;

thread_local! {
    /// The pool and the slot that this thread has used last, plus one.
    static NEAR: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

impl<M: Manager> Shared<M> {
    pub(super) fn new(
        manager: M,
        config: Config,
        work: Work<M>,
        board: Option<Board>,
        slots: PoolSlots<Box<[PoolSlot]>>,
        #[cfg(feature = "tokio")] me: Weak<Shared<M>>,
    ) -> Self {
        let id = slots.id();
        Self {
            places: (0..slots.capacity()).map(|_| CachePadded::new(Place::empty())).collect(),
            inline: Inline::new(&manager, &config),
            manager,
            config,
            id,
            slots,
            demand: Demand::new(),
            now_ms: CachePadded::new(AtomicU64::new(0)),
            queue: Mutex::new(Queue::new()),
            work,
            principals: Principals::new(id),
            waiters: Waiters::new(),
            stats: Stats::new(),
            board,
            drain: Drain::default(),
            random: Random::new(),
            #[cfg(feature = "tokio")]
            me,
        }
    }

    /// The moment that was published last.
    #[inline(always)]
    pub(super) fn now_ms(&self) -> u64 {
        // Relaxed: the number carries no other data.
        self.now_ms.load(Ordering::Relaxed)
    }

    /// Asks the clock, and publishes what it says.
    pub(super) fn refresh(&self) -> Duration {
        let now = self.config.clock.now();
        // Relaxed: as above.
        self.now_ms.fetch_max(now.as_millis() as u64, Ordering::Relaxed);
        now
    }

    #[inline(always)]
    pub(super) fn tick(&self) -> Tick {
        Tick::new(self.now_ms())
    }

    #[inline(always)]
    pub(super) fn place(&self, slot: SlotId) -> &Place<M::Object> {
        &self.places[slot.index()]
    }

    /// A lease of what is idle, if nobody waits for it.
    #[inline(always)]
    pub(super) fn try_lease(&self, principal: &PrincipalState) -> Attempt<M> {
        if principal.pool != self.id {
            return Attempt::Refused(CheckoutError::ForeignPrincipal);
        }
        if let Some(quota) = self.refusal(principal) {
            return Attempt::Refused(self.refused(quota));
        }
        if !self.demand.look().is_quiet() {
            return Attempt::Busy;
        }
        if let Some(cap) = self.config.cap {
            if !principal.admit_first(cap) {
                return Attempt::Busy;
            }
        }
        match self.take_idle(principal.tenant) {
            Some(token) => Attempt::Leased(self.open(token)),
            None => {
                self.let_go(principal);
                Attempt::Busy
            }
        }
    }

    #[cold]
    pub(super) fn refused(&self, quota: Quota) -> CheckoutError {
        self.stats.refusals.count();
        CheckoutError::Refused { quota }
    }

    /// Whether the principal has to keep off. Who has to by the published moment is asked by the
    /// clock: nobody publishes while nothing lives.
    #[inline(always)]
    fn refusal(&self, principal: &PrincipalState) -> Option<Quota> {
        principal.refusal(self.now_ms())?;
        principal.refusal(self.refresh().as_millis() as u64)
    }

    /// An idle slot that this tenant may have, the near one first.
    #[inline(always)]
    pub(super) fn take_idle(&self, tenant: Tenant) -> Option<Leased> {
        let (pool, slot) = NEAR.get();
        let near = (pool == self.id.get()).then(|| SlotId::new(slot));
        let token = match self.config.isolation {
            Isolation::PerPrincipal => {
                self.slots.take(tenant, near).or_else(|| self.take_pristine(tenant, near))
            }
            _ => self.slots.take(Tenant::NONE, near),
        }?;
        NEAR.set((self.id.get(), token.slot().index() as u32));
        Some(token)
    }

    fn take_pristine(&self, tenant: Tenant, near: Option<SlotId>) -> Option<Leased> {
        let token = self.slots.take(Tenant::NONE, near)?;
        Some(self.slots.claim(token, tenant).expect("nobody's slot can be claimed"))
    }

    /// Takes a leased slot's object out of its place: the lease begins.
    #[inline(always)]
    pub(super) fn open(&self, token: Leased) -> Grant<M> {
        let live = self.place(token.slot()).object.take();
        let live = live.expect("an idle slot has its object in place");
        let is_timed = live.is_timed && live.uses % TIMED_EVERY == 0;
        Grant::new(token, live, is_timed.then(|| self.config.clock.now()))
    }

    /// A lease has been completed.
    #[inline(always)]
    pub(super) fn complete(&self, principal: &PrincipalState, mut grant: Grant<M>) {
        principal.on_clean();
        if let Some(reason) = self.verdict(&mut grant.live) {
            return self.discard(principal, grant, reason);
        }
        let Grant { token, live } = grant;
        if let Some(began) = live.began {
            self.note_hold(began);
        }
        self.place(token.slot()).object.store(Some(live));
        self.slots.give_back(token, self.tick()).expect("the pool's own token");
        let has_room_again = self.release(principal);
        if has_room_again || !self.demand.look_after_release().is_quiet() {
            self.on_release(has_room_again.then_some(principal));
        }
    }

    /// Why an object is not used again, if it is not. It is reset if it is.
    #[inline]
    fn verdict(&self, live: &mut Live<M::Object>) -> Option<DiscardReason> {
        if self.config.isolation == Isolation::Fresh {
            return Some(DiscardReason::SingleUse);
        }
        if live.uses >= live.uses_max {
            return Some(DiscardReason::Uses);
        }
        if self.now_ms() >= live.expires_ms {
            return Some(DiscardReason::Age);
        }
        match contain(|| self.manager.reset(live.object_mut()).is_ok()) {
            Ok(true) => {}
            Ok(false) => return Some(DiscardReason::ResetFailed),
            Err(Panicked(_)) => {
                self.stats.panics.count();
                return Some(DiscardReason::ResetFailed);
            }
        }
        if live.bytes_max == u64::MAX {
            return None;
        }
        // What can not say how large it is, is too large.
        let bytes = contain(|| self.manager.bytes(live.object())).unwrap_or_else(|_| {
            self.stats.panics.count();
            u64::MAX
        });
        (bytes > live.bytes_max).then_some(DiscardReason::Bytes)
    }

    /// A lease has ended, and its object with it.
    #[cold]
    pub(super) fn discard(
        &self,
        principal: &PrincipalState,
        grant: Grant<M>,
        reason: DiscardReason,
    ) {
        let Grant { token, live } = grant;
        let now = live.began.map(|began| self.note_hold(began));
        let is_fault = matches!(reason, DiscardReason::Faulted | DiscardReason::Panicked);
        if let (true, Some(backoff)) = (is_fault, &self.config.backoff) {
            principal.on_fault(backoff, self.refresh().as_millis() as u64);
        }
        self.stats.discard(reason);
        let condemned = self.slots.condemn(token).expect("the pool's own token");
        let is_for_waiter = self.work.push_ended(self, Doomed { condemned, live: Some(live) }, now);
        let has_room_again = self.release(principal);
        if is_for_waiter || has_room_again {
            self.on_release(has_room_again.then_some(principal));
        }
        if is_for_waiter {
            // Should checkouts do the work no longer.
            self.work.hurry(self);
        }
    }

    /// Counts a lease out, where somebody counts.
    ///
    /// # Returns
    /// Whether somebody waits who may have been at the cap.
    #[inline]
    pub(super) fn release(&self, principal: &PrincipalState) -> bool {
        self.config.cap.is_some() && principal.release()
    }

    /// Counts a lease out, and serves whoever was at the cap.
    pub(super) fn let_go(&self, principal: &PrincipalState) {
        if self.release(principal) {
            self.on_release(Some(principal));
        }
    }

    /// What an idle slot held that is condemned.
    pub(super) fn doomed(&self, condemned: Condemned) -> Doomed<M> {
        let live = self.place(condemned.slot()).object.take();
        Doomed { condemned, live }
    }

    /// An idle instance is not used again.
    pub(super) fn on_condemned(&self, condemned: Condemned, reason: DiscardReason) {
        self.stats.discard(reason);
        self.work.push_retirement(self, self.doomed(condemned));
    }

    /// # Returns
    /// The moment.
    #[cold]
    fn note_hold(&self, began: Duration) -> Duration {
        let now = self.config.clock.now();
        let held = now.saturating_sub(began).as_nanos();
        self.stats.hold.record(u64::try_from(held).unwrap_or(u64::MAX));
        now
    }
}

/// What is left when the last handle is gone and nobody works for the pool: of leases that ended
/// after that.
impl<M: Manager> Drop for Shared<M> {
    fn drop(&mut self) {
        while let Some(doomed) = self.work.take_retirement() {
            self.do_away(doomed.live);
        }
    }
}
