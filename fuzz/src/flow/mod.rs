//! [`FlowGauge`] and [`SampledGauge`] on a channel that tells its length, with handles that come and
//! go and threads that use one another's.
//!
//! Operations come one after the other, so a gauge that skips looks must say after each of them what
//! one that looks every time says. Judged: GAUGE-3 (each edge and its number), GAUGE-4 (the level),
//! GAUGE-5 (marks), GAUGE-7 (a plain gauge with nothing due looks once; a flow gauge often does not
//! look at all, and never for long).

mod handle;
mod lazy;

use std::cell::Cell;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::{Edge, FlowGauge, Level, MAX_CAPACITY, Reading, SampledGauge, ThreadKey};

use crate::machine::{Machine, assert_edge_near};
use crate::marks::Marks;
use crate::number::hostile;
use crate::recipe::Recipe;
use crate::{Plan, Seen};
use handle::Handle;
use lazy::Lazy;

/// One plan: watermarks, then operations.
#[derive(Debug)]
pub struct Job {
    recipe: Recipe,
    /// The plain sampled gauge looks after every so many moves.
    stride: u8,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Send,
    Receive,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// By which handle, by which thread, how often.
    Move(Side, u8, u8, u16),
    /// By which handle, by which thread, how many at most.
    ReceiveMany(u8, u8, u8),
    Join(Side),
    Leave(Side, u8),
    /// So many items in, or out, without a handle.
    Settle(i16),
    /// A look that answers something else than the length.
    Look(u64),
    TakeMark,
    Read,
}

const CAPACITY_MAX: u64 = 5_000;
const HANDLES_MAX: usize = 6;
const THREADS: u8 = 3;
const MOVES_MAX: u32 = 10_000;
const OPS_MAX: usize = 256;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let recipe = Recipe::sound(bytes, CAPACITY_MAX)?;
        let stride = bytes.int_in_range(1..=4)?;
        let mut moves_left = MOVES_MAX;
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            let kind = bytes.int_in_range(0..=31u8)?;
            let side = if kind % 2 == 0 { Side::Send } else { Side::Receive };
            ops.push(match kind / 2 {
                0..=9 => {
                    // Handle and thread share a byte: plans stay short.
                    let who = bytes.arbitrary::<u8>()?;
                    let times = match bytes.arbitrary::<u8>()? {
                        few @ 0..=191 => u16::from(few % 24) + 1,
                        many => u16::from(many - 191) * 16,
                    };
                    let times = u32::from(times).min(moves_left);
                    moves_left -= times;
                    Op::Move(side, who >> 4, who % THREADS, times as u16)
                }
                10 | 11 => Op::Join(side),
                12 => Op::Leave(side, bytes.arbitrary()?),
                13 if matches!(side, Side::Receive) => {
                    let who = bytes.arbitrary::<u8>()?;
                    Op::ReceiveMany(who >> 4, who % THREADS, bytes.arbitrary()?)
                }
                13 => Op::TakeMark,
                14 => Op::Read,
                _ if bytes.arbitrary()? => Op::Settle(bytes.arbitrary()?),
                _ => Op::Look(hostile(bytes, CAPACITY_MAX)?),
            });
        }
        Ok(Job { recipe, stride, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "raise by a send",
        "clear by a receive",
        "send on credit",
        "receive on credit",
        "receive of many on credit",
        "receive of many with a look",
        "send with a look",
        "receive with a look",
        "handle of another thread",
        "clear of a peak that was left",
        "mark below the lifetime's",
        "no room",
        "sent without a handle",
        "received without a handle",
        "left with credit out",
        "depth beyond the limit",
        "sampled edge",
        "sampled edge late",
    ]];

    fn check(&self) -> Seen {
        let (watermarks, limits) = self.recipe.make_sound();
        let flow = FlowGauge::new(watermarks);
        let sampled = SampledGauge::new(watermarks);
        let mut channel = Channel {
            length: Cell::new(0),
            looks: Cell::new(0),
            capacity: limits.capacity,
            senders: vec![Handle::new(flow.join_sender())],
            receivers: vec![Handle::new(flow.join_receiver())],
            flow: &flow,
            machine: Machine::new(limits.clone()),
            marks: Marks::default(),
            lazy: Lazy::new(&sampled, Machine::new(limits), self.stride),
            seen: Seen::default(),
        };
        for op in &self.ops {
            channel.apply(*op);
        }
        channel.seen
    }
}

