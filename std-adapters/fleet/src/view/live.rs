//! A view that is fed while others look at it.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::fleet::{FleetView, ViewSettings};
use super::heard::{Connection, Heard};
use super::host::Taken;
use super::picture::{FleetLedger, ToMerge};
use super::read::FleetReader;
use super::summary::{FleetSummary, LEDGERS_MAX, USERS_MAX};
use crate::error::FleetError;

/// How often hosts age out while only the reader uses the view.
const ADVANCE_EVERY: Duration = Duration::from_secs(1);
/// Ledgers are merged for a summary at most this often, and for at most one part in so many of the time.
const MERGE_EVERY: Duration = Duration::from_secs(2);
const MERGE_SHARE: u32 = 10;

/// A [`FleetView`] that a reader feeds while others look at it. Clones share it.
///
/// # Example
/// ```no_run
/// use plimsoll_fleet::Fleet;
/// use plimsoll_fleet::view::{FleetReader, LiveView};
///
/// let view = LiveView::default();
/// let reading = view.spawn_thread(FleetReader::new(Fleet::new("nats://127.0.0.1:4222")?))?;
/// // From any thread, at any time:
/// println!("{}", view.look(|view, now| view.table(now, 10).to_string()));
/// # drop(reading);
/// # Ok::<(), plimsoll_fleet::FleetError>(())
/// ```
#[derive(Clone)]
pub struct LiveView(Arc<Shared>);

struct Shared {
    /// Times of the view are counted from it.
    began: Instant,
    fed: Mutex<Fed>,
    /// Locked while they are merged; `fed` is not, so that the reader goes on.
    merged: Mutex<MergedLedgers>,
}

struct Fed {
    /// Those who look have a reference of their own: the view is copied only if it is fed meanwhile.
    view: Arc<FleetView>,
    connection: Connection,
    advanced: Duration,
}

#[derive(Default)]
struct MergedLedgers {
    ledgers: Vec<FleetLedger>,
    /// How many more there are.
    more: usize,
    /// When they were merged, and are merged again.
    at: Duration,
    due: Duration,
}

impl LiveView {
    /// A view that knows nothing yet.
    pub fn new(settings: ViewSettings) -> Self {
        let fed = Fed {
            view: Arc::new(FleetView::new(settings)),
            connection: Connection::default(),
            advanced: Duration::ZERO,
        };
        let (fed, merged) = (Mutex::new(fed), Mutex::default());
        Self(Arc::new(Shared { began: Instant::now(), fed, merged }))
    }

    /// Takes in what a reader has heard.
    ///
    /// # Returns
    /// What became of it, of a state.
    pub fn on_heard(&self, heard: Heard) -> Option<Taken> {
        let mut fed = self.0.fed.lock();
        let now = self.0.began.elapsed();
        if now.saturating_sub(fed.advanced) >= ADVANCE_EVERY {
            fed.advance(now);
        }
        if let Heard::Connection(connection) = &heard {
            fed.connection = connection.clone();
        }
        Arc::make_mut(&mut fed.view).on_heard(now, heard)
    }

    /// Shows the view at this moment. The reader goes on meanwhile, with a copy if it hears something.
    pub fn look<T>(&self, look: impl FnOnce(&FleetView, Duration) -> T) -> T {
        let (view, now) = {
            let mut fed = self.0.fed.lock();
            let now = self.0.began.elapsed();
            fed.advance(now);
            (fed.view.clone(), now)
        };
        look(&view, now)
    }

    /// How the reader stands with its server.
    pub fn connection(&self) -> Connection {
        self.0.fed.lock().connection.clone()
    }

    /// Feeds the view from a reader, for ever.
    ///
    /// # Errors
    /// As for [`FleetReader::follow`]. [`connection`](Self::connection) says it too.
    ///
    /// # Cancellation
    /// It may be dropped at any await, and the view be fed by another reader.
    pub async fn follow(&self, reader: FleetReader) -> Result<Infallible, FleetError> {
        let on_heard = |heard| {
            self.on_heard(heard);
        };
        reader.follow(on_heard).await.inspect_err(|why| {
            let lost = Connection::Lost { why: why.clone(), again_in: None };
            self.on_heard(Heard::Connection(lost));
        })
    }

    /// What the view shows, as a document of a bounded size. Its ledgers are at most 2 s old, or ten
    /// times as long as merging them takes.
    ///
    /// # Progress
    /// It blocks while ledgers are merged: of a fleet of a thousand hosts for a good part of a second.
    /// The reader goes on meanwhile.
    pub fn summary(&self) -> FleetSummary {
        let mut merged = self.0.merged.lock();
        let began = self.0.began.elapsed();
        if began >= merged.due {
            let (ledgers, more) = self.look(|view, _| {
                let names = view.ledgers();
                let listed = names.iter().take(LEDGERS_MAX);
                let ledgers: Vec<_> = listed.map(|name| view.to_merge(name)).collect();
                (ledgers, names.len().saturating_sub(LEDGERS_MAX))
            });
            let merge = |ledger: ToMerge| ledger.merge(USERS_MAX).ok();
            let ledgers = ledgers.into_iter().filter_map(merge).collect();
            let took = self.0.began.elapsed() - began;
            let due = began + MERGE_EVERY.max(took * MERGE_SHARE);
            *merged = MergedLedgers { ledgers, more, at: began, due };
        }
        let connection = self.connection();
        self.look(|view, now| {
            let age = now.saturating_sub(merged.at);
            FleetSummary::of(view, now, &connection, (&merged.ledgers, merged.more, age))
        })
    }
}

impl Fed {
    fn advance(&mut self, now: Duration) {
        self.advanced = now;
        Arc::make_mut(&mut self.view).advance(now);
    }
}

impl Default for LiveView {
    fn default() -> Self {
        Self::new(ViewSettings::default())
    }
}

impl fmt::Debug for LiveView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fed = self.0.fed.lock();
        let mut debug = f.debug_struct("LiveView");
        debug.field("hosts", &fed.view.hosts().len()).field("connection", &fed.connection);
        debug.finish_non_exhaustive()
    }
}
