//! A pool that shrinks under a pressure: what holds in the end is the pressure's last state.

use plimsoll::pool::{Isolation, Shrink};
use plimsoll::pressure::Pressure;
use shuttle::thread;

use super::world::{Guest, Guests, LIVE_MAX, assert_whole, pool_of, use_it};
use crate::common::Model;

const TOGGLED: Model = Model::new(500, toggled);

/// Two threads step the pool while the pressure comes and goes, and one leases meanwhile.
fn toggled() {
    let guests = Guests::default();
    let objects = [(); LIVE_MAX].map(|()| Guest::new(&guests.ghost));
    let builder = pool_of(&guests, Isolation::Shared, LIVE_MAX).warm(LIVE_MAX);
    let pool = builder.objects(objects).build().unwrap();
    let (switch, pressure) = Pressure::manual();
    pool.shrink_under(&pressure, Shrink::new()).unwrap();
    let stepping = [(); 2].map(|()| {
        let pool = pool.clone();
        thread::spawn(move || {
            pool.step();
            pool.step();
        })
    });
    let leasing = pool.clone();
    let client = thread::spawn(move || {
        let principal = leasing.principal("acme").unwrap();
        if let Ok(lease) = leasing.try_checkout(&principal) {
            use_it(lease);
        }
    });
    for is_on in [true, false, true] {
        switch.set(is_on);
        thread::yield_now();
    }
    stepping.into_iter().for_each(|stepping| stepping.join().unwrap());
    client.join().unwrap();
    pool.step();
    assert_eq!(pool.stats().warm, 0, "POOL-17: it is on");
    switch.set(false);
    while pool.step() > 0 {}
    assert_eq!((pool.stats().warm, pool.counts().idle), (LIVE_MAX, LIVE_MAX), "POOL-17: it is off");
    assert_whole(&pool, &["acme"]);
}

#[test]
fn pool_17_the_last_state_of_a_pressure_holds() {
    TOGGLED.check();
}
