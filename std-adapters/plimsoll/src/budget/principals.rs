//! Budgets of principals: made on demand, dropped when unused.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::bounds::Bounds;
use super::error::BudgetError;
use super::handle::Budget;
use super::level;
use super::line::Node;
use super::node::Place;
use crate::ledger::{LongPrincipalId, PeakLedger};
use crate::sync::Mutex;
use crate::telemetry::Limit;

/// Principals that have a budget at one time, unless it is set.
const MAX_DEFAULT: usize = 4_096;

/// Settings for [`PrincipalBudgets`]: see [`Budget::principals`].
#[derive(Debug)]
#[must_use = "nothing is made before `build`"]
pub struct PrincipalsBuilder {
    parent: Budget,
    limit: Limit,
    bounds: Bounds,
    max: usize,
    is_listed: bool,
    peaks: Option<PeakLedger>,
}

impl Budget {
    /// Settings for budgets within this one, one for each principal, made on demand and dropped when
    /// unused.
    pub fn principals(
        &self,
        limit: impl Into<Limit>,
        bounds: impl Into<Bounds>,
    ) -> PrincipalsBuilder {
        PrincipalsBuilder {
            parent: self.clone(),
            limit: limit.into(),
            bounds: bounds.into(),
            max: MAX_DEFAULT,
            is_listed: false,
            peaks: None,
        }
    }
}

impl PrincipalsBuilder {
    /// How many principals have a budget at one time at most; 4,096 by default.
    pub fn max(mut self, principals: usize) -> Self {
        self.max = principals;
        self
    }

    /// Has the registry of the parent list each budget, with the principal's id as its scope. Off by
    /// default: snapshots would show who is served, and a registry has a bound of its own.
    pub fn listed(mut self) -> Self {
        self.is_listed = true;
        self
    }

    /// Records the largest amount that each principal has reserved at one time in a ledger, which keeps
    /// it when the budget is gone.
    pub fn peaks(mut self, ledger: &PeakLedger) -> Self {
        self.peaks = Some(ledger.clone());
        self
    }

    /// Makes the keeper of the budgets, and none of them yet.
    ///
    /// # Errors
    /// What [`Budget::child`] would answer to these settings.
    pub fn build(self) -> Result<PrincipalBudgets, BudgetError> {
        let (parent, limit) = (Some(self.parent.node().clone()), self.limit.clone());
        Place::take(None, parent, limit, self.bounds)?;
        Ok(PrincipalBudgets(Arc::new(Family { settings: self, members: Mutex::default() })))
    }
}

/// A budget for each principal, within one that they share.
///
/// Clones are handles to the same budgets. A principal's budget is made when it is asked for, and is
/// gone with its last handle and its last lease; all who ask for it meanwhile get the same one.
///
/// # Example
/// ```
/// use plimsoll::budget::Budget;
/// use plimsoll::ledger::PeakLedger;
/// use plimsoll::Limit;
///
/// let host = Budget::new(Limit::memory("host_bytes"), 1_000)?;
/// let peaks = PeakLedger::new(64)?;
/// let guests = host.principals(Limit::memory("guest_bytes"), 100);
/// let guests = guests.max(10_000).peaks(&peaks).build()?;
///
/// let lease = guests.budget("acme")?.try_reserve(70)?;
/// assert!(guests.budget("acme")?.try_reserve(70).is_err());
/// assert!(guests.budget("globex")?.try_reserve(70).is_ok());
/// assert_eq!(guests.len(), 1);
/// drop(lease);
/// assert!(guests.is_empty());
/// assert_eq!(peaks.get("acme")?.value(), Some(70));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PrincipalBudgets(Arc<Family>);

struct Family {
    settings: PrincipalsBuilder,
    /// Held for a step in the map, and to make a budget. No budget is dropped under it.
    members: Mutex<HashMap<LongPrincipalId, Weak<Node>>>,
}

impl PrincipalBudgets {
    /// The budget of a principal, whose id is text of any length without control characters.
    ///
    /// # Errors
    /// [`BudgetError::Principal`], [`BudgetError::TooManyPrincipals`]; for a budget that is listed,
    /// [`BudgetError::Register`].
    pub fn budget(&self, principal: &str) -> Result<Budget, BudgetError> {
        let id = LongPrincipalId::new(principal)?;
        let settings = &self.0.settings;
        let mut members = self.0.members.lock();
        if let Some(node) = members.get(&id).and_then(Weak::upgrade) {
            return Ok(Budget(node));
        }
        if members.len() >= settings.max {
            let (limit, max) = (settings.limit.name().to_owned(), settings.max);
            return Err(BudgetError::TooManyPrincipals { limit, max });
        }
        let parent = settings.parent.node().clone();
        let registry = if settings.is_listed { parent.registry() } else { None };
        let limit = settings.limit.clone().scope(id.key().to_string());
        let place = Place::take(registry.as_ref(), Some(parent), limit, settings.bounds)?;
        // From here on nothing fails: a member that is dropped takes the lock that is held.
        let node = Node::new(place, Some(Box::new(Member { family: self.0.clone(), id })));
        members.insert(id, Arc::downgrade(&node));
        Ok(Budget(node))
    }

    /// How many principals have a budget now.
    pub fn len(&self) -> usize {
        self.0.members.lock().len()
    }

    /// Whether no principal has a budget.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The budget that they share.
    pub fn parent(&self) -> &Budget {
        &self.0.settings.parent
    }
}

impl fmt::Debug for PrincipalBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PrincipalBudgets");
        debug.field("limit", &self.0.settings.limit).field("len", &self.len()).finish()
    }
}

/// What a budget is to its principal. Dropped with the budget, it leaves the map.
struct Member {
    family: Arc<Family>,
    id: LongPrincipalId,
}

impl level::Member for Member {
    fn note_peak(&self, peak: u64) {
        if let Some(peaks) = self.family.settings.peaks.as_ref().filter(|_| peak > 0) {
            // The id is a valid one.
            let _ = peaks.record(&self.id, peak);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _gone = {
            let mut members = self.family.members.lock();
            // The principal may have a new budget by now.
            let is_gone = members.get(&self.id).is_some_and(|node| node.strong_count() == 0);
            if is_gone { members.remove(&self.id) } else { None }
        };
    }
}
