//! The handle to a budget.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::Level;
use plimsoll_core::budget::Reading;

use super::bounds::Bounds;
use super::error::BudgetError;
use super::lease::Lease;
use super::level::Ask;
use super::line::Node;
use super::node::Place;
use super::refused::Refused;
use super::taking::Taking;
use crate::registry::Registry;
use crate::telemetry::{Limit, Source};

impl Registry {
    /// Registers a budget: a gauge that can refuse.
    ///
    /// # Errors
    /// [`BudgetError::Capacity`], [`BudgetError::NoLevels`]; [`BudgetError::Register`] for an invalid name
    /// or scope, too many entries, a rule that repeats at no interval.
    pub fn budget(
        &self,
        limit: impl Into<Limit>,
        bounds: impl Into<Bounds>,
    ) -> Result<Budget, BudgetError> {
        Budget::root(Some(self), limit.into(), bounds.into())
    }
}

/// A limit that is reserved before it is used: [the module](super) says what it promises.
///
/// Clones are handles to the same budget. It lives until its last handle, its last [`Lease`] and its
/// last child are gone, and leaves the registry then.
///
/// # Example
/// ```
/// use plimsoll::budget::RefusedReason;
/// use plimsoll::{Limit, Registry};
///
/// let registry = Registry::new();
/// let host = registry.budget(Limit::memory("host_bytes"), 1 << 30)?;
/// let guest = Limit::memory("guest_bytes").scope("guest-7");
/// let guest = host.child(guest, 64 << 20)?;
///
/// let lease = guest.try_reserve(48 << 20)?;
/// assert_eq!((host.usage(), guest.usage()), (48 << 20, 48 << 20));
/// let refused = guest.try_reserve(32 << 20).unwrap_err();
/// assert_eq!((refused.name(), refused.reason()), ("guest_bytes", RefusedReason::Full));
/// drop(lease);
/// assert_eq!(host.usage(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Budget(pub(super) Arc<Node>);

impl Budget {
    /// A budget that no registry lists.
    ///
    /// # Errors
    /// As for [`Registry::budget`].
    pub fn new(limit: impl Into<Limit>, bounds: impl Into<Bounds>) -> Result<Self, BudgetError> {
        Self::root(None, limit.into(), bounds.into())
    }

    pub(super) fn root(
        registry: Option<&Registry>,
        limit: Limit,
        bounds: Bounds,
    ) -> Result<Self, BudgetError> {
        Ok(Self(Node::new(Place::take(registry, None, limit, bounds)?, None)))
    }

    /// A budget within this one, listed by the same registry, if any: what is reserved of it is reserved
    /// of this one too, or of neither. It keeps this one alive.
    ///
    /// The capacities of several children may be more than this one's, for guests that are not all at
    /// their limit at once.
    ///
    /// # Errors
    /// As for [`Registry::budget`], and [`BudgetError::AboveParent`], [`BudgetError::TooDeep`].
    pub fn child(
        &self,
        limit: impl Into<Limit>,
        bounds: impl Into<Bounds>,
    ) -> Result<Self, BudgetError> {
        let registry = self.0.registry();
        let parent = Some(self.0.clone());
        let place = Place::take(registry.as_ref(), parent, limit.into(), bounds.into())?;
        Ok(Self(Node::new(place, None)))
    }

    /// Reserves `amount` at this level and all above it, if there is room now and nobody waits for it.
    ///
    /// # Errors
    /// A [`Refused`] that names the limit without room (BUDGET-7).
    ///
    /// # Progress
    /// Lock-free, without an allocation, while nobody waits (BUDGET-6). The lease keeps a handle, which
    /// is one more read-modify-write.
    #[inline]
    pub fn try_reserve(&self, amount: u64) -> Result<Lease, Refused> {
        self.0.try_take(Ask { amount, held: 0 })?;
        Ok(Lease::new(self.0.clone(), amount))
    }

    /// Reserves `amount` on the calling thread, which waits for its turn, as long as it takes.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub fn reserve_blocking(&self, amount: u64) -> Result<Lease, Refused> {
        self.block(amount, None)
    }

    /// Reserves `amount` on the calling thread, which waits for its turn, for `timeout` at most.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve), and [`TimedOut`](super::RefusedReason::TimedOut).
    pub fn reserve_timeout(&self, amount: u64, timeout: Duration) -> Result<Lease, Refused> {
        self.block(amount, Some(timeout))
    }

    fn block(&self, amount: u64, timeout: Option<Duration>) -> Result<Lease, Refused> {
        self.taking(amount).block(timeout)?;
        Ok(Lease::new(self.0.clone(), amount))
    }

    pub(super) fn taking(&self, amount: u64) -> Taking {
        Taking::new(self.0.clone(), Ask { amount, held: 0 })
    }

    /// Changes the capacity (BUDGET-4); the watermarks keep their shares of it. Below the usage it
    /// refuses until it fits again. Waiters are served if there is room now, and refused if there
    /// never will be.
    ///
    /// A parent may be resized below its children: they get what there is.
    ///
    /// # Errors
    /// [`BudgetError::Capacity`], [`BudgetError::AboveParent`]; nothing is changed then.
    pub fn resize(&self, capacity: u64) -> Result<(), BudgetError> {
        self.0.resize(|_| capacity)
    }

    /// Refuses all that is asked from now on, here and of what is within; waiters are refused, too. Leases
    /// stay as they are, and give back when they are dropped.
    pub fn close(&self) {
        self.0.line.close(&self.0);
    }

    /// Whether this budget, or one above it, is [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.0.path().any(Node::is_closed)
    }

    /// The budget that this one is within.
    pub fn parent(&self) -> Option<Budget> {
        self.0.parent.clone().map(Budget)
    }

    /// The name of its limit.
    pub fn name(&self) -> &str {
        &self.0.tag.name
    }

    /// The scope of its limit.
    pub fn scope(&self) -> Option<&str> {
        self.0.tag.scope.as_deref()
    }

    /// How much is reserved now. An ask that is under way may show in it.
    pub fn usage(&self) -> u64 {
        self.0.usage()
    }

    /// How much can be reserved.
    pub fn capacity(&self) -> u64 {
        self.0.capacity()
    }

    /// How much there is room for now, at this level and all above it.
    pub fn available(&self) -> u64 {
        let room = |node: &Node| node.capacity().saturating_sub(node.usage());
        self.0.path().map(room).min().unwrap_or(0)
    }

    /// The level that agrees with the usage.
    pub fn level(&self) -> Level {
        self.0.word.level()
    }

    /// The largest usage there was.
    pub fn high_water(&self) -> u64 {
        self.0.word.high_water()
    }

    /// Usage, high-water mark, level and watermarks at one moment.
    pub fn reading(&self) -> Reading {
        self.0.word.reading()
    }

    /// How many wait at this level.
    pub fn waiting(&self) -> u64 {
        self.0.waiting()
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.0
    }
}

impl Lease {
    /// The budget that it is of.
    pub fn budget(&self) -> Budget {
        Budget(self.node().clone())
    }
}

impl PartialEq for Budget {
    /// Whether both are handles to the same budget.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Budget {}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limit", &self.0.tag)
            .field("usage", &self.usage())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
