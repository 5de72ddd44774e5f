//! Events for `tracing`.

use tracing::Level;

use crate::event::{Event, EventKind};

/// One `tracing` event with the fields of `event` (REG-5).
pub(crate) fn emit(event: &Event) {
    // The level is part of a call site, so there are two of them.
    macro_rules! emit_at {
        ($level:expr) => {
            tracing::event!(
                target: "plimsoll",
                $level,
                name = event.name(),
                category = event.category().as_str(),
                instance = event.instance(),
                kind = event.kind.as_str(),
                level = event.level.as_str(),
                depth = event.depth,
                capacity = event.capacity,
                sequence = event.sequence,
                waiting = event.waiting,
                peak = event.peak,
                duration_ms = event.duration_ms(),
                repeat = event.repeat,
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
