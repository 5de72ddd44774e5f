//! Guests that try to break out of their leases, and pools that stay as they are.

mod cancel;
mod component;
mod errors;
mod faults;
mod in_place;
mod isolation;
mod meter;
mod panics;
mod quota;
mod villain;
