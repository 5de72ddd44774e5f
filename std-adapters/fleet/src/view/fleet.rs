//! The newest words of all hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::events::{Events, FleetEvent};
use super::host::{FleetFlaw, FleetHost, Order, Times};
use crate::state::{HostName, HostState};

/// Hosts of a view at most, by default: their states are kept whole.
const HOSTS_MAX: usize = 10_000;
/// Keys whose flaws are kept, of hosts that are not known.
const FLAWS_MAX: usize = 100;

/// For how long a view trusts what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ViewSettings {
    /// After so long without a new word a host is gone; 60 s by default.
    pub gone_after: Duration,
    /// After so long without a new word a host's name is free for a run that began earlier; 15 s by default.
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

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// It is the first of its host.
    Joined,
    /// It is newer than what was known.
    Newer,
    /// Its host has restarted.
    Restarted,
    /// It is known, or older than what is: nothing changes.
    Old,
    /// It is of a run that began before the one that is shown: nothing changes.
    Rival,
    /// There are as many hosts as may be: nothing changes.
    NoRoom,
}

/// What the hosts of a fleet said last. See [the module](super).
///
/// `now` is a time by the reader's clock, counted from any moment, that does not go back.
#[derive(Clone, Debug)]
pub struct FleetView {
    settings: ViewSettings,
    pub(super) hosts: BTreeMap<HostName, FleetHost>,
    /// When the server stored the newest state, by its clock.
    newest_stored: Duration,
    /// When a reader has begun that has not yet said that it is current.
    began: Option<Duration>,
    flaws: BTreeMap<Box<str>, FleetFlaw>,
    pub(super) events: Events,
    gone: u64,
}

impl FleetView {
    /// A view that knows nothing yet.
    pub fn new(settings: ViewSettings) -> Self {
        Self {
            settings,
            hosts: BTreeMap::new(),
            newest_stored: Duration::ZERO,
            began: Some(Duration::ZERO),
            flaws: BTreeMap::new(),
            events: Events::default(),
            gone: 0,
        }
    }

    /// Takes a whole state in. `stored` is when the server stored it, by the server's clock, counted from any
    /// moment that is the same for all states.
    ///
    /// # Returns
    /// What became of it.
    pub fn on_state(&mut self, now: Duration, stored: Duration, state: HostState) -> Taken {
        self.newest_stored = self.newest_stored.max(stored);
        // What comes later than all that was stored before is as old as it is here: the server's clock may be set.
        let behind = self.began.map_or(Duration::ZERO, |_| self.newest_stored - stored);
        let at = Times { came: now, stored, behind };
        self.flaws.remove(state.host.as_str());
        let Some(host) = self.hosts.get_mut(&state.host) else {
            // What has been there for too long is of a host that is gone.
            if behind >= self.settings.gone_after {
                return Taken::Old;
            }
            if self.hosts.len() >= self.settings.hosts_max {
                return Taken::NoRoom;
            }
            self.hosts.insert(state.host.clone(), FleetHost::new(state, at));
            return Taken::Joined;
        };
        match host.order(&state, now, self.settings.quiet_after) {
            Order::Later => {
                host.replace(state, at);
                Taken::Newer
            }
            Order::Restarted => {
                host.replace(state, at);
                host.restarts += 1;
                Taken::Restarted
            }
            Order::Old => {
                host.repeated += 1;
                Taken::Old
            }
            Order::Rival => {
                host.rivals += 1;
                Taken::Rival
            }
        }
    }

    /// Takes in that a reader begins: until it is [current](Self::on_current), what comes was stored before.
    pub fn on_begin(&mut self, now: Duration) {
        (self.began, self.newest_stored) = (Some(now), Duration::ZERO);
    }

    /// Takes in that all has come that was stored before the reader began. A server gives the oldest first: only
    /// now it is known how old each is.
    pub fn on_current(&mut self, now: Duration) {
        let Some(began) = self.began.take() else { return };
        let (newest_stored, gone_after) = (self.newest_stored, self.settings.gone_after);
        self.hosts.retain(|_, host| {
            host.on_current(began, newest_stored);
            // It was gone before the reader began.
            host.age(now) < gone_after
        });
    }

    /// Takes in that a word could not be read: its host keeps the last one that could, and its age grows.
    pub fn on_flaw(&mut self, key: &str, flaw: FleetFlaw) {
        if let Some(host) = HostName::new(key).ok().and_then(|name| self.hosts.get_mut(&name)) {
            host.flaw = Some(flaw);
        } else if self.flaws.len() < FLAWS_MAX || self.flaws.contains_key(key) {
            self.flaws.insert(key.chars().take(HostName::BYTES_MAX).collect(), flaw);
        }
    }

    /// Takes in that a host has taken its word back.
    pub fn on_gone(&mut self, host: &HostName) {
        self.flaws.remove(host.as_str());
        self.gone += u64::from(self.hosts.remove(host).is_some());
    }

    /// Takes an event in.
    ///
    /// # Returns
    /// Whether it is new.
    pub fn on_event(&mut self, event: FleetEvent) -> bool {
        self.events.on_event(event)
    }

    /// Lets hosts go that have said nothing new for [too long](ViewSettings::gone_after).
    pub fn advance(&mut self, now: Duration) {
        let (before, gone_after) = (self.hosts.len(), self.settings.gone_after);
        self.hosts.retain(|_, host| host.age(now) < gone_after);
        self.gone += (before - self.hosts.len()) as u64;
    }

    /// The hosts, by name.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &FleetHost> {
        self.hosts.values()
    }

    /// The host of this name.
    pub fn host(&self, name: &HostName) -> Option<&FleetHost> {
        self.hosts.get(name)
    }

    /// Words that could not be read, by the keys of hosts that have said nothing else.
    pub fn flaws(&self) -> impl Iterator<Item = (&str, &FleetFlaw)> {
        self.flaws.iter().map(|(key, flaw)| (&**key, flaw))
    }

    /// How many hosts have gone, by their own word or for want of one.
    pub const fn gone(&self) -> u64 {
        self.gone
    }
}

impl Default for FleetView {
    fn default() -> Self {
        Self::new(ViewSettings::default())
    }
}
