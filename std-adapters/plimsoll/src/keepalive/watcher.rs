//! The watcher: one task or thread for any number of runs.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use super::error::WatchError;
use super::handle::KeepAlive;
use super::shared::{RECOVERIES, Shared};
use super::step::{Findings, Step};
use super::watch::Watch;
#[cfg(feature = "tokio")]
use crate::clock::Timers;
use crate::contain::contain;
use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::{GuestChange, GuestEvent, LaggingEvent, Silence, SuspectEvent};

/// Watches any number of runs from one task or thread, and tells a registry who is late, silent
/// and back.
///
/// It is driven by a thread of its own, started by [`spawn_thread`](Self::spawn_thread) or by the
/// future [`run`](Self::run), or by calls of [`step`](Self::step). Clones are handles to the same
/// watcher, and several drivers do no harm.
///
/// The watcher publishes a coarse tick, which notifiers read instead of a clock. It wakes twice per
/// tick of its [builder](super::WatcherBuilder), and not at all while no run is watched. Each run is
/// looked at once or twice per window.
///
/// # Invariants
/// - LIVE-1: a notification is wait-free: two loads, and one read-modify-write at most per tick.
/// - LIVE-2: no silence is reported of a run whose notification began and ended within its window.
/// - LIVE-3: each silence is reported once. LIVE-4: by default one for each run; of a rearming run,
///   one recovery for each silence, before the next silence.
/// - LIVE-5: the cost grows with the runs and their windows, not with the ticks.
/// - LIVE-6: a stall of the host counts as one tick, however long: a lag of the watcher that is
///   longer than half of the shortest window (and two ticks), and does not follow another.
/// - LIVE-7: once a handle's drop has returned, its run falls silent no more; what a step
///   is just reporting is reported. A driver that stops loses nothing.
/// - LIVE-8: a silence is reported within two ticks or 5 % of its window, whichever is more, beside
///   the [lag](Self::lag) of the watcher. While a watcher is late, all ticks that have become due
///   pass, and a notification that read the last one before has the benefit of the doubt.
/// - LIVE-9: many runs that fall silent together, however spread their notifications were, can be
///   reported as one suspicion of the host, and all are spared:
///   [`suspect_above`](super::WatcherBuilder::suspect_above).
/// - LIVE-11: a waker, subscriber or clock that panics ends nothing but itself.
/// - LIVE-12: under tokio's paused clock the documented recipe, that of `TokioClock`, gives exact
///   results.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use plimsoll::keepalive::{FakeClock, Watch, Watcher};
/// use plimsoll::{EventKind, Registry};
///
/// let registry = Registry::new();
/// let clock = FakeClock::default();
/// let watcher = Watcher::builder().clock(clock.clone()).build(&registry)?;
/// let guest = watcher.watch(Watch::new("guest-7", "run-1").window(Duration::from_millis(100)))?;
///
/// let _subscription = registry.subscribe(|event| {
///     if let Some(silence) = event.as_silence() {
///         assert_eq!((&*silence.guest, silence.elapsed.as_millis() >= 100), ("guest-7", true));
///     }
/// });
/// guest.notify(); // on every frame
/// for _ in 0..40 {
///     let _ = watcher.step(); // a test's driver
///     clock.advance(Duration::from_millis(5));
/// }
/// assert_eq!(registry.stats().delivered, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Watcher(pub(super) Arc<Shared>);

fn count(counter: &AtomicU64) {
    // Relaxed: a number of its own.
    counter.fetch_add(1, Ordering::Relaxed);
}

/// When another driver steps just now.
const BUSY_WAIT: Duration = Duration::from_millis(1);

impl Watcher {
    /// Watches a run from now on, for as long as the handle lives.
    ///
    /// The ids are names for those who read the events, and may be in use: two runs of the same ids
    /// are watched each by itself, but their events cannot be distinguished.
    ///
    /// # Errors
    /// [`WatchError`]: ids, window or threshold that cannot be, or a watcher that is full.
    pub fn watch(&self, watch: Watch) -> Result<KeepAlive, WatchError> {
        let shared = &self.0;
        let ids = watch.ids()?;
        // Its time begins now: it has no part in what the watcher has missed before.
        shared.attend();
        let (key, parked) = shared.table.lock().insert(&watch, ids, &shared.trackers)?;
        let run = KeepAlive::new(shared.clone(), key, watch.window_of());
        shared.gauges.enter();
        shared.attend();
        for parked in parked.iter().filter_map(Weak::upgrade) {
            contain(|| parked.wake_by_ref());
            contain(|| drop(parked));
        }
        Ok(run)
    }

