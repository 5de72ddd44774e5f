//! What a reader hands to a view.

use std::fmt;
use std::time::Duration;

use super::events::FleetEvent;
use super::fleet::FleetView;
use super::host::{FleetFlaw, Taken};
use crate::error::FleetError;
use crate::state::{HostName, HostState};

/// What was heard from the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Heard {
    /// The state of a host.
    State {
        /// When it was stored, by the server's clock.
        stored: Duration,
        /// All of it.
        state: Box<HostState>,
    },
    /// Something that cannot be read.
    Flaw {
        /// The name of a host, or what is in the place of one.
        key: Box<str>,
        /// What is wrong with it.
        flaw: FleetFlaw,
    },
    /// A host has deleted its state.
    Gone {
        /// The host.
        host: HostName,
    },
    /// An event of a host.
    Event(FleetEvent),
    /// All that was stored when the reader began has been heard.
    Current,
    /// How the reader stands with the server, if that has changed.
    Connection(Connection),
}

/// How a reader stands with its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Connection {
    /// It has not been there yet.
    #[default]
    Connecting,
    /// It is there. One that falls silent is noticed after half a minute.
    Connected,
    /// It is not there.
    Lost {
        /// Why not.
        why: FleetError,
        /// When the next try is; `None` if no other try can mend it.
        again_in: Option<Duration>,
    },
}

/// `connected`, or why it is not, on one line.
impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Lost { why, again_in: Some(wait) } => write!(f, "{why}; again in {wait:?}"),
            Self::Lost { why, again_in: None } => write!(f, "{why}"),
        }
    }
}

impl FleetView {
    /// Takes in what a reader has heard.
    ///
    /// # Returns
    /// What became of it, of a state.
    pub fn on_heard(&mut self, now: Duration, heard: Heard) -> Option<Taken> {
        match heard {
            Heard::State { stored, state } => return Some(self.on_state(now, stored, *state)),
            Heard::Flaw { key, flaw } => self.on_flaw(now, &key, flaw),
            Heard::Gone { host } => self.on_gone(&host),
            Heard::Event(event) => drop(self.on_event(event)),
            Heard::Current => self.on_current(now),
            Heard::Connection(Connection::Connected) => self.on_begin(now),
            Heard::Connection(_) => {}
        }
        None
    }
}
