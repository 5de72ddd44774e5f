//! Threads that do all there is to do with a registry, at random, held against a model at rest.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pressure::Pressure;
use plimsoll::{
    Delivery, Level, Limit, ObservedGauge, PressureRule, RecordedGauge, Registry, TrackedGauge,
    channel,
};

use super::TEN;
use super::ownership::watched;

/// What goes through the channels: counted as long as it is there.
type Item = Arc<()>;

/// A handle of a limit, or a pair.
#[derive(Clone)]
enum Handle {
    Gauge(TrackedGauge),
    Recorded(RecordedGauge),
    Observed(ObservedGauge, Arc<AtomicU64>),
    Crossbeam(channel::crossbeam::Sender<Item>, channel::crossbeam::Receiver<Item>),
    Std(channel::mpsc::SyncSender<Item>, Arc<Mutex<channel::mpsc::Receiver<Item>>>),
    Tokio(channel::tokio::Sender<Item>, Arc<Mutex<channel::tokio::Receiver<Item>>>),
}

impl Handle {
    fn new(registry: &Registry, kind: u64, scope: u64) -> Self {
        let limit = Limit::queue("q").scope(scope.to_string()).pressure(PressureRule::IMMEDIATE);
        match kind % 6 {
            0 => Self::Gauge(registry.gauge(limit, TEN).unwrap()),
            1 => Self::Recorded(registry.recorded_gauge(limit, TEN).unwrap()),
            2 => {
                let depth = Arc::<AtomicU64>::default();
                let ask = depth.clone();
                let ask = move || ask.load(Ordering::SeqCst);
                Self::Observed(registry.observe(limit, TEN, ask).unwrap(), depth)
            }
            3 => {
                let (tx, rx) = channel::crossbeam::bounded(registry, limit, 10).unwrap();
                Self::Crossbeam(tx, rx)
            }
            4 => {
                let (tx, rx) = channel::mpsc::sync_channel(registry, limit, 10).unwrap();
                Self::Std(tx, Arc::new(Mutex::new(rx)))
            }
            _ => {
                let (tx, rx) = channel::tokio::channel(registry, limit, 10).unwrap();
                Self::Tokio(tx, Arc::new(Mutex::new(rx)))
            }
        }
    }

    /// Moves the depth up or down, or leaves that to be found by the next reader.
    fn use_it(&self, random: u64, item: &Item) {
        let count = random / 2 % 10;
        match (self, random % 2 == 0) {
            (Self::Gauge(gauge), true) => gauge.set(count),
            (Self::Gauge(gauge), false) => drop(gauge.permit(count)),
            (Self::Recorded(gauge), _) => gauge.record(count),
            (Self::Observed(gauge, depth), is_seen) => {
                depth.store(count, Ordering::SeqCst);
                if is_seen {
                    gauge.observe();
                }
            }
            (Self::Crossbeam(tx, _), true) if random % 3 == 0 => {
                let upstream = crossbeam_channel::Sender::clone(&tx.watched());
                (0..count).for_each(|_| upstream.try_send(item.clone()).unwrap_or_default());
            }
            (Self::Crossbeam(tx, _), true) => {
                (0..count).for_each(|_| tx.try_send(item.clone()).unwrap_or_default());
            }
            (Self::Crossbeam(_, rx), false) => (0..count).for_each(|_| drop(rx.try_recv())),
            (Self::Std(tx, _), true) => {
                (0..count).for_each(|_| tx.try_send(item.clone()).unwrap_or_default());
            }
            (Self::Std(_, rx), false) => {
                // A callback on this very thread may have it.
                let Ok(rx) = rx.try_lock() else { return };
                (0..count).for_each(|_| drop(rx.try_recv()));
            }
            (Self::Tokio(tx, _), true) => {
                (0..count).for_each(|_| tx.try_send(item.clone()).unwrap_or_default());
            }
            (Self::Tokio(_, rx), false) => {
                let Ok(mut rx) = rx.try_lock() else { return };
                (0..count).for_each(|_| drop(rx.try_recv()));
            }
        }
    }

