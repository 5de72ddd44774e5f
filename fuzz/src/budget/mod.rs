//! A tree of [`Node`]s against plain numbers, one operation after the other.
//!
//! Judged: BUDGET-1 and BUDGET-2 (what is taken, where, and what is kept after a refusal), BUDGET-3 (the
//! flag of waiters), BUDGET-4 (resizes), BUDGET-5 (hostile amounts), BUDGET-7 (what a refusal says),
//! GAUGE-3, GAUGE-4 and GAUGE-5 of each node.

mod limit;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::budget::{
    Asker, Duties, MAX_AMOUNT, Node, Refusal, ReleaseError, release, try_reserve,
};

use crate::number::hostile;
use crate::{Plan, Seen};
use limit::{Limit, Shares};

/// One plan: capacities and watermarks, then operations.
#[derive(Debug)]
pub struct Job {
    nodes: [(Option<u64>, Shares); NODES],
    ops: Vec<Op>,
}

/// A root, two children of it, and a child of the first of these.
const NODES: usize = 4;
const PATHS: [&[usize]; 4] = [&[0], &[1, 0], &[2, 0], &[3, 1, 0]];
const OPS_MAX: usize = 200;

#[derive(Clone, Copy, Debug)]
enum Op {
    Reserve {
        path: u8,
        amount: u64,
        waiter: bool,
    },
    /// The lease at this place of those held; whether all of it.
    Release(u8, bool),
    /// On a path of which that much need not be reserved.
    ReleaseAnything(u8, u64),
    Resize(u8, Option<u64>),
    Wait(u8, bool),
    Settle(u8),
    TakeMark(u8),
    Read(u8),
}

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let mut nodes = [(None, Shares::default()); NODES];
        for node in &mut nodes {
            *node = (capacity(bytes)?, Shares::arbitrary(bytes)?);
        }
        let near = nodes[0].0.unwrap_or(MAX_AMOUNT);
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            let at = bytes.int_in_range(0..=NODES as u8 - 1)?;
            ops.push(match bytes.int_in_range(0..=15u8)? {
                0..=5 => Op::Reserve {
                    path: at,
                    amount: hostile(bytes, near)?,
                    waiter: bytes.ratio(1, 4)?,
                },
                6..=8 => Op::Release(bytes.arbitrary()?, bytes.ratio(2, 3)?),
                9 => Op::ReleaseAnything(at, hostile(bytes, near)?),
                10 => Op::Resize(at, capacity(bytes)?),
                11 => Op::Wait(at, bytes.arbitrary()?),
                12 | 13 => Op::Settle(at),
                14 => Op::TakeMark(at),
                _ => Op::Read(at),
            });
        }
        Ok(Job { nodes, ops })
    }
}

fn capacity(bytes: &mut Unstructured<'_>) -> Result<Option<u64>> {
    Ok(match bytes.int_in_range(0..=7u8)? {
        0 => None,
        1 => Some(MAX_AMOUNT - u64::from(bytes.int_in_range(0..=1u8)?)),
        2 => Some(hostile(bytes, MAX_AMOUNT)?.min(MAX_AMOUNT)),
        _ => Some(bytes.arbitrary::<u8>()?.into()),
    })
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "taken at three nodes",
        "taken past waiters",
        "taken up to 2^56",
        "nothing asked",
        "too much asked",
        "above a capacity",
        "above a capacity, behind a full node",
        "no room at the leaf",
        "no room above it",
        "refused for waiters",
        "released to waiters",
        "released too much",
        "released a part",
        "resized below the usage",
        "refused after a resize that the usage is above",
        "bound given up while raised",
        "raise",
        "raise by a resize",
        "clear",
        "clear by a resize",
        "clear of a peak that was left",
        "edge left and gone",
        "mark below the lifetime's",
    ]];

    fn check(&self) -> Seen {
        let nodes = self.nodes.map(|(capacity, shares)| {
            Node::try_new(capacity, shares.watermarks()).expect("a capacity in range")
        });
        let limits = self.nodes.map(|(capacity, shares)| Limit::new(capacity, shares));
        let mut pair = Pair { nodes, limits, leases: Vec::new(), seen: Seen::default() };
        for op in &self.ops {
            pair.apply(*op);
            pair.assert_same();
        }
        (0..NODES).for_each(|at| pair.read(at));
        pair.seen
    }
}

