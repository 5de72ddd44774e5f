//! The pool of `plimsoll` against what it promises: operations and faults in any order, one step at
//! a time.
//!
//! Judged: POOL-1 (how many), POOL-2 (exclusive), POOL-3 (what was discarded stays so), POOL-4
//! and POOL-6 (nothing is lost, nobody waits beside an idle instance or sleeps on what is
//! granted, order within a principal), POOL-5 (each error has its cause), POOL-8 and POOL-17 (as
//! many are kept ready as was asked for, by numbers that change; the warmest is lent, the coldest evicted), POOL-9 (close and drain), POOL-10
//! (who gets what another has used), POOL-11 (caps and turns), POOL-13 (no dead instance is lent),
//! POOL-15 (who would wait for itself, how many wait, several at once). Builds fail, panic
//! and are cancelled where they await; resets and drops panic; checkouts are cancelled before
//! they are polled, queued, and when they have been granted. Where the manager allows it, those
//! who ask build for themselves.

mod asker;
mod causes;
mod changes;
mod end;
mod gather;
mod heat;
mod held;
mod inline;
mod pair;
mod sound;
mod stand;
mod turns;
mod world;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::{Plan, Seen};
use pair::Pair;
use stand::Stand;
use world::Fate;

/// One plan: a pool, then operations.
#[derive(Debug)]
pub struct Job {
    setup: Setup,
    ops: Vec<Op>,
}

/// How the pool is made.
#[derive(Clone, Copy, Debug)]
struct Setup {
    max: usize,
    warm: usize,
    min: usize,
    /// 0: fresh, 1: per principal, 2: shared, 3: fresh, and who asks may build.
    isolation: u8,
    cap: Option<usize>,
    uses: Option<u32>,
    /// Checkouts time out after 50 ms.
    times_out: bool,
    /// Builds are cancelled where they await.
    is_impatient: bool,
    /// Principals keep off from their second fault on.
    keeps_off: bool,
    line_max: Option<usize>,
    /// Principals may wait for what only themselves hold.
    waits_for_own: bool,
}

const ISOLATIONS: [&str; 4] = ["fresh", "per principal", "shared", "inline"];

impl Setup {
    fn is_fresh(&self) -> bool {
        matches!(self.isolation, 0 | 3)
    }

