//! A channel that is bounded by the weight of its items as well as by their number.
//!
//! The weight is taken of a [`Budget`] of the channel's own, which may be [within](Budget::weighted_channel)
//! a guest's or the host's: then what waits in queues counts for those too. The number of items is a
//! budget as well, whose limit has the same name with `_items` at its end: so a registry shows both, and
//! a refusal says which one is full. A send waits for room in turn; an item that is heavier than a
//! capacity is refused at once. Both ends work as tasks, on any runtime, and on threads.
//!
//! ```
//! use plimsoll::budget::Budget;
//! use plimsoll::Limit;
//!
//! let guest = Budget::new(Limit::memory("guest_bytes"), 1 << 20)?;
//! let weigh = |frame: &Vec<u8>| frame.len() as u64;
//! let (tx, mut rx) = guest.weighted_channel("frame_bytes", 1_000, 16, weigh)?;
//! tx.try_send(vec![0; 900])?;
//! let error = tx.try_send(vec![0; 900]).unwrap_err();
//! assert_eq!(error.refused().name(), "frame_bytes");
//! assert_eq!(error.into_value().len(), 900);
//! assert_eq!((guest.usage(), rx.blocking_recv().map(|frame| frame.len())), (900, Some(900)));
//! assert_eq!(guest.usage(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod receiver;
mod sender;
mod shared;

pub use receiver::{Receiver, TryRecvError};
pub use sender::{SendError, Sender};
pub use shared::ItemRoom;

use super::bounds::Bounds;
use super::error::BudgetError;
use super::handle::Budget;
use crate::registry::Registry;
use crate::telemetry::Limit;
use shared::Shared;

impl Registry {
    /// A channel for `items` at most, whose weights, as `weigh` says, are together no more than the
    /// capacity of `bounds`. `limit` is that of the weight; the number of items has one of the same name
    /// with `_items` at its end. An item may weigh nothing.
    ///
    /// # Errors
    /// As for [`budget`](Self::budget), of either limit, and [`BudgetError::ZeroItems`].
    pub fn weighted_channel<T>(
        &self,
        limit: impl Into<Limit>,
        bounds: impl Into<Bounds>,
        items: usize,
        weigh: impl Fn(&T) -> u64 + Send + Sync + 'static,
    ) -> Result<(Sender<T>, Receiver<T>), BudgetError> {
        let limit = limit.into();
        of(self.budget(limit.clone(), bounds)?, &limit, items, weigh)
    }
}

impl Budget {
    /// A channel as [`Registry::weighted_channel`] makes it, whose weight is of a
    /// [child](Self::child) of this budget: what is in the channel counts here too.
    ///
    /// # Errors
    /// As for [`child`](Self::child), and [`BudgetError::ZeroItems`].
    pub fn weighted_channel<T>(
        &self,
        limit: impl Into<Limit>,
        bounds: impl Into<Bounds>,
        items: usize,
        weigh: impl Fn(&T) -> u64 + Send + Sync + 'static,
    ) -> Result<(Sender<T>, Receiver<T>), BudgetError> {
        let limit = limit.into();
        of(self.child(limit.clone(), bounds)?, &limit, items, weigh)
    }
}

fn of<T>(
    weight: Budget,
    limit: &Limit,
    items: usize,
    weigh: impl Fn(&T) -> u64 + Send + Sync + 'static,
) -> Result<(Sender<T>, Receiver<T>), BudgetError> {
    if items == 0 {
        return Err(BudgetError::ZeroItems { limit: limit.name().to_owned() });
    }
    let registry = weight.0.registry();
    let count = Budget::root(registry.as_ref(), of_items(limit), (items as u64).into())?;
    let shared = Shared::new(weight, count, Box::new(weigh));
    Ok((Sender(shared.clone()), Receiver(shared)))
}

/// The limit of the number of items in a channel whose weight has `limit`.
fn of_items(limit: &Limit) -> Limit {
    let mut items = Limit::queue(format!("{}_items", limit.name()));
    if let Some(scope) = limit.scope_label() {
        items = items.scope(scope.to_owned());
    }
    match limit.pressure_rule() {
        Some(rule) => items.pressure(rule),
        None => items,
    }
}
