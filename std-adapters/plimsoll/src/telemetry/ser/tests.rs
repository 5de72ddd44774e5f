//! Tests that snapshots and events are read back as they were written.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use plimsoll_core::ledger::{Entry, Key};
use plimsoll_core::{Level, Watermarks};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ReadError;
use crate::telemetry::{
    Category, Event, ExhaustedEvent, GuestChange, GuestEvent, LaggingEvent, LedgerKind, LevelTotal,
    LevelTotals, Limit, PressureChange, PressureEvent, RefusedSends, RegistryStats, Silence,
    Snapshot, SnapshotEntry, SnapshotFlow, SnapshotLedger, SnapshotRecent, SnapshotUser,
    SnapshotWatcher, SourceReading, SuspectEvent, Tag,
};

/// The largest number that all readers know, the next one, and the largest.
const NUMBERS: [u64; 5] = [0, 7, 1 << 53, (1 << 53) + 1, u64::MAX];

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Value {
    let text = serde_json::to_string(value).unwrap();
    let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(read == *value, "{read:?}\n{value:?}");
    let json = serde_json::to_value(value).unwrap();
    let read: T = serde_json::from_value(json.clone()).unwrap();
    assert!(read == *value, "through a value: {read:?}\n{value:?}");
    json
}

/// Texts that escape nothing, and one of a megabyte.
fn hostile() -> Vec<String> {
    let short = [
        "<script>alert('x')</script>&amp;",
        "\"quotes\" 'single' \\ back",
        "\u{0}\u{1}\u{1b}[2J\r\n\t\u{7f}\u{85}\u{2028}\u{202e}\u{feff}",
        "größe 猫 🦀 e\u{301}",
        "",
        "null",
        "9007199254740993",
    ];
    short.map(str::to_owned).into_iter().chain(["é\"<".repeat(250_000)]).collect()
}

fn tag(name: &str, scope: Option<&str>, watermarks: Watermarks) -> Arc<Tag> {
    let (name, scope) = (name.to_owned().into(), scope.map(|scope| scope.to_owned().into()));
    Arc::new(Tag { name, category: Category::Resource, scope, watermarks })
}

/// An entry in which every field is something.
fn entry(number: u64) -> SnapshotEntry {
    let marks = Watermarks::counts(1_000, 40, 10).with_level(70, 50).with_level(1_000, 999);
    let us = Duration::from_micros(number.min(u64::MAX / 2));
    let total = LevelTotal { raised: number, held: us };
    let levels = LevelTotals { normal: total, elevated: total, critical: total, full: total };
    let refused = RefusedSends { full: number, timed_out: number, closed: number };
    let (sent, received, oldest_age) = (Some(number), Some(number), Some(us));
    let flow = SnapshotFlow { sent, received, oldest_age, refused };
    let (share, peak_minute) = (Some(0.25), Some(number));
    let recent =
        SnapshotRecent { blocked_share_10s: share, blocked_share_60s: Some(1.5), peak_minute };
    let level = Level::Critical;
    let reading = SourceReading {
        depth: number,
        high_water: number,
        level,
        waiting: number,
        blocked: us,
        edge: None,
    };
    let mut entry = SnapshotEntry::unread(tag("frames", Some("guest-7"), marks));
    entry.set(reading);
    SnapshotEntry { id: number, levels, flow: Some(flow), recent: Some(recent), ..entry }
}

fn keys() -> Vec<Key> {
    let long = [0xff_u8; 64];
    let mut keys: Vec<Key> = NUMBERS.map(Key::from).into();
    keys.extend(hostile().iter().filter_map(|text| Key::new(text.as_bytes()).ok()));
    keys.extend([Key::new(&long).unwrap(), Key::new(&[0]).unwrap(), *Entry::<8>::NONE.key()]);
    keys.extend([Key::digest([b'7'; 64]), Key::digest(long), Key::new(&[b'7'; 64]).unwrap()]);
    keys
}

fn ledger(number: u64) -> SnapshotLedger {
    let user = |principal: Key| SnapshotUser {
        principal: Some(principal),
        value: number,
        error: number,
        share: 0.125,
        is_certified: true,
        is_saturated: true,
    };
    SnapshotLedger {
        tag: tag("fuel", None, Watermarks::unbounded()),
        users: keys().into_iter().map(user).collect(),
        kind: LedgerKind::Window,
        certified: 3,
        bound: number,
        floor: Some(number),
        tracked: 5,
        capacity: 4_096,
        total: number,
        turned_away: Some(number),
        window: Some(number),
        is_saturated: true,
    }
}

