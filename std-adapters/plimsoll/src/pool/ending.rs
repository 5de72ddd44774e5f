//! How leases end.

use plimsoll_core::pool::{Leased, Moment, SlotId};

use super::config::Isolation;
use super::executor::{ask, contain};
use super::manager::Manager;
use super::principal::PrincipalState;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::store::{Grant, Instance, InstanceCell, Retirement, forget_near, note_near};

impl<M: Manager> Grant<M> {
    /// A lease has been completed.
    #[inline(always)]
    pub(super) fn complete(mut self, shared: &Shared<M>, principal: &PrincipalState) {
        principal.on_clean();
        let cell = shared.store.cell(self.token.slot());
        if let Some(reason) = self.verdict(shared, cell) {
            return self.discard(shared, principal, reason);
        }
        let Grant { token, mut instance } = self;
        if instance.began.is_some() {
            note_hold(shared, &mut instance);
        }
        let latest = shared.store.moments.latest();
        if latest != instance.idle_since {
            return give_back_next(shared, principal, token, instance);
        }
        give_back(shared, principal, cell, token, instance, latest);
    }

    /// Why an object is not used again, if it is not. It is reset if it is.
    #[inline(always)]
    fn verdict(&mut self, shared: &Shared<M>, cell: &InstanceCell<M>) -> Option<DiscardReason> {
        let Grant { token, instance } = self;
        if shared.config.isolation == Isolation::Fresh {
            return Some(DiscardReason::SingleUse);
        }
        if let Some(reason) = over_bounds(shared, cell, instance) {
            return Some(reason);
        }
        // Until it is given back, or condemned: both change the token.
        cell.hands.call((&*token).into());
        match ask(|| instance.reset()) {
            Some(true) => is_over_bytes(shared, instance).then_some(DiscardReason::Bytes),
            answer => Some(on_reset_failed(shared, answer.is_none())),
        }
    }

    /// A lease has ended, and its object with it.
    #[cold]
    pub(super) fn discard(
        self,
        shared: &Shared<M>,
        principal: &PrincipalState,
        reason: DiscardReason,
    ) {
        let is_fault = matches!(reason, DiscardReason::Faulted | DiscardReason::Panicked);
        self.discard_and_blame(shared, principal, reason, is_fault);
    }

    /// The same, and whether it counts against the principal.
    pub(super) fn discard_and_blame(
        self,
        shared: &Shared<M>,
        principal: &PrincipalState,
        reason: DiscardReason,
        is_fault: bool,
    ) {
        let Grant { token, mut instance } = self;
        note_hold(shared, &mut instance);
        if let (true, Some(backoff)) = (is_fault, &shared.config.backoff) {
            principal.on_fault(backoff, shared.refresh().as_millis() as u64);
        }
        shared.stats.discard(reason);
        let slot = token.slot();
        let Ok(condemned) = shared.store.words.slots.condemn(token) else {
            return on_late_lease(shared, principal, slot, Some(instance));
        };
        let retirement = Retirement { condemned, instance: Some(instance) };
        let is_for_waiter = shared.work.push_ended(shared, retirement);
        let has_room_again = shared.release(principal);
        if is_for_waiter || has_room_again {
            shared.on_release(has_room_again.then_some(principal));
        }
        if is_for_waiter {
            // In case no waiter is given the slot: there are too many, or checkouts build no
            // longer.
            shared.work.hurry(shared);
        }
    }

    /// Gives back an instance that was not used: it stays as cold as it was.
    pub(super) fn undo(self, shared: &Shared<M>, principal: &PrincipalState) {
        let Grant { token, mut instance } = self;
        let slot = token.slot();
        instance.undo_lease();
        let since = instance.idle_since;
        shared.store.cell(slot).put(instance);
        forget_near();
        if shared.store.words.slots.give_back(token, since).is_err() {
            return on_late_lease(shared, principal, slot, None);
        }
        shared.release_and_serve(principal);
        shared.on_release(None);
        shared.work.hurry(shared);
    }

