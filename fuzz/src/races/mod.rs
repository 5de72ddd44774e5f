//! Two or three threads on one set of a ledger, step by step in the order that the input says.
//!
//! The core is compiled a second time, with atomics that give way to a scheduler at each of their
//! steps, and with sets of two slots and two spare cells in which all tags are the same. All orderings count
//! as the strongest here: weaker ones are for the models. Judged: LEDGER-1, LEDGER-2, LEDGER-3,
//! LEDGER-5, LEDGER-6, LEDGER-7, LEDGER-10, LEDGER-11, LEDGER-12, while threads meet and when all are done.

mod schedule;
mod truth;

use std::sync::{Arc, Mutex, PoisonError};

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_shuttle::ledger::{Aggregate, Ledger};
use plimsoll_shuttle::ledger::{
    Entry, LedgerHandle, LedgerSet, Lookup, PeakLedger, Recorded, Seed, SumLedger,
};
use shuttle::{Config, Runner, thread};

use crate::{Plan, Seen};
use schedule::Planned;
use truth::{Log, key};

/// One plan: what was recorded before, what each thread does, and in which order they step.
#[derive(Clone, Debug)]
pub struct Job {
    is_sum: bool,
    before: Vec<(u8, u64)>,
    threads: Vec<Vec<Act>>,
    schedule: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Record(u8, u64),
    ByHandle(u8, u64),
    Get(u8),
    List,
    Top,
    Floor,
    /// Removes the name that may be removed.
    Remove,
}

/// The last one may be removed: of it nobody knows what there must be.
const NAMES: u8 = 6;
const VISITOR: u8 = NAMES - 1;
const SCHEDULE_MAX: usize = 400;

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let is_sum = bytes.arbitrary()?;
        let amount = |bytes: &mut Unstructured<'a>| bytes.int_in_range(1..=9u64);
        let name = |bytes: &mut Unstructured<'a>| bytes.int_in_range(0..=NAMES - 1);
        let mut before = Vec::new();
        for _ in 0..bytes.int_in_range(0..=3u8)? {
            before.push((name(bytes)?, amount(bytes)?));
        }
        let mut threads = Vec::new();
        for _ in 0..bytes.int_in_range(2..=3u8)? {
            let mut acts = Vec::new();
            for _ in 0..bytes.int_in_range(1..=4u8)? {
                acts.push(match bytes.int_in_range(0..=17u8)? {
                    0..=7 => Act::Record(name(bytes)?, amount(bytes)?),
                    8..=10 => Act::ByHandle(name(bytes)?, amount(bytes)?),
                    11 | 12 => Act::Get(name(bytes)?),
                    13 => Act::List,
                    14 => Act::Top,
                    15 => Act::Floor,
                    _ => Act::Remove,
                });
            }
            threads.push(acts);
        }
        let length = bytes.len().min(SCHEDULE_MAX);
        Ok(Job { is_sum, before, threads, schedule: bytes.bytes(length)?.to_vec() })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] = &[&[
        "peaks",
        "sums",
        "three threads",
        "threads took turns",
        "raised",
        "kept",
        "admitted into a free slot",
        "admitted over another",
        "turned away",
        "absent",
        "newcomer of two threads",
        "removed",
    ]];

    fn check(&self) -> Seen {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (job, noted) = (self.clone(), seen.clone());
        let planned = Planned::new(&self.schedule);
        let switches = planned.switches.clone();
        let mut config = Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        // That it takes every ordering for the strongest is said above.
        config.silence_warnings = true;
        Runner::new(planned, config).run(move || {
            let seed = Seed::new(17, 4);
            if job.is_sum {
                job.run::<_, true>(SumLedger::new(seed), &noted);
            } else {
                job.run::<_, false>(PeakLedger::new(seed), &noted);
            }
        });
        let mut seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.note(if self.is_sum { "sums" } else { "peaks" });
        seen.note_if(self.threads.len() == 3, "three threads");
        let switches = *switches.lock().unwrap_or_else(PoisonError::into_inner);
        seen.note_if(switches > 2, "threads took turns");
        seen
    }
}

type OneSet<A> = Ledger<A, [LedgerSet<2>; 1], 2>;

/// A ledger, what was recorded, and what has been reached.
struct Shared<A, const IS_SUM: bool> {
    ledger: OneSet<A>,
    log: Log<IS_SUM>,
    seen: Arc<Mutex<Seen>>,
}

impl Job {
    fn run<A: Aggregate + 'static, const IS_SUM: bool>(
        &self,
        ledger: OneSet<A>,
        seen: &Arc<Mutex<Seen>>,
    ) {
        let shared = Arc::new(Shared::<A, IS_SUM> { ledger, log: Log::new(), seen: seen.clone() });
        self.before.iter().for_each(|(name, amount)| shared.act(Act::Record(*name, *amount)));
        let workers: Vec<_> = self
            .threads
            .iter()
            .map(|acts| {
                let (shared, acts) = (shared.clone(), acts.clone());
                thread::spawn(move || shared.work(&acts))
            })
            .collect();
        workers
            .into_iter()
            .for_each(|worker| worker.join().expect("a thread that panics ends all"));
        shared.assert_at_rest();
    }
}

