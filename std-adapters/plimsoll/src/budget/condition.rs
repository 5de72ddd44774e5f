//! Budgets as conditions of a pressure.

use std::fmt;

use super::handle::Budget;
use crate::pressure::{Condition, Listed, Part, PressureError};
use crate::registry::{Registration, Watchers};

impl Budget {
    /// The handle of its limit, which has a [level](crate::pressure::HasLevel) to wait for; `None` if no
    /// registry lists it.
    ///
    /// ```
    /// use plimsoll::pressure::{HasLevel, Pressure};
    /// use plimsoll::{Level, Limit, Registry};
    ///
    /// let registry = Registry::new();
    /// let memory = registry.budget(Limit::memory("host_bytes"), 100)?;
    /// let listed = memory.listed().expect("a registry lists it");
    /// let overload = Pressure::builder(&registry).when(listed.at(Level::Elevated)).build()?;
    /// let lease = memory.try_reserve(90)?;
    /// assert!(overload.is_on());
    /// drop(lease);
    /// assert_eq!((overload.is_on(), listed.room()), (false, Some(80)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listed(&self) -> Option<Listed> {
        self.node().listing.as_ref().map(Registration::listed)
    }
}

impl From<&Budget> for Condition {
    /// The condition that the budget is raised. A pressure of a budget that no registry lists is not
    /// built: [`PressureError::NotListed`].
    fn from(budget: &Budget) -> Self {
        match budget.listed() {
            Some(listed) => Condition::from(&listed),
            None => Condition::new(NotListed {
                limit: budget.node().tag.to_string(),
                watchers: Watchers::default(),
            }),
        }
    }
}

/// The place of a budget whose level nothing reports. No pressure is built of it.
struct NotListed {
    limit: String,
    watchers: Watchers,
}

impl Part for NotListed {
    fn check(&self) -> Result<(), PressureError> {
        Err(PressureError::NotListed { limit: self.limit.clone() })
    }

    fn holds(&self) -> bool {
        false
    }

    fn between(&self) -> Option<(u64, u64)> {
        None
    }

    fn watchers(&self) -> &Watchers {
        &self.watchers
    }
}

impl fmt::Debug for NotListed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotListed").field(&self.limit).finish()
    }
}
