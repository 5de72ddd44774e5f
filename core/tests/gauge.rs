//! The counted gauge through the public interface. Tests carry the property that they show.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use plimsoll_core::{Edge, EdgeKind, Gauge, Level, MAX_CAPACITY, MAX_STEP, Permit, Watermarks};

static FRAMES: Gauge = Gauge::new(Watermarks::percent(4, 75, 25));

/// Levels, as numbers.
fn way(edge: Option<Edge>) -> Option<(u8, u8)> {
    edge.map(|edge| (edge.from() as u8, edge.to() as u8))
}

/// xorshift32, Marsaglia 2003.
fn next(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

/// GAUGE-3: the edges are all there, each once, and each begins where the one before it ended.
fn assert_chain(mut edges: Vec<Edge>, now: Level) {
    edges.sort_by_key(Edge::sequence);
    let mut level = Level::Normal;
    for (place, edge) in edges.iter().enumerate() {
        assert_eq!(edge.sequence(), place as u64 + 1, "GAUGE-3");
        assert_eq!(edge.from(), level, "GAUGE-3: edge {}", edge.sequence());
        assert_ne!(edge.to(), level, "GAUGE-3: edge {}", edge.sequence());
        level = edge.to();
    }
    assert_eq!(level, now, "GAUGE-4: the last edge says what holds");
}

#[test]
fn a_gauge_is_a_static_that_all_threads_share() {
    fn is_shared<T: Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    is_shared(&FRAMES);
    let (permit, edge): (Permit<'static>, _) = FRAMES.permit(3);
    assert_eq!(edge.unwrap().kind(), EdgeKind::Raised);
    let cleared = thread::spawn(move || permit.release()).join().unwrap().unwrap();
    assert_eq!((cleared.kind(), cleared.sequence()), (EdgeKind::Cleared, 2));
}

#[test]
fn gauge_1_the_depth_is_what_went_in_less_what_came_out() {
    let gauge = Gauge::new(Watermarks::new(1_000));
    let _ = gauge.add(5);
    let _ = gauge.sub(2);
    let _ = gauge.add(0);
    let (held, _) = gauge.permit(7);
    assert_eq!((gauge.depth(), held.amount()), (10, 7));
    assert!(held.release().is_none());
    assert_eq!(gauge.depth(), 3);
}

#[test]
fn gauge_1_a_decrement_that_overtakes_its_increment_is_not_lost() {
    let gauge = Gauge::new(Watermarks::counts(1, 1, 0));
    for _ in 0..3 {
        assert!(gauge.sub(1).is_none());
        assert_eq!(gauge.depth(), 0, "a debt is no depth");
    }
    for _ in 0..3 {
        assert!(gauge.add(1).is_none(), "it makes the debt good");
    }
    assert_eq!((gauge.depth(), gauge.level(), gauge.high_water()), (0, Level::Normal, 0));
    assert!(gauge.add(1).is_some());
}

#[test]
fn gauge_1_a_permit_leaves_by_every_way() {
    let gauge = Gauge::new(Watermarks::unbounded());
    drop(gauge.permit(1).0);
    assert_eq!(gauge.depth(), 0, "dropped");
    let held = vec![gauge.permit(2).0, gauge.permit(3).0];
    assert_eq!(gauge.depth(), 5);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _held = held;
        let _more = gauge.permit(4);
        std::panic::resume_unwind(Box::new("on the way"));
    }));
    assert!(panicked.is_err());
    assert_eq!(gauge.depth(), 0, "while unwinding");
    std::mem::forget(gauge.permit(6));
    assert_eq!(gauge.depth(), 6, "forgotten: still in");
}

#[test]
fn gauge_3_and_4_levels_rise_and_fall_one_edge_at_a_time() {
    let marks = Watermarks::counts(10, 4, 1).with_level(7, 3).with_level(10, 8);
    let gauge = Gauge::new(marks);
    assert_eq!(way(gauge.add(4)), Some((0, 1)));
    assert_eq!(way(gauge.add(6)), Some((1, 3)), "over one level in one step");
    assert_eq!(way(gauge.sub(2)), Some((3, 2)), "back to the highest that still holds");
    assert_eq!(way(gauge.sub(4)), None);
    assert_eq!(way(gauge.sub(4)), Some((2, 0)));
    assert_eq!((gauge.level(), gauge.is_raised()), (Level::Normal, false));
}

