//! The way of a frame: a stream per principal (tokio), merged in turn into the session (crossbeam),
//! relayed as a response (std) to the sink. Every step waits for room in the next one.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use plimsoll::catalog::SandboxLimit;
use plimsoll::channel::{crossbeam, mpsc, tokio as tokio_channel};
use plimsoll::{Limit, PressureRule, Registry};
use tokio::runtime::Handle;

use crate::Failure;
use crate::guests::Principal;

/// One piece of a guest's output.
pub(crate) struct Frame {
    pub(crate) from: Arc<Principal>,
    pub(crate) bytes: Box<[u8]>,
}

/// Frames that one principal's stream holds.
const STREAM_FRAMES: usize = 16;
/// Frames that the session holds, of all principals.
const SESSION_FRAMES: usize = 32;
/// Frames that stand before the sink.
const RESPONSE_FRAMES: usize = 16;

/// A burst runs through the pipeline in waves at first: only pressure that lasts becomes an event.
const PRESSURE: PressureRule = PressureRule::held_for(Duration::from_millis(50));

type Streams = Vec<tokio_channel::Receiver<Frame>>;
type Session = crossbeam::Receiver<Frame>;

/// The two threads between the streams and the sink. Each ends with the receivers it emptied; with
/// none if the next stage went away, so that the stage before it learns of that in turn.
pub(crate) struct Pipeline {
    merge: JoinHandle<Option<Streams>>,
    relay: JoinHandle<Option<Session>>,
}

/// The open ends of a pipeline.
pub(crate) struct Ends {
    /// One for each name, in the order of the names.
    pub(crate) streams: Vec<tokio_channel::Sender<Frame>>,
    pub(crate) responses: mpsc::Receiver<Frame>,
}

/// The pipeline's receivers, empty and without senders: the queues stay in the registry until they
/// are dropped.
pub(crate) struct Drained {
    _streams: Option<Streams>,
    _session: Option<Session>,
}

impl Pipeline {
    /// Builds the queues and starts the threads between them.
    ///
    /// # Errors
    /// A queue that the registry does not take, or a thread that the system does not give.
    pub(crate) fn start(
        registry: &Registry,
        names: &[&'static str],
        runtime: Handle,
    ) -> Result<(Self, Ends), Failure> {
        let mut streams = Vec::new();
        let mut outputs = Vec::new();
        for &name in names {
            let limit = Limit::from(SandboxLimit::SidecarStdoutFrames).instance(name);
            let limit = limit.pressure(PRESSURE);
            let (tx, rx) = tokio_channel::channel(registry, limit, STREAM_FRAMES)?;
            streams.push(tx);
            outputs.push(rx);
        }
        // The session is everybody's: where its pressure lasts, that is said again each second.
        let lasting = PRESSURE.repeated_every(Duration::from_secs(1));
        let limit = Limit::from(SandboxLimit::V8SessionFrames).pressure(lasting);
        let (session_tx, session_rx) = crossbeam::bounded(registry, limit, SESSION_FRAMES)?;
        let limit = Limit::from(SandboxLimit::CompletedSidecarResponses).pressure(PRESSURE);
        let (response_tx, responses) = mpsc::sync_channel(registry, limit, RESPONSE_FRAMES)?;

        let merge = thread::Builder::new()
            .name("merge".into())
            .spawn(move || merge(&runtime, outputs, &session_tx))?;
        let relay = thread::Builder::new()
            .name("relay".into())
            .spawn(move || relay(session_rx, &response_tx))?;
        Ok((Self { merge, relay }, Ends { streams, responses }))
    }

    /// Waits until the frames on their way have gone through. The streams' senders must be gone.
    ///
    /// # Errors
    /// A thread that panicked.
    pub(crate) fn finish(self) -> Result<Drained, Failure> {
        let _streams = self.merge.join().map_err(|_| "the merging thread panicked")?;
        let _session = self.relay.join().map_err(|_| "the relaying thread panicked")?;
        Ok(Drained { _streams, _session })
    }
}

/// Takes a frame from each stream in turn, so that one full stream keeps no other waiting.
fn merge(
    runtime: &Handle,
    mut streams: Streams,
    session: &crossbeam::Sender<Frame>,
) -> Option<Streams> {
    let mut first = 0;
    while let Some(frame) = runtime.block_on(next_in_turn(&mut streams, &mut first)) {
        session.send(frame).ok()?;
    }
    Some(streams)
}

/// The next frame of the first stream that has one, counted from `first`, which then moves on.
/// Nothing, once all streams have closed.
async fn next_in_turn(
    streams: &mut [tokio_channel::Receiver<Frame>],
    first: &mut usize,
) -> Option<Frame> {
    poll_fn(|cx| {
        let mut open = false;
        for step in 0..streams.len() {
            let at = (*first + step) % streams.len();
            match streams[at].poll_recv(cx) {
                Poll::Ready(Some(frame)) => {
                    *first = at + 1;
                    return Poll::Ready(Some(frame));
                }
                Poll::Ready(None) => {}
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}

fn relay(session: Session, responses: &mpsc::SyncSender<Frame>) -> Option<Session> {
    while let Ok(frame) = session.recv() {
        responses.send(frame).ok()?;
    }
    Some(session)
}
