//! The builder of a pool.

use std::fmt;
use std::time::Duration;

use super::config::{Background, Backoff, Config, Isolation, RetireBounds};
use super::error::PoolError;
#[cfg(feature = "tokio")]
use super::executor::contain;
use super::handle::Pool;
use super::manager::Manager;
use crate::clock::{Clock, MonotonicClock};
use crate::registry::Registry;
use crate::telemetry::Limit;

/// Settings of a [`Pool`].
#[must_use = "it has no effect until `build`"]
pub struct PoolBuilder<M: Manager> {
    manager: M,
    config: Config,
    objects: Vec<M::Object>,
    background: Background,
    registry: Option<(Registry, Limit)>,
}

/// The default bound of a wait.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The default bound of a call of the manager.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

const MAX_MAX: usize = 1 << 16;
const TICK_MIN: Duration = Duration::from_millis(1);
const TICK_MAX: Duration = Duration::from_secs(3_600);

impl<M: Manager> Pool<M> {
    /// Settings for a pool.
    pub fn builder(manager: M) -> PoolBuilder<M> {
        PoolBuilder::new(manager)
    }
}

impl<M: Manager> PoolBuilder<M> {
    pub(super) fn new(manager: M) -> Self {
        let backoff =
            Backoff { after: 8, base: Duration::from_millis(100), max: Duration::from_secs(10) };
        let config = Config {
            max: 16,
            warm: None,
            min: 0,
            builders: 2,
            drops: 1,
            isolation: Isolation::default(),
            cap: None,
            waiting_max: None,
            line_max: None,
            waits_for_own: false,
            wait_timeout: Some(WAIT_TIMEOUT),
            build_timeout: Some(CALL_TIMEOUT),
            cleanup_timeout: Some(CALL_TIMEOUT),
            max_abandoned: None,
            retirement: RetireBounds::default(),
            idle_age: Some(Duration::from_secs(60)),
            evictions_per_tick: 4,
            backoff: Some(backoff),
            tick: Duration::from_millis(10),
            clock: Box::new(MonotonicClock::default()),
        };
        let (objects, background) = (Vec::new(), Background::default());
        Self { manager, config, objects, background, registry: None }
    }

    /// How many instances there are at most, those that are built or torn down included (POOL-1);
    /// 16 by default.
    pub fn max(mut self, max: usize) -> Self {
        self.config.max = max;
        self
    }

    /// How many idle instances are kept ready as long as the maximum allows: built ahead, and not
    /// evicted for their age. By default three quarters of the maximum where instances are
    /// [`Fresh`](Isolation::Fresh), else 0.
    pub fn warm(mut self, idle: usize) -> Self {
        self.config.warm = Some(idle);
        self
    }

    /// How many instances there are at least, those that are leased or built included: built ahead,
    /// and not evicted for their idle time; none by default. Beside [`warm`](Self::warm), which
    /// counts idle ones alone, the one that asks for more is decisive.
    pub fn min(mut self, instances: usize) -> Self {
        self.config.min = instances;
        self
    }

    /// Instances that were made elsewhere, for the pool to begin with: as if they had been
    /// [handed in](Pool::insert) before anything is built.
    pub fn objects(mut self, objects: impl IntoIterator<Item = M::Object>) -> Self {
        self.objects.extend(objects);
        self
    }

    /// How many instances the background builds at one time; 2 by default.
    pub fn builders(mut self, concurrent: usize) -> Self {
        self.config.builders = concurrent;
        self
    }

    /// How many instances the background retires at one time; 1 by default.
    ///
    /// Waking a thread for each takes longer than a short lease does. So instances for a single use
    /// are retired once a quarter of the [warm](Self::warm) ones is left, a checkout waits, the
    /// pool closes, or a [tick](Self::tick) has passed. Where the manager
    /// [allows it](Manager::may_run_inline), checkouts that find nothing ready retire them as well,
    /// a thread is woken for a quarter once per 500 us at most, and one that has had something to do
    /// looks again after 100 us.
    pub fn drops(mut self, concurrent: usize) -> Self {
        self.config.drops = concurrent;
        self
    }