/// The nodes and what they should be.
struct Pair {
    nodes: [Node; NODES],
    limits: [Limit; NODES],
    leases: Vec<(usize, u64)>,
    seen: Seen,
}

impl Pair {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Reserve { path, amount, waiter } => {
                let asker = if waiter { Asker::Waiter } else { Asker::Newcomer };
                self.reserve(path.into(), amount, asker);
            }
            Op::Release(place, all) => self.release(place, all),
            Op::ReleaseAnything(path, amount) => self.release_anything(path.into(), amount),
            Op::Resize(at, capacity) => self.resize(at.into(), capacity),
            Op::Wait(at, waiting) => {
                let was_waiting = self.nodes[usize::from(at)].set_waiting(waiting);
                let limit = &mut self.limits[usize::from(at)];
                assert_eq!(was_waiting, std::mem::replace(&mut limit.waiting, waiting), "BUDGET-3");
            }
            Op::Settle(at) => {
                let edge = self.nodes[usize::from(at)].settle();
                self.limits[usize::from(at)].assert_settled(edge, &mut self.seen);
            }
            Op::TakeMark(at) => {
                let taken = self.nodes[usize::from(at)].take_high_water();
                let limit = &mut self.limits[usize::from(at)];
                assert_eq!(taken, limit.take_mark(), "GAUGE-5");
                self.seen.note_if(taken < limit.high_water(), "mark below the lifetime's");
            }
            Op::Read(at) => self.read(at.into()),
        }
    }

    fn path(&self, path: usize) -> impl Iterator<Item = &Node> + Clone {
        PATHS[path].iter().map(|at| &self.nodes[*at])
    }

    fn reserve(&mut self, path: usize, amount: u64, asker: Asker) {
        let result = try_reserve(self.path(path), amount, asker);
        match (self.refusal(path, amount, asker), result) {
            (None, Ok(duties)) => {
                for at in PATHS[path] {
                    let limit = &mut self.limits[*at];
                    limit.take(amount, &mut self.seen);
                    self.seen.note_if(limit.waiting, "taken past waiters");
                    self.seen.note_if(limit.usage() == MAX_AMOUNT, "taken up to 2^56");
                }
                self.seen.note_if(path == 3, "taken at three nodes");
                self.leases.push((path, amount));
                assert!(duties.waiters().next().is_none());
                self.assert_due(path, duties);
            }
            (Some(expected), Err(refused)) => {
                assert_eq!(refused.refusal, expected, "BUDGET-7");
                assert!(refused.duties.is_none(), "BUDGET-2: nothing was given back");
                self.note_refusal(path, expected);
            }
            (expected, result) => panic!("BUDGET-1: {result:?}, and not {expected:?}"),
        }
    }

    /// Why an ask is to be refused, if it is.
    fn refusal(&self, path: usize, asked: u64, asker: Asker) -> Option<Refusal> {
        match asked {
            0 => return Some(Refusal::Zero),
            asked if asked > MAX_AMOUNT => return Some(Refusal::AboveMax { asked }),
            _ => {}
        }
        let places = || PATHS[path].iter().map(|at| &self.limits[*at]).enumerate();
        if let Some((place, limit)) = places().find(|(_, limit)| limit.bound() < asked) {
            return Some(Refusal::AboveCapacity { place, asked, capacity: limit.bound() });
        }
        places().find_map(|(place, limit)| {
            if limit.waiting && asker == Asker::Newcomer {
                return Some(Refusal::Waiters { place, asked });
            }
            let (usage, capacity) = (limit.usage(), limit.bound());
            (usage + asked > capacity).then_some(Refusal::NoRoom { place, asked, usage, capacity })
        })
    }

    fn note_refusal(&mut self, path: usize, refusal: Refusal) {
        let is_full = |at: &usize| self.limits[*at].usage() >= self.limits[*at].bound();
        let behind_full = PATHS[path].iter().any(is_full);
        let what = match refusal {
            Refusal::Zero => "nothing asked",
            Refusal::AboveMax { .. } => "too much asked",
            Refusal::AboveCapacity { .. } if behind_full => "above a capacity, behind a full node",
            Refusal::AboveCapacity { .. } => "above a capacity",
            Refusal::NoRoom { usage, capacity, .. } if usage > capacity => {
                "refused after a resize that the usage is above"
            }
            Refusal::NoRoom { place: 0, .. } => "no room at the leaf",
            Refusal::NoRoom { .. } => "no room above it",
            Refusal::Waiters { .. } => "refused for waiters",
            other => panic!("a refusal of an unknown kind: {other:?}"),
        };
        self.seen.note(what);
    }

    fn release(&mut self, place: u8, all: bool) {
        let Some(place) = usize::from(place).checked_rem(self.leases.len()) else { return };
        let (path, held) = self.leases[place];
        let amount = if all { held } else { held / 2 };
        self.seen.note_if(!all && amount > 0, "released a part");
        self.leases[place].1 -= amount;
        if all {
            self.leases.swap_remove(place);
        }
        let duties = release(self.path(path), amount).expect("it was reserved on this path");
        self.on_released(path, amount, duties);
    }

    fn on_released(&mut self, path: usize, amount: u64, duties: Duties) {
        for (place, at) in PATHS[path].iter().enumerate() {
            self.limits[*at].give(amount, &mut self.seen);
            assert_eq!(duties.has_waiters(place), self.limits[*at].waiting, "BUDGET-3");
            self.seen.note_if(duties.has_waiters(place), "released to waiters");
        }
        self.assert_due(path, duties);
    }

    /// BUDGET-2: a release of more than there is at any node releases nothing at all.
    fn release_anything(&mut self, path: usize, asked: u64) {
        let usages: Vec<_> = PATHS[path].iter().map(|at| self.limits[*at].usage()).collect();
        let Some(place) = usages.iter().position(|usage| *usage < asked) else { return };
        let error = ReleaseError { place, asked, usage: usages[place] };
        assert_eq!(release(self.path(path), asked), Err(error), "BUDGET-7");
        self.seen.note("released too much");
    }

    fn resize(&mut self, at: usize, capacity: Option<u64>) {
        let duties = self.nodes[at].resize(capacity).expect("a capacity in range");
        let limit = &mut self.limits[at];
        limit.resize(capacity, &mut self.seen);
        assert_eq!(duties.has_waiters(0), limit.waiting, "BUDGET-4");
        let became_due = limit.has_become_due();
        assert!(duties.is_edge_due(0) || !became_due, "GAUGE-4");
    }

    /// GAUGE-4: where an edge has become due, the caller is told.
    fn assert_due(&mut self, path: usize, duties: Duties) {
        for (place, at) in PATHS[path].iter().enumerate() {
            let became_due = self.limits[*at].has_become_due();
            assert!(duties.is_edge_due(place) || !became_due, "GAUGE-4: place {place}");
        }
    }

    fn assert_same(&self) {
        for (node, limit) in self.nodes.iter().zip(&self.limits) {
            assert_eq!(node.usage(), limit.usage(), "BUDGET-2");
            assert_eq!(node.capacity(), limit.capacity(), "BUDGET-4");
            assert_eq!(node.level(), limit.level_now(), "GAUGE-4");
            assert_eq!(node.is_waiting(), limit.waiting, "BUDGET-3");
        }
    }

    fn read(&mut self, at: usize) {
        let (reading, limit) = (self.nodes[at].reading(), &self.limits[at]);
        assert_eq!((reading.usage, reading.capacity), (limit.usage(), limit.capacity()));
        assert_eq!(reading.high_water, limit.high_water(), "GAUGE-5");
        assert_eq!(reading.level, limit.level_now(), "GAUGE-4");
    }
}
