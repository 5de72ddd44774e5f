//! A status, and what all its readers share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::{History, Registry};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::frame::Frame;
use crate::host::Hosts;
use crate::latest::Latest;
use crate::log::{Log, Place};
use crate::sse::Message;
use crate::stream::{Events, Feed};
use crate::token::Token;

/// What a registry sees, for readers outside of the process: a page, JSON, events, metrics.
///
/// Clones share everything: the log, the streams that may be open, and the snapshot of a moment.
///
/// # Invariants
/// - SEE-1: recorders do nothing for readers. Without a reader no snapshot is taken and no fleet is merged,
///   and with many of them one per refresh. An event is kept in the log, which is a push under a short lock; the
///   [history](crate::StatusBuilder::history) looks at the limits once per second, from a thread of its own.
/// - SEE-3: a slow or hostile reader is dropped and can neither stall a recorder nor grow memory:
///   streams are bounded in number, each holds two snapshots or fleets at most, and a reader that does not take
///   what it was sent is dropped by a timer.
/// - SEE-4: loopback by default, read-only, no secrets: principals are shown only if asked for.
///
/// # Example
/// ```
/// use plimsoll::Registry;
/// use plimsoll_status::Status;
///
/// let status = Status::new(Registry::global());
/// let app: axum::Router = axum::Router::new().nest_service("/status", status.router());
/// # drop(app);
/// ```
#[derive(Clone)]
pub struct Status(pub(crate) Arc<Shared>);

/// The settings, once they are checked.
pub(crate) struct Settings {
    pub(crate) registry: Registry,
    pub(crate) token: Option<Token>,
    pub(crate) hosts: Hosts,
    pub(crate) is_remote: bool,
    pub(crate) shows_principals: bool,
    pub(crate) refresh: Duration,
    pub(crate) streams_max: usize,
    pub(crate) reader_timeout: Duration,
    pub(crate) log_events: usize,
    pub(crate) has_history: bool,
    /// What is shown of a fleet, if there is one.
    pub(crate) fleet: Option<Arc<Latest<Message>>>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) frames: Arc<Latest<Frame>>,
    history: Option<History>,
    log: Arc<Log>,
    streams: Arc<Semaphore>,
    began: Instant,
    closed: watch::Sender<bool>,
}

/// As many streams are open as may be.
pub(crate) struct TooManyStreams;

impl Status {
    pub(crate) fn with(settings: Settings) -> Self {
        let registry = &settings.registry;
        // Without a thread for it there is none.
        let history = settings.has_history.then(|| registry.spawn_history().ok()).flatten();
        let (of, shows_principals) = (registry.clone(), settings.shows_principals);
        let frames = Latest::new(move || Frame::take(&of, shows_principals));
        let log = Arc::new(Log::new(registry, settings.log_events));
        let streams = settings.streams_max.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            frames,
            history,
            log,
            streams: Arc::new(Semaphore::new(streams)),
            began: Instant::now(),
            closed: watch::Sender::new(false),
            settings,
        }))
    }

    /// Ends all streams, now and later: for the shutdown of a server.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }

    /// How many streams of events are open.
    pub fn open_streams(&self) -> usize {
        self.0.settings.streams_max.saturating_sub(self.0.streams.available_permits())
    }
}

impl Shared {
    /// A stream for a reader whose last event had this id.
    pub(crate) fn stream(&self, last_id: Option<&str>) -> Result<Events, TooManyStreams> {
        let permit = self.streams.clone().try_acquire_owned().map_err(|_| TooManyStreams)?;
        let place: Place = self.log.place_after(last_id);
        let feed = Feed {
            frames: self.frames.clone(),
            fleet: self.settings.fleet.clone(),
            history: self.history.clone(),
            log: self.log.clone(),
            place,
            refresh: self.settings.refresh,
            reader_timeout: self.settings.reader_timeout,
            began: self.began,
            closed: self.closed.subscribe(),
            permit,
        };
        Ok(feed.start())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Status");
        debug.field("open_streams", &self.open_streams()).finish_non_exhaustive()
    }
}
