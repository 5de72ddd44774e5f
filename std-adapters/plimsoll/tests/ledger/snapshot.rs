//! What a snapshot says of ledgers.

use plimsoll::ledger::{LedgerKind, LedgerSettings};
use plimsoll::{Category, Limit, Registry, Snapshot, SnapshotLedger, Watermarks};

use super::{peaks, sums};

/// Fifty guests, of which 40 fit: guest `n` has `1_000 + n` bytes. Two burn fuel.
fn busy() -> (Registry, impl Sized) {
    let registry = Registry::builder().top_users(3).build().unwrap();
    let gauge = registry.gauge("frames", Watermarks::new(10)).unwrap();
    let heaps = registry.peak_ledger(Limit::memory("heaps").scope("pool-1"), 40).unwrap();
    let fuel = sums(&registry, 40);
    for n in 0..50u64 {
        heaps.record(&format!("guest-{n:02}"), 1_000 + n).unwrap();
    }
    (0..4).for_each(|_| assert!(!heaps.record("small", 5).unwrap().is_tracked()));
    fuel.record("größe", 70).unwrap();
    fuel.record(7u64, 30).unwrap();
    (registry, (gauge, heaps, fuel))
}

#[test]
fn it_lists_the_largest_users_with_what_is_certain() {
    let (registry, held) = busy();
    let snapshot = registry.snapshot();
    assert_eq!((snapshot.entries().len(), snapshot.stats().entries), (1, 3));
    let [heaps, fuel] = snapshot.ledgers() else { panic!("{snapshot}") };
    assert_eq!(
        (heaps.name(), heaps.category(), heaps.scope(), heaps.kind),
        ("heaps", Category::Memory, Some("pool-1"), LedgerKind::Peak)
    );
    let total: u64 = (1_010..1_050).sum();
    assert_eq!((heaps.total, heaps.tracked, heaps.capacity), (total, 40, 40));
    assert_eq!((heaps.floor, heaps.bound, heaps.certified), (Some(1_010), 1_010, 3));
    assert_eq!((heaps.turned_away, heaps.window, heaps.is_saturated), (Some(4), None, false));
    let users: Vec<_> = heaps
        .users()
        .iter()
        .map(|user| (user.principal().unwrap().as_str().unwrap(), user.value(), user.error()))
        .collect();
    assert_eq!(users, [("guest-49", 1_049, 0), ("guest-48", 1_048, 0), ("guest-47", 1_047, 0)]);
    assert!((heaps.users()[0].share - 1_049.0 / total as f64).abs() < 1e-12);
    assert!(heaps.users().iter().all(|user| user.is_certified && !user.is_saturated));
    assert_eq!((fuel.kind, fuel.total, fuel.users().len()), (LedgerKind::Sum, 100, 2));
    assert_eq!(
        (fuel.users()[1].principal().unwrap().as_integer(), fuel.users()[1].share),
        (Some(7), 0.3)
    );
    drop(held);
    let after = registry.snapshot();
    assert_eq!((after.ledgers().len(), after.stats().entries), (0, 0), "REG-2");
}

#[test]
fn it_displays_as_tables() {
    let (registry, _held) = busy();
    let expected = "\
LIMIT   CATEGORY  LEVEL   DEPTH  CAPACITY  USED  HIGH-WATER  WAITING  BLOCKED
frames  queue     normal      0        10    0%           0        0   0.000s

LEDGER         CATEGORY  KIND  TRACKED  CAPACITY  CERTIFIED  FLOOR  UNTRACKED-MAX  TURNED-AWAY
heaps[pool-1]  memory    peak       40        40        3/3   1010           1010            4
guest_fuel     cpu       sum         2        40        2/2      0              0            0

LEDGER         TOP USER  CERTAIN  VALUE  ERROR  SHARE
heaps[pool-1]  guest-49  yes       1049      0   2.5%
heaps[pool-1]  guest-48  yes       1048      0   2.5%
heaps[pool-1]  guest-47  yes       1047      0   2.5%
guest_fuel     größe     yes         70      0  70.0%
guest_fuel     7         yes         30      0  30.0%";
    assert_eq!(registry.snapshot().to_string(), expected);
}

