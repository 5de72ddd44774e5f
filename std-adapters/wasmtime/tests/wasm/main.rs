//! Guests that try to break out of their leases, and pools that stay as they are.

#[cfg(all(feature = "gc", feature = "component-model-async"))]
mod blame;
mod cancel;
mod common;
#[cfg(feature = "component-model")]
mod component;
mod errors;
mod faults;
#[cfg(all(feature = "gc", feature = "component-model-async"))]
mod features;
#[path = "../../examples/greedy_guest.rs"]
mod greedy_guest;
mod in_place;
mod isolation;
#[cfg(feature = "component-model-async")]
mod leftovers;
mod meter;
mod panics;
mod quota;
mod reload;
#[cfg(all(feature = "gc", feature = "component-model-async"))]
mod room;
mod settings;
mod time;
mod villain;

#[test]
fn the_example_of_a_greedy_guest_runs() {
    greedy_guest::main().unwrap();
}