impl<A: Aggregate, const IS_SUM: bool> Shared<A, IS_SUM> {
    fn work(&self, acts: &[Act]) {
        let mut floor = 0;
        for act in acts {
            self.act(*act);
            let now = self.ledger.floor();
            assert!(now >= floor, "LEDGER-5: {now} after {floor}");
            floor = now;
        }
    }

    fn act(&self, act: Act) {
        match act {
            Act::Record(name, amount) => {
                self.recorded(name, amount, || self.ledger.record(&key(name), amount));
            }
            Act::ByHandle(name, amount) => {
                let mut handle = LedgerHandle::new(&self.ledger, key(name));
                self.recorded(name, 1, || handle.record(1));
                self.recorded(name, amount, || handle.record(amount));
            }
            Act::Get(name) => self.assert_known(name),
            Act::Remove => self.remove(),
            Act::List => {
                let listed: Vec<_> = self.ledger.entries().collect();
                self.log.assert_listed(&listed);
            }
            Act::Top => {
                let least = self.log.known();
                let mut buffer = [Entry::NONE; 2];
                let top = self.ledger.top(&mut buffer);
                self.log.assert_listed(top.entries());
                for (name, value) in least {
                    let entry = top.entries().iter().find(|entry| *entry.key() == key(name));
                    let known = entry.map_or(top.bound(), Entry::value);
                    assert!(known >= value, "LEDGER-2: {name} had {value}: {top:?}");
                }
            }
            Act::Floor => {
                let least = self.log.known();
                let certificate = self.ledger.certificate();
                let above = least.values().filter(|value| **value > certificate.bound()).count();
                assert!(above <= 2, "LEDGER-2: {certificate:?} of {least:?}");
            }
        }
    }

    fn remove(&self) {
        let removed = self.ledger.remove(&key(VISITOR));
        let Some(entry) = removed else { return };
        let answer = Lookup::Present { value: entry.value(), error: entry.error() };
        self.log.assert_possible(VISITOR, answer);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).note("removed");
    }

    fn recorded(&self, name: u8, amount: u64, record: impl FnOnce() -> Recorded) {
        self.log.begin(name, amount);
        let recorded = record();
        let of_two = self.log.finish(name, amount);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.note(match recorded {
            Recorded::Raised { .. } => "raised",
            Recorded::Kept { .. } => "kept",
            Recorded::Admitted { evicted: 0 } => "admitted into a free slot",
            Recorded::Admitted { .. } => "admitted over another",
            Recorded::TurnedAway { .. } => "turned away",
        });
        let is_admitted = matches!(recorded, Recorded::Admitted { .. });
        seen.note_if(is_admitted && of_two, "newcomer of two threads");
        drop(seen);
        self.assert_known(name);
    }

    /// LEDGER-3, LEDGER-11: no less is said of a key than was recorded for it before.
    fn assert_known(&self, name: u8) {
        let least = self.log.known().get(&name).copied().unwrap_or(0);
        let answer = self.ledger.get(&key(name));
        assert!(answer.at_most() >= least, "LEDGER-3, LEDGER-11: {name}: {least}, {answer:?}");
        self.log.assert_possible(name, answer);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.note_if(answer.value().is_none(), "absent");
    }

    fn assert_at_rest(&self) {
        let ledger = &self.ledger;
        let truth = self.log.known();
        let all = self.log.finished();
        let listed: Vec<_> = ledger.entries().collect();
        self.log.assert_listed(&listed);
        if all.len() == truth.len() {
            assert_eq!(listed.len(), truth.len().min(2), "LEDGER-1, LEDGER-10: {listed:?}");
        }
        assert_eq!(ledger.cells_free(), 4 - listed.len(), "LEDGER-1: cells are conserved");
        for (name, value) in &truth {
            let answer = ledger.get(&key(*name));
            match answer.value() {
                Some(_) => self.log.assert_possible(*name, answer),
                None => assert_eq!(answer.at_most(), ledger.floor(), "LEDGER-11: {name}"),
            }
            assert!(answer.at_most() >= *value, "LEDGER-3: {name}: {value}, {answer:?}");
            if let (Some(peak), false) = (answer.value(), IS_SUM) {
                assert_eq!(peak, *value, "LEDGER-2: {name}");
            }
        }
        if IS_SUM {
            assert_eq!(ledger.total(), all.values().sum::<u64>(), "LEDGER-6: conserved");
        }
    }
}
