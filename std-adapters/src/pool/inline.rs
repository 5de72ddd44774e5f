//! Work done by whoever would have to wait for it.
//!
//! What one processor makes and another uses, or uses and another takes down, costs the way of its
//! memory between them and a wake-up besides: some 20 us, where a small guest is made and taken down
//! in 2. So once there is no instance left that was made ahead, a checkout does both itself, if the
//! manager [allows it](Manager::may_run_inline).

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use plimsoll_core::pool::{Building, Tenant};

use super::config::{Config, Isolation};
use super::contain::poll_once;
use super::error::CheckoutError;
use super::live::Live;
use super::manager::Manager;
use super::principal::PrincipalState;
use super::shared::{Grant, Shared};
use super::work::Doomed;

/// Builds and retirements that take longer are left to the background.
const BRIEF: Duration = Duration::from_millis(1);

/// Whether checkouts may do the work of the background.
pub(super) struct Inline {
    is_allowed: bool,
    /// Whether the last build or retirement was brief; not before the first one.
    is_brief: AtomicBool,
}

impl Inline {
    pub(super) fn new<M: Manager>(manager: &M, config: &Config) -> Self {
        // Those that are used again are made once, and kept.
        let is_allowed = manager.may_run_inline() && config.isolation == Isolation::Fresh;
        Self { is_allowed, is_brief: AtomicBool::new(false) }
    }

    pub(super) fn is_on(&self) -> bool {
        // Relaxed: a hint.
        self.is_allowed && self.is_brief.load(Ordering::Relaxed)
    }

    /// Something was built in so long, and retired before that if it was inline.
    fn note(&self, took: Duration) {
        // Relaxed: a hint. Looked at first, for its line is read by every checkout.
        let is_brief = took <= BRIEF;
        if self.is_brief.load(Ordering::Relaxed) != is_brief {
            self.is_brief.store(is_brief, Ordering::Relaxed);
        }
    }
}

/// Room for an instance.
struct Vacancy<M: Manager> {
    building: Building,
    /// Of the instance that was there before.
    place: Option<Box<Live<M::Object>>>,
}

impl<M: Manager> Shared<M> {
    /// Leases an instance that is made here and now, in the place of one that is over, if nobody is
    /// in line.
    ///
    /// # Returns
    /// `None` if that is not to be: then the caller has to wait.
    #[cold]
    #[inline(never)]
    pub(super) fn lease_inline(
        &self,
        principal: &PrincipalState,
    ) -> Option<Result<Grant<M>, CheckoutError>> {
        if !self.inline.is_on() || !self.demand.look().is_quiet() {
            return None;
        }
        if self.config.cap.is_some_and(|cap| !principal.admit_first(cap)) {
            return None;
        }
        let made = self.make();
        if !matches!(made, Some(Ok(_))) {
            self.let_go(principal);
        }
        made
    }

    /// The background has called `create`.
    pub(super) fn on_end_of_build(&self, began: Duration) {
        self.inline.note(self.config.clock.now().saturating_sub(began));
    }

    fn make(&self) -> Option<Result<Grant<M>, CheckoutError>> {
        let clock = || self.config.clock.now();
        let began = self.stats.built.is_next_timed().then(clock);
        let Vacancy { building, place } = match self.work.take_retirement() {
            Some(doomed) => self.replace(doomed),
            None => self.reserve()?,
        };
        let Poll::Ready(created) = poll_once(|| self.manager.create()) else {
            self.leave_to_background(building);
            return None;
        };
        match self.built(Some(created)) {
            Ok(object) => {
                self.stats.built.count();
                let live = self.enliven(object, place);
                let token = self.slots.finish_leased(building).expect("the pool's own token");
                let now = began.map(|began| (began, clock()));
                let now = now.map(|(began, now)| {
                    self.inline.note(now.saturating_sub(began));
                    now
                });
                Some(Ok(Grant::new(token, live, now)))
            }
            Err(error) => {
                self.on_built(building, Err(error.clone()));
                Some(Err(error))
            }
        }
    }

    /// Retires an object that is over. Its slot is never vacant, so it is nobody's meanwhile, and a pool
    /// that closes is not drained.
    fn replace(&self, doomed: Doomed<M>) -> Vacancy<M> {
        let place = self.do_away(doomed.live);
        let building = self.slots.rebuild(doomed.condemned, Tenant::NONE);
        Vacancy { building: building.expect("the pool's own token"), place }
    }

    fn reserve(&self) -> Option<Vacancy<M>> {
        let queue = self.queue.lock();
        // Under the lock: what is vacant in a pool that is closed stays so, and what becomes so while
        // somebody waits is theirs.
        if queue.is_closed || queue.fair.len() > 0 {
            return None;
        }
        let building = self.slots.reserve(Tenant::NONE)?;
        drop(queue);
        self.refresh();
        self.work.on_reserve();
        Some(Vacancy { building, place: None })
    }

    /// It would have to be waited for.
    fn leave_to_background(&self, building: Building) {
        self.inline.note(Duration::MAX);
        self.queue.lock().fair.assign(building.slot().index(), None);
        self.work.push_build(self, building);
    }
}
