//! What hostile or unlucky use does to pressures: the longest times, clocks that jump, callbacks that come back,
//! limits that leave and return.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use plimsoll::pressure::{HasLevel, Pressure, UntilState};
use plimsoll::{Delivery, Level, Limit, Registry, Watermarks};

use super::common::entry;
use super::{PATIENCE, Woken, poll};

fn marks() -> Watermarks {
    Watermarks::counts(10, 8, 5)
}

#[test]
fn press_3_the_longest_times_are_times_like_others() {
    for delivery in [Delivery::Inline, Delivery::Deferred { capacity: 8 }] {
        let registry = Registry::builder().delivery(delivery).build().unwrap();
        let gauge = registry.gauge("jobs", marks()).unwrap();
        let of = || Pressure::builder(&registry).when(&gauge);
        let held = of().held_for(Duration::MAX).look_every(Duration::MAX).build().unwrap();
        let share = of().share(100, Duration::MAX).build().unwrap();
        let quick = of().held_for(Duration::from_millis(1)).build().unwrap();
        gauge.add(9);
        thread::sleep(Duration::from_millis(5));
        registry.deliver();
        assert!(quick.on_timeout(PATIENCE), "the timer goes on");
        assert!(!held.is_on() && !share.is_on());
        assert!(!held.on_timeout(Duration::from_millis(1)));
    }
}

#[cfg(feature = "keepalive")]
#[test]
fn press_3_a_clock_that_jumps_ends_no_hold_early_and_none_for_ever() {
    #[derive(Clone, Default)]
    struct Jumps(Arc<Mutex<Duration>>);
    impl plimsoll::keepalive::Clock for Jumps {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }
    let (registry, clock) = (Registry::new(), Jumps::default());
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let hold = Duration::from_secs(10);
    let builder = Pressure::builder(&registry).when(&gauge).held_for(hold);
    let pressure = builder.clock(clock.clone()).build().unwrap();
    let at = |secs: u64| {
        *clock.0.lock().unwrap() = Duration::from_secs(secs);
        registry.deliver();
        pressure.is_on()
    };
    assert!(!at(100));
    gauge.add(9);
    assert!(!at(109));
    assert!(!at(0), "back");
    assert!(!at(50));
    assert!(at(110));
    gauge.sub(9);
    assert!(at(119));
    assert!(at(1));
    assert!(!at(u64::MAX / 1_000));
    gauge.add(9);
    assert!(!at(200), "no time has passed");
}

/// The clock of a pressure drops its last handle while an edge asks it, and panics when it is dropped itself.
#[cfg(feature = "keepalive")]
#[test]
fn press_5_a_clock_that_panics_when_it_is_dropped_spares_the_thread_that_makes_an_edge() {
    struct Last(Arc<Mutex<Option<Pressure>>>);
    impl plimsoll::keepalive::Clock for Last {
        fn now(&self) -> Duration {
            let last = self.0.lock().unwrap().take();
            drop(last);
            Duration::ZERO
        }
    }
    impl Drop for Last {
        fn drop(&mut self) {
            panic!("a clock that panics");
        }
    }
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let slot = Arc::new(Mutex::new(None));
    let builder = Pressure::builder(&registry).when(&gauge).clock(Last(slot.clone()));
    *slot.lock().unwrap() = Some(builder.build().unwrap());
    gauge.add(9);
    assert!(slot.lock().unwrap().is_none(), "it was asked");
    assert_eq!((gauge.depth(), Arc::strong_count(&slot)), (9, 1));
}

#[test]
fn press_1_a_limit_that_comes_back_is_another_one() {
    let registry = Registry::new();
    let first = registry.gauge("jobs", marks()).unwrap();
    let pressure = Pressure::builder(&registry).when(&first).build().unwrap();
    first.add(9);
    let listed = first.listed();
    let mut off = pin!(pressure.off());
    let woken = Arc::<Woken>::default();
    assert!(poll(off.as_mut(), &woken.clone().into()).is_pending());
    drop(first);
    assert_eq!((woken.count(), pressure.is_on(), listed.level()), (1, false, Level::Normal));
    let second = registry.gauge("jobs", marks()).unwrap();
    second.add(9);
    assert_eq!((pressure.is_on(), listed.room()), (false, None));
    let of_gone = Pressure::builder(&registry).when(&listed).when(&second).all().build().unwrap();
    assert!(!of_gone.is_on() && of_gone.scaled() == 0.0);
    assert_eq!(poll(pin!(listed.below(Level::Elevated).unwrap()), Waker::noop()), Poll::Ready(()));
}

/// Drops a pressure and its wait when it is woken.
#[derive(Default)]
struct DropsAll {
    place: Mutex<Option<(Pressure, Pin<Box<UntilState>>)>>,
    woken: AtomicUsize,
}

impl Wake for DropsAll {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        let place = self.place.lock().unwrap().take();
        drop(place);
    }
}

