//! Uses of channels and registry that nobody intends, and that have once gone wrong.

mod common;

use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use plimsoll::{Registry, Subscription, TrackedGauge, Watermarks};

#[cfg(feature = "tokio")]
mod tokio_channel {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use plimsoll::channel::tokio;
    use plimsoll::{EventKind, Limit, PressureRule};

    use super::*;

    type Kinds = Arc<Mutex<Vec<EventKind>>>;

    fn kinds_of(registry: &Registry) -> Kinds {
        let kinds = Kinds::default();
        let seen = kinds.clone();
        registry.subscribe(move |event| seen.lock().unwrap().push(event.kind())).detach();
        kinds
    }

    fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A batch used to count as one receive where credit is spent.
    #[test]
    fn gauge_4_a_batch_that_passes_the_low_watermark_clears() {
        let registry = Registry::new();
        let kinds = kinds_of(&registry);
        let limit = Limit::queue("batches").pressure(PressureRule::IMMEDIATE);
        let (tx, mut rx) = tokio::channel::<u32>(&registry, limit, 100).unwrap();
        for round in 1..=3 {
            (0..100).for_each(|n| tx.try_send(n).unwrap());
            // The first receive while raised takes credit.
            assert_eq!(rx.try_recv(), Ok(0));
            let mut items = Vec::new();
            assert_eq!(poll_once(rx.recv_many(&mut items, 48)), Poll::Ready(48));
            assert_eq!(kinds.lock().unwrap().len(), 2 * round - 1, "51 of 100 is above 50");
            assert_eq!(poll_once(rx.recv_many(&mut items, 1_000)), Poll::Ready(51));
            assert_eq!(kinds.lock().unwrap().len(), 2 * round, "empty");
        }
    }

    /// A slot that a receive hands to a waiter is not free and holds no item.
    #[test]
    fn gauge_4_cancelled_sends_leave_no_level_behind() {
        let registry = Registry::new();
        let kinds = kinds_of(&registry);
        let (tx, mut rx) = tokio::channel::<u32>(&registry, "cancelled", 4).unwrap();
        (0..4).for_each(|n| tx.try_send(n).unwrap());
        let mut sends: Vec<_> = (0..4).map(|n| Box::pin(tx.send(n))).collect();
        for send in &mut sends {
            assert!(poll_once(send.as_mut()).is_pending());
        }
        (0..4).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
        drop(sends);
        assert_eq!(*kinds.lock().unwrap(), [EventKind::Raised, EventKind::Cleared]);
        assert_eq!(tx.capacity(), 4);
    }

    /// So it is with the slots that a `reserve_many` has gathered while it waits for the last one.
    #[test]
    fn gauge_5_slots_that_a_waiting_party_gathers_are_no_items() {
        let registry = Registry::new();
        let kinds = kinds_of(&registry);
        let (tx, _rx) = tokio::channel::<u32>(&registry, "gathered", 10).unwrap();
        let permit = tx.try_reserve().unwrap();
        let mut reserve = Box::pin(tx.reserve_many(10));
        assert!(poll_once(reserve.as_mut()).is_pending());
        permit.send(1);
        drop(reserve);
        let snapshot = registry.snapshot();
        assert_eq!((snapshot.entries()[0].depth, snapshot.entries()[0].high_water), (1, 1));
        assert!(kinds.lock().unwrap().is_empty());
    }

    #[test]
    fn chan_1_batches_of_an_unbounded_channel_are_as_upstream() {
        let registry = Registry::new();
        let (tx, mut rx) = tokio::unbounded_channel::<u32>(&registry, "stream").unwrap();
        (0..200).for_each(|n| tx.send(n).unwrap());
        let mut items = Vec::new();
        assert_eq!(poll_once(rx.recv_many(&mut items, 130)), Poll::Ready(130));
        assert_eq!(rx.blocking_recv_many(&mut items, 1_000), 70);
        assert_eq!(items, (0..200).collect::<Vec<_>>());
        assert_eq!(poll_once(rx.recv_many(&mut items, 0)), Poll::Ready(0));
        assert!(poll_once(rx.recv_many(&mut items, 1)).is_pending());
        drop(tx);
        assert_eq!(poll_once(rx.recv_many(&mut items, 1)), Poll::Ready(0));
        assert_eq!(registry.snapshot().entries()[0].depth, 0);
    }
}

