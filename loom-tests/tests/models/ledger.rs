//! The ledger: LEDGER-1 to LEDGER-7, LEDGER-10 to LEDGER-12.
//!
//! In a model a set has two slots and two spare cells, and all tags are the same. Each model is run
//! as it is, and must pass; and with each mistake that it is there to find, and must fail.

mod exact;
mod freeze;
mod merges;
mod readers;
mod records;
mod removals;
mod sums;
mod truth;

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::flaw::Flaw;
use plimsoll_loom::ledger::{Key, LedgerSet, PeakLedger, Seed, SumLedger};

use crate::common::Model;
use truth::{Recording, Truth};

const SEED: Seed = Seed::new(17, 4);

type Peaks<const SETS: usize, const WORDS: usize> = PeakLedger<[LedgerSet<WORDS>; SETS], WORDS>;
type Sums = SumLedger<[LedgerSet<1>; 1], 1>;

fn key(number: u64) -> Key<1> {
    Key::from(number)
}

/// Checks that `model` passes, and that it fails with each of the mistakes.
fn check(bounds: Model, flaws: &[Flaw], model: impl Fn() + Copy + Send + Sync + 'static) {
    bounds.check_with_flaws(flaws, model);
}

/// A ledger of one set with these entries, and the truth about it.
fn peaks(entries: &[(u64, u64)]) -> Arc<Truth<Peaks<1, 1>>> {
    Truth::with(Peaks::<1, 1>::new(SEED), entries)
}

fn sums(entries: &[(u64, u64)]) -> Arc<Truth<Sums>> {
    Truth::with(Sums::new(SEED), entries)
}

/// Each list is recorded by a thread of its own, the last one by this.
fn record_at_once<L: Recording>(truth: &Arc<Truth<L>>, lists: &[&'static [(u64, u64)]]) {
    let (mine, others) = lists.split_last().expect("one list at least");
    let others: Vec<_> = others
        .iter()
        .map(|list| {
            let (truth, list) = (truth.clone(), *list);
            thread::spawn(move || truth.record_all(list))
        })
        .collect();
    truth.record_all(mine);
    for other in others {
        other.join().unwrap();
    }
}
