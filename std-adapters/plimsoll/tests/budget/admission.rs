//! Admission by what is granted and by what is measured.

use plimsoll::budget::{Admission, RefusedReason};
use plimsoll::{Limit, Registry, Watermarks};

use super::support::tree;

#[test]
fn headroom_is_the_ceiling_less_the_larger_of_measured_and_granted() {
    let registry = Registry::new();
    let rss = registry.recorded_gauge(Limit::memory("rss"), Watermarks::new(1_000)).unwrap();
    let (host, [guest]) = tree(1_000, [900]);
    let admission = Admission::new(&host, || rss.depth());
    for (measured, granted, headroom) in [
        (0, 0, 1_000),
        (300, 200, 700),
        (200, 300, 700),
        (1_000, 1, 0),
        (5_000, 1, 0),
        (0, 900, 100),
    ] {
        rss.record(measured);
        let _granted = (granted > 0).then(|| guest.try_reserve(granted).unwrap());
        assert_eq!(admission.headroom(), headroom, "{measured} measured, {granted} granted");
        if headroom > 0 {
            assert_eq!(admission.try_admit(headroom).unwrap().amount(), headroom);
        }
        let refused = admission.try_admit(headroom + 1).unwrap_err();
        let reason = match refused.reason() {
            RefusedReason::Measured => measured,
            RefusedReason::Full => granted,
            RefusedReason::NeverFits => 0,
            reason => panic!("{reason:?}"),
        };
        assert_eq!(refused.usage(), reason);
    }
    assert_eq!(admission.budget().usage(), 0);
}

#[test]
fn budget_7_a_measured_refusal_says_how_to_raise_the_limit() {
    let (host, []) = tree(1_000, []);
    let admission = Admission::new(&host, || 900);
    assert_eq!(
        admission.try_admit(200).unwrap_err().to_string(),
        "memory host_bytes has no room for 200: 900 of 1000 measured; `Budget::resize` to 1100 makes \
         room"
    );
}
