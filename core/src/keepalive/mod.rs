//! Who has fallen silent: the word that is poked on every frame, and the wheel that finds it idle.

mod error;
mod rule;
mod signal;
mod slot;
mod state;
mod sweep;
mod wheel;

pub use error::{StaleKey, TrackerClosed, WheelError, WheelFull};
pub use rule::{Rule, RuleError, Tick};
pub use signal::{Look, Pulse, Recovery, Signal, SignalKind};
pub use slot::{SlotKey, WheelSlot};
pub use sweep::{NextLook, Swept};
pub use wheel::Wheel;

use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use state::{Finding, Mark, State};

/// The signs of life of one run of one guest.
///
/// Whoever sees a frame calls [`notify`](Self::notify); whoever watches calls
/// [`judge`](Self::judge) when the tracker is due. Any number of threads may do either. All of it
/// is one word, the tick of the last beat and what was reported since, so that a report is a
/// compare-exchange from the very word that was judged: a beat in between makes it fail.
///
/// ```text
///            1 judge: late          2 judge: silent, rearming
/// beating ------------------> late ----------------> silent
///  ^ ^ ^                       |  \                    | |
///  | | +-----------------------+   \ 3 judge: silent,  | |
///  | |        4 notify              \  one-shot        | |
///  | +-------------------------------\-----------------+ |
///  |      5 notify: the recovery      v                  |
///  | 6 resume                       spent                |
///  +------------- paused <-------------------------------+
///                          7 pause, from any of the three
/// ```
///
/// A beating tracker goes on to silent, or spent, without being late if it has not been looked at
/// meanwhile. `close` leads from everywhere to closed, and nothing leads away from there.
///
/// Time is an argument. Notifiers and watchers take it from one source that does not go back, such
/// as a coarse tick that the watcher publishes.
///
/// # Invariants
/// - LIVE-1: `notify` is wait-free: one load, and one read-modify-write at most per tick and
///   notifier. No lock, no clock.
/// - LIVE-2: a tracker is reported silent only when the window has passed since the last beat. If a
///   `notify` that was told a moment within the window has returned, no report is made.
/// - LIVE-3: each silence is handed to one caller, whatever the number of watchers.
/// - LIVE-4: a one-shot run is reported silent once. A rearming one has one recovery for each
///   silence, handed to whoever brings the beat.
/// - LIVE-7: what is closed is neither reported nor reopened.
///
/// The tick never falls, however late a notifier is; the word itself falls by `resume` alone.
///
/// # Progress
/// Everything is wait-free but `judge`, which is lock-free: it looks again if the word has moved
/// between its load and its exchange, which takes a beat of another tick.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `notify`: load, `fetch_max` | Relaxed | | | the word is its own message | `live_2` |
/// | `judge`: load, exchange | Relaxed | Relaxed | | the word is its own message | `live_3` |
/// | `close`: `fetch_max` | Relaxed | | | the word is its own message | `live_7` |
/// | `pause`: `fetch_or`, `resume`: load, exchange | Relaxed | Relaxed | | the word is its own message | `live_4` |
/// | `renew`: store | Relaxed | | | published by whoever hands the tracker on | |
///
/// # Example
/// ```
/// use plimsoll_core::{Rule, SignalKind, Tick, Tracker};
///
/// let rule = Rule::new(10)?.rearming();
/// let guest = Tracker::new(Tick::new(0));
/// guest.notify(Tick::new(3));
///
/// let look = guest.judge(Tick::new(12), rule)?;
/// assert_eq!((look.signal, look.due), (None, Some(Tick::new(13))));
///
/// let silence = guest.judge(Tick::new(13), rule)?.signal.unwrap();
/// assert_eq!((silence.kind, silence.elapsed()), (SignalKind::Silent, 10));
/// assert_eq!(guest.judge(Tick::new(14), rule)?.signal, None, "once");
///
/// let recovery = guest.notify(Tick::new(20)).unwrap();
/// assert_eq!(recovery.elapsed(), 17);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tracker {
    word: AtomicU64,
}

impl Tracker {
    const_unless_loom! {
        /// A run that begins now.
        pub const fn new(now: Tick) -> Tracker {
            Tracker { word: AtomicU64::new(State::beat(now).word()) }
        }
    }

    const_unless_loom! {
        /// No run: room for one, which [`renew`](Self::renew) begins.
        pub const fn closed() -> Tracker {
            Tracker { word: AtomicU64::new(State::CLOSED.word()) }
        }
    }

    /// The guest has given a sign of life.
    ///
    /// It has no effect on a tracker that is paused, spent or closed, nor if a later moment is
    /// noted already.
    ///
    /// # Returns
    /// The recovery, if this beat ends a silence that was reported.
    ///
    /// # Progress
    /// Wait-free: a load, and a read-modify-write if no beat of this tick is noted yet.
    #[inline(always)]
    pub fn notify(&self, now: Tick) -> Option<Recovery> {
        let beat = State::beat(now).word();
        // Relaxed: the word is its own message. A stale one is too small, and leads to the
        // exchange.
        if self.word.load(Ordering::Relaxed) >= beat {
            return None;
        }
        self.first_of_tick(now)
    }

