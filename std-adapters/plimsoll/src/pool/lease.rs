//! Leases: exclusive use of an instance.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::manager::Manager;
use super::principal::Principal;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::store::Grant;
use crate::sync::thread;

/// A lease was dropped before its end.
#[cold]
fn on_drop<M: Manager>(shared: &Shared<M>, principal: &Principal, grant: Grant<M>) {
    grant.discard(shared, &principal.0, end_reason());
}

/// Why a lease ends that is not completed.
fn end_reason() -> DiscardReason {
    if thread::panicking() { DiscardReason::Panicked } else { DiscardReason::Dropped }
}

macro_rules! lease {
    ($lease:ident $(<$lifetime:lifetime>)?) => {
        impl<M: Manager> $lease<$($lifetime,)? M> {
            fn grant(&self) -> &Grant<M> {
                self.grant.as_ref().expect("a lease has its instance until it ends")
            }

            /// The work with the instance has come to a clean end: it may be leased again, as the
            /// pool's isolation and its bounds allow. There is no other way back into the pool
            /// (POOL-3).
            #[inline(always)]
            pub fn complete(mut self) {
                let grant = self.grant.take();
                let ended = self.into_ended();
                if let Some(grant) = grant {
                    grant.complete(&ended.shared, &ended.principal.0);
                }
            }

            /// The instance is broken, and its principal's doing: it is retired, and counts against
            /// the principal.
            pub fn fault(mut self) {
                if let Some(grant) = self.grant.take() {
                    grant.discard(&self.shared, &self.principal.0, DiscardReason::Faulted);
                }
            }

            /// The instance is not used again, and nothing is held against the principal, not even
            /// while the thread panics: what has failed is the host's.
            pub fn discard(mut self) {
                if let Some(grant) = self.grant.take() {
                    let reason = end_reason();
                    grant.discard_and_blame(&self.shared, &self.principal.0, reason, false);
                }
            }

            /// The principal that holds it.
            pub fn principal(&self) -> &Principal {
                &self.principal
            }

            /// The number of leases that the instance has had, this one included: 1 for one that
            /// nobody has used.
            pub fn uses(&self) -> u32 {
                let Grant { token, instance } = self.grant();
                instance.uses_in(self.shared.store.cell(token.slot()))
            }
        }

        impl<M: Manager> Deref for $lease<$($lifetime,)? M> {
            type Target = M::Object;

            #[inline]
            fn deref(&self) -> &M::Object {
                self.grant().instance.object()
            }
        }

        impl<M: Manager> DerefMut for $lease<$($lifetime,)? M> {
            #[inline]
            fn deref_mut(&mut self) -> &mut M::Object {
                let grant = self.grant.as_mut().expect("a lease has its instance until it ends");
                grant.instance.object_mut()
            }
        }

        impl<M: Manager> Drop for $lease<$($lifetime,)? M> {
            #[inline]
            fn drop(&mut self) {
                if let Some(grant) = self.grant.take() {
                    on_drop(&self.shared, &self.principal, grant);
                }
            }
        }

        impl<M: Manager> fmt::Debug for $lease<$($lifetime,)? M> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut debug = f.debug_struct(stringify!($lease));
                debug.field("principal", &self.principal.id()).field("uses", &self.uses());
                debug.finish_non_exhaustive()
            }
        }
    };
}

/// Exclusive use of an instance, for as long as this lives.
///
/// Dropping it discards the instance, whatever the reason (a return, a panic, a cancelled future);
/// [`complete`](Self::complete) is the only way back into the pool. The end of a lease never drops
/// an instance: the background does, or a checkout that makes [its
/// own](super::Manager::may_run_inline).
#[must_use = "dropping a lease discards its instance: complete it"]
pub struct Lease<'a, M: Manager> {
    shared: &'a Shared<M>,
    principal: &'a Principal,
    grant: Option<Grant<M>>,
}

lease!(Lease<'_>);

/// What a [`Lease`] borrows.
struct Ended<'a, M: Manager> {
    shared: &'a Shared<M>,
    principal: &'a Principal,
}

impl<'a, M: Manager> Lease<'a, M> {
    #[inline(always)]
    pub(super) fn new(shared: &'a Shared<M>, principal: &'a Principal, grant: Grant<M>) -> Self {
        Self { shared, principal, grant: Some(grant) }
    }

    /// A lease without its instance has nothing to drop.
    #[inline(always)]
    fn into_ended(self) -> Ended<'a, M> {
        let ended = Ended { shared: self.shared, principal: self.principal };
        mem::forget(self);
        ended
    }

    /// Gives the instance back unused.
    pub(super) fn undo(mut self) {
        if let Some(grant) = self.grant.take() {
            grant.undo(self.shared, &self.principal.0);
        }
    }

    /// The same lease without a borrow, for tasks that outlive the caller. It does not keep the
    /// pool open.
    pub fn into_owned(mut self) -> OwnedLease<M> {
        let grant = mem::take(&mut self.grant);
        // It is borrowed from a handle, so it is still there.
        let shared = self.shared.me.upgrade().expect("a pool outlives its leases");
        OwnedLease { shared, principal: self.principal.clone(), grant }
    }
}

/// A [`Lease`] that borrows nothing.
#[must_use = "dropping a lease discards its instance: complete it"]
pub struct OwnedLease<M: Manager> {
    shared: Arc<Shared<M>>,
    principal: Principal,
    grant: Option<Grant<M>>,
}

lease!(OwnedLease);

impl<M: Manager> OwnedLease<M> {
    fn into_ended(self) -> Self {
        self
    }
}
