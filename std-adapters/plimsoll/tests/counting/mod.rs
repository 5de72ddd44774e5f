//! An allocator that counts what the calling thread asks of it. A test binary that has this module
//! has it as its allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it is; counting does not allocate,
// since the thread-locals are constant and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls and bytes.
pub(crate) fn allocations(of: impl FnOnce()) -> (u64, usize) {
    let before = (CALLS.get(), BYTES.get());
    of();
    (CALLS.get() - before.0, BYTES.get() - before.1)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1u64)))), (1, 8));
    assert_eq!(allocations(|| drop(black_box(Vec::<u64>::with_capacity(8)))), (1, 64));
}
