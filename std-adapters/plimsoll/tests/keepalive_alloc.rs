//! What watching a run takes of the heap: room that is fixed when the watcher is made, the text of
//! the ids, and nothing for a notification.
#![cfg(feature = "keepalive")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use plimsoll::Registry;
use plimsoll::keepalive::{Watch, Watcher};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it is; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        HELD.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// The only test of this file: others would be counted with it.
#[test]
fn a_watched_run_takes_64_bytes_at_most_beside_its_ids_and_a_beat_takes_none() {
    const RUNS: usize = 100_000;
    let ids = |n| (format!("guest-{n}"), "run-1");
    let text: usize = (0..RUNS).map(|n| ids(n).0.len() + ids(n).1.len()).sum();
    let registry = Registry::new();
    let mut guests = Vec::with_capacity(RUNS);
    let before = HELD.load(Relaxed);
    let watcher = Watcher::builder().capacity(RUNS).build(&registry).unwrap();
    guests.extend((0..RUNS).map(|n| {
        let (guest, run) = ids(n);
        watcher.watch(Watch::new(guest, run)).unwrap()
    }));
    let each = (HELD.load(Relaxed) - before - text) as f64 / RUNS as f64;
    println!("{each:.1} bytes for each run, {} in its handle", size_of_val(&guests[0]));
    assert!(each <= 64.0, "{each} bytes for each run");
    let calls = CALLS.load(Relaxed);
    guests.iter().for_each(|guest| guest.notify());
    guests.iter().for_each(|guest| guest.pause());
    guests.iter().for_each(|guest| guest.resume());
    assert_eq!(CALLS.load(Relaxed), calls);
}
