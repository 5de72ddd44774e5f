//! The pool and its oracle, side by side.

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::Moment;
use plimsoll_core::pool::{Building, ClaimError, Condemned, Leased};
use plimsoll_core::pool::{Demand, PoolId, PoolSlot, PoolSlots, SlotId, SlotState, Tenant};

use super::Op;
use super::places::{Heat, Places};
use crate::Seen;

/// The pool and what it should be.
pub(super) struct Pair {
    slots: PoolSlots<Box<[PoolSlot]>>,
    /// Another pool, whose slots are in use in all ways.
    other: PoolSlots<[PoolSlot; 3]>,
    demand: Demand,
    building: Vec<Building>,
    leased: Vec<Leased>,
    condemned: Vec<Condemned>,
    places: Places,
    now: u64,
    waiting: u64,
    is_closed: bool,
    pub(super) seen: Seen,
}

fn tenant(number: u8) -> Tenant {
    Tenant::new(u64::from(number % 4)).unwrap_or(Tenant::NONE)
}

/// The token at this place of those held, counted round.
fn pick<T>(tokens: &mut Vec<T>, place: u8) -> Option<T> {
    let place = usize::from(place).checked_rem(tokens.len())?;
    Some(tokens.swap_remove(place))
}

impl Pair {
    pub(super) fn new(slots: PoolSlots<Box<[PoolSlot]>>, seen: Seen) -> Self {
        let other = PoolSlots::new(PoolId::new(2));
        let (_building, leased) = (other.reserve(Tenant::NONE), other.reserve(Tenant::NONE));
        let _leased = other.finish_leased(leased.expect("two of three"));
        let places = Places::vacant(slots.capacity());
        Pair {
            slots,
            other,
            demand: Demand::new(),
            building: Vec::new(),
            leased: Vec::new(),
            condemned: Vec::new(),
            places,
            now: 0,
            waiting: 0,
            is_closed: false,
            seen,
        }
    }

    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Reserve(owner) => self.reserve(tenant(owner)),
            Op::Finish(token) => self.finish(token),
            Op::FinishLeased(token) => self.finish_leased(token),
            Op::Fail(token) => self.fail(token),
            Op::Take(owner, near) => self.take(tenant(owner), near.map(usize::from)),
            Op::Claim(token, owner) => self.claim(token, tenant(owner)),
            Op::GiveBack(token) => self.give_back(token),
            Op::Condemn(token) => self.condemn(token),
            Op::Evict(age) => self.evict((self.now / 4).saturating_sub(age.into())),
            Op::EvictOther(owner) => self.evict_other(tenant(owner)),
            Op::EvictAt(place) => self.evict_at(place.into()),
            Op::Vacate(token) => self.vacate(token),
            Op::Rebuild(token, owner) => self.rebuild(token, tenant(owner)),
            Op::Misplace => self.misplace(),
            Op::Advance(ticks) => self.now += u64::from(ticks),
            Op::Arrive => self.arrive(),
            Op::Leave => self.leave(),
            Op::Close => {
                assert_eq!(self.demand.close(), !self.is_closed, "POOL-9");
                self.is_closed = true;
            }
        }
    }

    /// Time is counted in fourths of a tick.
    fn now(&self) -> Moment {
        let mut now = Moment::from(Tick::new(self.now / 4));
        for _ in 0..self.now % 4 {
            now = now.next().expect("there are more than four");
        }
        now
    }

    fn on(&mut self, slot: SlotId, from: SlotState, to: SlotState) {
        self.places.change(slot, from, to, self.now);
    }

    fn reserve(&mut self, owner: Tenant) {
        let vacant = self.places.first_vacant();
        let built = self.slots.reserve(owner);
        assert_eq!(built.as_ref().map(|built| built.slot().index()), vacant, "POOL-1");
        self.seen.note_if(vacant.is_none(), "full");
        if let Some(built) = built {
            assert_eq!(built.tenant(), owner, "POOL-10");
            self.on(built.slot(), SlotState::Vacant, SlotState::Building);
            self.places.0[built.slot().index()].owner = owner;
            self.building.push(built);
        }
    }

    fn finish(&mut self, token: u8) {
        if let Some(built) = pick(&mut self.building, token) {
            self.on(built.slot(), SlotState::Building, SlotState::Idle);
            self.slots.finish(built, self.now()).expect("its own");
        }
    }

    fn finish_leased(&mut self, token: u8) {
        if let Some(built) = pick(&mut self.building, token) {
            self.on(built.slot(), SlotState::Building, SlotState::Leased);
            self.leased.push(self.slots.finish_leased(built).expect("its own"));
        }
    }

    fn fail(&mut self, token: u8) {
        if let Some(built) = pick(&mut self.building, token) {
            self.on(built.slot(), SlotState::Building, SlotState::Vacant);
            self.slots.fail(built).expect("its own");
        }
    }

    fn take(&mut self, owner: Tenant, near: Option<usize>) {
        let idle = self.places.idle(|place| place.owner == owner);
        let near = near.map(|near| near % (self.places.0.len() + 1));
        let is_near = idle.iter().any(|(_, at)| Some(at.0) == near);
        let hottest = idle.iter().max().map(|(_, at)| at.0);
        let expected = if is_near { near } else { hottest };
        let near = near.map(|near| SlotId::new(near as u32));
        let lease = self.slots.take(owner, near);
        assert_eq!(lease.as_ref().map(|lease| lease.slot().index()), expected, "POOL-10");
        self.seen.note_if(is_near && expected != hottest, "near");
        let others = self.places.idle(|place| place.owner != owner);
        self.seen.note_if(expected.is_none() && !others.is_empty(), "another's only");
        if let Some(lease) = lease {
            assert_eq!(lease.tenant(), owner, "POOL-10");
            let since = self.places.0[lease.slot().index()].since;
            let ties = idle.iter().filter(|(other, _)| *other == since).count();
            self.seen.note_if(!is_near && idle.len() > ties, "hottest of several");
            self.seen.note_if(!is_near && ties > 1, "as hot as another");
            self.on(lease.slot(), SlotState::Idle, SlotState::Leased);
            self.leased.push(lease);
        }
    }

    fn claim(&mut self, token: u8, owner: Tenant) {
        let Some(lease) = pick(&mut self.leased, token) else { return };
        let place = &mut self.places.0[lease.slot().index()];
        let before = place.owner;
        let may = before == owner || before.is_none();
        let lease = match self.slots.claim(lease, owner) {
            Ok(lease) => {
                assert!(may && lease.tenant() == owner, "POOL-10");
                place.owner = owner;
                self.seen.note(if before == owner { "claim without effect" } else { "claimed" });
                lease
            }
            Err(refused) => {
                assert!(!may && matches!(refused, ClaimError::Claimed { .. }), "{refused}");
                self.seen.note("claim refused");
                refused.into_lease()
            }
        };
        self.leased.push(lease);
    }

    fn give_back(&mut self, token: u8) {
        if let Some(lease) = pick(&mut self.leased, token) {
            self.on(lease.slot(), SlotState::Leased, SlotState::Idle);
            self.slots.give_back(lease, self.now()).expect("its own");
        }
    }

    fn condemn(&mut self, token: u8) {
        if let Some(lease) = pick(&mut self.leased, token) {
            self.on(lease.slot(), SlotState::Leased, SlotState::Condemned);
            self.condemned.push(self.slots.condemn(lease).expect("its own"));
        }
    }

    fn evict(&mut self, before: u64) {
        let (all, idle) =
            (self.places.idle(|_| true), self.places.idle(|place| place.since / 4 <= before));
        self.seen.note_if(all.len() > idle.len(), "too young to go");
        let gone = self.slots.evict(Tick::new(before));
        self.on_evicted(gone, &idle);
    }

    fn evict_other(&mut self, owner: Tenant) {
        let idle = self.places.idle(|place| place.owner != owner && !place.owner.is_none());
        let gone = self.slots.evict_other(owner);
        self.seen.note_if(gone.is_some(), "evicted for another");
        self.on_evicted(gone, &idle);
    }

    /// The coldest of these has to be gone.
    fn on_evicted(&mut self, gone: Option<Condemned>, idle: &[Heat]) {
        let coldest = idle.iter().min();
        let expected = coldest.map(|(_, at)| at.0);
        assert_eq!(gone.as_ref().map(|gone| gone.slot().index()), expected, "POOL-8");
        if let (Some(gone), Some((since, _))) = (gone, coldest) {
            let ties = idle.iter().filter(|(other, _)| other == since).count();
            self.seen.note_if(idle.len() > ties, "coldest of several");
            self.seen.note_if(ties > 1, "as cold as another");
            self.on(gone.slot(), SlotState::Idle, SlotState::Condemned);
            self.condemned.push(gone);
        }
    }

    fn evict_at(&mut self, place: usize) {
        let place = place % (self.places.0.len() + 1);
        let is_idle = self.places.is_idle(place);
        let gone = self.slots.evict_at(SlotId::new(place as u32));
        assert_eq!(gone.is_some(), is_idle, "POOL-8");
        if let Some(gone) = gone {
            self.seen.note("evicted by place");
            self.on(gone.slot(), SlotState::Idle, SlotState::Condemned);
            self.condemned.push(gone);
        }
    }

    fn vacate(&mut self, token: u8) {
        if let Some(gone) = pick(&mut self.condemned, token) {
            self.on(gone.slot(), SlotState::Condemned, SlotState::Vacant);
            self.slots.vacate(gone).expect("its own");
        }
    }

    fn rebuild(&mut self, token: u8, owner: Tenant) {
        if let Some(gone) = pick(&mut self.condemned, token) {
            self.seen.note("rebuilt");
            self.on(gone.slot(), SlotState::Condemned, SlotState::Building);
            let built = self.slots.rebuild(gone, owner).expect("its own");
            assert_eq!(built.tenant(), owner, "POOL-10");
            self.places.0[built.slot().index()].owner = owner;
            self.building.push(built);
        }
    }

    /// Another pool takes no token, hands each back as it was, and is not changed.
    fn misplace(&mut self) {
        let (before, now) = (self.other.counts(), self.now());
        let other = &self.other;
        let building = self.building.drain(..).map(|built| {
            let built = other.finish(built, now).expect_err("foreign").token;
            let built = other.fail(built).expect_err("foreign").token;
            other.finish_leased(built).expect_err("foreign").token
        });
        self.building = building.collect();
        let leased = self.leased.drain(..).map(|lease| {
            let owner = lease.tenant();
            let lease = other.give_back(lease, now).expect_err("foreign").token;
            let lease = other.claim(lease, owner).expect_err("foreign").into_lease();
            other.condemn(lease).expect_err("foreign").token
        });
        self.leased = leased.collect();
        let gone = self.condemned.drain(..).map(|gone| {
            let gone = other.vacate(gone).expect_err("foreign").token;
            other.rebuild(gone, Tenant::NONE).expect_err("foreign").token
        });
        self.condemned = gone.collect();
        assert_eq!(other.counts(), before, "POOL-2");
        let tokens = self.building.len() + self.leased.len() + self.condemned.len();
        self.seen.note_if(tokens > 0, "misplaced");
    }

    fn arrive(&mut self) {
        assert_eq!(self.demand.arrive().is_err(), self.is_closed, "POOL-9");
        self.waiting += u64::from(!self.is_closed);
        self.seen.note_if(self.is_closed, "arrival after close");
    }

    fn leave(&mut self) {
        if self.waiting > 0 {
            self.demand.leave();
            self.waiting -= 1;
        }
    }

    pub(super) fn assert_same(&self) {
        for ((slot, view), place) in self.slots.views().zip(&self.places.0) {
            assert_eq!((view.state, view.tenant), (place.state, place.owner), "{slot:?}");
            let since = (place.state == SlotState::Idle).then_some(Tick::new(place.since / 4));
            assert_eq!(view.idle_since, since, "POOL-8: {slot:?}");
        }
        assert_eq!(self.slots.counts(), self.places.counts(), "POOL-1");
        let demand = self.demand.look_after_release();
        assert_eq!(
            (demand.waiting(), demand.is_closed()),
            (self.waiting, self.is_closed),
            "POOL-9"
        );
    }

    /// POOL-4: whatever has happened, every slot comes back.
    pub(super) fn restore(&mut self) {
        let live = self.slots.counts().live();
        while !self.building.is_empty() {
            self.fail(0);
        }
        while !self.leased.is_empty() {
            self.condemn(0);
        }
        while self.slots.counts().idle > 0 {
            self.evict(u64::MAX);
        }
        while !self.condemned.is_empty() {
            self.vacate(0);
        }
        self.assert_same();
        assert_eq!(self.slots.counts().vacant, self.slots.capacity(), "POOL-4");
        self.seen.note_if(live > 0, "restored");
    }
}
