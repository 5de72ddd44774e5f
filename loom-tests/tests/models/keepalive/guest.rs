//! A tracker and the truth about it; the tracker that is shipped, and one with shortcuts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Relaxed};
use plimsoll_loom::keepalive::{Check, Pulse, Recovery, Rule, SignalKind, Tick, Tracker};

pub(super) const WINDOW: u64 = 10;

/// How a tracker is notified, judged and closed. What is returned is whether it recovered, fired,
/// closed.
pub(super) trait Watched: Send + Sync + 'static {
    fn notify(&self, now: u64) -> Option<u64>;
    fn judge(&self, now: u64) -> Option<u64>;
    fn close(&self);
    /// Whether a silence lasts.
    fn is_silent(&self) -> bool;
    fn is_closed(&self) -> bool;
}

pub(super) fn rearming() -> Rule {
    Rule::new(WINDOW).unwrap().rearming()
}

/// The last beat of the silence that a look has brought.
pub(super) fn silence(look: Check) -> Option<u64> {
    look.signal.filter(|signal| signal.kind == SignalKind::Silent).map(|signal| {
        assert!(signal.elapsed() >= WINDOW, "LIVE-2");
        signal.last.get()
    })
}

fn recovered(recovery: Option<Recovery>) -> Option<u64> {
    recovery.map(|recovery| recovery.last.get())
}

impl Watched for Tracker {
    fn notify(&self, now: u64) -> Option<u64> {
        recovered(self.notify(Tick::new(now)))
    }
    fn judge(&self, now: u64) -> Option<u64> {
        self.judge(Tick::new(now), rearming()).ok().and_then(silence)
    }
    fn close(&self) {
        self.close();
    }
    fn is_silent(&self) -> bool {
        matches!(self.pulse(), Pulse::Silent { .. })
    }
    fn is_closed(&self) -> bool {
        self.pulse() == Pulse::Closed
    }
}

pub(super) fn ours() -> Tracker {
    Tracker::new(Tick::new(0))
}

/// A tracker, and what has been done with it. What is noted right after an atomic step is noted
/// together with it: threads change over at such steps only.
pub(super) struct Guest<W> {
    pub(super) word: W,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// The latest moment of a notify that has returned.
    beat: u64,
    closed: bool,
    /// How often the silence after this beat was reported, and its recovery.
    silences: BTreeMap<u64, usize>,
    recoveries: BTreeMap<u64, usize>,
}

impl<W: Watched> Guest<W> {
    pub(super) fn new(word: W) -> Arc<Self> {
        Arc::new(Self { word, notes: Mutex::default() })
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify(&self, now: u64) {
        let recovery = self.word.notify(now);
        let mut notes = self.notes();
        notes.beat = notes.beat.max(now);
        if let Some(last) = recovery {
            *notes.recoveries.entry(last).or_default() += 1;
        }
    }

    pub(super) fn judge(&self, now: u64) {
        if let Some(last) = self.word.judge(now) {
            let mut notes = self.notes();
            assert!(now >= notes.beat + WINDOW, "LIVE-2: a beat at {} is done", notes.beat);
            assert!(!notes.closed, "LIVE-7: closed");
            *notes.silences.entry(last).or_default() += 1;
        }
    }

    pub(super) fn close(&self) {
        self.word.close();
        self.notes().closed = true;
    }

    /// With all threads done: each silence once, each recovery once, and none without the other.
    pub(super) fn assert_at_rest(&self) {
        let notes = self.notes();
        assert!(notes.silences.values().all(|times| *times == 1), "LIVE-3: {:?}", notes.silences);
        assert!(notes.recoveries.values().all(|times| *times == 1), "LIVE-4");
        let silent = self.word.is_silent();
        for last in notes.recoveries.keys() {
            assert!(notes.silences.contains_key(last), "LIVE-4: a recovery of no silence");
        }
        if !notes.closed {
            let open = notes.silences.len() - notes.recoveries.len();
            assert_eq!(open, usize::from(silent), "LIVE-4");
        }
        assert_eq!(self.word.is_closed(), notes.closed, "LIVE-7");
    }
}

/// A design in use: the word of ours with one step taken as a shortcut.
pub(super) struct Shortcut {
    word: AtomicU64,
    /// Notifiers store what they see; else they raise.
    stores_beats: bool,
    /// Watchers store their report; else they exchange the word they have judged.
    stores_reports: bool,
}

const SILENT: u64 = 1;
const CLOSED: u64 = u64::MAX;

impl Shortcut {
    pub(super) fn new(stores_beats: bool, stores_reports: bool) -> Self {
        Self { word: AtomicU64::new(0), stores_beats, stores_reports }
    }

    fn look(&self) -> u64 {
        self.word.fetch_add(0, AcqRel)
    }
}

impl Watched for Shortcut {
    fn notify(&self, now: u64) -> Option<u64> {
        let beat = now << 1;
        let mut before = self.look();
        if before >= beat {
            return None;
        }
        if self.stores_beats {
            self.word.store(beat, Relaxed);
        } else {
            before = self.word.fetch_max(beat, AcqRel);
        }
        (before < beat && before & SILENT != 0).then_some(before >> 1)
    }

    fn judge(&self, now: u64) -> Option<u64> {
        let word = self.look();
        if word == CLOSED || word & SILENT != 0 || now.saturating_sub(word >> 1) < WINDOW {
            return None;
        }
        let fired = if self.stores_reports {
            self.word.store(word | SILENT, Relaxed);
            true
        } else {
            self.word.compare_exchange(word, word | SILENT, AcqRel, Relaxed).is_ok()
        };
        fired.then_some(word >> 1)
    }

    fn close(&self) {
        self.word.fetch_max(CLOSED, AcqRel);
    }

    fn is_silent(&self) -> bool {
        let word = self.look();
        word != CLOSED && word & SILENT != 0
    }

    fn is_closed(&self) -> bool {
        self.look() == CLOSED
    }
}
