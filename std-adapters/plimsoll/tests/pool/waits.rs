//! POOL-6: who waits, for what, and until when.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use plimsoll::keepalive::FakeClock;
use plimsoll::pool::{BuildFailure, CheckoutError, Isolation, Pool, Stage};

use super::support::{Fate, Maker, answer, is_waiting, stand};

#[test]
fn pool_6_in_the_order_of_arrival() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    let mut line: Vec<_> = (0..4).map(|_| stand.pool.checkout(&acme)).collect();
    line.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
    held.complete();
    for index in 0..4 {
        assert!(stand.pool.try_checkout(&acme).is_err(), "nobody pushes in");
        let lease = answer(&mut line[index]).unwrap();
        line[index + 1..].iter_mut().for_each(|later| assert!(is_waiting(later)));
        lease.complete();
    }
    assert_eq!(stand.world.made(), 1, "nothing was built for who could wait");
}

#[test]
fn pool_6_a_waiter_for_a_build_takes_what_comes_back() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::Shared));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    assert_eq!(stand.pool.counts().building, 1, "its build is under way");
    held.complete();
    let lease = answer(&mut waits).unwrap();
    assert_eq!(lease.id, 0);
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 1, "the build was not for nothing");
    lease.complete();
}

#[test]
fn pool_6_a_cancelled_waiter_loses_no_permit() {
    let stand = stand(|builder| {
        builder.max(1).isolation(Isolation::Shared).per_principal_cap(1).per_principal_waiting(9)
    });
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    // Before the first poll, in line, and granted but not told.
    drop(stand.pool.checkout(&acme));
    let held = stand.pool.try_checkout(&acme).unwrap();
    let mut in_line = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut in_line));
    let (mut granted, mut last) = (stand.pool.checkout(&acme), stand.pool.checkout(&acme));
    assert!(is_waiting(&mut granted) && is_waiting(&mut last));
    drop(in_line);
    held.complete();
    assert_eq!(stand.pool.counts().leased, 1, "granted, and not told");
    drop(granted);
    let lease = answer(&mut last).unwrap();
    assert_eq!((lease.id, lease.uses(), acme.in_use()), (0, 2, 1));
    lease.complete();
    assert_eq!((acme.in_use(), stand.pool.stats().waiting, stand.pool.counts().idle), (0, 0, 1));
}

#[test]
fn pool_6_what_was_granted_to_a_waiter_that_goes_is_the_next_ones_at_once() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    stand.fill(1);
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    let held = stand.pool.try_checkout(&acme).unwrap();
    let (mut granted, mut next) = (stand.pool.checkout(&acme), stand.pool.checkout(&other));
    assert!(is_waiting(&mut granted) && is_waiting(&mut next));
    held.complete();
    assert!(is_waiting(&mut next));
    drop(granted);
    // Nobody has stepped.
    answer(&mut next).unwrap().complete();
}

