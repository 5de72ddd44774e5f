//! What the host changes while the pool runs (POOL-13, POOL-17).

use std::sync::atomic::Ordering;

use plimsoll::pool::{InsertError, PoolError};

use super::Op;
use super::pair::Pair;
use super::world::{panic_quietly, read};

impl Pair<'_> {
    pub(super) fn change(&mut self, op: Op) {
        match op {
            Op::Ail(back, panics) => {
                let made = self.stand.world.made();
                if let Some(id) = made.checked_sub(1 + usize::from(back)) {
                    self.stand.world.ailing.lock().expect("no panic").insert(id, panics);
                }
            }
            Op::Resize(max) => self.resize(max),
            Op::SetWarm(warm) => self.set_warm(warm),
            Op::SetMin(min) => self.set_min(min),
            Op::Insert => self.insert(),
            Op::Retain(mask, panics_at) => self.retain(mask, panics_at),
            Op::DropIdle => self.drop_idle(),
            other => unreachable!("{other:?} is done elsewhere"),
        }
    }

    fn resize(&mut self, max: usize) {
        let live = self.stand.pool.counts().live();
        self.seen.note_if(max > self.numbers.max, "grown");
        self.seen.note_if(max < self.numbers.max, "shrunk");
        self.seen.note_if(max < live, "shrunk below what lives");
        self.numbers.max = max;
        self.numbers.bound = live.max(max);
        let before = self.by_heat();
        self.stand.pool.resize(max).expect("a number that can be");
        self.assert_coldest(before);
    }

    fn set_warm(&mut self, warm: usize) {
        let answer = self.stand.pool.set_warm(warm);
        let refusal = |error: &PoolError| matches!(error, PoolError::WarmAboveMax { .. });
        if self.is_set(warm, answer, refusal, ["warm changed", "warm refused"]) {
            self.numbers.warm = warm;
        }
    }

    fn set_min(&mut self, min: usize) {
        let answer = self.stand.pool.set_min(min);
        let refusal = |error: &PoolError| matches!(error, PoolError::MinAboveMax { .. });
        if self.is_set(min, answer, refusal, ["min changed", "min refused"]) {
            self.numbers.min = min;
        }
    }

    /// POOL-17: a number up to the maximum is taken, and a larger one is refused by an error of its own.
    fn is_set(
        &mut self,
        asked: usize,
        answer: Result<(), PoolError>,
        is_refusal: fn(&PoolError) -> bool,
        [changed, refused]: [&'static str; 2],
    ) -> bool {
        match &answer {
            Ok(()) => assert!(asked <= self.numbers.max),
            Err(error) => {
                assert!(is_refusal(error) && asked > self.numbers.max, "POOL-17: {error}");
            }
        }
        self.seen.note(if answer.is_ok() { changed } else { refused });
        answer.is_ok()
    }

    fn insert(&mut self) {
        let (pool, world) = (&self.stand.pool, &self.stand.world);
        let (before, max) = (pool.counts(), self.numbers.max);
        match pool.insert(world.foreign().take_in()) {
            Ok(()) => {
                assert!(!self.is_closed && before.live() < max, "POOL-1");
                world.live_max.fetch_max(read(&world.live), Ordering::Relaxed);
                let is_lent = pool.counts().leased > before.leased;
                self.seen.note(if is_lent { "inserted for a waiter" } else { "inserted" });
            }
            Err(error) => {
                match &error {
                    InsertError::Closed { .. } => assert!(self.is_closed),
                    InsertError::Full { max: told, .. } => {
                        assert!(*told == max && before.live() >= max, "{before:?}");
                    }
                    other => panic!("nothing explains {other}"),
                }
                error.into_object().take_out();
                self.seen.note("nothing inserted");
            }
        }
    }

    /// POOL-13: each idle one is asked once, and goes unless it is kept.
    fn retain(&mut self, mask: u8, panics_at: Option<u8>) {
        let idle = self.stand.pool.counts().idle;
        let (mut asked, mut gone) = (0, Vec::new());
        let removed = self.stand.pool.retain(|object| {
            asked += 1;
            if panics_at.is_some_and(|place| usize::from(place) + 1 == asked) {
                gone.push(object.id);
                panic_quietly();
            }
            let is_kept = mask >> (object.id % 8) & 1 == 1;
            if !is_kept {
                gone.push(object.id);
            }
            is_kept
        });
        assert_eq!((asked, removed), (idle, gone.len()), "POOL-13: asked, removed");
        let panicked = panics_at.is_some_and(|place| usize::from(place) < idle);
        self.seen.note_if(idle > 0, "looked at");
        self.seen.note_if(panicked, "panicked when looked at");
        self.discarded.extend(gone);
    }

    fn drop_idle(&mut self) {
        let (pool, world) = (&self.stand.pool, &self.stand.world);
        let before = pool.counts();
        assert_eq!(pool.drop_idle(), before.idle, "POOL-13");
        assert_eq!(pool.counts().idle, 0, "POOL-13");
        self.seen.note_if(before.idle > 0, "idle dropped");
        if before.leased == self.holders.len() {
            let is_held = |id: &usize| self.holders.iter().any(|holder| holder.lease.id == *id);
            self.discarded.extend((0..world.made()).filter(|id| !is_held(id)));
        }
    }
}