struct Channel<'g> {
    length: Cell<u64>,
    looks: Cell<u32>,
    capacity: Option<u64>,
    senders: Vec<Handle>,
    receivers: Vec<Handle>,
    flow: &'g FlowGauge,
    machine: Machine,
    marks: Marks,
    lazy: Lazy<'g>,
    seen: Seen,
}

impl Channel<'_> {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Move(Side::Send, handle, thread, times) => {
                (0..times).for_each(|_| self.send(handle, thread));
            }
            Op::Move(Side::Receive, handle, thread, times) => {
                (0..times).for_each(|_| self.receive(handle, thread, 1));
            }
            Op::ReceiveMany(handle, thread, items) => self.receive(handle, thread, items.into()),
            Op::Join(Side::Send) if self.senders.len() < HANDLES_MAX => {
                self.senders.push(Handle::new(self.flow.join_sender()));
            }
            Op::Join(Side::Receive) if self.receivers.len() < HANDLES_MAX => {
                self.receivers.push(Handle::new(self.flow.join_receiver()));
            }
            Op::Join(_) => {}
            Op::Leave(side, handle) => self.leave(side, handle),
            Op::Settle(items) => self.move_by_hand(items),
            Op::Look(depth) => {
                // A depth that is too small would clear a level that a receiver does not raise again.
                let larger = depth.max(self.length.get());
                let edge = self.flow.settle(|| larger);
                self.on_look(larger.min(MAX_CAPACITY), edge);
                self.lazy.look(depth, &mut self.seen);
                self.seen.note_if(depth > MAX_CAPACITY, "depth beyond the limit");
            }
            Op::TakeMark => self.take_mark(),
            Op::Read => self.read(),
        }
        self.assert_same();
    }

    fn move_by_hand(&mut self, items: i16) {
        let length = self.length.get().saturating_add_signed(items.into());
        // More than there was room for before stays, and no more comes.
        let length = length.min(self.capacity.unwrap_or(u64::MAX).max(self.length.get()));
        self.seen.note_if(length > self.length.get(), "sent without a handle");
        self.seen.note_if(length < self.length.get(), "received without a handle");
        self.length.set(length);
        self.looks.set(0);
        let edge = self.flow.settle(|| self.look());
        self.after_move(edge);
    }

    fn look(&self) -> u64 {
        self.looks.set(self.looks.get() + 1);
        self.length.get()
    }

    fn send(&mut self, handle: u8, thread: u8) {
        let Some(place) = usize::from(handle).checked_rem(self.senders.len()) else {
            return;
        };
        if self.capacity.is_some_and(|capacity| self.length.get() >= capacity) {
            self.seen.note("no room");
            return;
        }
        self.length.set(self.length.get() + 1);
        self.looks.set(0);
        let credit = &self.senders[place].credit;
        let edge = self.flow.after_send(credit, key(thread), || self.look());
        let on_credit = self.looks.get() == 0;
        self.senders[place].on_move(thread, on_credit, &mut self.seen);
        self.seen.note(if on_credit { "send on credit" } else { "send with a look" });
        self.seen.note_if(edge.is_some(), "raise by a send");
        self.after_move(edge);
    }

    /// Takes out up to `items` at once.
    fn receive(&mut self, handle: u8, thread: u8, items: u64) {
        let Some(place) = usize::from(handle).checked_rem(self.receivers.len()) else {
            return;
        };
        let items = items.min(self.length.get());
        if items == 0 {
            return;
        }
        self.length.set(self.length.get() - items);
        self.looks.set(0);
        let before = self.machine.level();
        let credit = &self.receivers[place].credit;
        let edge = match items {
            1 => self.flow.after_receive(credit, key(thread), || self.look()),
            _ => self.flow.after_receive_many(credit, key(thread), items, || self.look()),
        };
        let looked = self.looks.get() > 0;
        assert!(before > Level::Normal || !looked, "GAUGE-7: a receive looks only while raised");
        let on_credit = self.machine.level() > Level::Normal && !looked;
        self.receivers[place].on_move(thread, on_credit, &mut self.seen);
        self.seen.note_if(on_credit, "receive on credit");
        self.seen.note_if(on_credit && items > 1, "receive of many on credit");
        self.seen.note_if(looked && items > 1, "receive of many with a look");
        self.seen.note_if(looked, "receive with a look");
        self.seen.note_if(edge.is_some(), "clear by a receive");
        self.after_move(edge);
    }

    fn after_move(&mut self, edge: Option<Edge>) {
        let length = self.length.get();
        self.on_look(length, edge);
        // A round looks twice at most, and one that has voided credit is followed by another.
        let looks = self.looks.get();
        assert!(looks <= 8, "GAUGE-7: {looks} looks");
        self.lazy.after_move(length, &mut self.seen);
        self.assert_same();
    }

    fn on_look(&mut self, depth: u64, edge: Option<Edge>) {
        self.marks.on_depth(depth);
        let slack = self.marks.lifetime() / 64;
        assert_edge_near(edge, self.machine.on_depth(depth), slack);
        if let Some(edge) = edge {
            self.seen.note_if(edge.peak() > edge.depth(), "clear of a peak that was left");
        }
    }

    fn leave(&mut self, side: Side, handle: u8) {
        let handles = match side {
            Side::Send => &mut self.senders,
            Side::Receive => &mut self.receivers,
        };
        let Some(place) = usize::from(handle).checked_rem(handles.len()) else {
            return;
        };
        let mut handle = handles.swap_remove(place);
        match side {
            Side::Send => self.flow.leave_sender(&mut handle.credit),
            Side::Receive => self.flow.leave_receiver(&mut handle.credit),
        }
        self.seen.note_if(handle.on_credit, "left with credit out");
    }

    fn take_mark(&mut self) {
        let taken = self.flow.take_high_water(|| self.look());
        assert_eq!(taken, self.marks.take(self.length.get()), "GAUGE-5");
        self.seen.note_if(taken < self.marks.lifetime(), "mark below the lifetime's");
        self.lazy.take_mark(self.length.get());
    }

    fn read(&mut self) {
        let (reading, edge) = self.flow.reading(|| self.look());
        self.on_look(self.length.get(), edge);
        assert_reading(&reading, self.length.get(), &self.machine, &self.marks);
        self.lazy.read(self.length.get(), &mut self.seen);
    }

    /// Nothing here looks at the channel.
    fn assert_same(&self) {
        let gauge = self.flow.gauge();
        assert_eq!(gauge.level(), self.machine.level(), "GAUGE-4");
        assert_eq!(gauge.is_raised(), self.machine.level() > Level::Normal, "GAUGE-4");
        assert_eq!(gauge.high_water(), self.marks.lifetime(), "GAUGE-5");
    }
}

fn key(thread: u8) -> ThreadKey {
    ThreadKey::MIN.saturating_add(thread.into())
}

fn assert_reading(reading: &Reading, depth: u64, machine: &Machine, marks: &Marks) {
    assert_eq!(reading.depth, depth, "GAUGE-1");
    assert_eq!(reading.high_water, marks.lifetime(), "GAUGE-5");
    assert_eq!(reading.level, machine.level(), "GAUGE-4");
    assert_eq!(reading.watermarks.capacity(), machine.limits().capacity);
}