fn watcher(number: u64) -> SnapshotWatcher {
    SnapshotWatcher {
        tag: tag("guests", Some("host"), Watermarks::unbounded()),
        watched: number,
        late: number,
        silent: number,
        silences: number,
        recoveries: number,
        stalls: number,
        suspicions: number,
        lag: Duration::from_micros(number.min(u64::MAX / 2)),
    }
}

#[cfg(feature = "pool")]
fn pool(number: u64) -> crate::telemetry::SnapshotPool {
    use plimsoll_core::pool::PoolCounts;

    use crate::telemetry::{
        DiscardReason, PoolCheckouts, PoolRefusals, PoolStats, PoolTimeouts, Recorder, SnapshotPool,
    };
    let recorder = Recorder::new();
    [0, 1, 999, 1 << 40, u64::MAX / 4].into_iter().for_each(|ns| recorder.record(ns));
    let times = recorder.read();
    let counts = PoolCounts { vacant: 1, building: 2, idle: 3, leased: 4, condemned: 5 };
    let stats = PoolStats {
        counts,
        waiting: number,
        blocked: Duration::from_micros(number.min(u64::MAX / 2)),
        wait: times.clone(),
        hold: times.clone(),
        create: times,
        checkouts: PoolCheckouts { warm: number, cold: number, waited: number },
        warm: 6,
        built: number,
        build_failures: number,
        panics: number,
        timeouts: PoolTimeouts { wait: number, cap: number, build: number },
        refusals: PoolRefusals {
            in_use: number,
            waiting: number,
            faults: number,
            line_full: number,
            never: number,
        },
        abandoned: number,
        abandoned_now: 8,
        discards: [number; DiscardReason::ALL.len()],
    };
    SnapshotPool { tag: tag("instances", None, Watermarks::unbounded()), stats }
}

/// A snapshot in which every field is something.
pub(super) fn full(number: u64) -> Snapshot {
    let entries = number as usize % 1_000;
    Snapshot {
        entries: vec![entry(number)].into(),
        ledgers: vec![ledger(number)],
        #[cfg(feature = "pool")]
        pools: vec![pool(number)],
        watchers: vec![watcher(number)],
        stats: RegistryStats { entries, delivered: number, dropped: number, panicked: number },
        taken: UNIX_EPOCH.checked_add(Duration::from_millis(number % (1 << 54))),
    }
}

/// One event of each kind, with every field.
pub(super) fn events(number: u64) -> Vec<Event> {
    let ms = Duration::from_millis(number % (1 << 54));
    let limit = || Limit::memory("heap").scope("guest-7");
    let pressure = |change| {
        let mut event = PressureEvent::raised(limit(), Level::Full, number, number);
        (event.change, event.sequence, event.waiting) = (change, number, number);
        (event.peak, event.duration, event.repeat) = (number, Some(ms), 7);
        (event.suppressed, event.is_gone) = (number, true);
        Event::from(event)
    };
    let guest = |change| {
        let mut silence = Silence::new("guest-7", "run-1", ms, ms);
        (silence.elapsed_raw, silence.sequence) = (ms * 2, number);
        Event::from(GuestEvent::new("guests", change, silence))
    };
    use GuestChange::{Ended, Late, Recovered, Silent};
    use PressureChange::{Cleared, Raised, Sustained};
    let mut events: Vec<_> = [Raised, Sustained, Cleared].map(pressure).into();
    events.extend([Late, Silent, Recovered, Ended].map(guest));
    events.push(ExhaustedEvent::new(limit(), Some(number), Some(number), "why").into());
    events.push(ExhaustedEvent::new("fuel", None, Some(3), "").into());
    events.push(ExhaustedEvent::new("fuel", None, None, "").into());
    events.push(SuspectEvent::new("guests", number, number).into());
    events.push(LaggingEvent::new("guests", ms, ms).into());
    events
}

