//! The form of snapshots and events for other programs: `docs/SNAPSHOT.md`.

mod event;
mod levels;
mod number;
mod principals;
mod snapshot;
mod tag;
mod time;

#[cfg(feature = "pool")]
mod pool;

pub(crate) use levels::level;
pub(crate) use number::{integer, maybe_integer};
#[cfg(feature = "pool")]
pub(crate) use pool::{counts, discards};
pub(crate) use principals::principal;
pub use snapshot::{ReadError, SNAPSHOT_VERSION};
pub(crate) use tag::{limit, name};
pub(crate) use time::{maybe_us, us};

#[cfg(all(test, feature = "pool"))]
mod page;
#[cfg(test)]
mod tests;
