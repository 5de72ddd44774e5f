//! A pool, its objects, and the truth about both.

use std::array::from_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loom::sync::Notify;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use plimsoll_loom::keepalive::Tick;
use plimsoll_loom::pool::{Building, Condemned, Leased, Observed};
use plimsoll_loom::pool::{Demand, PoolId, PoolSlot, PoolSlots, SlotId, Tenant};

pub(super) fn tenant(number: u64) -> Tenant {
    Tenant::new(number).expect("tenants are numbered from 1 on")
}

/// A pool of `N` slots, as an adapter uses it.
pub(super) struct House<const N: usize> {
    pub(super) slots: PoolSlots<[PoolSlot; N]>,
    pub(super) demand: Demand,
    /// The objects. Nothing but the slots orders one holder's use before the next one's: who sees a
    /// value that was overwritten has a lease that was not handed over.
    objects: [AtomicU64; N],
    wake: Notify,
    notes: Mutex<Notes<N>>,
    /// What was revoked, for its late holder.
    revoked: Mutex<Option<Condemned>>,
}

/// What really happened, noted together with the atomic steps.
struct Notes<const N: usize> {
    /// What the last holder left in the object.
    objects: [u64; N],
    places: [Place; N],
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    has_object: bool,
    is_held: bool,
    is_condemned: bool,
    owner: Option<Tenant>,
    idle_since: u64,
}

