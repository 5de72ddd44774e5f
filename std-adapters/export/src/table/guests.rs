//! Guests that are watched, and who watches them.

use crate::family::Kind::{Counter, Gauge};
use crate::family::Unit::Seconds;
use crate::family::{Family, Unit};
use crate::sample::Value::{Integer, Real};

const GUESTS: Unit = Unit::Things("{guest}");

pub(super) static FAMILIES: [Family; 7] = [
    Family::new(
        Gauge,
        ("plimsoll_guests_watched", "plimsoll.guest.count"),
        GUESTS,
        "Runs of guests that are watched.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.watched)),
    )
    .otel_state("guest.state", "watched"),
    Family::new(
        Gauge,
        ("plimsoll_guests_late", "plimsoll.guest.count"),
        GUESTS,
        "Runs that are late, and not silent yet.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.late)),
    )
    .otel_state("guest.state", "late"),
    Family::new(
        Gauge,
        ("plimsoll_guests_silent", "plimsoll.guest.count"),
        GUESTS,
        "Runs that are silent.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.silent)),
    )
    .otel_state("guest.state", "silent"),
    Family::new(
        Counter,
        ("plimsoll_guest_silences_total", "plimsoll.guest.silences"),
        Unit::Things("{silence}"),
        "Silences of guests.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.silences)),
    ),
    Family::new(
        Counter,
        ("plimsoll_guest_recoveries_total", "plimsoll.guest.recoveries"),
        Unit::Things("{recovery}"),
        "Silences that ended.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.recoveries)),
    ),
    Family::new(
        Counter,
        ("plimsoll_host_stalls_total", "plimsoll.host.stalls"),
        Unit::Things("{stall}"),
        "Times in which the host did not run the watcher.",
        |model, out| model.each_watcher(out, |watcher| Integer(watcher.stalls)),
    ),
    Family::new(
        Gauge,
        ("plimsoll_watcher_lag_seconds", "plimsoll.watcher.lag"),
        Seconds,
        "How late the watcher is.",
        |model, out| model.each_watcher(out, |watcher| Real(watcher.lag.as_secs_f64())),
    ),
];
