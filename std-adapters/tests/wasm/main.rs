//! Guests that try to break out of their leases, and pools that stay as they are.

mod cancel;
mod component;
mod errors;
mod faults;
mod isolation;
mod meter;
mod quota;
mod villain;
