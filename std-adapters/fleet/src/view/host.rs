//! One host of a fleet.

use std::time::Duration;

use crate::error::{HostNameError, StateError};
use crate::state::{HostName, HostState};

/// What is wrong with a message of a host. Other hosts are shown all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetFlaw {
    /// It is no state that this program reads.
    #[error(transparent)]
    State(#[from] StateError),
    /// The key is of no host.
    #[error(transparent)]
    Name(#[from] HostNameError),
    /// It is the state of another host than the one whose key it has.
    #[error("the state under the key of {key} says that it is of {said}")]
    OtherHost {
        /// Whose key it is.
        key: HostName,
        /// Whose state it says it is.
        said: HostName,
    },
    /// An event that is no CloudEvent of a publisher.
    #[error("this is no event of a host: {why}")]
    Event {
        /// What is wrong with it.
        why: Box<str>,
    },
}

/// A host, with its newest state.
#[derive(Clone, Debug)]
pub struct FleetHost {
    state: HostState,
    /// When it came, by the clock of the reader.
    came: Duration,
    /// How much older than the newest state of all hosts it was then, by the clock of the server.
    behind: Duration,
    /// How often the host has restarted, as far as was seen.
    pub restarts: u64,
    /// States of runs that began before this one: they came late, or another host has the same name.
    pub rivals: u64,
    /// States that came too late, or twice.
    pub repeated: u64,
    /// What was wrong with the last message, if it could not be read.
    pub flaw: Option<FleetFlaw>,
}

/// What a state is to the newest word of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A later one of the same run.
    Later,
    /// One of a run that began later, or whose rival has gone quiet.
    Restarted,
    /// The same one, or an earlier one of the same run.
    Old,
    /// One of a run that began no later.
    Rival,
}

impl FleetHost {
    pub(super) fn new(state: HostState, came: Duration, behind: Duration) -> Self {
        Self { state, came, behind, restarts: 0, rivals: 0, repeated: 0, flaw: None }
    }

    /// Where a state belongs.
    pub(super) fn order(&self, state: &HostState, now: Duration, quiet_after: Duration) -> Order {
        let (newest, is_quiet) = (&self.state, now.saturating_sub(self.came) >= quiet_after);
        match state.incarnation == newest.incarnation {
            true if state.sequence > newest.sequence => Order::Later,
            true => Order::Old,
            false if state.started_unix_ms > newest.started_unix_ms || is_quiet => Order::Restarted,
            false => Order::Rival,
        }
    }

    pub(super) fn replace(&mut self, state: HostState, came: Duration, behind: Duration) {
        (self.state, self.came, self.behind, self.flaw) = (state, came, behind, None);
    }

    /// The host.
    pub const fn name(&self) -> &HostName {
        &self.state.host
    }

    /// Its newest state.
    pub const fn state(&self) -> &HostState {
        &self.state
    }

    /// How old its state is. See [the module](super) for the clocks.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.came) + self.behind
    }
}