#[test]
fn a_task_whose_timeout_is_shorter_than_a_tick_has_it_kept() {
    let builder =
        Pool::builder(Maker::default()).wait_for_own_leases().max(1).isolation(Isolation::Shared);
    let builder = builder.tick(Duration::from_secs(3600)).wait_timeout(Duration::from_millis(30));
    let pool = builder.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let _held = pool.checkout_blocking_for(&acme, Duration::from_secs(20)).unwrap();
    // The timekeeper sleeps by now, for an hour.
    thread::sleep(Duration::from_millis(30));
    let mut waits = pool.checkout(&acme);
    let began = Instant::now();
    while is_waiting(&mut waits) {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody keeps its time");
        thread::yield_now();
    }
    assert_eq!(pool.stats().timeouts.total(), 1);
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// One comes as the other gives back, and no tick comes to their help. On a loaded machine each round waits
/// for a turn of the scheduler: there are as many as a time has room for.
#[test]
fn pool_6_of_a_release_and_a_wait_that_meet_one_sees_the_other() {
    const ROUNDS: usize = 20_000;
    const TIME: Duration = Duration::from_secs(15);
    const OVER: usize = usize::MAX;
    let builder =
        Pool::builder(Maker::default()).wait_for_own_leases().max(1).isolation(Isolation::Shared);
    let pool = builder.tick(Duration::from_secs(3600)).build().unwrap();
    let (acme, other) = (pool.principal("acme").unwrap(), pool.principal("other").unwrap());
    let (begun, served) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let linger = |turns| (0..turns).for_each(|_| std::hint::spin_loop());
    let waiter = {
        let (pool, begun, served) = (pool.clone(), begun.clone(), served.clone());
        move || {
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            for round in 1.. {
                while begun.load(Ordering::SeqCst) < round {
                    thread::yield_now();
                }
                if begun.load(Ordering::SeqCst) == OVER {
                    return;
                }
                let mut checkout = pool.checkout(&other);
                loop {
                    match Pin::new(&mut checkout).poll(&mut Context::from_waker(&waker)) {
                        Poll::Ready(lease) => break lease.unwrap().complete(),
                        Poll::Pending => thread::park(),
                    }
                }
                served.store(round, Ordering::SeqCst);
            }
        }
    };
    let waiter = thread::spawn(waiter);
    let start = Instant::now();
    for round in (1..=ROUNDS).take_while(|_| start.elapsed() < TIME) {
        let lease = pool.checkout_blocking(&acme).unwrap();
        begun.store(round, Ordering::SeqCst);
        linger(round % 499);
        lease.complete();
        let began = Instant::now();
        while served.load(Ordering::SeqCst) < round {
            assert!(began.elapsed() < Duration::from_secs(20), "round {round}: nobody wakes it");
            thread::yield_now();
        }
    }
    begun.store(OVER, Ordering::SeqCst);
    waiter.join().unwrap();
}

#[test]
fn pool_6_a_cancelled_checkout_leaves_its_build_to_others() {
    let stand = stand(|builder| builder.max(1));
    let acme = stand.pool.principal("acme").unwrap();
    let mut first = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut first));
    drop(first);
    let mut second = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut second));
    stand.settle();
    assert_eq!((answer(&mut second).unwrap().id, stand.world.made()), (0, 1));
}

#[test]
fn pool_6_a_failed_build_is_told_to_whom_it_was_for() {
    let stand = stand(|builder| builder.max(2));
    let acme = stand.pool.principal("acme").unwrap();
    stand.world.fate([Fate::Fails, Fate::Panics, Fate::Made]);
    let mut line: Vec<_> = (0..3).map(|_| stand.pool.checkout(&acme)).collect();
    line.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
    stand.settle();
    let error = answer(&mut line[0]).unwrap_err();
    assert!(matches!(error, CheckoutError::BuildFailed { cause: BuildFailure::Manager(_) }));
    let error = answer(&mut line[1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no instance could be built: the manager panicked: the build panics"
    );
    assert!(answer(&mut line[2]).is_ok(), "who had no build yet got the next one");
    assert_eq!((stand.pool.stats().build_failures, stand.pool.stats().panics), (2, 1));
}

#[test]
fn pool_6_a_build_that_fails_for_nobody_is_followed_by_another() {
    let stand = stand(|builder| builder.max(1));
    let acme = stand.pool.principal("acme").unwrap();
    stand.world.fate([Fate::Fails]);
    let mut gone = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut gone));
    let mut stays = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut stays));
    drop(gone);
    // The free build is for the one that is left: it gets the failure, and the next checkout succeeds.
    stand.settle();
    assert!(matches!(answer(&mut stays), Err(CheckoutError::BuildFailed { .. })));
    let mut next = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut next));
    stand.settle();
    assert!(answer(&mut next).is_ok());
}

