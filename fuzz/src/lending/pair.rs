//! The pool, and what is known of everybody who has asked it for something.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::pool::{BuildFailure, Checkout, CheckoutError, Lease, Principal, Quota, Stage};

use super::Op;
use super::stand::{BUILD, OFF_MAX, Stand, WAIT};
use super::world::{Maker, panic_quietly, read};
use crate::Seen;

pub(super) struct Asker<'a> {
    who: usize,
    checkout: Checkout<'a, Maker>,
    is_polled: bool,
}

pub(super) struct Holder<'a> {
    who: usize,
    pub(super) lease: Lease<'a, Maker>,
}

pub(super) struct Pair<'a> {
    pub(super) stand: &'a Stand,
    /// In the order in which they were first polled, those that were not at the end.
    pub(super) askers: Vec<Asker<'a>>,
    pub(super) holders: Vec<Holder<'a>>,
    /// Objects that must not be seen again.
    discarded: BTreeSet<usize>,
    /// By who waits and whoever was served meanwhile: how often.
    passed: BTreeMap<(usize, usize), usize>,
    /// Principals who may have had a turn since the last poll, and let it go.
    had_turns: BTreeSet<usize>,
    pub(super) told_failed: usize,
    pub(super) told_timed_out: usize,
    pub(super) is_closed: bool,
    pub(super) seen: Seen,
}

