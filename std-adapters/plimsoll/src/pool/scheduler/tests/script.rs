//! Inputs in words, one after the other, and the actions that the scheduler answers with.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::{Building, Condemned, Leased, PoolId, PoolSlots, SlotId, Tenant};

use super::super::{Action, Actions, Decision, Queued, Room, Rules, Scheduler, Stock, Ticket};
use crate::pool::config::Isolation;
use crate::pool::error::{BuildFailure, CheckoutError, Quota};
use crate::pool::principal::{Load, PrincipalState};
use crate::pool::stats::Stats;
use crate::pool::store::{Hands, Holding, Table, Words};
use crate::pool::waiter::{Outcome, Waiter};

/// Instances without objects.
struct Shelf {
    words: Words,
    hands: Vec<Hands>,
    is_tagged: bool,
    /// Instances that are over, whose slots are room for waiters.
    rooms: RefCell<Vec<Condemned>>,
}

impl Stock for Shelf {
    fn words(&self) -> &Words {
        &self.words
    }

    fn hands(&self, slot: usize) -> Option<&Hands> {
        self.hands.get(slot)
    }

    fn grow(&self) {
        self.words.slots.table().grow(Default::default);
    }

    fn take_idle(&self, tenant: Tenant) -> Option<Leased> {
        let slots = &self.words.slots;
        if !self.is_tagged {
            return slots.take(Tenant::NONE, None);
        }
        let pristine = || Some(slots.claim(slots.take(Tenant::NONE, None)?, tenant).unwrap());
        slots.take(tenant, None).or_else(pristine)
    }

    fn take_room(&self) -> Option<Condemned> {
        self.rooms.borrow_mut().pop()
    }
}

/// A principal's name is the first letter of those of its waiters.
pub(super) struct Script {
    pub(super) scheduler: Scheduler,
    shelf: Shelf,
    stats: Stats,
    now_ms: u64,
    principals: BTreeMap<char, Arc<PrincipalState>>,
    waiters: HashMap<String, (Arc<Waiter>, Option<Ticket>)>,
    leases: HashMap<String, Leased>,
    builds: HashMap<usize, Building>,
    retired: HashMap<usize, Condemned>,
}

pub(super) fn rules() -> Rules {
    Rules {
        isolation: Isolation::Shared,
        cap: None,
        waiting_max: None,
        line_max: None,
        waits_for_own: true,
        wait_timeout: Some(Duration::from_millis(100)),
        build_timeout: Some(Duration::from_millis(160)),
        cleanup_timeout: None,
        max_abandoned: None,
        tick: Duration::from_millis(10),
    }
}

impl Script {
    pub(super) fn new(rules: Rules, max: usize) -> Self {
        let slots = PoolSlots::with_table(Table::new(max, Default::default), PoolId::new(1));
        let words = Words::new(slots.unwrap());
        let (isolation, hands) = (rules.isolation, (0..64).map(|_| Hands::new()).collect());
        let room = Room::of(max, isolation);
        room.publish(&words);
        let is_tagged = isolation == Isolation::PerPrincipal;
        Self {
            scheduler: Scheduler::new(rules, room),
            shelf: Shelf { words, hands, is_tagged, rooms: RefCell::default() },
            stats: Stats::new(),
            now_ms: 0,
            principals: BTreeMap::new(),
            waiters: HashMap::new(),
            leases: HashMap::new(),
            builds: HashMap::new(),
            retired: HashMap::new(),
        }
    }

    /// Plays inputs, each of which is to be answered by those actions.
    pub(super) fn play(&mut self, rows: &[(&str, &str)]) {
        let mut faults = String::new();
        for (input, expected) in rows {
            let actions = self.input(input);
            if actions != *expected {
                writeln!(faults, "{input:?}\n  expected {expected:?}\n  answered {actions:?}")
                    .unwrap();
            }
            self.check();
        }
        assert!(faults.is_empty(), "{faults}");
    }

    fn principal(&mut self, name: &str) -> Arc<PrincipalState> {
        let number = self.principals.len() as u64 + 1;
        let letter = name.chars().next().unwrap();
        let new = || {
            let tenant = Tenant::new(number).unwrap();
            Arc::new(PrincipalState::new(&name[..1], PoolId::new(1), tenant, tenant))
        };
        self.principals.entry(letter).or_insert_with(new).clone()
    }

