//! What the handles of a pool share, and the way of a lease that meets nobody.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use plimsoll_core::Waiters;
use plimsoll_core::pool::{Demand, Leased, PoolId, PoolSlot, PoolSlots, SlotId, Tenant, Token};

use super::board::Board;
use super::config::{Config, Isolation};
use super::contain::{ask, contain};
use super::dispatch::Queue;
use super::drain::Drain;
use super::error::{CheckoutError, Quota};
use super::inline::Inline;
use super::live::{Live, Place, Random};
use super::manager::Manager;
use super::moments::Moments;
use super::principal::PrincipalState;
use super::principals::Principals;
use super::room::{Room, RoomReading};
use super::stats::Stats;
use super::table::Table;
use super::turnstile::Turnstile;
use super::work::Work;

/// A slot and its object, in the hands of a lease.
pub(super) struct Grant<M: Manager> {
    pub(super) token: Leased,
    pub(super) live: Box<Live<M>>,
}

impl<M: Manager> Grant<M> {
    /// A lease begins; at `began` if it is timed.
    #[inline(always)]
    pub(super) fn new(token: Leased, mut live: Box<Live<M>>, began: Option<Duration>) -> Self {
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
    /// Until the pool is drained. Each object has a hold on it, too.
    manager: Mutex<Option<Arc<M>>>,
    pub(super) config: Config,
    pub(super) id: PoolId,
    pub(super) slots: PoolSlots<Table<PoolSlot>>,
    pub(super) places: Table<CachePadded<Place<M>>>,
    pub(super) demand: Demand,
    /// The pool's clock, as published by maintenance and slow paths.
    pub(super) moments: CachePadded<Moments>,
    pub(super) queue: Mutex<Queue>,
    pub(super) room: RoomReading,
    pub(super) turnstile: Turnstile,
    pub(super) work: Work<M>,
    pub(super) inline: Inline,
    pub(super) principals: Principals,
    pub(super) waiters: Waiters,
    pub(super) stats: Stats,
    pub(super) board: Option<Board>,
    pub(super) drain: Drain,
    pub(super) random: Random,
    /// What a thread or task holds while it works.
    pub(super) me: Weak<Shared<M>>,
}

/// One lease in so many is timed, of an instance that is used again.
const TIMED_EVERY: u32 = 64;

thread_local! {
    /// The slot and the pool that this thread has used last: the warmest one to it.
    static NEAR: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

/// What this thread has taken last is not the warmest one.
pub(super) fn forget_near() {
    NEAR.set((0, 0));
}

/// This thread uses that slot.
#[inline(always)]
pub(super) fn note_near(token: &Leased) {
    NEAR.set((token.slot().index() as u32, token.pool().get()));
}

impl<M: Manager> Shared<M> {
    pub(super) fn new(
        manager: M,
        config: Config,
        work: Work<M>,
        board: Option<Board>,
        slots: PoolSlots<Table<PoolSlot>>,
        me: Weak<Shared<M>>,
    ) -> Self {
        let id = slots.id();
        let room = Room::new(&config);
        Self {
            places: Table::new(config.max, || CachePadded::new(Place::empty())),
            inline: Inline::new(&manager, &config),
            manager: Mutex::new(Some(Arc::new(manager))),
            room: RoomReading::new(&room),
            queue: Mutex::new(Queue::new(room)),
            turnstile: Turnstile::default(),
            config,
            id,
            slots,
            demand: Demand::new(),
            moments: CachePadded::new(Moments::new()),
            work,
            principals: Principals::new(id),
            waiters: Waiters::new(),
            stats: Stats::new(),
            board,
            drain: Drain::default(),
            random: Random::new(),
            me,
        }
    }

    /// The moment that was published last.
    #[inline(always)]
    pub(super) fn now_ms(&self) -> u64 {
        self.moments.now_ms()
    }

    /// Asks the clock, and publishes what it says.
    pub(super) fn refresh(&self) -> Duration {
        let now = self.config.clock.now();
        self.moments.publish(now.as_millis() as u64);
        now
    }

    #[inline(always)]
    pub(super) fn place(&self, slot: SlotId) -> &Place<M> {
        self.places.get(slot.index()).expect("a slot has its place")
    }

    /// The manager, until the pool is drained.
    pub(super) fn manager(&self) -> Option<Arc<M>> {
        self.manager.lock().clone()
    }

    /// Nothing lives any more, and nothing will: the manager goes, with all that it has, and then those
    /// are told who wait for that (POOL-16).
    pub(super) fn on_drained(&self) {
        let Some(manager) = self.manager.lock().take() else { return };
        self.work.stop();
        if contain(|| drop(manager)).is_err() {
            self.stats.panics.count();
        }
        self.drain.finish();
    }

    /// A lease of what is idle, if nobody waits for it. Why there is none, a principal is told by
    /// [`objection`](Self::objection).
    #[inline(always)]
    pub(super) fn lease_idle(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        if principal.pool != self.id || !self.demand.look().is_quiet() {
            return None;
        }
        if principal.faults() > 0 && self.refusal(principal).is_some() {
            return None;
        }
        if self.config.cap.is_some_and(|cap| !principal.admit_first(cap)) {
            return None;
        }
        match self.take_idle(principal.tenant) {
            Some(token) => match self.open(token, principal.tenant) {
                None => self.lease_another(principal),
                grant => grant,
            },
            None => self.go_without(principal),
        }
    }

    /// The one that was idle is dead.
    #[cold]
    #[inline(never)]
    fn lease_another(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        while let Some(token) = self.take_idle(principal.tenant) {
            if let Some(grant) = self.open(token, principal.tenant) {
                return Some(grant);
            }
        }
        self.go_without(principal)
    }

    #[cold]
    fn go_without(&self, principal: &PrincipalState) -> Option<Grant<M>> {
        self.let_go(principal);
        None
    }

    /// Why a principal is not even to wait.
    #[cold]
    pub(super) fn objection(&self, principal: &PrincipalState) -> Option<CheckoutError> {
        if principal.pool != self.id {
            return Some(CheckoutError::ForeignPrincipal);
        }
        self.refusal(principal).map(|quota| self.refused(quota))
    }

    #[cold]
    pub(super) fn refused(&self, quota: Quota) -> CheckoutError {
        self.stats.refusals.count();
        CheckoutError::Refused { quota }
    }

    /// Whether the principal has to keep off. Who has to by the published moment is asked by the
    /// clock: nobody publishes while nothing lives.
    #[cold]
    fn refusal(&self, principal: &PrincipalState) -> Option<Quota> {
        principal.refusal(self.now_ms())?;
        principal.refusal(self.refresh().as_millis() as u64)
    }

    /// An idle slot that this tenant may have, the near one first.
    #[inline(always)]
    pub(super) fn take_idle(&self, tenant: Tenant) -> Option<Leased> {
        let (slot, pool) = NEAR.get();
        let (near, owner) = (SlotId::new(slot), self.owner(tenant));
        if pool == self.id.get() {
            if let Some(token) = self.slots.take_at(near, owner) {
                return Some(token);
            }
        }
        let token = self.take_far(tenant, (pool == self.id.get()).then_some(near))?;
        note_near(&token);
        Some(token)
    }

    /// Whose the instances are that a tenant has used.
    #[inline(always)]
    fn owner(&self, tenant: Tenant) -> Tenant {
        match self.config.isolation {
            Isolation::PerPrincipal => tenant,
            _ => Tenant::NONE,
        }
    }

    #[inline(never)]
    fn take_far(&self, tenant: Tenant, near: Option<SlotId>) -> Option<Leased> {
        let owner = self.owner(tenant);
        let own = self.slots.take(owner, None);
        if own.is_some() || owner.is_none() {
            return own;
        }
        let pristine = self.slots.take(Tenant::NONE, near)?;
        Some(self.slots.claim(pristine, tenant).expect("nobody's slot can be claimed"))
    }

    /// Takes a leased slot's object out of its place: the lease begins.
    ///
    /// # Returns
    /// `None` if the object is dead. It is retired (POOL-13).
    #[inline(always)]
    pub(super) fn open(&self, token: Leased, tenant: Tenant) -> Option<Grant<M>> {
        let place = self.place(token.slot());
        let live = place.take().expect("an idle slot has its object in place");
        let answer = ask(|| live.is_alive());
        if answer != Some(true) {
            self.on_dead(token, live, answer.is_none());
            return None;
        }
        place.hands.lend(&token, tenant);
        let is_timed = live.is_timed && live.uses % TIMED_EVERY == 0;
        Some(Grant::new(token, live, is_timed.then(|| self.config.clock.now())))
    }
}

/// What is left when the last handle is gone and nobody works for the pool: of leases that ended
/// after that.
impl<M: Manager> Drop for Shared<M> {
    fn drop(&mut self) {
        while let Some(doomed) = self.work.take_retirement() {
            self.destroy(&doomed.condemned, doomed.live);
        }
    }
}
