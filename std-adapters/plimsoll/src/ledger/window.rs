//! Peaks of the current window.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use plimsoll_core::ledger::{Entry, Lookup, Recorded, Top};

use super::eras::Eras;
use super::error::{LedgerError, PrincipalError};
use super::id::PrincipalId;
use super::settings::LedgerSettings;
use super::turned_away::TurnedAway;
use crate::registry::Registration;
use crate::sync::Mutex;
use crate::telemetry::{LedgerKind, Seen, SnapshotLedger, SnapshotUser, Source, SourceReading};

/// A ledger of the peaks since the window began, such as the current minute, listed by a
/// [`Registry`](crate::Registry).
///
/// The user says when a window is over: [`advance`](Self::advance), from a timer. Within a window
/// it promises what a [`PeakLedger`](super::PeakLedger) does; sizes of 1 TiB and more are cut.
///
/// Clones are handles to the same ledger. With the last one it leaves the registry.
///
/// ```
/// use plimsoll::ledger::Lookup;
/// use plimsoll::{Limit, Registry};
///
/// let registry = Registry::new();
/// let heaps = registry.window_ledger(Limit::memory("guest_memory"), 1_024)?;
/// heaps.record("acme", 700)?;
/// heaps.advance()?;
/// assert_eq!(heaps.get("acme")?, Lookup::Absent { at_most: 0 });
/// heaps.record("acme", 300)?;
/// assert_eq!(heaps.get("acme")?.value(), Some(300));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WindowLedger(Arc<Shared>);

struct Shared {
    eras: Eras,
    /// Held while a window ends.
    advancing: Mutex<()>,
    turned_away: TurnedAway,
    settings: LedgerSettings,
    /// `None`: no registry lists it.
    registration: Option<Registration>,
}

// No user's code runs in any of it, so that no panic leaves a step half done.
impl UnwindSafe for Shared {}
impl RefUnwindSafe for Shared {}

impl WindowLedger {
    /// A ledger of the largest peaks of a window that no registry lists.
    ///
    /// # Errors
    /// As for [`PeakLedger::new`](super::PeakLedger::new).
    pub fn new(settings: impl Into<LedgerSettings>) -> Result<Self, LedgerError> {
        Self::made(None, settings.into())
    }

    pub(super) fn made(
        registration: Option<Registration>,
        settings: LedgerSettings,
    ) -> Result<Self, LedgerError> {
        let shared = Arc::new(Shared {
            eras: Eras::new(&settings)?,
            advancing: Mutex::new(()),
            turned_away: TurnedAway::new(settings.counts_turned_away),
            settings,
            registration,
        });
        if let Some(registration) = &shared.registration {
            registration.attach(&shared);
        }
        Ok(Self(shared))
    }

    /// Records a size that the principal has now. A size of 0 changes nothing.
    ///
    /// # Returns
    /// What that did, in values of this window.
    ///
    /// # Errors
    /// [`PrincipalError`], if that is no principal's id.
    ///
    /// # Progress
    /// Lock-free, without allocation but for a thread's first, and as long for a ledger of any
    /// size.
    ///
    /// # Staleness
    /// A record that meets the end of a window may count for the one that ends.
    pub fn record<'k, P>(&self, principal: P, size: u64) -> Result<Recorded, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        let era = self.0.eras.read();
        let recorded = era.core.record(era.window(), id.key(), size);
        if !recorded.is_tracked() && size > 0 {
            self.0.turned_away.count();
        }
        Ok(recorded)
    }

    /// Records as [`record`](Self::record) does, and says which entry had to go for it (LEDGER-12).
    /// A principal that was not seen in this window has no place in it, and is not named.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn record_evicting<'k, P>(
        &self,
        principal: P,
        size: u64,
    ) -> Result<(Recorded, Option<Entry>), PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        let era = self.0.eras.read();
        let (recorded, evicted) = era.core.record_evicting(era.window(), id.key(), size);
        if !recorded.is_tracked() && size > 0 {
            self.0.turned_away.count();
        }
        Ok((recorded, evicted))
    }

    /// Removes a principal that is gone. Its slot stays at its peak until the window ends, or a
    /// newcomer with more takes it.
    ///
    /// # Returns
    /// The entry as it was, if the principal was seen in this window.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn remove<'k, P>(&self, principal: P) -> Result<Option<Entry>, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        let era = self.0.eras.read();
        Ok(era.core.remove(era.window(), id.key()))
    }

    /// The principal's peak in this window, or what one can have had at most that is not tracked.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn get<'k, P>(&self, principal: P) -> Result<Lookup, PrincipalError>
    where
        P: TryInto<PrincipalId<'k>>,
        PrincipalError: From<P::Error>,
    {
        let id = principal.try_into()?;
        let era = self.0.eras.read();
        Ok(era.core.get(era.window(), id.key()))
    }

    /// The largest peaks of this window, as many as the buffer has room for.
    pub fn top<'b>(&self, buffer: &'b mut [Entry]) -> Top<'b> {
        let era = self.0.eras.read();
        era.core.top(era.window(), buffer)
    }

    /// Ends the window, and begins the next.
    ///
    /// Nothing is cleared: entries of windows that are over give way to others. Once in 1,024
    /// windows the memory is taken anew.
    ///
    /// # Returns
    /// The number of the window that begins.
    ///
    /// # Errors
    /// [`LedgerError::OutOfMemory`]; [`LedgerError::Stalled`], if two threads have stopped for ever within
    /// calls of this ledger. The window then goes on.
    pub fn advance(&self) -> Result<u64, LedgerError> {
        let shared = &*self.0;
        let _advancing = shared.advancing.lock();
        shared.eras.advance(&shared.settings)
    }

    /// The number of the window, from 0.
    pub fn window(&self) -> u64 {
        self.0.eras.read().number()
    }

    /// The largest size there can be; larger ones are cut to it.
    pub fn size_max(&self) -> u64 {
        self.0.eras.read().core.peak_max()
    }

    /// How many records were turned away: records, not principals, in all windows. `None` if they
    /// are not [counted](LedgerSettings::count_turned_away).
    pub fn turned_away(&self) -> Option<u64> {
        self.0.turned_away.total()
    }
}

impl Source for Shared {
    fn look(&self) -> Option<SourceReading> {
        None
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        let era = self.eras.read();
        let window = era.window();
        let mut buffer = vec![Entry::NONE; seen.users().min(era.core.len())];
        let top = era.core.top(window, &mut buffer);
        let (entries, certified, value_max) = (top.entries(), top.covered(), era.core.peak_max());
        let total = entries.iter().map(Entry::value).fold(0, u64::saturating_add);
        seen.ledger(|tag| SnapshotLedger {
            tag,
            users: SnapshotUser::listed(entries, certified, total, value_max),
            kind: LedgerKind::Window,
            certified,
            bound: top.bound(),
            floor: None,
            tracked: era.core.len(),
            capacity: self.settings.capacity,
            total,
            turned_away: self.turned_away.total(),
            window: Some(era.first + window),
            is_saturated: entries.iter().any(|entry| entry.value() >= value_max),
        });
    }
}

impl fmt::Debug for WindowLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WindowLedger");
        debug.field("limit", &self.0.registration).field("window", &self.window());
        debug.finish_non_exhaustive()
    }
}
