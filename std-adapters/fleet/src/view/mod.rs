//! What the hosts of a fleet say, together: who uses the most, what is full, who is silent, and where.
//!
//! [`FleetView`] is a pure state machine: states and events of hosts go in, and times are arguments. [`FleetReader`]
//! feeds one from the server. A [`LiveView`] is one that is fed while others look at it.
//!
//! # Invariants
//! - FLEET-2: each state has the run of its host (its *incarnation*) and its place in it. The view keeps the newest
//!   of each host, and answers all questions from these alone. So what comes twice, late or out of order changes
//!   nothing, and of what is lost only the newest is missed until the next one comes. A host that has said
//!   nothing new for a while is gone, with its ledgers.
//! - FLEET-4: the fleet's largest users, raised limits and silent guests have their host, and the age of its
//!   state. What cannot be read is shown as such, and changes nothing else.
//!
//! # Restarts
//! A run that began later takes the place of the one before, with all its ledgers: nothing is counted twice. A run
//! that began *earlier* by the clock of the host has sent late, or the clock was set back: it is taken only when
//! nothing new has come for a while ([`ViewSettings::quiet_after`]). Until then it is counted as a
//! [rival](FleetHost::rivals): two hosts that share a name show so.
//!
//! # Ages
//! A state's age is the time since it came, by the clock of the reader, and, if it was stored before the reader began,
//! how much older than the newest it was then, by the clock of the server. The clocks of the hosts are shown, and
//! compared with nothing.
//!
//! ```
//! use std::time::Duration;
//!
//! use plimsoll_fleet::view::{FleetView, Taken};
//! # let state = |sequence| plimsoll_fleet::HostState {
//! #     host: plimsoll_fleet::HostName::new("web-1").unwrap(),
//! #     incarnation: 7,
//! #     sequence,
//! #     at_unix_ms: 0,
//! #     started_unix_ms: 0,
//! #     interval_ms: 5_000,
//! #     snapshot: plimsoll::Snapshot::default(),
//! #     ledgers: Vec::new(),
//! #     silent: Vec::new(),
//! #     silent_more: 0,
//! #     events: Default::default(),
//! # };
//!
//! let mut view = FleetView::default();
//! let (now, stored) = (Duration::from_secs(1), Duration::from_secs(1_800_000_000));
//! assert_eq!(view.on_state(now, stored, state(2)), Taken::Joined);
//! assert_eq!(view.on_state(now, stored, state(1)), Taken::Old, "it came late");
//! let later = Duration::from_secs(11);
//! assert_eq!(view.hosts().next().unwrap().age(later), Duration::from_secs(10));
//! ```

mod events;
mod fleet;
mod heard;
mod host;
mod live;
mod picture;
mod read;
mod summary;
mod table;
mod thread;

pub use events::FleetEvent;
pub use fleet::{FleetView, ViewSettings};
pub use heard::{Connection, Heard};
pub use host::{FleetFlaw, FleetHost, Taken};
pub use live::LiveView;
pub use picture::{FleetLedger, FleetLimit, FleetSilence};
pub use read::FleetReader;
pub use summary::FleetSummary;
pub use table::FleetTable;
pub use thread::ReaderThread;
