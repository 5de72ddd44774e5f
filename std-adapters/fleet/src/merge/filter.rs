//! Which sums can be among the largest.
//!
//! Most entries of a large fleet are of principals that are far from the largest users. To gather each of them
//! costs a miss of the processor's cache, so a first pass adds all values up in a small table of *cells*, many
//! principals to a cell: what a cell has, none of them can exceed. What cannot reach the largest users is
//! then left out, and nothing of the others is lost.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::state::{LedgerState, Principal};

/// Cells: half a megabyte of them.
const CELLS: usize = 1 << 16;
/// Users that are asked for at most for which the filter is worth its pass.
const USERS_MAX: usize = 1_024;

/// Hashes principals. Keyed anew for each merge, so that nobody can pick principals that collide (LEDGER-8).
#[derive(Clone, Debug, Default)]
pub(super) struct Hashes(RandomState);

impl Hashes {
    /// Without what tells a number from text: the few that are alike meet in the table.
    #[inline]
    pub(super) fn of(&self, principal: Principal<'_>) -> u64 {
        let mut hasher = self.0.build_hasher();
        match principal {
            Principal::Integer(number) => hasher.write_u64(number),
            Principal::Bytes(bytes) => hasher.write(bytes),
            Principal::Digest(digits) => hasher.write(digits),
        }
        hasher.finish()
    }
}

/// What principals can have in all, by their hashes.
pub(super) struct Filter {
    /// What the principals of each cell have together above the bounds of their hosts. Empty: all pass.
    cells: Vec<u64>,
    /// What is below this in its cell is not among the largest.
    least: u64,
}

impl Filter {
    /// Lets all pass.
    pub(super) const ALL: Filter = Filter { cells: Vec::new(), least: 0 };

    /// Of sums: what can be among the `users_max` largest, where a principal without an entry can have had `bound`.
    pub(super) fn of(
        states: &[&LedgerState],
        hashes: &Hashes,
        users_max: usize,
        bound: u64,
    ) -> Filter {
        if !(1..=USERS_MAX).contains(&users_max) {
            return Filter::ALL;
        }
        let least = surely(states, users_max).saturating_sub(bound);
        if least == 0 {
            return Filter::ALL;
        }
        let mut cells = vec![0_u64; CELLS];
        for state in states {
            for user in state.users() {
                let cell = &mut cells[cell_of(hashes.of(user.principal))];
                *cell = cell.saturating_add(user.value.saturating_sub(state.absent_max()));
            }
        }
        Filter { cells, least }
    }

    /// Whether a principal of this hash can be among the largest.
    #[inline]
    pub(super) fn passes(&self, hash: u64) -> bool {
        self.cells.get(cell_of(hash)).is_none_or(|cell| *cell >= self.least)
    }

    /// The most that one can have above the bound that does not pass.
    pub(super) fn left_out_max(&self) -> u64 {
        let below = self.cells.iter().filter(|cell| **cell < self.least);
        below.copied().max().unwrap_or(0)
    }
}

const fn cell_of(hash: u64) -> usize {
    hash as usize % CELLS
}

/// What the last of so many principals surely has, by the first entries of each state; 0 if they are fewer.
fn surely(states: &[&LedgerState], users_max: usize) -> u64 {
    let mut sums: HashMap<Principal<'_>, u64, RandomState> = HashMap::default();
    for user in states.iter().flat_map(|state| state.users().take(users_max)) {
        let sum = sums.entry(user.principal).or_default();
        *sum = sum.saturating_add(user.value);
    }
    let mut sums: Vec<u64> = sums.into_values().collect();
    let Some(place) = sums.len().checked_sub(users_max) else { return 0 };
    *sums.select_nth_unstable(place).1
}
