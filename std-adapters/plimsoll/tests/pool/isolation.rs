//! POOL-10: who may be lent what another has used.

use std::task::Poll;

use plimsoll::pool::{DiscardReason, Isolation, Lease, Principal};

use super::support::{Maker, Stand, answer, is_waiting, poll, stand};

fn lease<'a>(stand: &'a Stand, principal: &'a Principal) -> Lease<'a, Maker> {
    let mut checkout = stand.pool.checkout(principal);
    match poll(&mut checkout) {
        Poll::Ready(lease) => lease.unwrap(),
        Poll::Pending => {
            stand.settle();
            answer(&mut checkout).unwrap()
        }
    }
}

#[test]
fn pool_10_fresh_means_that_nobody_has_used_it() {
    let stand = stand(|builder| builder.max(2).warm(2));
    stand.settle();
    let acme = stand.pool.principal("acme").unwrap();
    for id in 0..6 {
        let mut lease = lease(&stand, &acme);
        assert_eq!((lease.secret, lease.uses()), (None, 1), "{id}");
        lease.secret = Some("the last one's");
        lease.complete();
        stand.settle();
    }
    assert_eq!(stand.world.resets.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn pool_10_per_principal_means_that_no_other_has_used_it() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::PerPrincipal));
    let [a, b, c] = ["a", "b", "c"].map(|id| stand.pool.principal(id).unwrap());
    let names = ["a's", "b's", "c's"];
    // Three principals on two instances, in an order that displaces again and again.
    for turn in [0, 1, 0, 1, 2, 2, 0, 1, 2, 1, 0, 0, 2, 1] {
        let mut lease = lease(&stand, [&a, &b, &c][turn]);
        assert!(lease.secret.is_none_or(|secret| secret == names[turn]), "{:?}", lease.secret);
        assert_eq!(lease.secret.is_none(), lease.uses() == 1);
        lease.secret = Some(names[turn]);
        lease.complete();
        stand.settle();
    }
    let stats = stand.pool.stats();
    assert!(stats.discards(DiscardReason::Displaced) > 3);
    assert_eq!(stats.discarded(), stats.discards(DiscardReason::Displaced));
}

#[test]
fn pool_10_a_waiter_displaces_one_instance_and_not_all() {
    let stand = stand(|builder| builder.max(4).isolation(Isolation::PerPrincipal));
    let [a, b] = ["a", "b"].map(|id| stand.pool.principal(id).unwrap());
    let theirs: Vec<_> = (0..4).map(|_| lease(&stand, &a)).collect();
    theirs.into_iter().for_each(|lease| lease.complete());
    assert_eq!(stand.pool.counts().idle, 4);
    let mut waits = stand.pool.checkout(&b);
    assert!(is_waiting(&mut waits));
    // A release while the room is made: nothing more is displaced for the same waiter.
    lease(&stand, &a).complete();
    assert_eq!(stand.pool.stats().discards(DiscardReason::Displaced), 1);
    stand.settle();
    assert_eq!(answer(&mut waits).unwrap().uses(), 1);
}

#[test]
fn pool_10_a_hot_principal_does_not_starve_one_that_needs_a_build() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::PerPrincipal));
    let [a, b] = ["a", "b"].map(|id| stand.pool.principal(id).unwrap());
    let held = lease(&stand, &a);
    let (mut cold, mut hot) = (stand.pool.checkout(&b), stand.pool.checkout(&a));
    assert!(is_waiting(&mut cold) && is_waiting(&mut hot));
    held.complete();
    assert!(is_waiting(&mut hot), "its own instance made room for who came first");
    stand.settle();
    let cold = answer(&mut cold).unwrap();
    assert_eq!(cold.secret, None);
    cold.complete();
    stand.settle();
    assert!(answer(&mut hot).is_ok());
}

#[test]
fn pool_10_shared_is_reset_and_lent_to_anybody() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    let [a, b] = ["a", "b"].map(|id| stand.pool.principal(id).unwrap());
    let mut first = lease(&stand, &a);
    first.secret = Some("for all");
    first.complete();
    let second = lease(&stand, &b);
    assert_eq!((second.secret, second.uses()), (Some("for all"), 2));
    assert_eq!(stand.world.resets.load(std::sync::atomic::Ordering::SeqCst), 1);
}
