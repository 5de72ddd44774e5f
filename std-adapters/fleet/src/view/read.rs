//! The reader: what the server has of all hosts, as it comes.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use async_nats::Client;
use async_nats::datetime::DateTime;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::context::AccountErrorKind;
use async_nats::jetstream::kv::{Entry, Operation, Store};
use async_nats::jetstream::{self, Context, Message};
use futures_util::StreamExt;

use super::events::FleetEvent;
use super::heard::{Connection, Heard};
use super::host::FleetFlaw;
use crate::connect::{Fleet, server_error};
use crate::error::{FleetError, StateError};
use crate::state::{Frame, HostName, HostState, Keys};

/// The first wait before another try, and the longest.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// After so long without a message the server is asked anew: a consumer that waits for a message after the last one
/// waits for ever on a server that has lost its store and counts from 1 again.
const QUIET_MAX: Duration = Duration::from_secs(20);
/// How long the server may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Reads a fleet: all states that are stored, and then each state and event as it comes.
///
/// It only reads: it makes no stream and no bucket, and works with whatever retention they have. While they are not
/// there, or the server is away, it tries again with growing pauses.
///
/// # Example
/// ```no_run
/// use std::time::Instant;
///
/// use plimsoll_fleet::Fleet;
/// use plimsoll_fleet::view::{FleetReader, FleetView};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let (began, mut view) = (Instant::now(), FleetView::default());
/// let reader = FleetReader::new(Fleet::new("nats://127.0.0.1:4222")?);
/// let ended = reader.follow(|heard| {
///     view.on_heard(began.elapsed(), heard);
///     view.advance(began.elapsed());
///     println!("{}", view.table(began.elapsed(), 10));
/// });
/// ended.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read until `follow`"]
pub struct FleetReader {
    fleet: Fleet,
}

impl FleetReader {
    /// A reader of this fleet. Of its settings, only the server and the name count.
    pub fn new(fleet: Fleet) -> Self {
        Self { fleet }
    }

    /// Reads for ever, and hands on what is heard.
    ///
    /// # Errors
    /// What another try cannot mend: [`FleetError::NoJetStream`], and what the client refuses to
    /// begin with.
    ///
    /// # Cancellation
    /// It may be dropped at any await: nothing is kept on the server for it.
    pub async fn follow(self, mut on_heard: impl FnMut(Heard)) -> Result<Infallible, FleetError> {
        let client = self.fleet.connect().await?;
        let mut wait = WAIT_FIRST;
        loop {
            let ended = self.read(&client, &mut on_heard, &mut wait).await;
            let why = match ended {
                Err(FleetError::NoJetStream) => return Err(FleetError::NoJetStream),
                Err(error) => error,
                // It was quiet: ask again at once.
                Ok(()) => continue,
            };
            on_heard(Heard::Connection(Connection::Lost { why, again_in: Some(wait) }));
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(WAIT_MAX);
        }
    }

    /// Reads until it fails, or all is quiet.
    async fn read(
        &self,
        client: &Client,
        on_heard: &mut impl FnMut(Heard),
        wait: &mut Duration,
    ) -> Result<(), FleetError> {
        let context = jetstream::ContextBuilder::new().timeout(ANSWER_MAX).build(client.clone());
        let bucket = context.get_key_value(self.fleet.states_bucket()).await;
        let bucket = match bucket {
            Ok(bucket) => bucket,
            Err(why) => {
                let error = server_error("look for the bucket of states", &why);
                return Err(no_bucket(&context, error).await);
            }
        };
        let states = bucket.watch_with_history(format!("{}>", Keys::STATES)).await;
        let mut states = states.map_err(|why| server_error("watch the states", &why))?;
        let mut events = self.events(&context).await?;
        on_heard(Heard::Connection(Connection::Connected));
        *wait = WAIT_FIRST;
        // Of states alone: events may go on when the watch of the bucket has ended unseen.
        let mut quiet = pin!(tokio::time::sleep(QUIET_MAX));
        loop {
            tokio::select! {
                () = &mut quiet => return Ok(()),
                state = states.next() => {
                    quiet.as_mut().reset(tokio::time::Instant::now() + QUIET_MAX);
                    let entry = next(state)?;
                    let is_current = entry.seen_current;
                    on_entry(&bucket, &entry, on_heard).await?;
                    if is_current {
                        on_heard(Heard::Current);
                    }
                }
                event = events.next() => on_heard(self.event(&next(event)?)),
            }
        }
    }