    fn input(&mut self, input: &str) -> String {
        let words: Vec<_> = input.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        match words[0] {
            "arrive" => {
                let deadline_ms = words.get(3).map(|_| number(3) as u64);
                self.arrive(words[1], deadline_ms, None)
            }
            "gather" => self.arrive(words[1], None, Some(number(3))),
            "leave" => {
                let ticket = self.waiters[words[1]].1.unwrap();
                let waited = Duration::from_millis(number(3) as u64);
                self.decide(|scheduler, decision| {
                    let left = scheduler.on_leave(ticket, waited, decision);
                    left.map_or("served".to_owned(), |(stage, _)| format!("{stage:?}"))
                })
            }
            "try" => {
                let principal = self.principal(words[1]);
                self.decide(|scheduler, decision| name_of(&scheduler.on_try(&principal, decision)))
            }
            "returns" => {
                let (lease, has_room) = self.end_lease(words[1]);
                self.shelf.words.slots.give_back(lease, Tick::new(self.now_ms)).unwrap();
                self.decide_only(|scheduler, decision| scheduler.on_release(has_room, decision))
            }
            "ends" => {
                let (lease, has_room) = self.end_lease(words[1]);
                let condemned = self.shelf.words.slots.condemn(lease).unwrap();
                self.shelf.rooms.get_mut().push(condemned);
                self.decide_only(|scheduler, decision| scheduler.on_release(has_room, decision))
            }
            "calls" => {
                let holding = Holding::from(&self.builds[&number(1)]);
                self.shelf.hands[number(1)].call(holding);
                String::new()
            }
            "built" => {
                let building = self.builds.remove(&number(1)).unwrap();
                let since = Tick::new(self.now_ms).into();
                self.decide(|scheduler, decision| {
                    match scheduler.on_built(building, since, decision) {
                        true => String::new(),
                        false => "too late".to_owned(),
                    }
                })
            }
            "fails" => {
                let building = self.builds.remove(&number(1)).unwrap();
                let cause = BuildFailure::Panicked("broken".into());
                let error = CheckoutError::BuildFailed { cause };
                self.decide_only(|scheduler, decision| {
                    scheduler.on_build_failed(building, error, decision);
                })
            }
            "cancelled" => {
                let building = self.builds.remove(&number(1)).unwrap();
                self.decide_only(|scheduler, decision| scheduler.on_no_build(building, decision))
            }
            "retired" => {
                let condemned = self.retired.remove(&number(1)).unwrap();
                self.decide_only(|scheduler, decision| scheduler.on_retired(condemned, decision))
            }
            "late" => {
                let slot = SlotId::new(number(1) as u32);
                let mut lost = None;
                let text = self.decide_only(|scheduler, decision| {
                    lost = scheduler.on_late_return(slot, decision);
                });
                if let Some(condemned) = lost {
                    self.retired.insert(number(1), condemned);
                }
                text
            }
            "tick" => {
                self.now_ms = number(1) as u64;
                self.decide(|scheduler, decision| match scheduler.on_tick(decision) {
                    Some(next) => format!("again in {next:?}"),
                    None => "sleep".to_owned(),
                })
            }
            "close" => self.decide(|scheduler, decision| match scheduler.on_close(decision) {
                true => String::new(),
                false => "it was".to_owned(),
            }),
            "resize" => {
                self.decide_only(|scheduler, decision| scheduler.on_resize(number(1), decision))
            }
            "warm" => self.decide(|scheduler, decision| {
                let set = scheduler.on_set_warm(number(1), decision);
                set.map_or_else(|_| "too many".to_owned(), |()| String::new())
            }),
            "shrink" => {
                let warm = words[1].parse().ok();
                self.decide_only(|scheduler, decision| scheduler.on_shrink(warm, decision))
            }
            "min" => self.decide(|scheduler, decision| {
                let set = scheduler.on_set_min(number(1), decision);
                set.map_or_else(|_| "too many".to_owned(), |()| String::new())
            }),
            other => panic!("no input: {other}"),
        }
    }

    fn arrive(&mut self, name: &str, deadline_ms: Option<u64>, gathered: Option<usize>) -> String {
        let waiter = Arc::new(Waiter::new(Waker::noop().clone()));
        let principal = self.principal(name);
        let queued = Queued { waiter: waiter.clone(), principal, deadline_ms, gathered };
        self.waiters.insert(name.to_owned(), (waiter, None));
        let mut ticket = None;
        let text =
            self.decide(|scheduler, decision| match scheduler.on_arrival(queued, decision) {
                Ok(new) => {
                    ticket = Some(new);
                    String::new()
                }
                Err(error) => name_of(&error),
            });
        self.waiters.get_mut(name).unwrap().1 = ticket;
        text
    }

    /// # Returns
    /// The lease, and whose waiters may have been at the cap.
    fn end_lease(&mut self, name: &str) -> (Leased, Option<Tenant>) {
        let lease = self.leases.remove(name).unwrap();
        let principal = self.principal(name);
        let has_room = self.scheduler.rules.cap.is_some() && principal.release();
        (lease, has_room.then_some(principal.tenant))
    }

