//! Guests that try to break out of their leases, and pools that stay as they are.

mod blame;
mod cancel;
mod common;
mod component;
mod errors;
mod faults;
mod features;
mod in_place;
mod isolation;
mod leftovers;
mod meter;
mod panics;
mod quota;
mod reload;
mod room;
mod settings;
mod time;
mod villain;
