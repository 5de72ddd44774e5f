//! Telemetry, the floor below all other parts: names of limits, their readings, and events. Nothing
//! here imports the registry, or any tool that it lists.
//!
//! - [`Limit`], its [`PressureRule`] and its [`Tag`]: the name of a limit, and when its changes are
//!   events.
//! - [`Source`]: the trait of everything that a registry lists, and [`Seen`], which it writes into.
//! - [`Snapshot`] and [`Event`]: what readers and subscribers get.

pub mod catalog;
mod error;
mod event;
#[cfg(feature = "pool")]
mod histogram;
mod in_line;
mod limit;
mod pressure;
mod reading;
mod report;
#[cfg(feature = "serde")]
mod ser;
mod snapshot;
mod source;
mod tag;
#[cfg(feature = "tracing")]
pub(crate) mod trace;

pub use error::{BuildError, RegisterError};
pub use event::{
    Event, EventKind, ExhaustedEvent, GuestChange, GuestEvent, LaggingEvent, PressureChange,
    PressureEvent, Silence, SuspectEvent,
};
#[cfg(feature = "pool")]
pub use histogram::Histogram;
pub use in_line::InLine;
pub use limit::{Category, Limit};
pub use pressure::{EventRate, PressureRule, PressureShare};
#[cfg(feature = "serde")]
pub use ser::{ReadError, SNAPSHOT_VERSION};
#[cfg(feature = "pool")]
pub use snapshot::{
    DiscardReason, PoolCheckouts, PoolRefusals, PoolStats, PoolTimeouts, SnapshotPool,
};
pub use snapshot::{
    LedgerKind, LevelTotal, LevelTotals, RefusedSends, RegistryStats, Snapshot, SnapshotEntry,
    SnapshotFlow, SnapshotLedger, SnapshotRecent, SnapshotUser, SnapshotWatcher,
};

#[cfg(feature = "pool")]
pub(crate) use histogram::Recorder;
pub(crate) use reading::{AtRest, SourceReading};
pub(crate) use report::{Report, Standing};
pub(crate) use snapshot::SpareRows;
pub(crate) use source::{Reads, Seen, Source};
pub(crate) use tag::Tag;
