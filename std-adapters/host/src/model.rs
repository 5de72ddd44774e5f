//! From the registry's snapshot and the principals' own numbers to what the view shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll::catalog::SandboxLimit;
use plimsoll::pool::DiscardReason;
use plimsoll::{Category, Level, Snapshot, SnapshotEntry, SnapshotLedger, SnapshotUser};

use crate::guests::{Principal, State};
use crate::ledgers;
use crate::tenants::{Facts, Habit, POOL};
use crate::view::{Meter, Party, Queue, Ranking, Tenancy, User};

/// The queues, in the order of the snapshot, which is the order of the pipeline.
pub(crate) fn queues(snapshot: &Snapshot) -> Vec<Queue> {
    let entries = snapshot.entries().iter();
    entries
        .filter(|entry| entry.category() == Category::Queue)
        .map(|entry| Queue {
            name: match entry.instance() {
                Some(instance) => format!("{} {instance}", entry.name()),
                None => entry.name().to_owned(),
            },
            meter: meter(entry),
            waiting: entry.waiting,
            blocked: entry.blocked,
        })
        .collect()
}

/// The principals, each with its two limits and its state.
pub(crate) fn parties(snapshot: &Snapshot, principals: &[Arc<Principal>]) -> Vec<Party> {
    principals.iter().map(|principal| party(snapshot, principal)).collect()
}

/// The instances that run.
pub(crate) fn instances(snapshot: &Snapshot) -> Meter {
    snapshot.find(SandboxLimit::VmProcesses.as_str(), None).map_or(NOTHING, meter)
}

/// The runs that are watched, and those of them that are silent, as the watcher registers them.
pub(crate) fn watched(snapshot: &Snapshot) -> Meter {
    snapshot.find("guest_keepalive", None).map_or(NOTHING, meter)
}

/// See [`watched`].
pub(crate) fn silent(snapshot: &Snapshot) -> Meter {
    snapshot.find("guest_keepalive_silent", None).map_or(NOTHING, meter)
}

/// The largest users of memory and of fuel.
pub(crate) fn rankings(snapshot: &Snapshot) -> Vec<Ranking> {
    snapshot.ledgers().iter().map(ranking).collect()
}

fn ranking(ledger: &SnapshotLedger) -> Ranking {
    let of = match ledger.name() {
        ledgers::MEMORY => "memory",
        ledgers::TENANT_FUEL => "tenant fuel",
        _ => "fuel",
    };
    let user = |user: &SnapshotUser| User {
        name: user.principal().to_string(),
        amount: match user.value() {
            bytes if of == "memory" => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            units if of == "tenant fuel" && units >= 1_000_000 => {
                format!("{:.1} M", units as f64 / 1e6)
            }
            units if of == "tenant fuel" => units.to_string(),
            ms => format!("{ms} ms"),
        },
        share: user.share,
        certain: user.is_certified,
    };
    Ranking { of, users: ledger.users().iter().map(user).collect() }
}

/// The pool and those who call through it.
pub(crate) fn tenancy(snapshot: &Snapshot, facts: &Facts) -> Tenancy {
    let pool = snapshot.pools().iter().find(|pool| pool.name() == POOL);
    let stats = pool.map(|pool| &pool.stats);
    let counts = stats.map(|stats| stats.counts).unwrap_or_default();
    let waited = |of| stats.and_then(|stats| stats.wait.quantile(of)).unwrap_or_default();
    Tenancy {
        capacity: counts.capacity(),
        leased: counts.leased,
        idle: counts.idle,
        building: counts.building,
        waiting: stats.map_or(0, |stats| stats.waiting),
        wait: [waited(0.5), waited(0.99)],
        discards: stats.map_or([0; 2], |stats| {
            [DiscardReason::SingleUse, DiscardReason::Faulted].map(|reason| stats.discards(reason))
        }),
        tenants: facts.number(Habit::Answer),
        per_second: facts.per_second(),
        latency: [0.5, 0.99].map(|of| facts.latency.quantile(of)),
        failed: facts.harmed(),
        growths_refused: facts.sum(Habit::Hoard, |tally| &tally.growths_refused),
        stopped: facts.sum(Habit::Spin, |tally| &tally.stopped),
        turned_away: facts.sum(Habit::Spin, |tally| &tally.turned_away),
    }
}

fn party(snapshot: &Snapshot, principal: &Principal) -> Party {
    let name = principal.plan.name;
    let entry = |limit: SandboxLimit| snapshot.find(limit.as_str(), Some(name));
    let waiting = entry(SandboxLimit::SidecarStdoutFrames).map_or(0, |stream| stream.waiting);
    let state = principal.state();
    let tally = &principal.tally;
    // Relaxed: numbers for people to read, which order nothing.
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let silent_for = principal.heartbeats.silences().silent_for(name);
    let state_text = match state {
        _ if silent_for.is_some() => {
            format!("silent for {:.1} s", silent_for.unwrap_or_default().as_secs_f64())
        }
        State::Running if waiting > 0 => "blocked on its stream".to_owned(),
        State::Trapped => times(state, load(&tally.traps)),
        State::MemoryRefused => times(state, load(&tally.refusals)),
        _ => state.to_string(),
    };
    Party {
        name: name.to_owned(),
        state: state_text,
        troubled: silent_for.is_some()
            || waiting > 0
            || !matches!(state, State::Starting | State::Running | State::Ended),
        memory_bytes: entry(SandboxLimit::WasmMemoryBytes).map_or(NOTHING, meter),
        turn_ms: entry(SandboxLimit::WasmFuelMs).map_or(NOTHING, meter),
        silent_for,
        frames: load(&tally.frames_sent) + load(&tally.frames_taken),
    }
}

fn times(state: State, number: u64) -> String {
    if number > 1 { format!("{state} ×{number}") } else { state.to_string() }
}

const NOTHING: Meter =
    Meter { depth: 0, high_water: 0, capacity: 0, low: 0, high: 0, level: Level::Normal };

fn meter(entry: &SnapshotEntry) -> Meter {
    let marks = entry.watermarks();
    Meter {
        depth: entry.depth,
        high_water: entry.high_water,
        capacity: entry.capacity().unwrap_or(0),
        low: marks.low(Level::Elevated).unwrap_or(0),
        high: marks.high(Level::Elevated).unwrap_or(0),
        level: entry.level,
    }
}
