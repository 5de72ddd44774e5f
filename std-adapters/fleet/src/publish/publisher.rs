//! The settings of a publisher.

use std::time::Duration;

use plimsoll::Registry;

use crate::connect::Fleet;
use crate::error::FleetError;
use crate::state::HostName;

/// Publishes a registry to a [fleet](Fleet): each event once it happens, and the whole state every
/// few seconds.
///
/// Recorders do nothing for it but to put an event of a limit into a bounded buffer, which they do
/// when the registry delivers it: with [`Delivery::Deferred`](plimsoll::Delivery) not even that.
///
/// # Invariants
/// - FLEET-1: an event that is in the buffer is sent, with the same id, until the server has
///   acknowledged it; one whose acknowledgement is late may be stored, and counts neither as sent
///   nor as lost. What the buffer had no room for is counted, in the numbers of the events, in each
///   state and in an event of its own.
/// - FLEET-2: each state stands alone: one that is lost or doubled changes nothing once the next is
///   there.
///
/// Events that are sent again may come after later ones. Those of one host have the order of their
/// numbers, at the end of their ids.
///
/// # Events
/// CloudEvents 1.0, structured, in JSON. `source` is `/NAME/HOST`, with the names of fleet and
/// host; `id` is the run of the host and the number of the event in it, from 1 on; both are the
/// message's id. `time` is by the clock of the host.
///
/// | `type` | `data` |
/// |---|---|
/// | [`Silence::CLOUD_EVENT_TYPE`] | of a guest that has fallen silent, as [`Silence::cloud_event`] says |
/// | `dev.plimsoll.event.KIND` | any other [`Event`] in its serde form, as `docs/SNAPSHOT.md` says |
/// | `dev.plimsoll.fleet.dropped` | `{"dropped", "total"}`: events that found no room, lately and in all |
///
/// [`Event`]: plimsoll::Event
/// [`Silence::CLOUD_EVENT_TYPE`]: plimsoll::Silence::CLOUD_EVENT_TYPE
/// [`Silence::cloud_event`]: plimsoll::Silence::cloud_event
///
/// # The end
/// The buffer ends with the process: [`Publishing::close`](crate::Publishing::close) sends what is in it first.
///
/// # Principals
/// They are in the states of ledgers, so that readers can merge them: who reads the bucket sees
/// them.
///
/// # Example
/// ```no_run
/// use plimsoll::Registry;
/// use plimsoll_fleet::{Fleet, HostName, Publisher};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let fleet = Fleet::new("nats://127.0.0.1:4222")?;
/// let publishing = Publisher::new(Registry::global(), HostName::new("web-1")?, fleet).spawn()?;
/// // ... for as long as the host runs
/// publishing.close(std::time::Duration::from_secs(2)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is published until `spawn`"]
pub struct Publisher {
    pub(super) registry: Registry,
    pub(super) host: HostName,
    pub(super) fleet: Fleet,
    pub(super) interval: Duration,
    pub(super) ack_timeout: Duration,
    pub(super) buffer: usize,
    pub(super) users_max: usize,
}

const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(3_600);
const TIMEOUT_MIN: Duration = Duration::from_millis(10);
const TIMEOUT_MAX: Duration = Duration::from_secs(600);
const BUFFER_MAX: usize = 1 << 24;

impl Publisher {
    /// Events that wait for the server at most, by default.
    pub const BUFFER_DEFAULT: usize = 4_096;

    /// A publisher of a registry under the name of its host.
    pub fn new(registry: &Registry, host: HostName, fleet: Fleet) -> Self {
        Self {
            registry: registry.clone(),
            host,
            fleet,
            interval: Duration::from_secs(5),
            ack_timeout: Duration::from_secs(5),
            buffer: Self::BUFFER_DEFAULT,
            users_max: usize::MAX,
        }
    }

    /// The time between two states: 100 ms to an hour, by default 5 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long an acknowledgement may take: 10 ms to 10 minutes, by default 5 s. After that the
    /// event is sent again.
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// How many events may wait for the server, those included that it has not acknowledged yet; by
    /// default [`BUFFER_DEFAULT`](Self::BUFFER_DEFAULT). An event that finds no room is dropped.
    pub fn buffer(mut self, events: usize) -> Self {
        self.buffer = events;
        self
    }

    /// How many users of each ledger a state has at most, the largest; by default all. What is left
    /// out raises the bound of those who are absent.
    pub fn users_max(mut self, users: usize) -> Self {
        self.users_max = users;
        self
    }

    pub(super) fn check(&self) -> Result<(), FleetError> {
        let (min, max) = (INTERVAL_MIN, INTERVAL_MAX);
        if !(min..=max).contains(&self.interval) {
            return Err(FleetError::Interval { asked: self.interval, min, max });
        }
        let (min, max) = (TIMEOUT_MIN, TIMEOUT_MAX);
        if !(min..=max).contains(&self.ack_timeout) {
            return Err(FleetError::Timeout { asked: self.ack_timeout, min, max });
        }
        self.fleet.check()?;
        let (interval, max_age) = (self.interval, self.fleet.states_age());
        if max_age < interval * 2 {
            return Err(FleetError::Retention { interval, max_age });
        }
        if !(1..=BUFFER_MAX).contains(&self.buffer) {
            return Err(FleetError::Buffer { asked: self.buffer, max: BUFFER_MAX });
        }
        Ok(())
    }
}
