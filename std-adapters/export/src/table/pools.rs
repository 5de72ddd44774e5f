//! Pools.

use plimsoll::pool::{DiscardReason, PoolCheckouts, PoolRefusals, PoolTimeouts};

use crate::family::Kind::{Counter, Histogram, UpDown};
use crate::family::Unit::Seconds;
use crate::family::{Family, Unit};

const INSTANCES: Unit = Unit::Things("{instance}");
const REQUESTS: Unit = Unit::Things("{request}");
const TIMEOUTS: Unit = Unit::Things("{timeout}");

pub(super) static FAMILIES: [Family; 11] = [
    Family::new(
        UpDown,
        ("plimsoll_pool_instances", "plimsoll.pool.instance.count"),
        INSTANCES,
        "Instances of the pool, by what they do.",
        |model, out| {
            model.pool_counts_by(out, "state", |pool| {
                let counts = &pool.stats.counts;
                [
                    ("used", counts.leased as u64),
                    ("idle", counts.idle as u64),
                    ("building", counts.building as u64),
                    ("retiring", counts.condemned as u64),
                ]
            });
        },
    )
    .otel_label("pool.instance.state"),
    Family::new(
        UpDown,
        ("plimsoll_pool_instances_max", "plimsoll.pool.instance.max"),
        INSTANCES,
        "How many instances the pool may have.",
        |model, out| model.pool_counts(out, |pool| pool.stats.counts.capacity() as u64),
    ),
    Family::new(
        UpDown,
        ("plimsoll_pool_instances_warm", "plimsoll.pool.instance.idle.min"),
        INSTANCES,
        "How many idle instances the pool keeps ready.",
        |model, out| model.pool_counts(out, |pool| pool.stats.warm as u64),
    ),
    Family::new(
        UpDown,
        ("plimsoll_pool_pending_requests", "plimsoll.pool.instance.pending_requests"),
        REQUESTS,
        "Checkouts that wait for an instance.",
        |model, out| model.pool_counts(out, |pool| pool.stats.waiting),
    ),
    Family::new(
        Histogram,
        ("plimsoll_pool_wait_seconds", "plimsoll.pool.instance.wait_time"),
        Seconds,
        "How long checkouts waited that had to.",
        |model, out| model.pool_times(out, |pool| &pool.stats.wait),
    ),
    Family::new(
        Histogram,
        ("plimsoll_pool_use_seconds", "plimsoll.pool.instance.use_time"),
        Seconds,
        "How long instances were in use, of some of the leases.",
        |model, out| model.pool_times(out, |pool| &pool.stats.hold),
    ),
    Family::new(
        Histogram,
        ("plimsoll_pool_create_seconds", "plimsoll.pool.instance.create_time"),
        Seconds,
        "How long builds took, failed ones too.",
        |model, out| model.pool_times(out, |pool| &pool.stats.create),
    ),
    Family::new(
        Counter,
        ("plimsoll_pool_checkouts_total", "plimsoll.pool.checkouts"),
        REQUESTS,
        "Checkouts that were served, by how: by an idle instance, by a new one, or after a wait.",
        |model, out| {
            model.pool_counts_by(out, "path", |pool| {
                let PoolCheckouts { warm, cold, waited, .. } = pool.stats.checkouts;
                [("warm", warm), ("cold", cold), ("waited", waited)]
            });
        },
    ),
    Family::new(
        Counter,
        ("plimsoll_pool_timeouts_total", "plimsoll.pool.instance.timeouts"),
        TIMEOUTS,
        "Checkouts that timed out, by what they were at.",
        |model, out| {
            model.pool_counts_by(out, "stage", |pool| {
                let PoolTimeouts { wait, cap, build, .. } = pool.stats.timeouts;
                [("wait", wait), ("cap", cap), ("build", build)]
            });
        },
    ),
    Family::new(
        Counter,
        ("plimsoll_pool_discarded_total", "plimsoll.pool.instance.discarded"),
        INSTANCES,
        "Instances that were not used again, by the reason.",
        |model, out| {
            model.pool_counts_by(out, "reason", |pool| {
                DiscardReason::ALL.map(|reason| (reason.as_str(), pool.stats.discards(reason)))
            });
        },
    ),
    Family::new(
        Counter,
        ("plimsoll_pool_refused_total", "plimsoll.pool.instance.refused"),
        REQUESTS,
        "Checkouts that were refused, by the reason.",
        |model, out| {
            model.pool_counts_by(out, "reason", |pool| {
                let PoolRefusals { in_use, waiting, faults, line_full, never, .. } =
                    pool.stats.refusals;
                [
                    ("in_use", in_use),
                    ("waiting", waiting),
                    ("faults", faults),
                    ("line_full", line_full),
                    ("never", never),
                ]
            });
        },
    ),
];