#[test]
fn gauge_3_an_edge_says_what_it_was_judged_on() {
    let gauge = Gauge::new(Watermarks::counts(10, 8, 5));
    assert!(gauge.add(7).is_none());
    let raised = gauge.add(2).unwrap();
    assert_eq!((raised.kind(), raised.depth(), raised.peak()), (EdgeKind::Raised, 9, 9));
    assert_eq!((raised.capacity(), raised.sequence()), (Some(10), 1));
    assert!(gauge.add(3).is_none());
    assert!(gauge.sub(6).is_none());
    let cleared = gauge.sub(1).unwrap();
    assert_eq!((cleared.kind(), cleared.depth(), cleared.peak()), (EdgeKind::Cleared, 5, 12));
    assert_eq!((cleared.from(), cleared.to()), (Level::Elevated, Level::Normal));
}

#[test]
fn gauge_4_a_dropped_permit_leaves_its_edge_to_the_next_call() {
    let gauge = Gauge::new(Watermarks::counts(10, 8, 5));
    let (permit, raised) = gauge.permit(8);
    assert!(raised.is_some());
    drop(permit);
    assert_eq!((gauge.level(), gauge.reading().level), (Level::Normal, Level::Normal));
    let cleared = gauge.settle().unwrap();
    assert_eq!((cleared.kind(), cleared.depth(), cleared.sequence()), (EdgeKind::Cleared, 0, 2));
    assert!(gauge.settle().is_none(), "each edge once");

    let (permit, _) = gauge.permit(8);
    drop(permit);
    assert_eq!(gauge.add(1).unwrap().kind(), EdgeKind::Cleared, "an add makes it too");
}

#[test]
fn gauge_5_both_marks() {
    let gauge = Gauge::new(Watermarks::new(100));
    assert_eq!((gauge.high_water(), gauge.take_high_water()), (0, 0));
    let _ = gauge.add(30);
    let _ = gauge.sub(20);
    assert_eq!(gauge.take_high_water(), 30);
    let _ = gauge.add(5);
    let _ = gauge.sub(15);
    assert_eq!(gauge.take_high_water(), 15, "the largest since the last take");
    assert_eq!(gauge.take_high_water(), 0);
    let reading = gauge.reading();
    assert_eq!((reading.depth, reading.high_water), (0, 30), "a life's mark stays");
    assert_eq!(reading.watermarks, Watermarks::new(100));
}

#[test]
fn gauge_6_four_gibibytes_raise_at_the_right_byte() {
    let capacity: u64 = 4 << 30;
    let memory = Gauge::new(Watermarks::new(capacity));
    let high = 3_435_973_837; // ceil(2^32 * 0.8)
    assert_eq!(memory.watermarks().high(Level::Elevated), Some(high));
    assert!(memory.add(high - 1).is_none());
    let raised = memory.add(1).unwrap();
    assert_eq!((raised.depth(), raised.capacity()), (high, Some(capacity)));
    assert!(memory.sub(high - (2 << 30) - 1).is_none());
    assert_eq!(memory.sub(1).unwrap().depth(), 2 << 30);
}

#[test]
fn gauge_6_the_range_ends_in_saturation_on_both_sides() {
    let gauge = Gauge::new(Watermarks::new(MAX_CAPACITY));
    let raises = (0..200).filter(|_| gauge.add(MAX_STEP).is_some()).count();
    assert_eq!((raises, gauge.depth(), gauge.high_water()), (1, MAX_CAPACITY, MAX_CAPACITY));
    let clears = (0..200).filter(|_| gauge.sub(u64::MAX).is_some()).count();
    assert_eq!((clears, gauge.depth()), (1, 0));
    assert!(gauge.add(MAX_STEP).is_none(), "200 steps down are cut to 64 below nothing");
    for _ in 0..63 {
        assert!(gauge.add(MAX_STEP).is_none());
    }
    assert_eq!((gauge.depth(), gauge.level()), (0, Level::Normal));
    let _ = gauge.add(1);
    assert_eq!(gauge.depth(), 1);
}

