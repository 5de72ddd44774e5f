//! Slots of a wheel that are handed on while watchers sweep: LIVE-7.

use std::sync::{Arc, Mutex};

use loom::thread;
use plimsoll_loom::keepalive::{NextCheck, SlotKey, Tick, Tracker, Wheel, WheelSlot};

use super::guest::{WINDOW, rearming, silence};
use crate::common::Model;

/// A wheel under its watchers' lock, with what belongs to its entries.
struct Table {
    wheel: Wheel<[WheelSlot; 1]>,
    /// Whose slot it is.
    owner: Option<u64>,
}

struct Shared {
    table: loom::sync::Mutex<Table>,
    tracker: Tracker,
}

impl Shared {
    fn register(&self, owner: u64, now: u64) -> Option<SlotKey> {
        let mut table = self.table.lock().unwrap();
        let key = table.wheel.insert(Tick::new(now + WINDOW)).ok()?;
        assert_eq!(table.owner.replace(owner), None, "LIVE-7: a slot with two owners");
        self.tracker.renew(Tick::new(now));
        Some(key)
    }

    fn leave(&self, key: SlotKey, owner: u64) {
        self.tracker.close();
        let mut table = self.table.lock().unwrap();
        assert_eq!(table.owner.take(), Some(owner), "LIVE-7: a slot that was taken away");
        table.wheel.remove(key).expect("a handle holds its slot");
    }

    /// The owners that are silent at `now`.
    fn sweep(&self, now: u64) -> Vec<u64> {
        let table = &mut *self.table.lock().unwrap();
        let mut silent = Vec::new();
        let mut looks = 0;
        let swept = table.wheel.sweep(Tick::new(now), 8, |_| {
            looks += 1;
            match self.tracker.judge(Tick::new(now), rearming()) {
                Ok(look) => {
                    silent.extend(silence(look).and(table.owner));
                    look.due.into()
                }
                // Its owner is on the way to take it out.
                Err(_) => NextCheck::Never,
            }
        });
        assert!(looks <= 1 && !swept.is_behind, "in one place");
        silent
    }
}

/// LIVE-7: who leaves is reported no more, whatever sweeps run meanwhile; its slot is not reused
/// before; who takes it over is watched from its own beginning on.
#[test]
fn live_7_a_slot_has_one_handle() {
    Model::bounded(3).check(|| {
        let table = Table { wheel: Wheel::new(), owner: None };
        let tracker = Tracker::closed();
        let shared = Arc::new(Shared { table: loom::sync::Mutex::new(table), tracker });
        let first = shared.register(1, 0).expect("room for one");
        let left = Arc::new(Mutex::new(false));
        let (other, other_left) = (shared.clone(), left.clone());
        let owner = thread::spawn(move || {
            other.tracker.notify(Tick::new(4));
            other.leave(first, 1);
            *other_left.lock().unwrap() = true;
        });
        let other = shared.clone();
        let next = thread::spawn(move || other.register(2, 12));
        let gone = *left.lock().unwrap();
        let silent = shared.sweep(13);
        assert!(!silent.contains(&2), "LIVE-2: it began at 12");
        assert!(!gone || silent.is_empty(), "LIVE-7");
        owner.join().unwrap();
        if let Some(key) = next.join().unwrap() {
            assert_eq!(shared.sweep(30), [2], "LIVE-7: the new owner is watched");
            shared.leave(key, 2);
        }
        assert!(shared.table.lock().unwrap().wheel.is_empty());
        assert_eq!(shared.sweep(90), [0; 0]);
    });
}
