//! Watermarks from hostile numbers, and the plain [`Hysteresis`] machine over a series of depths.
//!
//! Judged: every constructor's answer, the rounding law, the rule itself from every level, GAUGE-3
//! and GAUGE-4.

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::{Hysteresis, Level, MAX_CAPACITY, Watermarks};

use crate::machine::{Limits, Machine, assert_edge};
use crate::number::hostile;
use crate::recipe::{self, Recipe};
use crate::{Plan, Seen};

/// One plan: watermarks, then depths.
#[derive(Debug)]
pub struct Job {
    recipe: Recipe,
    depths: Vec<Depth>,
}

#[derive(Clone, Copy, Debug)]
enum Depth {
    At(u64),
    /// So far from the high (even) or low (odd) watermark of one of the levels.
    NearMark(u8, i8),
}

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let recipe = match bytes.arbitrary::<bool>()? {
            true => Recipe::hostile(bytes)?,
            false => Recipe::sound(bytes, MAX_CAPACITY)?,
        };
        let mut depths = Vec::new();
        while !bytes.is_empty() {
            depths.push(match bytes.arbitrary::<u8>()? {
                mark @ 0..=191 => Depth::NearMark(mark % 6, bytes.int_in_range(-2..=2)?),
                _ => Depth::At(hostile(bytes, 100)?),
            });
        }
        Ok(Job { recipe, depths })
    }
}

impl Depth {
    fn resolve(self, limits: &Limits) -> u64 {
        match self {
            Depth::At(depth) => depth,
            Depth::NearMark(mark, off) => {
                let (high, low) = limits.levels.get(mark as usize / 2).copied().unwrap_or((8, 4));
                let mark = if mark % 2 == 0 { high } else { low };
                mark.saturating_add_signed(off.into())
            }
        }
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[
        recipe::REACHABLE,
        &[
            "no watermarks",
            "raise",
            "clear",
            "raise over several levels",
            "clear over several levels",
            "clear to a level between",
            "raise from a level between",
            "depth beyond the limit",
        ],
    ];

    fn check(&self) -> Seen {
        let mut seen = Seen::default();
        let Some((watermarks, limits)) = self.recipe.make(&mut seen) else {
            seen.note("no watermarks");
            return seen;
        };
        let mut machine = Machine::new(limits.clone());
        let mut hysteresis = Hysteresis::new(watermarks);
        for depth in &self.depths {
            let depth = depth.resolve(&limits);
            assert_rule(&watermarks, &limits, depth);
            let before = machine.level();
            assert_edge(hysteresis.on_depth(depth), machine.on_depth(depth));
            assert_eq!(hysteresis.level(), machine.level(), "GAUGE-4");
            assert_eq!(hysteresis.edges(), machine.edges(), "GAUGE-3");
            assert_at_rest(&limits, hysteresis.level() as usize, depth);
            note(&mut seen, before, hysteresis.level());
            seen.note_if(depth > MAX_CAPACITY, "depth beyond the limit");
        }
        assert_eq!(hysteresis.watermarks(), &watermarks);
        seen
    }
}

/// The rule from every level that one could ask about.
fn assert_rule(watermarks: &Watermarks, limits: &Limits, depth: u64) {
    for from in Level::ALL {
        let to = watermarks.judge(from, depth);
        assert_eq!(to as usize, limits.judge(from as usize, depth), "from {from} at {depth}");
        assert_eq!(watermarks.judge(to, depth), to, "the level that holds asks for no other");
    }
}

/// GAUGE-4, in its own words.
fn assert_at_rest(limits: &Limits, level: usize, depth: u64) {
    for (index, (high, low)) in limits.levels.iter().enumerate() {
        assert!(depth < *high || level > index, "GAUGE-4: {depth} is at or above {high}");
        assert!(depth > *low || level <= index, "GAUGE-4: {depth} is at or below {low}");
    }
}

fn note(seen: &mut Seen, from: Level, to: Level) {
    let step = to as i8 - from as i8;
    seen.note_if(step > 0, "raise");
    seen.note_if(step < 0, "clear");
    seen.note_if(step > 1, "raise over several levels");
    seen.note_if(step < -1, "clear over several levels");
    seen.note_if(step < 0 && to > Level::Normal, "clear to a level between");
    seen.note_if(step > 0 && from > Level::Normal, "raise from a level between");
}
