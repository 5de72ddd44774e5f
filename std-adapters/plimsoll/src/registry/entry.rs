//! One limit in a registry, and all of them in order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use plimsoll_core::{Announcements, Edge, Sustain, Watermarks};

use crate::clock;
use crate::error::RegisterError;
use crate::event::Event;
use crate::ledger::LedgerSource;
use crate::limit::{Category, Limit};
use crate::pressure::PressureRule;
use crate::source::Source;

/// What a limit is called, and its bounds. Snapshots and events keep it alive, and nothing else.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: Cow<'static, str>,
    pub(crate) category: Category,
    pub(crate) instance: Option<Cow<'static, str>>,
    pub(crate) watermarks: Watermarks,
}

impl Tag {
    pub(crate) fn new(limit: Limit, watermarks: Watermarks) -> Self {
        let (name, category, instance) = limit.into_parts();
        Self { name, category, instance, watermarks }
    }

    /// The name without the category, for a table.
    pub(crate) fn label(&self) -> String {
        Label(self).to_string()
    }
}

/// `queue stdout_frames[guest-7]`
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.category, Label(self))
    }
}

/// `stdout_frames[guest-7]`
struct Label<'a>(&'a Tag);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)?;
        match &self.0.instance {
            Some(label) => write!(f, "[{label}]"),
            None => Ok(()),
        }
    }
}

/// What is to be read under an entry.
pub(crate) enum Attached {
    /// Something with a depth.
    Gauge(Weak<dyn Source>),
    /// Who uses the most.
    Ledger(Weak<dyn LedgerSource>),
}

/// One limit, or one ledger, in a registry.
pub(crate) struct Entry {
    id: u64,
    tag: Arc<Tag>,
    attached: OnceLock<Attached>,
    /// Held for a few machine steps on an edge, never while anything else runs.
    sustain: Mutex<Sustain>,
    /// When `sustain` is due, `u64::MAX` for never: what `sustain` said when it was last let go.
    due_ms: AtomicU64,
    /// Records of this entry in the ring, or about to be.
    queued: AtomicU64,
}

// As of the registry's `Shared`.
impl UnwindSafe for Entry {}
impl RefUnwindSafe for Entry {}

