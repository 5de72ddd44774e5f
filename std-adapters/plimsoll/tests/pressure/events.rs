//! Events as a stream: in order, bounded, with a stated loss and an end.

use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use plimsoll::pressure::{EventStream, EventsLost};
use plimsoll::{Event, Limit, PressureRule, Registry, TrackedGauge, Watermarks};

use crate::{Panics, Woken};

fn gauge(registry: &Registry) -> TrackedGauge {
    let limit = Limit::queue("jobs").pressure(PressureRule::IMMEDIATE);
    registry.gauge(limit, Watermarks::new(10)).unwrap()
}

type Next = Poll<Option<Result<Event, EventsLost>>>;

fn next(stream: Pin<&mut EventStream>, waker: &Waker) -> Next {
    stream.poll_next(&mut Context::from_waker(waker))
}

fn sequence(next: Next) -> u64 {
    match next {
        Poll::Ready(Some(Ok(Event::Pressure(event)))) => event.sequence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn press_6_events_come_in_order_and_wake_their_reader() {
    let registry = Registry::new();
    let gauge = gauge(&registry);
    let mut events = pin!(registry.events());
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    assert!(next(events.as_mut(), &waker).is_pending());
    gauge.add(9);
    gauge.sub(9);
    assert_eq!(woken.count(), 1, "one wait, one wake-up");
    assert_eq!([(); 2].map(|()| sequence(next(events.as_mut(), &waker))), [1, 2]);
    assert!(next(events.as_mut(), &waker).is_pending());
}

#[test]
fn press_6_who_reads_too_late_is_told_how_many_are_lost_in_their_place() {
    let registry = Registry::new();
    let gauge = gauge(&registry);
    let mut events = pin!(registry.events_bounded(NonZeroUsize::new(3).unwrap()));
    for _ in 0..5 {
        gauge.add(9);
        gauge.sub(9);
    }
    let waker = Waker::noop();
    let Poll::Ready(Some(Err(lost))) = next(events.as_mut(), waker) else { panic!() };
    assert_eq!((lost.count, lost.to_string().contains("7 events")), (7, true));
    assert_eq!([(); 3].map(|()| sequence(next(events.as_mut(), waker))), [8, 9, 10]);
    assert!(next(events.as_mut(), waker).is_pending());
}

#[test]
fn it_ends_with_its_registry_after_what_is_kept() {
    let registry = Registry::new();
    let gauge = gauge(&registry);
    let mut events = pin!(registry.events());
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    assert!(next(events.as_mut(), &waker).is_pending());
    gauge.add(9);
    drop(gauge);
    drop(registry);
    assert_eq!(sequence(next(events.as_mut(), &waker)), 1);
    let Poll::Ready(Some(Ok(end))) = next(events.as_mut(), &waker) else { panic!() };
    assert!(end.to_string().contains("the limit is gone"), "{end}");
    assert!(matches!(next(events.as_mut(), &waker), Poll::Ready(None)));
}

#[test]
fn the_end_wakes_a_reader_that_waits() {
    let registry = Registry::new();
    let mut events = pin!(registry.events());
    let woken = Arc::new(Woken::default());
    assert!(next(events.as_mut(), &woken.clone().into()).is_pending());
    drop(registry);
    assert_eq!(woken.count(), 1);
    assert!(matches!(next(events.as_mut(), Waker::noop()), Poll::Ready(None)));
}

#[test]
fn press_5_a_stream_that_is_dropped_is_no_subscriber_and_a_panicking_reader_harms_nobody() {
    let registry = Registry::new();
    let gauge = gauge(&registry);
    {
        let mut events = pin!(registry.events());
        assert!(next(events.as_mut(), &Arc::new(Panics).into()).is_pending());
        gauge.add(9);
        assert_eq!((registry.stats().delivered, registry.stats().panicked), (1, 0));
        assert_eq!(sequence(next(events.as_mut(), Waker::noop())), 1);
    }
    gauge.sub(9);
    assert_eq!(gauge.depth(), 0);
}
