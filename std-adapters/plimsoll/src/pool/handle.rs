//! The handle to a pool: its public methods.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::pool::{PoolCounts, PoolId, PoolSlot, PoolSlots};

use super::blocking;
use super::board::Board;
use super::checkout::Checkout;
use super::config::{Background, Config};
use super::drain::Drained;
use super::error::{CheckoutError, PoolError, PrincipalError};
use super::executor::{self, Running, Work};
use super::lease::{Lease, OwnedLease};
use super::manager::Manager;
use super::many::CheckoutMany;
use super::principal::Principal;
use super::scheduler::Room;
use super::shared::Shared;
use super::stats::PoolStats;
use super::store::{Table, Words};
use crate::registry::Registry;
use crate::sync::{Ordering, process::AtomicU32};
use crate::telemetry::Limit;

/// Leases instances of what a [`Manager`] makes to principals, a bounded number of them at a time.
///
/// Clones are handles to the same pool; with the last one it closes.
///
/// # Invariants
/// - POOL-1: instances that live, are built or are torn down are never more than the maximum, those
///   of abandoned calls aside (POOL-12), and those that there were when it was lowered (POOL-17).
/// - POOL-2: a lease is exclusive.
/// - POOL-3: an instance returns to the pool only by [`Lease::complete`]. A lease that is dropped,
///   by a panic or a cancelled future too, discards its instance; the next checkout succeeds.
/// - POOL-4: capacity is restored at every size; a pool of one never holds two instances.
/// - POOL-5: errors are typed: [`CheckoutError`].
/// - POOL-6: waiters are served in order. A waiter or a build that is cancelled loses no permit. A
///   waiter whose instance is being built takes one that comes back meanwhile.
/// - POOL-7: the manager's code, wakers and drops of objects run outside every lock; objects are
///   dropped in the background, or by a checkout that would have to wait for that, where the
///   manager [allows it](Manager::may_run_inline).
/// - POOL-8: idle instances are evicted from the cold end down to the warm ones, so many per tick;
///   all are retired by uses, age and bytes, and those that are leased when they come back. Of
///   several that are idle the warmest is leased: the one that this thread has used last, else the
///   one that came back last, within a tick too (of the first 4,095 in a millisecond).
/// - POOL-9: [`close`](Self::close) stops checkouts and wakes waiters, and
///   [`drained`](Self::drained) resolves once nothing is live.
/// - POOL-10: which principals may lease a used instance is a policy of the pool:
///   [`Isolation`](super::Isolation).
/// - POOL-11: principals have a cap, and turns: with `k` of them waiting, each is served within `k`
///   grants, or its instance is being built.
/// - POOL-12: a call of the manager that hangs costs its own slot, until its bound
///   ([`build_timeout`](super::PoolBuilder::build_timeout) and
///   [`cleanup_timeout`](super::PoolBuilder::cleanup_timeout), 10 s each by default). Then it is
///   abandoned: its slot counts no more, its thread is replaced, what it yields is destroyed. No
///   other checkout waits for a build that one has given up, and it delays no other build.
/// - POOL-13: an idle instance is [asked](Manager::is_alive) whether it is alive before it is
///   leased; all that are idle can be [asked](Self::retain) or [dropped](Self::drop_idle) at once.
/// - POOL-15: a checkout that would wait for what only its own principal holds fails at once,
///   unless [allowed](super::PoolBuilder::wait_for_own_leases); the number of waiters can be
///   [bounded](super::PoolBuilder::max_waiting); no wait is endless by default; several instances
///   can be had [at once](Self::checkout_many).
/// - POOL-16: when `drained` resolves, every instance is destroyed and the manager is dropped,
///   though handles are left: what it has reserved is free for the next pool.
/// - POOL-17: the [maximum](Self::resize), the [warm ones](Self::set_warm) and the [least that
///   there are](Self::set_min) can be changed while it runs. Of more than there may be by then the
///   idle ones are retired at once, and the leased ones when they come back. [Under
///   pressure](Self::shrink_under) fewer are kept idle, and as many as before once it is off.
///
/// # Progress
/// A checkout that finds an instance idle and the completion of one that is used again, with no
/// waiter, take no lock and allocate nothing, and ask the clock once in 64 leases. The end of a
/// lease for a single use takes a lock for a push. To wait, to discard and to serve take a lock for
/// a few steps in a map.
///
/// # Example
/// ```
/// use std::convert::Infallible;
/// use plimsoll::pool::{Isolation, Manager, Pool};
///
/// struct Buffers;
///
/// impl Manager for Buffers {
///     type Object = Vec<u8>;
///     type Error = Infallible;
///
///     async fn create(&self) -> Result<Vec<u8>, Infallible> {
///         Ok(Vec::with_capacity(4096))
///     }
/// }
///
/// let pool = Pool::builder(Buffers).max(4).isolation(Isolation::PerPrincipal).build()?;
/// let acme = pool.principal("acme")?;
///
/// let mut buffer = pool.checkout_blocking(&acme)?;
/// buffer.extend(b"theirs alone");
/// buffer.complete();
/// assert_eq!(&pool.checkout_blocking(&acme)?[..], b"theirs alone");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pool<M: Manager>(Arc<Handle<M>>);