/// Channels come and go, and with the last one the thread that notes their totals.
#[cfg(all(target_os = "linux", feature = "std-channel"))]
#[test]
fn chan_5_the_thread_that_notes_totals_ends_with_the_last_channel() {
    use std::fs;

    use plimsoll::{Limit, channel::mpsc};

    let is_noting = |task: &fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm"));
        name.is_ok_and(|name| name.trim_end() == "plimsoll-totals")
    };
    let noting = || fs::read_dir("/proc/self/task").unwrap().flatten().filter(is_noting).count();
    let registry = Registry::new();
    for _ in 0..3 {
        let channel =
            |_| mpsc::sync_channel::<u8>(&registry, Limit::queue("q").flow_totals(), 4).unwrap();
        let mut channels: Vec<_> = (0..20).map(channel).collect();
        common::until(|| noting() == 1);
        channels.truncate(1);
        let registry = Registry::new();
        channels.push(mpsc::sync_channel(&registry, Limit::queue("q").flow_totals(), 4).unwrap());
        assert_eq!(noting(), 1, "one for all registries");
        drop((registry, channels));
        common::until(|| noting() == 0);
    }
}

/// A captured value that panics when dropped used to unwind through the operation that delivered.
#[test]
fn reg_3_a_panic_in_what_a_callback_owns_is_contained() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let registry = Registry::new();
    let slot: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (own, bomb) = (slot.clone(), Bomb);
    *slot.lock().unwrap() = Some(registry.subscribe(move |_| {
        let _bomb = &bomb;
        own.lock().unwrap().take();
    }));
    let gauge = registry.gauge("gauge", Watermarks::counts(4, 2, 1)).unwrap();
    gauge.add(2);
    gauge.sub(1);
    assert_eq!(registry.stats().delivered, 2);
}

#[test]
fn reg_3_a_subscriber_that_panics_while_unwinding_is_contained() {
    let registry = Registry::new();
    registry.subscribe(|_| panic!("subscriber")).detach();
    let gauge = registry.gauge("gauge", Watermarks::counts(4, 2, 1)).unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _permit = gauge.permit(3);
        panic!("user");
    }));
    assert!(unwound.is_err());
    assert_eq!((gauge.depth(), registry.stats().panicked), (0, 2));
}

#[test]
fn an_event_is_one_line_whatever_its_detail() {
    let registry = Registry::new();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = lines.clone();
    registry.subscribe(move |event| seen.lock().unwrap().push(event.to_string())).detach();
    registry
        .warn_exhausted("fuel", None, None, "guest said:\nall is \u{1b}[2Jwell\u{2028}é")
        .unwrap();
    let line = lines.lock().unwrap().pop().unwrap();
    assert_eq!(line, r"queue fuel exhausted: 0, guest said:\nall is \u{1b}[2Jwell\u{2028}é");
}

/// Where upstream's handles may be used in `catch_unwind`, so may the tracked ones.
#[test]
fn chan_1_handles_are_unwind_safe_as_upstream() {
    fn safe<T: UnwindSafe + RefUnwindSafe>() {}
    safe::<Registry>();
    safe::<TrackedGauge>();
    safe::<plimsoll::RecordedGauge>();
    safe::<plimsoll::TrackedPermit>();
    safe::<Subscription>();
    #[cfg(feature = "crossbeam")]
    {
        use plimsoll::channel::crossbeam::{Receiver, Sender};
        safe::<(Sender<std::cell::Cell<u8>>, Receiver<std::cell::Cell<u8>>)>();
    }
    #[cfg(feature = "std-channel")]
    {
        use plimsoll::channel::mpsc::{Receiver, SyncSender};
        safe::<(SyncSender<std::cell::Cell<u8>>, Receiver<std::cell::Cell<u8>>)>();
    }
    #[cfg(feature = "tokio")]
    {
        use plimsoll::channel::tokio::*;
        safe::<(Sender<std::cell::Cell<u8>>, Receiver<std::cell::Cell<u8>>)>();
        safe::<(UnboundedSender<std::cell::Cell<u8>>, UnboundedReceiver<std::cell::Cell<u8>>)>();
        safe::<(WeakSender<u8>, WeakUnboundedSender<u8>, OwnedPermit<std::cell::Cell<u8>>)>();
        safe::<(Permit<'_, std::cell::Cell<u8>>, PermitIterator<'_, std::cell::Cell<u8>>)>();
    }
}
