//! POOL-8: warm instances, idle ones that go, and old ones.

use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{DiscardReason, Isolation, Lease, Pool, PoolCounts};

use super::support::{Fate, Maker, answer, poll, stand};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn pool_8_warm_instances_are_built_ahead_and_again() {
    let stand = stand(|builder| builder.max(4).warm(2));
    stand.settle();
    assert_eq!((stand.pool.counts().idle, stand.world.made()), (2, 2));
    let acme = stand.pool.principal("acme").unwrap();
    let (first, second) =
        (stand.pool.try_checkout(&acme).unwrap(), stand.pool.try_checkout(&acme).unwrap());
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 2, "while those are lent");
    let (third, fourth) =
        (stand.pool.try_checkout(&acme).unwrap(), stand.pool.try_checkout(&acme).unwrap());
    stand.settle();
    assert_eq!(stand.pool.counts().live(), 4, "and never more than the maximum");
    [first, second, third, fourth].into_iter().for_each(|lease| lease.complete());
    stand.settle();
    assert_eq!((stand.pool.counts().idle, stand.world.live()), (2, 2));
    assert_eq!(stand.pool.stats().discards(DiscardReason::SingleUse), 4);
}

#[test]
fn warm_builds_that_fail_are_not_tried_all_the_time() {
    let stand = stand(|builder| builder.max(2).warm(1));
    stand.world.fate([Fate::Fails; 100]);
    for _ in 0..100 {
        stand.clock.advance(Duration::from_millis(10));
        stand.pool.step();
    }
    let failures = stand.pool.stats().build_failures;
    assert!((3..=9).contains(&failures), "{failures} in a second");
    stand.world.fates.lock().unwrap().clear();
    stand.pass(20_000);
    assert_eq!(stand.pool.counts().idle, 1);
}

#[test]
fn warm_builds_go_on_as_soon_as_one_succeeds() {
    let stand = stand(|builder| builder.max(3).warm(2));
    stand.world.fate([Fate::Fails; 100]);
    stand.pass(10_000);
    stand.world.fates.lock().unwrap().clear();
    let acme = stand.pool.principal("acme").unwrap();
    // At once: no time passes.
    assert!(stand.pool.try_checkout(&acme).is_err());
    stand.settle();
    stand.pool.try_checkout(&acme).unwrap().complete();
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 2);
    // The next failure is a first one.
    stand.world.fate([Fate::Fails]);
    stand.pool.try_checkout(&acme).unwrap().complete();
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 1);
    stand.pass(20);
    assert_eq!(stand.pool.counts().idle, 2);
}

#[test]
fn pool_8_idle_ones_go_from_the_cold_end_so_many_per_tick() {
    let stand = stand(|builder| {
        let builder = builder.max(6).warm(1).evictions_per_tick(2);
        builder.isolation(Isolation::Shared).idle_age(SECOND)
    });
    stand.fill(6);
    let acme = stand.pool.principal("acme").unwrap();
    stand.clock.advance(SECOND / 2);
    stand.pool.step();
    let hot = stand.pool.try_checkout(&acme).unwrap();
    let hot_id = hot.id;
    hot.complete();
    stand.clock.advance(SECOND / 2);
    stand.pool.step();
    assert_eq!(stand.pool.counts().idle, 4, "two in a tick");
    stand.settle();
    assert_eq!(stand.pool.counts().idle, 1, "the hot one stays");
    assert_eq!(stand.pool.try_checkout(&acme).unwrap().id, hot_id);
    stand.settle();
    stand.pass(3_000);
    assert_eq!(stand.pool.counts().idle, 1, "and the warm one, however cold");
    assert_eq!(stand.pool.stats().discards(DiscardReason::Idle), 5);
}

/// Orders in which four leases end, all within one tick.
const ORDERS: [[usize; 4]; 5] =
    [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2], [3, 0, 2, 1]];

/// Ends leases in that order.
fn end_in(order: [usize; 4], leases: Vec<Lease<'_, Maker>>) -> Vec<usize> {
    let mut leases: Vec<_> = leases.into_iter().map(Some).collect();
    let mut ended = Vec::new();
    for place in order {
        let lease = leases[place].take().unwrap();
        ended.push(lease.id);
        lease.complete();
    }
    ended
}

#[test]
fn pool_8_the_warmest_is_lent_first_within_a_tick_too() {
    for isolation in [Isolation::Shared, Isolation::PerPrincipal] {
        let stand = stand(|builder| builder.max(4).warm(4).isolation(isolation));
        stand.settle();
        let acme = stand.pool.principal("acme").unwrap();
        let all = || (0..4).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect::<Vec<_>>();
        for order in ORDERS.into_iter().cycle().take(200) {
            let ended = end_in(order, all());
            let leases = all();
            let lent: Vec<_> = leases.iter().map(|lease| lease.id).collect();
            assert!(lent.iter().eq(ended.iter().rev()), "{lent:?} after {ended:?}");
            leases.into_iter().for_each(|lease| lease.complete());
        }
    }
}

#[test]
fn pool_8_the_coldest_is_evicted_first_within_a_tick_too() {
    for order in ORDERS {
        let stand = stand(|builder| {
            let builder = builder.max(4).isolation(Isolation::Shared);
            builder.idle_age(SECOND).evictions_per_tick(1)
        });
        stand.fill(4);
        let acme = stand.pool.principal("acme").unwrap();
        let leases = (0..4).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
        let ended = end_in(order, leases);
        for left in (0..4).rev() {
            stand.clock.advance(2 * SECOND);
            stand.pool.step();
            let mut idle = Vec::new();
            stand.pool.retain(|object| {
                idle.push(object.id);
                true
            });
            idle.sort_unstable();
            let mut expected = ended[4 - left..].to_vec();
            expected.sort_unstable();
            assert_eq!(idle, expected, "after {ended:?}");
        }
    }
}

