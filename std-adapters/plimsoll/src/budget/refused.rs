//! Refusals: which limit has no room, and how it gets some.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::MAX_AMOUNT;
use crate::telemetry::{Category, Tag};

/// Why an ask was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedReason {
    /// There is no room for it now.
    Full,
    /// Others wait for room at this limit: who comes later gets none before them.
    Queued,
    /// It waited for as long as it was to, and there was no room.
    TimedOut,
    /// It is more than the capacity, with what the lease that was to grow holds: it never fits.
    NeverFits,
    /// It is above [`MAX_AMOUNT`](super::MAX_AMOUNT), or nothing at all.
    BadAmount,
    /// The budget is [closed](super::Budget::close).
    Closed,
    /// The measured use leaves no room: see [`Admission`](super::Admission).
    Measured,
}

/// Why a budget gives nothing: the limit that refuses (that of the budget or of one above it), what
/// of it is used, and how it is raised (BUDGET-7).
///
/// ```
/// use plimsoll::budget::{Budget, RefusedReason};
/// use plimsoll::Limit;
///
/// let host = Budget::new(Limit::memory("host_bytes"), 100)?;
/// let guest = host.child(Limit::memory("guest_bytes").scope("guest-7"), 80)?;
/// let _held = host.try_reserve(90)?;
/// let refused = guest.try_reserve(20).unwrap_err();
/// assert_eq!((refused.name(), refused.reason()), ("host_bytes", RefusedReason::Full));
/// assert_eq!((refused.usage(), refused.capacity(), refused.asked()), (90, 100, 20));
/// assert_eq!(
///     refused.to_string(),
///     "memory host_bytes has no room for 20: 90 of 100 used; `Budget::resize` to 110 makes room",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Refused {
    pub(super) tag: Arc<Tag>,
    pub(super) reason: RefusedReason,
    pub(super) usage: u64,
    pub(super) capacity: u64,
    pub(super) asked: u64,
    /// What the lease held that was to grow.
    pub(super) held: u64,
}

impl Refused {
    /// Why.
    pub fn reason(&self) -> RefusedReason {
        self.reason
    }

    /// The name of the limit that refuses.
    pub fn name(&self) -> &str {
        &self.tag.name
    }

    /// The category of that limit.
    pub fn category(&self) -> Category {
        self.tag.category
    }

    /// The scope of that limit.
    pub fn scope(&self) -> Option<&str> {
        self.tag.scope.as_deref()
    }

    /// How much of that limit is used: reserved, or measured if the reason is
    /// [`Measured`](RefusedReason::Measured).
    pub fn usage(&self) -> u64 {
        self.usage
    }

    /// The capacity of that limit.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How much was asked for.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The least capacity that would have had room for it, for
    /// [`Budget::resize`](super::Budget::resize); `None` if no capacity would, or if others who wait have
    /// what room there is. Of what [never fits](RefusedReason::NeverFits), the least capacity at which it
    /// fits once others have given back what they hold.
    pub fn capacity_needed(&self) -> Option<u64> {
        let beside = match self.reason {
            RefusedReason::BadAmount | RefusedReason::Closed | RefusedReason::Queued => {
                return None;
            }
            RefusedReason::NeverFits => self.held,
            _ => self.usage,
        };
        let needed = beside.checked_add(self.asked)?;
        (self.capacity < needed && needed <= MAX_AMOUNT).then_some(needed)
    }

    /// Whether the same ask may have more luck later, or by waiting.
    pub fn is_temporary(&self) -> bool {
        use RefusedReason::{Full, Measured, Queued, TimedOut};
        matches!(self.reason, Full | Measured | Queued | TimedOut)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag, usage, capacity, asked, held, .. } = self;
        let used = format_args!("{usage} of {capacity} used");
        match self.reason {
            RefusedReason::Full => write!(f, "{tag} has no room for {asked}: {used}"),
            RefusedReason::Queued => write!(
                f,
                "{tag} has no room for {asked} before others who wait: {used}; wait in turn with \
                 `Budget::reserve`, or make room for all with `Budget::resize`"
            ),
            RefusedReason::TimedOut => write!(f, "{tag} had no room for {asked} in time: {used}"),
            RefusedReason::NeverFits if *held > 0 => {
                write!(f, "{tag} never has room for {asked} beside the {held} of the lease: {used}")
            }
            RefusedReason::NeverFits => write!(f, "{tag} never has room for {asked}: {used}"),
            RefusedReason::BadAmount => {
                write!(f, "{tag}: an amount is 1 to {MAX_AMOUNT} (asked {asked})")
            }
            RefusedReason::Closed => write!(f, "{tag} is closed: {used}; make a new budget"),
            RefusedReason::Measured => {
                write!(f, "{tag} has no room for {asked}: {usage} of {capacity} measured")
            }
        }?;
        let Some(needed) = self.capacity_needed() else { return Ok(()) };
        // What never fits would fit then, but not beside what others have reserved.
        let others = self.reason == RefusedReason::NeverFits && usage > held;
        let effect = if others { "lets it wait for room" } else { "makes room" };
        write!(f, "; `Budget::resize` to {needed} {effect}")
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("limit", &self.tag)
            .field("reason", &self.reason)
            .field("usage", &self.usage)
            .field("capacity", &self.capacity)
            .field("asked", &self.asked)
            .finish()
    }
}

impl Error for Refused {}
