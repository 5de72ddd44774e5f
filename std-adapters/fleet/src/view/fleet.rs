//! The newest states of all hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::events::{Events, FleetEvent};
use super::host::{FleetFlaw, FleetHost, Taken, Times};
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
#[derive(Clone, Debug)]
pub struct FleetView {
    settings: ViewSettings,
    pub(super) hosts: BTreeMap<HostName, FleetHost>,
    /// When the server stored the newest state, by its clock.
    newest_stored: Duration,
    /// When a reader has begun that has not yet said that it is current.
    began: Option<Duration>,
    /// Run and number of the last state of hosts that are gone: a server gives it again to each reader that begins.
    departed: BTreeMap<HostName, (u64, u64)>,
    /// With the time at which the message came.
    flaws: BTreeMap<Box<str>, (Duration, FleetFlaw)>,
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
            departed: BTreeMap::new(),
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
            let last = self.departed.get(&state.host);
            let is_known = last.is_some_and(|(run, number)| {
                *run == state.incarnation && state.sequence <= *number
            });
            if is_known || behind >= self.settings.gone_after {
                return Taken::Old;
            }
            if self.hosts.len() >= self.settings.hosts_max {
                return Taken::NoRoom;
            }
            self.departed.remove(&state.host);
            self.hosts.insert(state.host.clone(), FleetHost::new(state, at));
            return Taken::Joined;
        };
        host.on_state(state, at, self.settings.quiet_after)
    }

    /// Takes in that a reader begins: until it is [current](Self::on_current), what comes was stored before.
    pub fn on_begin(&mut self, now: Duration) {
        (self.began, self.newest_stored) = (Some(now), Duration::ZERO);
    }

    /// Takes in that all has come that was stored before the reader began. A server gives the oldest first: only
    /// now it is known how old each is.
    pub fn on_current(&mut self, now: Duration) {
        let Some(began) = self.began.take() else { return };
        for host in self.hosts.values_mut() {
            host.on_current(began, self.newest_stored);
        }
        // These were gone before the reader began.
        self.age_out(now);
    }

    /// Removes the hosts that are too old; returns how many.
    fn age_out(&mut self, now: Duration) -> usize {
        let (gone_after, departed_max) = (self.settings.gone_after, self.settings.hosts_max);
        let before = self.hosts.len();
        let departed = &mut self.departed;
        self.hosts.retain(|name, host| {
            let is_here = host.age(now) < gone_after;
            if !is_here {
                if departed.len() >= departed_max {
                    departed.pop_first();
                }
                departed.insert(name.clone(), (host.state().incarnation, host.state().sequence));
            }
            is_here
        });
        before - self.hosts.len()
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

    /// Removes hosts without a new state for [too long](ViewSettings::gone_after), and flaws as old as that.
    pub fn advance(&mut self, now: Duration) {
        self.gone += self.age_out(now) as u64;
        let gone_after = self.settings.gone_after;
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

impl Default for FleetView {
    fn default() -> Self {
        Self::new(ViewSettings::default())
    }
}
