//! The pool, and what is known of everybody who has asked it for something.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use super::asker::{Asker, Wait};
use super::gather::Gatherer;
use super::heat::Heat;
use super::held::Held;
use super::inline::Own;
use super::stand::Stand;
use super::turns::Turns;
use super::world::panic_quietly;
use super::{ISOLATIONS, Op};
use crate::Seen;

pub(super) struct Holder<'a> {
    pub(super) who: usize,
    pub(super) lease: Held<'a>,
}

/// How many instances there are to be, by what was said last.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) max: usize,
    pub(super) warm: usize,
    pub(super) min: usize,
    /// So many there may be: the maximum, or as many as there were when it was lowered.
    pub(super) bound: usize,
}

pub(super) struct Pair<'a> {
    pub(super) stand: &'a Stand,
    pub(super) numbers: Numbers,
    /// In the order in which they were first polled, those that were not at the end.
    pub(super) askers: Vec<Asker<'a>>,
    /// In the order in which they were first polled.
    pub(super) gatherers: Vec<Gatherer<'a>>,
    pub(super) holders: Vec<Holder<'a>>,
    /// Objects that must not be seen again.
    pub(super) discarded: BTreeSet<usize>,
    pub(super) turns: Turns,
    pub(super) heat: Heat,
    pub(super) told_failed: usize,
    pub(super) told_timed_out: usize,
    pub(super) is_closed: bool,
    pub(super) seen: Seen,
}

