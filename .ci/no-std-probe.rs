//! A program without `std`, linked and run by `.ci/no-std`. The two cfgs are what must not compile.
#![no_std]
#![no_main]

#[cfg(uses_alloc)]
extern crate alloc;
#[cfg(uses_std)]
extern crate std;

use plimsoll_core::{EdgeKind, Gauge, Watermarks};

static FRAMES: Gauge = Gauge::new(Watermarks::percent(4, 75, 25));

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let raised = FRAMES.add(3).map(|edge| edge.kind()) == Some(EdgeKind::Raised);
    let cleared = FRAMES.sub(2).map(|edge| edge.kind()) == Some(EdgeKind::Cleared);
    i32::from(!(raised && cleared && FRAMES.depth() == 1))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The shipped `core` was built to unwind and names this; nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
