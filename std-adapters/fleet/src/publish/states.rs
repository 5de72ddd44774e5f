//! The writer of states.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use plimsoll::{Registry, Snapshot};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::now_unix_ms;
use super::publisher::Publisher;
use super::shared::Shared;
use super::stats::Part;
use super::waiting::connected;
use crate::connect::server_error;
use crate::error::FleetError;
use crate::open::Opened;
use crate::state::{Frame, HostName, HostState, Keys, PublisherCounts};

/// States in a row after which a name is taken no longer.
const OWN_MIN: u32 = 10;

/// Bytes that a message has besides its payload, at most: its headers count, too.
const HEADERS: usize = 512;

/// Writes the state of the host to the bucket.
#[derive(Debug)]
pub(super) struct States {
    registry: Registry,
    host: HostName,
    interval: Duration,
    users_max: usize,
    incarnation: u64,
    started_unix_ms: u64,
    /// Of the last state that was made.
    sequence: u64,
    /// Where the parts of the next one go.
    slot: u64,
    /// The revision of the last one that this run has written, if that is known.
    revision: Option<u64>,
    /// States in a row that were written over one of this run.
    own: u32,
}

impl States {
    pub(super) fn new(publisher: &Publisher, incarnation: u64) -> Self {
        Self {
            registry: publisher.registry.clone(),
            host: publisher.host.clone(),
            interval: publisher.interval,
            users_max: publisher.users_max,
            incarnation,
            started_unix_ms: now_unix_ms(),
            sequence: 0,
            slot: 0,
            revision: None,
            own: OWN_MIN,
        }
    }

    /// Writes a state at each interval, and when it is asked for, for as long as the bucket is
    /// there.
    ///
    /// # Returns
    /// Why it is to be opened again.
    pub(super) async fn run(
        &mut self,
        opened: &Opened,
        shared: &Arc<Shared>,
        asked: &Notify,
    ) -> FleetError {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = asked.notified() => {}
            }
            connected(&opened.jetstream.client(), &shared.board).await;
            match self.write(opened, shared).await {
                Ok(()) => shared.board.count(|counts| counts.states += 1),
                Err(Trouble::NoBucket(problem)) => return problem,
                Err(Trouble::Unknown(problem)) => {
                    shared.board.count(|counts| counts.states_unknown += 1);
                    shared.board.set_problem(Part::States, Some(problem));
                }
                Err(Trouble::Refused(problem)) => {
                    shared.board.set_problem(Part::States, Some(problem))
                }
            }
        }
    }

    async fn write(&mut self, opened: &Opened, shared: &Arc<Shared>) -> Result<(), Trouble> {
        self.sequence += 1;
        let bytes_max = opened.jetstream.client().max_payload().saturating_sub(HEADERS);
        let frames = self.frames(shared.clone(), bytes_max).await.map_err(Trouble::Refused)?;
        let keys = Keys(&self.host);
        let Some((last, parts)) = frames.split_last() else { return Ok(()) };
        for (index, part) in parts.iter().enumerate() {
            let key = keys.part(self.slot, index as u64);
            put(opened, &key, part.to_bytes(), None).await.map_err(Trouble::of)?;
        }
        if !parts.is_empty() {
            // Whatever becomes of the commit: the next parts leave these alone.
            self.slot = 1 - self.slot;
        }
        self.commit(opened, &keys.state(), last.to_bytes(), shared).await
    }

    /// Writes the state, or the commit of its parts, over what this run wrote last.
    async fn commit(
        &mut self,
        opened: &Opened,
        key: &str,
        frame: Bytes,
        shared: &Shared,
    ) -> Result<(), Trouble> {
        let expected = self.revision.take();
        let revision = match put(opened, key, frame.clone(), expected).await {
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                if self.is_taken(opened, key).await {
                    self.own = 0;
                    let host = self.host.clone();
                    let taken = FleetError::NameTaken { host };
                    shared.board.set_problem(Part::States, Some(taken));
                }
                put(opened, key, frame, None).await
            }
            put => put,
        };
        self.revision = Some(revision.map_err(Trouble::of)?);
        self.own = self.own.saturating_add(1);
        // Two hosts of one name do not always meet.
        if self.own > OWN_MIN {
            shared.board.set_problem(Part::States, None);
        }
        Ok(())
    }

    /// Whether another run has written there since: not one of this run whose acknowledgement came
    /// late, and not the age of the bucket.
    async fn is_taken(&self, opened: &Opened, key: &str) -> bool {
        let found = opened.states.get(key).await.ok().flatten();
        match found.map(Frame::from_bytes) {
            Some(Ok(Frame::Whole { of, .. } | Frame::Commit { of, .. })) => {
                of.0 != self.incarnation
            }
            Some(_) => true,
            None => false,
        }
    }

    /// The frames of the state now. A function of the host that a snapshot asks may take its time.
    async fn frames(
        &self,
        shared: Arc<Shared>,
        bytes_max: usize,
    ) -> Result<Vec<Frame>, FleetError> {
        let (registry, users_max, slot) = (self.registry.clone(), self.users_max, self.slot);
        let (host, incarnation, sequence) = (self.host.clone(), self.incarnation, self.sequence);
        let interval_ms = self.interval.as_millis().try_into().unwrap_or(u64::MAX);
        let started_unix_ms = self.started_unix_ms;
        let make = move || {
            let state = HostState::of(&registry, host, users_max);
            let silent = shared.outbox.silent();
            let state = HostState {
                incarnation,
                sequence,
                at_unix_ms: now_unix_ms(),
                started_unix_ms,
                interval_ms,
                silent_more: silent_in(&state.snapshot).saturating_sub(silent.len() as u64),
                silent,
                events: counts(&shared),
                ..state
            };
            Frame::split(&state, slot, bytes_max)
        };
        let made = tokio::task::spawn_blocking(make).await;
        made.map_err(|why| server_error("make the state", &why))?.map_err(FleetError::State)
    }
}

/// How many guests are silent by the watchers of a snapshot.
fn silent_in(snapshot: &Snapshot) -> u64 {
    snapshot.watchers().iter().map(|watcher| watcher.silent).sum()
}

/// What has become of events and states until now.
pub(super) fn counts(shared: &Shared) -> PublisherCounts {
    let mut counts = shared.board.now().counts;
    counts.dropped = shared.outbox.counts().1;
    counts
}

enum Trouble {
    /// It may be stored or not.
    Unknown(FleetError),
    /// It is not stored, or says what the host has to change.
    Refused(FleetError),
    NoBucket(FleetError),
}

impl Trouble {
    fn of(error: PublishError) -> Self {
        let problem = server_error("write the state", &error);
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NoBucket(problem),
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Self::Unknown(problem),
            _ => Self::Refused(problem),
        }
    }
}

/// Writes a value, over the revision that is expected.
async fn put(
    opened: &Opened,
    key: &str,
    value: Bytes,
    expected: Option<u64>,
) -> Result<u64, PublishError> {
    let prefix = opened.states.put_prefix.as_ref().unwrap_or(&opened.states.prefix);
    let mut message = PublishMessage::build().payload(value);
    if let Some(revision) = expected {
        message = message.expected_last_subject_sequence(revision);
    }
    let ack = opened.jetstream.send_publish(format!("{prefix}{key}"), message).await?.await?;
    Ok(ack.sequence)
}
