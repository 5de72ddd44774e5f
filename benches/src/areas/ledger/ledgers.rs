//! Ledgers of peaks: plimsoll's, and what else could be made of well-known parts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;
use plimsoll_core::ledger::{Entry, KeyRef, LedgerSet, PeakLedger, Seed, sets_for};

use super::{FLOOR, id};

/// Keeps the largest peaks of a bounded number of users.
pub(super) trait Ledger: Send + Sync {
    fn record(&self, id: &str, peak: u64);
    /// The ten largest peaks, the largest first.
    fn top_ten(&self) -> Vec<u64>;
}

/// A ledger filled with as many users as it is made for, with peaks from [`FLOOR`] up; half of them
/// have that peak, so that there are ties.
fn filled(ledger: impl Ledger + 'static, capacity: usize) -> Box<dyn Ledger> {
    for number in 0..capacity {
        ledger.record(&id(number), FLOOR + (number % 2 * number) as u64);
    }
    Box::new(ledger)
}

fn ten_largest(peaks: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ten = BinaryHeap::with_capacity(11);
    for peak in peaks {
        ten.push(Reverse(peak));
        if ten.len() > 10 {
            ten.pop();
        }
    }
    ten.into_sorted_vec().into_iter().map(|Reverse(peak)| peak).collect()
}

/// With room for ids of up to eight times `WORDS` bytes.
pub(super) struct Plimsoll<const WORDS: usize>(PeakLedger<Box<[LedgerSet<WORDS>]>, WORDS>);

impl<const WORDS: usize> Plimsoll<WORDS> {
    /// Filled beyond its capacity, up to its last slot, or nobody would be turned away.
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        let sets: Box<[LedgerSet<WORDS>]> =
            (0..sets_for(capacity)).map(|_| LedgerSet::new()).collect();
        let ledger: PeakLedger<_, WORDS> =
            PeakLedger::with_sets(sets, Seed::new(1, 2)).expect("a capacity above 0");
        for number in 0..12 * capacity {
            let filler = format!("filler-{number}");
            ledger.record(KeyRef::new(filler.as_bytes()).expect("a short id"), FLOOR);
        }
        for number in 0..capacity {
            let user = id(number);
            let user = KeyRef::new(user.as_bytes()).expect("20 bytes");
            ledger.record(user, FLOOR + 1 + (number % 2 * number) as u64);
        }
        Box::new(Plimsoll::<WORDS>(ledger))
    }
}

impl<const WORDS: usize> Ledger for Plimsoll<WORDS> {
    fn record(&self, id: &str, peak: u64) {
        self.0.record(KeyRef::new(id.as_bytes()).expect("20 bytes"), peak);
    }

    fn top_ten(&self) -> Vec<u64> {
        let mut buffer = [Entry::NONE; 10];
        self.0.top(&mut buffer).entries().iter().map(Entry::value).collect()
    }
}

/// The design in use: a sharded map, and a scan of it for the entry to evict.
pub(super) struct Scan {
    map: DashMap<String, u64>,
    capacity: usize,
}

impl Scan {
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        filled(Scan { map: DashMap::with_capacity(capacity), capacity }, capacity)
    }
}

impl Ledger for Scan {
    fn record(&self, id: &str, peak: u64) {
        if let Some(mut known) = self.map.get_mut(id) {
            *known = peak.max(*known);
            return;
        }
        if self.map.len() >= self.capacity {
            let least = self.map.iter().min_by_key(|entry| *entry.value());
            let Some((victim, floor)) = least.map(|entry| (entry.key().clone(), *entry.value()))
            else {
                return;
            };
            if peak <= floor {
                return;
            }
            self.map.remove(&victim);
        }
        self.map.insert(id.to_owned(), peak);
    }

    fn top_ten(&self) -> Vec<u64> {
        ten_largest(self.map.iter().map(|entry| *entry.value()))
    }
}

