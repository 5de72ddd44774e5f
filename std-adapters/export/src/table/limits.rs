//! Queues and other limits.

use plimsoll::{Category, Level, LevelTotal, RefusedSends, SnapshotEntry};

use super::ITEMS;
use crate::family::Kind::{Counter, Gauge, UpDown};
use crate::family::Unit::{Bytes, One, Ratio, Seconds};
use crate::family::{Family, Unit};
use crate::measure::Group;
use crate::sample::Value;

const SENDERS: Unit = Unit::Things("{sender}");

pub(super) static FAMILIES: [Family; 26] = [
    Family::new(
        UpDown,
        ("plimsoll_queue_size", "plimsoll.queue.size"),
        ITEMS,
        "Items in the queue.",
        |model, out| model.amounts(Group::Queue, out, depth),
    ),
    Family::new(
        UpDown,
        ("plimsoll_queue_capacity", "plimsoll.queue.capacity"),
        ITEMS,
        "Items that the queue can hold.",
        |model, out| model.amounts(Group::Queue, out, SnapshotEntry::capacity),
    ),
    Family::new(
        Gauge,
        ("plimsoll_queue_size_max", "plimsoll.queue.size.max"),
        ITEMS,
        "The most items there have been in the queue.",
        |model, out| model.amounts(Group::Queue, out, high_water),
    ),
    Family::new(
        Gauge,
        ("plimsoll_queue_size_max_recent", "plimsoll.queue.size.max.recent"),
        ITEMS,
        "The most items in the last minute that is over.",
        |model, out| model.amounts(Group::Queue, out, peak_minute),
    ),
    Family::new(
        UpDown,
        ("plimsoll_queue_blocked_senders", "plimsoll.queue.blocked.count"),
        SENDERS,
        "Senders that are blocked because the queue is full.",
        |model, out| model.queues(out, |entry| Some(Value::Integer(entry.waiting))),
    ),
    Family::new(
        Counter,
        ("plimsoll_queue_blocked_seconds_total", "plimsoll.queue.blocked.time"),
        Seconds,
        "How long senders have been blocked, all of them together.",
        |model, out| model.queues(out, |entry| Some(Value::Real(entry.blocked.as_secs_f64()))),
    ),
    Family::new(
        Gauge,
        ("plimsoll_queue_blocked_ratio", "plimsoll.queue.blocked.ratio"),
        Ratio,
        "For how much of the last 10 and 60 seconds senders were blocked, their shares added up.",
        |model, out| {
            model.limits_by(out, "window", |entry| {
                let recent = entry.recent.filter(|_| entry.category() == Category::Queue);
                [
                    ("10s", recent.and_then(|recent| recent.blocked_share_10s).map(Value::Real)),
                    ("60s", recent.and_then(|recent| recent.blocked_share_60s).map(Value::Real)),
                ]
            });
        },
    ),
    Family::new(
        Counter,
        ("plimsoll_queue_sent_total", "plimsoll.queue.sent"),
        ITEMS,
        "Items that were sent.",
        |model, out| model.queues(out, |entry| entry.flow?.sent.map(Value::Integer)),
    ),
    Family::new(
        Counter,
        ("plimsoll_queue_received_total", "plimsoll.queue.received"),
        ITEMS,
        "Items that were received.",
        |model, out| model.queues(out, |entry| entry.flow?.received.map(Value::Integer)),
    ),
    Family::new(
        Counter,
        ("plimsoll_queue_rejected_total", "plimsoll.queue.rejected"),
        ITEMS,
        "Items that were not sent, by the reason.",
        |model, out| {
            model.limits_by(out, "reason", |entry| {
                let refused = entry.flow.map(|flow| flow.refused);
                let count =
                    |of: fn(&RefusedSends) -> u64| refused.as_ref().map(of).map(Value::Integer);
                [
                    ("full", count(|refused| refused.full)),
                    ("closed", count(|refused| refused.closed)),
                    ("timeout", count(|refused| refused.timed_out)),
                ]
            });
        },
    ),
    Family::new(
        Gauge,
        ("plimsoll_queue_oldest_age_seconds", "plimsoll.queue.oldest.age"),
        Seconds,
        "How long the oldest item has been in the queue; 0 if it is empty.",
        |model, out| model.queues(out, oldest_age),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_usage", "plimsoll.limit.usage"),
        ITEMS,
        "How much of the limit is in use.",
        |model, out| model.amounts(Group::Items, out, depth),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_max", "plimsoll.limit.max"),
        ITEMS,
        "How much there is of the limit.",
        |model, out| model.amounts(Group::Items, out, SnapshotEntry::capacity),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max", "plimsoll.limit.usage.max"),
        ITEMS,
        "The most that has been in use.",
        |model, out| model.amounts(Group::Items, out, high_water),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max_recent", "plimsoll.limit.usage.max.recent"),
        ITEMS,
        "The most that was in use in the last minute that is over.",
        |model, out| model.amounts(Group::Items, out, peak_minute),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_usage_bytes", "plimsoll.limit.usage.bytes"),
        Bytes,
        "How many bytes of the limit are in use.",
        |model, out| model.amounts(Group::Bytes, out, depth),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_max_bytes", "plimsoll.limit.max.bytes"),
        Bytes,
        "How many bytes there are of the limit.",
        |model, out| model.amounts(Group::Bytes, out, SnapshotEntry::capacity),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max_bytes", "plimsoll.limit.usage.max.bytes"),
        Bytes,
        "The most bytes that have been in use.",
        |model, out| model.amounts(Group::Bytes, out, high_water),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max_recent_bytes", "plimsoll.limit.usage.max.recent.bytes"),
        Bytes,
        "The most bytes that were in use in the last minute that is over.",
        |model, out| model.amounts(Group::Bytes, out, peak_minute),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_usage_seconds", "plimsoll.limit.usage.seconds"),
        Seconds,
        "How much time of the limit is used up.",
        |model, out| model.amounts(Group::Time, out, depth),
    ),
    Family::new(
        UpDown,
        ("plimsoll_limit_max_seconds", "plimsoll.limit.max.seconds"),
        Seconds,
        "How much time there is of the limit.",
        |model, out| model.amounts(Group::Time, out, SnapshotEntry::capacity),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max_seconds", "plimsoll.limit.usage.max.seconds"),
        Seconds,
        "The most time that has been used up.",
        |model, out| model.amounts(Group::Time, out, high_water),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_usage_max_recent_seconds", "plimsoll.limit.usage.max.recent.seconds"),
        Seconds,
        "The most time that was used up in the last minute that is over.",
        |model, out| model.amounts(Group::Time, out, peak_minute),
    ),
    Family::new(
        Gauge,
        ("plimsoll_limit_level", "plimsoll.limit.level"),
        One,
        "How near the limit is: 0 normal, 1 elevated, 2 critical, 3 full.",
        |model, out| model.limits(out, |entry| Some(Value::Integer(entry.level as u64))),
    ),
    Family::new(
        Counter,
        ("plimsoll_limit_raised_total", "plimsoll.limit.raised"),
        Unit::Things("{edge}"),
        "How often each level of the limit was entered from below.",
        |model, out| {
            model.limits_by(out, "level", |entry| levels(entry, |it| Value::Integer(it.raised)))
        },
    ),
    Family::new(
        Counter,
        ("plimsoll_limit_pressure_seconds_total", "plimsoll.limit.pressure.time"),
        Seconds,
        "How long the limit has been at each level above normal.",
        |model, out| {
            model.limits_by(out, "level", |entry| {
                levels(entry, |it| Value::Real(it.held.as_secs_f64()))
            });
        },
    ),
];

fn depth(entry: &SnapshotEntry) -> Option<u64> {
    Some(entry.depth)
}

fn high_water(entry: &SnapshotEntry) -> Option<u64> {
    Some(entry.high_water)
}

fn peak_minute(entry: &SnapshotEntry) -> Option<u64> {
    entry.recent?.peak_minute
}

/// Of queues that count what goes through them.
fn oldest_age(entry: &SnapshotEntry) -> Option<Value<'static>> {
    let flow = entry.flow.filter(|flow| flow.sent.is_some())?;
    Some(Value::Real(flow.oldest_age.unwrap_or_default().as_secs_f64()))
}

/// A number for each level above normal that the limit has.
fn levels(
    entry: &SnapshotEntry,
    number: impl Fn(&LevelTotal) -> Value<'static>,
) -> [(&'static str, Option<Value<'static>>); 3] {
    [Level::Elevated, Level::Critical, Level::Full].map(|level| {
        let is_there = entry.watermarks().high(level).is_some();
        (level.as_str(), is_there.then(|| number(entry.levels.of(level))))
    })
}
