//! The memory that an item takes, its handles included: a gauge, a channel, a ledger's entry, a
//! pool's slot, a budget, a guest that is watched.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread;

use dashmap::DashMap;
use plimsoll::budget::Budget;
use plimsoll::channel::{crossbeam, mpsc, tokio};
use plimsoll::ledger::{LedgerSettings, PeakLedger, Seed};
use plimsoll::pool::{Isolation, Manager, Pool};
use plimsoll::{Limit, Registry, Watermarks};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::keepalive;
use crate::case::Case;
use crate::peers::in_use::InUseList;
use crate::resident::{self, Held, more};

/// Of each case its name, which tells the unit too, and what is compared in it.
pub(crate) static HELD: [(&str, &[Held]); 5] = [
    ("a gauge: bytes, not ns", &GAUGES),
    ("an empty channel, 16 numbers at most: bytes, not ns", &CHANNELS),
    ("an entry of a full ledger: bytes, not ns", &ENTRIES),
    ("an idle instance of 64 bytes in a pool: bytes, not ns", &INSTANCES),
    ("a budget within another one: bytes, not ns", &BUDGETS),
];

/// Of each kind; as many as a pool can have.
const ITEMS: u64 = 1 << 16;

pub(super) fn cases() -> Vec<Case> {
    let cases = HELD.iter().filter_map(|(name, kinds)| resident::case(name, "item", ITEMS, kinds));
    cases.chain(keepalive::memory_case()).collect()
}

const LIST: &str = "locked list in use";

const GAUGES: [Held; 3] = [
    Held { name: LIST, baseline: LIST, bytes: listed },
    Held { name: "prometheus-client, one of a family", baseline: LIST, bytes: family },
    Held { name: "plimsoll gauge, registered", baseline: LIST, bytes: gauges },
];

fn listed(items: usize) -> u64 {
    more(|| {
        let list = InUseList::default();
        let gauges: Vec<_> = (0..items).map(|_| list.register("replies", 1_024)).collect();
        (list, gauges)
    })
}

