//! [`Sustain`] against a log that is searched anew for each question, over edges of a true gauge that
//! come at once, late, in another order or never, and a clock that may run backwards.

mod log;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::{Edge, Hysteresis, Level, Notice, NoticeKind, Sustain, Watermarks};

use crate::number::hostile;
use crate::recipe::Recipe;
use crate::{Plan, Seen};
use log::Log;

/// One plan: watermarks and a rule, then depths, deliveries and ticks.
#[derive(Debug)]
pub struct Job {
    recipe: Recipe,
    hold_ms: u64,
    repeat_ms: Option<u64>,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// The gauge's next depth; its edge, if any, is delivered at once or put by.
    Depth(u64, bool),
    /// The edge at this place of those put by, if there are any.
    Deliver(u8),
    Tick,
    /// Time passes, or runs backwards.
    Wait(i64),
}

const CAPACITY: u64 = 100;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let recipe = Recipe::sound(bytes, CAPACITY)?;
        let hold_ms = hostile(bytes, 100)?;
        let repeat_ms = match bytes.arbitrary()? {
            true => Some(hostile(bytes, hold_ms)?),
            false => None,
        };
        let mut ops = Vec::new();
        while !bytes.is_empty() {
            ops.push(match bytes.int_in_range(0..=7u8)? {
                0..=2 => Op::Depth(u64::from(bytes.arbitrary::<u8>()?) % (CAPACITY + 1), true),
                3 => Op::Depth(u64::from(bytes.arbitrary::<u8>()?) % (CAPACITY + 1), false),
                4 => Op::Deliver(bytes.arbitrary()?),
                5 => Op::Tick,
                6 => Op::Wait(bytes.arbitrary::<u8>()?.into()),
                _ => match bytes.arbitrary::<i8>()? {
                    0 => Op::Wait(hostile(bytes, hold_ms)? as i64),
                    step => Op::Wait(i64::from(step) * 16),
                },
            });
        }
        Ok(Job { recipe, hold_ms, repeat_ms, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "raised",
        "raised over several levels",
        "still raised",
        "repeats begin anew",
        "cleared",
        "cleared to a level between",
        "silent edge",
        "raised and cleared by one edge",
        "late edge",
        "gap",
        "tick before its edge",
        "no hold",
        "clock backwards",
    ]];

    fn check(&self) -> Seen {
        let (watermarks, _) = self.recipe.make_sound();
        let mut run = Run::new(self, watermarks);
        for op in &self.ops {
            match *op {
                Op::Depth(depth, at_once) => run.on_depth(depth, at_once),
                Op::Deliver(place) => run.deliver(place),
                Op::Tick => run.tick(),
                Op::Wait(step) => run.wait(step),
            }
            run.assert_same();
        }
        run.seen
    }
}

struct Run {
    gauge: Hysteresis,
    depth: u64,
    put_by: Vec<Edge>,
    now_ms: u64,
    ran_backwards: bool,
    sustain: Sustain,
    log: Log,
    repeat: u32,
    seen: Seen,
}

impl Run {
    fn new(job: &Job, watermarks: Watermarks) -> Run {
        let mut seen = Seen::default();
        seen.note_if(job.hold_ms == 0, "no hold");
        Run {
            gauge: Hysteresis::new(watermarks),
            depth: 0,
            put_by: Vec::new(),
            now_ms: 0,
            ran_backwards: false,
            sustain: Sustain::new(job.hold_ms, job.repeat_ms),
            log: Log::new(job.hold_ms, job.repeat_ms),
            repeat: 0,
            seen,
        }
    }

    fn on_depth(&mut self, depth: u64, at_once: bool) {
        self.depth = depth;
        match self.gauge.on_depth(depth) {
            Some(edge) if at_once => self.on_edge(edge),
            Some(edge) => self.put_by.push(edge),
            None => {}
        }
    }

    fn deliver(&mut self, place: u8) {
        if let Some(place) = usize::from(place).checked_rem(self.put_by.len()) {
            let edge = self.put_by.remove(place);
            self.on_edge(edge);
        }
    }

    fn on_edge(&mut self, edge: Edge) {
        self.seen.note_if(edge.sequence() <= self.log.sequence(), "late edge");
        self.seen.note_if(edge.sequence() > self.log.sequence() + 1, "gap");
        let said: Vec<_> = self.sustain.on_edge(self.now_ms, &edge).collect();
        assert_eq!(said, self.log.on_edge(self.now_ms, &edge), "{edge:?}");
        self.seen.note_if(said.is_empty(), "silent edge");
        self.seen.note_if(said.len() == 2, "raised and cleared by one edge");
        said.iter().for_each(|notice| self.note(notice));
    }

    fn tick(&mut self) {
        let level = self.gauge.level();
        self.seen.note_if(level < self.sustain.level(), "tick before its edge");
        let before = self.sustain.announced() as usize;
        let said = self.sustain.on_tick(self.now_ms, level, self.depth);
        assert_eq!(said, self.log.on_tick(self.now_ms, level, self.depth));
        if let Some(notice) = said {
            self.note(&notice);
            let several = notice.level as usize > before + 1;
            self.seen.note_if(several, "raised over several levels");
        }
    }

    fn wait(&mut self, step: i64) {
        self.now_ms = self.now_ms.saturating_add_signed(step);
        self.ran_backwards |= step < 0;
        self.seen.note_if(step < 0, "clock backwards");
    }

    fn note(&mut self, notice: &Notice) {
        let name = match notice.kind {
            NoticeKind::Raised => "raised",
            NoticeKind::StillRaised { repeat } => {
                let anew = repeat <= std::mem::replace(&mut self.repeat, repeat);
                self.seen.note_if(anew, "repeats begin anew");
                "still raised"
            }
            NoticeKind::Cleared if notice.level > Level::Normal => "cleared to a level between",
            NoticeKind::Cleared => "cleared",
        };
        self.seen.note(name);
    }

    fn assert_same(&self) {
        assert_eq!(self.sustain.level() as usize, self.log.level());
        assert_eq!(self.sustain.announced() as usize, self.log.announced());
        let due_ms = self.sustain.due_ms();
        assert_eq!(due_ms, self.log.due_ms());
        if self.ran_backwards {
            return;
        }
        // What is due is said then and not before.
        let at = |now_ms| self.sustain.clone().on_tick(now_ms, self.sustain.level(), self.depth);
        match due_ms {
            None => assert_eq!(at(u64::MAX), None),
            // So far ahead that the sum does not fit: never.
            Some(u64::MAX) => {}
            Some(due_ms) => {
                assert!(at(due_ms).is_some(), "nothing at {due_ms}");
                assert!(due_ms <= self.now_ms || at(due_ms - 1).is_none(), "before {due_ms}");
            }
        }
    }
}