#[test]
fn gauge_6_one_step_is_clamped_and_a_permit_gives_back_what_it_took() {
    let gauge = Gauge::new(Watermarks::unbounded());
    let (permit, _) = gauge.permit(u64::MAX);
    assert_eq!((permit.amount(), gauge.depth()), (MAX_STEP, MAX_STEP));
    drop(permit);
    assert_eq!(gauge.depth(), 0);
}

#[test]
fn gauge_6_a_debt_is_no_overflow_when_the_edges_wrap() {
    let gauge = Gauge::new(Watermarks::counts(1, 1, 0));
    assert!(gauge.sub(1).is_none());
    for round in 0..20_000 {
        assert_eq!(gauge.add(2).unwrap().sequence(), 2 * round + 1);
        assert_eq!(gauge.sub(2).unwrap().sequence(), 2 * round + 2);
    }
}

#[test]
fn gauge_6_any_number_of_dropped_permits_stays_in_range() {
    let gauge = Gauge::new(Watermarks::unbounded());
    let permits: Vec<_> = (0..300).map(|_| gauge.permit(MAX_STEP).0).collect();
    assert_eq!(gauge.depth(), MAX_CAPACITY);
    drop(permits);
    assert_eq!((gauge.depth(), gauge.reading().high_water), (0, MAX_CAPACITY));
}

#[test]
fn gauge_7_a_queue_of_one_has_an_edge_for_each_item() {
    let gauge = Gauge::new(Watermarks::new(1));
    for round in 0..100 {
        assert_eq!(gauge.add(1).unwrap().sequence(), 2 * round + 1);
        assert_eq!(gauge.sub(1).unwrap().sequence(), 2 * round + 2);
    }
}

/// Threads put in and take out weights at random, each as much out as in, around the watermarks.
#[test]
fn gauge_1_3_4_after_threads_have_hammered_all_agrees() {
    const THREADS: u32 = 4;
    const OPERATIONS: u32 = if cfg!(miri) { 50 } else { 30_000 };
    let gauge = Gauge::new(Watermarks::counts(12, 6, 3).with_level(10, 5));
    let edges = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let (gauge, edges) = (&gauge, &edges);
            scope.spawn(move || {
                let (mut state, mut held, mut mine) = (thread, Vec::new(), Vec::new());
                for _ in 0..OPERATIONS {
                    let amount = u64::from(next(&mut state) % 4);
                    match next(&mut state) % 4 {
                        0 if held.len() < 3 => {
                            let (permit, edge) = gauge.permit(amount);
                            held.push(permit);
                            mine.extend(edge);
                        }
                        0 | 1 => mine.extend(held.pop().and_then(Permit::release)),
                        2 => drop(held.pop()),
                        _ => {
                            mine.extend(gauge.sub(amount));
                            mine.extend(gauge.add(amount));
                        }
                    }
                    let reading = gauge.reading();
                    assert!(reading.depth <= reading.high_water, "GAUGE-5");
                }
                mine.extend(held.into_iter().filter_map(Permit::release));
                edges.lock().unwrap().extend(mine);
            });
        }
    });
    assert_eq!(gauge.depth(), 0, "GAUGE-1");
    let mut edges = edges.into_inner().unwrap();
    edges.extend(gauge.settle());
    assert_eq!(gauge.level(), Level::Normal, "GAUGE-4");
    assert_chain(edges, Level::Normal);
}

