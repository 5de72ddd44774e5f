//! A view that is fed while others look at it, and its summary.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use plimsoll::ledger::{Key, LedgerKind};
use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::state::{LedgerState, SilentGuest};
use plimsoll_fleet::view::{Connection, FleetReader, FleetSummary, Heard, LiveView, Taken};
use plimsoll_fleet::{Fleet, FleetError, HostName, HostState, StateError};
use serde_json::Value;

const STORED: Duration = Duration::from_secs(1_800_000_000);

/// A host with a limit that is raised, a silent guest, and a principal that has used so much.
fn state(name: &str, sequence: u64, fuel: u64) -> HostState {
    let registry = Registry::new();
    let ledger = registry.sum_ledger(Limit::cpu("guest_fuel").scope("pool-1"), 64).unwrap();
    ledger.record("acme", fuel).unwrap();
    ledger.record(name, 1).unwrap();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
    frames.add(9);
    let _other = registry.gauge("other", Watermarks::new(10)).unwrap();
    let snapshot = registry.snapshot_with_users(usize::MAX);
    let ledgers = snapshot.ledgers().iter();
    let guest = SilentGuest {
        watcher: "guests".into(),
        guest: "g".repeat(10_000),
        run: "7".into(),
        silent_for_ms: 3_000,
        window_ms: 10_000,
        elapsed_ms: 10_000,
    };
    HostState {
        host: HostName::new(name).unwrap(),
        incarnation: 1,
        sequence,
        at_unix_ms: 0,
        started_unix_ms: 0,
        interval_ms: 5_000,
        ledgers: ledgers.map(|ledger| LedgerState::of(ledger, usize::MAX)).collect(),
        snapshot,
        silent: vec![guest],
        silent_more: 1,
        events: Default::default(),
    }
}

fn heard(state: HostState) -> Heard {
    Heard::State { stored: STORED, state: Box::new(state) }
}

fn json(summary: &FleetSummary) -> Value {
    serde_json::to_value(summary).unwrap()
}

