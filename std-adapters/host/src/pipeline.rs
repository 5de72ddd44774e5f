//! The way of a frame: a stream for each principal (tokio), merged into the session (crossbeam),
//! relayed as a response (std) to the sink. Every step waits for room in the next one.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use plimsoll::catalog::SandboxLimit;
use plimsoll::channel::{crossbeam, mpsc, tokio as tokio_channel};
use plimsoll::{Limit, PressureRule, Registry};

use crate::Failure;

/// Frames that one principal's stream holds, the session of all, and what stands before the sink.
const STREAM_FRAMES: usize = 16;
const SESSION_FRAMES: usize = 32;
const RESPONSE_FRAMES: usize = 16;

/// A burst runs through the pipeline in waves at first: only pressure that lasts becomes an event.
const PRESSURE: PressureRule = PressureRule::hold(Duration::from_millis(50));

/// The threads between the streams and the sink. Each ends with its stage before it, or if the next
/// one went away. They keep their receivers, and so the queues in the registry, until they are
/// joined.
pub(crate) struct Pipeline<T> {
    merges: Vec<JoinHandle<tokio_channel::Receiver<T>>>,
    /// None if the sink went away, so that the stages before it learn of that in turn.
    relay: JoinHandle<Option<crossbeam::Receiver<T>>>,
}

impl<T: Send + 'static> Pipeline<T> {
    /// Builds the queues and starts the threads between them.
    ///
    /// # Returns
    /// Also the open ends: a sender for each name, and the receiver of the sink.
    ///
    /// # Errors
    /// A queue that the registry does not take, or a thread that the system does not give.
    #[allow(clippy::type_complexity)]
    pub(crate) fn start(
        registry: &Registry,
        names: impl Iterator<Item = &'static str>,
    ) -> Result<(Self, Vec<tokio_channel::Sender<T>>, mpsc::Receiver<T>), Failure> {
        let mut streams = Vec::new();
        for name in names {
            let limit = queue(SandboxLimit::SidecarStdoutFrames, PRESSURE).scope(name);
            streams.push(tokio_channel::channel(registry, limit, STREAM_FRAMES)?);
        }
        // The session is everybody's: where its pressure lasts, that is said again each second.
        let lasting = PRESSURE.repeat(Duration::from_secs(1));
        let limit = queue(SandboxLimit::V8SessionFrames, lasting);
        let (session, frames) = crossbeam::bounded(registry, limit, SESSION_FRAMES)?;
        let limit = queue(SandboxLimit::CompletedSidecarResponses, PRESSURE);
        let (responses, sink) = mpsc::sync_channel(registry, limit, RESPONSE_FRAMES)?;

        let mut senders = Vec::new();
        let mut merges = Vec::new();
        for (sender, mut stream) in streams {
            senders.push(sender);
            let session = session.clone();
            merges.push(spawn("merge", move || {
                while let Some(frame) = stream.blocking_recv() {
                    if session.send(frame).is_err() {
                        break;
                    }
                }
                stream.close();
                stream
            })?);
        }
        let relay = spawn("relay", move || {
            while let Ok(frame) = frames.recv() {
                responses.send(frame).ok()?;
            }
            Some(frames)
        })?;
        Ok((Self { merges, relay }, senders, sink))
    }

    /// Waits until the frames on their way have gone through. The streams' senders must be gone.
    /// Returns the receivers, which are still registered.
    ///
    /// # Errors
    /// A thread that panicked.
    pub(crate) fn finish(self) -> Result<impl Sized, Failure> {
        let merges: Result<Vec<_>, _> = self.merges.into_iter().map(JoinHandle::join).collect();
        let merges = merges.map_err(|_| "a merging thread panicked")?;
        Ok((merges, self.relay.join().map_err(|_| "the relaying thread panicked")?))
    }
}

/// A queue that counts what goes through it.
fn queue(name: SandboxLimit, rule: PressureRule) -> Limit {
    Limit::from(name).pressure(rule).flow_totals()
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    Ok(thread::Builder::new().name(name.into()).spawn(run)?)
}
