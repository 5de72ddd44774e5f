//! POOL-5: what those who ask are told, and why.

use plimsoll::pool::{BuildFailure, CheckoutError, Quota, Stage};

use super::pair::Pair;
use super::stand::{BUILD, OFF_MAX, Stand, WAIT};
use super::world::read;

impl Pair<'_> {
    /// POOL-5: what is told has its cause.
    pub(super) fn told(&mut self, who: usize, error: &CheckoutError) {
        let Stand { setup, world, principals, .. } = self.stand;
        match error {
            CheckoutError::Closed => {
                assert!(self.is_closed);
                self.seen.note("closed");
            }
            CheckoutError::TimedOut { stage: Stage::Build, after } if *after == BUILD => {
                self.told_failed += 1;
                assert!(setup.is_impatient && read(&world.background.cancelled) > 0);
                self.seen.note("build cancelled");
            }
            CheckoutError::TimedOut { after, .. } => {
                assert!(setup.times_out && *after == WAIT);
                self.told_timed_out += 1;
                self.seen.note("timed out");
            }
            CheckoutError::BuildFailed { cause: BuildFailure::Manager(_) } => {
                self.told_failed += 1;
                self.seen.note("build failed");
            }
            CheckoutError::BuildFailed { cause: BuildFailure::Panicked(_) } => {
                self.told_failed += 1;
                self.seen.note("build panicked");
            }
            CheckoutError::Refused { quota: Quota::Faults { retry_after, .. } } => {
                assert!(setup.keeps_off && *retry_after <= OFF_MAX);
                self.seen.note("kept off");
            }
            CheckoutError::Refused { quota: Quota::InUse { max } } => {
                assert_eq!((Some(*max), principals[who].in_use()), (setup.cap, *max));
                self.seen.note("at cap");
            }
            CheckoutError::Exhausted { max } => {
                assert_eq!(*max, setup.max);
                self.seen.note("exhausted");
            }
            other => panic!("nothing explains {other}"),
        }
    }
}