    fn decide_only(&mut self, input: impl FnOnce(&mut Scheduler, &mut Decision<'_>)) -> String {
        self.decide(|scheduler, decision| {
            input(scheduler, decision);
            String::new()
        })
    }

    /// # Returns
    /// The answer, if there is one, then the actions.
    fn decide(
        &mut self,
        input: impl FnOnce(&mut Scheduler, &mut Decision<'_>) -> String,
    ) -> String {
        let mut actions = Actions::new();
        let (stock, stats, now_ms) = (&self.shelf, &self.stats, self.now_ms);
        let mut decision = Decision { stock, stats, now_ms, actions: &mut actions };
        let mut text = input(&mut self.scheduler, &mut decision);
        for action in actions {
            if !text.is_empty() {
                text.push_str(", ");
            }
            write!(text, "{}", self.note(action)).unwrap();
        }
        text
    }

    /// An action in words. What it hands over is kept.
    fn note(&mut self, action: Action) -> String {
        match action {
            Action::Settle(queued, outcome) => {
                let is_it = |(_, (waiter, _)): &(&String, &(Arc<Waiter>, _))| {
                    Arc::ptr_eq(waiter, &queued.waiter)
                };
                let name = self.waiters.iter().find(is_it).unwrap().0.clone();
                match outcome {
                    Outcome::Granted(lease) => {
                        let slot = lease.slot().index();
                        self.shelf.hands[slot].lend(&lease, queued.principal.tenant);
                        self.leases.insert(name.clone(), lease);
                        format!("{name} gets {slot}")
                    }
                    Outcome::Room(condemned) => {
                        let slot = condemned.slot().index();
                        self.retired.insert(slot, condemned);
                        format!("{name} gets the room of {slot}")
                    }
                    Outcome::Refused(error) => format!("{name} is refused: {}", name_of(&error)),
                }
            }
            Action::Wake(..) => panic!("the executor's"),
            Action::Build(building) => {
                let slot = building.slot().index();
                self.builds.insert(slot, building);
                format!("build {slot}")
            }
            Action::Retire(condemned, reason) => {
                let slot = condemned.slot().index();
                self.retired.insert(slot, condemned);
                format!("retire {slot}: {reason}")
            }
            Action::GiveUp { slot, or_oldest } => {
                let job = slot.map_or("no job".to_owned(), |slot| format!("the job of {slot}"));
                format!("give up {job}{}", if or_oldest { " or the oldest" } else { "" })
            }
            Action::Forget(error) => format!("forget: {}", name_of(&error)),
            Action::Hurry => "hurry".to_owned(),
            Action::Nudge => "nudge".to_owned(),
            Action::Warm(warm) => format!("{warm} warm"),
            Action::Drained => "drained".to_owned(),
        }
    }

    /// What holds after every decision.
    fn check(&self) {
        let words = &self.shelf.words;
        let (room, fair) = (&self.scheduler.room, &self.scheduler.fair);
        let over = usize::from(room.is_over());
        assert_eq!(words.demand.look().waiting() as usize, fair.in_ring() + over);
        let live = words.slots.counts().live();
        assert_eq!(room.held + room.abandoned.len(), live, "each slot is held or abandoned");
        let waiting = |principal: &Arc<PrincipalState>| Load::of(principal).waiting as usize;
        assert_eq!(self.principals.values().map(waiting).sum::<usize>(), fair.len());
        let queued = self.scheduler.deadlines();
        assert!(queued <= fair.len(), "{queued} deadlines of {} waiters", fair.len());
    }

    /// How many leases are counted against the cap of a principal.
    pub(super) fn in_use(&self, letter: char) -> u64 {
        Load::of(&self.principals[&letter]).in_use
    }

    pub(super) fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(super) fn principal_of(&mut self, name: &str) -> Arc<PrincipalState> {
        self.principal(name)
    }
}

/// An error in a word or two, whatever its message is.
fn name_of(error: &CheckoutError) -> String {
    match error {
        CheckoutError::Closed => "closed".to_owned(),
        CheckoutError::TimedOut { stage, after } => format!("{stage:?} for {after:?}"),
        CheckoutError::BuildFailed { .. } => "build failed".to_owned(),
        CheckoutError::Refused { quota: Quota::InUse { max } } => format!("{max} in use"),
        CheckoutError::Refused { quota: Quota::Waiting { max } } => format!("{max} waiting"),
        CheckoutError::Refused { quota: Quota::Faults { .. } } => "faults".to_owned(),
        CheckoutError::LineFull { waiting, .. } => format!("{waiting} in all"),
        CheckoutError::TooMany { asked, max } => format!("{asked} of {max}"),
        CheckoutError::WaitsForItself { held, .. } => format!("has {held} itself"),
        CheckoutError::Exhausted { .. } => "exhausted".to_owned(),
        other => panic!("not the scheduler's: {other}"),
    }
}