    fn is_inline(&self) -> bool {
        self.isolation == 3
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A checkout of this principal begins, and is polled unless it is lazy.
    Begin(u8, bool),
    /// The same, by `checkout_owned`.
    BeginOwned(u8),
    /// A checkout of so many at once begins.
    Gather(u8, usize),
    /// The one at this place of those is dropped.
    CancelGather(u8),
    /// The checkout at this place of those that wait is dropped.
    Cancel(u8),
    /// All checkouts are polled.
    Poll,
    Try(u8),
    Complete(u8),
    /// The lease at this place borrows no more.
    Own(u8),
    /// It is dropped, by a panic if so.
    Drop(u8, bool),
    Fault(u8),
    /// What an object does at its end: 1 fails its reset, 2 panics there, 4 panics in its drop.
    Spoil(u8, u8),
    /// What becomes of a build.
    Fate(Fate),
    Step,
    /// So many ms pass.
    Pass(u8),
    /// The object that was made as the so many-th last is dead, or panics when it is asked.
    Ail(u8, bool),
    Resize(usize),
    SetWarm(usize),
    SetMin(usize),
    Insert,
    /// Idle objects are kept whose number has its bit set; one of them panics when it is looked at.
    Retain(u8, Option<u8>),
    DropIdle,
    Close,
}

const OPS_MAX: usize = 200;
const PRINCIPALS: u8 = 4;
/// What a pool grows to at most.
const MAX_MAX: usize = 5;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let max = bytes.int_in_range(1..=4)?;
        let some = |bytes: &mut Unstructured<'a>, most: usize| -> Result<Option<usize>> {
            let number = bytes.int_in_range(0..=most)?;
            Ok((number > 0).then_some(number))
        };
        let setup = Setup {
            max,
            warm: bytes.int_in_range(0..=max)?,
            min: bytes.int_in_range(0..=max)?,
            isolation: bytes.int_in_range(0..=3)?,
            cap: some(bytes, 2)?,
            uses: some(bytes, 3)?.map(|uses| uses as u32),
            times_out: bytes.arbitrary()?,
            is_impatient: bytes.arbitrary()?,
            keeps_off: bytes.arbitrary()?,
            line_max: some(bytes, 4)?,
            waits_for_own: bytes.arbitrary()?,
        };
        let mut ops = Vec::new();
        while !bytes.is_empty() && ops.len() < OPS_MAX {
            let principal = bytes.int_in_range(0..=PRINCIPALS - 1)?;
            ops.push(match bytes.int_in_range(0..=43u8)? {
                0..=4 => Op::Begin(principal, false),
                5 => Op::Begin(principal, true),
                6 | 7 => Op::Cancel(bytes.arbitrary()?),
                8..=10 => Op::Poll,
                11 => Op::Try(principal),
                12..=15 => Op::Complete(bytes.arbitrary()?),
                16 => Op::Drop(bytes.arbitrary()?, bytes.arbitrary()?),
                17 => Op::Fault(bytes.arbitrary()?),
                18 => Op::Spoil(bytes.arbitrary()?, bytes.int_in_range(1..=7)?),
                19 | 20 => Op::Fate(*bytes.choose(&Fate::ALL)?),
                21..=25 => Op::Step,
                26 => Op::Pass(bytes.arbitrary()?),
                27 => Op::BeginOwned(principal),
                28..=30 => Op::Gather(principal, bytes.int_in_range(0..=MAX_MAX)?),
                31 => Op::CancelGather(bytes.arbitrary()?),
                32 => Op::Own(bytes.arbitrary()?),
                33 | 34 => Op::Ail(bytes.arbitrary()?, bytes.arbitrary()?),
                35 | 36 => Op::Resize(bytes.int_in_range(1..=MAX_MAX)?),
                37 => Op::SetWarm(bytes.int_in_range(0..=MAX_MAX)?),
                38 => Op::SetMin(bytes.int_in_range(0..=MAX_MAX)?),
                39 | 40 => Op::Insert,
                41 => Op::Retain(bytes.arbitrary()?, bytes.arbitrary()?),
                42 => Op::DropIdle,
                _ if ops.len() > 20 => Op::Close,
                _ => Op::Step,
            });
        }
        Ok(Job { setup, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[
        &ISOLATIONS,
        &[
            "lease",
            "used again",
            "never polled",
            "cancelled while queued",
            "cancelled when granted",
        ],
        &["build failed", "build panicked", "build cancelled", "timed out", "kept off", "at cap"],
        &["exhausted", "closed", "closed while queued", "late return", "late build"],
        &["reset failed", "reset panicked", "drop panicked", "dropped by a panic", "fault"],
        &["turns taken", "idle eviction", "displaced", "worn out"],
        &["made inline", "made in vacant room", "made in room of another", "room given up"],
        &["made in granted room", "made when closed", "inline build dropped", "queued again"],
        &["inline build failed", "inline build panicked", "granted room not made in"],
        &["owned", "owned from the start", "dead", "panicked when asked", "dead when granted"],
        &[
            "gathered",
            "gathered nothing",
            "too many",
            "cancelled among many",
            "gave back",
            "in turn",
        ],
        &["waits for itself", "line full", "inserted", "inserted for a waiter", "nothing inserted"],
        &["grown", "shrunk", "shrunk below what lives", "surplus", "warm changed", "min changed"],
        &["warm refused", "min refused", "looked at", "panicked when looked at", "idle dropped"],
        &["warmest of several", "coldest of several"],
    ];

    fn check(&self) -> Seen {
        let stand = Stand::new(self.setup);
        let mut pair = Pair::new(&stand);
        for op in &self.ops {
            pair.apply(*op);
            pair.assert_sound();
        }
        pair.end()
    }
}