/// Closes the pool with the last of its handles.
struct Handle<M: Manager>(Arc<Shared<M>>);

impl<M: Manager> Drop for Handle<M> {
    fn drop(&mut self) {
        self.0.close();
        if matches!(self.0.work.background, Background::Manual) {
            // There will be no further step: queued builds are given up, queued retirements done.
            while let Some(job) = self.0.work.start() {
                drop(Running::new(self.0.clone(), job));
            }
        }
    }
}

impl<M: Manager> Pool<M> {
    pub(super) fn assemble(
        manager: M,
        config: Config,
        objects: Vec<M::Object>,
        background: Background,
        registry: Option<(Registry, Limit)>,
    ) -> Result<Self, PoolError> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let max = config.max;
        let board = registry.map(|(registry, limit)| Board::new(&registry, limit, max));
        let board = board.transpose()?;
        // Relaxed: the number carries no other data.
        let id = PoolId::new(NEXT.fetch_add(1, Ordering::Relaxed));
        let batch = config.batch(Room::new(&config).warm());
        let slots = Table::new(max, PoolSlot::new);
        let slots = PoolSlots::with_table(slots, id).map_err(|_| PoolError::Max { max })?;
        let words = Words::new(slots);
        let work = Work::new(config.builders, config.drops, batch, background);
        let shared =
            Arc::new_cyclic(|me| Shared::new(manager, config, work, board, words, me.clone()));
        if let Some(board) = &shared.board {
            board.attach(&shared);
        }
        let pool = Pool(Arc::new(Handle(shared.clone())));
        executor::start(&shared)?;
        shared.refresh();
        for object in objects {
            // None is too many, and nobody has closed it.
            let _ = pool.insert(object);
        }
        shared.decide(|scheduler, decision| scheduler.on_start(decision));
        Ok(pool)
    }

    pub(super) fn shared(&self) -> &Arc<Shared<M>> {
        &self.0.0
    }

    /// The principal of that id, of 1 to 64 bytes without control characters.
    ///
    /// Handles are to be kept where a principal comes often: asking takes a lock. One that nobody
    /// holds any more is forgotten some time, and with it which instances it has used.
    ///
    /// # Errors
    /// An id that cannot be.
    pub fn principal(&self, id: &str) -> Result<Principal, PrincipalError> {
        let shared = self.shared();
        shared.principals.intern(id, shared.store.moments.now_ms())
    }

    /// Leases an instance, and waits for one as a task.
    ///
    /// # Errors
    /// Resolves to any [`CheckoutError`] but `Exhausted`.
    ///
    /// # Cancellation
    /// Safe: the place in the queue is given up, and an instance that was granted goes to the next.
    #[inline]
    pub fn checkout<'a>(&'a self, principal: &'a Principal) -> Checkout<'a, M> {
        Checkout::new(self.shared(), principal)
    }

    /// Leases an instance, and blocks the thread until there is one. Not for the threads of a
    /// runtime that is the pool's [`Background`]: the last one of them would wait for itself.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    #[inline(always)]
    pub fn checkout_blocking<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> Result<Lease<'a, M>, CheckoutError> {
        let shared = self.shared();
        match shared.lease_idle(&principal.0) {
            Some(grant) => Ok(Lease::new(shared, principal, grant)),
            None => blocking::wait(shared, principal, shared.config.wait_timeout),
        }
    }

    /// As [`checkout_blocking`](Self::checkout_blocking), with a timeout of its own.
    ///
    /// # Errors
    /// Any [`CheckoutError`] but `Exhausted`.
    #[inline]
    pub fn checkout_blocking_for<'a>(
        &'a self,
        principal: &'a Principal,
        timeout: Duration,
    ) -> Result<Lease<'a, M>, CheckoutError> {
        let shared = self.shared();
        match shared.lease_idle(&principal.0) {
            Some(grant) => Ok(Lease::new(shared, principal, grant)),
            None => blocking::wait(shared, principal, Some(timeout)),
        }
    }

    /// Leases an instance if one is idle and nobody waits, or can be made
    /// [at once](Manager::may_run_inline). If not, one is begun, unless some are on their way.
    ///
    /// # Errors
    /// `Exhausted` if none is, `BuildFailed` if it made one itself, `Refused` if the principal is
    /// at its cap or has to keep off, `Closed`, `ForeignPrincipal`.
    #[inline(always)]
    pub fn try_checkout<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> Result<Lease<'a, M>, CheckoutError> {
        let shared = self.shared();
        match shared.lease_idle(&principal.0) {
            Some(grant) => Ok(Lease::new(shared, principal, grant)),
            None => blocking::make_or_begin(shared, principal)
                .map(|grant| Lease::new(shared, principal, grant)),
        }
    }

    /// Leases `count` instances at once, all or none, and waits for them as a task (POOL-15).
    ///
    /// One such checkout gathers its instances at a time, the others wait for their turn: two of
    /// them never wait for each other. A caller that asks for all that it needs by one such
    /// checkout, and for nothing more while it has them, cannot deadlock with others that do the
    /// same. Each is asked whether it is [alive](Manager::is_alive) when it is gathered.
    ///
    /// # Errors
    /// As of [`checkout`](Self::checkout), and `TooMany`. What was gathered until then goes back
    /// unused.
    ///
    /// # Cancellation
    /// Safe: what was gathered goes back unused.
    pub fn checkout_many<'a>(
        &'a self,
        principal: &'a Principal,
        count: usize,
    ) -> CheckoutMany<'a, M> {
        CheckoutMany::new(self.shared(), principal, count)
    }

    /// [`checkout_many`](Self::checkout_many), which blocks the thread.
    ///
    /// # Errors
    /// As of [`checkout_many`](Self::checkout_many).
    pub fn checkout_many_blocking<'a>(
        &'a self,
        principal: &'a Principal,
        count: usize,
    ) -> Result<Vec<Lease<'a, M>>, CheckoutError> {
        CheckoutMany::new(self.shared(), principal, count).block()
    }

    /// [`checkout`](Self::checkout), for a task that outlives the caller. The future keeps the pool
    /// open; the lease does not.
    ///
    /// # Errors
    /// As of [`checkout`](Self::checkout).
    ///
    /// # Cancellation
    /// As of [`checkout`](Self::checkout).
    pub fn checkout_owned(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<OwnedLease<M>, CheckoutError>> + Send + use<M> {
        let (pool, principal) = (self.clone(), principal.clone());
        async move { pool.checkout(&principal).await.map(Lease::into_owned) }
    }

    /// Closes the pool: checkouts fail from here on, those that wait too; what is idle is retired,
    /// and what is leased or built when it comes.
    ///
    /// # Returns
    /// Whether this call has closed it.
    pub fn close(&self) -> bool {
        self.shared().close()
    }

    /// Whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.shared().store.words.demand.look().is_closed()
    }

    /// Resolves when the pool is closed, nothing of it is live, and its manager is dropped. A call
    /// of the manager that hangs, and a lease that is out, keep it from that.
    ///
    /// # Cancellation
    /// Safe.
    pub fn drained(&self) -> Drained<'_> {
        Drained::new(&self.shared().drain)
    }

    /// Blocks until the pool is [drained](Self::drained).
    ///
    /// # Returns
    /// Whether that was so in time.
    pub fn wait_drained(&self, timeout: Duration) -> bool {
        self.shared().drain.wait(timeout)
    }

    /// Does what is due now, on the calling thread: waits that are over, evictions, then the builds
    /// and retirements that were queued. For [`Background::Manual`]; beside another background it
    /// does no harm.
    ///
    /// # Returns
    /// How many builds and retirements that were.
    pub fn step(&self) -> usize {
        let shared = self.shared();
        shared.maintain();
        let jobs = (0..shared.work.len()).map_while(|_| shared.work.start());
        let mut done = 0;
        for job in jobs {
            Running::new(shared.clone(), job).run_blocking();
            done += 1;
        }
        done
    }

    /// How many instances are in which state.
    ///
    /// # Staleness
    /// As of [`PoolSlots::counts`].
    pub fn counts(&self) -> PoolCounts {
        self.shared().store.words.counts()
    }

    /// What the pool has done.
    pub fn stats(&self) -> PoolStats {
        self.shared().read_stats()
    }

    /// The manager; `None` once the pool is drained, when it has dropped it (POOL-16). A caller
    /// that keeps it keeps what it has reserved.
    pub fn manager(&self) -> Option<Arc<M>> {
        self.shared().manager.get()
    }
}

impl<M: Manager> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Manager> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Pool");
        debug.field("counts", &self.counts()).finish_non_exhaustive()
    }
}
