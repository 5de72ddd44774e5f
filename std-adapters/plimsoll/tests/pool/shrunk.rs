//! POOL-17 under pressure: fewer idle instances, and as many as before once it is off.

use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::{DiscardReason, Isolation, Pool, PoolError, Shrink};
use plimsoll::pressure::Pressure;

use super::support::{Maker, Stand, stand};

const SECOND: Duration = Duration::from_secs(1);

fn idle_discards(stand: &Stand) -> u64 {
    stand.pool.stats().discards(DiscardReason::Idle)
}

#[test]
fn pool_17_idle_instances_above_the_shrunk_warm_ones_are_destroyed_and_come_back() {
    let stand = stand(|builder| builder.max(8).warm(4).idle_age(60 * SECOND));
    stand.settle();
    assert_eq!(stand.world.live(), 4);
    let (switch, pressure) = Pressure::manual();
    stand.pool.shrink_under(&pressure, Shrink::new().warm(1).idle_age(SECOND)).unwrap();
    stand.pass(2000);
    assert_eq!(stand.world.live(), 4, "the pressure is off");
    assert!(switch.set(true));
    stand.pass(100);
    assert_eq!((stand.world.live(), stand.pool.stats().warm), (1, 1), "three were idle for long");
    assert_eq!(idle_discards(&stand), 3);
    let acme = stand.pool.principal("acme").unwrap();
    let lease = stand.pool.try_checkout(&acme).unwrap();
    stand.pass(100);
    assert_eq!(stand.world.live(), 2, "one is leased, and one is warm");
    drop(lease);
    assert!(switch.set(false));
    stand.pass(20);
    assert_eq!((stand.world.live(), stand.pool.stats().warm), (4, 4));
    stand.pass(5000);
    assert_eq!((stand.world.live(), idle_discards(&stand)), (4, 3), "ages are as before");
}

#[test]
fn pool_17_pressure_brings_an_idle_age_of_its_own_and_never_keeps_more() {
    let stand = stand(|builder| builder.max(4).isolation(Isolation::Shared).no_idle_age().min(1));
    stand.fill(4);
    let (switch, pressure) = Pressure::manual();
    stand.pool.shrink_under(&pressure, Shrink::new().warm(3).idle_age(SECOND)).unwrap();
    switch.set(true);
    stand.pass(500);
    assert_eq!(stand.world.live(), 4, "they have not been idle for so long");
    stand.pass(600);
    assert_eq!(stand.world.live(), 1, "three warm ones are more than were asked, one is the least");
    switch.set(false);
    stand.pool.set_min(4).unwrap();
    stand.settle();
    stand.pool.set_min(0).unwrap();
    stand.pass(5000);
    assert_eq!(stand.world.live(), 4, "without pressure none is evicted");
}

#[test]
fn pool_17_another_pressure_replaces_the_first_and_none_ends_it() {
    let stand = stand(|builder| builder.max(4).warm(2).no_idle_age());
    stand.settle();
    let [(first, one), (second, two)] = [Pressure::manual(), Pressure::manual()];
    let shrink = Shrink::new().idle_age(Duration::from_millis(10));
    stand.pool.shrink_under(&one, shrink).unwrap();
    stand.pool.shrink_under(&two, shrink).unwrap();
    first.set(true);
    stand.pass(100);
    assert_eq!(stand.world.live(), 2, "it goes by the second one");
    second.set(true);
    stand.pass(100);
    assert_eq!(stand.world.live(), 0);
    stand.pool.shrink_never();
    stand.settle();
    assert_eq!(stand.world.live(), 2, "though it is on");
    stand.pool.shrink_under(&two, shrink).unwrap();
    assert_eq!(stand.pool.stats().warm, 0, "one that is on counts at once");
    let refused = stand.pool.shrink_under(&two, shrink.idle_age(Duration::ZERO));
    assert!(matches!(refused, Err(PoolError::Zero { setting: "idle_age" })), "{refused:?}");
}

#[test]
fn pool_17_pressure_may_go_first_or_last() {
    let (switch, pressure) = Pressure::manual();
    let one = stand(|builder| builder.max(2).warm(1));
    one.pool.shrink_under(&pressure, Shrink::new().idle_age(SECOND)).unwrap();
    drop(pressure);
    switch.set(true);
    one.pass(1100);
    assert_eq!(one.world.live(), 0, "the pool keeps it");
    let other = stand(|builder| builder.max(2).warm(1));
    other.pool.shrink_under(switch.pressure(), Shrink::new()).unwrap();
    drop(switch);
    assert!(other.pool.close());
    other.settle();
    assert_eq!((other.world.live(), other.pool.wait_drained(SECOND)), (0, true));
    other.pool.shrink_never();
    one.pool.shrink_never();
    one.settle();
    assert_eq!(one.world.live(), 1);
}

/// Waits until so many live, for as long as a busy machine may take.
#[track_caller]
fn until_live(maker: &Maker, live: usize) {
    let began = Instant::now();
    while maker.0.live() != live {
        assert!(began.elapsed() < 30 * SECOND, "{} live, not {live}", maker.0.live());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn pool_17_the_timekeeper_follows_the_pressure_unasked() {
    let maker = Maker::default();
    let pool = Pool::builder(maker.clone()).max(4).warm(3).build().unwrap();
    let (switch, pressure) = Pressure::manual();
    let shrink = Shrink::new().idle_age(Duration::from_millis(20));
    pool.shrink_under(&pressure, shrink).unwrap();
    for _ in 0..3 {
        until_live(&maker, 3);
        switch.set(true);
        until_live(&maker, 0);
        switch.set(false);
    }
    until_live(&maker, 3);
}
