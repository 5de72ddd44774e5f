//! Keep-alive: the word that notes each frame of a guest, and the wheel that finds guests without one.

mod error;
mod rule;
mod signal;
mod slot;
mod state;
mod sweep;
mod wheel;

pub use error::{StaleKey, TrackerClosed, WheelError, WheelFull};
pub use rule::{Rule, RuleError, Tick};
pub use signal::{Check, Pulse, Recovery, Signal, SignalKind};
pub use slot::{SlotKey, WheelSlot};
pub use sweep::{NextCheck, Swept};
pub use wheel::Wheel;

use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use state::{Finding, Mark, State};

/// The signs of life of one run of one guest.
///
/// A thread that sees a frame calls [`notify`](Self::notify); a watcher calls
/// [`judge`](Self::judge) when the tracker is due. Any number of threads may do either. All of it
/// is one word, the tick of the last notification and what was reported since, so that a report is
/// a compare-exchange from the very word that was judged: a notification in between makes it fail.
///
/// ```text
///            1 judge: late          2 judge: silent, rearming
///  alive  ------------------> late ----------------> silent
///  ^ ^ ^                       |  \                    | |
///  | | +-----------------------+   \ 3 judge: silent,  | |
///  | |        4 notify              \  one-shot        | |
///  | +-------------------------------\-----------------+ |
///  |      5 notify: the recovery      v                  |
///  | 6 the last resume              spent                |
///  +------------- paused <-------------------------------+
///                          7 pause, from any of the three
/// ```
///
/// An alive tracker becomes silent or spent without being late if it was not checked meanwhile.
/// `close` leads from every state to closed, and no way leads back.
///
/// Time is an argument. Notifiers and watchers take it from one source that does not go back, such
/// as a coarse tick that the watcher publishes.
///
/// # Invariants
/// - LIVE-1: `notify` is wait-free: one load, and one read-modify-write at most per tick and
///   notifier. No lock, no clock.
/// - LIVE-2: a tracker is reported silent only when the window has passed since the last
///   notification. If a `notify` with a moment within the window has returned, no report is made.
/// - LIVE-3: each silence is handed to one caller, whatever the number of watchers.
/// - LIVE-4: a one-shot run is reported silent once. A rearming one has one recovery for each
///   silence, handed to the caller whose notification ends it.
/// - LIVE-7: what is closed is neither reported nor reopened.
/// - LIVE-10: pauses count: nothing is reported before the last of several has ended.
///
/// The tick never falls, however late a notifier is; the word itself falls by `resume` alone.
///
/// # Progress
/// Everything is wait-free but `judge`, `pause` and `resume`, which are lock-free: they start over
/// if the word has moved between their load and their exchange, which takes a notification of
/// another tick, another pause, or a report.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `notify`: load, `fetch_max` | Relaxed | | | the word is its own message | `live_2` |
/// | `judge`: load, exchange | Relaxed | Relaxed | | the word is its own message | `live_3` |
/// | `close`: `fetch_max` | Relaxed | | | the word is its own message | `live_7` |
/// | `pause`, `resume`: load, exchange | Relaxed | Relaxed | | the word is its own message | `live_10` |
/// | `renew`: store | Relaxed | | | published by the thread that hands the tracker on | |
///
/// # Example
/// ```
/// use plimsoll_core::keepalive::{Rule, SignalKind, Tick, Tracker};
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
            Tracker { word: AtomicU64::new(State::notified(now).word()) }
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
    /// The recovery, if this notification ends a silence that was reported.
    ///
    /// # Progress
    /// Wait-free: a load, and a read-modify-write if no notification of this tick is noted yet.
    #[inline(always)]
    pub fn notify(&self, now: Tick) -> Option<Recovery> {
        let notified = State::notified(now).word();
        // Relaxed: the word is its own message. A stale one is too small, and leads to the
        // exchange.
        if self.word.load(Ordering::Relaxed) >= notified {
            return None;
        }
        self.first_of_tick(now)
    }

    #[cold]
    fn first_of_tick(&self, now: Tick) -> Option<Recovery> {
        let notified = State::notified(now);
        // Relaxed: as above. If the report of a watcher came first, this replaces it and recovers;
        // if the notification comes first, the watcher's exchange fails. A plain store would not
        // do, not even for a sole notifier: between its load and the store a watcher may report,
        // and the recovery be lost, or the owner close, and the run be open again.
        let before = State::from_word(self.word.fetch_max(notified.word(), Ordering::Relaxed));
        (before.word() < notified.word() && before.is_silent())
            .then(|| Recovery { last: before.tick(), now })
    }

    /// What is to be said about the tracker at `now`.
    ///
    /// # Errors
    /// The tracker is closed.
    ///
    /// # Progress
    /// Lock-free.
    #[inline]
    pub fn judge(&self, now: Tick, rule: Rule) -> Result<Check, TrackerClosed> {
        self.judge_since(now, rule, |last| last)
    }

    /// The same for a caller who knows more about a notification than its tick: its age counts from
    /// `since(last)` on, which is not before `last`. A watcher that publishes ticks and was late
    /// gives a notification that read the last one before its delay the benefit of the doubt.
    ///
    /// # Errors
    /// The tracker is closed.
    ///
    /// # Progress
    /// Lock-free. `since` is called for each word that is judged.
    #[inline]
    pub fn judge_since(
        &self,
        now: Tick,
        rule: Rule,
        since: impl Fn(Tick) -> Tick,
    ) -> Result<Check, TrackerClosed> {
        // Relaxed: the exchange below fails if this is stale; without one, a stale word is looked
        // at early and not late.
        let mut state = State::from_word(self.word.load(Ordering::Relaxed));
        let mut signal = None;
        loop {
            let last = state.tick();
            let since = since(last);
            match state.judge(since, now, rule) {
                Finding::Wait(due) => return Ok(Check { signal, due: Some(due) }),
                Finding::Spent => return Ok(Check { signal, due: None }),
                Finding::Closed => return Err(TrackerClosed),
                Finding::Report(mark, marked) => {
                    let kind = match mark {
                        Mark::Silent => SignalKind::Silent,
                        Mark::Alive | Mark::Late => SignalKind::Late,
                    };
                    // Relaxed: the word is its own message. If a notification came first, this
                    // fails and the new word is judged; if another watcher did, the silence is its
                    // to report.
                    match self.exchange(state, marked) {
                        Ok(()) => {
                            signal = Some(Signal { kind, last, since, now });
                            state = marked;
                        }
                        Err(moved) => state = moved,
                    }
                }
            }
        }
    }

    /// Whether [`judge`](Self::judge) would report a silence now. A hint: it reports nothing.
    pub fn is_due(&self, now: Tick, rule: Rule) -> bool {
        self.is_due_since(now, rule, |last| last)
    }

    /// Whether [`judge_since`](Self::judge_since) would report a silence now. A hint, as
    /// [`is_due`](Self::is_due).
    pub fn is_due_since(&self, now: Tick, rule: Rule, since: impl Fn(Tick) -> Tick) -> bool {
        // Relaxed: the word is its own message.
        let state = State::from_word(self.word.load(Ordering::Relaxed));
        matches!(state.judge(since(state.tick()), now, rule), Finding::Report(Mark::Silent, _))
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

    /// No notifications are to be expected until [`resume`](Self::resume): nothing is reported
    /// meanwhile, and notifications change nothing. Pauses count (LIVE-10): each has a `resume` of
    /// its own. A count of 65,534 stays there, and the run is watched no more.
    ///
    /// # Errors
    /// The tracker is closed.
    ///
    /// # Progress
    /// Lock-free.
    pub fn pause(&self) -> Result<(), TrackerClosed> {
        // Relaxed: the exchange fails if this is stale; a report that is under way fails then.
        let mut state = State::from_word(self.word.load(Ordering::Relaxed));
        while !state.is_over() {
            match self.exchange(state, state.transition_to_paused()) {
                Ok(()) => return Ok(()),
                Err(moved) => state = moved,
            }
        }
        if state == State::CLOSED { Err(TrackerClosed) } else { Ok(()) }
    }

    /// Ends one pause. With the last one watching goes on, and the window begins anew. Without a
    /// pause it has no effect.
    ///
    /// # Returns
    /// The recovery, if the tracker was silent when it was paused, and is watched again.
    ///
    /// # Progress
    /// Lock-free.
    pub fn resume(&self, now: Tick) -> Option<Recovery> {
        // Relaxed: the exchange fails if this is stale.
        let mut state = State::from_word(self.word.load(Ordering::Relaxed));
        while state.is_paused() {
            let resumed = state.transition_to_resumed(now);
            match self.exchange(state, resumed) {
                Ok(()) if resumed.is_paused() || !state.is_silent() => return None,
                Ok(()) => return Some(Recovery { last: state.tick(), now: resumed.tick() }),
                Err(moved) => state = moved,
            }
        }
        None
    }

    #[inline]
    fn exchange(&self, state: State, next: State) -> Result<(), State> {
        // Relaxed: the word is its own message. If another pause, resumption, notification, report
        // or the close came first, this fails.
        let exchanged = self.word.compare_exchange(
            state.word(),
            next.word(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        exchanged.map(drop).map_err(State::from_word)
    }

    /// Begins another run. To be called by the only user of the tracker, for a slot
    /// that is handed on: to others it looks as if time went back.
    pub fn renew(&self, now: Tick) {
        // Relaxed: the thread that hands the tracker on publishes it.
        self.word.store(State::notified(now).word(), Ordering::Relaxed);
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
            alive => Pulse::Alive { last: alive.tick() },
        }
    }
}
