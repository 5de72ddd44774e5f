//! Idle instances that the host asks about, or drops.

use super::executor::contain;
use super::handle::Pool;
use super::manager::Manager;
use super::stats::DiscardReason;
use super::store::Grant;

impl<M: Manager> Pool<M> {
    /// Keeps the idle instances for which `keep` says so, asked on the calling thread, and retires
    /// the others. A checkout does not get an instance while it is asked. Instances that are leased
    /// or built meanwhile are not asked (POOL-13).
    ///
    /// A panic of `keep` is contained and counted, and its instance is retired.
    ///
    /// # Returns
    /// How many were retired.
    ///
    /// # Example
    /// ```
    /// # use std::convert::Infallible;
    /// # use plimsoll::pool::{Isolation, Manager, Pool};
    /// # struct Connections;
    /// # impl Manager for Connections {
    /// #     type Object = u32;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<u32, Infallible> {
    /// #         Ok(7)
    /// #     }
    /// # }
    /// let pool = Pool::builder(Connections).isolation(Isolation::Shared).build()?;
    /// pool.checkout_blocking(&pool.principal("acme")?)?.complete();
    /// assert_eq!(pool.retain(|port| *port != 7), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&M::Object) -> bool) -> usize {
        let (shared, mut removed) = (self.shared(), 0);
        let store = &shared.store;
        for (id, view) in store.words.slots.views() {
            if view.idle_since.is_none() {
                continue;
            }
            // Leased to this call while it is asked.
            let Some(token) = store.words.slots.take_at(id, view.tenant) else { continue };
            let instance = store.cell(id).take();
            let instance = instance.expect("an idle slot has its instance in its cell");
            let kept = store.call_in((&token).into(), || contain(|| keep(instance.object())));
            if !matches!(kept, Ok(true)) {
                if kept.is_err() {
                    shared.stats.panics.count();
                }
                Grant { token, instance }.remove(shared, DiscardReason::Removed);
                removed += 1;
                continue;
            }
            let since = instance.idle_since;
            store.cell(id).put(instance);
            // As cold as it was before.
            if store.words.slots.give_back(token, since).is_err() {
                shared.on_late_return(id, None);
            } else if !store.words.demand.look_after_release().is_quiet() {
                shared.on_release(None);
            }
        }
        shared.work.hurry(shared);
        removed
    }

    /// Retires all instances that are idle now, for example when their server has gone. Those that
    /// are leased or built are not touched; the [warm](super::PoolBuilder::warm) ones are built
    /// anew.
    ///
    /// # Returns
    /// How many there were.
    pub fn drop_idle(&self) -> usize {
        let shared = self.shared();
        let slots = &shared.store.words.slots;
        let idle = slots.views().filter(|(_, view)| view.idle_since.is_some());
        // All of them are taken first, so that instances built in their place are not found.
        let idle: Vec<_> = idle.filter_map(|(id, _)| slots.evict_at(id)).collect();
        let dropped = idle.len();
        for condemned in idle {
            shared.on_condemned(condemned, DiscardReason::Removed);
        }
        shared.work.hurry(shared);
        dropped
    }
}
