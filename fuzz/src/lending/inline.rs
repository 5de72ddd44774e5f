//! What those who ask build for themselves (POOL-4, POOL-5, POOL-6).

use std::task::Poll;

use plimsoll::pool::{BuildFailure, CheckoutError, PoolCounts};

use super::held::Held;
use super::pair::Pair;
use super::world::{Builds, read};

pub(super) type Answer<'a> = Poll<Result<Held<'a>, CheckoutError>>;

/// What came of the build that a checkout has tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Untried,
    Made,
    Failed,
    Panicked,
    /// It would have had to be waited for.
    Dropped,
}

/// What is known before a checkout asks.
struct Before {
    ends: [usize; 4],
    counts: PoolCounts,
    builds_inline: bool,
}

fn ends(builds: &Builds) -> [usize; 4] {
    let Builds { made, failed, panicked, cancelled } = builds;
    [made, failed, panicked, cancelled].map(read)
}

impl Own {
    fn between(before: [usize; 4], after: [usize; 4]) -> Own {
        let kinds = [Own::Made, Own::Failed, Own::Panicked, Own::Dropped];
        let tried = before.into_iter().zip(after).map(|(before, after)| after - before);
        let mut own = kinds.into_iter().zip(tried).filter(|(_, times)| *times > 0);
        match (own.next(), own.next()) {
            (None, _) => Own::Untried,
            (Some((kind, 1)), None) => kind,
            more => panic!("POOL-1: more than one build for one lease: {more:?}"),
        }
    }
}

impl<'a> Pair<'a> {
    /// A checkout asks, and builds its instance if it is to.
    pub(super) fn ask(
        &mut self,
        was_queued: bool,
        ask: impl FnOnce() -> Answer<'a>,
    ) -> (Answer<'a>, Own) {
        let world = &self.stand.world;
        let before = Before {
            ends: ends(&world.inline),
            counts: self.stand.pool.counts(),
            builds_inline: world.builds_inline(),
        };
        let answer = ask();
        let own = Own::between(before.ends, ends(&world.inline));
        if own != Own::Untried {
            assert!(self.stand.setup.is_inline(), "this is the background's");
            // Who has been granted room makes use of it, whatever happens meanwhile.
            assert!(before.builds_inline || was_queued, "the background does the next");
            assert!(!self.is_closed || was_queued, "POOL-9: nothing is begun once closed");
        }
        self.judge(own, &answer);
        self.note(own, was_queued, before.counts);
        (answer, own)
    }

    /// POOL-5: a build is told to who has tried it.
    fn judge(&self, own: Own, answer: &Answer<'a>) {
        use CheckoutError::BuildFailed;
        let newest = self.stand.world.made().wrapping_sub(1);
        let is_right = match (own, answer) {
            (Own::Untried, _) => true,
            (Own::Made, Poll::Ready(Ok(lease))) => lease.id == newest,
            (Own::Failed, Poll::Ready(Err(BuildFailed { cause: BuildFailure::Manager(_) }))) => {
                true
            }
            (Own::Panicked, Poll::Ready(Err(BuildFailed { cause: BuildFailure::Panicked(_) }))) => {
                true
            }
            (Own::Dropped, Poll::Ready(Err(BuildFailed { .. }))) => false,
            (Own::Dropped, _) => true,
            _ => false,
        };
        assert!(is_right, "POOL-5: {own:?} is answered with {answer:?}");
    }

    fn note(&mut self, own: Own, was_queued: bool, before: PoolCounts) {
        let is_replaced = self.stand.pool.counts().condemned < before.condemned;
        let what = match (own, was_queued) {
            (Own::Untried, _) => return,
            (Own::Made, true) => "made in granted room",
            (Own::Made, false) => "made inline",
            (Own::Failed, _) => "inline build failed",
            (Own::Panicked, _) => "inline build panicked",
            (Own::Dropped, _) => "inline build dropped",
        };
        self.seen.note(what);
        let is_made = own == Own::Made;
        self.seen.note_if(is_made && !was_queued && is_replaced, "made in room of another");
        self.seen.note_if(is_made && !is_replaced, "made in vacant room");
        self.seen.note_if(is_made && self.is_closed, "made when closed");
        self.seen.note_if(!is_made && was_queued, "granted room not made in");
    }

    /// POOL-6: with nobody queued, a checkout that could build is not sent away.
    pub(super) fn assert_served(&self, own: Own, error: &CheckoutError, before: PoolCounts) {
        let room = self.numbers.max.saturating_sub(before.leased + before.building);
        let room = if before.live() > self.numbers.max { 0 } else { room };
        let builds = self.stand.world.builds_inline() && own == Own::Untried;
        let could = self.stand.is_simple() && builds && room > 0 && self.is_line_empty();
        let is_exhausted = matches!(error, CheckoutError::Exhausted { .. });
        assert!(!could || !is_exhausted, "POOL-6: there was room for {room}");
    }
}
