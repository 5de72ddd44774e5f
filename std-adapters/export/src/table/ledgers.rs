//! Ledgers, and their largest users.

use plimsoll::SnapshotLedger;
use plimsoll::ledger::LedgerKind;

use super::ITEMS;
use crate::family::Kind::{Counter, Gauge, UpDown};
use crate::family::Unit::{Bytes, One, Seconds};
use crate::family::{Family, Unit};
use crate::measure::Group;

const PRINCIPALS: Unit = Unit::Things("{principal}");
const RECORDS: Unit = Unit::Things("{record}");

pub(super) static FAMILIES: [Family; 17] = [
    Family::new(
        UpDown,
        ("plimsoll_ledger_tracked", "plimsoll.ledger.tracked"),
        PRINCIPALS,
        "Principals that the ledger tracks.",
        |model, out| model.each_ledger(out, |ledger| Some(ledger.tracked as u64)),
    ),
    Family::new(
        UpDown,
        ("plimsoll_ledger_capacity", "plimsoll.ledger.capacity"),
        PRINCIPALS,
        "How many of the largest users the ledger was made for.",
        |model, out| model.each_ledger(out, |ledger| Some(ledger.capacity as u64)),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_certified", "plimsoll.ledger.certified"),
        PRINCIPALS,
        "How many of the listed users are certainly the largest of all.",
        |model, out| model.each_ledger(out, |ledger| Some(ledger.certified as u64)),
    ),
    Family::new(
        Counter,
        ("plimsoll_ledger_turned_away_total", "plimsoll.ledger.turned_away"),
        RECORDS,
        "Records of principals that used too little to be tracked.",
        |model, out| model.each_ledger(out, |ledger| ledger.turned_away),
    ),
    Family::new(
        Counter,
        ("plimsoll_ledger_recorded_total", "plimsoll.ledger.recorded"),
        ITEMS,
        "All that was ever recorded.",
        |model, out| model.ledger_amounts(Group::Items, out, recorded),
    ),
    Family::new(
        Counter,
        ("plimsoll_ledger_recorded_bytes_total", "plimsoll.ledger.recorded.bytes"),
        Bytes,
        "All bytes that were ever recorded.",
        |model, out| model.ledger_amounts(Group::Bytes, out, recorded),
    ),
    Family::new(
        Counter,
        ("plimsoll_ledger_recorded_seconds_total", "plimsoll.ledger.recorded.seconds"),
        Seconds,
        "All time that was ever recorded.",
        |model, out| model.ledger_amounts(Group::Time, out, recorded),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_floor", "plimsoll.ledger.floor"),
        ITEMS,
        "The amount up to which every newcomer is turned away.",
        |model, out| model.ledger_amounts(Group::Items, out, floor),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_floor_bytes", "plimsoll.ledger.floor.bytes"),
        Bytes,
        "The bytes up to which every newcomer is turned away.",
        |model, out| model.ledger_amounts(Group::Bytes, out, floor),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_floor_seconds", "plimsoll.ledger.floor.seconds"),
        Seconds,
        "The time up to which every newcomer is turned away.",
        |model, out| model.ledger_amounts(Group::Time, out, floor),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_bound", "plimsoll.ledger.bound"),
        ITEMS,
        "What a principal that is not tracked can have used at most.",
        |model, out| model.ledger_amounts(Group::Items, out, bound),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_bound_bytes", "plimsoll.ledger.bound.bytes"),
        Bytes,
        "The bytes that a principal that is not tracked can have used at most.",
        |model, out| model.ledger_amounts(Group::Bytes, out, bound),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_bound_seconds", "plimsoll.ledger.bound.seconds"),
        Seconds,
        "The time that a principal that is not tracked can have used at most.",
        |model, out| model.ledger_amounts(Group::Time, out, bound),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_top", "plimsoll.ledger.top"),
        ITEMS,
        "What the largest users have used, by their rank.",
        |model, out| model.top(Group::Items, out),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_top_bytes", "plimsoll.ledger.top.bytes"),
        Bytes,
        "The bytes that the largest users have used, by their rank.",
        |model, out| model.top(Group::Bytes, out),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_top_seconds", "plimsoll.ledger.top.seconds"),
        Seconds,
        "The time that the largest users have used, by their rank.",
        |model, out| model.top(Group::Time, out),
    ),
    Family::new(
        Gauge,
        ("plimsoll_ledger_top_info", "plimsoll.ledger.top.info"),
        One,
        "Who the largest users are, by their rank.",
        |model, out| model.principals(out),
    ),
];

/// Of sums only: the total of others is no counter.
fn recorded(ledger: &SnapshotLedger) -> Option<u64> {
    (ledger.kind == LedgerKind::Sum).then_some(ledger.total)
}

fn floor(ledger: &SnapshotLedger) -> Option<u64> {
    ledger.floor
}

fn bound(ledger: &SnapshotLedger) -> Option<u64> {
    Some(ledger.bound)
}
