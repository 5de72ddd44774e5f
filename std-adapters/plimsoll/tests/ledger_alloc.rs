//! No record allocates, and no look by a caller's buffer; a ledger takes its room when it is made.

mod counting;

use std::hint::black_box;

use counting::allocations;
use plimsoll::Registry;
use plimsoll::ledger::Entry;

#[test]
fn no_record_allocates() {
    let registry = Registry::new();
    let heaps = registry.peak_ledger("heaps", 40).unwrap();
    let fuel = registry.sum_ledger("fuel", 40).unwrap();
    let windows = registry.window_ledger("windows", 40).unwrap();
    let mut guests = [heaps.principal("guest").unwrap(), heaps.principal(7u64).unwrap()];
    let mut burner = fuel.principal("guest").unwrap();
    let mut buffer = [Entry::NONE; 10];
    let mut step = 0;
    let mut work = || {
        step += 1;
        for newcomer in 0..50u64 {
            // Admitted, raised, kept and turned away.
            heaps.record(newcomer, step + newcomer % 7).unwrap();
            fuel.record(step * 50 + newcomer, 1).unwrap();
            windows.record("principal/of/some/length", step).unwrap();
        }
        guests.iter_mut().for_each(|guest| assert!(guest.record(1_000 + step).is_tracked()));
        burner.record(5);
        heaps.record("text", step).unwrap();
        windows.advance().unwrap();
        let listed = heaps.top(&mut buffer).entries().len() + heaps.entries().count();
        black_box((listed, heaps.certificate(), heaps.total(), fuel.get("guest").unwrap()));
    };
    // What a thread sets up once.
    work();
    assert_eq!(allocations(|| (0..100).for_each(|_| work())), (0, 0));
    assert!(heaps.turned_away() > Some(0));
}

#[test]
fn a_ledger_takes_260_bytes_at_most_for_each_it_is_made_for() {
    const CAPACITY: usize = 4_096;
    let registry = Registry::new();
    let mut ledger = None;
    let (_, bytes) = allocations(|| ledger = Some(registry.peak_ledger("heaps", CAPACITY)));
    let each = bytes as f64 / CAPACITY as f64;
    println!("{each:.1} bytes for each of {CAPACITY}");
    assert!(each <= 260.0, "{each} bytes for each");
    assert!(ledger.is_some_and(|ledger| ledger.is_ok()));
}
