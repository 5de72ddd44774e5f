//! Events for `tracing`.

use tracing::Level;

use crate::event::{Event, EventKind};
use crate::snapshot::Snapshot;

/// One `tracing` event with the fields of `event` (REG-5), none of which is called as what subscribers
/// write of their own: `level`, `message`, `target`, `name`, `timestamp`, `span` ... (REG-11).
pub(crate) fn emit(event: &Event) {
    // The level is part of a call site, so there are two of them.
    macro_rules! emit_at {
        ($level:expr) => {
            tracing::event!(
                target: "plimsoll",
                $level,
                limit = event.name(),
                category = event.category().as_str(),
                instance = event.instance(),
                kind = event.kind.as_str(),
                pressure = event.level.as_str(),
                depth = event.depth,
                capacity = event.capacity,
                sequence = event.sequence,
                waiting = event.waiting,
                peak = event.peak,
                duration_ms = event.duration_ms(),
                repeat = event.repeat,
                suppressed = event.suppressed_if_any(),
                detail = event.detail.as_deref(),
                run = event.run.as_deref(),
                "{event}"
            )
        };
    }
    match event.kind {
        EventKind::Raised
        | EventKind::Sustained
        | EventKind::Exhausted
        | EventKind::Late
        | EventKind::Silent
        | EventKind::Suspect
        | EventKind::Lagging => {
            emit_at!(Level::WARN);
        }
        EventKind::Cleared | EventKind::Recovered => emit_at!(Level::DEBUG),
    }
}

/// A snapshot: a summary, and one warning for each limit that is raised.
pub(crate) fn log_snapshot(snapshot: &Snapshot) {
    let entries = snapshot.entries();
    let raised = || entries.iter().filter(|entry| entry.level > plimsoll_core::Level::Normal);
    let waiting: u64 = entries.iter().map(|entry| entry.waiting).sum();
    let stats = snapshot.stats();
    tracing::info!(
        target: "plimsoll",
        limits = entries.len(),
        raised = raised().count(),
        waiting,
        delivered = stats.delivered,
        dropped = stats.dropped,
        panicked = stats.panicked,
        "{} of {} limits raised, {waiting} waiting",
        raised().count(),
        entries.len(),
    );
    for entry in raised() {
        tracing::warn!(
            target: "plimsoll",
            limit = entry.name(),
            category = entry.category().as_str(),
            instance = entry.instance(),
            pressure = entry.level.as_str(),
            depth = entry.depth,
            capacity = entry.capacity(),
            percent = entry.percent(),
            high_water = entry.high_water,
            waiting = entry.waiting,
            "{entry}"
        );
    }
}