/// The same over a map that is read without a lock.
pub(super) struct Papaya {
    map: papaya::HashMap<String, u64>,
    capacity: usize,
}

impl Papaya {
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        filled(Papaya { map: papaya::HashMap::with_capacity(capacity), capacity }, capacity)
    }
}

impl Ledger for Papaya {
    fn record(&self, id: &str, peak: u64) {
        let map = self.map.pin();
        if let Some(known) = map.get(id) {
            if peak > *known {
                map.update(id.to_owned(), |known| peak.max(*known));
            }
            return;
        }
        if map.len() >= self.capacity {
            let Some((victim, floor)) = map.iter().min_by_key(|(_, peak)| **peak) else {
                return;
            };
            if peak <= *floor {
                return;
            }
            map.remove(victim);
        }
        map.insert(id.to_owned(), peak);
    }

    fn top_ten(&self) -> Vec<u64> {
        ten_largest(self.map.pin().iter().map(|(_, peak)| *peak))
    }
}

/// A map and a heap under one lock. The heap holds lower bounds: a raise leaves it alone, and what it
/// says is mended when it comes to the top.
pub(super) struct Heap {
    inner: Mutex<HeapInner>,
    capacity: usize,
}

struct HeapInner {
    map: hashbrown::HashMap<String, u64>,
    heap: BinaryHeap<Reverse<(u64, String)>>,
}

impl Heap {
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        let inner = HeapInner {
            map: hashbrown::HashMap::with_capacity(capacity + 1),
            heap: BinaryHeap::with_capacity(capacity + 1),
        };
        filled(Heap { inner: Mutex::new(inner), capacity }, capacity)
    }
}

impl HeapInner {
    /// The least peak, after mending what has risen.
    fn floor(&mut self) -> u64 {
        while let Some(mut least) = self.heap.peek_mut() {
            let Reverse((noted, id)) = &mut *least;
            let peak = self.map[id.as_str()];
            if *noted == peak {
                return peak;
            }
            *noted = peak;
        }
        0
    }
}

impl Ledger for Heap {
    fn record(&self, id: &str, peak: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.map.get_mut(id) {
            *known = peak.max(*known);
            return;
        }
        if inner.map.len() >= self.capacity {
            if peak <= inner.floor() {
                return;
            }
            if let Some(Reverse((_, victim))) = inner.heap.pop() {
                inner.map.remove(&victim);
            }
        }
        inner.map.insert(id.to_owned(), peak);
        inner.heap.push(Reverse((peak, id.to_owned())));
    }

    fn top_ten(&self) -> Vec<u64> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        ten_largest(inner.map.values().copied())
    }
}

/// A cache: it bounds memory, and keeps what is used often, not what is largest.
pub(super) struct Quick(quick_cache::sync::Cache<String, u64>);

impl Quick {
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        filled(Quick(quick_cache::sync::Cache::new(capacity)), capacity)
    }
}

impl Ledger for Quick {
    fn record(&self, id: &str, peak: u64) {
        if self.0.get(id).is_none_or(|known| peak > known) {
            self.0.insert(id.to_owned(), peak);
        }
    }

    fn top_ten(&self) -> Vec<u64> {
        ten_largest(self.0.iter().map(|(_, peak)| peak))
    }
}

/// Another cache.
pub(super) struct Moka(moka::sync::Cache<String, u64>);

impl Moka {
    pub(super) fn full(capacity: usize) -> Box<dyn Ledger> {
        filled(Moka(moka::sync::Cache::new(capacity as u64)), capacity)
    }
}

impl Ledger for Moka {
    fn record(&self, id: &str, peak: u64) {
        if self.0.get(id).is_none_or(|known| peak > known) {
            self.0.insert(id.to_owned(), peak);
        }
    }

    fn top_ten(&self) -> Vec<u64> {
        ten_largest(self.0.iter().map(|(_, peak)| peak))
    }
}
