//! Every state with every input, and random histories.

extern crate std;

use std::vec;
use std::vec::Vec;

use super::NoticeKind::{Cleared, Raised, StillRaised};
use super::*;
use crate::{Hysteresis, Watermarks};
use Level::{Critical, Elevated, Normal};

fn edge(sequence: u64, from: Level, to: Level, depth: u64, peak: u64) -> Edge {
    Edge { from, to, depth, peak, capacity: Some(10), sequence }
}

fn raise(sequence: u64) -> Edge {
    edge(sequence, Normal, Elevated, 8, 8)
}

fn clear(sequence: u64) -> Edge {
    edge(sequence, Elevated, Normal, 5, 9)
}

fn kinds(notices: Notices) -> Vec<NoticeKind> {
    notices.map(|notice| notice.kind).collect()
}

/// A machine with a hold of 100 ms, in each of its states: the last edge was number 2 or 3.
fn idle() -> Sustain {
    let mut sustain = Sustain::new(100, Some(1_000));
    assert!(sustain.on_edge(0, &raise(1)).is_silent());
    assert!(sustain.on_edge(1, &clear(2)).is_silent());
    sustain
}

fn pending() -> Sustain {
    let mut sustain = idle();
    assert!(sustain.on_edge(10, &raise(3)).is_silent());
    sustain
}

fn announced() -> Sustain {
    let mut sustain = pending();
    assert_eq!(sustain.on_tick(110, Elevated, 8).unwrap().kind, Raised);
    sustain
}

/// Two levels are pending when edges are missing: perhaps both were left in between.
#[test]
fn a_gap_begins_every_pending_level_anew() {
    for (to, at) in [(Normal, "the lower"), (Elevated, "the upper")] {
        let mut sustain = Sustain::new(100, None);
        assert!(sustain.on_edge(0, &raise(1)).is_silent());
        assert!(sustain.on_edge(50, &edge(2, Elevated, Critical, 9, 9)).is_silent());
        assert!(sustain.on_edge(90, &edge(5, Critical, Level::Full, 10, 10)).is_silent());
        assert_eq!(sustain.due_ms(), Some(190), "{at}");
        for now_ms in [100, 149, 151, 189] {
            assert_eq!(sustain.on_tick(now_ms, Level::Full, 10), None, "{at} at {now_ms}");
        }
        let raised = sustain.on_tick(190, Level::Full, 10).unwrap();
        assert_eq!((raised.kind, raised.level), (Raised, Level::Full));
        let cleared = sustain.on_edge(250, &edge(6, Level::Full, to, 1, 10)).next().unwrap();
        assert_eq!((cleared.kind, cleared.duration_ms), (Cleared, Some(160)), "{at}");
    }
}

#[test]
fn every_state_and_every_edge() {
    type Made = fn() -> Sustain;
    let states: [(&str, Made); 3] =
        [("idle", idle), ("pending", pending), ("announced", announced)];
    // What is announced, and which level is pending or announced afterwards.
    let table = [
        // An edge older than one seen.
        ("idle", 20, raise(1), vec![], Normal, Normal),
        ("pending", 20, clear(2), vec![], Elevated, Normal),
        ("announced", 120, clear(2), vec![], Elevated, Elevated),
        // The next edge.
        ("idle", 20, raise(3), vec![], Elevated, Normal),
        ("pending", 109, clear(4), vec![], Normal, Normal),
        ("pending", 110, clear(4), vec![Raised, Cleared], Normal, Normal),
        ("announced", 120, clear(4), vec![Cleared], Normal, Normal),
        // One whose predecessor is missing.
        ("idle", 20, clear(4), vec![], Normal, Normal),
        ("pending", 500, raise(5), vec![], Elevated, Normal),
        ("announced", 120, raise(5), vec![Cleared], Elevated, Normal),
        // One that lacks two: it may have been left in between.
        ("idle", 20, raise(5), vec![], Elevated, Normal),
        ("pending", 500, clear(6), vec![], Normal, Normal),
        ("announced", 120, clear(6), vec![Cleared], Normal, Normal),
    ];
    for (name, now_ms, edge, expected, level, announced) in table {
        let (_, made) = states.iter().find(|(state, _)| *state == name).unwrap();
        let mut sustain = made();
        let case = std::format!("{name}, {edge:?} at {now_ms}");
        assert_eq!(kinds(sustain.on_edge(now_ms, &edge)), expected, "{case}");
        assert_eq!((sustain.level(), sustain.announced()), (level, announced), "{case}");
    }
}