    /// An instance that was to be leased, or was asked, is not used again.
    #[cold]
    pub(super) fn remove(self, shared: &Shared<M>, reason: DiscardReason) {
        let Grant { token, instance } = self;
        let slot = token.slot();
        let Ok(condemned) = shared.store.words.slots.condemn(token) else {
            return shared.on_late_return(slot, Some(instance));
        };
        shared.stats.discard(reason);
        let retirement = Retirement { condemned, instance: Some(instance) };
        shared.work.push_retirement(shared, retirement);
    }
}

/// Another instance has become idle after this one did.
#[inline(never)]
fn give_back_next<M: Manager>(
    shared: &Shared<M>,
    principal: &PrincipalState,
    token: Leased,
    mut instance: Box<Instance<M>>,
) {
    instance.idle_since = shared.store.moments.next(instance.idle_since);
    note_near(&token);
    let since = instance.idle_since;
    give_back(shared, principal, shared.store.cell(token.slot()), token, instance, since);
}

#[inline(always)]
fn give_back<M: Manager>(
    shared: &Shared<M>,
    principal: &PrincipalState,
    cell: &InstanceCell<M>,
    token: Leased,
    instance: Box<Instance<M>>,
    since: Moment,
) {
    let slot = token.slot();
    cell.put(instance);
    if shared.store.words.slots.give_back(token, since).is_err() {
        return on_late_lease(shared, principal, slot, None);
    }
    let has_room_again = shared.release(principal);
    if has_room_again || !shared.store.words.demand.look_after_release().is_quiet() {
        shared.on_release(has_room_again.then_some(principal));
    }
}

#[cold]
fn on_reset_failed<M: Manager>(shared: &Shared<M>, is_panic: bool) -> DiscardReason {
    if is_panic {
        shared.stats.panics.count();
    }
    DiscardReason::ResetFailed
}

/// Which bound on its uses or its age an instance has reached.
#[inline]
fn over_bounds<M: Manager>(
    shared: &Shared<M>,
    cell: &InstanceCell<M>,
    instance: &Instance<M>,
) -> Option<DiscardReason> {
    let bounds = instance.bounds.as_ref()?;
    if instance.uses_in(cell) >= bounds.uses_max {
        return Some(DiscardReason::Uses);
    }
    let is_old = shared.store.moments.latest() >= bounds.expires;
    is_old.then_some(DiscardReason::Age)
}

/// Whether an instance is larger than its bound.
#[inline]
fn is_over_bytes<M: Manager>(shared: &Shared<M>, instance: &Instance<M>) -> bool {
    let bytes_max = instance.bounds.as_ref().map_or(u64::MAX, |bounds| bounds.bytes_max);
    bytes_max < u64::MAX && bytes(shared, instance) > bytes_max
}

#[inline(never)]
fn bytes<M: Manager>(shared: &Shared<M>, instance: &Instance<M>) -> u64 {
    // An object that panics when it is asked counts as too large.
    contain(|| instance.bytes()).unwrap_or_else(|_| {
        shared.stats.panics.count();
        u64::MAX
    })
}

/// A lease has ended whose slot was revoked, for its reset took too long.
#[cold]
fn on_late_lease<M: Manager>(
    shared: &Shared<M>,
    principal: &PrincipalState,
    slot: SlotId,
    instance: Option<Box<Instance<M>>>,
) {
    shared.on_late_return(slot, instance);
    shared.release_and_serve(principal);
}

/// A lease has ended: notes how long it was, if it is one that is timed.
#[cold]
fn note_hold<M: Manager>(shared: &Shared<M>, instance: &mut Instance<M>) {
    let Some(began) = instance.began.take() else { return };
    let now = shared.config.clock.now();
    let held = now.saturating_sub(began).as_nanos();
    shared.stats.hold.record(u64::try_from(held).unwrap_or(u64::MAX));
}
