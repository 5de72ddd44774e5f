//! One snapshot for all readers of a moment.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use parking_lot::Mutex;
use plimsoll::{History, Registry, Snapshot};
use plimsoll_export::{Format, Scrape};
use tokio::sync::Mutex as Turn;
use tokio::task;
use tokio::time::{Instant, timeout};

use crate::{charts, sse};

/// How old a snapshot may be when a reader asks: however often that is, few are taken.
const AGE_MAX: Duration = Duration::from_millis(250);

/// How long a reader waits for a snapshot, which asks functions of the host.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A snapshot as it goes to readers. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    at: Instant,
    /// The event of a stream; the snapshot's JSON stands in it.
    event: Bytes,
    snapshot: Snapshot,
    /// These are made for the first reader that asks.
    charts: OnceLock<Bytes>,
    text: OnceLock<Bytes>,
    open_metrics: OnceLock<Bytes>,
}

const NAME: &str = "snapshot";

impl Frame {
    fn take(registry: &Registry, shows_principals: bool) -> Self {
        let at = Instant::now();
        let snapshot = registry.snapshot();
        let snapshot = if shows_principals { snapshot } else { snapshot.without_principals() };
        let event = sse::event(NAME, None, &snapshot);
        let [charts, text, open_metrics] = [const { OnceLock::new() }; 3];
        Self(Arc::new(Taken { at, event, snapshot, charts, text, open_metrics }))
    }

    /// The event of a stream.
    pub(crate) fn event(&self) -> Bytes {
        self.0.event.clone()
    }

    /// The snapshot's JSON.
    pub(crate) fn json(&self) -> Bytes {
        let (before, after) = sse::around(NAME, None);
        self.0.event.slice(before.len()..self.0.event.len() - after.len())
    }

    /// The event that has the last ten minutes of its limits.
    pub(crate) fn charts(&self, history: &History) -> Bytes {
        let make = || sse::event("charts", None, &charts::of(history, &self.0.snapshot));
        self.0.charts.get_or_init(make).clone()
    }

    /// What Prometheus scrapes.
    pub(crate) fn metrics(&self, format: Format) -> Bytes {
        let made = match format {
            Format::Prometheus => &self.0.text,
            Format::OpenMetrics => &self.0.open_metrics,
        };
        let make = || Scrape::from(self.0.snapshot.clone()).text(format).into();
        made.get_or_init(make).clone()
    }
}

/// A function of the host that a snapshot asks takes too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late;

/// Takes snapshots when readers ask, one at a time, on a thread that may block: they ask functions of
/// the host. Who comes while one is taken waits for it, and gets the same.
#[derive(Debug)]
pub(crate) struct Frames {
    registry: Registry,
    shows_principals: bool,
    pub(crate) history: Option<History>,
    latest: Mutex<Option<Frame>>,
    turn: Arc<Turn<()>>,
}

impl Frames {
    pub(crate) fn new(
        registry: Registry,
        shows_principals: bool,
        history: Option<History>,
    ) -> Arc<Self> {
        let (latest, turn) = (Mutex::default(), Arc::default());
        Arc::new(Self { registry, shows_principals, history, latest, turn })
    }

    /// A snapshot that is hardly older than this moment.
    pub(crate) async fn recent(self: &Arc<Self>) -> Result<Frame, Late> {
        let now = Instant::now();
        self.since(now.checked_sub(AGE_MAX).unwrap_or(now)).await
    }

    /// A snapshot of this moment or later.
    pub(crate) async fn since(self: &Arc<Self>, since: Instant) -> Result<Frame, Late> {
        match self.known(since) {
            Some(frame) => Ok(frame),
            None => timeout(PATIENCE, self.next(since)).await.unwrap_or(Err(Late)),
        }
    }

    fn known(&self, since: Instant) -> Option<Frame> {
        self.latest.lock().clone().filter(|frame| frame.0.at >= since)
    }

    async fn next(self: &Arc<Self>, since: Instant) -> Result<Frame, Late> {
        let turn = self.turn.clone().lock_owned().await;
        if let Some(frame) = self.known(since) {
            return Ok(frame);
        }
        let frames = self.clone();
        // The turn goes with the work: while a function of the host hangs, no second thread is used.
        let work = task::spawn_blocking(move || {
            let _turn = turn;
            let frame = Frame::take(&frames.registry, frames.shows_principals);
            *frames.latest.lock() = Some(frame.clone());
            frame
        });
        // It fails if a function of the host panics, or the runtime ends.
        work.await.map_err(|_| Late)
    }
}
