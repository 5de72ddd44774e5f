//! POOL-5: what those who ask are told, and why.

use plimsoll::pool::{BuildFailure, CheckoutError, Quota, Stage};

use super::pair::Pair;
use super::stand::{BUILD, OFF_MAX, Stand, WAIT};
use super::world::read;

impl Pair<'_> {
    /// POOL-5: what is told has its cause, to who has asked for so many.
    pub(super) fn told(&mut self, who: usize, count: usize, error: &CheckoutError) {
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
                assert_eq!(*max, self.numbers.max);
                self.seen.note("exhausted");
            }
            CheckoutError::LineFull { waiting, max } => {
                assert!(setup.line_max == Some(*max) && waiting >= max, "POOL-15: {error}");
                self.seen.note("line full");
            }
            CheckoutError::TooMany { asked, max } => {
                assert!(*asked == count && asked > max, "POOL-15: {error}");
                self.seen.note("too many");
            }
            CheckoutError::WaitsForItself { held, asked, max } => {
                let by_cap = setup.cap == Some(*max) && *held == principals[who].in_use();
                let own = self.holders.iter().filter(|holder| holder.who == who).count();
                let by_all = *max == self.numbers.max && self.may_have(who, own, *held);
                assert!(by_cap || by_all, "POOL-15: {error}, and holds {own}");
                assert!(!setup.waits_for_own && *asked == count && held + asked > *max);
                self.seen.note("waits for itself");
            }
            other => panic!("nothing explains {other}"),
        }
    }
    /// Whether a principal with `own` leases can have been seen with `held`: one that gathers has some.
    fn may_have(&self, who: usize, own: usize, held: usize) -> bool {
        let first = self.gatherers.first().filter(|first| first.who == who);
        let gathering = first.map_or(0, |first| first.count);
        (own..=own + gathering).contains(&held)
    }
}
