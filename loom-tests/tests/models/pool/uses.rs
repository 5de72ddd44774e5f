//! The count of a slot's leases, which tells last that a checkout was served.

#[path = "../../../../std-adapters/plimsoll/src/pool/store/uses.rs"]
mod real;

use std::sync::Arc;

use loom::thread;
use plimsoll_loom::model::{AtomicU64, Ordering};

use crate::common::Model;
use real::Uses;

/// A checkout notes how it was served, and its lease is counted after that.
fn served_before_counted(count: fn(&Uses, &AtomicU64)) {
    let shared = Arc::new((Uses::new(), AtomicU64::new(0)));
    let counted = shared.clone();
    let checkouts = thread::spawn(move || {
        for _ in 0..2 {
            count(&counted.0, &counted.1);
        }
    });
    let leases = shared.0.total();
    // Relaxed: a number of its own, as in the pool.
    let served = shared.1.load(Ordering::Relaxed);
    assert!(served >= leases, "{leases} leases of {served} checkouts");
    checkouts.join().unwrap();
    assert_eq!(shared.0.total(), 2);
}

/// A reader sees no lease whose checkout is not noted.
#[test]
fn uses_counted_leases_were_served() {
    let model = Model::bounded(3).at_least([40, 55, 15]);
    model.check(|| {
        served_before_counted(|uses, served| {
            served.fetch_add(1, Ordering::Relaxed);
            uses.count();
        });
    });
    model.check_wrong(|| {
        served_before_counted(|uses, served| {
            uses.count();
            served.fetch_add(1, Ordering::Relaxed);
        });
    });
}