    /// The events from now on.
    async fn events(&self, context: &Context) -> Result<push::Ordered, FleetError> {
        let stream = context.get_stream(self.fleet.events_stream()).await;
        let stream = stream.map_err(|why| server_error("look for the stream of events", &why))?;
        let settings = push::OrderedConfig {
            deliver_subject: context.client().new_inbox(),
            deliver_policy: DeliverPolicy::New,
            ..Default::default()
        };
        let consumer = stream.create_consumer(settings).await;
        let consumer = consumer.map_err(|why| server_error("read the events", &why))?;
        consumer.messages().await.map_err(|why| server_error("read the events", &why))
    }

    fn event(&self, message: &Message) -> Heard {
        let prefix = self.fleet.events_prefix();
        // `NAME.events.HOST.KIND`
        let key = message.subject.strip_prefix(&prefix).and_then(|rest| rest.split('.').next());
        let key = key.unwrap_or(&message.subject);
        let stored = message.info().map_or(Duration::ZERO, |info| since_1970(info.published));
        let event = HostName::new(key).map_err(FleetFlaw::from);
        match event.and_then(|host| FleetEvent::from_json(host, stored, &message.payload)) {
            Ok(event) => Heard::Event(event),
            Err(flaw) => Heard::Flaw { key: key.into(), flaw },
        }
    }
}

/// What a watch gave, or why it gives nothing more.
fn next<T, E: std::error::Error>(given: Option<Result<T, E>>) -> Result<T, FleetError> {
    let why = "the server ends what was asked for".to_owned();
    let ended = FleetError::Server { doing: "go on reading", why };
    given.ok_or(ended)?.map_err(|why| server_error("go on reading", &why))
}

/// Why there is no bucket: without JetStream there will be none.
async fn no_bucket(context: &Context, error: FleetError) -> FleetError {
    match context.query_account().await {
        Err(account) if account.kind() == AccountErrorKind::JetStreamUnavailable => {
            FleetError::NoJetStream
        }
        _ => error,
    }
}

/// Hands on what an entry of the bucket is.
async fn on_entry(
    bucket: &Store,
    entry: &Entry,
    on_heard: &mut impl FnMut(Heard),
) -> Result<(), FleetError> {
    let key = entry.key.strip_prefix(Keys::STATES).unwrap_or(&entry.key);
    let flaw = |flaw| Heard::Flaw { key: key.into(), flaw };
    let host = match HostName::new(key) {
        Ok(host) if entry.operation == Operation::Put => host,
        Ok(host) => {
            on_heard(Heard::Gone { host });
            return Ok(());
        }
        Err(error) => {
            on_heard(flaw(error.into()));
            return Ok(());
        }
    };
    let state = match Frame::from_bytes(entry.value.clone()) {
        Ok(frame) => whole(bucket, &host, &frame).await?,
        Err(error) => Err(error),
    };
    match state {
        Ok(Some(state)) if state.host == host => {
            on_heard(Heard::State { stored: since_1970(entry.created), state: Box::new(state) });
        }
        Ok(Some(state)) => on_heard(flaw(FleetFlaw::OtherHost { key: host, said: state.host })),
        // The next ones are being written already.
        Ok(None) => {}
        Err(error) => on_heard(flaw(error.into())),
    }
    Ok(())
}

/// The state of a frame under a host's key, with its parts; `None` if they are not all there.
async fn whole(
    bucket: &Store,
    host: &HostName,
    frame: &Frame,
) -> Result<Result<Option<HostState>, StateError>, FleetError> {
    let (slot, count) = match frame {
        Frame::Whole { body, .. } => return Ok(HostState::from_bytes(body.clone()).map(Some)),
        Frame::Commit { slot, parts, .. } => (*slot, *parts),
        Frame::Part { .. } => return Ok(Ok(None)),
    };
    let mut parts = Vec::new();
    for index in 0..count {
        let part = bucket.get(Keys(host).part(slot, index)).await;
        let Some(part) = part.map_err(|why| server_error("read a part", &why))? else {
            return Ok(Ok(None));
        };
        match Frame::from_bytes(part) {
            Ok(part) => parts.push(part),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(frame.join(&parts))
}

/// By the clock of the server.
fn since_1970(at: DateTime) -> Duration {
    let ns = u64::try_from(at.unix_timestamp_nanos()).unwrap_or(0);
    Duration::from_nanos(ns)
}