impl<'a> Pair<'a> {
    pub(super) fn new(stand: &'a Stand) -> Pair<'a> {
        let mut seen = Seen::default();
        let setup = &stand.setup;
        seen.note(ISOLATIONS[usize::from(setup.isolation)]);
        let (max, warm, min) = (setup.max, setup.warm, setup.min);
        Pair {
            stand,
            numbers: Numbers { max, warm, min, bound: max },
            askers: Vec::new(),
            gatherers: Vec::new(),
            holders: Vec::new(),
            discarded: BTreeSet::new(),
            turns: Turns::default(),
            heat: Heat::default(),
            told_failed: 0,
            told_timed_out: 0,
            is_closed: false,
            seen,
        }
    }

    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Begin(who, is_lazy) => self.begin(usize::from(who), is_lazy),
            Op::BeginOwned(who) => self.begin_owned(usize::from(who)),
            Op::Gather(who, count) => self.gather(usize::from(who), count),
            Op::CancelGather(place) => self.cancel_gather(usize::from(place)),
            Op::Cancel(place) => self.cancel(place),
            Op::Poll => self.poll(),
            Op::Try(who) => self.attempt(usize::from(who)),
            Op::Complete(place) => self.complete(place),
            Op::Own(place) => self.own(place),
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
                let before = self.by_heat();
                self.stand.step();
                self.assert_kept_ready();
                self.assert_coldest(before);
                self.seen.note_if(self.is_closed && was_building, "late build");
            }
            Op::Pass(ms) => self.stand.clock.advance(Duration::from_millis(u64::from(ms))),
            Op::Close => {
                let waits = self.askers.iter().any(|asker| asker.is_polled);
                self.seen.note_if(self.stand.pool.close() && waits, "closed while queued");
                self.is_closed = true;
            }
            change => self.change(change),
        }
    }

    fn begin(&mut self, who: usize, is_lazy: bool) {
        self.poll();
        let checkout = self.stand.pool.checkout(&self.stand.principals[who]);
        self.askers.push(Asker::new(who, Wait::Borrowed(checkout)));
        if !is_lazy {
            self.poll();
        }
    }

    fn begin_owned(&mut self, who: usize) {
        self.poll();
        let checkout = self.stand.pool.checkout_owned(&self.stand.principals[who]);
        self.askers.push(Asker::new(who, Wait::Owned(Box::pin(checkout))));
        self.poll();
        self.seen.note("owned from the start");
    }

    fn cancel(&mut self, place: u8) {
        if self.askers.is_empty() {
            return;
        }
        let index = usize::from(place) % self.askers.len();
        let asker = self.askers.remove(index);
        let in_use = || self.stand.principals[asker.who].in_use();
        let (held, used) = (self.holders.len(), in_use());
        let leased = self.stand.pool.counts().leased;
        drop(asker.checkout);
        let what = match asker.is_polled {
            false => "never polled",
            true if self.stand.pool.counts().leased < leased && leased > held => {
                "cancelled when granted"
            }
            // It was counted in, though nothing was granted to anybody but room.
            true if leased == held && in_use() < used => "room given up",
            true => "cancelled while queued",
        };
        self.seen.note(what);
        // It may have been granted, so that its principal had its turn among those that are seen by
        // the next poll.
        self.turns.give_up(asker.who);
    }

    /// Polls everybody, first those that are queued already: what they were given was given before
    /// the others came.
    pub(super) fn poll(&mut self) {
        self.poll_gatherers();
        let (old, new) =
            std::mem::take(&mut self.askers).into_iter().partition(|asker| asker.is_polled);
        self.poll_these(old);
        self.poll_these(new);
        self.turns.all_seen();
        self.assert_nothing_missed();
    }

    fn poll_these(&mut self, mut askers: Vec<Asker<'a>>) {
        let (mut waits, mut back, mut grants) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let called = askers.iter_mut().map(Asker::is_called).collect::<Vec<_>>();
        let mut left: VecDeque<_> = askers.into_iter().zip(called).collect();
        while let Some((mut asker, was_called)) = left.pop_front() {
            // What is granted until another is queued again was granted before that.
            for (other, is_called) in &mut left {
                *is_called |= !back.contains(&other.who) && other.is_called();
            }
            let was_queued = asker.is_polled;
            let was_closed = self.is_closed && !was_queued;
            let not_alive = self.stand.world.not_alive();
            let holds_all = self.holds_all(asker.who);
            let (answer, own) = self.ask(was_queued, || asker.poll());
            let was_dead = self.stand.world.not_alive() > not_alive;
            self.seen.note_if(was_queued && was_dead, "dead when granted");
            // It had its turn among those that are seen now, whatever has come of it.
            let has_failed = was_dead || !matches!(own, Own::Untried | Own::Made);
            let was_granted = was_called && answer.is_pending();
            let has_given_up = was_queued && (has_failed || was_granted);
            if has_given_up {
                self.turns.give_up(asker.who);
            }
            match answer {
                Poll::Pending => {
                    assert!(!self.is_closed, "POOL-9: nobody waits for a closed pool");
                    let may_wait = was_queued || self.stand.setup.waits_for_own || !holds_all;
                    assert!(may_wait, "POOL-15: {} waits for itself", asker.who);
                    self.seen.note_if(has_given_up, "queued again");
                    if has_given_up { &mut back } else { &mut waits }.insert(asker.who);
                    self.askers.push(asker);
                }
                Poll::Ready(Ok(lease)) => {
                    assert!(!was_closed, "POOL-9: nobody is served by a closed pool");
                    // A lease that was granted before another of its checkouts gave up its turn is its own.
                    let may_pass = was_called || !back.contains(&asker.who);
                    let is_next = may_pass && !waits.contains(&asker.who);
                    assert!(is_next, "POOL-6: in the order of arrival within a principal");
                    grants.push(asker.who);
                    self.assert_alive(&lease);
                    self.hold(asker.who, lease);
                }
                Poll::Ready(Err(error)) => self.told(asker.who, 1, &error),
            }
        }
        self.count_turns(&grants);
    }

    fn count_turns(&mut self, grants: &[usize]) {
        let who = |asker: &Asker<'_>| asker.who;
        let waits = self.askers.iter().map(who).collect();
        let queued = self.askers.iter().filter(|asker| asker.is_polled).map(who).collect();
        for (who, other, times) in self.turns.count(&waits, &queued, grants) {
            self.seen.note("turns taken");
            // What one cannot have, another may: with tags and caps there is more to say.
            let is_fair = !self.stand.is_simple() || times <= 1;
            assert!(is_fair, "POOL-11: {other} is served twice while {who} waits");
        }
    }

    pub(super) fn hold(&mut self, who: usize, mut lease: Held<'a>) {
        self.seen.note("lease");
        assert!(!self.discarded.contains(&lease.id), "POOL-3: {} was discarded", lease.id);
        let is_held = self.holders.iter().any(|other| other.lease.id == lease.id);
        assert!(!is_held, "POOL-2: {} is lent already", lease.id);
        assert_eq!(
            lease.uses(),
            lease.users.len() + 1,
            "POOL-15: what goes back unused counts not"
        );
        match self.stand.setup.isolation {
            1 => assert!(lease.users.iter().all(|user| *user == who), "POOL-10: {who}"),
            2 => {}
            _ => assert!(lease.users.is_empty(), "POOL-10: it has served {:?}", lease.users),
        }
        self.seen.note_if(!lease.users.is_empty(), "used again");
        lease.users.push(who);
        self.holders.push(Holder { who, lease });
        let held = self.holders.iter().filter(|holder| holder.who == who).count();
        assert!(self.stand.setup.cap.is_none_or(|cap| held <= cap), "POOL-11: {held} held");
    }

    fn attempt(&mut self, who: usize) {
        self.poll();
        let Stand { pool, principals, .. } = self.stand;
        let (before, heat) = (pool.counts(), self.by_heat());
        let attempt = || pool.try_checkout(&principals[who]).map(Held::Borrowed);
        let (answer, own) = self.ask(false, || Poll::Ready(attempt()));
        let Poll::Ready(answer) = answer else { unreachable!("it does not wait") };
        match answer {
            Ok(lease) => {
                let may_have_it = !self.stand.is_simple() || self.is_line_empty();
                assert!(may_have_it, "POOL-6: nobody pushes in");
                self.assert_alive(&lease);
                self.assert_warmest(heat, lease.id);
                self.hold(who, lease);
            }
            Err(error) => {
                self.assert_served(own, &error, before);
                self.told(who, 1, &error);
            }
        }
    }

    fn take(&mut self, place: u8) -> Option<Holder<'a>> {
        let count = self.holders.len();
        (count > 0).then(|| self.holders.swap_remove(usize::from(place) % count))
    }

    pub(super) fn complete(&mut self, place: u8) {
        let Some(Holder { lease, .. }) = self.take(place) else { return };
        self.seen.note_if(self.is_closed, "late return");
        if self.stand.setup.is_fresh() || lease.spoilt & 3 != 0 || self.is_closed {
            self.discarded.insert(lease.id);
        }
        self.heat.on_return(lease.id);
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

    fn own(&mut self, place: u8) {
        let Some(Holder { who, lease }) = self.take(place) else { return };
        self.holders.push(Holder { who, lease: lease.into_owned() });
        self.seen.note("owned");
    }
}
