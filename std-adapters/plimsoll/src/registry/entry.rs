//! One limit in a registry, and all of them in order.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::Watermarks;

use super::handles::Handles;
use super::levels::Levels;
use super::marks::Marks;
use super::reporter::Reporter;
#[cfg(feature = "pressure")]
use super::watchers::Watchers;
use crate::clock;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering};
use crate::telemetry::{PressureRule, RegisterError, Source, Standing, Tag};

/// One limit, or one ledger, in a registry.
///
/// ```text
/// has_left  0..1   set once
/// place     0..64  its place in the list of pending limits, all ones for none
/// queued    0..64  records of it in the ring, or about to be
/// ```
///
/// # Orderings
/// | operation | order | why |
/// |---|---|---|
/// | `leave`: store of `has_left` | Relaxed | the rule's lock, taken next, orders it |
/// | `is_here`: load of `has_left` | Relaxed | a hint: who reports holds the limit |
/// | `place`, `set_place` | Relaxed | written under the lock of `Pending` |
/// | `enqueue`, `dequeue`, `is_over` | Relaxed | the locks of the rule and of the entries order them |
pub(crate) struct Entry {
    id: u64,
    /// When it was registered.
    since_us: u64,
    tag: Arc<Tag>,
    source: OnceLock<Arc<dyn Source>>,
    handles: OnceLock<Handles>,
    /// Its last handle has gone: only its events are left.
    has_left: AtomicBool,
    /// Held for a few machine steps on an edge, never while anything else runs.
    reporter: Mutex<Reporter>,
    /// Written under the lock of the reporter.
    pub(super) levels: Levels,
    pub(super) marks: Marks,
    /// The pressures that go by its level.
    #[cfg(feature = "pressure")]
    pub(super) watchers: Watchers,
    /// Whether the number of waiters can make an event.
    has_share: bool,
    /// Its place in the list of pending limits, `usize::MAX` for none; written under that list's
    /// lock.
    place: AtomicUsize,
    /// Records of this entry in the ring, or about to be.
    queued: AtomicU64,
}

// As of the registry's `Shared`.
impl UnwindSafe for Entry {}
impl RefUnwindSafe for Entry {}