    fn pressure(&self, registry: &Registry) -> Pressure {
        let builder = Pressure::builder(registry);
        let builder = match self {
            Self::Gauge(limit) => builder.when(limit),
            Self::Recorded(limit) => builder.when(limit),
            Self::Observed(limit, _) => builder.when(limit),
            Self::Crossbeam(limit, _) => builder.when(limit),
            Self::Std(limit, _) => builder.when(limit),
            Self::Tokio(limit, _) => builder.when(limit),
        };
        builder.build().unwrap()
    }
}

/// One event of a limit.
#[derive(Clone, Copy, Debug)]
struct Heard {
    sequence: u64,
    level: Level,
    is_gone: bool,
}

/// What all threads share.
struct Stand {
    registry: Registry,
    slots: Vec<Mutex<Option<Handle>>>,
    pressures: Mutex<Vec<Pressure>>,
    scopes: AtomicU64,
    item: Item,
}

fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }
}

impl Stand {
    fn slot(&self, random: u64) -> &Mutex<Option<Handle>> {
        &self.slots[random as usize % self.slots.len()]
    }

    /// Takes the handle out, unless another thread is at it.
    fn take(&self, random: u64) -> Option<Handle> {
        self.slot(random).try_lock().ok()?.take()
    }

    fn put(&self, random: u64, handle: Option<Handle>) {
        let before = std::mem::replace(&mut *self.slot(random).lock().unwrap(), handle);
        drop(before);
    }

    fn clone_of(&self, random: u64) -> Option<Handle> {
        self.slot(random).lock().unwrap().clone()
    }

    fn fresh(&self, random: u64) -> Handle {
        let scope = self.scopes.fetch_add(1, Ordering::SeqCst);
        Handle::new(&self.registry, random, scope)
    }

    fn step(&self, mut next: impl FnMut() -> u64) {
        let (one, other) = (next(), next());
        match next() % 32 {
            0..=3 => self.put(one, Some(self.fresh(other))),
            4..=6 => self.put(one, self.clone_of(other)),
            7..=8 => self.put(one, None),
            9 => drop(self.registry.snapshot()),
            10 => drop(self.registry.snapshot_window()),
            11 => _ = self.registry.deliver(),
            12 => _ = self.registry.history().tick(Duration::from_micros(other % 1_000)),
            13 => drop(self.registry.subscribe_with_current(|_| {})),
            14 => {
                let built = self.clone_of(one).map(|handle| handle.pressure(&self.registry));
                let mut kept = Vec::from_iter(built);
                std::mem::swap(&mut kept, &mut *self.pressures.lock().unwrap());
                kept.iter().for_each(|pressure| assert!((0.0..=1.0).contains(&pressure.scaled())));
            }
            _ => {
                if let Some(handle) = self.clone_of(one) {
                    handle.use_it(other, &self.item);
                }
            }
        }
    }

    /// What a subscriber does now and then, which may make further events.
    fn in_a_callback(&self, random: u64) {
        match random % 16 {
            0 => drop(self.take(random / 16)),
            1 => drop(self.registry.snapshot()),
            2 => _ = self.registry.deliver(),
            3 => {
                let handle = self.fresh(random / 16);
                handle.use_it(random / 64 * 4 + 16, &self.item);
            }
            4 => drop(self.registry.subscribe_with_current(|_| {})),
            5 => std::panic::resume_unwind(Box::new("a subscriber")),
            _ => {}
        }
    }
}

thread_local! {
    static IS_CALLED: Cell<bool> = const { Cell::new(false) };
}

