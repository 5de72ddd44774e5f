//! Hosts of a fleet, as a reader hears them, without a server.

use std::time::Duration;

use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::state::{LedgerState, SilentGuest};
use plimsoll_fleet::view::Heard;
use plimsoll_fleet::{HostName, HostState};

/// A host with some of 1,024 frames, a ledger, and a guest that is silent if it has a name.
pub(crate) struct Sample<'a> {
    pub(crate) host: &'a str,
    pub(crate) sequence: u64,
    pub(crate) scope: &'a str,
    pub(crate) frames: u64,
    pub(crate) users: &'a [(&'a str, u64)],
    pub(crate) silent: Option<&'a str>,
}

impl Sample<'_> {
    /// Its state, stored now.
    pub(crate) fn heard(&self) -> Heard {
        let registry = Registry::new();
        let frames = Limit::queue("v8_session_frames").scope(self.scope.to_owned());
        let frames = registry.gauge(frames, Watermarks::percent(1_024, 80, 50)).unwrap();
        frames.add(self.frames);
        let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 64).unwrap();
        for (user, amount) in self.users {
            fuel.record(*user, *amount).unwrap();
        }
        let snapshot = registry.snapshot_with_users(usize::MAX);
        let ledgers = snapshot.ledgers().iter();
        let silent = self.silent.map(|guest| SilentGuest {
            watcher: "guests".into(),
            guest: guest.into(),
            run: "run-1".into(),
            silent_for_ms: 3_000,
            window_ms: 10_000,
            elapsed_ms: 10_000,
        });
        let state = HostState {
            host: HostName::new(self.host).unwrap(),
            incarnation: 1,
            sequence: self.sequence,
            at_unix_ms: 0,
            started_unix_ms: 0,
            interval_ms: 5_000,
            ledgers: ledgers.map(|ledger| LedgerState::of(ledger, usize::MAX)).collect(),
            snapshot,
            silent: silent.into_iter().collect(),
            silent_more: 0,
            events: Default::default(),
        };
        Heard::State { stored: Duration::from_secs(1_800_000_000), state: Box::new(state) }
    }
}