#[test]
fn every_field_of_a_snapshot_comes_back() {
    for number in NUMBERS {
        let json = there_and_back(&full(number));
        let depth = &json["entries"][0]["depth"];
        assert_eq!(depth.is_string(), number > 1 << 53, "{depth}");
        assert_eq!(there_and_back(&json!(number)), number, "which numbers alone would do as well");
    }
    let json = there_and_back(&Snapshot::default());
    assert_eq!((&json["version"], &json["taken_unix_ms"]), (&json!(1), &Value::Null));
}

#[test]
fn every_field_of_an_event_comes_back() {
    for event in NUMBERS.into_iter().flat_map(events) {
        let json = there_and_back(&event);
        assert_eq!(json["kind"], event.kind().as_str());
    }
}

#[test]
fn bounds_of_every_kind_come_back() {
    let pair = Watermarks::new(10);
    for marks in [Watermarks::unbounded(), Watermarks::rendezvous(), pair, pair.with_level(10, 6)] {
        let mut limit = entry(3);
        limit.tag = tag("q", None, marks);
        there_and_back(&limit);
    }
}

#[test]
fn names_come_back_whatever_they_hold() {
    for text in hostile() {
        let mut limit = entry(3);
        limit.tag = tag(&text, Some(&text), Watermarks::new(10));
        let json = there_and_back(&limit);
        assert_eq!((&json["name"], &json["scope"]), (&json!(text), &json!(text)));
        assert_eq!(limit.to_string().lines().count(), 1, "and are shown in one line");

        let named = Limit::queue(text.clone()).scope(text.clone());
        there_and_back(&Event::from(PressureEvent::raised(named.clone(), Level::Full, 1, 2)));
        there_and_back(&Event::from(ExhaustedEvent::new(named, None, None, text.clone())));
        let silence = Silence::new(&*text, &*text, Duration::ZERO, Duration::ZERO);
        there_and_back(&Event::from(GuestEvent::new("guests", GuestChange::Ended, silence)));
    }
}

#[test]
fn a_principal_is_told_apart_from_every_other() {
    let forms: Vec<_> = full(1).ledgers[0].users.iter().map(there_and_back).collect();
    for (place, form) in forms.iter().enumerate() {
        let same = forms.iter().filter(|other| other["principal"] == form["principal"]);
        assert_eq!(same.count(), 1, "{place}: {form}");
    }
    // The first ones are integers.
    for (form, number) in forms.iter().zip(NUMBERS) {
        assert_eq!(form["principal"].is_u64(), number <= 1 << 53, "{form}");
    }
}

#[test]
fn see_4_without_principals_ranks_and_values_stay() {
    let json = there_and_back(&full(7).without_principals());
    let users = json["ledgers"][0]["users"].as_array().unwrap();
    assert_eq!(users.len(), keys().len());
    for user in users {
        assert_eq!((&user["principal"], &user["value"]), (&Value::Null, &json!(7)));
    }
    assert!(full(7).without_principals().to_string().contains("TOP USER"));
}

#[test]
fn integers_are_read_as_numbers_and_as_text() {
    let mut json = serde_json::to_value(full(7)).unwrap();
    json["entries"][0]["depth"] = json!("7");
    json["entries"][0]["flow"]["sent"] = json!("18446744073709551615");
    json["ledgers"][0]["total"] = json!(u64::MAX);
    let read: Snapshot = serde_json::from_value(json).unwrap();
    assert_eq!((read.entries[0].depth, read.ledgers[0].total), (7, u64::MAX));
    assert_eq!(read.entries[0].flow.unwrap().sent, Some(u64::MAX));
}

#[test]
fn sums_of_what_was_read_end_at_the_largest_number() {
    let mut json = serde_json::to_value(full(u64::MAX)).unwrap();
    let counted = |json: &Value| {
        let read: Snapshot = serde_json::from_value(json.clone()).unwrap();
        assert!(!read.to_string().is_empty());
        let entry = &read.entries[0];
        assert_eq!(entry.flow.unwrap().refused.total(), u64::MAX);
        assert_eq!(entry.levels.raised(), u64::MAX);
        read
    };
    #[cfg(feature = "pool")]
    {
        let stats = counted(&json).pools.remove(0).stats;
        let totals = (stats.checkouts.total(), stats.timeouts.total(), stats.refusals.total());
        assert_eq!((totals, stats.discarded()), ((u64::MAX, u64::MAX, u64::MAX), u64::MAX));
        for bucket in json["pools"][0]["wait"]["buckets"].as_array_mut().unwrap() {
            bucket[1] = json!(u64::MAX);
        }
        let wait = counted(&json).pools.remove(0).stats.wait;
        assert_eq!(wait.count(), u64::MAX);
        assert!(wait.quantile(0.99) <= wait.quantile(1.0));
        let mut many = json.clone();
        (many["pools"][0]["idle"], many["pools"][0]["leased"]) = (json!(u64::MAX), json!(1));
        let error = serde_json::from_value::<Snapshot>(many).unwrap_err().to_string();
        assert!(error.contains("more instances than can be counted"), "{error}");
    }
    json["ledgers"] = json!([]);
    counted(&json);
}