    #[cold]
    fn first_of_tick(&self, now: Tick) -> Option<Recovery> {
        let beat = State::beat(now);
        // Relaxed: as above. If the report of a watcher came first, this replaces it and recovers;
        // if the beat comes first, the watcher's exchange fails. A plain store would not do, not
        // even for a sole notifier: between its load and the store a watcher may report, and the
        // recovery be lost, or the owner close, and the run be open again.
        let before = State::from_word(self.word.fetch_max(beat.word(), Ordering::Relaxed));
        (before.word() < beat.word() && before.is_silent())
            .then(|| Recovery { last: before.tick(), now })
    }

    /// What is to be said about the tracker at `now`.
    ///
    /// # Errors
    /// The tracker is closed.
    ///
    /// # Progress
    /// Lock-free.
    pub fn judge(&self, now: Tick, rule: Rule) -> Result<Look, TrackerClosed> {
        // Relaxed: the exchange below fails if this is stale; without one, a stale word is looked
        // at early and not late.
        let mut state = State::from_word(self.word.load(Ordering::Relaxed));
        let mut signal = None;
        loop {
            match state.judge(now, rule) {
                Finding::Wait(due) => return Ok(Look { signal, due: Some(due) }),
                Finding::Spent => return Ok(Look { signal, due: None }),
                Finding::Closed => return Err(TrackerClosed),
                Finding::Report(mark, marked) => {
                    let kind = match mark {
                        Mark::Silent => SignalKind::Silent,
                        Mark::Beating | Mark::Late => SignalKind::Late,
                    };
                    // Relaxed: the word is its own message. If a beat came first, this fails and
                    // the new word is judged; if another watcher did, the silence is its to report.
                    match self.word.compare_exchange(
                        state.word(),
                        marked.word(),
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    ) {
                        Ok(_) => {
                            signal = Some(Signal { kind, last: state.tick(), now });
                            state = marked;
                        }
                        Err(moved) => state = State::from_word(moved),
                    }
                }
            }
        }
    }

    /// Whether [`judge`](Self::judge) would report a silence now. A hint: it reports nothing.
    pub fn is_due(&self, now: Tick, rule: Rule) -> bool {
        // Relaxed: the word is its own message.
        let state = State::from_word(self.word.load(Ordering::Relaxed));
        matches!(state.judge(now, rule), Finding::Report(Mark::Silent, _))
    }

    /// The run is over, by its owner's word: whatever happens, it is not reported.
    ///
    /// # Returns
    /// Whether this call has closed it.
    pub fn close(&self) -> bool {
        // Relaxed: the word is its own message.
        let before = self.word.fetch_max(State::CLOSED.word(), Ordering::Relaxed);
        before != State::CLOSED.word()
    }

    /// No beats are to be expected until [`resume`](Self::resume): nothing is reported meanwhile,
    /// and beats change nothing. Pauses do not add up.
    ///
    /// # Errors
    /// The tracker is closed.
    pub fn pause(&self) -> Result<(), TrackerClosed> {
        // Relaxed: the word is its own message; a report that is under way fails.
        let before = self.word.fetch_or(State::PAUSE, Ordering::Relaxed);
        if before == State::CLOSED.word() { Err(TrackerClosed) } else { Ok(()) }
    }

    /// Watching goes on, and the window begins anew. Without a pause it has no effect.
    ///
    /// # Returns
    /// The recovery, if the tracker was silent when it was paused.
    pub fn resume(&self, now: Tick) -> Option<Recovery> {
        // Relaxed: the exchange below fails if this is stale, or another has resumed or closed.
        let paused = State::from_word(self.word.load(Ordering::Relaxed));
        if !paused.is_paused() {
            return None;
        }
        let resumed = paused.transition_to_resumed(now);
        self.word
            .compare_exchange(paused.word(), resumed.word(), Ordering::Relaxed, Ordering::Relaxed)
            .ok()
            .filter(|_| paused.is_silent())
            .map(|_| Recovery { last: paused.tick(), now: resumed.tick() })
    }

    /// Begins another run. To be called by whoever is the only one to use the tracker, for a slot
    /// that is handed on: to others it looks as if time went back.
    pub fn renew(&self, now: Tick) {
        // Relaxed: whoever hands the tracker on publishes it.
        self.word.store(State::beat(now).word(), Ordering::Relaxed);
    }

    /// What the tracker is, and since when.
    pub fn pulse(&self) -> Pulse {
        // Relaxed: the word is its own message.
        let state = State::from_word(self.word.load(Ordering::Relaxed));
        match state {
            State::CLOSED => Pulse::Closed,
            State::SPENT => Pulse::Spent,
            paused if paused.is_paused() => Pulse::Paused { last: paused.tick() },
            silent if silent.is_silent() => Pulse::Silent { last: silent.tick() },
            beating => Pulse::Beating { last: beating.tick() },
        }
    }
}