#[test]
fn pool_8_what_nobody_has_used_comes_back_as_cold_as_it_was() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::Shared));
    stand.fill(2);
    let [acme, other] = ["acme", "other"].map(|id| stand.pool.principal(id).unwrap());
    let one = stand.pool.try_checkout(&acme).unwrap();
    let two = stand.pool.try_checkout(&acme).unwrap();
    let (cold, warm) = (one.id, two.id);
    let mut waits = stand.pool.checkout(&other);
    assert!(poll(&mut waits).is_pending());
    one.complete();
    two.complete();
    // It was granted the first one, which comes back after the second.
    drop(waits);
    let lent = || {
        let leases = [(); 2].map(|()| stand.pool.try_checkout(&other).unwrap());
        let ids = leases.each_ref().map(|lease| lease.id);
        let [second, first] = leases;
        [first, second].into_iter().for_each(|lease| lease.complete());
        ids
    };
    assert_eq!(lent(), [warm, cold]);
    // So do those that were gathered in vain.
    let third = stand.pool.try_checkout(&acme).unwrap();
    let mut many = stand.pool.checkout_many(&other, 2);
    assert!(poll(&mut many).is_pending());
    drop(many);
    third.complete();
    assert_eq!(lent(), [warm, cold]);
}

#[test]
fn pool_8_what_is_lent_is_never_touched() {
    let stand = stand(|builder| {
        let builder = builder.max(1).isolation(Isolation::Shared);
        builder.idle_age(SECOND).retire_after_age(SECOND)
    });
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap();
    stand.pass(5_000);
    assert_eq!((held.id, stand.world.live(), stand.pool.counts().leased), (0, 1, 1));
    held.complete();
    assert_eq!(stand.pool.counts().condemned, 1, "it is too old when it comes back");
    assert_eq!(stand.pool.stats().discards(DiscardReason::Age), 1);
}

#[test]
fn pool_8_old_ones_go_though_they_are_used_or_idle() {
    for idle in [true, false] {
        let stand = stand(|builder| {
            let builder = builder.max(1).isolation(Isolation::PerPrincipal);
            builder.no_idle_age().retire_after_age(SECOND)
        });
        stand.fill(1);
        let acme = stand.pool.principal("acme").unwrap();
        for _ in 0..9 {
            stand.pass(100);
            if !idle {
                stand.pool.try_checkout(&acme).unwrap().complete();
            }
        }
        assert_eq!(stand.world.live(), 1);
        stand.pass(100);
        assert_eq!((stand.world.live(), stand.pool.counts().live()), (0, 0), "idle: {idle}");
        assert_eq!(stand.pool.stats().discards(DiscardReason::Age), 1);
    }
}

#[test]
fn pool_8_uses_and_bytes() {
    let stand = stand(|builder| {
        let builder = builder.max(1).isolation(Isolation::Shared);
        builder.retire_after_uses(3).retire_above_bytes(100)
    });
    let acme = stand.pool.principal("acme").unwrap();
    let one = |bytes| {
        let mut checkout = stand.pool.checkout(&acme);
        let mut lease = match poll(&mut checkout) {
            Poll::Ready(lease) => lease.unwrap(),
            Poll::Pending => {
                stand.settle();
                answer(&mut checkout).unwrap()
            }
        };
        lease.bytes = bytes;
        let id = lease.id;
        lease.complete();
        stand.settle();
        id
    };
    assert_eq!([one(0), one(0), one(0), one(100), one(101), one(0)], [0, 0, 0, 1, 1, 2]);
    let stats = stand.pool.stats();
    let discards = [DiscardReason::Uses, DiscardReason::Bytes].map(|reason| stats.discards(reason));
    assert_eq!(discards, [1, 1]);
}

#[test]
fn pool_8_jitter_spreads_what_was_built_together() {
    let stand = stand(|builder| {
        let builder = builder.max(32).evictions_per_tick(32).no_idle_age();
        builder.isolation(Isolation::Shared).retire_after_age(10 * SECOND).retirement_jitter(50)
    });
    stand.fill(32);
    let mut live = vec![stand.pool.counts().idle];
    for _ in 0..10 {
        stand.pass(1_000);
        live.push(stand.pool.counts().idle);
    }
    assert_eq!((live[4], live[10]), (32, 0), "{live:?}");
    assert!(live[7] > 0 && live[7] < 32, "all at once: {live:?}");
}

/// Until the pool is as told.
fn wait_for(pool: &Pool<Maker>, is_so: impl Fn(PoolCounts) -> bool) {
    let began = Instant::now();
    while !is_so(pool.counts()) {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", pool.counts());
        thread::yield_now();
    }
}

#[test]
fn pool_8_who_keeps_time_sleeps_while_nothing_lives_and_wakes_with_the_first() {
    let builder =
        Pool::builder(Maker::default()).wait_for_own_leases().max(1).isolation(Isolation::Shared);
    let pool = builder.idle_age(Duration::from_millis(20)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..3 {
        pool.checkout_blocking(&acme).unwrap().complete();
        wait_for(&pool, |counts| counts.live() == 0);
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(pool.stats().discards(DiscardReason::Idle), 3);
}

#[test]
fn pool_8_what_is_torn_down_is_followed_by_a_warm_one_before_the_next_tick() {
    let builder = Pool::builder(Maker::default()).wait_for_own_leases().max(1).warm(1);
    let pool = builder.tick(Duration::from_secs(3600)).build().unwrap();
    let acme = pool.principal("acme").unwrap();
    for _ in 0..3 {
        wait_for(&pool, |counts| counts.idle == 1);
        pool.try_checkout(&acme).unwrap().complete();
    }
}
