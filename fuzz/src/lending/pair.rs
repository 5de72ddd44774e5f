//! The pool, and what is known of everybody who has asked it for something.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use plimsoll::pool::{Lease, Principal};

use super::asker::Asker;
use super::inline::Own;
use super::stand::Stand;
use super::turns::Turns;
use super::world::{Maker, panic_quietly, read};
use super::{ISOLATIONS, Op};
use crate::Seen;

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
    turns: Turns,
    pub(super) told_failed: usize,
    pub(super) told_timed_out: usize,
    pub(super) is_closed: bool,
    pub(super) seen: Seen,
}

impl<'a> Pair<'a> {
    pub(super) fn new(stand: &'a Stand) -> Pair<'a> {
        let mut seen = Seen::default();
        seen.note(ISOLATIONS[usize::from(stand.setup.isolation)]);
        Pair {
            stand,
            askers: Vec::new(),
            holders: Vec::new(),
            discarded: BTreeSet::new(),
            turns: Turns::default(),
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
                self.stand.step();
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
        self.askers.push(Asker::new(who, checkout));
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
            true => "cancelled in line",
        };
        self.seen.note(what);
        // It may have been granted, so that its principal had its turn among those that are seen by
        // the next poll.
        self.turns.let_go(asker.who);
    }

    /// Polls everybody, first those who are in line already: what they were given was given before
    /// the others came.
    pub(super) fn poll(&mut self) {
        let (old, new) =
            std::mem::take(&mut self.askers).into_iter().partition(|asker| asker.is_polled);
        self.poll_these(old);
        self.poll_these(new);
        self.turns.all_seen();
        let counts = self.stand.pool.counts();
        if self.stand.is_simple() && !self.askers.is_empty() {
            assert_eq!(counts.idle, 0, "POOL-6: somebody waits beside what is idle");
            let is_enough = counts.building >= self.askers.len();
            assert!(is_enough || counts.vacant == 0, "POOL-6: nothing is built for who waits");
            let is_room = self.stand.world.takes_room() && counts.condemned > 0;
            assert!(!is_room, "POOL-6: somebody waits beside room");
        }
    }

    fn poll_these(&mut self, mut askers: Vec<Asker<'a>>) {
        let (mut waits, mut back, mut grants) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let called: Vec<_> = askers.iter_mut().map(Asker::is_called).collect();
        for (mut asker, was_called) in askers.into_iter().zip(called) {
            let was_in_line = asker.is_polled;
            let was_closed = self.is_closed && !was_in_line;
            let (answer, own) = self.ask(was_in_line, || asker.poll());
            // It had its turn among those that are seen now, whatever has come of it.
            let has_let_go = was_in_line && !matches!(own, Own::Untried | Own::Made);
            if has_let_go {
                self.turns.let_go(asker.who);
            }
            match answer {
                Poll::Pending => {
                    assert!(!self.is_closed, "POOL-9: nobody waits for a closed pool");
                    self.seen.note_if(has_let_go, "back in line");
                    if has_let_go { &mut back } else { &mut waits }.insert(asker.who);
                    self.askers.push(asker);
                }
                Poll::Ready(Ok(lease)) => {
                    assert!(!was_closed, "POOL-9: nobody is served by a closed pool");
                    // What was granted to it before another's was let go is its own.
                    let may_pass = was_called || !back.contains(&asker.who);
                    let is_next = may_pass && !waits.contains(&asker.who);
                    assert!(is_next, "POOL-6: in the order of arrival within a principal");
                    grants.push(asker.who);
                    self.hold(asker.who, lease);
                }
                Poll::Ready(Err(error)) => self.told(asker.who, &error),
            }
        }
        self.count_turns(&grants);
    }

    fn count_turns(&mut self, grants: &[usize]) {
        let who = |asker: &Asker<'_>| asker.who;
        let waits = self.askers.iter().map(who).collect();
        let in_line = self.askers.iter().filter(|asker| asker.is_polled).map(who).collect();
        for (who, other, times) in self.turns.count(&waits, &in_line, grants) {
            self.seen.note("turns taken");
            // What one can not have, another may: with tags and caps there is more to say.
            let is_fair = !self.stand.is_simple() || times <= 1;
            assert!(is_fair, "POOL-11: {other} is served twice while {who} waits");
        }
    }

    fn hold(&mut self, who: usize, mut lease: Lease<'a, Maker>) {
        self.seen.note("lease");
        assert!(!self.discarded.contains(&lease.id), "POOL-3: {} was discarded", lease.id);
        let is_held = self.holders.iter().any(|other| other.lease.id == lease.id);
        assert!(!is_held, "POOL-2: {} is lent already", lease.id);
        assert_eq!(lease.uses() as usize, lease.users.len() + 1);
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
        let before = pool.counts();
        let (answer, own) = self.ask(false, || Poll::Ready(pool.try_checkout(&principals[who])));
        let Poll::Ready(answer) = answer else { unreachable!("it does not wait") };
        match answer {
            Ok(lease) => {
                let may_have_it = !self.stand.is_simple() || self.askers.is_empty();
                assert!(may_have_it, "POOL-6: nobody pushes in");
                self.hold(who, lease);
            }
            Err(error) => {
                self.assert_served(own, &error, before);
                self.told(who, &error);
            }
        }
    }

    fn take(&mut self, place: u8) -> Option<Holder<'a>> {
        let count = self.holders.len();
        (count > 0).then(|| self.holders.swap_remove(usize::from(place) % count))
    }

    fn complete(&mut self, place: u8) {
        let Some(Holder { lease, .. }) = self.take(place) else { return };
        self.seen.note_if(self.is_closed, "late return");
        if self.stand.setup.is_fresh() || lease.spoilt & 3 != 0 || self.is_closed {
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
        assert!(read(&world.live_max) <= setup.max, "POOL-1: at no moment");
        assert!(counts.leased >= self.holders.len(), "POOL-2");
        let waiting = self.askers.iter().filter(|asker| asker.is_polled).count();
        assert_eq!(stats.waiting as usize, waiting, "POOL-6: who waits");
        let granted = counts.leased - self.holders.len();
        assert!(granted <= waiting, "POOL-6: {granted} are lent to {waiting}");
        assert!(!self.is_closed || counts.idle == 0, "POOL-9: nothing is idle once closed");
        if setup.cap.is_some() {
            let in_use: usize = principals.iter().map(Principal::in_use).sum();
            let rooms = in_use.wrapping_sub(counts.leased);
            let rooms_max = if setup.is_inline() { counts.condemned } else { 0 };
            assert!(rooms <= rooms_max, "POOL-11: what is counted is what is lent");
            assert!(granted + rooms <= waiting, "POOL-6: {rooms} rooms for {waiting}");
        }
    }
}
