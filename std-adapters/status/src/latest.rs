//! A value that is made when readers ask, once for all who ask at the same time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;
use tokio::task;
use tokio::time::{Instant, timeout};

/// How old a value may be that a reader gets. It bounds how many are made in a second.
const AGE_MAX: Duration = Duration::from_millis(250);

/// How long a reader waits for a value: a snapshot calls functions of the host, and a fleet is merged.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// No value was ready within [`PATIENCE`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Late;

/// Makes something when readers ask, one at a time, on a thread that may block. A reader that comes
/// while one is made waits for it, and gets the same.
pub(crate) struct Latest<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    /// With the moment at which it was begun.
    made: Mutex<Option<(Instant, T)>>,
    turn: Arc<Turn<()>>,
}

/// The earliest moment that counts as now: [`AGE_MAX`] ago.
pub(crate) fn recently() -> Instant {
    let now = Instant::now();
    now.checked_sub(AGE_MAX).unwrap_or(now)
}

impl<T: Clone + Send + 'static> Latest<T> {
    pub(crate) fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { make: Box::new(make), made: Mutex::new(None), turn: Arc::default() })
    }

    /// A value whose making began at this moment or later.
    pub(crate) async fn since(self: &Arc<Self>, since: Instant) -> Result<T, Late> {
        match self.known(since) {
            Some(made) => Ok(made),
            None => timeout(PATIENCE, self.next(since)).await.unwrap_or(Err(Late)),
        }
    }

    fn known(&self, since: Instant) -> Option<T> {
        let made = self.made.lock();
        made.as_ref().filter(|(at, _)| *at >= since).map(|(_, made)| made.clone())
    }

    async fn next(self: &Arc<Self>, since: Instant) -> Result<T, Late> {
        let turn = self.turn.clone().lock_owned().await;
        if let Some(made) = self.known(since) {
            return Ok(made);
        }
        let its = self.clone();
        // The turn goes with the work: while a function of the host hangs, no second thread is used.
        let work = task::spawn_blocking(move || {
            let _turn = turn;
            let at = Instant::now();
            let made = (its.make)();
            *its.made.lock() = Some((at, made.clone()));
            made
        });
        // It fails if a function of the host panics, or the runtime ends.
        work.await.map_err(|_| Late)
    }
}

impl<T> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}
