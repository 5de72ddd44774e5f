//! The system that runs the test, whatever it has.

use plimsoll::Registry;
use plimsoll::probes::{ProbeLimit, Probes};

use super::values;

#[test]
fn the_live_system_is_measured_or_says_what_is_missing() {
    let registry = Registry::new();
    let probes = Probes::builder().build(&registry).unwrap();
    probes.sample();
    let errors = probes.errors();
    let measured = values(&probes).iter().filter(|value| value.is_some()).count();
    assert_eq!(measured + errors.len(), ProbeLimit::ALL.len(), "{errors:?}");
    assert_eq!(registry.snapshot().entries().len(), measured);
    if cfg!(target_os = "linux") {
        let resident = probes.value(ProbeLimit::ProcessRssBytes).unwrap();
        assert!((100 << 10..1 << 40).contains(&resident), "{resident}");
    }
}
