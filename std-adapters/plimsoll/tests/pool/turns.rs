//! POOL-11: caps, turns and faults.

use std::task::Poll;
use std::time::Duration;

use plimsoll::pool::{CheckoutError, Isolation, Lease, Principal, Quota, Stage};

use super::support::{Maker, Stand, answer, is_waiting, poll, stand};

fn principals(stand: &Stand, count: usize) -> Vec<Principal> {
    (0..count).map(|number| stand.pool.principal(&format!("p{number}")).unwrap()).collect()
}

#[test]
fn pool_11_each_of_k_principals_is_served_within_k_grants() {
    for isolation in [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared] {
        let stand = stand(|builder| builder.max(2).isolation(isolation));
        let everybody = principals(&stand, 5);
        // A hog of 50 comes first, the others with one each.
        let mut line: Vec<_> = (0..50).map(|_| (0, stand.pool.checkout(&everybody[0]))).collect();
        line.extend((1..5).map(|who| (who, stand.pool.checkout(&everybody[who]))));
        line.iter_mut().for_each(|(_, checkout)| assert!(is_waiting(checkout)));
        let mut grants = Vec::new();
        while grants.len() < 10 {
            stand.settle();
            let mut leases = Vec::new();
            line.retain_mut(|(who, checkout)| match poll(checkout) {
                Poll::Ready(lease) => {
                    grants.push(*who);
                    leases.push(lease.unwrap());
                    false
                }
                Poll::Pending => true,
            });
            leases.into_iter().for_each(|lease| lease.complete());
        }
        for who in 0..5 {
            let place = grants.iter().position(|granted| *granted == who);
            assert!(place.is_some_and(|place| place < 6), "{isolation:?}: {who} in {grants:?}");
        }
        drop(line);
        stand.settle();
    }
}

#[test]
fn pool_11_who_times_out_at_its_cap_is_told_so() {
    let timeout = Duration::from_millis(50);
    let stand = stand(|builder| builder.max(3).per_principal_cap(1).wait_timeout(timeout));
    stand.fill(1);
    let acme = stand.pool.principal("acme").unwrap();
    let _lease = stand.pool.try_checkout(&acme).unwrap();
    let mut waiting = stand.pool.checkout(&acme);
    assert!(is_waiting(&mut waiting));
    stand.pass(60);
    let error = answer(&mut waiting).unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut { stage: Stage::Cap, .. }), "{error:?}");
    assert_eq!(error.to_string(), "timed out after 50ms of waiting below the principal's cap");
}

#[test]
fn pool_11_who_is_at_its_cap_waits_and_blocks_nobody() {
    let stand = stand(|builder| builder.max(3).isolation(Isolation::Shared).per_principal_cap(2));
    stand.fill(2);
    let everybody = principals(&stand, 2);
    let (hog, other) = (&everybody[0], &everybody[1]);
    let first = stand.pool.try_checkout(hog).unwrap();
    let second = stand.pool.try_checkout(hog).unwrap();
    let mut hogs: Vec<_> = (0..5).map(|_| stand.pool.checkout(hog)).collect();
    hogs.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
    stand.settle();
    assert_eq!(
        stand.pool.counts().building + stand.pool.counts().idle,
        0,
        "nothing is built for it"
    );

    let mut theirs = stand.pool.checkout(other);
    assert!(is_waiting(&mut theirs));
    stand.settle();
    answer(&mut theirs).unwrap().complete();
    assert_eq!(stand.pool.counts().idle, 1, "idle beside waiters that may not have it");
    stand.pool.try_checkout(other).unwrap().complete();

    first.complete();
    let third = answer(&mut hogs[0]).unwrap();
    assert!(is_waiting(&mut hogs[1]));
    assert_eq!(hog.in_use(), 2);
    second.fault();
    let fourth = answer(&mut hogs[1]).unwrap();
    drop((third, fourth, hogs));
    stand.settle();
    assert_eq!((hog.in_use(), stand.pool.stats().waiting), (0, 0));
}