/// The names of all fields.
fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.keys().cloned());
            object.values().for_each(|value| fields(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn fleet_4_a_summary_has_hosts_limits_guests_and_users_with_their_hosts_and_ages() {
    let view = LiveView::default();
    // More than JavaScript counts to, of one principal.
    let limit = Limit::cpu("guest_fuel").scope("pool-1");
    let users = [(Key::new(b"acme").unwrap(), u64::MAX >> 8, 0)];
    let mut first = state("web-1", 1, 1);
    first.ledgers = vec![LedgerState::new(&limit, LedgerKind::Sum, users, 0, u64::MAX >> 8)];
    assert_eq!(view.on_heard(heard(first)), Some(Taken::Joined));
    assert_eq!(view.on_heard(heard(state("web-2", 1, 10))), Some(Taken::Joined));
    view.on_heard(Heard::Connection(Connection::Connected));
    for key in ["web-2", "no.host"] {
        view.on_heard(Heard::Flaw { key: key.into(), flaw: StateError::Foreign.into() });
    }
    let summary = view.summary();
    let shown = json(&summary);
    assert_eq!((&shown["version"], &shown["is_connected"]), (&1.into(), &true.into()));
    let host = &shown["hosts"]["rows"][0];
    assert_eq!((&host["name"], &host["state"]), (&"web-2".into(), &"unreadable".into()));
    assert_eq!(host["flaw"], StateError::Foreign.to_string());
    let host = &shown["hosts"]["rows"][1];
    assert_eq!((&host["name"], &host["state"]), (&"web-1".into(), &"live".into()));
    assert_eq!(
        (&host["limits"], &host["raised"], &host["silent"]),
        (&2.into(), &1.into(), &2.into())
    );
    assert_eq!(shown["flaws"]["rows"][0]["key"], "no.host");
    let limit = &shown["raised"]["rows"][0];
    assert_eq!((&limit["name"], &limit["level"]), (&"frames".into(), &"elevated".into()));
    assert_eq!((&limit["depth"], &limit["capacity"]), (&9.into(), &10.into()));
    assert!(limit["age_ms"].as_u64().is_some_and(|age| age < 60_000), "{limit}");
    assert_eq!(shown["silent"]["count"], 4, "the unnamed ones are counted");
    let guest = &shown["silent"]["rows"][0];
    assert!(guest["silent_for_ms"].as_u64().is_some_and(|ms| ms >= 13_000), "{guest}");
    assert_eq!(guest["guest"].as_str().map(str::len), Some(200), "texts have an end");
    let ledger = &shown["ledgers"]["rows"][0];
    assert_eq!((&ledger["name"], &ledger["scope"]), (&"guest_fuel".into(), &"pool-1".into()));
    let user = &ledger["users"][0];
    assert_eq!((&user["principal"], &user["most_on"]), (&"acme".into(), &"web-1".into()));
    let amount = ((u64::MAX >> 8) + 10).to_string();
    assert_eq!((&user["at_least"], &user["hosts"]), (&amount.into(), &2.into()));
    assert_eq!(user["certified"], true);

    // Ranks and amounts stay.
    let secret = json(&summary.without_principals());
    assert!(!secret.to_string().contains("acme"), "{secret}");
    let user = &secret["ledgers"]["rows"][0]["users"][0];
    assert_eq!((&user["principal"], &user["most_on"]), (&Value::Null, &"web-1".into()));

    let document = include_str!("../../../docs/FLEET.md");
    let mut found = BTreeSet::new();
    fields(&shown, &mut found);
    let section = document.split("## As JSON").nth(1).unwrap().split("\n## ").next().unwrap();
    let missing: Vec<_> =
        found.iter().filter(|field| !section.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "not in docs/FLEET.md: {missing:?}");
}

#[test]
fn see_3_of_a_thousand_hosts_a_summary_lists_the_first_and_counts_all() {
    let view = LiveView::default();
    for number in 0..1_000 {
        view.on_heard(heard(state(&format!("web-{number}"), 1, number)));
    }
    let summary = json(&view.summary());
    for list in ["hosts", "raised"] {
        assert_eq!(summary[list]["count"], 1_000, "{list}");
        assert_eq!(summary[list]["rows"].as_array().map(Vec::len), Some(100), "{list}");
    }
    assert_eq!(summary["silent"]["count"], 2_000);
    let ledger = &summary["ledgers"]["rows"][0];
    assert_eq!((&ledger["hosts"], ledger["users"].as_array().unwrap().len()), (&1_000.into(), 10));
    assert_eq!(ledger["users"][0]["at_least"], (0..1_000).sum::<u64>());
    let bytes = summary.to_string().len();
    assert!(bytes < 100_000, "{bytes} bytes");
}

#[test]
fn fleet_4_a_view_is_read_while_it_is_fed() {
    let view = LiveView::default();
    thread::scope(|scope| {
        let feed = scope.spawn(|| {
            for sequence in 1..=300 {
                view.on_heard(heard(state(["a", "b", "c"][sequence % 3], sequence as u64, 7)));
            }
        });
        while !feed.is_finished() {
            let summary = json(&view.summary());
            assert!(summary["hosts"]["count"].as_u64().is_some_and(|hosts| hosts <= 3));
        }
    });
    let newest = |view: &plimsoll_fleet::view::FleetView| {
        view.hosts().map(|host| host.state().sequence).sum::<u64>()
    };
    assert_eq!(view.look(|view, _| newest(view)), 300 + 299 + 298);
}

#[test]
fn fleet_4_a_reader_that_is_away_says_so_and_ends_with_its_thread() {
    let view = LiveView::default();
    assert_eq!(view.connection(), Connection::Connecting);
    let reader = FleetReader::new(Fleet::new("nats://127.0.0.1:1").unwrap());
    let reading = view.spawn_thread(reader).unwrap();
    assert_eq!(json(&view.summary())["is_connected"], false);
    drop(reading);
    let why = FleetError::NoJetStream;
    view.on_heard(Heard::Connection(Connection::Lost { why: why.clone(), again_in: None }));
    let summary = json(&view.summary());
    assert_eq!(summary["connection"], why.to_string());
    assert_eq!((&summary["is_connected"], &summary["hosts"]["count"]), (&false.into(), &0.into()));
}

#[test]
fn fleet_4_more_silent_guests_than_can_be_counted_are_as_many_as_can() {
    let view = LiveView::default();
    for name in ["web-1", "web-2"] {
        view.on_heard(heard(HostState { silent_more: u64::MAX, ..state(name, 1, 1) }));
    }
    let most = Value::from(u64::MAX.to_string());
    let summary = json(&view.summary());
    assert_eq!(
        (&summary["silent"]["count"], &summary["hosts"]["rows"][0]["silent"]),
        (&most, &most)
    );
    let table = view.look(|view, now| view.table(now, 1).to_string());
    assert!(table.contains(&u64::MAX.to_string()), "{table}");
}

#[test]
fn fleet_4_what_could_not_be_read_of_a_host_goes_with_the_host() {
    let view = LiveView::default();
    let flaws = || json(&view.summary())["flaws"]["count"].clone();
    view.on_heard(Heard::Flaw { key: "web-9".into(), flaw: StateError::Foreign.into() });
    assert_eq!(flaws(), 1);
    view.on_heard(Heard::Gone { host: HostName::new("web-9").unwrap() });
    assert_eq!(flaws(), 0);
}

/// A look holds up neither the reader, nor another look, nor the end of the reader.
#[test]
fn fleet_4_a_view_is_fed_and_its_reader_ends_while_it_is_looked_at() {
    let view = LiveView::default();
    let fleet = Fleet::new("nats://127.0.0.1:1").unwrap();
    let reading = view.spawn_thread(FleetReader::new(fleet)).unwrap();
    view.on_heard(heard(state("web-1", 1, 10)));
    view.look(|before, _| {
        assert_eq!(view.on_heard(heard(state("web-2", 1, 10))), Some(Taken::Joined));
        drop(reading);
        assert_eq!(view.look(|now, _| now.hosts().len()), 2);
        assert_eq!(before.hosts().len(), 1);
        let stopped = Connection::Lost { why: FleetError::Stopped, again_in: None };
        assert_eq!(view.connection(), stopped);
        assert_eq!(json(&view.summary())["is_connected"], false);
    });
}