#[test]
fn every_state_and_every_tick() {
    for now_ms in [20, 10_000] {
        assert_eq!(idle().on_tick(now_ms, Normal, 0), None);
        assert_eq!(idle().on_tick(now_ms, Elevated, 8), None, "its edge is under way");
        assert_eq!(pending().on_tick(now_ms, Normal, 0), None, "its edge is under way");
        assert_eq!(announced().on_tick(now_ms, Normal, 0), None, "its edge is under way");
    }
    assert_eq!(pending().on_tick(109, Elevated, 8), None);
    assert_eq!(pending().on_tick(110, Critical, 9).unwrap().level, Elevated);
    assert_eq!(announced().on_tick(1_109, Elevated, 8), None);
    let still = announced().on_tick(1_110, Elevated, 7).unwrap();
    assert_eq!((still.kind, still.depth, still.peak), (StillRaised { repeat: 1 }, 7, 8));
    assert_eq!((still.duration_ms, still.sequence), (Some(1_100), 3));
}

#[test]
fn what_stands_is_what_was_announced() {
    assert_eq!((idle().standing(500), pending().standing(500)), (None, None));
    let standing = announced().standing(500).unwrap();
    assert_eq!((standing.kind, standing.level, standing.peak), (Raised, Elevated, 8));
    assert_eq!((standing.duration_ms, standing.sequence), (Some(490), 3));
}

#[test]
fn due_is_when_a_tick_has_something_to_say() {
    assert_eq!(idle().due_ms(), None);
    assert_eq!(pending().due_ms(), Some(110));
    let mut sustain = announced();
    for repeat in 1..4 {
        let due_ms = sustain.due_ms().unwrap();
        assert_eq!(sustain.on_tick(due_ms - 1, Elevated, 8), None);
        let still = sustain.on_tick(due_ms + 5, Elevated, 8).unwrap();
        assert_eq!(still.kind, StillRaised { repeat });
    }
    assert_eq!(Sustain::new(u64::MAX, None).due_ms(), None);
}

#[test]
fn missed_intervals_are_announced_once() {
    let mut sustain = announced();
    assert!(sustain.on_tick(50_000, Elevated, 8).is_some());
    assert_eq!(sustain.due_ms(), Some(51_000));
}

#[test]
fn a_recovery_tells_duration_and_peak() {
    let mut sustain = announced();
    assert_eq!(sustain.on_tick(500, Elevated, 10), None);
    let cleared = sustain.on_edge(2_010, &clear(4)).next().unwrap();
    assert_eq!((cleared.duration_ms, cleared.peak, cleared.depth), (Some(2_000), 10, 5));
    assert_eq!((cleared.level, cleared.sequence), (Normal, 4));
}

#[test]
fn each_level_holds_on_its_own() {
    let mut sustain = Sustain::new(100, None);
    assert!(sustain.on_edge(0, &raise(1)).is_silent());
    assert!(sustain.on_edge(90, &edge(2, Elevated, Critical, 10, 10)).is_silent());
    let elevated = sustain.on_tick(100, Critical, 10).unwrap();
    assert_eq!((elevated.level, elevated.peak), (Elevated, 10));
    assert_eq!(sustain.due_ms(), Some(190));
    assert_eq!(sustain.on_tick(195, Critical, 9).unwrap().level, Critical);

    // Back to elevated, and up for a moment: the upper level was left, and does not hold again.
    let cleared = sustain.on_edge(200, &edge(3, Critical, Elevated, 7, 10)).next().unwrap();
    assert_eq!((cleared.level, cleared.duration_ms), (Elevated, Some(110)));
    assert!(sustain.on_edge(210, &edge(4, Elevated, Critical, 10, 10)).is_silent());
    let cleared = sustain.on_edge(250, &edge(5, Critical, Normal, 0, 10)).next().unwrap();
    assert_eq!((cleared.level, cleared.duration_ms), (Normal, Some(250)));
}

