//! What the registry itself has done.

use crate::family::Kind::{Counter, Gauge};
use crate::family::Unit::One;
use crate::family::{Family, Unit};
use crate::model::one;

const EVENTS: Unit = Unit::Things("{event}");

pub(super) static FAMILIES: [Family; 4] = [
    Family::new(
        Counter,
        ("plimsoll_events_delivered_total", "plimsoll.events.delivered"),
        EVENTS,
        "Events that were delivered.",
        |model, out| one(out, &[], model.snapshot().stats().delivered),
    ),
    Family::new(
        Counter,
        ("plimsoll_events_dropped_total", "plimsoll.events.dropped"),
        EVENTS,
        "Events that found no room while they waited to be delivered.",
        |model, out| one(out, &[], model.snapshot().stats().dropped),
    ),
    Family::new(
        Counter,
        ("plimsoll_events_panicked_total", "plimsoll.events.panicked"),
        EVENTS,
        "Calls of subscribers and observed functions that ended in a panic.",
        |model, out| one(out, &[], model.snapshot().stats().panicked),
    ),
    Family::new(
        Gauge,
        ("plimsoll_build_info", "plimsoll.build.info"),
        One,
        "The version of plimsoll.",
        |_, out| one(out, &[("version", env!("CARGO_PKG_VERSION"))], 1),
    ),
];
