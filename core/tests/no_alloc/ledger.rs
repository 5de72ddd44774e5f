//! Ledgers of peaks, sums and windows, in memory of their own.

use std::fmt::Write;
use std::hint::black_box;

use plimsoll_core::ledger::{
    Entry, Key, KeyRef, LedgerHandle, LedgerSet, PeakLedger, Seed, SumLedger, WindowLedger,
};

use super::{Discard, allocator_calls};

#[test]
fn a_ledger_does_not_allocate() {
    const SEED: Seed = Seed::new(17, 4);
    let calls = allocator_calls(|| {
        let peaks: PeakLedger<[LedgerSet; 2]> = PeakLedger::new(SEED);
        let mut sums: SumLedger<[LedgerSet<1>; 2], 1> = SumLedger::new(SEED);
        let windows = WindowLedger::<[LedgerSet<1>; 1], 1>::new(SEED, 20);
        let mut handle = LedgerHandle::new(&peaks, Key::new(b"guest-7").unwrap());
        for number in 0..500 {
            black_box(peaks.record(black_box(number), 500 + number % 7 * number));
            black_box(sums.record(black_box(number % 90), number));
            black_box(windows.record(number / 100, number, number));
            black_box((handle.record(number * 2), handle.get()));
        }
        black_box((peaks.get(3), peaks.floor(), peaks.floor_of(3), peaks.len()));
        black_box((sums.total(), sums.is_saturated(), sums.cells_free(), windows.get(4, 3)));
        let mut buffer = [Entry::NONE; 10];
        assert_eq!(peaks.top(&mut buffer).entries().len(), 10);
        assert!(peaks.certificate().covered() > 0);
        assert_eq!(peaks.entries().count(), peaks.len());
        black_box((peaks.record_evicting(7_000, 9_000), peaks.remove(7_000), sums.remove(1)));
        let exact = PeakLedger::<[LedgerSet<1>; 2], 1>::exact(Default::default(), SEED, 64);
        exact.expect("64 entries").record_evicting(black_box(1), 5);
        let other: PeakLedger<[LedgerSet; 1]> = PeakLedger::new(Seed::new(1, 2));
        other.record(KeyRef::new(b"elsewhere").unwrap(), 5_000);
        peaks.merge(&other);
        sums.merge(&SumLedger::<[LedgerSet<1>; 2], 1>::new(SEED));
        write!(Discard, "{peaks:?} {}", handle.key()).unwrap();
        let error = Key::<1>::new(b"nine bytes").unwrap_err();
        write!(Discard, "{error} {error:?}").unwrap();
    });
    assert_eq!(calls, 0);
}
