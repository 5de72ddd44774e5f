//! Ledgers that a registry lists.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use plimsoll_core::ledger::{Aggregate, Entries, Ledger as CoreLedger, Peak, Sum, VALUE_MAX};
use plimsoll_core::ledger::{Certificate, Entry, Lookup, Recorded, Top};

use super::error::{LedgerError, PrincipalError};
use super::id::PrincipalId;
use super::settings::{LedgerSettings, Sets};
use super::turned_away::TurnedAway;
use crate::registry::Registration;
use crate::telemetry::{LedgerKind, Seen, SnapshotLedger, SnapshotUser, Source, SourceReading};

/// A ledger of peaks: who has had the most at one time.
pub type PeakLedger = Ledger<Peak>;

/// A ledger of sums: who has used the most in all.
pub type SumLedger = Ledger<Sum>;

/// A core ledger in a box of its own, registered nowhere: what [`Ledger::merged_with`] makes.
pub type BoxedLedger<A> = CoreLedger<A, Sets, 8>;

/// The largest users of something among any number of principals, in fixed memory, listed by a
/// [`Registry`](crate::Registry) or [standing alone](PeakLedger::new). See [the module](super) for what it promises.
///
/// Clones are handles to the same ledger. With the last handle and the last [`Principal`](super::Principal) it leaves
/// the registry.
///
/// ```
/// use plimsoll::ledger::Lookup;
/// use plimsoll::{Limit, Registry};
///
/// let registry = Registry::new();
/// let heaps = registry.peak_ledger(Limit::memory("guest_memory"), 1_024)?;
/// heaps.record("acme", 3 << 20)?;
/// heaps.record(7u64, 1 << 20)?;
/// assert_eq!(heaps.get("acme")?, Lookup::Present { value: 3 << 20, error: 0 });
/// assert_eq!(heaps.get("nobody")?, Lookup::Absent { at_most: 0 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ledger<A>(pub(super) Arc<Shared<A>>);

pub(super) struct Shared<A> {
    pub(super) core: BoxedLedger<A>,
    turned_away: TurnedAway,
    kind: LedgerKind,
    pub(super) settings: LedgerSettings,
    /// `None`: no registry lists it.
    registration: Option<Registration>,
}

// No user's code runs in any of it, so that no panic leaves a step half done.
impl<A> UnwindSafe for Shared<A> {}
impl<A> RefUnwindSafe for Shared<A> {}

impl<A: Aggregate> Shared<A> {
    /// Counts what was turned away; an amount of 0 asks for nothing.
    #[inline(always)]
    pub(super) fn noted(&self, recorded: Recorded, amount: u64) -> Recorded {
        if !recorded.is_tracked() && amount > 0 {
            self.turned_away.count();
        }
        recorded
    }
}

impl<A: Aggregate + 'static> Ledger<A> {
    pub(super) fn made(
        registration: Option<Registration>,
        settings: LedgerSettings,
        kind: LedgerKind,
    ) -> Result<Self, LedgerError> {
        let core = boxed(&settings)?;
        let turned_away = TurnedAway::new(settings.counts_turned_away);
        let shared = Arc::new(Shared { core, turned_away, kind, settings, registration });
        if let Some(registration) = &shared.registration {
            registration.attach(&shared);
        }
        Ok(Self(shared))
    }
}

