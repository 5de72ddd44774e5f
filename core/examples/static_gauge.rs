//! A gauge that is a `static`, as programs without `std` have it: `cargo run -p plimsoll-core --example static_gauge`.

use plimsoll_core::{Gauge, Level, Watermarks};

/// A pair of watermarks that cannot be does not compile.
static FRAMES: Gauge = Gauge::new(Watermarks::percent(100, 80, 50));

/// One caller is handed each edge.
pub(crate) fn main() {
    let raised = (0..90).filter_map(|_| FRAMES.add(1)).count();
    assert_eq!((raised, FRAMES.depth()), (1, 90));
    assert_ne!(FRAMES.level(), Level::Normal);
    let cleared = (0..90).filter_map(|_| FRAMES.sub(1)).count();
    assert_eq!((cleared, FRAMES.high_water()), (1, 90));
}
