//! The [`PoolSlots`] and their `Demand` against a list of states, one operation after the other.
//!
//! Judged: POOL-1 (objects and slots), POOL-2 (one token per slot), POOL-3 (what is condemned is not
//! lent), POOL-4 (every slot is restored), POOL-8 (who is evicted), POOL-9 (nobody arrives once
//! closed), POOL-10 (whose slot is taken).

mod pair;
mod places;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots};

use crate::{Plan, Seen};
use pair::Pair;

/// One plan: a number of slots, then operations.
#[derive(Debug)]
pub struct Job {
    slots: u8,
    ops: Vec<Op>,
}

/// Tokens are named by their place among those held, counted round; tenants by 0 (nobody) to 3.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Op {
    Reserve(u8),
    Finish(u8),
    FinishLeased(u8),
    Fail(u8),
    Take(u8, Option<u8>),
    Claim(u8, u8),
    GiveBack(u8),
    Condemn(u8),
    /// Of what has been idle for so many ticks.
    Evict(u8),
    EvictOther(u8),
    EvictAt(u8),
    Vacate(u8),
    Rebuild(u8, u8),
    /// All tokens are given to another pool.
    Misplace,
    /// Time goes on, by fourths of a tick.
    Advance(u8),
    Arrive,
    Leave,
    Close,
}

const SLOTS_MAX: u8 = 6;
const OPS_MAX: usize = 200;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let slots = bytes.int_in_range(0..=SLOTS_MAX)?;
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            ops.push(bytes.arbitrary()?);
        }
        Ok(Job { slots, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "no slots",
        "full",
        "near",
        "hottest of several",
        "as hot as another",
        "another's only",
        "claimed",
        "claim refused",
        "claim without effect",
        "coldest of several",
        "as cold as another",
        "too young to go",
        "evicted for another",
        "evicted by place",
        "rebuilt",
        "misplaced",
        "arrival after close",
        "restored",
    ]];

    fn check(&self) -> Seen {
        let mut seen = Seen::default();
        let slots: Box<[PoolSlot]> = (0..self.slots).map(|_| PoolSlot::new()).collect();
        let Ok(slots) = PoolSlots::with_slots(slots, PoolId::new(1)) else {
            assert_eq!(self.slots, 0, "any number above 0 will do");
            seen.note("no slots");
            return seen;
        };
        let mut pair = Pair::new(slots, seen);
        for op in &self.ops {
            pair.apply(*op);
            pair.assert_same();
        }
        pair.restore();
        pair.seen
    }
}