#[cfg(feature = "serde")]
#[test]
fn it_serializes() {
    let (registry, _held) = busy();
    let json = serde_json::to_value(registry.snapshot()).unwrap();
    let expected = serde_json::json!({
        "name": "guest_fuel", "category": "cpu", "scope": null, "kind": "sum", "window": null,
        "users": [
            {
                "principal": "größe", "value": 70, "error": 0, "share": 0.7,
                "certified": true, "saturated": false,
            },
            {
                "principal": 7, "value": 30, "error": 0, "share": 0.3,
                "certified": true, "saturated": false,
            },
        ],
        "total": 100, "certified": 2, "bound": 0, "floor": 0, "tracked": 2, "capacity": 40,
        "turned_away": 0, "saturated": false,
    });
    assert_eq!(json["ledgers"][1], expected);
    assert_eq!(json["ledgers"][0]["scope"], "pool-1");
    assert_eq!(json["ledgers"][0]["turned_away"], 4);
}

#[test]
fn how_many_are_listed_is_a_setting() {
    for (top_users, listed) in [(0, 0), (1, 1), (1_000_000, 40)] {
        let registry = Registry::builder().top_users(top_users).build().unwrap();
        let ledger = peaks(&registry, 40);
        let window = registry.window_ledger("recent", 40).unwrap();
        (0..60u64).for_each(|n| assert!(ledger.record(n, 1 + n).is_ok()));
        (0..60u64).for_each(|n| assert!(window.record(n, 1 + n).is_ok()));
        let snapshot = registry.snapshot_window();
        for ledger in snapshot.ledgers() {
            assert_eq!(ledger.users().len(), listed, "{}", ledger.name());
        }
        assert_eq!(snapshot.to_string().contains("TOP USER"), listed > 0);
    }
    let registry = Registry::new();
    let ledger = peaks(&registry, LedgerSettings::default());
    (0..60u64).for_each(|n| assert!(ledger.record(n, 1 + n).is_ok()));
    assert_eq!(registry.snapshot().ledgers()[0].users().len(), 10);
}

#[test]
fn a_ledger_leaves_with_its_last_handle_or_principal() {
    let registry = Registry::new();
    let ledger = peaks(&registry, 40);
    let (twin, principal) = (ledger.clone(), ledger.principal("guest").unwrap());
    let listed = || registry.snapshot().ledgers().len();
    drop((ledger, twin));
    assert_eq!(listed(), 1);
    drop(principal);
    assert_eq!((listed(), registry.stats().entries), (0, 0));
}

/// Ids that were recorded past the adapter's checks.
#[test]
fn nothing_breaks_the_lines_of_the_table() {
    let registry = Registry::new();
    let ledger = peaks(&registry, 40);
    for bytes in [&b"two\nlines"[..], b"\x1b[2J", b"\xff\xfe", "a\u{2028}b".as_bytes()] {
        ledger.core().record(&plimsoll::ledger::Key::new(bytes).unwrap(), 1);
    }
    let table = registry.snapshot().to_string();
    assert_eq!(table.lines().count(), 1 + 1 + 2 + 1 + 5, "{table}");
    assert!(!table.contains(['\u{1b}', '\u{2028}']) && table.contains(r"\xff\xfe"), "{table}");
}

#[test]
fn an_empty_ledger_shares_nothing() {
    let registry = Registry::new();
    let _ledger = sums(&registry, 40);
    let snapshot = registry.snapshot();
    let ledger = &snapshot.ledgers()[0];
    assert_eq!((ledger.total, ledger.certified, ledger.users().len()), (0, 0, 0));
}