fn family(items: usize) -> u64 {
    more(|| {
        let family = Family::<Vec<(&'static str, String)>, Gauge>::default();
        let gauge = |number: usize| family.get_or_create_owned(&vec![("scope", scope(number))]);
        let gauges: Vec<_> = (0..items).map(gauge).collect();
        (gauges, family)
    })
}

fn gauges(items: usize) -> u64 {
    let registry = registry(items);
    more(|| {
        let gauge = |number| registry.gauge(limit(number), Watermarks::new(1_024));
        (0..items).map(gauge).collect::<Result<Vec<_>, _>>().expect("good limits")
    })
}

const CROSSBEAM: &str = "crossbeam, bounded";
const UNBOUNDED: &str = "crossbeam, unbounded";
const STD: &str = "std sync_channel";
const TOKIO: &str = "tokio mpsc";

const CHANNELS: [Held; 8] = [
    Held {
        name: CROSSBEAM,
        baseline: CROSSBEAM,
        bytes: |items| channels(items, |_| crossbeam_channel::bounded::<u64>(CAPACITY)),
    },
    Held {
        name: "plimsoll crossbeam, bounded",
        baseline: CROSSBEAM,
        bytes: |items| tracked(items, |on, limit| crossbeam::bounded::<u64>(on, limit, CAPACITY)),
    },
    Held {
        name: UNBOUNDED,
        baseline: UNBOUNDED,
        bytes: |items| channels(items, |_| crossbeam_channel::unbounded::<u64>()),
    },
    Held {
        name: "plimsoll crossbeam, unbounded",
        baseline: UNBOUNDED,
        bytes: |items| tracked(items, crossbeam::unbounded::<u64>),
    },
    Held {
        name: STD,
        baseline: STD,
        bytes: |items| channels(items, |_| std::sync::mpsc::sync_channel::<u64>(CAPACITY)),
    },
    Held {
        name: "plimsoll sync_channel",
        baseline: STD,
        bytes: |items| tracked(items, |on, limit| mpsc::sync_channel::<u64>(on, limit, CAPACITY)),
    },
    Held {
        name: TOKIO,
        baseline: TOKIO,
        bytes: |items| channels(items, |_| ::tokio::sync::mpsc::channel::<u64>(CAPACITY)),
    },
    Held {
        name: "plimsoll tokio mpsc",
        baseline: TOKIO,
        bytes: |items| tracked(items, |on, limit| tokio::channel::<u64>(on, limit, CAPACITY)),
    },
];

const CAPACITY: usize = 16;

fn channels<C>(items: usize, open: impl Fn(usize) -> C) -> u64 {
    more(|| (0..items).map(open).collect::<Vec<_>>())
}

fn tracked<C, E: std::fmt::Debug>(
    items: usize,
    open: impl Fn(&Registry, Limit) -> Result<C, E>,
) -> u64 {
    let registry = registry(items);
    channels(items, |number| open(&registry, limit(number)).expect("a good limit"))
}

const MAP: &str = "DashMap, as large";

const ENTRIES: [Held; 2] = [
    Held { name: MAP, baseline: MAP, bytes: entries_of_a_map },
    Held { name: "plimsoll ledger", baseline: MAP, bytes: entries },
];

fn entries_of_a_map(items: usize) -> u64 {
    more(|| {
        let map = DashMap::with_capacity(items);
        for number in 0..items {
            map.insert(scope(number), 7_u64);
        }
        map
    })
}

fn entries(items: usize) -> u64 {
    more(|| {
        let settings = LedgerSettings::new(items).seed(Seed::new(17, 4));
        let ledger = PeakLedger::new(settings).expect("a sound capacity");
        for number in 0..items {
            ledger.record(scope(number).as_str(), 7).expect("a short id");
        }
        ledger
    })
}

const DEADPOOL: &str = "deadpool, unmanaged";

const INSTANCES: [Held; 2] = [
    Held { name: DEADPOOL, baseline: DEADPOOL, bytes: instances_of_deadpool },
    Held { name: "plimsoll pool", baseline: DEADPOOL, bytes: instances },
];

type Instance = [u64; 8];

fn instances_of_deadpool(items: usize) -> u64 {
    more(|| {
        let instances: Vec<Instance> = vec![[1; 8]; items];
        deadpool::unmanaged::Pool::from(instances)
    })
}

/// Never asked for an instance: all are handed in.
struct HandedIn;

impl Manager for HandedIn {
    type Object = Instance;
    type Error = Infallible;

    async fn create(&self) -> Result<Instance, Infallible> {
        Ok([1; 8])
    }
}

fn instances(items: usize) -> u64 {
    more(|| {
        let instances = (0..items).map(|_| [1; 8]);
        let builder = Pool::builder(HandedIn).isolation(Isolation::Shared).max(items);
        let pool = builder.objects(instances).build().expect("settings that can be");
        while pool.counts().idle < items {
            thread::yield_now();
        }
        pool
    })
}

const SEMAPHORE: &str = "tokio Semaphore, in an Arc";

const BUDGETS: [Held; 3] = [
    Held {
        name: SEMAPHORE,
        baseline: SEMAPHORE,
        bytes: |items| channels(items, |_| Arc::new(::tokio::sync::Semaphore::new(1_024))),
    },
    Held { name: "plimsoll budget", baseline: SEMAPHORE, bytes: |items| budgets(items, None) },
    Held {
        name: "plimsoll budget, registered",
        baseline: SEMAPHORE,
        bytes: |items| budgets(items, Some(&registry(items + 1))),
    },
];

fn budgets(items: usize, registry: Option<&Registry>) -> u64 {
    let (limit, capacity) = (Limit::memory("host_bytes"), 1_u64 << 30);
    let root = match registry {
        Some(registry) => registry.budget(limit, capacity),
        None => Budget::new(limit, capacity),
    };
    let root = root.expect("a good limit");
    let child = |number| root.child(Limit::memory("guest_bytes").scope(scope(number)), 1_024_u64);
    channels(items, |number| child(number).expect("a good limit"))
}

fn registry(entries: usize) -> Registry {
    Registry::builder().max_entries(entries).build().expect("a sound size")
}

fn limit(number: usize) -> Limit {
    Limit::queue("replies").scope(scope(number))
}

/// 7 to 11 bytes.
fn scope(number: usize) -> String {
    format!("guest-{number}")
}