#[test]
fn a_ping_pong_that_loses_every_clear_edge_to_a_race_is_silent() {
    let mut sustain = Sustain::new(100, None);
    for turn in 0..10_000 {
        assert!(sustain.on_edge(turn, &raise(2 * turn + 1)).is_silent());
        assert_eq!(sustain.on_tick(turn, Elevated, 1), None);
        // The clear edge of the turn before comes late.
        assert!(sustain.on_edge(turn, &clear(2 * turn)).is_silent());
    }
}

#[test]
fn without_a_hold_each_edge_is_announced_once_in_any_order() {
    let mut sustain = Sustain::new(0, Some(50));
    let edges = [raise(1), raise(3), clear(2), clear(6), raise(5), clear(4), raise(7)];
    let made: Vec<_> = edges.iter().flat_map(|edge| sustain.on_edge(edge.sequence, edge)).collect();
    for (made, edge) in made.iter().zip(&edges) {
        assert_eq!((made.sequence, made.level), (edge.sequence, edge.to));
        assert_eq!(made.kind == Cleared, edge.kind() == EdgeKind::Cleared);
    }
    assert_eq!(made.len(), edges.len());
    // 6 ends what was last heard raised, by 3; nothing is known of what 2 and 4 cleared.
    let durations: Vec<_> = made.iter().map(|made| made.duration_ms).collect();
    assert_eq!(durations, [None, None, None, Some(3), None, None, None]);
    assert_eq!(sustain.due_ms(), Some(57));
    assert_eq!(sustain.on_tick(57, Elevated, 8).unwrap().kind, StillRaised { repeat: 1 });
}

/// Random depths of a gauge with three levels, their edges handed over in a random order within
/// a few steps of each other, ticks in between.
#[test]
fn random_histories_keep_the_promises() {
    let watermarks = Watermarks::counts(10, 4, 1).with_level(7, 5).with_level(10, 8);
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for round in 0..400 {
        let (hold_ms, reorder) = ([0, 5, 40][round % 3], round % 4);
        let mut gauge = Hysteresis::new(watermarks);
        let mut sustain = Sustain::new(hold_ms, Some(30));
        let mut under_way: Vec<Edge> = vec![];
        let (mut now_ms, mut heard, mut edges) = (0, Normal, 0);
        let mut check = |said: Notice, heard: &mut Level| {
            match said.kind {
                Raised if hold_ms > 0 => {
                    assert!(said.level > *heard && said.duration_ms >= Some(hold_ms), "{said:?}");
                }
                Cleared if hold_ms > 0 => assert!(said.level < *heard, "{said:?}"),
                Raised | Cleared => edges += 1,
                StillRaised { .. } => {
                    let expected = if hold_ms > 0 { *heard } else { said.level };
                    assert!(said.level == expected && said.level > Normal, "{said:?}");
                }
            }
            *heard = said.level;
        };
        for step in 0..300 {
            now_ms += random(10);
            let depth = if step == 299 { 0 } else { random(11) };
            under_way.extend(gauge.on_depth(depth));
            while under_way.len() > reorder || (step == 299 && !under_way.is_empty()) {
                let edge = under_way.remove(random(under_way.len() as u64) as usize);
                sustain.on_edge(now_ms, &edge).for_each(|said| check(said, &mut heard));
            }
            let said = sustain.on_tick(now_ms, gauge.level(), depth);
            if let Some(said) = said {
                assert!(said.level <= gauge.level(), "{said:?} at {depth}");
                check(said, &mut heard);
            }
            assert!(hold_ms == 0 || heard == sustain.announced());
        }
        assert_eq!((sustain.level(), sustain.announced()), (Normal, Normal));
        assert_eq!(sustain.due_ms(), None);
        assert_eq!(edges, if hold_ms == 0 { gauge.edges() } else { 0 });
    }
}

#[test]
fn a_clock_that_runs_backwards_counts_as_no_time() {
    let mut sustain = pending();
    assert_eq!(sustain.on_tick(0, Elevated, 8), None);
    let mut sustain = announced();
    let cleared = sustain.on_edge(0, &clear(4)).next().unwrap();
    assert_eq!(cleared.duration_ms, Some(0));
}
