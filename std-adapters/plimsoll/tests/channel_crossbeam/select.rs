//! Tracked handles in `select!` and `Select` (CHAN-2).

use std::sync::{Arc, Mutex};
use std::time::Instant;

use plimsoll::channel::crossbeam;
use plimsoll::{EventKind, Level, Limit, PressureRule, Registry};

use super::MOMENT;
use super::common::{AsPressure, Events, entry};

#[test]
fn chan_2_select_takes_tracked_handles_and_the_gauge_tells_the_truth() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (a_tx, a_rx) = crossbeam::bounded::<u32>(&registry, "a", 10).unwrap();
    let (b_tx, b_rx) = crossbeam::bounded::<u32>(&registry, "b", 10).unwrap();
    for n in 0..10 {
        crossbeam_channel::select! {
            send(a_tx.watched(), n) -> sent => sent.unwrap(),
            recv(b_rx.watched()) -> _ => unreachable!("b is empty"),
        }
    }
    assert_eq!(entry(&registry, "a").depth, 10);
    assert_eq!(events.kinds(), [EventKind::Raised]);
    let mut received = 0;
    while received < 10 {
        crossbeam_channel::select_biased! {
            recv(b_rx.watched()) -> _ => unreachable!("b is empty"),
            recv(a_rx.watched()) -> item => {
                assert_eq!(item, Ok(received));
                received += 1;
            }
            default(MOMENT) => unreachable!("a is not empty"),
        }
    }
    assert_eq!(entry(&registry, "a").depth, 0);
    assert_eq!(events.kinds(), [EventKind::Raised, EventKind::Cleared]);
    drop(b_tx);
    crossbeam_channel::select! {
        recv(b_rx.watched()) -> item => assert!(item.is_err(), "disconnected"),
        default => unreachable!("a disconnected channel is ready"),
    }
}

#[test]
fn chan_2_select_with_credit_out_misses_no_crossing() {
    let registry = Registry::new();
    let events = Events::of(&registry);
    let (tx, rx) = crossbeam::bounded::<u32>(&registry, "q", 100).unwrap();
    // Leaves the plain handle with credit up to the mark of 79.
    for _ in 0..79 {
        tx.send(0).unwrap();
    }
    assert_eq!(rx.try_iter().count(), 79);
    let plain = tx.clone();
    for n in 0..80 {
        if n % 2 == 0 {
            plain.send(n).unwrap();
        } else {
            crossbeam_channel::select! { send(tx.watched(), n) -> sent => sent.unwrap() }
        }
        assert_eq!(events.kinds().len(), usize::from(n == 79), "at item {n}");
    }
}

/// An operation of a `Select` counts when it is completed, by whatever way it was selected.
#[test]
fn chan_2_a_select_of_tracked_handles_counts_what_it_completes() {
    use crossbeam::Select;
    let registry = Registry::new();
    let events = Events::of(&registry);
    for capacity in [1, 2, 10] {
        let limit = Limit::queue("q").flow_totals();
        let (tx, rx) = crossbeam::bounded::<u64>(&registry, limit, capacity).unwrap();
        let idle = crossbeam_channel::never::<u64>();
        let mut select = Select::new_biased();
        let (never, send, recv) = (select.recv(&idle), select.send(&tx), select.recv(&rx));
        for n in 0..capacity as u64 {
            let operation = match n % 3 {
                0 => select.select(),
                1 => select.try_select().unwrap(),
                _ => select.select_timeout(MOMENT).unwrap(),
            };
            assert_eq!(operation.index(), send);
            // Completed later, with others in between.
            assert!(rx.reading().depth <= capacity as u64);
            operation.send(&tx, n).unwrap();
            let (reading, seen) = (rx.reading(), entry(&registry, "q"));
            assert_eq!((reading.depth, seen.depth, reading.sent), (n + 1, n + 1, Some(n + 1)));
        }
        assert_eq!(tx.reading().level, Level::Elevated);
        assert_eq!(select.try_ready(), Ok(recv), "full");
        select.remove(send);
        for n in 0..capacity as u64 {
            assert_eq!((select.ready(), select.ready_timeout(MOMENT)), (recv, Ok(recv)));
            let operation = select.select_deadline(Instant::now() + MOMENT).unwrap();
            assert_eq!((operation.index(), operation.recv(&rx)), (recv, Ok(n)));
            assert_eq!(tx.reading().received, Some(n + 1));
        }
        select.remove(recv);
        assert!(select.try_select().is_err() && select.select_timeout(MOMENT).is_err());
        assert_eq!(select.ready_deadline(Instant::now()).ok(), None);
        select.remove(never);
        let (reading, seen) = (rx.reading(), entry(&registry, "q"));
        assert_eq!((reading.depth, seen.level), (0, Level::Normal));
        assert_eq!(reading.sent, reading.received);
        assert_eq!(seen.high_water, capacity as u64);
    }
    // Of the last one. The small ones are raised as well if they stay full for long: on a busy machine.
    let kinds = events.kinds();
    assert!(kinds.ends_with(&[EventKind::Raised, EventKind::Cleared]), "{kinds:?}");
}

/// What goes in or out through a `select!` pays no credit: that of other handles still fits.
#[test]
fn gauge_4_a_select_leaves_no_handle_more_credit_than_there_is_room() {
    let registry = Registry::new();
    let level = || registry.snapshot().entries()[0].level;
    let edges = Arc::new(Mutex::new(Vec::new()));
    let noted = edges.clone();
    let _subscription =
        registry.subscribe(move |event| noted.lock().unwrap().push(event.pressure().depth));
    let limit = Limit::queue("selected").pressure(PressureRule::IMMEDIATE);
    let (tx, rx) = crossbeam::bounded::<u32>(&registry, limit, 100).unwrap();
    let (other_tx, other_rx) = (tx.clone(), rx.clone());

    // Up to the largest depth that is of no interest, and down: from here on there is credit.
    (0..79).for_each(|n| tx.send(n).unwrap());
    for _ in 0..79 {
        rx.recv().unwrap();
    }
    tx.send(0).unwrap();
    for n in 0..78 {
        crossbeam_channel::select! {
            send(other_tx.watched(), n) -> sent => sent.unwrap(),
        }
    }
    assert!(edges.lock().unwrap().is_empty());
    tx.send(0).unwrap();
    assert_eq!(*edges.lock().unwrap(), [80]);

    rx.recv().unwrap();
    for _ in 0..28 {
        crossbeam_channel::select! {
            recv(other_rx.watched()) -> item => assert!(item.is_ok()),
        }
    }
    assert_eq!(edges.lock().unwrap().len(), 1);
    rx.recv().unwrap();
    assert_eq!(*edges.lock().unwrap(), [80, 50]);
    assert_eq!(level(), Level::Normal);
}
