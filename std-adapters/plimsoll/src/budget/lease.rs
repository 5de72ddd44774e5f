//! Leases: amounts that are reserved.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::error_type::error_type;

use super::level::Ask;
use super::line::Node;
use super::refused::Refused;
use super::taking::Taking;

error_type! {
    /// Why a lease is not split, shrunk or merged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum LeaseError {
        /// A lease gives back no more than it holds.
        #[error("a lease of {amount} has no {asked} to give: ask for {amount} or less")]
        TooMuch {
            /// How much it holds.
            amount: u64,
            /// How much was asked.
            asked: u64,
        },
    }
}

/// Why two leases are not one: they are of different budgets. The one that was to be merged comes
/// back with it.
#[derive(Debug)]
pub struct MergeError(pub Lease);

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lease) = self;
        write!(
            f,
            "leases of one budget are merged; this one, of {}, is of {}",
            lease.amount, lease.node.tag
        )
    }
}

impl std::error::Error for MergeError {}

/// An amount of a [`Budget`](super::Budget) that is reserved, at its level and at all above it, for as long as this
/// lives.
///
/// It can go to another thread or task, and be kept beside what it pays for. It keeps its budget.
///
/// # Example
/// ```
/// use plimsoll::budget::Budget;
/// use plimsoll::Limit;
///
/// let memory = Budget::new(Limit::memory("host_bytes"), 100)?;
/// let mut buffer = memory.try_reserve(40)?;
/// let mut half = buffer.split(20)?;
/// half.try_grow(10)?;
/// assert_eq!((buffer.amount(), half.amount(), memory.usage()), (20, 30, 50));
/// buffer.merge(half)?;
/// buffer.shrink(45)?;
/// assert_eq!(memory.usage(), 5);
/// drop(buffer);
/// assert_eq!(memory.usage(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a lease gives its amount back at once"]
pub struct Lease {
    node: Arc<Node>,
    amount: u64,
}

impl Lease {
    #[inline]
    pub(super) fn new(node: Arc<Node>, amount: u64) -> Self {
        Self { node, amount }
    }

    /// How much it holds.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Takes `amount` of it into a lease of its own.
    ///
    /// # Errors
    /// [`LeaseError::TooMuch`].
    pub fn split(&mut self, amount: u64) -> Result<Lease, LeaseError> {
        self.check(amount)?;
        self.amount -= amount;
        Ok(Self::new(self.node.clone(), amount))
    }

    /// Adds another lease of the same budget to this one.
    ///
    /// # Errors
    /// A [`MergeError`], with the other lease in it, if they are of different budgets.
    pub fn merge(&mut self, mut other: Lease) -> Result<(), MergeError> {
        if !Arc::ptr_eq(&self.node, &other.node) {
            return Err(MergeError(other));
        }
        self.amount += mem::take(&mut other.amount);
        Ok(())
    }

    /// Reserves `more`, if there is room now and nobody waits for it.
    ///
    /// # Errors
    /// As [`Budget::try_reserve`](super::Budget::try_reserve); the lease keeps what it has.
    pub fn try_grow(&mut self, more: u64) -> Result<(), Refused> {
        self.node.try_take(self.ask(more))?;
        self.add(more);
        Ok(())
    }

    /// [Grows](Self::grow) on the calling thread, which waits for as long as it takes.
    ///
    /// # Errors
    /// As [`Budget::reserve_blocking`](super::Budget::reserve_blocking); the lease keeps what it has.
    pub fn grow_blocking(&mut self, more: u64) -> Result<(), Refused> {
        self.block(more, None)
    }

    /// [Grows](Self::grow) on the calling thread, which waits for `timeout` at most.
    ///
    /// # Errors
    /// As [`Budget::reserve_timeout`](super::Budget::reserve_timeout); the lease keeps what it has.
    pub fn grow_timeout(&mut self, more: u64, timeout: Duration) -> Result<(), Refused> {
        self.block(more, Some(timeout))
    }

    fn block(&mut self, more: u64, timeout: Option<Duration>) -> Result<(), Refused> {
        Taking::new(self.node.clone(), self.ask(more)).block(timeout)?;
        self.add(more);
        Ok(())
    }

    /// Gives `amount` back.
    ///
    /// # Errors
    /// [`LeaseError::TooMuch`]; the lease keeps what it has.
    pub fn shrink(&mut self, amount: u64) -> Result<(), LeaseError> {
        self.split(amount).map(drop)
    }

    fn check(&self, asked: u64) -> Result<(), LeaseError> {
        if asked > self.amount {
            return Err(LeaseError::TooMuch { amount: self.amount, asked });
        }
        Ok(())
    }

    pub(super) fn ask(&self, amount: u64) -> Ask {
        Ask { amount, held: self.amount }
    }

    pub(super) fn add(&mut self, more: u64) {
        self.amount += more;
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        let amount = mem::take(&mut self.amount);
        if amount > 0 {
            self.node.give_back(amount);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lease");
        debug.field("limit", &self.node.tag).field("amount", &self.amount).finish()
    }
}