/// Rounds of a few operations at once, each round ending somewhere else.
#[test]
fn gauge_4_and_5_truth_at_rest_wherever_that_is() {
    const ROUNDS: u32 = if cfg!(miri) { 5 } else { 400 };
    let marks = Watermarks::counts(40, 20, 10);
    let (gauge, mut expected, mut taken) = (Gauge::new(marks), 0, 0);
    let mut edges = Vec::new();
    for round in 1..=ROUNDS {
        let moves = [1, 2, 3].map(|thread| {
            let state = &mut (round * thread);
            [(); 5].map(|()| i64::from(next(state) % 9) - 4)
        });
        thread::scope(|scope| {
            let work = |moves: [i64; 5]| {
                let gauge = &gauge;
                move || {
                    let step = |by: i64| match by {
                        0.. => gauge.add(by as u64),
                        _ => gauge.sub(by.unsigned_abs()),
                    };
                    moves.into_iter().filter_map(step).collect::<Vec<_>>()
                }
            };
            let threads = moves.map(|moves| scope.spawn(work(moves)));
            taken = taken.max(gauge.take_high_water());
            edges.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        });
        expected += moves.as_flattened().iter().sum::<i64>();
        let depth = expected.max(0) as u64;
        assert_eq!(gauge.depth(), depth, "GAUGE-1");
        assert!(depth < 20 || gauge.level() == Level::Elevated, "GAUGE-4");
        assert!(depth > 10 || gauge.level() == Level::Normal, "GAUGE-4");
        assert!(gauge.settle().is_none(), "GAUGE-4: nothing was left due");
    }
    assert_eq!(taken.max(gauge.take_high_water()), gauge.high_water(), "GAUGE-5");
    assert_chain(edges, gauge.level());
}

#[test]
fn gauge_5_what_threads_only_add_is_the_mark_exactly() {
    const EACH: u64 = if cfg!(miri) { 50 } else { 20_000 };
    let gauge = Gauge::new(Watermarks::new(4 * EACH));
    let takes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..EACH).filter(|_| gauge.add(1).is_some()).count());
        }
        scope.spawn(|| (0..100).for_each(|_| takes.lock().unwrap().push(gauge.take_high_water())));
    });
    let takes = takes.into_inner().unwrap();
    assert!(takes.is_sorted(), "of a depth that only grows, later takes see no less");
    assert_eq!((gauge.high_water(), gauge.take_high_water()), (3 * EACH, 3 * EACH));
    assert_eq!(gauge.depth(), 3 * EACH, "GAUGE-1");
}

#[test]
fn gauge_3_depths_before_edges_are_those_of_the_reading_until_the_first_edge() {
    let (mut random, mut seen) = (7, 0);
    for _ in 0..200 {
        let gauge = Gauge::new(Watermarks::counts(20, 15, 5));
        let mut edges = 0;
        for _ in 0..40 {
            let amount = u64::from(next(&mut random) % 4);
            let edge =
                if next(&mut random) % 2 == 0 { gauge.add(amount) } else { gauge.sub(amount) };
            edges += u64::from(edge.is_some());
            let (depths, reading) = (gauge.depths_before_edges(), gauge.reading());
            assert!(depths.is_none_or(|depths| depths == (reading.depth, reading.high_water)));
            assert!(edges == 0 || depths.is_none());
            // A debt is the one other reason.
            assert!(edges > 0 || depths.is_some() || reading.depth == 0);
            seen += u32::from(depths.is_some());
        }
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn gauge_3_depths_before_edges_know_of_edges_whose_count_has_come_around() {
    let gauge = Gauge::new(Watermarks::counts(1, 1, 0));
    assert_eq!(gauge.depths_before_edges(), Some((0, 0)));
    for _ in 0..3 * (1 << 13) {
        assert!(gauge.add(1).is_some());
        assert_eq!(gauge.depths_before_edges(), None);
        assert!(gauge.sub(1).is_some());
        assert_eq!(gauge.depths_before_edges(), None);
    }
}

#[test]
fn gauge_4_depths_before_edges_leave_an_edge_that_is_due_to_others() {
    let gauge = Gauge::new(Watermarks::counts(4, 2, 1));
    assert_eq!(gauge.take_high_water(), 0);
    let _ = gauge.add(1);
    assert_eq!(gauge.depths_before_edges(), Some((1, 1)));
    assert_eq!(gauge.take_high_water(), 1);
    let _ = gauge.sub(1);
    assert_eq!(gauge.take_high_water(), 1);
    assert_eq!(gauge.depths_before_edges(), Some((0, 1)), "for life");
    let _ = gauge.add(2);
    assert_eq!(gauge.depths_before_edges(), None);
}
