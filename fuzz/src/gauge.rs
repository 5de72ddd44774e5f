//! The counted [`Gauge`] against a plain count, one operation after the other.
//!
//! Judged: GAUGE-1 (depth, debts of a `sub` that overtakes), GAUGE-3 (each edge and its number),
//! GAUGE-4 (the level), GAUGE-5 (marks), GAUGE-6 (both ends of the range).

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::{Edge, Gauge, Level, MAX_CAPACITY, MAX_STEP, Permit};

use crate::machine::{Machine, assert_edge};
use crate::marks::Marks;
use crate::number::hostile;
use crate::recipe::Recipe;
use crate::{Plan, Seen};

/// One plan: watermarks, then operations.
#[derive(Debug)]
pub struct Job {
    recipe: Recipe,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Add(u64),
    Sub(u64),
    /// So many permits of so much each.
    Permit(u8, u64),
    /// The permit at this place of those held, if there are any.
    Release(u8),
    Drop(u8),
    DropAll,
    Settle,
    TakeMark,
    Read,
    /// In and out again, so often.
    Storm(u64, u16),
}

/// How many rounds of all storms together a plan may have.
const STORM_ROUNDS_MAX: u16 = 200;
/// In one plan of 256, more than the 2^14 edges after which the number in the gauge's word begins
/// anew: such plans are slow.
const STORM_ROUNDS_MAX_LONG: u16 = 10_000;
const OPS_MAX: usize = 256;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let recipe = Recipe::sound(bytes, MAX_CAPACITY)?;
        let (_, limits) = recipe.make_sound();
        let near = limits.levels.first().map_or(100, |pair| pair.0);
        let mut rounds_left = match bytes.arbitrary()? {
            u8::MAX => STORM_ROUNDS_MAX_LONG,
            _ => STORM_ROUNDS_MAX,
        };
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            ops.push(match bytes.int_in_range(0..=15u8)? {
                0..=2 => Op::Add(hostile(bytes, near)?),
                3..=5 => Op::Sub(hostile(bytes, near)?),
                6 | 7 => Op::Permit(1, hostile(bytes, near)?),
                8 => Op::Permit(bytes.arbitrary()?, hostile(bytes, near)?),
                9 => Op::Release(bytes.arbitrary()?),
                10 => Op::Drop(bytes.arbitrary()?),
                11 => Op::DropAll,
                12 => Op::Settle,
                13 => Op::TakeMark,
                14 => Op::Read,
                _ => {
                    let rounds = match bytes.arbitrary()? {
                        u8::MAX => rounds_left,
                        few => u16::from(few % 64).min(rounds_left),
                    };
                    rounds_left -= rounds;
                    Op::Storm(hostile(bytes, near)?, rounds)
                }
            });
        }
        Ok(Job { recipe, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "raise",
        "clear",
        "clear of a peak that was left",
        "debt",
        "debt made good",
        "cut at the top",
        "cut at the bottom",
        "cut by a dropped permit",
        "cut step",
        "edge left by a drop and made later",
        "edge left by a drop and gone",
        "mark below the lifetime's",
        "number beyond the tag",
    ]];

    fn check(&self) -> Seen {
        let (watermarks, limits) = self.recipe.make_sound();
        let gauge = Gauge::new(watermarks);
        let mut pair = Pair::new(&gauge, Machine::new(limits));
        for op in &self.ops {
            pair.apply(*op);
            pair.assert_same();
        }
        pair.read();
        pair.seen
    }
}

/// The gauge and what it should be.
struct Pair<'g> {
    gauge: &'g Gauge,
    permits: Vec<Permit<'g>>,
    machine: Machine,
    marks: Marks,
    depth: i128,
    seen: Seen,
}

