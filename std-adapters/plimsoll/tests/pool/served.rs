//! How checkouts were served, how long builds take, and who was refused why.

use std::time::Duration;

use plimsoll::pool::{CheckoutError, Isolation, PoolCheckouts, PoolStats};

use super::inline::quick;
use super::support::{Fate, Stand, answer, is_waiting, stand};

fn served(stand: &Stand) -> (u64, u64, u64) {
    let PoolCheckouts { warm, cold, waited, .. } = stand.pool.stats().checkouts;
    (warm, cold, waited)
}

#[test]
fn see_5_leases_of_idle_instances_are_warm_and_others_have_waited() {
    for isolation in [Isolation::Shared, Isolation::PerPrincipal] {
        let stand = stand(|builder| builder.max(2).isolation(isolation));
        let acme = stand.pool.principal("acme").unwrap();
        stand.fill(2);
        assert_eq!(served(&stand), (0, 0, 0), "nobody has had what was built");
        for turn in 1..=200_u32 {
            let lease = stand.pool.try_checkout(&acme).unwrap();
            assert_eq!(lease.uses(), turn, "{isolation:?}: the warmest is lent again");
            assert_eq!(served(&stand).0, u64::from(turn));
            lease.complete();
        }
        let held: Vec<_> = (0..2).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
        assert_eq!(served(&stand), (202, 0, 0));
        let mut waits = stand.pool.checkout(&acme);
        assert!(is_waiting(&mut waits));
        drop(stand.pool.checkout(&acme));
        held.into_iter().for_each(|lease| lease.complete());
        let lease = answer(&mut waits).unwrap();
        assert_eq!((served(&stand), lease.uses()), ((202, 0, 1), 202), "{isolation:?}");
        drop(lease);
        stand.settle();
        stand.pool.drop_idle();
        stand.settle();
        stand.fill(1);
        let lease = stand.pool.try_checkout(&acme).unwrap();
        assert_eq!((served(&stand), lease.uses()), ((203, 0, 1), 1), "another one is new");
        let stats = stand.pool.stats();
        assert_eq!(stats.checkouts.total(), 204);
        assert_eq!((stats.create.count(), stats.built), (3, 3), "each build is timed");
    }
}

#[test]
fn see_5_what_a_checkout_makes_itself_is_cold() {
    let stand = quick(2, |builder| builder);
    assert_eq!(served(&stand), (1, 0, 0));
    let acme = stand.pool.principal("acme").unwrap();
    for turn in 1..=40 {
        stand.pool.try_checkout(&acme).unwrap().complete();
        assert_eq!(served(&stand), (1, turn, 0));
    }
    let held: Vec<_> = (0..2).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    let mut waits = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waits));
    held.into_iter().for_each(|lease| lease.complete());
    let lease = answer(&mut waits).unwrap();
    assert_eq!((served(&stand), lease.uses()), ((1, 42, 1), 1), "it has made it, after a wait");
    let stats = stand.pool.stats();
    assert_eq!(stats.built, 44);
    assert!((1..=44).contains(&stats.create.count()), "{:?}", stats.create);
}

#[test]
fn several_at_once_that_could_not_be_had_were_served_all_the_same() {
    let stand = stand(|builder| builder.max(3).isolation(Isolation::Shared));
    let acme = stand.pool.principal("acme").unwrap();
    stand.fill(1);
    stand.world.fate([Fate::Fails]);
    let mut many = Box::pin(stand.pool.checkout_many(&acme, 3));
    assert!(super::support::poll(&mut many).is_pending());
    stand.settle();
    let std::task::Poll::Ready(Err(CheckoutError::BuildFailed { .. })) =
        super::support::poll(&mut many)
    else {
        panic!("one of them cannot be built")
    };
    drop(many);
    let before = stand.pool.stats().checkouts.total();
    assert!((1..=2).contains(&before), "{before}");
    let lease = stand.pool.try_checkout(&acme).unwrap();
    assert_eq!(lease.uses(), 1, "but nobody has used it");
    assert_eq!(stand.pool.stats().checkouts.total(), before + 1);
}

#[test]
fn an_instance_serves_as_often_as_it_may_in_each_slot() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared).retire_after_uses(3));
    let acme = stand.pool.principal("acme").unwrap();
    for round in 0..4 {
        stand.fill(1);
        for turn in 1..=3 {
            let lease = stand.pool.try_checkout(&acme).unwrap();
            assert_eq!((lease.id, lease.uses()), (round, turn));
            lease.complete();
        }
        stand.settle();
        assert_eq!(stand.pool.counts().live(), 0, "it has served its time");
    }
    assert_eq!(served(&stand), (12, 0, 0));
}

#[test]
fn refusals_and_timeouts_are_told_by_their_reasons() {
    let stand = stand(|builder| {
        let builder = builder.max(2).isolation(Isolation::Shared).max_waiting(3);
        builder.per_principal_waiting(2).wait_timeout(Duration::from_millis(50))
    });
    let [acme, other, third] =
        ["acme", "other", "third"].map(|id| stand.pool.principal(id).unwrap());
    stand.fill(2);
    let held: Vec<_> = (0..2).map(|_| stand.pool.try_checkout(&acme).unwrap()).collect();
    let mut waits = [&acme, &acme, &other].map(|principal| stand.pool.checkout(principal));
    assert!(waits.iter_mut().all(is_waiting));
    assert!(matches!(answer(&mut stand.pool.checkout(&acme)), Err(CheckoutError::Refused { .. })));
    let full = answer(&mut stand.pool.checkout(&third));
    assert!(matches!(full, Err(CheckoutError::LineFull { .. })));
    stand.pass(60);
    for wait in &mut waits {
        assert!(matches!(answer(wait), Err(CheckoutError::TimedOut { .. })));
    }
    let PoolStats { refusals, timeouts, .. } = stand.pool.stats();
    assert_eq!((refusals.waiting, refusals.line_full, refusals.total()), (1, 1, 2));
    assert_eq!((timeouts.wait, timeouts.total()), (3, 3));
    drop(held);
}
