//! The view of a fleet: a pure state machine, so every history can be played.

mod random;

use std::time::Duration;

use plimsoll::ledger::LedgerKind;
use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::merge::MergeError;
use plimsoll_fleet::state::{Frame, LedgerState, SilentGuest};
use plimsoll_fleet::view::{
    Connection, FleetEvent, FleetFlaw, FleetHost, FleetView, Heard, Taken, ViewSettings,
};
use plimsoll_fleet::{HostName, HostState, StateError};

use random::Random;

const STORED: Duration = Duration::from_secs(1_800_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn host(name: &str) -> HostName {
    HostName::new(name).unwrap()
}

/// The state of a host whose principal `acme` has used so much.
fn state(name: &str, run: u64, sequence: u64, fuel: u64) -> HostState {
    let registry = Registry::new();
    let ledger = registry.sum_ledger(Limit::cpu("guest_fuel"), 64).unwrap();
    ledger.record("acme", fuel).unwrap();
    ledger.record(name, 1).unwrap();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
    frames.add(sequence % 10);
    let snapshot = registry.snapshot_with_users(usize::MAX);
    let ledgers = snapshot.ledgers().iter();
    HostState {
        host: host(name),
        incarnation: run.wrapping_mul(0x9e37_79b9),
        sequence,
        // Hosts whose clocks are years apart.
        at_unix_ms: u64::from(name.as_bytes()[0]) << 40,
        started_unix_ms: run * 1_000,
        interval_ms: 5_000,
        ledgers: ledgers.map(|ledger| LedgerState::of(ledger, usize::MAX)).collect(),
        snapshot,
        silent: Vec::new(),
        silent_more: 0,
        events: Default::default(),
    }
}

/// All that `acme` has used in the fleet, by name of ledger, and the host with the most.
fn acme(view: &FleetView) -> (u64, String) {
    let [name] = &view.ledgers()[..] else { panic!("one ledger: {:?}", view.ledgers()) };
    let ledger = view.merged(name, 10).unwrap();
    let user = &ledger.merged.users()[0];
    assert_eq!((user.principal.as_str(), user.error()), (Some("acme"), 0));
    (user.at_least, ledger.most_on(user).unwrap().to_string())
}

/// What a view shows that does not count messages.
fn shown(view: &FleetView) -> Vec<(String, u64, u64)> {
    let of = |state: &HostState| (state.host.to_string(), state.incarnation, state.sequence);
    view.hosts().map(|host| of(host.state())).collect()
}

#[test]
fn fleet_2_late_doubled_and_lost_states_change_nothing() {
    for seed in 0..40 {
        let random = &mut Random::new(seed);
        let mut sent: Vec<HostState> = Vec::new();
        for name in ["a", "b", "c"] {
            let sequences = 1..2 + random.below(6);
            sent.extend(sequences.map(|sequence| state(name, 1, sequence, 100 * sequence)));
        }
        let mut in_order = FleetView::default();
        for state in &sent {
            in_order.on_state(seconds(1), STORED, state.clone());
        }
        // Some twice, some of them lost but for the newest, and all of it in any order.
        let is_newest =
            |of: &HostState| sent.iter().all(|it| it.host != of.host || it.sequence <= of.sequence);
        let mut messages: Vec<&HostState> =
            sent.iter().filter(|it| is_newest(it) || random.below(3) > 0).collect();
        messages.extend(sent.iter().filter(|it| it.sequence % 2 == 1));
        let mut view = FleetView::default();
        while !messages.is_empty() {
            let at = random.below(messages.len() as u64) as usize;
            view.on_state(seconds(1), STORED, messages.swap_remove(at).clone());
        }
        assert_eq!(shown(&view), shown(&in_order), "seed {seed}");
        assert_eq!(acme(&view), acme(&in_order), "seed {seed}");
    }
}

#[test]
fn fleet_2_a_host_that_restarts_is_not_counted_twice() {
    let mut view = FleetView::default();
    assert_eq!(view.on_state(seconds(1), STORED, state("a", 1, 9, 700)), Taken::Joined);
    assert_eq!(view.on_state(seconds(1), STORED, state("b", 1, 4, 400)), Taken::Joined);
    assert_eq!(acme(&view), (1_100, "a".into()));
    assert_eq!(view.on_state(seconds(2), STORED, state("a", 2, 1, 30)), Taken::Restarted);
    assert_eq!(acme(&view), (430, "b".into()));
    // A state of the run before that comes late, with a higher number.
    assert_eq!(view.on_state(seconds(3), STORED, state("a", 1, 10, 710)), Taken::Rival);
    assert_eq!(acme(&view), (430, "b".into()));
    let a = view.host(&host("a")).unwrap();
    assert_eq!((a.restarts, a.rivals, a.age(seconds(5))), (1, 1, seconds(3)));
}

/// A host whose clock was set back before it restarted: its name is free once the run before is quiet.
#[test]
fn fleet_2_a_run_that_began_earlier_waits_until_the_other_is_quiet() {
    let mut view = FleetView::default();
    view.on_state(seconds(1), STORED, state("a", 5, 9, 700));
    assert_eq!(view.on_state(seconds(15), STORED, state("a", 3, 1, 20)), Taken::Rival);
    assert_eq!(view.on_state(seconds(16), STORED, state("a", 3, 2, 30)), Taken::Restarted);
    assert_eq!(acme(&view).0, 30);
    assert_eq!(view.on_state(seconds(17), STORED, state("a", 3, 3, 40)), Taken::Newer);
}

#[test]
fn fleet_4_ages_are_by_the_clocks_of_reader_and_server_alone() {
    let mut view = FleetView::default();
    view.on_state(seconds(10), STORED, state("a", 1, 1, 5));
    // It was stored 20 s before the newest: it is as old.
    view.on_state(seconds(10), STORED - seconds(20), state("z", 1, 1, 1));
    let age = |view: &FleetView, name, now| view.host(&host(name)).unwrap().age(seconds(now));
    assert_eq!((age(&view, "a", 12), age(&view, "z", 12)), (seconds(2), seconds(22)));
    // The same state again is no news.
    view.on_state(seconds(40), STORED + seconds(30), state("a", 1, 1, 1));
    assert_eq!(age(&view, "a", 40), seconds(30));
    view.advance(seconds(49));
    assert_eq!(view.hosts().len(), 2);
    view.advance(seconds(50));
    assert_eq!((view.hosts().len(), view.gone()), (1, 1), "z has said nothing for 60 s");
    assert_eq!(acme(&view), (5, "a".into()), "and its ledgers are gone with it");
    // What was stored long ago is of a host that is gone already.
    assert_eq!(view.on_state(seconds(51), STORED - seconds(31), state("y", 1, 1, 1)), Taken::Old);
    view.on_gone(&host("a"));
    assert_eq!((view.hosts().len(), view.gone(), view.ledgers().len()), (0, 2, 0));
}

/// A reader that begins anew is given what is stored once more, until the server forgets it.
#[test]
fn fleet_2_a_host_that_is_gone_comes_back_with_a_new_state_only() {
    let mut view = FleetView::default();
    view.on_state(seconds(1), STORED, state("a", 2, 7, 5));
    view.advance(seconds(70));
    assert_eq!((view.hosts().len(), view.gone()), (0, 1));
    for now in [71, 90] {
        view.on_heard(seconds(now), Heard::Connection(Connection::Connected));
        assert_eq!(view.on_state(seconds(now), STORED, state("a", 2, 7, 5)), Taken::Old);
        assert_eq!(view.on_state(seconds(now), STORED, state("a", 2, 6, 5)), Taken::Old);
        view.on_heard(seconds(now), Heard::Current);
        assert_eq!(view.hosts().len(), 0);
    }
    assert_eq!(view.on_state(seconds(91), STORED, state("a", 2, 8, 5)), Taken::Joined);
    view.advance(seconds(160));
    assert_eq!(view.on_state(seconds(161), STORED, state("a", 1, 1, 5)), Taken::Joined, "a run");
}

/// A server gives what it has stored in the order in which that came.
#[test]
fn fleet_4_what_was_stored_before_the_reader_began_is_as_old_as_the_server_says() {
    let mut view = FleetView::default();
    let hear = |view: &mut FleetView, now, stored, state: HostState| {
        let (stored, state) = (STORED + seconds(stored), Box::new(state));
        view.on_heard(seconds(now), Heard::State { stored, state })
    };
    let connected = || Heard::Connection(Connection::Connected);
    view.on_heard(seconds(1), connected());
    hear(&mut view, 1, 0, state("dead", 1, 1, 700));
    hear(&mut view, 1, 280, state("ill", 1, 1, 20));
    hear(&mut view, 1, 300, state("well", 1, 1, 3));
    view.on_heard(seconds(1), Heard::Current);
    let ages = |view: &FleetView, now| {
        let age = |host: &FleetHost| (host.name().to_string(), host.age(seconds(now)).as_secs());
        view.hosts().map(age).collect::<Vec<_>>()
    };
    assert_eq!(ages(&view, 2), [("ill".into(), 21), ("well".into(), 1)]);
    assert_eq!((acme(&view), view.gone()), ((23, "ill".into()), 0), "it was gone before");

    // From then on states are as old as they are here, whatever the clock of the server does.
    hear(&mut view, 4, 2_000, state("well", 1, 2, 3));
    assert_eq!(hear(&mut view, 5, 10, state("well", 1, 3, 3)), Some(Taken::Newer));
    view.on_heard(seconds(5), Heard::Current);
    assert_eq!(ages(&view, 6), [("ill".into(), 25), ("well".into(), 1)]);

    // A reader that comes back is given all of it again, and what it has missed.
    view.on_heard(seconds(30), connected());
    hear(&mut view, 30, 280, state("ill", 1, 1, 20));
    hear(&mut view, 30, 2_005, state("well", 1, 4, 3));
    hear(&mut view, 30, 2_025, state("new", 1, 1, 1));
    view.on_heard(seconds(30), Heard::Current);
    assert_eq!(ages(&view, 30), [("ill".into(), 49), ("new".into(), 0), ("well".into(), 20)]);
}

#[test]
fn fleet_4_raised_limits_and_silent_guests_have_their_host_and_its_age() {
    let mut view = FleetView::default();
    view.on_state(seconds(1), STORED, state("a", 1, 8, 1));
    let mut b = state("b", 1, 3, 1);
    b.silent_more = 2;
    b.silent = [("g1", 4_000), ("g2", 9_000)]
        .map(|(guest, silent_for_ms)| SilentGuest {
            watcher: "guests".into(),
            guest: guest.into(),
            run: "1".into(),
            silent_for_ms,
            window_ms: 10_000,
            elapsed_ms: 10_000,
        })
        .into();
    view.on_state(seconds(4), STORED, b);
    let raised = view.raised(seconds(6));
    let raised: Vec<_> =
        raised.iter().map(|it| (it.host.as_str(), it.entry.name(), it.age)).collect();
    assert_eq!(raised, [("a", "frames", seconds(5))]);
    let silent = view.silent(seconds(6));
    let silent: Vec<_> = silent
        .iter()
        .map(|it| (it.host.as_str(), &*it.guest.guest, it.silent_for, it.age))
        .collect();
    assert_eq!(
        silent,
        [("b", "g2", seconds(21), seconds(2)), ("b", "g1", seconds(16), seconds(2))]
    );
    assert_eq!(view.silent_count(), 4);
    let table = view.table(seconds(6), 5).to_string();
    for line in ["frames  a     elevated  8      10        5s", "g2      1    b     21s  2s"] {
        assert!(table.lines().any(|it| it == line), "{line:?} in\n{table}");
    }
    let top = table.lines().find(|line| line.starts_with("acme")).unwrap();
    assert_eq!(top.split_whitespace().collect::<Vec<_>>()[1..4], ["guest_fuel", "2", "2"]);
}

/// A host may say any number: it harms no count and no table.
#[test]
fn fleet_4_a_huge_number_of_silent_guests_harms_no_count() {
    let mut view = FleetView::default();
    let mut a = state("a", 1, 1, 1);
    a.silent_more = u64::MAX;
    a.silent = vec![SilentGuest {
        watcher: "guests".into(),
        guest: "g1".into(),
        run: "1".into(),
        silent_for_ms: u64::MAX,
        window_ms: 10_000,
        elapsed_ms: 10_000,
    }];
    view.on_state(seconds(1), STORED, a);
    view.on_state(seconds(1), STORED, state("b", 1, 1, 1));
    assert_eq!(view.host(&host("a")).unwrap().silent_count(), u64::MAX);
    assert_eq!(view.silent_count(), u64::MAX);
    assert!(view.table(seconds(1), 5).to_string().contains(&u64::MAX.to_string()));
}

/// Garbage, a newer form and another's name: each is said, and the states of others stay.
#[test]
fn fleet_4_words_that_cannot_be_read_harm_no_other_host() {
    let mut view = FleetView::default();
    view.on_state(seconds(1), STORED, state("a", 1, 1, 70));
    view.on_state(seconds(1), STORED, state("b", 1, 1, 30));
    let mut newer = Frame::split(&state("a", 1, 2, 90), 0, 1 << 20).unwrap()[0].to_bytes().to_vec();
    newer[4] += 1;
    let error = Frame::from_bytes(newer.into()).unwrap_err();
    assert!(matches!(error, StateError::Version { read: 1, found: 2 }), "{error}");
    view.on_flaw(seconds(1), "a", error.into());
    let foreign = Frame::from_bytes(b"{}".to_vec().into()).unwrap_err();
    view.on_flaw(seconds(1), "c\u{1b}[2J", foreign.into());
    let other = FleetFlaw::OtherHost { key: host("d"), said: host("a") };
    view.on_heard(seconds(1), Heard::Flaw { key: "d".into(), flaw: other });
    assert_eq!(acme(&view), (100, "a".into()));
    assert!(view.host(&host("a")).unwrap().flaw.is_some());
    assert_eq!(view.flaws().count(), 2);
    let table = view.table(seconds(1), 5).to_string();
    assert!(!table.contains('\u{1b}') && table.contains("a state of version 2"), "{table}");
    // The next state that can be read takes it back.
    view.on_state(seconds(2), STORED, state("a", 1, 3, 80));
    view.on_state(seconds(2), STORED, state("d", 1, 1, 80));
    assert!(view.host(&host("a")).unwrap().flaw.is_none());
    assert_eq!(view.flaws().count(), 1);
    for key in 0..10_000 {
        view.on_flaw(seconds(2), &format!("key-{key}"), StateError::Foreign.into());
    }
    assert!(view.flaws().count() <= 101, "what cannot be read is kept of some");
    // It goes with its key, or when it is as old as hosts become.
    view.on_gone(&host("key-7"));
    assert!(view.flaws().all(|(key, _)| key != "key-7"));
    view.advance(seconds(62));
    assert_eq!(view.flaws().count(), 0);
}

/// Bytes of a state, changed anywhere, are a state or an error, and a view takes what is one.
#[test]
fn fleet_4_no_bytes_break_a_view() {
    let bytes = Frame::split(&state("a", 1, 2, 90), 0, 1 << 20).unwrap()[0].to_bytes();
    let mut view = FleetView::default();
    let mut errors = 0;
    for seed in 0..3_000 {
        let random = &mut Random::new(seed);
        let mut bytes = bytes.to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.below(256) as u8;
        }
        bytes.truncate(1 + random.below(2 * bytes.len() as u64) as usize);
        let state = Frame::from_bytes(bytes.into()).and_then(|frame| match frame {
            Frame::Whole { body, .. } => HostState::from_bytes(body).map(Some),
            frame => frame.join(&[]),
        });
        match state {
            Ok(Some(state)) => drop(view.on_state(seconds(1), STORED, state)),
            Ok(None) => {}
            Err(error) => {
                errors += 1;
                view.on_flaw(seconds(1), "a", error.into());
            }
        }
        for name in view.ledgers() {
            assert_ne!(view.merged(&name, 10).err(), Some(MergeError::Nothing));
        }
        assert!(!view.table(seconds(2), 5).to_string().is_empty());
    }
    assert!(errors > 1_000, "{errors} errors");
}