/// Threads at random, and what is true in the end.
fn churn(delivery: Delivery, seed: u64) {
    const THREADS: u64 = 3;
    const TIME: Duration = Duration::from_millis(400);
    let registry = Registry::builder().delivery(delivery).build().unwrap();
    let stand = Arc::new(Stand {
        slots: (0..8).map(|_| Mutex::default()).collect(),
        pressures: Mutex::default(),
        scopes: AtomicU64::new(0),
        item: Item::default(),
        registry: registry.clone(),
    });
    let heard = Arc::<Mutex<BTreeMap<u64, Vec<Heard>>>>::default();
    let (notes, calling, turn) = (heard.clone(), Arc::downgrade(&stand), Mutex::new(numbers(seed)));
    let subscription = registry.subscribe(move |event| {
        let scope = event.scope().unwrap().parse().unwrap();
        let pressure = event.as_pressure().unwrap();
        let (sequence, is_gone) = (pressure.sequence, pressure.is_gone);
        let one = Heard { sequence, level: event.level(), is_gone };
        notes.lock().unwrap().entry(scope).or_default().push(one);
        // Events of the callback's own make no further ones.
        if !IS_CALLED.replace(true) {
            let random = turn.lock().unwrap()();
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                calling.upgrade().inspect(|stand| stand.in_a_callback(random));
            }));
            IS_CALLED.set(false);
            done.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
        }
    });
    let deadline = Instant::now() + TIME;
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (stand, mut next) = (stand.clone(), numbers(seed * 100 + thread));
            thread::spawn(move || {
                while Instant::now() < deadline {
                    (0..100).for_each(|_| stand.step(&mut next));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    IS_CALLED.set(true); // From here on the subscriber takes notes only.
    registry.snapshot();
    (0..2).for_each(|_| _ = registry.deliver());
    let snapshot = registry.snapshot();
    let last = |scope: u64| {
        let heard = heard.lock().unwrap();
        let last = heard.get(&scope).and_then(|of| of.iter().max_by_key(|one| one.sequence));
        last.map_or(Level::Normal, |one| one.level)
    };
    let mut scopes = HashSet::new();
    for row in snapshot.entries() {
        let scope = row.scope().unwrap().parse().unwrap();
        assert!(scopes.insert(scope), "REG-2: {scope} twice");
        assert_eq!(row.level, last(scope), "REG-6: {scope}");
    }
    let handles = stand.slots.iter().filter(|slot| slot.lock().unwrap().is_some()).count();
    assert!(scopes.len() <= handles, "REG-2: {} rows, {handles} handles", scopes.len());
    assert_eq!((snapshot.entries().len(), registry.stats().entries), (scopes.len(), scopes.len()));
    (0..stand.slots.len() as u64).for_each(|slot| stand.put(slot, None));
    (0..2).for_each(|_| _ = registry.deliver());
    assert_eq!((registry.snapshot().entries().len(), registry.stats().entries), (0, 0), "REG-2");
    assert_eq!(Arc::strong_count(&stand.item), 1, "items are kept");
    for (scope, heard) in heard.lock().unwrap().iter() {
        assert_eq!(last_of(heard).level, Level::Normal, "REG-8: {scope}: {heard:?}");
        if delivery != Delivery::Inline {
            // Threads that deliver overtake each other, and what found no room is delivered later.
            continue;
        }
        let sequences: HashSet<u64> = heard.iter().map(|one| one.sequence).collect();
        assert_eq!(sequences.len(), heard.len(), "REG-3: an edge twice, {scope}: {heard:?}");
        let gone = heard.iter().position(|one| one.is_gone);
        assert!(
            gone.is_none_or(|at| at + 1 == heard.len() && last_of(heard).is_gone),
            "REG-8: the end is the last of all, {scope}: {heard:?}"
        );
    }
    let weak = registry.downgrade();
    drop((subscription, stand, registry));
    assert!(weak.upgrade().is_none(), "REG-10: something keeps the registry");
}

fn last_of(heard: &[Heard]) -> Heard {
    *heard.iter().max_by_key(|one| one.sequence).unwrap()
}

#[test]
fn reg_8_at_rest_all_that_was_heard_is_true_whatever_threads_and_subscribers_do() {
    watched(|| (1..=2).for_each(|seed| churn(Delivery::Inline, seed)));
}

#[test]
fn reg_6_at_rest_all_that_was_delivered_is_true_whatever_threads_and_subscribers_do() {
    watched(|| (1..=2).for_each(|seed| churn(Delivery::Deferred { capacity: 4 }, seed)));
}