#[test]
fn timeouts_tell_their_stage() {
    let timeout = Duration::from_millis(100);
    let stand = stand(|builder| builder.max(1).wait_timeout(timeout));
    let acme = stand.pool.principal("acme").unwrap();
    let (mut builds, mut waits) = (stand.pool.checkout(&acme), stand.pool.checkout(&acme));
    assert!(is_waiting(&mut builds) && is_waiting(&mut waits));
    stand.clock.advance(Duration::from_millis(99));
    // A step would build as well: time alone.
    assert!(is_waiting(&mut builds) && is_waiting(&mut waits));
    stand.clock.advance(Duration::from_millis(1));
    stand.pool.step();
    let stage = |error| match error {
        CheckoutError::TimedOut { stage, after } if after == timeout => stage,
        other => panic!("{other}"),
    };
    assert_eq!(stage(answer(&mut builds).unwrap_err()), Stage::Build);
    assert_eq!(stage(answer(&mut waits).unwrap_err()), Stage::Wait);
    let stats = stand.pool.stats();
    assert_eq!((stats.timeouts.total(), stats.waiting, stats.wait.count()), (2, 0, 2));
    assert!(stats.wait.quantile(1.0).unwrap() >= timeout && stats.blocked >= timeout);
    let error = CheckoutError::TimedOut { stage: Stage::Wait, after: timeout };
    assert_eq!(error.to_string(), "timed out after 100ms of waiting for an instance");
}

#[test]
fn a_blocked_thread_is_woken_or_times_out() {
    let pool = Pool::builder(Maker::default())
        .wait_for_own_leases()
        .max(1)
        .isolation(Isolation::Shared)
        .build()
        .unwrap();
    let acme = pool.principal("acme").unwrap();
    let held = pool.checkout_blocking(&acme).unwrap();
    let begun = Instant::now();
    let error = pool.checkout_blocking_for(&acme, Duration::from_millis(20)).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { stage: Stage::Wait, .. }));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.checkout_blocking(&acme).map(|lease| lease.complete()));
        while pool.stats().waiting == 0 {
            thread::yield_now();
        }
        held.complete();
        assert!(waits.join().unwrap().is_ok());
    });
}

#[test]
fn a_build_that_hangs_is_cancelled() {
    let maker = Maker::default();
    maker.0.fate([Fate::Hangs]);
    // By a clock that is advanced for the one that hangs, so that the next one has all the time it needs.
    let clock = FakeClock::default();
    let pool = Pool::builder(maker.clone()).wait_for_own_leases().max(1).warm(0);
    let pool = pool.clock(clock.clone()).build_timeout(Duration::from_millis(20)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let error = thread::scope(|scope| {
        let waits = scope.spawn(|| pool.checkout_blocking(&acme).map(drop));
        while !maker.0.fates.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        while !waits.is_finished() {
            clock.advance(Duration::from_millis(1));
            thread::sleep(Duration::from_millis(1));
        }
        waits.join().unwrap().unwrap_err()
    });
    assert_eq!(error.to_string(), "timed out after 20ms of building an instance");
    let lease = pool.checkout_blocking(&acme).unwrap();
    assert_eq!(lease.id, 0, "and the capacity is there again");
    lease.complete();
}

#[test]
fn threads_keep_the_time_of_tasks_too() {
    let maker = Maker::default();
    maker.0.fate([Fate::Hangs]);
    let pool = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(1)
        .warm(0)
        .tick(Duration::from_secs(600));
    let pool =
        pool.wait_timeout(Duration::from_millis(20)).build_timeout(Duration::from_millis(50));
    let pool = pool.build().unwrap();
    let acme = pool.principal("acme").unwrap();
    let mut checkout = pool.checkout(&acme);
    let begun = Instant::now();
    while is_waiting(&mut checkout) {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody keeps the time");
        thread::sleep(Duration::from_millis(1));
        // The poll that finds the answer takes it.
        if pool.stats().timeouts.total() > 0 {
            break;
        }
    }
    let error = answer(&mut checkout).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { stage: Stage::Build, .. }));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    drop(checkout);
    drop(pool);
    assert_eq!(maker.0.live.load(Ordering::SeqCst), 0);
}
