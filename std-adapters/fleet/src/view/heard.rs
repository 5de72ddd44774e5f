//! What a reader hands to a view.

use std::time::Duration;

use super::events::FleetEvent;
use super::fleet::{FleetView, Taken};
use super::host::FleetFlaw;
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
    /// A host has taken its state back.
    Gone {
        /// The host.
        host: HostName,
    },
    /// An event of a host.
    Event(FleetEvent),
    /// All that was stored when the reader began has been heard.
    Current,
    /// The connection, in words: it is there, or what it fails of.
    Connection(Box<str>),
}

impl FleetView {
    /// Takes in what a reader has heard.
    ///
    /// # Returns
    /// What became of it, of a state.
    pub fn on_heard(&mut self, now: Duration, heard: Heard) -> Option<Taken> {
        match heard {
            Heard::State { stored, state } => return Some(self.on_state(now, stored, *state)),
            Heard::Flaw { key, flaw } => self.on_flaw(&key, flaw),
            Heard::Gone { host } => self.on_gone(&host),
            Heard::Event(event) => drop(self.on_event(event)),
            Heard::Current | Heard::Connection(_) => {}
        }
        None
    }
}
