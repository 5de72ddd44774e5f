//! The ledgers against a map of what was recorded, one operation after the other.
//!
//! The seed is part of the plan, so a writer of plans can make keys collide: with one set, all of
//! them do. Amounts are often equal. Judged: LEDGER-1, LEDGER-2 (exact per set, certificates true,
//! ties to the incumbent), LEDGER-3, LEDGER-4, LEDGER-5, LEDGER-6, LEDGER-7, LEDGER-10, LEDGER-11,
//! LEDGER-12, merges, handles and windows.

mod name;
mod pair;
mod window;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::ledger::Seed;
use plimsoll_core::ledger::{Peak, Sum};

use crate::number::hostile;
use crate::{Plan, Seen};
use name::Name;
use pair::Pair;

/// One plan: a kind of ledger, the sizes and seeds of two, then operations.
#[derive(Debug)]
pub struct Job {
    kind: Kind,
    sizes: [Size; 2],
    seeds: [(u64, u64); 2],
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Peak,
    Sum,
    /// Bits for the peak.
    Window(u32),
}

/// How many sets, or exactly how many entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Sets(usize),
    Exact(usize),
}

impl Size {
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Size> {
        Ok(match bytes.arbitrary::<u8>()? {
            few @ 0..=175 => Size::Sets(1 + usize::from(few % 3)),
            // 1 to 80, every one of them.
            some => Size::Exact(usize::from(some) - 175),
        })
    }
}

/// Of which ledger, and what.
#[derive(Clone, Copy, Debug)]
struct Op {
    side: usize,
    act: Act,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Record(Name, u64),
    /// By one of a few handles, which keep their names.
    ByHandle(u8, u64),
    /// Names from the first on, each with more than the last.
    Flood(Name, u8, u64),
    Get(Name),
    Top(u8),
    Remove(Name),
    /// Takes over the other ledger.
    Merge,
    /// The windows that follow are later, or earlier.
    Turn(i8),
}

const OPS_MAX: usize = 400;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let kind = match bytes.int_in_range(0..=9u8)? {
            0..=3 => Kind::Peak,
            4..=7 => Kind::Sum,
            _ => Kind::Window(bytes.int_in_range(1..=49)?),
        };
        let sizes = [Size::arbitrary(bytes)?, Size::arbitrary(bytes)?];
        let seed = bytes.arbitrary()?;
        let seeds = [seed, if bytes.arbitrary()? { seed } else { bytes.arbitrary()? }];
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            let choice = bytes.arbitrary::<u8>()?;
            let act = match choice / 2 {
                0..=69 => Act::Record(bytes.arbitrary()?, amount(bytes)?),
                70..=89 => Act::ByHandle(choice % 4, amount(bytes)?),
                90..=101 => Act::Flood(
                    bytes.arbitrary()?,
                    bytes.arbitrary()?,
                    bytes.arbitrary::<u16>()?.into(),
                ),
                102..=109 => Act::Get(bytes.arbitrary()?),
                110..=117 => Act::Top(bytes.arbitrary()?),
                118..=121 => Act::Turn(bytes.arbitrary()?),
                122 | 123 => Act::Merge,
                _ => Act::Remove(bytes.arbitrary()?),
            };
            ops.push(Op { side: usize::from(choice % 2), act });
        }
        Ok(Job { kind, sizes, seeds, ops })
    }
}

/// A small amount, so that there are ties, or one that looks for trouble.
fn amount(bytes: &mut Unstructured<'_>) -> Result<u64> {
    match bytes.arbitrary::<u8>()? {
        few @ 0..=159 => Ok(u64::from(few % 8)),
        some @ 160..=239 => Ok(u64::from(some)),
        _ => hostile(bytes, plimsoll_core::ledger::VALUE_MAX),
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "raised",
        "kept",
        "admitted into a free slot",
        "admitted over another",
        "turned away",
        "turned away at a tie",
        "amount of 0",
        "a value was cut",
        "handle found its key again",
        "handle lost its slot",
        "sum with an error",
        "absent",
        "absent, in two sets of several",
        "merged alike",
        "merged unlike",
        "all is certain",
        "some is certain",
        "later window",
        "earlier window",
        "last window",
        "of a window that is over",
        "removed",
        "removed, and was absent",
        "admitted over a tombstone",
        "exact",
    ]];

    fn check(&self) -> Seen {
        let seeds = self.seeds.map(|(first, second)| Seed::new(first, second));
        let alike = self.seeds[0] == self.seeds[1] && self.sizes[0] == self.sizes[1];
        let mut seen = match self.kind {
            Kind::Peak => {
                let ledgers = [0, 1].map(|side| pair::made(self.sizes[side], seeds[side]));
                Pair::<Peak>::new(ledgers, alike).run(&self.ops)
            }
            Kind::Sum => {
                let ledgers = [0, 1].map(|side| pair::made(self.sizes[side], seeds[side]));
                Pair::<Sum>::new(ledgers, alike).run(&self.ops)
            }
            Kind::Window(bits) => {
                window::Windows::new(self.sizes[0], seeds[0], bits).run(&self.ops)
            }
        };
        seen.note_if(matches!(self.sizes[0], Size::Exact(_)), "exact");
        seen
    }
}
