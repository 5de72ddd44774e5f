//! All that the states say of each principal, gathered.
//!
//! Millions of entries do not fit a processor's cache. So a table of the principals that come first takes what it
//! has room for, which is all of a fleet whose hosts serve the same principals. The entries of others are spread
//! over parts by their hash, one after the other, and then each part is gathered in a small table of its own.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::filter::{Filter, Hashes};
use crate::state::{LedgerUser, LedgerUsers, Principal};

/// What the states say of one principal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathered {
    /// All values together.
    pub(super) value_sum: u64,
    /// All errors together.
    pub(super) error_sum: u64,
    /// The bounds of the states that have an entry of it, together.
    pub(super) bound_sum: u64,
    /// The largest value.
    pub(super) value_max: u64,
    /// Which state has that: of several the first.
    pub(super) state_of_max: u32,
    /// How many states have an entry of it.
    pub(super) states: u32,
}

/// An entry of a state.
struct Record<'a> {
    hashed: Hashed<'a>,
    value: u64,
    error: u64,
    state: u32,
}

type Table<'a> = HashMap<Hashed<'a>, Gathered, BuildHasherDefault<Own>>;

/// Principals that come first and have a table for all the time, of about 5 MB.
const FIRST_MAX: usize = 7 << 13;
/// Entries that a part is to have: its table of about a megabyte stays in the cache.
const PART: usize = 1 << 13;
/// Bits of the hash that choose a part at most.
const PART_BITS_MAX: u32 = 10;

/// Entries, gathered or spread by the hashes of their principals.
pub(super) struct Gather<'a> {
    hashes: Hashes,
    filter: Filter,
    first: Table<'a>,
    parts: Vec<Vec<Record<'a>>>,
    /// Entries that a part can expect.
    expected: usize,
    /// The bound of each state.
    bounds: Vec<u64>,
}

impl<'a> Gather<'a> {
    /// For so many entries at most, those that pass the filter.
    pub(super) fn new(entries: usize, hashes: Hashes, filter: Filter) -> Self {
        let bits = (entries / PART + 1).ilog2().min(PART_BITS_MAX);
        let parts = (0..1_usize << bits).map(|_| Vec::new()).collect();
        let expected = (entries >> bits) + (entries >> bits) / 16;
        Self { hashes, filter, first: Table::default(), parts, expected, bounds: Vec::new() }
    }

    /// Takes the users of the next state in.
    pub(super) fn add(&mut self, bound: u64, users: LedgerUsers<'a>) {
        let state = self.bounds.len() as u32;
        self.bounds.push(bound);
        let last = self.parts.len() - 1;
        for LedgerUser { principal, value, error } in users {
            let hash = self.hashes.of(principal);
            if !self.filter.passes(hash) {
                continue;
            }
            let hashed = Hashed { hash, principal };
            if let Some(of) = self.first.get_mut(&hashed) {
                of.add(value, error, bound, state);
            } else if self.first.len() < FIRST_MAX {
                self.first.insert(hashed, Gathered::new(value, error, bound, state));
            } else {
                // The bits in the middle: those at the ends choose a place in a table.
                let part = &mut self.parts[(hash >> 32) as usize & last];
                if part.is_empty() {
                    part.reserve_exact(self.expected);
                }
                part.push(Record { hashed, value, error, state });
            }
        }
    }

    /// Hands out each principal once, with all that is said of it.
    pub(super) fn finish(self, mut each: impl FnMut(Principal<'a>, Gathered)) {
        self.first.into_iter().for_each(|(hashed, gathered)| each(hashed.principal, gathered));
        let mut table = Table::default();
        for part in self.parts {
            table.reserve(part.len().min(PART));
            for Record { hashed, value, error, state } in part {
                let bound = self.bounds.get(state as usize).copied().unwrap_or(0);
                let of = table.entry(hashed);
                of.and_modify(|of| of.add(value, error, bound, state))
                    .or_insert_with(|| Gathered::new(value, error, bound, state));
            }
            table.drain().for_each(|(hashed, gathered)| each(hashed.principal, gathered));
        }
    }
}

impl Gathered {
    fn new(value: u64, error: u64, bound: u64, state: u32) -> Self {
        Self {
            value_sum: value,
            error_sum: error,
            bound_sum: bound,
            value_max: value,
            state_of_max: state,
            states: 1,
        }
    }

    fn add(&mut self, value: u64, error: u64, bound: u64, state: u32) {
        self.value_sum = self.value_sum.saturating_add(value);
        self.error_sum = self.error_sum.saturating_add(error);
        self.bound_sum = self.bound_sum.saturating_add(bound);
        if value > self.value_max {
            (self.value_max, self.state_of_max) = (value, state);
        }
        self.states += 1;
    }
}

/// A principal with its hash.
#[derive(PartialEq, Eq)]
struct Hashed<'a> {
    hash: u64,
    principal: Principal<'a>,
}

impl Hash for Hashed<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

/// Takes what is hashed already as it is.
#[derive(Default)]
struct Own(u64);

impl Hasher for Own {
    fn write(&mut self, bytes: &[u8]) {
        // Hashes come by `write_u64`.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
