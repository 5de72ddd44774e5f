//! The product of bytes and the time for which they are held.

use std::time::{Duration, Instant};

use plimsoll_core::ledger::Sum;

use super::error::PrincipalError;
use super::id::PrincipalId;
use super::principal::SumPrincipal;
use super::tracked::Ledger;

/// Bytes times the time that they are held, in whole KiB-seconds: what hosts bill as GB-seconds, in
/// a unit that a [`SumLedger`](super::SumLedger) counts up to 2^50 of (a tebibyte for 34 years).
///
/// It gets each change of the size, and the end. What is left over below a KiB-second is kept, and
/// counts with what comes next: so nothing is lost or billed twice, however often the size changes
/// and however short each lease is. It never reads a clock: `now` is an argument.
///
/// # Invariants
/// - LEDGER-13: after any history, all that it has returned is the exact integral of size over time,
///   rounded down once.
///
/// A clock that goes back adds nothing.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use plimsoll::ledger::HeldBytes;
///
/// let begin = Instant::now();
/// let after = |ms| begin + Duration::from_millis(ms);
/// let mut held = HeldBytes::new();
/// assert_eq!(held.set(3 << 10, begin), 0);
/// assert_eq!(held.set(1 << 10, after(500)), 1, "3 KiB for half a second are 1.5");
/// assert_eq!(held.set(0, after(1_000)), 1, "1 KiB for half a second: 2.0 in all");
/// assert_eq!(held.advance(after(60_000)), 0, "nothing is held");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldBytes {
    bytes: u64,
    /// When they were last counted.
    since: Option<Instant>,
    /// Byte-nanoseconds below a KiB-second.
    rest: u64,
}

/// Byte-nanoseconds of a KiB-second.
const UNIT: u128 = 1_024 * 1_000_000_000;

impl HeldBytes {
    /// Nothing is held yet.
    pub const fn new() -> Self {
        Self { bytes: 0, since: None, rest: 0 }
    }

    /// The size is `bytes` from `now` on; 0 ends a lease.
    ///
    /// # Returns
    /// The KiB-seconds that became whole since the last call: record them.
    #[must_use = "these KiB-seconds are not returned again"]
    pub fn set(&mut self, bytes: u64, now: Instant) -> u64 {
        let due = self.advance(now);
        self.bytes = bytes;
        due
    }

    /// Counts up to `now`, with the size as it is: for leases that last.
    ///
    /// # Returns
    /// As [`set`](Self::set).
    #[must_use = "these KiB-seconds are not returned again"]
    pub fn advance(&mut self, now: Instant) -> u64 {
        let since = self.since.unwrap_or(now);
        let held = now.saturating_duration_since(since);
        self.since = Some(now.max(since));
        // What does not fit has filled a u64 of KiB-seconds long before.
        let new = u128::from(self.bytes).saturating_mul(held.as_nanos());
        let all = new.saturating_add(self.rest.into());
        self.rest = u64::try_from(all % UNIT).unwrap_or(0);
        u64::try_from(all / UNIT).unwrap_or(u64::MAX)
    }

    /// The size now.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is left over below a KiB-second, as the time for which a KiB was held.
    pub const fn rest(&self) -> Duration {
        Duration::from_nanos(self.rest / 1_024)
    }
}

/// A principal of a [`SumLedger`](super::SumLedger) of KiB-seconds, with the bytes that it
/// [holds](HeldBytes) now.
///
/// Keep it for as long as the principal may come again, over all its leases: what is left over below
/// a KiB-second is with it. A holder that is dropped loses that, and what was held since the last
/// call. It is for one thread at a time.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use plimsoll::ledger::SumLedger;
///
/// let ledger = SumLedger::new(1_024)?; // in KiB-seconds
/// let mut acme = ledger.holder("acme")?;
/// let now = Instant::now();
/// acme.set(64 << 20, now); // a lease begins with 64 MiB,
/// acme.set(96 << 20, now + Duration::from_secs(1)); // grows,
/// acme.end(now + Duration::from_secs(3)); // and ends
/// assert_eq!(ledger.get("acme")?.value(), Some((64 + 2 * 96) << 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Holder {
    principal: SumPrincipal,
    held: HeldBytes,
}

impl Ledger<Sum> {
    /// A principal that holds bytes, for a ledger of KiB-seconds (LEDGER-13): see [`Holder`].
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn holder<'k, P>(&self, principal: P) -> Result<Holder, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        Ok(Holder::new(self.principal(principal)?))
    }
}

impl Holder {
    pub(super) fn new(principal: SumPrincipal) -> Self {
        Self { principal, held: HeldBytes::new() }
    }

    /// The principal holds `bytes` from `now` on; what it held until now is recorded.
    ///
    /// # Returns
    /// The KiB-seconds that were recorded.
    pub fn set(&mut self, bytes: u64, now: Instant) -> u64 {
        let due = self.held.set(bytes, now);
        self.record(due)
    }

    /// Records what was held until `now`: for leases that last.
    ///
    /// # Returns
    /// As [`set`](Self::set).
    pub fn advance(&mut self, now: Instant) -> u64 {
        let due = self.held.advance(now);
        self.record(due)
    }

    /// The principal holds nothing from `now` on: its lease has ended.
    ///
    /// # Returns
    /// As [`set`](Self::set).
    pub fn end(&mut self, now: Instant) -> u64 {
        self.set(0, now)
    }

    /// The bytes that are held now.
    pub fn bytes(&self) -> u64 {
        self.held.bytes()
    }

    /// The principal.
    pub fn principal(&self) -> &SumPrincipal {
        &self.principal
    }

    fn record(&mut self, due: u64) -> u64 {
        if due > 0 {
            self.principal.record(due);
        }
        due
    }
}