#[test]
fn a_view_keeps_so_many_hosts_and_no_more() {
    let mut settings = ViewSettings::default();
    settings.hosts_max = 2;
    let mut view = FleetView::new(settings);
    assert_eq!(view.on_state(seconds(1), STORED, state("a", 1, 1, 1)), Taken::Joined);
    assert_eq!(view.on_state(seconds(1), STORED, state("b", 1, 1, 1)), Taken::Joined);
    assert_eq!(view.on_state(seconds(1), STORED, state("c", 1, 1, 1)), Taken::NoRoom);
    assert_eq!(view.on_state(seconds(1), STORED, state("b", 1, 2, 1)), Taken::Newer);
}

#[test]
fn ledgers_of_different_kinds_are_kept_apart() {
    let mut view = FleetView::default();
    let ledger = |kind, scope: Option<&'static str>| {
        let limit = Limit::memory("heaps");
        let limit = match scope {
            Some(scope) => limit.scope(scope),
            None => limit,
        };
        LedgerState::new(&limit, kind, [(7.into(), 5, 0)], 0, 5)
    };
    let mut a = state("a", 1, 1, 1);
    a.ledgers = vec![ledger(LedgerKind::Peak, None), ledger(LedgerKind::Sum, None)];
    let mut b = state("b", 1, 1, 1);
    b.ledgers = vec![ledger(LedgerKind::Peak, None), ledger(LedgerKind::Peak, Some("x"))];
    view.on_state(seconds(1), STORED, a);
    view.on_state(seconds(1), STORED, b);
    let names = view.ledgers();
    let merged: Vec<_> = names.iter().map(|it| view.merged(it, 9).unwrap().merged.states).collect();
    assert_eq!((names.len(), merged.iter().sum::<usize>()), (3, 4));
}