impl<'g> Pair<'g> {
    fn new(gauge: &'g Gauge, machine: Machine) -> Self {
        let marks = Marks::default();
        Pair { gauge, permits: Vec::new(), machine, marks, depth: 0, seen: Seen::default() }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Add(amount) => self.add(amount),
            Op::Sub(amount) => self.sub(amount),
            Op::Permit(count, amount) => (0..count).for_each(|_| self.permit(amount)),
            Op::Release(place) => self.release(place),
            Op::Drop(place) => self.drop_permit(place),
            Op::DropAll => (0..self.permits.len()).for_each(|_| self.drop_permit(0)),
            Op::Settle => self.settle(),
            Op::TakeMark => {
                let taken = self.gauge.take_high_water();
                assert_eq!(taken, self.marks.take(self.items()), "GAUGE-5");
                self.seen.note_if(taken < self.marks.lifetime(), "mark below the lifetime's");
            }
            Op::Read => self.read(),
            Op::Storm(amount, rounds) => {
                for _ in 0..rounds {
                    let edges = self.machine.edges();
                    self.add(amount);
                    self.sub(amount);
                    self.assert_same();
                    if self.machine.edges() == edges {
                        break; // Every further round is the same.
                    }
                }
            }
        }
    }

    fn add(&mut self, amount: u64) {
        let edge = self.gauge.add(amount);
        self.on_add(amount, edge);
    }

    fn sub(&mut self, amount: u64) {
        let edge = self.gauge.sub(amount);
        self.on_sub(amount, edge);
    }

    fn permit(&mut self, amount: u64) {
        let (permit, edge) = self.gauge.permit(amount);
        assert_eq!(permit.amount(), amount.min(MAX_STEP), "GAUGE-1");
        self.permits.push(permit);
        self.on_add(amount, edge);
    }

    /// The permit at this place, counted round.
    fn take_permit(&mut self, place: u8) -> Option<Permit<'g>> {
        let place = usize::from(place).checked_rem(self.permits.len())?;
        Some(self.permits.swap_remove(place))
    }

    fn release(&mut self, place: u8) {
        if let Some(permit) = self.take_permit(place) {
            let amount = permit.amount();
            let edge = permit.release();
            self.on_sub(amount, edge);
        }
    }

    fn drop_permit(&mut self, place: u8) {
        if let Some(permit) = self.take_permit(place) {
            let due = self.is_due();
            self.move_by(-i128::from(permit.amount()), "cut by a dropped permit");
            drop(permit);
            self.seen.note_if(due && !self.is_due(), "edge left by a drop and gone");
        }
    }

    fn settle(&mut self) {
        let edge = self.gauge.settle();
        self.seen.note_if(self.is_due(), "edge left by a drop and made later");
        assert_edge(edge, self.machine.on_depth(self.items()));
    }

    fn on_add(&mut self, amount: u64, edge: Option<Edge>) {
        let (due, in_debt) = (self.is_due(), self.depth < 0);
        self.seen.note_if(amount > MAX_STEP, "cut step");
        self.move_by(amount.min(MAX_STEP).into(), "cut at the top");
        self.seen.note_if(due && !self.is_due(), "edge left by a drop and gone");
        self.seen.note_if(in_debt && self.depth > 0, "debt made good");
        self.marks.on_depth(self.items());
        self.on_edge(edge);
    }

    fn on_sub(&mut self, amount: u64, edge: Option<Edge>) {
        self.seen.note_if(amount > MAX_STEP, "cut step");
        self.move_by(-i128::from(amount.min(MAX_STEP)), "cut at the bottom");
        self.on_edge(edge);
    }

    fn on_edge(&mut self, edge: Option<Edge>) {
        let before = self.machine.level();
        let expected = self.machine.on_depth(self.items());
        assert_edge(edge, expected);
        let after = self.machine.level();
        self.seen.note_if(after > before, "raise");
        self.seen.note_if(after < before, "clear");
        if let Some(edge) = edge {
            let fell = after < before;
            self.seen.note_if(fell && edge.peak() > edge.depth(), "clear of a peak that was left");
            self.seen.note_if(edge.sequence() > 1 << 14, "number beyond the tag");
        }
    }

    /// GAUGE-6: a step that would lead out of the range is cut.
    fn move_by(&mut self, step: i128, cut: &'static str) {
        let range = i128::from(MAX_CAPACITY);
        let to = self.depth + step;
        self.depth = to.clamp(-range, range);
        self.seen.note_if(self.depth != to, cut);
        self.seen.note_if(self.depth < 0, "debt");
    }

    /// A debt is no depth.
    fn items(&self) -> u64 {
        self.depth.max(0) as u64
    }

    fn is_due(&self) -> bool {
        self.machine.level_at(self.items()) != self.machine.level()
    }

    fn assert_same(&self) {
        assert_eq!(self.gauge.depth(), self.items(), "GAUGE-1");
        let level = self.machine.level_at(self.items());
        assert_eq!(self.gauge.level(), level, "GAUGE-4");
        assert_eq!(self.gauge.is_raised(), level > Level::Normal, "GAUGE-4");
    }

    /// Reading may mend a mark, so it is an operation of the plan and not done after each.
    fn read(&mut self) {
        let reading = self.gauge.reading();
        assert_eq!(reading.depth, self.items(), "GAUGE-1");
        assert_eq!(reading.high_water, self.marks.lifetime(), "GAUGE-5");
        assert_eq!(reading.level, self.machine.level_at(self.items()), "GAUGE-4");
        assert_eq!(&reading.watermarks, self.gauge.watermarks());
        assert_eq!(self.gauge.high_water(), self.marks.lifetime(), "GAUGE-5");
    }
}