impl Entry {
    fn new(id: u64, tag: Tag, rule: PressureRule) -> Self {
        Self {
            id,
            tag: Arc::new(tag),
            attached: OnceLock::new(),
            sustain: Mutex::new(rule.machine()),
            due_ms: AtomicU64::new(u64::MAX),
            queued: AtomicU64::new(0),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn tag(&self) -> &Arc<Tag> {
        &self.tag
    }

    pub(crate) fn attach(&self, attached: Attached) {
        // A second one has no effect, as the caller is told.
        let _ = self.attached.set(attached);
    }

    fn source(&self) -> Option<Arc<dyn Source>> {
        match self.attached.get()? {
            Attached::Gauge(source) => source.upgrade(),
            Attached::Ledger(_) => None,
        }
    }

    fn ledger(&self) -> Option<Arc<dyn LedgerSource>> {
        match self.attached.get()? {
            Attached::Gauge(_) => None,
            Attached::Ledger(ledger) => ledger.upgrade(),
        }
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.source().map_or(0, |source| source.waiting())
    }

    /// What is to be announced because of `edge`.
    pub(crate) fn on_edge(&self, edge: &Edge) -> Announcements {
        let mut sustain = self.sustain.lock();
        let announcements = sustain.on_edge(clock::now_ms(), edge);
        self.note_due(&sustain);
        announcements
    }

    /// What is to be announced because time has passed.
    pub(crate) fn on_tick(&self) -> Option<Event> {
        let source = self.source()?;
        let read = source.read();
        let announcement = {
            let mut sustain = self.sustain.lock();
            let reading = &read.reading;
            let announcement = sustain.on_tick(clock::now_ms(), reading.level, reading.depth);
            self.note_due(&sustain);
            announcement?
        };
        Some(Event::announced(self.tag.clone(), announcement, read.waiting))
    }

    fn note_due(&self, sustain: &Sustain) {
        // Relaxed: a hint, which `on_tick` checks under the lock.
        self.due_ms.store(sustain.due_ms().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_due(&self, now_ms: u64) -> bool {
        // Relaxed: as above; what is missed now is due in the next round.
        self.due_ms.load(Ordering::Relaxed) <= now_ms
    }

    /// A record of this entry is about to be put in the ring.
    pub(crate) fn enqueue(&self) {
        // Relaxed: `leave` comes after every edge of the entry, since the last user of the entry
        // calls it; all who count down do so under the lock of the entries, or after counting up.
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// It has been taken out again, or found no room.
    ///
    /// # Returns
    /// Whether none is left.
    pub(crate) fn dequeue(&self) -> bool {
        // Relaxed: as above.
        self.queued.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn is_queued(&self) -> bool {
        // Relaxed: as above.
        self.queued.load(Ordering::Relaxed) > 0
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

struct Maps {
    next_id: u64,
    live: BTreeMap<u64, Arc<Entry>>,
    /// Gone, but with events in the ring; at most as many as the ring holds.
    departed: BTreeMap<u64, Arc<Entry>>,
}

impl Entries {
    pub(crate) fn new(max: usize) -> Self {
        let maps = Maps { next_id: 0, live: BTreeMap::new(), departed: BTreeMap::new() };
        Self { max, maps: Mutex::new(maps) }
    }

    pub(crate) fn join(&self, tag: Tag, rule: PressureRule) -> Result<Arc<Entry>, RegisterError> {
        let mut maps = self.maps.lock();
        if maps.live.len() >= self.max {
            return Err(RegisterError::TooManyEntries { max: self.max });
        }
        let id = maps.next_id;
        maps.next_id += 1;
        let entry = Arc::new(Entry::new(id, tag, rule));
        maps.live.insert(id, entry.clone());
        Ok(entry)
    }

    pub(crate) fn leave(&self, entry: &Entry) {
        let mut maps = self.maps.lock();
        let Some(gone) = maps.live.remove(&entry.id) else { return };
        if entry.is_queued() {
            maps.departed.insert(entry.id, gone);
        }
    }

    /// The entry of a record that was taken out of the ring.
    pub(crate) fn dequeue(&self, id: u64) -> Option<Arc<Entry>> {
        let mut maps = self.maps.lock();
        if let Some(entry) = maps.live.get(&id) {
            entry.dequeue();
            return Some(entry.clone());
        }
        let entry = maps.departed.get(&id)?.clone();
        if entry.dequeue() {
            maps.departed.remove(&id);
        }
        Some(entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.maps.lock().live.len()
    }

    /// What has a depth now, in order. To be dropped outside every lock: it can be the last to hold
    /// a source.
    pub(crate) fn sources(&self) -> Vec<(Arc<Tag>, Arc<dyn Source>)> {
        self.all(Entry::source)
    }

    /// The ledgers that there are now, in order. To be dropped as [`sources`](Self::sources) are.
    pub(crate) fn ledgers(&self) -> Vec<(Arc<Tag>, Arc<dyn LedgerSource>)> {
        self.all(Entry::ledger)
    }

    fn all<T>(&self, get: impl Fn(&Entry) -> Option<T>) -> Vec<(Arc<Tag>, T)> {
        let maps = self.maps.lock();
        let mut all = Vec::with_capacity(maps.live.len());
        for entry in maps.live.values() {
            if let Some(one) = get(entry) {
                all.push((entry.tag.clone(), one));
            }
        }
        all
    }

    /// The entries whose rule has something to say.
    pub(crate) fn due(&self) -> Vec<Arc<Entry>> {
        let now_ms = clock::now_ms();
        let maps = self.maps.lock();
        maps.live.values().filter(|entry| entry.is_due(now_ms)).cloned().collect()
    }
}
