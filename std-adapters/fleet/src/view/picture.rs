//! Queries of a view: raised limits, silent guests, merged ledgers.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use foldhash::quality::RandomState;
use plimsoll::SnapshotEntry;

use super::events::FleetEvent;
use super::fleet::FleetView;
use super::host::FleetHost;
use crate::merge::{LedgerName, MergeError, Merged, MergedUser};
use crate::state::{HostName, LedgerState, SilentGuest};

/// A raised limit of a host.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FleetLimit<'v> {
    /// Where.
    pub host: &'v HostName,
    /// How old the host's state is.
    pub age: Duration,
    /// The limit.
    pub entry: &'v SnapshotEntry,
}

/// A silent guest of a host.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FleetSilence<'v> {
    /// Where.
    pub host: &'v HostName,
    /// How old the host's state is.
    pub age: Duration,
    /// The guest.
    pub guest: &'v SilentGuest,
    /// For how long it has been silent, as attended: when it was reported, and since then.
    pub silent_for: Duration,
}

/// The ledgers of one name, of all hosts, merged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetLedger {
    /// All of them together.
    pub merged: Merged,
    /// The hosts of the merged states, in their order.
    pub hosts: Vec<HostName>,
}

impl FleetLedger {
    /// The host where a user has the most.
    pub fn most_on(&self, user: &MergedUser) -> Option<&HostName> {
        self.hosts.get(user.most_on)
    }
}

/// Ledgers of one name, of all hosts.
pub(super) struct ToMerge(Vec<(HostName, LedgerState)>);

impl ToMerge {
    /// # Errors
    /// [`MergeError::Nothing`], if there are none.
    pub(super) fn merge(self, users_max: usize) -> Result<FleetLedger, MergeError> {
        let (hosts, states): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        Ok(FleetLedger { merged: Merged::of(&states, users_max)?, hosts })
    }
}

impl FleetView {
    /// The raised limits of all hosts, the most serious first.
    pub fn raised(&self, now: Duration) -> Vec<FleetLimit<'_>> {
        let mut limits = Vec::new();
        for host in self.hosts() {
            let age = host.age(now);
            let raised = host.raised();
            limits.extend(raised.map(|entry| FleetLimit { host: host.name(), age, entry }));
        }
        limits.sort_by_key(|limit| Reverse((limit.entry.level, limit.entry.waiting > 0)));
        limits
    }

    /// The silent guests of all hosts, the longest silent first.
    pub fn silent(&self, now: Duration) -> Vec<FleetSilence<'_>> {
        let mut silent = Vec::new();
        for host in self.hosts() {
            let age = host.age(now);
            let guests = host.state().silent.iter();
            silent.extend(guests.map(|guest| {
                let known = guest.silent_for_ms.saturating_add(guest.elapsed_ms);
                let silent_for = Duration::from_millis(known).saturating_add(age);
                FleetSilence { host: host.name(), age, guest, silent_for }
            }));
        }
        silent.sort_by_key(|silence| Reverse(silence.silent_for));
        silent
    }

    /// How many guests are silent, named or not.
    pub fn silent_count(&self) -> u64 {
        self.hosts().map(FleetHost::silent_count).fold(0, u64::saturating_add)
    }

    /// The ledgers of the fleet, in the order of their names.
    pub fn ledgers(&self) -> Vec<LedgerName> {
        let ledgers = self.hosts().flat_map(|host| &host.state().ledgers);
        // Each is looked up once: a ledger for each guest makes many names.
        let mut seen = HashSet::with_hasher(RandomState::default());
        let mut names = Vec::new();
        for ledger in ledgers {
            if seen.insert((ledger.name(), ledger.scope(), ledger.category(), ledger.kind())) {
                names.push(LedgerName::of(ledger));
            }
        }
        names.sort_by(|a, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
        names
    }

    /// Merges the ledgers of that name (FLEET-3), and lists the `users_max` largest users. The cost grows with
    /// the entries of all hosts: about 50 ns for each of a sum, more of a peak.
    ///
    /// # Errors
    /// [`MergeError::Nothing`], if no host has one.
    pub fn merged(&self, name: &LedgerName, users_max: usize) -> Result<FleetLedger, MergeError> {
        let (hosts, states): (Vec<_>, Vec<_>) = self.states_of(name).unzip();
        Ok(FleetLedger { merged: Merged::of(states, users_max)?, hosts })
    }

    /// The ledgers of that name, to be merged without the view: they share the memory of its states.
    pub(super) fn to_merge(&self, name: &LedgerName) -> ToMerge {
        ToMerge(self.states_of(name).map(|(host, state)| (host, state.clone())).collect())
    }

    fn states_of(&self, name: &LedgerName) -> impl Iterator<Item = (HostName, &LedgerState)> {
        self.hosts().flat_map(|host| {
            let ledgers = host.state().ledgers.iter().filter(|ledger| name.is_of(ledger));
            ledgers.map(|ledger| (host.name().clone(), ledger))
        })
    }

    /// The newest events, at most `most`, the newest last.
    pub fn newest_events(&self, most: usize) -> impl Iterator<Item = &FleetEvent> {
        self.events.newest(most)
    }
}