#[test]
fn another_version_is_an_error_that_says_both() {
    let mut json = serde_json::to_value(full(7)).unwrap();
    json["version"] = json!(2);
    json["entries"] = json!("something that only version 2 knows");
    let error = Snapshot::read_from(json.clone()).unwrap_err();
    assert!(matches!(error, ReadError::Version { found: 2, known: 1 }), "{error:?}");
    for text in
        [error.to_string(), serde_json::from_value::<Snapshot>(json).unwrap_err().to_string()]
    {
        assert!(text.contains("version 2") && text.contains("reads 1"), "{text}");
    }
}

#[test]
fn what_is_no_snapshot_is_an_error_that_says_why() {
    type Change = fn(&mut Value);
    let changed = |change: Change| {
        let mut json = serde_json::to_value(full(7)).unwrap();
        change(&mut json);
        let error = Snapshot::read_from(json).unwrap_err();
        assert!(matches!(error, ReadError::Format(_)), "{error:?}");
        error.to_string()
    };
    let cases: [(Change, &str); 11] = [
        (|json| *json = json!([]), "a snapshot of Plimsoll"),
        (|json| _ = json.as_object_mut().unwrap().remove("version"), "missing field `version`"),
        (|json| json["entries"][0]["depth"] = json!(-1), "an integer from 0 to 2^64 - 1"),
        (|json| json["entries"][0]["depth"] = json!("1e3"), "an integer from 0 to 2^64 - 1"),
        (|json| json["entries"][0]["depth"] = json!(1.5), "an integer from 0 to 2^64 - 1"),
        (|json| json["entries"][0]["level"] = json!("odd"), "unknown variant `odd`"),
        (|json| json["entries"][0]["watermarks"][0]["high"] = json!(7_000), "7000"),
        (|json| json["entries"][0]["watermarks"] = json!([]), "a capacity above 0 has watermarks"),
        (|json| json["entries"][0]["capacity"] = json!(null), "watermarks need a capacity"),
        (|json| json["ledgers"][0]["users"][0]["principal"] = json!({"bytes": "f"}), "hexadecimal"),
        (|json| json["ledgers"][0]["users"][0]["principal"] = json!({"digest": "7"}), "64 bytes"),
    ];
    for (change, reason) in cases {
        let error = changed(change);
        assert!(error.contains(reason), "{error}: {reason}");
    }
    let event = |json: Value| serde_json::from_value::<Event>(json).unwrap_err().to_string();
    let mut json = serde_json::to_value(&events(7)[0]).unwrap();
    json["kind"] = json!("odd");
    assert!(event(json).contains("unknown variant `odd`"));
    let mut json = serde_json::to_value(&events(7)[4]).unwrap();
    json.as_object_mut().unwrap().remove("window_ms");
    assert!(event(json).contains("missing field `window_ms`"));
}

#[test]
fn fields_that_are_not_known_are_ignored_and_lists_may_lack() {
    fn add(json: &mut Value) {
        match json {
            Value::Object(fields) => {
                fields.values_mut().for_each(add);
                if !fields.contains_key("single_use") && !fields.contains_key("digest") {
                    fields.insert("later".into(), json!({ "version": [1, null] }));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(add),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(full(7)).unwrap();
    for name in ["entries", "watchers", "events"] {
        add(&mut json[name]);
    }
    json["later"] = json!(7);
    let read: Snapshot = serde_json::from_value(json).unwrap();
    assert_eq!(read.without_principals(), full(7).without_principals());
    let read: Snapshot = serde_json::from_value(json!({ "version": 1 })).unwrap();
    assert_eq!(read, Snapshot::default());
}