impl<const N: usize> House<N> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(House {
            slots: PoolSlots::new(PoolId::new(1)),
            demand: Demand::new(),
            objects: from_fn(|_| AtomicU64::new(0)),
            wake: Notify::new(),
            notes: Mutex::new(Notes { objects: [0; N], places: [Place::default(); N] }),
            revoked: Mutex::new(None),
        })
    }

    /// A pool with these idle objects: whose, and since when.
    pub(super) fn with(idle: &[(Tenant, u64)]) -> Arc<Self> {
        let house = Self::new();
        for (owner, now) in idle {
            let built = house.reserve(*owner).expect("there is room");
            house.finish(built, *now);
        }
        house
    }

    fn notes(&self) -> MutexGuard<'_, Notes<N>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, slot: SlotId, note: impl FnOnce(&mut Place)) {
        note(&mut self.notes().places[slot.index()]);
    }

    /// The holder uses the object.
    fn touch(&self, slot: SlotId) {
        let object = &self.objects[slot.index()];
        let seen = object.load(Relaxed);
        assert_eq!(seen, self.notes().objects[slot.index()], "POOL-2: what the last holder left");
        object.store(seen + 1, Relaxed);
        self.notes().objects[slot.index()] = seen + 1;
    }

    pub(super) fn reserve(&self, owner: Tenant) -> Option<Building> {
        let built = self.slots.reserve(owner)?;
        self.place(built.slot(), |place| {
            assert!(!place.has_object && !place.is_held, "POOL-1: two objects in a place");
            *place = Place { has_object: true, is_held: true, ..Place::default() };
            place.owner = Some(owner);
        });
        self.touch(built.slot());
        Some(built)
    }

    pub(super) fn finish(&self, built: Building, now: u64) {
        let slot = built.slot();
        self.slots.finish(built, Tick::new(now)).expect("ours");
        self.place(slot, |place| (place.is_held, place.idle_since) = (false, now));
    }

    pub(super) fn finish_leased(&self, built: Building) -> Leased {
        self.slots.finish_leased(built).expect("ours")
    }

    pub(super) fn fail(&self, built: Building) {
        let slot = built.slot();
        self.slots.fail(built).expect("ours");
        self.place(slot, |place| *place = Place::default());
    }

    pub(super) fn take(&self, owner: Tenant, near: Option<SlotId>) -> Option<Leased> {
        let lease = self.slots.take(owner, near)?;
        self.place(lease.slot(), |place| {
            assert!(place.has_object && !place.is_held, "POOL-2: lent twice");
            assert!(!place.is_condemned, "POOL-3: condemned");
            assert_eq!(place.owner, Some(owner), "POOL-10");
            place.is_held = true;
        });
        self.touch(lease.slot());
        Some(lease)
    }

    pub(super) fn claim(&self, lease: Leased, owner: Tenant) -> Leased {
        let lease = self.slots.claim(lease, owner).expect("nobody's");
        self.place(lease.slot(), |place| place.owner = Some(owner));
        lease
    }

    pub(super) fn give_back(&self, lease: Leased, now: u64) {
        let slot = lease.slot();
        self.slots.give_back(lease, Tick::new(now)).expect("ours");
        self.place(slot, |place| (place.is_held, place.idle_since) = (false, now));
    }

    pub(super) fn condemn(&self, lease: Leased) -> Condemned {
        let gone = self.slots.condemn(lease).expect("ours");
        self.place(gone.slot(), |place| place.is_condemned = true);
        gone
    }

    /// A lease that a patient thread may take away ends: it comes back, unless it was revoked.
    ///
    /// # Returns
    /// Whether it has come back.
    pub(super) fn give_back_late(&self, lease: Leased, now: u64) -> bool {
        let slot = lease.slot();
        let is_back = self.slots.give_back(lease, Tick::new(now)).is_ok();
        if is_back {
            self.place(slot, |place| (place.is_held, place.idle_since) = (false, now));
        }
        is_back
    }

    /// Takes what was observed away from its holder, which still has the object.
    pub(super) fn revoke(&self, observed: Observed) -> Option<Condemned> {
        let gone = self.slots.revoke(observed)?;
        self.place(gone.slot(), |place| {
            assert!(place.is_held, "POOL-12: revoked from nobody");
            place.is_condemned = true;
        });
        Some(gone)
    }

    pub(super) fn revoked(&self, gone: Condemned) {
        *self.revoked.lock().unwrap_or_else(PoisonError::into_inner) = Some(gone);
    }

    pub(super) fn take_revoked(&self) -> Option<Condemned> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn evict(&self, before: u64) -> Option<Condemned> {
        let gone = self.slots.evict(Tick::new(before))?;
        self.place(gone.slot(), |place| {
            assert!(place.has_object && !place.is_held, "POOL-8: evicted from under a lease");
            assert!(place.idle_since <= before, "POOL-8: idle since {}", place.idle_since);
            (place.is_held, place.is_condemned) = (true, true);
        });
        Some(gone)
    }

    /// Drops the object of a condemned slot.
    pub(super) fn vacate(&self, gone: Condemned) {
        let slot = gone.slot();
        self.touch(slot);
        self.slots.vacate(gone).expect("ours");
        self.place(slot, |place| *place = Place::default());
    }

    /// Drops the object of a condemned slot, to make another.
    pub(super) fn rebuild(&self, gone: Condemned, owner: Tenant) -> Building {
        let slot = gone.slot();
        self.touch(slot);
        let built = self.slots.rebuild(gone, owner).expect("ours");
        self.place(slot, |place| {
            *place = Place { has_object: true, is_held: true, ..Place::default() };
            place.owner = Some(owner);
        });
        built
    }

    /// Evicts and drops whatever is idle.
    pub(super) fn clear(&self) {
        while let Some(gone) = self.evict(u64::MAX) {
            self.vacate(gone);
        }
    }

    /// What a thread that has released a slot owes to the others.
    pub(super) fn after_release(&self) {
        let demand = self.demand.look_after_release();
        if demand.is_closed() {
            self.clear();
        } else if demand.waiting() > 0 {
            self.wake.notify();
        }
    }

    /// Sleeps until `attempt` has brought something. One thread of a model may.
    pub(super) fn wait_for<T>(&self, attempt: impl Fn() -> Option<T>) -> T {
        if let Some(found) = attempt() {
            return found;
        }
        self.demand.arrive().expect("open");
        loop {
            if let Some(found) = attempt() {
                self.demand.leave();
                return found;
            }
            self.wake.wait();
        }
    }

    /// With all threads done: the slots tell the truth, and every one can be had.
    pub(super) fn assert_at_rest(&self) {
        for ((slot, view), place) in self.slots.views().zip(self.notes().places) {
            let is_idle = place.has_object && !place.is_held;
            assert_eq!(view.idle_since.is_some(), is_idle, "{slot:?} {view:?} {place:?}");
            if is_idle {
                assert_eq!(Some(view.tenant), place.owner, "POOL-10");
                assert_eq!(view.idle_since.map(Tick::get), Some(place.idle_since), "POOL-8");
            }
        }
        self.clear();
        let counts = self.slots.counts();
        assert_eq!((counts.vacant, counts.live()), (N, 0), "POOL-4: every slot is restored");
    }
}

/// Starts a thread of the model.
pub(super) fn spawn<const N: usize>(
    house: &Arc<House<N>>,
    work: impl FnOnce(&House<N>) + 'static,
) -> thread::JoinHandle<()> {
    let house = house.clone();
    thread::spawn(move || work(&house))
}

pub(super) fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}