#[test]
fn users_that_are_left_out_of_a_snapshot_leave_what_a_shorter_list_says() {
    let registry = Registry::new();
    let heaps = registry.peak_ledger(Limit::memory("heaps"), 64).unwrap();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), 64).unwrap();
    for n in 0..5_000_u64 {
        let guest = n * n % 499;
        heaps.record(guest, n % 977).unwrap();
        fuel.record(guest % 97, n % 31 * (guest % 7)).unwrap();
    }
    let whole = registry.snapshot_with_users(usize::MAX);
    assert!(whole.ledgers().iter().all(|ledger| ledger.users().len() == ledger.tracked));
    assert!(whole.ledgers()[1].certified > 0);
    for users in [0, 1, 2, 3, 7, 20, 60, 10_000] {
        let mut some = whole.clone();
        some.truncate_users(users);
        let asked = registry.snapshot_with_users(users);
        for (some, asked) in some.ledgers().iter().zip(asked.ledgers()) {
            let values = |ledger: &SnapshotLedger| -> Vec<_> {
                ledger.users().iter().map(|user| (user.value(), user.is_certified)).collect()
            };
            assert_eq!(values(some), values(asked), "{users} users of {}", some.name());
            assert_eq!((some.certified, some.bound), (asked.certified, asked.bound));
        }
    }
}

/// LEDGER-2: who inherited all of its value is not among those that are certain, in a shorter list either.
#[test]
fn a_shorter_list_certifies_no_more_than_the_whole_one() {
    let registry = Registry::new();
    let fuel = registry.sum_ledger(Limit::cpu("fuel"), LedgerSettings::exact(4)).unwrap();
    for (guest, used) in [(1_u64, 900), (2, 500), (3, 30), (4, 31), (5, 2), (6, 1)] {
        fuel.record(guest, used).unwrap();
    }
    let mut snapshot = registry.snapshot();
    let certain = |snapshot: &Snapshot| -> Vec<_> {
        snapshot.ledgers()[0].users().iter().map(|user| user.is_certified).collect()
    };
    assert_eq!(certain(&snapshot), [true, true, false, false]);
    snapshot.truncate_users(3);
    assert_eq!(certain(&snapshot), [true, true, false]);
    assert_eq!(snapshot.ledgers()[0].certified, 2);
}

/// However many users are asked for: those are the first of all, with what is certain of so many.
#[test]
fn ledger_2_any_number_of_users_in_a_snapshot_agrees_with_the_ledger() {
    let registry = Registry::new();
    let (heaps, fuel) = (peaks(&registry, 64), sums(&registry, 64));
    let minute = registry.window_ledger("minute", 64).unwrap();
    let mut random = 1_u64;
    for _ in 0..2_000 {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (guest, amount) = ((random >> 33) % 300, 1 + (random >> 40) % 50);
        heaps.record(guest, amount).unwrap();
        fuel.record(guest, amount).unwrap();
        minute.record(guest, amount).unwrap();
        if amount == 50 {
            heaps.remove(guest).unwrap();
            fuel.remove(guest).unwrap();
            minute.remove(guest).unwrap();
        }
    }
    let whole = registry.snapshot_with_users(usize::MAX);
    let numbers = |ledger: &SnapshotLedger| {
        ledger.users().iter().map(|user| (user.value(), user.is_certified)).collect::<Vec<_>>()
    };
    for users in [0, 1, 2, 10, 14, 15, 40, 150, 160, usize::MAX] {
        let some = registry.snapshot_with_users(users);
        let mut cut = whole.clone();
        cut.truncate_users(users);
        for ((some, cut), whole) in some.ledgers().iter().zip(cut.ledgers()).zip(whole.ledgers()) {
            let values = |ledger: &SnapshotLedger| numbers(ledger).into_iter().map(|one| one.0);
            assert!(values(some).eq(values(whole).take(users)), "{users}");
            assert_eq!((numbers(some), some.certified), (numbers(cut), cut.certified), "{users}");
            assert_eq!((some.bound, some.tracked), (whole.bound, whole.tracked), "{users}");
        }
    }
    for (ledger, entries) in [(0, heaps.entries()), (1, fuel.entries())] {
        let mut values: Vec<u64> = entries.map(|entry| entry.value()).collect();
        values.sort_unstable_by(|one, other| other.cmp(one));
        let listed: Vec<u64> = numbers(&whole.ledgers()[ledger]).iter().map(|one| one.0).collect();
        assert_eq!(listed, values);
    }
}