#[test]
fn press_5_a_waker_may_drop_the_pressure_that_wakes_it() {
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let inner = Pressure::builder(&registry).when(&gauge).build().unwrap();
    let limit = Limit::resource("overload");
    let builder = Pressure::builder(&registry).when(&inner).when(&gauge).listed(limit);
    let pressure = builder.build().unwrap();
    drop(inner);
    let drops = Arc::<DropsAll>::default();
    let mut on = Box::pin(pressure.on());
    let waker = Waker::from(drops.clone());
    assert!(on.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    *drops.place.lock().unwrap() = Some((pressure, on));
    let entries = || registry.snapshot().entries().len();
    assert_eq!(entries(), 2);
    gauge.add(9);
    assert_eq!((drops.woken.load(Ordering::SeqCst), entries()), (1, 1));
}

#[test]
fn press_2_a_stream_that_goes_from_task_to_task_wakes_the_last() {
    let (switch, pressure) = Pressure::manual();
    let mut changes = Box::pin(pressure.changes());
    let [first, second] = [(); 2].map(|()| Arc::<Woken>::default());
    let mut next = |woken: &Arc<Woken>| {
        let waker = Waker::from(woken.clone());
        changes.as_mut().poll_next(&mut Context::from_waker(&waker))
    };
    assert!(next(&first).is_pending() && next(&second).is_pending());
    switch.set(true);
    assert_eq!((first.count(), second.count()), (0, 1));
    let Poll::Ready(Some(state)) = next(&first) else { panic!("a change was lost") };
    assert_eq!((state.is_on, state.sequence), (true, 1));
    assert!(next(&first).is_pending());
    switch.set(false);
    assert_eq!((first.count(), second.count()), (1, 1));
}

#[test]
fn press_1_a_waker_that_turns_it_back_leaves_all_in_agreement() {
    struct TurnsBack(plimsoll::TrackedGauge);
    impl Wake for TurnsBack {
        fn wake(self: Arc<Self>) {
            self.0.sub(9);
        }
    }
    let registry = Registry::new();
    let gauge = registry.gauge("jobs", marks()).unwrap();
    let inner = Pressure::builder(&registry).when(&gauge).build().unwrap();
    let outer = Pressure::builder(&registry).when(&inner).listed("overload").build().unwrap();
    let mut on = pin!(inner.on());
    let waker = Waker::from(Arc::new(TurnsBack(gauge.clone())));
    assert!(poll(on.as_mut(), &waker).is_pending());
    gauge.add(9);
    assert_eq!((gauge.depth(), inner.is_on(), outer.is_on()), (0, false, false));
    assert_eq!((inner.state().sequence, outer.state().sequence), (2, 2));
    assert!(poll(on.as_mut(), &waker).is_ready(), "it was on");
    assert_eq!(entry(&registry, "overload").depth, 0);
}

#[cfg(feature = "budget")]
#[test]
fn press_1_budgets_in_a_storm_and_the_pressures_on_them_agree_at_the_end() {
    use std::sync::atomic::AtomicBool;

    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
    let guests = [1, 2].map(|number| {
        host.child(Limit::memory("guest_bytes").scope(format!("{number}")), 600).unwrap()
    });
    let all = [&host, &guests[0], &guests[1]];
    let listed = all.map(|budget| budget.listed().unwrap());
    let build = |at: usize| Pressure::builder(&registry).when(&listed[at]).build().unwrap();
    let pressures = [0, 1, 2].map(build);
    let any = pressures.iter().fold(Pressure::builder(&registry), |builder, one| builder.when(one));
    let any = any.build().unwrap();
    for round in 0..20 {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|thread| {
                    let guest = &guests[thread % 2];
                    scope.spawn(move || {
                        let mut kept = None;
                        for step in 0..300_u64 {
                            let amount = 1 + (step * 37 + thread as u64 * 101 + round) % 250;
                            kept =
                                guest.try_reserve(amount).ok().or(kept.filter(|_| step % 3 != 0));
                        }
                        kept
                    })
                })
                .collect();
            // Pressures come and go meanwhile, and capacities too.
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    (0..3).for_each(|at| drop(build(at)));
                    guests[0].resize(300 + round * 10).unwrap();
                    guests[0].resize(600).unwrap();
                    drop(registry.snapshot());
                }
            });
            let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            is_over.store(true, Ordering::Relaxed);
            kept
        })
        .into_iter()
        .for_each(drop);
        for at in 0..3 {
            assert_eq!((all[at].usage(), all[at].level()), (0, Level::Normal));
            assert_eq!((listed[at].level(), pressures[at].is_on()), (Level::Normal, false));
        }
        assert!(!any.is_on());
        let held = guests[0].try_reserve(600).unwrap();
        assert!(pressures[1].is_on() && !pressures[2].is_on() && any.is_on());
        drop(held);
        assert!(!any.is_on());
    }
}

#[cfg(feature = "keepalive")]
#[test]
fn press_1_silent_guests_end_with_their_watcher() {
    use plimsoll::keepalive::{FakeClock, Watch, Watcher};

    for guests_first in [true, false] {
        let (registry, clock) = (Registry::new(), FakeClock::default());
        let watcher = Watcher::builder().clock(clock.clone()).build(&registry).unwrap();
        let watch = Watch::new("guest", "1").window(Duration::from_millis(100)).rearming();
        let guest = watcher.watch(watch).unwrap();
        let pressure = Pressure::builder(&registry).when(watcher.silent(1)).build().unwrap();
        for _ in 0..100 {
            let _ = watcher.step();
            clock.advance(Duration::from_millis(5));
        }
        assert!(pressure.is_on());
        let mut off = pin!(pressure.off());
        assert!(poll(off.as_mut(), Waker::noop()).is_pending());
        if guests_first {
            drop(guest);
            drop(watcher);
        } else {
            drop(watcher);
            drop(guest);
        }
        assert!(registry.snapshot().entries().is_empty(), "a pressure keeps no limit");
        assert!(!pressure.is_on() && pressure.scaled() == 0.0);
        assert!(poll(off.as_mut(), Waker::noop()).is_ready());
    }
}
