//! Idle instances that are looked at, or not lent after all.

use plimsoll_core::pool::Leased;

use super::contain::contain;
use super::live::Live;
use super::manager::Manager;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::work::Doomed;

impl<M: Manager> Shared<M> {
    /// An instance that was to be lent, or was looked at, is not used again.
    #[cold]
    pub(super) fn remove(&self, token: Leased, live: Box<Live<M>>, reason: DiscardReason) {
        let slot = token.slot();
        let Ok(condemned) = self.slots.condemn(token) else {
            return self.on_late_return(slot, Some(live));
        };
        self.stats.discard(reason);
        self.work.push_retirement(self, Doomed { condemned, live: Some(live) });
    }

    /// An instance that was to be lent is dead, or has panicked when it was asked.
    #[cold]
    pub(super) fn on_dead(&self, token: Leased, live: Box<Live<M>>, is_panic: bool) {
        if is_panic {
            self.stats.panics.count();
        }
        self.remove(token, live, DiscardReason::Dead);
    }

    /// Keeps those idle instances of which `keep` says so.
    ///
    /// # Returns
    /// How many were not kept.
    pub(super) fn retain(&self, mut keep: impl FnMut(&M::Object) -> bool) -> usize {
        let mut removed = 0;
        for (id, view) in self.slots.views() {
            if view.idle_since.is_none() {
                continue;
            }
            // Lent to this call while it looks.
            let Some(token) = self.slots.take_at(id, view.tenant) else { continue };
            let live = self.place(id).take();
            let live = live.expect("an idle slot has its object in place");
            let kept = self.call_in((&token).into(), || contain(|| keep(live.object())));
            if !matches!(kept, Ok(true)) {
                if kept.is_err() {
                    self.stats.panics.count();
                }
                self.remove(token, live, DiscardReason::Removed);
                removed += 1;
                continue;
            }
            let since = live.idle_since;
            self.place(id).put(live);
            // As cold as it was before.
            if self.slots.give_back(token, since).is_err() {
                self.on_late_return(id, None);
            } else if !self.demand.look_after_release().is_quiet() {
                self.on_release(None);
            }
        }
        self.work.hurry(self);
        removed
    }

    /// # Returns
    /// How many there were.
    pub(super) fn drop_idle(&self) -> usize {
        let idle = self.slots.views().filter(|(_, view)| view.idle_since.is_some());
        // All of them first: what is built in the place of one is not to be found by this.
        let idle: Vec<_> = idle.filter_map(|(id, _)| self.slots.evict_at(id)).collect();
        let dropped = idle.len();
        for condemned in idle {
            self.on_condemned(condemned, DiscardReason::Removed);
        }
        self.work.hurry(self);
        dropped
    }
}
