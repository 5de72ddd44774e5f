//! What is refused, and how it is said.

use std::time::Duration;

use plimsoll::Registry;
use plimsoll::keepalive::{IdKind, Watch, WatchError, Watcher, WatcherError};

use crate::{Bench, ms};

fn refused(watch: Watch) -> WatchError {
    Bench::new().watcher.watch(watch).expect_err("cannot be")
}

#[test]
fn ids_have_a_length_and_no_control_characters() {
    let bytes = 129;
    let long = "x".repeat(bytes);
    let length = |id, bytes| WatchError::IdLength { id, bytes };
    assert_eq!(refused(Watch::new("", "run")), length(IdKind::Guest, 0));
    assert_eq!(refused(Watch::new("guest", "")), length(IdKind::Run, 0));
    assert_eq!(refused(Watch::new(long.clone(), "run")), length(IdKind::Guest, bytes));
    assert_eq!(refused(Watch::new("guest", long)), length(IdKind::Run, bytes));
    for (text, at) in [("a\0b", 1), ("\n", 0), ("abc\u{7f}", 3), ("é\u{85}", 2)] {
        let error = refused(Watch::new(text, "run"));
        assert_eq!(error, WatchError::IdCharacter { id: IdKind::Guest, at });
        let error = refused(Watch::new("guest", text));
        assert_eq!(error, WatchError::IdCharacter { id: IdKind::Run, at });
        assert!(error.to_string().starts_with("a run's id"), "{error}");
    }
    assert!(Bench::new().watcher.watch(Watch::new("ö".repeat(64), "日本")).is_ok());
}

#[test]
fn windows_have_a_range() {
    let watch = || Watch::new("guest", "run");
    assert_eq!(refused(watch().window(Duration::ZERO)), WatchError::ZeroWindow);
    let error = refused(watch().window(Duration::MAX));
    let WatchError::WindowTooLong { window: Duration::MAX, max } = error else {
        panic!("{error:?}");
    };
    assert!(Bench::new().watcher.watch(watch().window(max)).is_ok());
    assert!(Bench::new().watcher.watch(watch().window(max + ms(10))).is_err());
    for late in [Duration::ZERO, ms(100), Duration::MAX] {
        let error = refused(watch().window(ms(100)).late_after(late));
        assert_eq!(error, WatchError::LateOutOfRange { late, window: ms(100) });
    }
}

#[test]
fn errors_say_what_was_wrong_and_what_is_allowed() {
    let watch = || Watch::new("guest", "run");
    for (watch, parts) in [
        (Watch::new("", "run"), ["a guest's id has 1 to 128 bytes", "this one: 0"]),
        (Watch::new("guest", "a\tb"), ["a run's id has no control characters", "byte 1"]),
        (watch().window(Duration::ZERO), ["above zero", "asked 0 ns"]),
        (watch().window(Duration::MAX), ["at most", "asked 18446744073709551615.999999999s"]),
        (watch().late_after(ms(10_000)), ["a tick or more below the window of 10s", "asked 10s"]),
    ] {
        let text = refused(watch).to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
    let text = WatchError::Full { capacity: 7 }.to_string();
    assert_eq!(text, "the watcher watches 7 runs at most (`capacity`)");
}

#[test]
fn a_full_watcher_refuses_until_a_run_ends() {
    let bench = Bench::with(|builder| builder.capacity(2));
    let watch = || bench.watcher.watch(Watch::new("guest", "run"));
    let (first, _second) = (watch().unwrap(), watch().unwrap());
    assert_eq!(watch().unwrap_err(), WatchError::Full { capacity: 2 });
    drop(first);
    assert!(watch().is_ok());
}

#[test]
fn settings_have_a_range() {
    let registry = Registry::new();
    for tick in [Duration::ZERO, Duration::from_micros(999), Duration::from_secs(3_601)] {
        let error = Watcher::builder().tick(tick).build(&registry).unwrap_err();
        assert_eq!(error, WatcherError::Tick { tick });
    }
    let error = Watcher::builder().capacity(0).build(&registry).unwrap_err();
    assert_eq!(error, WatcherError::Capacity { capacity: 0 });
    let error = Watcher::builder().checks_per_step(0).build(&registry).unwrap_err();
    assert_eq!(error, WatcherError::ZeroChecks);
    let builder = Watcher::builder().checks_per_step(7);
    let error = builder.suspect_above(7).build(&registry).unwrap_err();
    assert_eq!(error, WatcherError::SuspectAbove { max: 7, checks_max: 7 });
    assert!(error.to_string().contains("than the 7 that a step checks (asked 7)"), "{error}");
    assert!(Watcher::builder().checks_per_step(7).suspect_above(6).build(&registry).is_ok());
    let error = Watcher::builder().limit("No Name").build(&registry).unwrap_err();
    assert!(matches!(error, WatcherError::Register(_)), "{error}");
}