impl<A: Aggregate> Ledger<A> {
    /// Records an amount: its new size for a peak, what it has used since the last record for a
    /// sum. An amount of 0 changes nothing.
    ///
    /// # Returns
    /// What that did.
    ///
    /// # Errors
    /// [`PrincipalError`], if that is no principal's id.
    ///
    /// # Progress
    /// Lock-free, without allocation, and as long for a ledger of any size.
    #[inline]
    pub fn record<'k, P>(&self, principal: P, amount: u64) -> Result<Recorded, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        Ok(self.0.noted(self.0.core.record(id.key(), amount), amount))
    }

    /// What was recorded for a principal: its value, or what one can have had at most that is not
    /// tracked.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn get<'k, P>(&self, principal: P) -> Result<Lookup, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        Ok(self.0.core.get(id.key()))
    }

    /// The largest users, as many as the buffer has room for, and how many of them are certain.
    /// It allocates nothing; a [snapshot](crate::Registry::snapshot) lists the largest users of all ledgers.
    ///
    /// ```
    /// use plimsoll::ledger::{Entry, PeakLedger};
    ///
    /// let heaps = PeakLedger::new(64)?;
    /// heaps.record("acme", 3 << 20)?;
    /// let mut buffer = [Entry::NONE; 10];
    /// let top = heaps.top(&mut buffer);
    /// assert_eq!((top.entries().len(), top.covered()), (1, 1));
    /// assert_eq!((top.entries()[0].key().as_str(), top.entries()[0].value()), (Some("acme"), 3 << 20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn top<'b>(&self, buffer: &'b mut [Entry]) -> Top<'b> {
        self.0.core.top(buffer)
    }

    /// All who are tracked, in no order.
    pub fn entries(&self) -> Entries<'_, 8> {
        self.0.core.entries()
    }

    /// How many of those who are tracked are certainly the largest users of all.
    pub fn certificate(&self) -> Certificate {
        self.0.core.certificate()
    }

    /// The amount up to which every newcomer is turned away.
    pub fn floor(&self) -> u64 {
        self.0.core.floor()
    }

    /// All values together: of sums, at rest, all that was ever recorded, also for principals that
    /// were removed; of peaks, the peaks of those who are tracked.
    pub fn total(&self) -> u64 {
        self.0.core.total()
    }

    /// How many are tracked.
    pub fn len(&self) -> usize {
        self.0.core.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.0.core.is_empty()
    }

    /// How many can be tracked: 2.5 times the capacity, or 40 if that is more; in an exact ledger the
    /// capacity.
    pub fn slots(&self) -> usize {
        self.0.core.slots()
    }

    /// How many records were turned away: records, not principals. `None` if they are not
    /// [counted](LedgerSettings::count_turned_away).
    ///
    /// A record that would change nothing can be among them though its principal is tracked, if it
    /// met an admission; see [`Recorded::TurnedAway`].
    pub fn turned_away(&self) -> Option<u64> {
        self.0.turned_away.total()
    }

    /// Whether some value has reached [`VALUE_MAX`], and may be more.
    pub fn is_saturated(&self) -> bool {
        self.0.core.is_saturated()
    }

    /// The core's ledger, to be read. Who is turned away there is not counted.
    pub fn core(&self) -> &BoxedLedger<A> {
        &self.0.core
    }
}

/// An empty ledger that places principals as these settings say.
pub(super) fn boxed<A: Aggregate>(
    settings: &LedgerSettings,
) -> Result<BoxedLedger<A>, LedgerError> {
    let (sets, seed) = (settings.sets()?, settings.the_seed());
    Ok(match settings.entries() {
        Some(entries) => CoreLedger::exact(sets, seed, entries)?,
        None => CoreLedger::with_sets(sets, seed)?,
    })
}

impl Ledger<Peak> {
    /// A ledger of the largest peaks that no registry lists.
    ///
    /// # Errors
    /// [`LedgerError::Capacity`], [`LedgerError::OutOfMemory`], [`LedgerError::Core`].
    pub fn new(settings: impl Into<LedgerSettings>) -> Result<Self, LedgerError> {
        Self::made(None, settings.into(), LedgerKind::Peak)
    }
}

impl Ledger<Sum> {
    /// A ledger of the largest sums that no registry lists.
    ///
    /// # Errors
    /// As for [`PeakLedger::new`].
    pub fn new(settings: impl Into<LedgerSettings>) -> Result<Self, LedgerError> {
        Self::made(None, settings.into(), LedgerKind::Sum)
    }
}

impl<A: Aggregate> Source for Shared<A> {
    fn look(&self) -> Option<SourceReading> {
        None
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        let core = &self.core;
        let mut buffer = vec![Entry::NONE; seen.users().min(core.slots())];
        let top = core.top(&mut buffer);
        let certified = top.covered();
        // After the list: values in slots only rise, so that the listed are never more.
        let total = core.total();
        seen.ledger(|tag| SnapshotLedger {
            tag,
            users: SnapshotUser::listed(top.entries(), certified, total, VALUE_MAX),
            kind: self.kind,
            certified,
            bound: top.bound(),
            floor: Some(core.floor()),
            tracked: core.len(),
            capacity: self.settings.capacity,
            total,
            turned_away: self.turned_away.total(),
            window: None,
            is_saturated: core.is_saturated(),
        });
    }
}

impl<A> Clone for Ledger<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Aggregate> fmt::Debug for Ledger<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Ledger");
        debug.field("limit", &self.0.registration).field("kind", &self.0.kind);
        debug.field("len", &self.len()).finish_non_exhaustive()
    }
}
