//! Events for `tracing`.

use tracing::Level;

use super::event::{Event, EventKind};
use super::snapshot::Snapshot;

/// A number as OpenTelemetry has numbers: `tracing-opentelemetry` makes text of a `u64`. What is above
/// 2^63 - 1 is that.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// One `tracing` event with the fields of `event` (REG-5), none of which is called as what
/// subscribers write of their own: `level`, `message`, `target`, `name`, `timestamp`, `span` ...
/// (REG-11).
pub(crate) fn emit(event: &Event) {
    let fields = event.fields();
    // The level is part of a call site, so there are two of them.
    macro_rules! emit_at {
        ($level:expr) => {
            tracing::event!(
                target: "plimsoll",
                $level,
                limit = event.name(),
                category = event.category().as_str(),
                scope = event.scope(),
                kind = event.kind().as_str(),
                pressure = event.level().as_str(),
                depth = fields.depth.map(number),
                observed = fields.observed.map(number),
                capacity = fields.capacity.map(number),
                sequence = fields.sequence.map(number),
                waiting = fields.waiting.map(number),
                peak = fields.peak.map(number),
                duration_ms = fields.duration_ms.map(number),
                repeat = fields.repeat.map(i64::from),
                suppressed = fields.suppressed.map(number),
                is_gone = fields.is_gone,
                detail = fields.detail.as_deref(),
                run = fields.run.as_deref(),
                window_ms = fields.window_ms.map(number),
                elapsed_ms = fields.elapsed_ms.map(number),
                elapsed_raw_ms = fields.elapsed_raw_ms.map(number),
                expired = fields.expired.map(number),
                watched = fields.watched.map(number),
                lag_ms = fields.lag_ms.map(number),
                slack_ms = fields.slack_ms.map(number),
                "{event}"
            )
        };
    }
    match event.kind() {
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
        limits = number(entries.len() as u64),
        raised = number(raised().count() as u64),
        waiting = number(waiting),
        delivered = number(stats.delivered),
        dropped = number(stats.dropped),
        panicked = number(stats.panicked),
        "{} of {} limits raised, {waiting} waiting",
        raised().count(),
        entries.len(),
    );
    for entry in raised() {
        tracing::warn!(
            target: "plimsoll",
            limit = entry.name(),
            category = entry.category().as_str(),
            scope = entry.scope(),
            pressure = entry.level.as_str(),
            depth = number(entry.depth),
            capacity = entry.capacity().map(number),
            percent = entry.percent().map(number),
            high_water = number(entry.high_water),
            waiting = number(entry.waiting),
            "{entry}"
        );
    }
}
