//! What holds after every operation.

use std::sync::atomic::Ordering;

use plimsoll::pool::Principal;

use super::held::Held;
use super::pair::Pair;
use super::stand::Stand;
use super::world::read;

impl Pair<'_> {
    /// Nobody is queued, nor is about to be.
    pub(super) fn is_line_empty(&self) -> bool {
        self.askers.is_empty() && self.gatherers.is_empty()
    }

    /// How many leases the one has, or waits for, that gathers several (POOL-15: one does).
    fn gathering(&self) -> usize {
        self.gatherers.first().map_or(0, |first| first.count)
    }

    /// Whether a principal holds all instances that there are and can be.
    pub(super) fn holds_all(&self, who: usize) -> bool {
        let live = self.stand.pool.counts().live();
        let own = self.holders.iter().filter(|holder| holder.who == who).count();
        live >= self.numbers.max && own == live
    }

    /// POOL-13: one of many that are gathered may have died since.
    pub(super) fn assert_alive(&self, lease: &Held<'_>) {
        let is_ailing = self.stand.world.ailing.lock().expect("no panic").contains_key(&lease.id);
        assert!(!is_ailing, "POOL-13: {} is dead", lease.id);
    }

    /// POOL-6: after everybody has been polled.
    pub(super) fn assert_nothing_missed(&self) {
        let Stand { setup, pool, world, .. } = self.stand;
        let (counts, max) = (pool.counts(), self.numbers.max);
        if self.stand.is_simple() && !self.is_line_empty() {
            assert_eq!(counts.idle, 0, "POOL-6: a checkout waits beside an idle instance");
            let is_enough = counts.building >= self.askers.len();
            assert!(is_enough || counts.vacant == 0, "POOL-6: nothing is built for who waits");
        }
        if self.stand.is_simple() && !self.askers.is_empty() && counts.live() <= max {
            let is_room = world.takes_room() && counts.condemned > 0;
            assert!(!is_room, "POOL-6: a checkout waits beside room");
        }
        if self.gatherers.is_empty() && world.not_alive() == 0 && !setup.is_inline() {
            let granted = counts.leased - self.holders.len();
            let waiting = pool.stats().waiting as usize - granted;
            let is_bounded = setup.line_max.is_none_or(|max| waiting <= max);
            assert!(is_bounded, "POOL-15: {waiting} wait");
        }
    }

    /// POOL-8, POOL-17: after the background has worked, where no build has failed.
    pub(super) fn assert_kept_ready(&self) {
        let Stand { pool, world, .. } = self.stand;
        let failures = [&world.background.failed, &world.background.panicked];
        let failures = failures.into_iter().chain([&world.background.cancelled]).map(read);
        if self.is_closed || !self.is_line_empty() || failures.sum::<usize>() > 0 {
            return;
        }
        let (counts, numbers) = (pool.counts(), self.numbers);
        let (ready, max) = (counts.idle + counts.building, numbers.max);
        let is_full = counts.live() >= max;
        // A condemned one may have made room for another that is to be built, and has no owner by now.
        let to_be = ready + counts.condemned;
        assert!(is_full || to_be >= numbers.warm.min(max), "POOL-17: {ready} are ready");
        let all = ready + counts.leased;
        assert!(is_full || all >= numbers.min.min(max), "POOL-17: there are {all}");
    }

    /// What holds after every operation.
    pub(super) fn assert_sound(&mut self) {
        let Stand { setup, pool, world, principals, .. } = self.stand;
        let (counts, stats) = (pool.counts(), pool.stats());
        let (max, live) = (self.numbers.max, counts.live());
        assert_eq!(counts.capacity(), live.max(max), "POOL-1");
        assert!(read(&world.live) <= live, "POOL-1");
        let live_max = world.live_max.swap(read(&world.live), Ordering::Relaxed);
        assert!(live_max <= self.numbers.bound, "POOL-1: at no moment");
        // Fewer than there were: so many there will never be again.
        self.numbers.bound = self.numbers.bound.min(live.max(max));
        assert!(live <= self.numbers.bound, "POOL-17: nothing is built beyond the maximum");
        let usable = counts.idle + counts.building + counts.leased;
        assert!(usable <= max || counts.idle == 0, "POOL-17: what is idle is shed");
        assert!(counts.leased >= self.holders.len(), "POOL-2");
        let polled = self.askers.iter().filter(|asker| asker.is_polled).count();
        let (waiting, gathering) = (stats.waiting as usize, self.gathering());
        assert!((polled..=polled + gathering).contains(&waiting), "POOL-6: who waits");
        let granted = counts.leased - self.holders.len();
        assert!(granted <= polled + gathering, "POOL-6: {granted} are lent to {polled}");
        assert!(!self.is_closed || counts.idle == 0, "POOL-9: nothing is idle once closed");
        if setup.cap.is_some() {
            let in_use: usize = principals.iter().map(Principal::in_use).sum();
            let rooms = in_use.wrapping_sub(counts.leased);
            let rooms_max = if setup.is_inline() { counts.condemned } else { 0 };
            assert!(rooms <= rooms_max, "POOL-11: what is counted is what is lent");
            let is_awaited = granted + rooms <= polled + gathering;
            assert!(is_awaited, "POOL-6: {rooms} rooms for {polled}");
        }
    }
}
