//! Bad input: each error, and that nothing was recorded.

use plimsoll::ledger::{LedgerError, LedgerSettings, PrincipalError, PrincipalId};
use plimsoll::{Limit, RegisterError, Registry};

use super::{peaks, sums};

#[test]
fn invalid_ids_are_typed_errors() {
    let registry = Registry::new();
    let (peaks, sums) = (peaks(&registry, 40), sums(&registry, 40));
    let windows = registry.window_ledger("windows", 40).unwrap();
    let long = "é".repeat(33);
    let cases: [(&[u8], PrincipalError, &str); 8] = [
        (b"", PrincipalError::Empty, "a principal's id has at least one byte (this one: 0)"),
        (
            long.as_bytes(),
            PrincipalError::TooLong { bytes: 66 },
            "a principal's id has 1 to 64 bytes (this one: 66)",
        ),
        (
            b"tenant\nforged",
            PrincipalError::ControlCharacter { at: 6 },
            "a principal's id has no control characters (byte 6 is one)",
        ),
        (
            b"\x7f",
            PrincipalError::ControlCharacter { at: 0 },
            "a principal's id has no control characters (byte 0 is one)",
        ),
        (
            "é\u{85}".as_bytes(),
            PrincipalError::ControlCharacter { at: 2 },
            "a principal's id has no control characters (byte 2 is one)",
        ),
        (
            b"caf\xe9",
            PrincipalError::NotUtf8 { at: 3 },
            "a principal's id is UTF-8 text (byte 3 is not)",
        ),
        (
            b"\xff\n",
            PrincipalError::NotUtf8 { at: 0 },
            "a principal's id is UTF-8 text (byte 0 is not)",
        ),
        (
            &[b'x'; 65],
            PrincipalError::TooLong { bytes: 65 },
            "a principal's id has 1 to 64 bytes (this one: 65)",
        ),
    ];
    for (bytes, error, message) in cases {
        assert_eq!(PrincipalId::from_utf8(bytes).unwrap_err(), error);
        assert_eq!(error.to_string(), message);
        assert_eq!(peaks.record(bytes, 1), Err(error));
        assert_eq!(peaks.get(bytes), Err(error));
        assert_eq!(peaks.principal(bytes).unwrap_err(), error);
        assert_eq!(sums.record(bytes, 1), Err(error));
        assert_eq!(windows.record(bytes, 1), Err(error));
        assert_eq!(windows.get(bytes), Err(error));
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert_eq!(PrincipalId::new(text).unwrap_err(), error);
            assert_eq!(sums.principal(text).unwrap_err(), error);
        }
    }
    assert!(peaks.is_empty() && sums.is_empty());
    assert_eq!(peaks.turned_away(), Some(0));
}

#[test]
fn an_id_is_judged_before_it_is_recorded_for() {
    let ledger = peaks(&Registry::new(), 40);
    let id = PrincipalId::new(&"é".repeat(32)).map(|_| ());
    assert_eq!(id, Ok(()), "64 bytes are allowed");
    let number = PrincipalId::from(7u64);
    assert!(ledger.record(number, 3).unwrap().is_tracked());
    assert_eq!(ledger.get(7u64).unwrap().value(), Some(3));
}

#[test]
fn invalid_capacities_are_typed_errors() {
    let registry = Registry::new();
    for capacity in [0, LedgerSettings::CAPACITY_MAX + 1, usize::MAX] {
        let error = LedgerError::Capacity { capacity };
        assert_eq!(registry.peak_ledger("peaks", capacity).unwrap_err(), error);
        assert_eq!(registry.sum_ledger("sums", capacity).unwrap_err(), error);
        assert_eq!(registry.window_ledger("windows", capacity).unwrap_err(), error);
        let message = format!("a ledger is for 1 to 16777216 principals (asked {capacity})");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(registry.stats().entries, 0, "no place is left behind");
    let none = LedgerError::OutOfMemory { bytes: 1 << 40 };
    assert_eq!(none.to_string(), "there is no memory for a ledger of 1099511627776 bytes");
}

#[test]
fn names_and_numbers_that_a_registry_does_not_take() {
    let registry = Registry::builder().max_entries(1).build().unwrap();
    let error = registry.peak_ledger("Guest memory", 40).unwrap_err();
    assert_eq!(error, LedgerError::Register(RegisterError::NameCharacter { at: 0 }));
    let limit = Limit::memory("memory").scope("");
    let error = registry.sum_ledger(limit, 40).unwrap_err();
    assert_eq!(error, LedgerError::Register(RegisterError::ScopeLength { bytes: 0 }));
    let first = registry.window_ledger("first", 40).unwrap();
    let error = registry.peak_ledger("second", 40).unwrap_err();
    assert_eq!(error.to_string(), "the registry holds 1 entries at most (`max_entries`)");
    drop(first);
    assert!(registry.peak_ledger("second", 40).is_ok());
}
