//! The stream of events that a reader gets.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures_core::Stream;
use plimsoll::History;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout};

use crate::frame::Frame;
use crate::latest::{Late, Latest, recently};
use crate::log::{Log, Place};
use crate::sse::Message;

/// A page that lost its server asks again after two seconds.
const FIRST: &str = "retry: 2000\n\n";

/// Sent when a function of the host holds up the snapshot.
const LATE: &str = "event: late\ndata: a snapshot takes too long\n\n";

/// How long a snapshot of this host waits for what others say.
const FLEET_PATIENCE: Duration = Duration::from_secs(1);

/// What a stream is fed from. Each has a task of its own, and a timer: a reader that does not take
/// what it was sent is dropped, since the server stops asking for more and never drops it.
pub(crate) struct Feed {
    pub(crate) frames: Arc<Latest<Frame>>,
    pub(crate) fleet: Option<Arc<Latest<Message>>>,
    pub(crate) history: Option<History>,
    pub(crate) log: Arc<Log>,
    pub(crate) place: Place,
    pub(crate) refresh: Duration,
    pub(crate) reader_timeout: Duration,
    /// All streams tick together, so that they share a snapshot.
    pub(crate) began: Instant,
    pub(crate) closed: watch::Receiver<bool>,
    /// Counts the stream for as long as it is fed.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The reader is gone, or does not read.
struct Gone;

impl Feed {
    /// Starts to feed a stream.
    pub(crate) fn start(self) -> Events {
        // One part waits here while the server sends another one: a reader that lags skips snapshots.
        let (sender, receiver) = channel(1);
        tokio::spawn(self.run(sender));
        Events(receiver)
    }

    async fn run(mut self, sender: Sender<Bytes>) {
        let mut closed = self.closed.clone();
        tokio::select! {
            _ = self.feed(&sender) => {}
            () = sender.closed() => {}
            _ = closed.wait_for(|closed| *closed) => {}
        }
        drop(self.permit);
    }

    async fn feed(&mut self, sender: &Sender<Bytes>) -> Result<(), Gone> {
        self.send(sender, Bytes::from_static(FIRST.as_bytes())).await?;
        let (mut frame, mut fleet) = self.since(recently()).await;
        if let (Some(history), Ok(frame)) = (&self.history, &frame) {
            self.send(sender, frame.charts(history)).await?;
        }
        loop {
            for event in self.log.since(&mut self.place) {
                self.send(sender, event).await?;
            }
            // Before the snapshot, at which the page is brought up to date.
            if let Some(fleet) = fleet {
                self.send(sender, fleet.event).await?;
            }
            let late = Bytes::from_static(LATE.as_bytes());
            self.send(sender, frame.map_or(late, |frame| frame.event())).await?;
            let due = self.next_tick();
            tokio::time::sleep_until(due).await;
            (frame, fleet) = self.since(due).await;
        }
    }

    /// The snapshot of a moment, and what is shown of the fleet then, if there is one and it is not late: then it
    /// comes with a later snapshot.
    async fn since(&self, moment: Instant) -> (Result<Frame, Late>, Option<Message>) {
        let fleet =
            async { timeout(FLEET_PATIENCE, self.fleet.as_ref()?.since(moment)).await.ok()?.ok() };
        tokio::join!(self.frames.since(moment), fleet)
    }

    async fn send(&self, sender: &Sender<Bytes>, part: Bytes) -> Result<(), Gone> {
        let sent = timeout(self.reader_timeout, sender.send(part)).await;
        sent.map_err(|_| Gone)?.map_err(|_| Gone)
    }

    /// The first common tick that lies ahead.
    fn next_tick(&self) -> Instant {
        let refresh = self.refresh.as_nanos();
        let ticks = self.began.elapsed().as_nanos() / refresh + 1;
        // As many ticks as have gone by: far below the end of the range.
        self.began + Duration::from_nanos(u64::try_from(ticks * refresh).unwrap_or(u64::MAX))
    }
}

/// The body of a response.
pub(crate) struct Events(Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|part| part.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use plimsoll::Registry;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::latest::PATIENCE;

    #[tokio::test(flavor = "multi_thread")]
    async fn see_3_a_fleet_that_is_held_up_holds_up_no_snapshot() {
        let registry = Registry::new();
        let of = registry.clone();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Mutex::new(released);
        let fleet = Latest::new(move || {
            let _ = released.lock().recv();
            Message::new("fleet", &1)
        });
        let log = Arc::new(Log::new(&registry, 8));
        let (_open, closed) = watch::channel(false);
        let feed = Feed {
            frames: Latest::new(move || Frame::take(&of, false)),
            fleet: Some(fleet),
            history: None,
            place: log.place_after(None),
            log,
            refresh: Duration::from_millis(50),
            reader_timeout: Duration::from_secs(60),
            began: Instant::now(),
            closed,
            permit: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap(),
        };
        let mut parts = feed.start().0;
        let began = Instant::now();
        let mut snapshots = 0;
        while snapshots < 4 {
            let part = parts.recv().await.unwrap();
            assert!(!part.starts_with(b"event: fleet"));
            snapshots += usize::from(part.starts_with(b"event: snapshot"));
        }
        assert!(began.elapsed() < 3 * PATIENCE, "{:?}", began.elapsed());
        drop(release);
        while !parts.recv().await.unwrap().starts_with(b"event: fleet") {}
    }
}