    /// How late the watcher is: its last tick, or the next one if that is overdue by more. Silences
    /// are reported that much later, beside the two ticks or 5 % of the window that are their
    /// slack.
    ///
    /// The registry lists it in milliseconds, and a lag beyond the slack of the shortest window is
    /// an [`Event::Lagging`](crate::Event::Lagging), once per window at most.
    pub fn lag(&self) -> Duration {
        self.0.lag.now_late()
    }

    /// How many runs are watched.
    pub fn watched(&self) -> usize {
        self.0.table.lock().len()
    }

    /// Does what is due now: publishes a tick, looks at who is due, tells the registry.
    ///
    /// For a host with a loop of its own. A step while another one runs does nothing.
    ///
    /// # Returns
    /// When to step again.
    pub fn step(&self) -> Step {
        let shared = &*self.0;
        let Some(_stepping) = shared.stepping.try_lock() else {
            return Step::Wait(BUSY_WAIT);
        };
        let mut findings = Findings::default();
        let recovered = std::iter::from_fn(|| shared.recovered.pop()).take(RECOVERIES);
        let Some(now) = shared.lag.now() else {
            return Step::Wait(BUSY_WAIT);
        };
        let step = {
            let mut table = shared.table.lock();
            let step = table.step(
                now,
                &shared.trackers,
                recovered.map(|record| record[0] as usize),
                &shared.bounds,
                &mut findings,
                |tick| shared.publish(tick),
            );
            shared.lag.note(table.time.due(), table.time.lag());
            step
        };
        findings.wake();
        let Findings { changes, suspicion, lag, .. } = findings;
        if let Some((lag, slack)) = lag {
            shared.registry.publish(LaggingEvent::new(shared.limit.clone(), lag, slack).into());
        }
        if let Some((expired, watched)) = suspicion {
            count(&shared.counts.suspicions);
            let (expired, watched) = (expired as u64, watched as u64);
            let suspicion = SuspectEvent::new(shared.limit.clone(), expired, watched);
            shared.registry.publish(suspicion.into());
        }
        let publish = |change: GuestChange, silence: &Silence| {
            let event = GuestEvent::new(shared.limit.clone(), change, silence.clone());
            shared.registry.publish(event.into());
        };
        for (change, silence) in changes {
            match change {
                GuestChange::Silent => {
                    count(&shared.counts.silences);
                    shared.gauges.silent.enter();
                }
                GuestChange::Recovered => {
                    count(&shared.counts.recoveries);
                    shared.gauges.silent.leave();
                }
                _ => {}
            }
            publish(change, &silence);
        }
        let ended = std::mem::take(&mut *shared.ended.lock());
        for silence in ended {
            publish(GuestChange::Ended, &silence);
        }
        step
    }

    /// Resolves when a run is watched.
    pub(super) async fn until_watched(&self) {
        let mut parked = None;
        poll_fn(|context| {
            let waker = parked.insert(Arc::new(context.waker().clone()));
            match self.0.table.lock().park(waker) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Drives the watch for as long as the future lives: on a thread of its own, so that a busy
    /// runtime does not hold it up (LIVE-8). It starts with the first run that is watched, and
    /// subscribers run there, in the context of the runtime: they may spawn tasks.
    ///
    /// With a paused clock, give the watcher a [`TokioClock`](super::TokioClock): then it is driven
    /// within this future, on tokio's timers, and subscribers are called there.
    ///
    /// # Cancellation
    /// Safe: nothing is lost, and it may be called again. In between no time is attended.
    ///
    /// # Panics
    /// With a [`TokioClock`](super::TokioClock), outside a tokio runtime with timers.
    #[cfg(feature = "tokio")]
    pub async fn run(&self) -> std::convert::Infallible {
        if self.0.lag.timers() == Timers::System {
            self.until_watched().await;
            let runtime = tokio::runtime::Handle::try_current().ok();
            // Without a thread there are still the timers.
            if let Ok(_stop) = self.start_thread(runtime) {
                std::future::pending::<()>().await;
            }
        }
        self.run_on_timers().await
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn run_on_timers(&self) -> std::convert::Infallible {
        loop {
            match self.step() {
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Again => pass_on().await,
                Step::Idle => self.until_watched().await,
            }
        }
    }
}

/// Lets the other tasks of the runtime have a turn.
#[cfg(feature = "tokio")]
async fn pass_on() {
    let mut passed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Watcher");
        debug.field("watched", &self.watched()).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_tasks_have_one_turn_between_two_steps() {
        let other = tokio::spawn(async {});
        assert!(!other.is_finished());
        pass_on().await;
        assert!(other.is_finished());
    }
}
