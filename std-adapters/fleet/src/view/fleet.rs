//! The newest states of all hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::events::{Events, FleetEvent};
use super::host::{FleetFlaw, FleetHost, Taken};
use crate::state::{HostName, HostState};

/// Hosts of a view at most, by default: their states are kept whole.
const HOSTS_MAX: usize = 10_000;
/// Keys whose flaws are kept, of hosts that are not known.
const FLAWS_MAX: usize = 100;

/// For how long a view trusts what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ViewSettings {
    /// After so long without a new state a host is gone; 60 s by default.
    pub gone_after: Duration,
    /// After so long without a new state a host's name is free for a run that began earlier; 15 s by default.
    pub quiet_after: Duration,
    /// Hosts that are kept at most; 10,000 by default.
    pub hosts_max: usize,
}

impl Default for ViewSettings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { gone_after: seconds(60), quiet_after: seconds(15), hosts_max: HOSTS_MAX }
    }
}

/// What the hosts of a fleet said last. See [the module](super).
///
/// `now` is a time by the reader's clock, counted from any moment, that does not go back.
#[derive(Clone, Debug, Default)]
pub struct FleetView {
    settings: ViewSettings,
    pub(super) hosts: BTreeMap<HostName, FleetHost>,
    /// When the server stored the newest state, by its clock.
    newest_stored: Duration,
    /// With the time at which the message came.
    flaws: BTreeMap<Box<str>, (Duration, FleetFlaw)>,
    pub(super) events: Events,
    gone: u64,
}

impl FleetView {
    /// A view that knows nothing yet.
    pub fn new(settings: ViewSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Takes a whole state in. `stored` is when the server stored it, by the server's clock, counted from any
    /// moment that is the same for all states.
    ///
    /// # Returns
    /// What became of it.
    pub fn on_state(&mut self, now: Duration, stored: Duration, state: HostState) -> Taken {
        self.newest_stored = self.newest_stored.max(stored);
        let behind = self.newest_stored - stored;
        self.flaws.remove(state.host.as_str());
        let Some(host) = self.hosts.get_mut(&state.host) else {
            // What has been there for too long is of a host that is gone.
            if behind >= self.settings.gone_after {
                return Taken::Old;
            }
            if self.hosts.len() >= self.settings.hosts_max {
                return Taken::NoRoom;
            }
            self.hosts.insert(state.host.clone(), FleetHost::new(state, now, behind));
            return Taken::Joined;
        };
        host.on_state(state, now, behind, self.settings.quiet_after)
    }

    /// Takes in that a message could not be read: its host keeps the last state that could be, whose age grows.
    pub fn on_flaw(&mut self, now: Duration, key: &str, flaw: FleetFlaw) {
        if let Some(host) = HostName::new(key).ok().and_then(|name| self.hosts.get_mut(&name)) {
            host.flaw = Some(flaw);
        } else if self.flaws.len() < FLAWS_MAX || self.flaws.contains_key(key) {
            self.flaws.insert(key.chars().take(HostName::BYTES_MAX).collect(), (now, flaw));
        }
    }

    /// Takes in that a host has deleted its state.
    pub fn on_gone(&mut self, host: &HostName) {
        self.gone += u64::from(self.hosts.remove(host).is_some());
        self.flaws.remove(host.as_str());
    }

    /// Takes an event in.
    ///
    /// # Returns
    /// Whether it is new.
    pub fn on_event(&mut self, event: FleetEvent) -> bool {
        self.events.on_event(event)
    }

    /// Removes hosts without a new state for [too long](ViewSettings::gone_after), and flaws as old as that.
    pub fn advance(&mut self, now: Duration) {
        let (before, gone_after) = (self.hosts.len(), self.settings.gone_after);
        self.hosts.retain(|_, host| host.age(now) < gone_after);
        self.gone += (before - self.hosts.len()) as u64;
        self.flaws.retain(|_, (came, _)| now.saturating_sub(*came) < gone_after);
    }

    /// The hosts, by name.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &FleetHost> {
        self.hosts.values()
    }

    /// The host of this name.
    pub fn host(&self, name: &HostName) -> Option<&FleetHost> {
        self.hosts.get(name)
    }

    /// Messages that could not be read, by the keys of hosts without a state.
    pub fn flaws(&self) -> impl Iterator<Item = (&str, &FleetFlaw)> {
        self.flaws.iter().map(|(key, (_, flaw))| (&**key, flaw))
    }

    /// How many hosts have gone: those that deleted their state, and those that sent none for too long.
    pub const fn gone(&self) -> u64 {
        self.gone
    }
}
