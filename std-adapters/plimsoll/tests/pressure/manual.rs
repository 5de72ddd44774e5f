//! Pressures that a switch turns on and off.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use plimsoll::pressure::Pressure;

use crate::{PATIENCE, Panics, Woken, poll};

#[test]
fn a_switch_turns_it_on_and_off() {
    let (switch, pressure) = Pressure::manual();
    assert_eq!((pressure.is_on(), pressure.scaled()), (false, 0.0));
    assert!(!switch.set(false) && switch.set(true) && !switch.set(true));
    assert_eq!((pressure.is_on(), pressure.scaled()), (true, 1.0));
    assert!(switch.set(false));
    assert_eq!((pressure.state().is_on, pressure.state().sequence), (false, 2));
}

#[test]
fn press_4_scaled_is_never_a_nan_nor_beyond_0_to_1() {
    let (switch, pressure) = Pressure::manual();
    for (set, read) in [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0), (f64::NAN, 0.0)] {
        switch.set_scaled(set);
        assert_eq!(pressure.scaled(), read);
    }
    for set in [f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -0.0] {
        switch.set_scaled(set);
        assert!((0.0..=1.0).contains(&pressure.scaled()));
    }
}

#[test]
fn a_wait_ends_at_once_if_it_is_in_that_state_already() {
    let (switch, pressure) = Pressure::manual();
    pressure.off_blocking();
    switch.set(true);
    pressure.on_blocking();
    assert!(pressure.on_timeout(Duration::ZERO) && !pressure.off_timeout(Duration::ZERO));
}

#[test]
fn press_2_a_blocked_thread_is_woken_by_the_change() {
    let (switch, pressure) = Pressure::manual();
    let waiter = thread::spawn(move || pressure.on_timeout(PATIENCE));
    thread::sleep(Duration::from_millis(5));
    switch.set(true);
    assert!(waiter.join().unwrap());
}

#[test]
fn press_2_a_brief_change_ends_a_wait_too() {
    let (switch, pressure) = Pressure::manual();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut on = pin!(pressure.on());
    assert!(poll(on.as_mut(), &waker).is_pending());
    switch.set(true);
    switch.set(false);
    assert_eq!(woken.count(), 1);
    assert!(poll(on.as_mut(), &waker).is_ready() && !pressure.is_on());
}

#[test]
fn what_was_on_before_the_wait_began_does_not_end_it() {
    let (switch, pressure) = Pressure::manual();
    let mut on = pin!(pressure.on());
    switch.set(true);
    switch.set(false);
    assert!(poll(on.as_mut(), Waker::noop()).is_pending());
}

#[test]
fn press_2_a_cancelled_wait_wakes_nobody_and_takes_nothing_from_others() {
    let (switch, pressure) = Pressure::manual();
    let [gone, stays] = [(); 2].map(|()| Arc::new(Woken::default()));
    let mut other = pin!(pressure.on());
    {
        let mut cancelled = pin!(pressure.on());
        assert!(poll(cancelled.as_mut(), &gone.clone().into()).is_pending());
        assert!(poll(other.as_mut(), &stays.clone().into()).is_pending());
    }
    assert_eq!(Arc::strong_count(&gone), 1, "its waker is dropped");
    switch.set(true);
    assert_eq!([&gone, &stays].map(|woken| woken.count()), [0, 1]);
}

#[test]
fn press_5_a_waker_that_panics_harms_no_other_and_not_the_switch() {
    let (switch, pressure) = Pressure::manual();
    let (mut first, mut last) = (pin!(pressure.on()), pin!(pressure.on()));
    let woken = Arc::new(Woken::default());
    assert!(poll(first.as_mut(), &Arc::new(Panics).into()).is_pending());
    assert!(poll(last.as_mut(), &woken.clone().into()).is_pending());
    assert!(switch.set(true) && pressure.is_on());
    assert_eq!(woken.count(), 1);
}

#[test]
fn a_stream_of_changes_keeps_the_latest_and_tells_how_many_it_missed() {
    let (switch, pressure) = Pressure::manual();
    switch.set(true);
    let mut changes = pin!(pressure.changes());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    assert!(changes.as_mut().poll_next(context).is_pending(), "no change yet");
    switch.set(false);
    let Poll::Ready(Some(first)) = changes.as_mut().poll_next(context) else { panic!() };
    assert_eq!((first.is_on, first.sequence), (false, 2));
    assert!(changes.as_mut().poll_next(context).is_pending());
    [true, false, true].into_iter().for_each(|is_on| assert!(switch.set(is_on)));
    let Poll::Ready(Some(next)) = changes.as_mut().poll_next(context) else { panic!() };
    assert_eq!((next.is_on, next.sequence - first.sequence), (true, 3));
    assert!(changes.as_mut().poll_next(context).is_pending());
    assert_eq!(woken.count(), 2, "once for each wait");
}

#[test]
fn press_2_no_wake_up_is_lost_between_threads() {
    let (switch, pressure) = Pressure::manual();
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let pressure = pressure.clone();
            thread::spawn(move || {
                (0..2_000).all(|_| pressure.on_timeout(PATIENCE) && pressure.off_timeout(PATIENCE))
            })
        })
        .collect();
    while !waiters.iter().all(|waiter| waiter.is_finished()) {
        switch.set(!pressure.is_on());
    }
    assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
}

fn send_sync_static<T: Send + Sync + 'static>(_: &T) {}

#[test]
fn handles_can_go_anywhere() {
    let (switch, pressure) = Pressure::manual();
    send_sync_static(&switch);
    send_sync_static(&pressure);
    send_sync_static(&pressure.on());
    send_sync_static(&pressure.changes());
}
