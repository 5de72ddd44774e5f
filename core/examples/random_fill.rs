//! The random-fill experiment of LEDGER-2, as a table.
//!
//! ```console
//! cargo run --release -p plimsoll-core --example random_fill [-- FILLS]
//! ```
//!
//! Each fill records 4 N distinct keys with random peaks, in random order, into a ledger made for N,
//! and compares what it holds with the N largest. `certified` counts the fills whose certificate
//! covers all N, `bytes per N` is for integers to ids of 64 bytes, `missed` the entries of the N largest that are not there or not exact.

use std::collections::HashMap;

use plimsoll_core::ledger::{Key, LedgerSet, PeakLedger, Seed, sets_for};

const FILLS: u64 = 100;
const CAPACITIES: [usize; 5] = [40, 256, 1_024, 4_096, 65_536];

fn main() {
    let fills = match std::env::args().nth(1).map(|fills| fills.parse()) {
        None => FILLS,
        Some(Ok(fills)) if fills > 0 => fills,
        Some(_) => {
            eprintln!("usage: random_fill [FILLS]");
            std::process::exit(2);
        }
    };
    println!(
        "      N   slots  bytes per N  fills  certified  missed  missed per million  overstated"
    );
    for capacity in CAPACITIES {
        let fills = if capacity > 4_096 { fills.div_ceil(10) } else { fills };
        let mut sum = Outcome::default();
        for fill in 0..fills {
            sum.add(&run(capacity, fill));
        }
        let slots = ledger(capacity, 0).slots();
        let bytes = [size_of::<LedgerSet<1>>(), size_of::<LedgerSet<8>>()];
        let [least, most] = bytes.map(|bytes| sets_for(capacity) * bytes / capacity);
        let bytes = format!("{least} to {most}");
        let per_million = sum.missed as f64 * 1e6 / (fills * capacity as u64) as f64;
        println!(
            "{capacity:>7} {slots:>7} {bytes:>12} {fills:>6} {:>10} {:>7} {per_million:>19.2} {:>11}",
            sum.certified, sum.missed, sum.overstated
        );
    }
}

/// What one fill has shown, or several together.
#[derive(Default)]
struct Outcome {
    certified: u64,
    missed: u64,
    /// Fills whose certificate covers an entry that is not one of the largest: there may be none.
    overstated: u64,
}

impl Outcome {
    fn add(&mut self, other: &Outcome) {
        self.certified += other.certified;
        self.missed += other.missed;
        self.overstated += other.overstated;
    }
}

fn ledger(capacity: usize, seed: u64) -> PeakLedger<Box<[LedgerSet<1>]>, 1> {
    let sets = (0..sets_for(capacity)).map(|_| LedgerSet::new()).collect();
    PeakLedger::with_sets(sets, Seed::new(seed, !seed)).expect("a capacity above 0")
}

fn run(capacity: usize, fill: u64) -> Outcome {
    let ledger = ledger(capacity, fill);
    let mut random = numbers(fill);
    let mut all: Vec<(u64, u64)> = Vec::new();
    for number in 0..4 * capacity as u64 {
        let peak = 1 + (random() >> 20);
        ledger.record(&Key::from(number), peak);
        all.push((peak, number));
    }
    all.sort_unstable_by(|one, other| other.cmp(one));
    let found: HashMap<Key<1>, u64> =
        ledger.entries().map(|entry| (*entry.key(), entry.value())).collect();
    let is_exact = |(peak, number): &&(u64, u64)| found.get(&Key::from(*number)) == Some(peak);
    let covered = ledger.certificate().covered();
    let is_true = all[..covered].iter().all(|entry| is_exact(&entry));
    Outcome {
        certified: u64::from(covered >= capacity),
        missed: (capacity - all[..capacity].iter().filter(is_exact).count()) as u64,
        overstated: u64::from(!is_true),
    }
}

/// Numbers that look random, and are the same each time.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
