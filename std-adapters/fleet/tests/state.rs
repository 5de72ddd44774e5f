//! The format of a host's state: whole, in parts, and what is none.

use bytes::Bytes;
use plimsoll::ledger::{LedgerKind, LongPrincipalId};
use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::state::{Frame, HostState, Keys, LedgerState, Principal, SilentGuest};
use plimsoll_fleet::{HostName, StateError};

fn registry() -> Registry {
    let registry = Registry::new();
    let frames = registry.gauge("frames", Watermarks::percent(10, 80, 50)).unwrap();
    frames.add(9);
    // It stays listed.
    std::mem::forget(frames);
    registry
}

fn state(registry: &Registry, users_max: usize) -> HostState {
    let snapshot = registry.snapshot_with_users(usize::MAX);
    let ledgers = snapshot.ledgers().iter().map(|ledger| LedgerState::of(ledger, users_max));
    HostState {
        host: HostName::new("web-1").unwrap(),
        incarnation: u64::MAX - 3,
        sequence: 7,
        at_unix_ms: 1_700_000_000_000,
        started_unix_ms: 1_600_000_000_000,
        interval_ms: 5_000,
        ledgers: ledgers.collect(),
        snapshot: {
            let mut snapshot = snapshot.clone();
            snapshot.truncate_users(10);
            snapshot
        },
        silent: vec![SilentGuest {
            watcher: "alive".into(),
            guest: "guest-7".into(),
            run: "run \u{202e}1".into(),
            silent_for_ms: 1,
            window_ms: 10_000,
            elapsed_ms: 10_001,
        }],
        silent_more: 2,
        events: Default::default(),
    }
}

#[test]
fn fleet_2_a_state_comes_back_as_it_was_with_all_users_of_each_ledger() {
    let registry = registry();
    let heaps = registry.peak_ledger(Limit::memory("heaps").scope("eu"), 64).unwrap();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 64).unwrap();
    let long = LongPrincipalId::new(&"x".repeat(200)).unwrap();
    heaps.record(&long, 5_000).unwrap();
    for guest in 1..=30_u64 {
        heaps.record(guest << 40, guest << 20).unwrap();
        heaps.record(format!("guest-{guest}").as_str(), guest).unwrap();
        (0..1_000 / guest).for_each(|n| _ = fuel.record(n, guest).unwrap());
    }
    let mut sent = state(&registry, usize::MAX);
    // A share, as any float, comes back to within its last digit.
    sent.snapshot.truncate_users(0);
    let read = HostState::from_bytes(sent.to_bytes().unwrap()).unwrap();
    assert_eq!(read, sent);
    assert_eq!(read.snapshot.entries()[0].depth, 9);
    let [heaps_read, fuel_read] = &read.ledgers[..] else { panic!("two ledgers") };
    assert_eq!((heaps_read.name(), heaps_read.scope()), ("heaps", Some("eu")));
    assert_eq!((heaps_read.kind(), fuel_read.kind()), (LedgerKind::Peak, LedgerKind::Sum));
    assert_eq!((heaps_read.len(), heaps_read.users().count()), (61, 61));
    for user in heaps_read.users() {
        let key = user.principal.key().unwrap();
        let there = heaps.entries().find(|entry| *entry.key() == key).unwrap();
        assert_eq!((user.value, user.error), (there.value(), 0));
    }
    assert!(heaps_read.users().any(|user| matches!(user.principal, Principal::Digest(_))));
    assert_eq!(fuel_read.len(), fuel.len());
    let sums: u64 = fuel_read.users().map(|user| user.value).sum();
    assert_eq!((sums, fuel_read.total()), (fuel.total(), fuel.total()));
    assert!(fuel_read.users().any(|user| user.error > 0), "the sums have errors to be read");
}

#[test]
fn the_largest_k_of_a_ledger_raise_its_bound_to_the_largest_that_is_left_out() {
    let registry = registry();
    let heaps = registry.peak_ledger(Limit::memory("heaps"), 64).unwrap();
    (1..=50_u64).for_each(|guest| _ = heaps.record(guest, guest * 10).unwrap());
    let [whole, some] = [usize::MAX, 20].map(|users_max| state(&registry, users_max));
    assert_eq!((whole.ledgers[0].len(), whole.ledgers[0].absent_max()), (50, 0));
    let some = &some.ledgers[0];
    assert_eq!((some.len(), some.absent_max()), (20, 300));
    assert!(some.users().all(|user| user.value > 300));
    let hidden = registry.snapshot_with_users(usize::MAX).without_principals();
    let hidden = LedgerState::of(&hidden.ledgers()[0], usize::MAX);
    assert_eq!((hidden.len(), hidden.absent_max()), (0, 500), "nobody is named");
}