    /// Which principals may lease a used instance; instances are single-use by default.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.config.isolation = isolation;
        self
    }

    /// How many instances a principal holds at one time; no bound by default. One that has as many
    /// is refused, or waits if it may [wait for its own](Self::wait_for_own_leases), and blocks
    /// nobody else. To count costs two read-modify-writes per lease.
    pub fn per_principal_cap(mut self, max: usize) -> Self {
        self.config.cap = Some(max);
        self
    }

    /// How many checkouts wait at one time, of all principals together; no bound by default.
    /// Further ones are refused with [`LineFull`](super::CheckoutError::LineFull).
    pub fn max_waiting(mut self, max: usize) -> Self {
        self.config.line_max = Some(max);
        self
    }

    /// Lets a principal wait for what only itself holds: where many tasks or threads share one
    /// principal, and none of them asks for an instance while it has one.
    ///
    /// By default such a checkout fails at once, with
    /// [`WaitsForItself`](super::CheckoutError::WaitsForItself): if the principal is at its cap, or
    /// holds all instances there may be (POOL-15).
    pub fn wait_for_own_leases(mut self) -> Self {
        self.config.waits_for_own = true;
        self
    }

    /// How many checkouts of one principal wait at one time; no bound by default. Further ones are
    /// refused.
    pub fn per_principal_waiting(mut self, max: usize) -> Self {
        self.config.waiting_max = Some(max);
        self
    }

    /// How long a checkout waits at most; 30 s by default.
    ///
    /// A blocking checkout keeps the time itself. That of a task is kept by the pool's background,
    /// to a millisecond or two by its own thread or by tokio's timers, and at the next
    /// [`step`](super::Pool::step) with [`Background::Manual`]: no runtime is needed.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.config.wait_timeout = Some(timeout);
        self
    }

    /// Lets a checkout wait for ever. Checkouts that wait for each other then do.
    pub fn no_wait_timeout(mut self) -> Self {
        self.config.wait_timeout = None;
        self
    }

    /// How long a build takes at most; 10 s by default.
    ///
    /// A build is cancelled where it awaits. One that blocks its thread is *abandoned* (POOL-12), a
    /// sixteenth of the time later: its slot is free for another, its thread is replaced, and what
    /// it yields after all is destroyed. Until then a build that a checkout has given up, by its
    /// timeout or by being dropped, holds up no other: no checkout waits for it any more, and it is
    /// not one of the [builders](Self::builders).
    pub fn build_timeout(mut self, timeout: Duration) -> Self {
        self.config.build_timeout = Some(timeout);
        self
    }

    /// Lets a build take as long as it likes. One that hangs keeps its slot for ever.
    pub fn no_build_timeout(mut self) -> Self {
        self.config.build_timeout = None;
        self
    }

    /// How long a [reset](super::Manager::reset) or a [retirement](super::Manager::retire) takes at
    /// most; 10 s by default. One that takes longer is abandoned, as a build is.
    pub fn cleanup_timeout(mut self, timeout: Duration) -> Self {
        self.config.cleanup_timeout = Some(timeout);
        self
    }

    /// Lets resets and retirements take as long as they like.
    pub fn no_cleanup_timeout(mut self) -> Self {
        self.config.cleanup_timeout = None;
        self
    }

    /// How many calls of the manager are abandoned at one time; as many as the maximum by default.
    /// Further ones keep their slots. 0 where each instance takes room that is reserved elsewhere
    /// for the maximum: an abandoned call may hold such room, beside the maximum of others.
    pub fn max_abandoned(mut self, calls: usize) -> Self {
        self.config.max_abandoned = Some(calls);
        self
    }

    /// Retires an instance after so many leases.
    pub fn retire_after_uses(mut self, uses: u32) -> Self {
        self.config.retirement.uses = Some(uses);
        self
    }

    /// Retires an instance when it is so old; one that is leased then, when it comes back.
    pub fn retire_after_age(mut self, age: Duration) -> Self {
        self.config.retirement.age = Some(age);
        self
    }

    /// Retires an instance that comes back with more than so many [bytes](Manager::bytes).
    pub fn retire_above_bytes(mut self, bytes: u64) -> Self {
        self.config.retirement.bytes = Some(bytes);
        self
    }

    /// Cuts the bounds of each instance by up to so many percent, at random, so that instances
    /// which were built together do not go together; 0 by default.
    pub fn retirement_jitter(mut self, percent: u8) -> Self {
        self.config.retirement.jitter_percent = percent;
        self
    }

    /// Evicts instances that have been idle for so long, from the cold end, down to the
    /// [warm](Self::warm) ones. After 60 s by default.
    pub fn idle_age(mut self, age: Duration) -> Self {
        self.config.idle_age = Some(age);
        self
    }

    /// Evicts no instance for its idle time.
    pub fn no_idle_age(mut self) -> Self {
        self.config.idle_age = None;
        self
    }

    /// How many instances a tick evicts at most; 4 by default.
    pub fn evictions_per_tick(mut self, max: usize) -> Self {
        self.config.evictions_per_tick = max;
        self
    }

    /// Refuses a principal for a while once `after` of its leases have ended in
    /// [faults](super::Lease::fault) or panics: for `base`, and twice as long for each further one,
    /// up to `max`. A clean completion makes up for one fault. 8, 100 ms and 10 s by default.
    pub fn fault_backoff(mut self, after: u32, base: Duration, max: Duration) -> Self {
        self.config.backoff = Some(Backoff { after, base, max });
        self
    }

    /// Refuses no principal for faults.
    pub fn no_fault_backoff(mut self) -> Self {
        self.config.backoff = None;
        self
    }

    /// How often idle instances are checked, and how finely ages are counted; 10 ms by default.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.config.tick = tick;
        self
    }

    /// The clock of the pool; [`MonotonicClock`] by default. Threads park by the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.config.clock = Box::new(clock);
        self
    }

    /// What builds, retires and keeps time; threads of the pool's own by default.
    pub fn background(mut self, background: Background) -> Self {
        self.background = background;
        self
    }

    /// Lists the pool in a registry: how many instances are leased of how many there may be, and
    /// who waits.
    pub fn registry(mut self, registry: &Registry, limit: impl Into<Limit>) -> Self {
        self.registry = Some((registry.clone(), limit.into()));
        self
    }

    /// Makes the pool. Builds of the warm instances begin at once; this call does not wait for
    /// them.
    ///
    /// # Errors
    /// [`PoolError`]: numbers out of range, a registry that does not take it, threads that cannot
    /// be started.
    pub fn build(self) -> Result<Pool<M>, PoolError> {
        let Self { manager, config, objects, background, registry } = self;
        check(&config, objects.len())?;
        #[cfg(feature = "tokio")]
        check_timers(&background)?;
        Pool::assemble(manager, config, objects, background, registry)
    }
}