impl<'a> Pair<'a> {
    pub(super) fn new(stand: &'a Stand) -> Pair<'a> {
        let mut seen = Seen::default();
        seen.note(["fresh", "per principal", "shared"][usize::from(stand.setup.isolation)]);
        Pair {
            stand,
            askers: Vec::new(),
            holders: Vec::new(),
            discarded: BTreeSet::new(),
            passed: BTreeMap::new(),
            had_turns: BTreeSet::new(),
            told_failed: 0,
            told_timed_out: 0,
            is_closed: false,
            seen,
        }
    }

    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Begin(who, is_lazy) => self.begin(usize::from(who), is_lazy),
            Op::Cancel(place) => self.cancel(place),
            Op::Poll => self.poll(),
            Op::Try(who) => self.attempt(usize::from(who)),
            Op::Complete(place) => self.complete(place),
            Op::Drop(place, by_panic) => self.drop(place, by_panic),
            Op::Fault(place) => self.fault(place),
            Op::Spoil(place, how) => {
                let count = self.holders.len().max(1);
                if let Some(holder) = self.holders.get_mut(usize::from(place) % count) {
                    holder.lease.spoilt = how;
                }
            }
            Op::Fate(fate) => self.stand.world.fates.lock().expect("no panic").push_back(fate),
            Op::Step => {
                let was_building = self.stand.pool.counts().building > 0;
                self.stand.pool.step();
                self.seen.note_if(self.is_closed && was_building, "late build");
            }
            Op::Pass(ms) => self.stand.clock.advance(Duration::from_millis(u64::from(ms))),
            Op::Close => {
                let waits = self.askers.iter().any(|asker| asker.is_polled);
                self.seen.note_if(self.stand.pool.close() && waits, "closed in line");
                self.is_closed = true;
            }
        }
    }

    fn begin(&mut self, who: usize, is_lazy: bool) {
        self.poll();
        let checkout = self.stand.pool.checkout(&self.stand.principals[who]);
        self.askers.push(Asker { who, checkout, is_polled: false });
        if !is_lazy {
            self.poll();
        }
    }

    fn cancel(&mut self, place: u8) {
        if self.askers.is_empty() {
            return;
        }
        let index = usize::from(place) % self.askers.len();
        let asker = self.askers.remove(index);
        let (leased, held) = (self.stand.pool.counts().leased, self.holders.len());
        drop(asker.checkout);
        let what = match asker.is_polled {
            false => "never polled",
            true if self.stand.pool.counts().leased < leased && leased > held => {
                "cancelled when granted"
            }
            true => "cancelled in line",
        };
        self.seen.note(what);
        // It may have been granted, so that its principal had its turn among those that are seen by
        // the next poll.
        self.passed.retain(|(who, _), _| *who != asker.who);
        self.had_turns.insert(asker.who);
    }

    /// Polls everybody, first those who are in line already: what they were given was given before
    /// the others came.
    pub(super) fn poll(&mut self) {
        let (old, new) =
            std::mem::take(&mut self.askers).into_iter().partition(|asker| asker.is_polled);
        self.poll_these(old);
        self.poll_these(new);
        self.had_turns.clear();
        let counts = self.stand.pool.counts();
        if self.stand.is_simple() && !self.askers.is_empty() {
            assert_eq!(counts.idle, 0, "POOL-6: somebody waits beside what is idle");
            let is_enough = counts.building >= self.askers.len();
            assert!(is_enough || counts.vacant == 0, "POOL-6: nothing is built for who waits");
        }
    }

    fn poll_these(&mut self, askers: Vec<Asker<'a>>) {
        let (mut waits, mut served) = (BTreeSet::new(), BTreeSet::new());
        let mut grants = Vec::new();
        for mut asker in askers {
            let was_closed = self.is_closed && !asker.is_polled;
            asker.is_polled = true;
            let mut context = Context::from_waker(Waker::noop());
            match Pin::new(&mut asker.checkout).poll(&mut context) {
                Poll::Pending => {
                    assert!(!self.is_closed, "POOL-9: nobody waits for a closed pool");
                    waits.insert(asker.who);
                    self.askers.push(asker);
                }
                Poll::Ready(Ok(lease)) => {
                    assert!(!was_closed, "POOL-9: nobody is served by a closed pool");
                    let is_next = !waits.contains(&asker.who);
                    assert!(is_next, "POOL-6: in the order of arrival within a principal");
                    served.insert(asker.who);
                    grants.push(asker.who);
                    self.hold(asker.who, lease);
                }
                Poll::Ready(Err(error)) => self.told(asker.who, &error),
            }
        }
        self.count_turns(&served, &grants);
    }

    /// Who waits, and was not served, counts how often others were.
    fn count_turns(&mut self, served: &BTreeSet<usize>, grants: &[usize]) {
        self.passed.retain(|(waits, _), _| !served.contains(waits));
        self.forget_turns();
        let waits: BTreeSet<_> = self.askers.iter().map(|asker| asker.who).collect();
        for &who in waits.difference(served).filter(|who| !self.had_turns.contains(who)) {
            for &other in grants {
                let passed = self.passed.entry((who, other)).or_default();
                *passed += 1;
                self.seen.note("turns taken");
                // What one can not have, another may: with tags and caps there is more to say.
                let is_fair = !self.stand.is_simple() || *passed <= 1;
                assert!(is_fair, "POOL-11: {other} is served twice while {who} waits");
            }
        }
    }

    /// Who does not stand in line any more comes last again.
    fn forget_turns(&mut self) {
        let in_line = self.askers.iter().filter(|asker| asker.is_polled);
        let waits: BTreeSet<_> = in_line.map(|asker| asker.who).collect();
        self.passed.retain(|(who, _), _| waits.contains(who));
    }

    fn hold(&mut self, who: usize, mut lease: Lease<'a, Maker>) {
        self.seen.note("lease");
        assert!(!self.discarded.contains(&lease.id), "POOL-3: {} was discarded", lease.id);
        let is_held = self.holders.iter().any(|other| other.lease.id == lease.id);
        assert!(!is_held, "POOL-2: {} is lent already", lease.id);
        assert_eq!(lease.uses() as usize, lease.users.len() + 1);
        match self.stand.setup.isolation {
            0 => assert!(lease.users.is_empty(), "POOL-10: it has served {:?}", lease.users),
            1 => assert!(lease.users.iter().all(|user| *user == who), "POOL-10: {who}"),
            _ => {}
        }
        self.seen.note_if(!lease.users.is_empty(), "used again");
        lease.users.push(who);
        self.holders.push(Holder { who, lease });
        let held = self.holders.iter().filter(|holder| holder.who == who).count();
        assert!(self.stand.setup.cap.is_none_or(|cap| held <= cap), "POOL-11: {held} held");
    }

    /// POOL-5: what is told has its cause.
    fn told(&mut self, who: usize, error: &CheckoutError) {
        let Stand { setup, world, principals, .. } = self.stand;
        match error {
            CheckoutError::Closed => {
                assert!(self.is_closed);
                self.seen.note("closed");
            }
            CheckoutError::TimedOut { stage: Stage::Build, after } if *after == BUILD => {
                self.told_failed += 1;
                assert!(setup.is_impatient && read(&world.cancelled) > 0);
                self.seen.note("build cancelled");
            }
            CheckoutError::TimedOut { after, .. } => {
                assert!(setup.times_out && *after == WAIT);
                self.told_timed_out += 1;
                self.seen.note("timed out");
            }
            CheckoutError::BuildFailed { cause: BuildFailure::Manager(_) } => {
                self.told_failed += 1;
                self.seen.note("build failed");
            }
            CheckoutError::BuildFailed { cause: BuildFailure::Panicked(_) } => {
                self.told_failed += 1;
                self.seen.note("build panicked");
            }
            CheckoutError::Refused { quota: Quota::Faults { retry_after, .. } } => {
                assert!(setup.keeps_off && *retry_after <= OFF_MAX);
                self.seen.note("kept off");
            }
            CheckoutError::Refused { quota: Quota::InUse { max } } => {
                assert_eq!((Some(*max), principals[who].in_use()), (setup.cap, *max));
                self.seen.note("at cap");
            }
            CheckoutError::Exhausted { max } => {
                assert_eq!(*max, setup.max);
                self.seen.note("exhausted");
            }
            other => panic!("nothing explains {other}"),
        }
    }

    fn attempt(&mut self, who: usize) {
        self.poll();
        match self.stand.pool.try_checkout(&self.stand.principals[who]) {
            Ok(lease) => {
                let may_have_it = !self.stand.is_simple() || self.askers.is_empty();
                assert!(may_have_it, "POOL-6: nobody pushes in");
                self.hold(who, lease);
            }
            Err(error) => self.told(who, &error),
        }
    }

    fn take(&mut self, place: u8) -> Option<Holder<'a>> {
        let count = self.holders.len();
        (count > 0).then(|| self.holders.swap_remove(usize::from(place) % count))
    }

    fn complete(&mut self, place: u8) {
        let Some(Holder { lease, .. }) = self.take(place) else { return };
        self.seen.note_if(self.is_closed, "late return");
        if self.stand.setup.isolation == 0 || lease.spoilt & 3 != 0 || self.is_closed {
            self.discarded.insert(lease.id);
        }
        lease.complete();
    }

    fn drop(&mut self, place: u8, by_panic: bool) {
        let Some(Holder { lease, .. }) = self.take(place) else { return };
        self.discarded.insert(lease.id);
        if by_panic {
            let panics = catch_unwind(AssertUnwindSafe(move || {
                let _lease = lease;
                panic_quietly();
            }));
            assert!(panics.is_err());
        } else {
            drop(lease);
        }
    }

    fn fault(&mut self, place: u8) {
        let Some(Holder { lease, .. }) = self.take(place) else { return };
        self.discarded.insert(lease.id);
        lease.fault();
    }

    /// What holds after every operation.
    pub(super) fn assert_sound(&mut self) {
        let Stand { setup, pool, world, principals, .. } = self.stand;
        let (counts, stats) = (pool.counts(), pool.stats());
        assert_eq!(counts.capacity(), setup.max, "POOL-1");
        assert!(read(&world.live) <= counts.live(), "POOL-1");
        assert!(counts.leased >= self.holders.len(), "POOL-2");
        let waiting = self.askers.iter().filter(|asker| asker.is_polled).count();
        assert_eq!(stats.waiting as usize, waiting, "POOL-6: who waits");
        let granted = counts.leased - self.holders.len();
        assert!(granted <= waiting, "POOL-6: {granted} are lent to {waiting}");
        assert!(!self.is_closed || counts.idle == 0, "POOL-9: nothing is idle once closed");
        if setup.cap.is_some() {
            let in_use: usize = principals.iter().map(Principal::in_use).sum();
            assert_eq!(in_use, counts.leased, "POOL-11: what is counted is what is lent");
        }
    }
}
