//! How leases end.

use std::time::Duration;

use plimsoll_core::pool::{Condemned, Leased, Moment, SlotId};

use super::config::Isolation;
use super::contain::{ask, contain};
use super::live::{Live, Place};
use super::manager::Manager;
use super::principal::PrincipalState;
use super::shared::{Grant, Shared, forget_near, note_near};
use super::stats::DiscardReason;
use super::work::Doomed;

impl<M: Manager> Shared<M> {
    /// A lease has been completed.
    #[inline(always)]
    pub(super) fn complete(&self, principal: &PrincipalState, mut grant: Grant<M>) {
        principal.on_clean();
        let slot = grant.token.slot();
        let place = self.place(slot);
        if let Some(reason) = self.verdict(place, &mut grant) {
            return self.discard(principal, grant, reason);
        }
        let Grant { token, live } = grant;
        if let Some(began) = live.began {
            self.note_hold(began);
        }
        let latest = self.moments.latest();
        if latest != live.idle_since {
            return self.give_back_next(principal, token, live);
        }
        self.give_back(principal, place, token, live, latest);
    }

    /// Another instance has become idle after this one did.
    #[inline(never)]
    fn give_back_next(&self, principal: &PrincipalState, token: Leased, mut live: Box<Live<M>>) {
        live.idle_since = self.moments.next(live.idle_since);
        note_near(&token);
        let since = live.idle_since;
        self.give_back(principal, self.place(token.slot()), token, live, since);
    }

    #[inline(always)]
    fn give_back(
        &self,
        principal: &PrincipalState,
        place: &Place<M>,
        token: Leased,
        live: Box<Live<M>>,
        since: Moment,
    ) {
        let slot = token.slot();
        place.put(live);
        if self.slots.give_back(token, since).is_err() {
            return self.on_late_lease(principal, slot, None);
        }
        let has_room_again = self.release(principal);
        if has_room_again || !self.demand.look_after_release().is_quiet() {
            self.on_release(has_room_again.then_some(principal));
        }
    }

    /// Why an object is not used again, if it is not. It is reset if it is.
    #[inline(always)]
    fn verdict(&self, place: &Place<M>, grant: &mut Grant<M>) -> Option<DiscardReason> {
        let Grant { token, live } = grant;
        if self.config.isolation == Isolation::Fresh {
            return Some(DiscardReason::SingleUse);
        }
        if live.uses >= live.uses_max {
            return Some(DiscardReason::Uses);
        }
        if self.moments.latest() >= live.expires {
            return Some(DiscardReason::Age);
        }
        // Until it is given back, or condemned: both change the token.
        place.hands.call((&*token).into());
        match ask(|| live.reset()) {
            Some(true) if live.bytes_max == u64::MAX => None,
            Some(true) => self.is_too_large(live).then_some(DiscardReason::Bytes),
            answer => Some(self.on_reset_failed(answer.is_none())),
        }
    }

    #[cold]
    fn on_reset_failed(&self, is_panic: bool) -> DiscardReason {
        if is_panic {
            self.stats.panics.count();
        }
        DiscardReason::ResetFailed
    }

    #[inline(never)]
    fn is_too_large(&self, live: &Live<M>) -> bool {
        // What cannot say how large it is, is too large.
        let bytes = contain(|| live.bytes()).unwrap_or_else(|_| {
            self.stats.panics.count();
            u64::MAX
        });
        bytes > live.bytes_max
    }

    /// A lease has ended, and its object with it.
    #[cold]
    pub(super) fn discard(
        &self,
        principal: &PrincipalState,
        grant: Grant<M>,
        reason: DiscardReason,
    ) {
        let is_fault = matches!(reason, DiscardReason::Faulted | DiscardReason::Panicked);
        self.discard_and_blame(principal, grant, reason, is_fault);
    }

    /// The same, and whether it is held against the principal.
    pub(super) fn discard_and_blame(
        &self,
        principal: &PrincipalState,
        grant: Grant<M>,
        reason: DiscardReason,
        is_fault: bool,
    ) {
        let Grant { token, live } = grant;
        let now = live.began.map(|began| self.note_hold(began));
        if let (true, Some(backoff)) = (is_fault, &self.config.backoff) {
            principal.on_fault(backoff, self.refresh().as_millis() as u64);
        }
        self.stats.discard(reason);
        let slot = token.slot();
        let Ok(condemned) = self.slots.condemn(token) else {
            return self.on_late_lease(principal, slot, Some(live));
        };
        let is_for_waiter = self.work.push_ended(self, Doomed { condemned, live: Some(live) }, now);
        let has_room_again = self.release(principal);
        if is_for_waiter || has_room_again {
            self.on_release(has_room_again.then_some(principal));
        }
        if is_for_waiter {
            // Should checkouts do the work no longer.
            self.work.hurry(self);
        }
    }

    /// A lease has ended whose slot was revoked, for its reset took too long.
    #[cold]
    fn on_late_lease(&self, principal: &PrincipalState, slot: SlotId, live: Option<Box<Live<M>>>) {
        self.on_late_return(slot, live);
        self.let_go(principal);
    }

    /// Nobody has used what was lent: it is as good, and as cold, as it was.
    pub(super) fn undo(&self, principal: &PrincipalState, grant: Grant<M>) {
        let Grant { token, mut live } = grant;
        let slot = token.slot();
        live.uses -= 1;
        let since = live.idle_since;
        self.place(slot).put(live);
        forget_near();
        if self.slots.give_back(token, since).is_err() {
            return self.on_late_lease(principal, slot, None);
        }
        self.let_go(principal);
        self.on_release(None);
        self.work.hurry(self);
    }

    /// Counts a lease out, where somebody counts.
    ///
    /// # Returns
    /// Whether somebody waits who may have been at the cap.
    #[inline]
    pub(super) fn release(&self, principal: &PrincipalState) -> bool {
        self.config.cap.is_some() && principal.release()
    }

    /// Counts a lease out, and serves whoever was at the cap.
    pub(super) fn let_go(&self, principal: &PrincipalState) {
        if self.release(principal) {
            self.on_release(Some(principal));
        }
    }

    /// What an idle slot held that is condemned.
    pub(super) fn doomed(&self, condemned: Condemned) -> Doomed<M> {
        let live = self.place(condemned.slot()).take();
        Doomed { condemned, live }
    }

    /// An idle instance is not used again.
    pub(super) fn on_condemned(&self, condemned: Condemned, reason: DiscardReason) {
        self.stats.discard(reason);
        self.work.push_retirement(self, self.doomed(condemned));
    }

    /// # Returns
    /// The moment.
    #[cold]
    fn note_hold(&self, began: Duration) -> Duration {
        let now = self.config.clock.now();
        let held = now.saturating_sub(began).as_nanos();
        self.stats.hold.record(u64::try_from(held).unwrap_or(u64::MAX));
        now
    }
}