pub(super) fn check_max(max: usize) -> Result<(), PoolError> {
    if max == 0 || max > MAX_MAX {
        return Err(PoolError::Max { max });
    }
    Ok(())
}

fn check(config: &Config, objects: usize) -> Result<(), PoolError> {
    let Config { max, min, tick, .. } = *config;
    check_max(max)?;
    if let Some(warm) = config.warm.filter(|warm| *warm > max) {
        return Err(PoolError::WarmAboveMax { warm, max });
    }
    if min > max {
        return Err(PoolError::MinAboveMax { min, max });
    }
    if objects > max {
        return Err(PoolError::TooManyObjects { objects, max });
    }
    if !(TICK_MIN..=TICK_MAX).contains(&tick) {
        return Err(PoolError::Tick { tick });
    }
    let percent = config.retirement.jitter_percent;
    if percent > 90 {
        return Err(PoolError::Jitter { percent });
    }
    if let Some(Backoff { base, max, .. }) = config.backoff {
        if base > max {
            return Err(PoolError::BackoffAboveMax { base, max });
        }
    }
    let no_time = Some(Duration::ZERO);
    let zeros = [
        ("builders", config.builders == 0),
        ("drops", config.drops == 0),
        ("evictions_per_tick", config.evictions_per_tick == 0),
        ("per_principal_cap", config.cap == Some(0)),
        ("wait_timeout", config.wait_timeout == no_time),
        ("build_timeout", config.build_timeout == no_time),
        ("cleanup_timeout", config.cleanup_timeout == no_time),
        ("retire_after_uses", config.retirement.uses == Some(0)),
        ("retire_after_age", config.retirement.age == no_time),
        ("idle_age", config.idle_age == no_time),
        ("fault_backoff", config.backoff.is_some_and(|backoff| backoff.after == 0)),
    ];
    match zeros.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((setting, _)) => Err(PoolError::Zero { setting }),
        None => Ok(()),
    }
}

/// A runtime does not say whether it has timers, but by a panic.
#[cfg(feature = "tokio")]
fn check_timers(background: &Background) -> Result<(), PoolError> {
    let Background::Tokio(handle) = background else { return Ok(()) };
    let probe = || {
        let _entered = handle.enter();
        drop(tokio::time::sleep(Duration::ZERO));
    };
    contain(probe).map_err(|_| PoolError::NoTimers)
}

impl<M: Manager> fmt::Debug for PoolBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PoolBuilder");
        debug.field("max", &self.config.max).field("isolation", &self.config.isolation);
        debug.finish_non_exhaustive()
    }
}