fn event(id: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/plimsoll/a","type":"dev.plimsoll.event.raised",
        "time":"2026-01-01T00:00:00Z","datacontenttype":"application/json","data":{data}}}"#
    )
}

#[test]
fn fleet_1_an_event_that_comes_twice_is_shown_once() {
    let raised = r#"{"name":"frames","category":"queue","kind":"raised","level":"elevated","depth":9,
        "capacity":10,"sequence":1}"#;
    let of = |id: &str, data| {
        FleetEvent::from_json(host("a"), STORED, event(id, data).as_bytes()).unwrap()
    };
    let mut view = FleetView::default();
    assert!(view.on_event(of("1-1", raised)));
    assert!(!view.on_event(of("1-1", raised)));
    let silence = r#"{"cellId":"g1","runId":"7","elapsedMs":12000,"keepaliveWindowMs":10000}"#;
    assert!(view.on_event(of("1-2", silence)));
    assert!(view.on_event(of("1-3", r#"{"later":"\u001b[2J"}"#)));
    let texts: Vec<_> = view.newest_events(9).map(|event| &*event.text).collect();
    assert!(texts[0].contains("frames") && texts[0].contains("9 of 10"), "{texts:?}");
    assert_eq!(texts[1], "guest g1 silent after 12000 ms, run 7");
    assert!(texts.len() == 3 && !texts[2].contains('\u{1b}'), "{texts:?}");
    for bad in [
        "{",
        "null",
        &event("1", "{}").replace("1.0", "2.0"),
        &event("1", "{}").replace("/a", "/b"),
    ] {
        let error = FleetEvent::from_json(host("a"), STORED, bad.as_bytes()).unwrap_err();
        assert!(matches!(error, FleetFlaw::Event { .. }), "{error}");
    }
    for id in 0..20_000 {
        view.on_event(of(&format!("2-{id}"), "{}"));
    }
    assert_eq!(view.newest_events(usize::MAX).count(), 1_000, "the newest are kept");
}
