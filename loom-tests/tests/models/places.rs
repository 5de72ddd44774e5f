//! The places of the windows of a ledger of `plimsoll`, compiled with the model's atomics: a value is
//! replaced while it is read.

#[path = "../../../std-adapters/plimsoll/src/ledger/places.rs"]
mod real;

use std::ops::Deref;
use std::sync::Arc;

use loom::hint::spin_loop;
use loom::sync::{RwLock, RwLockReadGuard};
use loom::thread;
use plimsoll_loom::model::{AtomicU64, Ordering};

use crate::common::Model;
use real::{PLACES, Places};

/// A value that is read while others take its place.
trait Replaced: Send + Sync + 'static {
    fn new(first: u64) -> Self;
    /// Calls `then` with the value, held.
    fn read(&self, then: impl FnOnce(&dyn Deref<Target = u64>) -> u64) -> u64;
    fn replace(&self, next: u64) -> bool;
    fn clear_others(&self);
}

impl Replaced for Places<u64> {
    fn new(first: u64) -> Self {
        Places::new(first)
    }
    fn read(&self, then: impl FnOnce(&dyn Deref<Target = u64>) -> u64) -> u64 {
        then(&self.read())
    }
    fn replace(&self, next: u64) -> bool {
        self.replace(next).is_ok()
    }
    fn clear_others(&self) {
        self.clear_others();
    }
}

/// A twin that does less.
struct Twin<const LOOKS_AGAIN: bool, const WRITES_FIRST: bool> {
    places: [RwLock<Option<u64>>; PLACES],
    current: AtomicU64,
}

struct Hold<'a>(RwLockReadGuard<'a, Option<u64>>);

impl Deref for Hold<'_> {
    type Target = u64;

    fn deref(&self) -> &u64 {
        self.0.as_ref().expect("the value that goes on is in its place")
    }
}

impl<const LOOKS_AGAIN: bool, const WRITES_FIRST: bool> Replaced
    for Twin<LOOKS_AGAIN, WRITES_FIRST>
{
    fn new(first: u64) -> Self {
        let places = [Some(first), None, None].map(RwLock::new);
        Self { places, current: AtomicU64::new(0) }
    }
    fn read(&self, then: impl FnOnce(&dyn Deref<Target = u64>) -> u64) -> u64 {
        loop {
            let at = self.current.load(Ordering::Acquire) as usize;
            if let Ok(place) = self.places[at].try_read() {
                if !LOOKS_AGAIN || self.current.load(Ordering::Acquire) as usize == at {
                    return then(&Hold(place));
                }
            }
            spin_loop();
        }
    }
    fn replace(&self, next: u64) -> bool {
        let current = self.current.load(Ordering::Acquire);
        for at in (0..PLACES as u64).filter(|at| *at != current) {
            let Ok(mut place) = self.places[at as usize].try_write() else { continue };
            if WRITES_FIRST {
                *place = Some(next);
                drop(place);
                self.current.store(at, Ordering::Release);
            } else {
                drop(place);
                self.current.store(at, Ordering::Release);
                *self.places[at as usize].write().unwrap() = Some(next);
            }
            return true;
        }
        false
    }
    fn clear_others(&self) {
        let current = self.current.load(Ordering::Acquire);
        for at in (0..PLACES as u64).filter(|at| *at != current) {
            if let Ok(mut place) = self.places[at as usize].try_write() {
                *place = None;
            }
        }
    }
}

const LAST: u64 = 2;

/// Values that go on one after the other, cleared as a ledger does, beside one who reads.
fn readers_find_values_in_order<R: Replaced>() {
    let values = Arc::new(R::new(0));
    let reading = values.clone();
    let reader = thread::spawn(move || {
        let mut last = 0;
        for _ in 0..2 {
            last = reading.read(|value| {
                let first = **value;
                assert!(first >= last, "{first} after {last}");
                assert_eq!(**value, first, "it is held");
                first
            });
        }
    });
    for next in 1..=LAST {
        values.clear_others();
        // Only a reader that has stopped could keep the places from being free.
        assert!(values.replace(next), "one reader holds one place");
        assert_eq!(values.read(|value| **value), next, "its own is current");
    }
    values.clear_others();
    reader.join().unwrap();
    assert_eq!(values.read(|value| **value), LAST);
}

/// A reader finds a value that is whole, never one before one that it has read, and none is taken from it.
#[test]
fn places_readers_find_values_in_order() {
    let model = Model::bounded(3).at_least([230, 230, 270]);
    model.check(readers_find_values_in_order::<Places<u64>>);
    model.check(readers_find_values_in_order::<Twin<true, true>>);
    model.check_wrong(readers_find_values_in_order::<Twin<false, true>>);
    model.check_wrong(readers_find_values_in_order::<Twin<true, false>>);
}
