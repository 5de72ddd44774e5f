//! Levels: capacity, all or none, how far amounts reach.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use plimsoll::budget::{Budget, LEVELS_MAX, MAX_AMOUNT, RefusedReason};
use plimsoll::{Level, Limit};

use super::support::{budget, tree};

#[test]
fn budget_1_the_usage_of_no_level_is_ever_above_its_capacity() {
    let (host, guests) = tree(100, [60, 60, 60]);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                assert!(host.usage() <= 100, "{host:?}");
                assert!(guests.iter().all(|guest| guest.usage() <= 60), "{guests:?}");
                thread::yield_now();
            }
        });
        let takers: Vec<_> = (0..4)
            .map(|taker| {
                let guest = guests[taker % guests.len()].clone();
                scope.spawn(move || {
                    let mut granted = 0;
                    for round in 0..3_000u64 {
                        granted += u32::from(guest.try_reserve(1 + (round * 7) % 45).is_ok());
                    }
                    granted
                })
            })
            .collect();
        for taker in takers {
            assert!(taker.join().unwrap() > 0);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!((host.usage(), guests.each_ref().map(Budget::usage)), (0, [0; 3]));
}

#[test]
fn budget_2_an_ask_takes_of_all_levels_or_of_none() {
    let (host, [one, two]) = tree(100, [80, 80]);
    let held = one.try_reserve(70).unwrap();
    assert_eq!((host.usage(), one.usage(), two.usage()), (70, 70, 0));
    // The host refuses, and the guest is left as it was.
    let refused = two.try_reserve(40).unwrap_err();
    assert_eq!((refused.name(), refused.scope()), ("host_bytes", None));
    assert_eq!((host.usage(), two.usage()), (70, 0));
    // The guest refuses, and the host is left as it was.
    let refused = one.try_reserve(20).unwrap_err();
    assert_eq!((refused.name(), refused.scope()), ("guest_bytes", Some("guest-1")));
    assert_eq!((host.usage(), one.usage()), (70, 70));
    assert_eq!((one.available(), two.available()), (10, 30));
    drop(held);
    assert_eq!((host.usage(), one.usage()), (0, 0));
}

#[test]
fn budget_2_a_refusal_leaves_no_edge_and_no_mark() {
    let (host, [guest]) = tree(100, [100]);
    let _held = host.try_reserve(70).unwrap();
    for _ in 0..100 {
        assert!(guest.try_reserve(90).is_err());
    }
    let reading = guest.reading();
    assert_eq!((reading.usage, reading.high_water, reading.level), (0, 0, Level::Normal));
}

#[test]
fn budget_5_amounts_reach_two_to_the_56() {
    let limit = Limit::memory("archive_bytes");
    let archive = Budget::new(limit.clone(), MAX_AMOUNT).unwrap();
    let shelf = archive.child(limit, MAX_AMOUNT).unwrap();
    let half = shelf.try_reserve(MAX_AMOUNT / 2).unwrap();
    let mut rest = shelf.try_reserve(MAX_AMOUNT / 2 - 1).unwrap();
    assert_eq!((archive.available(), archive.level()), (1, Level::Elevated));
    rest.try_grow(1).unwrap();
    assert_eq!(shelf.try_reserve(1).unwrap_err().reason(), RefusedReason::Full);
    let refused = shelf.try_reserve(MAX_AMOUNT + 1).unwrap_err();
    assert_eq!(refused.reason(), RefusedReason::BadAmount);
    assert!(shelf.try_reserve(u64::MAX).is_err());
    drop((half, rest));
    assert_eq!((archive.usage(), archive.high_water()), (0, MAX_AMOUNT));
}

#[test]
fn budget_7_each_refusal_names_the_limit_and_how_to_raise_it() {
    let (host, [guest]) = tree(100, [80]);
    let _held = host.try_reserve(50).unwrap();
    let waiting = "memory guest_bytes[guest-1]";
    let texts = [
        (
            guest.try_reserve(60).unwrap_err(),
            "memory host_bytes has no room for 60: 50 of 100 used; `Budget::resize` to 110 makes room"
                .to_owned(),
        ),
        (
            guest.try_reserve(90).unwrap_err(),
            format!("{waiting} never has room for 90: 0 of 80 used; `Budget::resize` to 90 makes room"),
        ),
        (
            guest.try_reserve(0).unwrap_err(),
            format!("{waiting}: an amount is 1 to {MAX_AMOUNT} (asked 0)"),
        ),
        (
            guest.reserve_timeout(60, std::time::Duration::ZERO).unwrap_err(),
            "memory host_bytes had no room for 60 in time: 50 of 100 used; `Budget::resize` to 110 \
             makes room"
                .to_owned(),
        ),
    ];
    for (refused, text) in texts {
        assert_eq!(refused.to_string(), text);
    }
    // What is said makes room does.
    let needed = guest.try_reserve(60).unwrap_err().capacity_needed().unwrap();
    host.resize(needed).unwrap();
    assert!(guest.try_reserve(60).is_ok());
}

#[test]
fn budget_7_a_limit_with_a_hostile_scope_is_one_line() {
    let limit = Limit::memory("guest_bytes").scope("a\u{202e}b");
    let budget = Budget::new(limit, 1).unwrap();
    let _held = budget.try_reserve(1).unwrap();
    let text = budget.try_reserve(1).unwrap_err().to_string();
    assert!(text.starts_with(r"memory guest_bytes[a\u{202e}b] has no room"), "{text}");
}

#[test]
fn children_keep_their_parent() {
    let (host, [guest]) = tree(100, [80]);
    drop(host);
    let lease = guest.try_reserve(70).unwrap();
    let host = guest.parent().unwrap();
    assert_eq!((host.name(), host.usage()), ("host_bytes", 70));
    drop((guest, host));
    let host = lease.budget().parent().unwrap();
    drop(lease);
    assert_eq!(host.usage(), 0);
}

#[test]
fn children_may_have_more_in_all_than_their_parent() {
    let (host, [one, two]) = tree(100, [100, 100]);
    let _one = one.try_reserve(60).unwrap();
    assert_eq!(two.try_reserve(60).unwrap_err().name(), "host_bytes");
    assert_eq!(host.usage(), 60);
}

#[test]
fn a_tree_is_as_deep_as_it_may_be() {
    let mut leaf = budget(100);
    for _ in 1..LEVELS_MAX {
        leaf = leaf.child(Limit::memory("inner_bytes"), 100).unwrap();
    }
    let lease = leaf.try_reserve(100).unwrap();
    let levels = || std::iter::successors(Some(leaf.clone()), Budget::parent);
    assert_eq!(levels().map(|level| level.usage()).collect::<Vec<_>>(), [100; LEVELS_MAX]);
    drop(lease);
    assert!(levels().all(|level| level.usage() == 0));
}