impl Entry {
    fn new(id: u64, tag: Tag, rule: PressureRule) -> Self {
        let (reporter, since_us) = (Reporter::new(rule), clock::now_us());
        Self {
            id,
            since_us,
            tag: Arc::new(tag),
            source: OnceLock::new(),
            handles: OnceLock::new(),
            has_left: AtomicBool::new(false),
            has_share: reporter.has_share(),
            reporter: Mutex::new(reporter),
            levels: Levels::new(since_us),
            marks: Marks::default(),
            #[cfg(feature = "pressure")]
            watchers: Watchers::default(),
            place: AtomicUsize::new(usize::MAX),
            queued: AtomicU64::new(0),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn tag(&self) -> &Arc<Tag> {
        &self.tag
    }

    pub(crate) fn attach(&self, source: Arc<dyn Source>, handles: Handles) {
        // A second one has no effect, as callers know from the documentation.
        let _ = self.handles.set(handles);
        let _ = self.source.set(source);
    }

    /// [Keeps](Handles::hold) the limit from leaving, so that its end does not overtake what is reported
    /// meanwhile.
    pub(super) fn hold(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.handles.get()?.hold()
    }

    /// The source, until its last user goes.
    #[inline]
    pub(super) fn source(&self) -> Option<&dyn Source> {
        self.source.get().map(|source| &**source).filter(|_| self.is_here())
    }

    /// Whether it has users.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        // Relaxed: a hint. Who reports what it has read holds the limit meanwhile.
        !self.has_left.load(Ordering::Relaxed)
    }

    /// Its last user is gone.
    pub(super) fn leave(&self) {
        // Relaxed: as above.
        self.has_left.store(true, Ordering::Relaxed);
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.source().map_or(0, |source| source.waiting())
    }

    /// What an event tells of it besides.
    pub(super) fn standing(&self) -> Standing {
        let source = self.source();
        let waiting = source.map_or(0, |source| source.waiting());
        let capacity = self.with_watermarks(source, Watermarks::capacity);
        Standing { waiting, capacity }
    }

    /// Reads the watermarks, those of now where a resize moves them. `source` is this entry's, if it is
    /// there. They are large: a reader gets a reference.
    pub(super) fn with_watermarks<T>(
        &self,
        source: Option<&dyn Source>,
        read: impl FnOnce(&Watermarks) -> T,
    ) -> T {
        let changed = source.and_then(|source| source.changed_watermarks());
        read(changed.as_ref().unwrap_or(&self.tag.watermarks))
    }

    pub(super) fn has_share(&self) -> bool {
        self.has_share
    }

    /// Runs `step` on the reporter under its lock.
    ///
    /// # Returns
    /// The result of `step`, and when the next one is due.
    pub(super) fn step<T>(&self, step: impl FnOnce(&mut Reporter) -> T) -> (T, Option<u64>) {
        let mut reporter = self.reporter.lock();
        let done = step(&mut reporter);
        (done, reporter.due_ms())
    }

    /// Calls `then` with the time at which this is due, under the lock of the rule.
    pub(super) fn with_due<T>(&self, then: impl FnOnce(Option<u64>) -> T) -> T {
        then(self.reporter.lock().due_ms())
    }

    pub(super) fn place(&self) -> Option<usize> {
        // Relaxed: see `Pending`; its locks order what has to be.
        Some(self.place.load(Ordering::Relaxed)).filter(|place| *place != usize::MAX)
    }

    pub(super) fn set_place(&self, place: Option<usize>) {
        // Relaxed: as above.
        self.place.store(place.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// A record of this entry is about to be put in the ring.
    pub(crate) fn enqueue(&self) {
        // Relaxed: `leave` comes after every edge of the entry, since who hands one on holds the limit; all who
        // count down do so under the lock of the entries, or after counting up.
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// It has been taken out again, or found no room.
    pub(crate) fn dequeue(&self) {
        // Relaxed: as above.
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether there is nothing left to deliver of it, given that it has left.
    fn is_over(&self) -> bool {
        // What is due first: the step that ends it enqueues its record under the lock of the rule, so that
        // one of the two is found. Relaxed: as above.
        self.with_due(|due_ms| due_ms.is_none()) && self.queued.load(Ordering::Relaxed) == 0
    }
}

/// The entries of a registry in the order of their registration (REG-2).
///
/// Its lock is held for a step in the map, or to list it, and never while anything else runs: no
/// source is read and none dropped under it (REG-1).
pub(crate) struct Entries {
    max: usize,
    maps: Mutex<Maps>,
}

/// Entries in order.
pub(super) type Listed = Arc<[Line]>;

/// An entry of the list, with what a snapshot needs of it if the limit is at rest: then the entry itself,
/// which lies elsewhere, is not read.
pub(super) struct Line {
    id: u64,
    since_us: u64,
    /// That of the entry, if it was attached when the list was made.
    source: Option<Arc<dyn Source>>,
    pub(super) entry: Arc<Entry>,
}

impl Line {
    fn new(entry: &Arc<Entry>) -> Self {
        let (source, entry) = (entry.source.get().cloned(), entry.clone());
        Self { id: entry.id, since_us: entry.since_us, source, entry }
    }

    #[inline(always)]
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// How long it has been registered.
    #[inline(always)]
    pub(super) fn age(&self, now_us: u64) -> Duration {
        Duration::from_micros(now_us.saturating_sub(self.since_us))
    }

    #[inline(always)]
    pub(super) fn source(&self) -> Option<&dyn Source> {
        match &self.source {
            Some(source) => Some(&**source),
            None => self.attached_since(),
        }
    }

    #[cold]
    fn attached_since(&self) -> Option<&dyn Source> {
        self.entry.source()
    }
}

struct Maps {
    next_id: u64,
    live: BTreeMap<u64, Arc<Entry>>,
    /// `live` in a row, if it was asked for since an entry came or left.
    listed: Option<Listed>,
    /// Gone, but with events to deliver: those in the ring, and the recoveries of raises that were
    /// delivered. So there are at most as many as the ring holds and entries there were at that
    /// time.
    departed: BTreeMap<u64, Arc<Entry>>,
}

impl Entries {
    pub(crate) fn new(max: usize) -> Self {
        let (live, departed) = (BTreeMap::new(), BTreeMap::new());
        Self { max, maps: Mutex::new(Maps { next_id: 0, live, listed: None, departed }) }
    }

    pub(crate) fn join(&self, tag: Tag, rule: PressureRule) -> Result<Arc<Entry>, RegisterError> {
        let (entry, _stale) = {
            let mut maps = self.maps.lock();
            if maps.live.len() >= self.max {
                return Err(RegisterError::TooManyEntries { max: self.max });
            }
            let id = maps.next_id;
            maps.next_id += 1;
            let entry = Arc::new(Entry::new(id, tag, rule));
            maps.live.insert(id, entry.clone());
            (entry, maps.listed.take())
        };
        Ok(entry)
    }

    pub(crate) fn leave(&self, entry: &Entry) {
        let _stale = {
            let mut maps = self.maps.lock();
            let gone = maps.live.remove(&entry.id);
            if let Some(gone) = gone.filter(|gone| !gone.is_over()) {
                maps.departed.insert(entry.id, gone);
            }
            maps.listed.take()
        };
    }

    /// The entry of a record that was taken out of the ring.
    pub(crate) fn dequeue(&self, id: u64) -> Option<Arc<Entry>> {
        let mut maps = self.maps.lock();
        if let Some(entry) = maps.live.get(&id) {
            entry.dequeue();
            return Some(entry.clone());
        }
        let entry = maps.departed.get(&id)?.clone();
        entry.dequeue();
        if entry.is_over() {
            maps.departed.remove(&id);
        }
        Some(entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.maps.lock().live.len()
    }

    /// How many have left that are kept.
    #[cfg(test)]
    pub(super) fn departed(&self) -> usize {
        self.maps.lock().departed.len()
    }

    /// The entries that there are now, in order.
    pub(super) fn listed(&self) -> Listed {
        let maps = &mut *self.maps.lock();
        let live = &maps.live;
        maps.listed.get_or_insert_with(|| live.values().map(Line::new).collect()).clone()
    }
}
