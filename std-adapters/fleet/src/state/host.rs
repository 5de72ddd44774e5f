//! The state of a host, written and read.

use bytes::{BufMut, Bytes, BytesMut};
use plimsoll::{Registry, Snapshot};
use serde::{Deserialize, Serialize};

use super::ledger::{LedgerHead, LedgerState};
use super::name::HostName;
use super::wire;
use crate::error::{StateError, without_values};

/// Users of each ledger that the snapshot of a state has: all are in its ledgers.
const SNAPSHOT_USERS: usize = 10;

/// What a host says of itself, whole: its limits and pools, and all users of its ledgers.
#[derive(Clone, Debug, PartialEq)]
pub struct HostState {
    /// The name of the host.
    pub host: HostName,
    /// A random number of this run of the host: with another one it has restarted, and its ledgers
    /// began anew.
    pub incarnation: u64,
    /// The number of the state in this run, from 1 on.
    pub sequence: u64,
    /// When it was made, by the clock of the host, in ms since 1970. It is shown, and compared with
    /// nothing of other hosts.
    pub at_unix_ms: u64,
    /// When the publisher was made, by the same clock.
    pub started_unix_ms: u64,
    /// How many ms pass between two states.
    pub interval_ms: u64,
    /// Limits, pools and watchers, and the largest users only of ledgers.
    pub snapshot: Snapshot,
    /// All ledgers, in the order of their registration.
    pub ledgers: Vec<LedgerState>,
    /// The guests that are silent now, as far as they are kept by name.
    pub silent: Vec<SilentGuest>,
    /// How many more guests are silent than are kept by name.
    pub silent_more: u64,
    /// What has become of the events of the host.
    pub events: PublisherCounts,
}

/// A guest that is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentGuest {
    /// The name of the watcher's limit.
    pub watcher: String,
    /// The guest.
    pub guest: String,
    /// Its run.
    pub run: String,
    /// How long ago it was reported, when the state was made: no clock of another host is needed
    /// to tell its age.
    pub silent_for_ms: u64,
    /// Its window.
    pub window_ms: u64,
    /// How long it had been silent when it was reported, as attended.
    pub elapsed_ms: u64,
}

/// What has become of a publisher's events and states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PublisherCounts {
    /// Events that the server has acknowledged.
    pub acknowledged: u64,
    /// Acknowledgements that were late, refused or lost: the event was sent again.
    pub resent: u64,
    /// Acknowledgements that said that the server had the event already.
    pub duplicates: u64,
    /// Events that found no room, or were too large for the server.
    pub dropped: u64,
    /// States that the server has acknowledged.
    pub states: u64,
    /// States whose acknowledgement did not come in time: they may be stored or not.
    pub states_unknown: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    host: HostName,
    incarnation: u64,
    sequence: u64,
    at_unix_ms: u64,
    #[serde(default)]
    started_unix_ms: u64,
    #[serde(default)]
    interval_ms: u64,
    #[serde(default)]
    silent: Vec<SilentGuest>,
    #[serde(default)]
    silent_more: u64,
    #[serde(default)]
    events: PublisherCounts,
    ledgers: Vec<LedgerHead>,
    snapshot: Snapshot,
}

impl HostState {
    /// The state of a registry now, with up to `users_max` users of each ledger, the largest. The
    /// numbers of the run, its times, silent guests and events are to be filled in.
    ///
    /// ```
    /// use plimsoll::{Limit, Registry};
    /// use plimsoll_fleet::{HostName, HostState};
    ///
    /// let registry = Registry::new();
    /// let heaps = registry.peak_ledger(Limit::memory("heaps"), 64)?;
    /// heaps.record("acme", 3 << 20)?;
    /// let state = HostState::of(&registry, HostName::new("web-1")?, usize::MAX);
    /// let read = HostState::from_bytes(state.to_bytes()?)?;
    /// assert_eq!(read.ledgers[0].users().next().map(|user| user.value), Some(3 << 20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(registry: &Registry, host: HostName, users_max: usize) -> Self {
        let mut snapshot = registry.snapshot_with_users(usize::MAX);
        let ledgers = snapshot.ledgers().iter();
        let ledgers = ledgers.map(|ledger| LedgerState::of(ledger, users_max)).collect();
        snapshot.truncate_users(SNAPSHOT_USERS);
        Self {
            host,
            incarnation: 0,
            sequence: 0,
            at_unix_ms: 0,
            started_unix_ms: 0,
            interval_ms: 0,
            snapshot,
            ledgers,
            silent: Vec::new(),
            silent_more: 0,
            events: PublisherCounts::default(),
        }
    }

    /// The body that frames carry.
    ///
    /// # Errors
    /// [`StateError::Malformed`], if a part of the snapshot cannot be written.
    pub fn to_bytes(&self) -> Result<Bytes, StateError> {
        let head = Head {
            host: self.host.clone(),
            incarnation: self.incarnation,
            sequence: self.sequence,
            at_unix_ms: self.at_unix_ms,
            started_unix_ms: self.started_unix_ms,
            interval_ms: self.interval_ms,
            silent: self.silent.clone(),
            silent_more: self.silent_more,
            events: self.events,
            ledgers: self.ledgers.iter().map(|ledger| ledger.head.clone()).collect(),
            snapshot: self.snapshot.clone(),
        };
        let head = serde_json::to_vec(&head).map_err(|error| malformed(&error))?;
        let users: usize = self.ledgers.iter().map(LedgerState::encoded_len).sum();
        let mut out = BytesMut::with_capacity(10 + head.len() + users);
        wire::put_integer(&mut out, head.len() as u64);
        out.put_slice(&head);
        self.ledgers.iter().for_each(|ledger| out.put_slice(&ledger.users));
        Ok(out.freeze())
    }

    /// The state in a body. It shares the memory of the bytes.
    ///
    /// # Errors
    /// [`StateError::Short`] and [`StateError::Malformed`].
    pub fn from_bytes(mut bytes: Bytes) -> Result<Self, StateError> {
        let length = wire::take_integer(&mut bytes, "the length of the head")?;
        let head = wire::take(&mut bytes, length, "the head")?;
        let head: Head = serde_json::from_slice(&head).map_err(|error| malformed(&error))?;
        let mut ledgers = Vec::new();
        for ledger in head.ledgers {
            let users = wire::take(&mut bytes, ledger.bytes, "the users of a ledger")?;
            ledgers.push(LedgerState::read(ledger, users)?);
        }
        Ok(Self {
            host: head.host,
            incarnation: head.incarnation,
            sequence: head.sequence,
            at_unix_ms: head.at_unix_ms,
            started_unix_ms: head.started_unix_ms,
            interval_ms: head.interval_ms,
            snapshot: head.snapshot,
            ledgers,
            silent: head.silent,
            silent_more: head.silent_more,
            events: head.events,
        })
    }
}

fn malformed(error: &serde_json::Error) -> StateError {
    StateError::Malformed { what: "the head", why: without_values(error) }
}