#[test]
fn fleet_2_parts_are_the_state_only_if_they_are_all_of_it() {
    let registry = registry();
    let heaps = registry.peak_ledger(Limit::memory("heaps"), 1_024).unwrap();
    (1..=2_000_u64).for_each(|guest| _ = heaps.record(guest, guest * 10).unwrap());
    let sent = state(&registry, usize::MAX);
    let whole = Frame::split(&sent, 1, 1 << 20).unwrap();
    assert!(matches!(&whole[..], [Frame::Whole { .. }]));
    let frames = Frame::split(&sent, 1, 2_000).unwrap();
    let read = |frame: &Frame| {
        let bytes = frame.to_bytes();
        assert!(bytes.len() <= 2_000, "a frame has {} bytes", bytes.len());
        Frame::from_bytes(bytes).unwrap()
    };
    let frames: Vec<_> = frames.iter().map(read).collect();
    let (commit, parts) = frames.split_last().unwrap();
    assert!(parts.len() > 5 && matches!(commit, Frame::Commit { slot: 1, .. }));
    let joined = commit.join(parts).unwrap().unwrap();
    assert_eq!((joined.sequence, &joined.ledgers), (sent.sequence, &sent.ledgers));

    assert_eq!(commit.join(&parts[1..]), Ok(None), "one is missing");
    let mut swapped = parts.to_vec();
    swapped.swap(0, 1);
    assert_eq!(commit.join(&swapped), Ok(None), "out of order");
    let later = HostState { sequence: 9, ..sent };
    let later = Frame::split(&later, 1, 2_000).unwrap();
    let mut mixed = parts.to_vec();
    mixed[3] = later[3].clone();
    assert_eq!(commit.join(&mixed), Ok(None), "one is of a later state");
    assert_eq!(parts[0].join(parts), Ok(None), "no commit");
}

#[test]
fn what_is_no_state_is_a_typed_error_at_each_byte() {
    let registry = registry();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 64).unwrap();
    (1..=40_u64).for_each(|guest| _ = fuel.record(guest, guest * 10).unwrap());
    let body = state(&registry, usize::MAX).to_bytes().unwrap();
    for end in 0..body.len() {
        HostState::from_bytes(body.slice(..end)).expect_err("it is cut off");
    }
    // Each byte changed: an error, or a state whose ledgers can be read to their end.
    for place in 0..body.len() {
        let mut bytes = body.to_vec();
        bytes[place] ^= 0x91;
        if let Ok(state) = HostState::from_bytes(bytes.into()) {
            state
                .ledgers
                .iter()
                .for_each(|ledger| assert_eq!(ledger.users().count(), ledger.len()));
        }
    }
    let frame = Frame::Whole { of: (1, 2), body }.to_bytes();
    assert_eq!(Frame::from_bytes(Bytes::from_static(b"{}")), Err(StateError::Foreign));
    let mut newer = frame.to_vec();
    newer[4] = 2;
    assert_eq!(Frame::from_bytes(newer.into()), Err(StateError::Version { found: 2, read: 1 }));
    let short = Frame::from_bytes(frame.slice(..5)).unwrap_err();
    assert_eq!(short.to_string(), "the state ends within a frame");
    let huge = Frame::Commit { of: (1, 2), slot: 0, parts: u64::MAX, bytes: u64::MAX };
    assert!(matches!(Frame::from_bytes(huge.to_bytes()), Err(StateError::TooLarge { .. })));
}

#[test]
fn keys_of_hosts_are_apart() {
    let (a, b) = (HostName::new("a").unwrap(), HostName::new("a-1").unwrap());
    assert_eq!(Keys(&a).state(), "state.a");
    assert_eq!(
        (Keys(&a).part(1, 2), Keys(&b).part(1, 2)),
        ("part.a.1.2".into(), "part.a-1.1.2".into())
    );
}
