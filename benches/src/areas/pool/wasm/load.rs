//! More principals than instances, all at once.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;

use super::guest::SMALL;
use super::stores::{Deque, Fair, FreshPooling, FreshYielding, InPlace, Locked, Turns, Yielding};
use super::{Guest, Measure};
use crate::case::Case;

/// Principals, each on a thread, on half as many instances.
const PRINCIPALS: usize = 8;
const GUEST: Guest = SMALL;
/// As many at a time as the pools have instances.
const FRESH: &str = "fresh, 4 at a time";
const FRESH_YIELDING: &str = "fresh, yielding, 4 at a time";

/// One percentile of turns under load.
pub(super) fn case((name, part): (&'static str, f64)) -> Case {
    let name = match name {
        "p50" => "1 MiB guests, 8 principals on 4 instances: p50 of a turn",
        "p99" => "1 MiB guests, 8 principals on 4 instances: p99 of a turn",
        _ => "1 MiB guests, 8 principals on 4 instances: p99.9 of a turn",
    };
    Case::new(name, "turn", PRINCIPALS)
        .baseline(FRESH, shared::<Fair<FreshPooling>>(part, || Fair::over(FreshPooling::of(GUEST))))
        .baseline(
            FRESH_YIELDING,
            shared::<Fair<FreshYielding>>(part, || Fair::over(FreshYielding::of(GUEST))),
        )
        .subject(
            "fresh, 8 at a time",
            FRESH,
            shared::<FreshPooling>(part, || FreshPooling::of(GUEST)),
        )
        .subject("store behind a Mutex", FRESH, shared::<Locked>(part, || Locked::of(GUEST)))
        .subject("Semaphore + Mutex<VecDeque>", FRESH, shared::<Deque>(part, || Deque::of(GUEST)))
        .subject(
            "plimsoll, fresh",
            FRESH_YIELDING,
            pooled(part, || Yielding::of(GUEST, Isolation::Fresh).0),
        )
        .subject(
            "plimsoll, fresh, in place",
            FRESH,
            pooled(part, || InPlace::of(GUEST, Isolation::Fresh).0),
        )
        .subject(
            "plimsoll, per principal",
            FRESH,
            pooled(part, || Yielding::of(GUEST, Isolation::PerPrincipal).0),
        )
        .subject(
            "plimsoll, shared, in place",
            FRESH,
            pooled(part, || InPlace::of(GUEST, Isolation::Shared).0),
        )
        .fixed(20_000, 5)
}

/// The time that this part of all turns stays below.
pub(super) fn percentile(mut times: Vec<Duration>, part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}

fn together(turns: u64, part: f64, turn: impl Fn(usize, i32) + Send + Sync + 'static) -> Duration {
    let turn = Arc::new(turn);
    let each = turns.div_ceil(PRINCIPALS as u64);
    let threads = (0..PRINCIPALS).map(|number| {
        let turn = turn.clone();
        thread::spawn(move || {
            let time = |value| {
                let began = Instant::now();
                turn(number, value);
                began.elapsed()
            };
            (0..each).map(|value| time(value as i32)).collect::<Vec<_>>()
        })
    });
    let threads: Vec<_> = threads.collect();
    let times = threads.into_iter().flat_map(|thread| thread.join().expect("a thread that ends"));
    percentile(times.collect(), part) * turns as u32
}

fn shared<T>(part: f64, make: impl Fn() -> T + 'static) -> Measure
where
    T: Send + Sync + 'static,
    for<'t> &'t T: Turns,
{
    let mut made = None;
    Box::new(move |turns| {
        let subject: &Arc<T> = made.get_or_insert_with(|| Arc::new(make()));
        let subject = subject.clone();
        together(turns, part, move |_, value| {
            (&*subject).turn(value);
        })
    })
}

fn pooled(part: f64, make: impl Fn() -> super::stores::Pooled + 'static) -> Measure {
    let mut made = None;
    Box::new(move |turns| {
        let (pooled, principals) = made.get_or_insert_with(|| {
            let pooled = Arc::new(make());
            let id = |number| format!("principal-{number}");
            let principal = |number| pooled.pool.principal(&id(number)).expect("a good id");
            let principals: Arc<[_]> = (0..PRINCIPALS).map(principal).collect();
            (pooled, principals)
        });
        let (pooled, principals) = (pooled.clone(), principals.clone());
        together(turns, part, move |number, value| {
            pooled.turn_of(&principals[number], value);
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::guest::ONE_PAGE;
    use super::super::stores::FreshYielding;
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<_> = (1..=1_000).rev().map(Duration::from_nanos).collect();
        let at = |part| percentile(times.clone(), part).as_nanos();
        assert_eq!([at(0.5), at(0.99), at(0.999)], [500, 990, 999]);
    }

    #[test]
    fn every_way_returns_what_the_guest_stored() {
        let mut ways: Vec<Box<dyn Turns>> = vec![
            Box::new(Locked::of(ONE_PAGE)),
            Box::new(FreshPooling::of(ONE_PAGE)),
            Box::new(FreshYielding::of(ONE_PAGE)),
            Box::new(Deque::of(ONE_PAGE)),
            Box::new(InPlace::of(ONE_PAGE, Isolation::Fresh)),
            Box::new(Yielding::of(ONE_PAGE, Isolation::Shared)),
        ];
        for (value, way) in (7..).zip(&mut ways) {
            assert_eq!(way.turn(value), value);
        }
        let (fair, yielding) =
            (Fair::over(FreshPooling::of(ONE_PAGE)), Fair::over(FreshYielding::of(ONE_PAGE)));
        assert_eq!(((&fair).turn(1), (&yielding).turn(2)), (1, 2));
    }
}