#[test]
fn pool_3_what_is_discarded_is_not_lent_again_and_nobody_is_blamed() {
    let stand = stand(|builder| builder.max(1).isolation(Isolation::Shared));
    let one = &principals(&stand, 1)[0];
    let lease = || {
        let mut checkout = stand.pool.checkout(one);
        if let Poll::Ready(answer) = poll(&mut checkout) {
            return answer.unwrap();
        }
        stand.settle();
        answer(&mut checkout).unwrap()
    };
    lease().discard();
    let panics = std::panic::AssertUnwindSafe(|| {
        struct Discards<'a>(Option<Lease<'a, Maker>>);
        impl Drop for Discards<'_> {
            fn drop(&mut self) {
                self.0.take().unwrap().discard();
            }
        }
        let _lease = Discards(Some(lease()));
        panic!("the host's own");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    let last = lease();
    assert_eq!((last.uses(), one.faults()), (1, 0));
    last.complete();
}

#[test]
fn a_trap_loop_keeps_off_and_burns_no_builds() {
    let ms = Duration::from_millis;
    let stand = stand(|builder| builder.max(2).fault_backoff(3, ms(100), ms(400)));
    let everybody = principals(&stand, 2);
    let (looping, other) = (&everybody[0], &everybody[1]);
    let fault = || {
        let mut checkout = stand.pool.checkout(looping);
        if let Poll::Ready(answer) = poll(&mut checkout) {
            return answer.map(|lease| lease.fault());
        }
        stand.settle();
        answer(&mut checkout).map(|lease| lease.fault())
    };
    (0..3).for_each(|_| fault().unwrap());
    let quota = |error| match error {
        CheckoutError::Refused { quota } => quota,
        other => panic!("{other}"),
    };
    let refusal = |faults, retry_after| Quota::Faults { faults, retry_after };
    assert_eq!(quota(fault().unwrap_err()), refusal(3, ms(100)));
    assert_eq!(quota(stand.pool.try_checkout(looping).unwrap_err()), refusal(3, ms(100)));
    let made = stand.world.made();
    let mut theirs = stand.pool.checkout(other);
    assert!(is_waiting(&mut theirs));
    stand.settle();
    answer(&mut theirs).unwrap().complete();
    assert_eq!(stand.world.made(), made + 1, "the other one is unharmed");

    stand.pass(100);
    fault().unwrap();
    assert_eq!(quota(fault().unwrap_err()), refusal(4, ms(200)), "doubled");
    stand.pass(200);
    let mut clean = stand.pool.checkout(looping);
    assert!(is_waiting(&mut clean));
    stand.settle();
    answer(&mut clean).unwrap().complete();
    assert_eq!(looping.faults(), 3, "a clean one makes up for one");
    assert_eq!(stand.pool.stats().refusals.total(), 3);
}

#[test]
fn waiters_of_a_principal_that_has_to_keep_off_are_sent_away() {
    let (base, max) = (Duration::from_secs(1), Duration::from_secs(9));
    let stand = stand(|builder| builder.max(1).fault_backoff(1, base, max));
    let everybody = principals(&stand, 2);
    let mut first = stand.pool.checkout(&everybody[0]);
    assert!(is_waiting(&mut first));
    stand.settle();
    let mut more: Vec<_> = (0..5).map(|_| stand.pool.checkout(&everybody[0])).collect();
    let mut theirs = stand.pool.checkout(&everybody[1]);
    more.iter_mut().for_each(|checkout| assert!(is_waiting(checkout)));
    assert!(is_waiting(&mut theirs));
    answer(&mut first).unwrap().fault();
    stand.settle();
    for checkout in &mut more {
        let error = answer(checkout).unwrap_err();
        assert!(matches!(error, CheckoutError::Refused { quota: Quota::Faults { .. } }));
    }
    assert!(answer(&mut theirs).is_ok());
    assert_eq!(stand.world.made(), 2);
}
