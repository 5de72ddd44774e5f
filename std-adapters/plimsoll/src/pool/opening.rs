//! How leases begin.

use plimsoll_core::pool::{Leased, Tenant};

use super::executor::ask;
use super::manager::Manager;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::store::Grant;

impl<M: Manager> Grant<M> {
    /// Takes a leased slot's instance out of its cell: the lease begins.
    ///
    /// # Returns
    /// `None` if the object is dead. It is retired (POOL-13).
    #[inline(always)]
    pub(super) fn open(shared: &Shared<M>, token: Leased, tenant: Tenant) -> Option<Self> {
        Self::open_after(shared, token, tenant, || {})
    }

    /// The same; `before` notes how the checkout was served, before the lease is counted.
    #[inline(always)]
    pub(super) fn open_after(
        shared: &Shared<M>,
        token: Leased,
        tenant: Tenant,
        before: impl FnOnce(),
    ) -> Option<Self> {
        let cell = shared.store.cell(token.slot());
        let mut instance = cell.take().expect("an idle slot has its instance in its cell");
        let answer = ask(|| instance.is_alive());
        if answer != Some(true) {
            Grant { token, instance }.on_dead(shared, answer.is_none());
            return None;
        }
        cell.hands.lend(&token, tenant);
        before();
        instance.begin_lease(cell, &shared.config);
        Some(Grant { token, instance })
    }

    /// An instance that was to be leased is dead, or has panicked when it was asked.
    #[cold]
    fn on_dead(self, shared: &Shared<M>, is_panic: bool) {
        if is_panic {
            shared.stats.panics.count();
        }
        self.remove(shared, DiscardReason::Dead);
    }
}
