//! The schedules of `races` find what they are there to find: each of the mistakes that can be planted
//! into the core's second build shows in some plan of chance.

use std::panic::{AssertUnwindSafe, catch_unwind};

use plimsoll_fuzz::Target;
use plimsoll_shuttle::flaw::{Flaw, MISSING, plant};

/// One that takes a merge is for the models.
const FLAWS: [Flaw; 11] = [
    Flaw::EvictByKey,
    Flaw::FirstLowerVictim,
    Flaw::EitherLeastVictim,
    Flaw::UnvalidatedReader,
    Flaw::SingleCollect,
    Flaw::LeakedCell,
    Flaw::AddTwice,
    Flaw::FloorTooHigh,
    Flaw::FloorForgotten,
    Flaw::SlotForKey,
    Flaw::FreedSlot,
];

#[test]
fn every_planted_mistake_is_found() {
    const PLANS_MAX: u32 = 60_000;
    // Each failure would print where it was.
    std::panic::set_hook(Box::new(|_| {}));
    let target = Target::named("races").expect("the target is in the table");
    let mut missed = Vec::new();
    for flaw in FLAWS.into_iter().filter(|flaw| !MISSING.contains(flaw)) {
        let mut next = numbers();
        let mut plan = || -> Vec<u8> { (0..40 + next() % 200).map(|_| next() as u8).collect() };
        plant(Some(flaw));
        let fails =
            |bytes: &[u8]| catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))).is_err();
        let found = (1..=PLANS_MAX).map(|number| (number, plan())).find(|(_, plan)| fails(plan));
        plant(None);
        match found {
            Some((number, plan)) => {
                println!("{flaw:?}: found by plan {number}");
                assert!(!fails(&plan), "{flaw:?} is what fails");
            }
            None => missed.push(flaw),
        }
    }
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "{missed:?} in none of {PLANS_MAX} plans");
}

/// The xorshift64 of Marsaglia 2003.
fn numbers() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}
