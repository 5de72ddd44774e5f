//! Each input of the scheduler, and what follows from it.

mod script;

use std::time::Duration;

use script::{Script, rules};

use super::Rules;
use crate::pool::config::{Backoff, Isolation};

#[test]
fn pool_6_grants_go_in_turn() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive a2", "hurry"),
        ("arrive a3", "hurry"),
        ("arrive b1", "hurry"),
        ("returns a1", "a2 gets 0, hurry"),
        ("returns a2", "b1 gets 0, hurry"),
        ("returns b1", "a3 gets 0"),
        ("returns a3", ""),
    ]);
}

#[test]
fn pool_11_a_principal_at_its_cap_is_parked_and_rejoins() {
    let mut script = Script::new(Rules { cap: Some(1), ..rules() }, 2);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive a2", "hurry"),
        ("arrive b1", "build 1, hurry"),
        ("built 1", "b1 gets 1"),
        ("arrive c1", "hurry"),
        // The room under the cap is the waiter's that comes before, by its turn.
        ("returns a1", "c1 gets 0, hurry"),
        ("returns b1", "a2 gets 1"),
        ("try a", "1 in use"),
        ("returns a2", ""),
    ]);
    assert_eq!(['a', 'b', 'c'].map(|letter| script.in_use(letter)), [0, 0, 1]);
}

#[test]
fn pool_6_a_waiter_takes_what_comes_first_and_its_supply_is_the_next_ones() {
    let mut script = Script::new(rules(), 2);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive a2", "build 1, hurry"),
        ("returns a1", "a2 gets 0"),
        ("arrive b1", "hurry"),
        ("built 1", "b1 gets 1"),
    ]);
}

#[test]
fn pool_6_a_build_of_which_the_waiter_has_gone_is_for_the_next_if_there_is_one() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("leave a1 after 5", "Build"),
        ("try b", "exhausted"),
        ("built 0", ""),
        ("arrive b1", "b1 gets 0, hurry"),
        ("arrive c1", "hurry"),
        ("leave c1 after 5", "Wait"),
        ("returns b1", ""),
    ]);
}

#[test]
fn pool_12_a_waiter_that_waited_for_a_while_gives_up_the_build_it_waited_for() {
    let mut script = Script::new(rules(), 2);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("arrive b1", "build 1, hurry"),
        ("calls 0", ""),
        ("leave a1 after 10", "Build, give up the job of 0 or the oldest, hurry"),
        // It is not known to hang, and serves the next waiter.
        ("leave b1 after 10", "Build, give up no job or the oldest"),
        ("arrive c1", "hurry"),
        ("built 0", "c1 gets 0"),
        ("built 1", ""),
    ]);
}

#[test]
fn waits_end_at_their_deadlines() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive b1 by 5", "hurry, nudge"),
        ("arrive c1 by 100", "hurry"),
        ("tick 4", "again in 1ms"),
        (
            "tick 5",
            "again in 10ms, give up no job or the oldest, \
             b1 is refused: Wait for 100ms",
        ),
        (
            "tick 100",
            "again in 10ms, give up no job or the oldest, \
             c1 is refused: Wait for 100ms",
        ),
        ("returns a1", ""),
    ]);
    assert_eq!(script.stats().timed_out().total(), 2);
}

#[test]
fn pool_12_a_build_that_hangs_is_abandoned_and_its_waiter_refused() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("calls 0", ""),
        ("tick 10", "again in 10ms"),
        ("tick 179", "again in 10ms"),
        (
            "tick 190",
            "again in 10ms, give up the job of 0, \
             a1 is refused: Build for 160ms",
        ),
        ("arrive b1", "build 1, hurry"),
        ("built 0", "too late"),
        ("late 0", ""),
        ("retired 0", ""),
        ("built 1", "b1 gets 1"),
    ]);
    assert_eq!(script.stats().abandoned.get(), 1);
}

#[test]
fn pool_12_no_more_are_abandoned_than_may_be() {
    let mut script = Script::new(Rules { max_abandoned: Some(0), ..rules() }, 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("calls 0", ""),
        ("tick 10", "again in 10ms"),
        (
            "tick 190",
            "again in 10ms, give up the job of 0, \
             a1 is refused: Build for 160ms",
        ),
        ("arrive b1", "hurry"),
        ("built 0", "b1 gets 0"),
    ]);
}

#[test]
fn pool_5_the_waiter_of_a_build_that_fails_gets_its_error() {
    let mut script = Script::new(rules(), 2);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("arrive b1", "build 1, hurry"),
        ("fails 1", "b1 is refused: build failed"),
        ("leave a1 after 5", "Build"),
        ("fails 0", "forget: build failed"),
    ]);
}

#[test]
fn pool_8_failures_hold_off_warm_builds_ever_longer() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("warm 1", "1 warm, build 0, hurry, nudge"),
        ("fails 0", "forget: build failed"),
        ("tick 9", "again in 10ms"),
        ("tick 10", "again in 10ms, build 0"),
        ("fails 0", "forget: build failed"),
        ("tick 29", "again in 10ms"),
        ("tick 30", "again in 10ms, build 0"),
        ("built 0", ""),
        ("arrive a1", "a1 gets 0, hurry"),
        ("warm 2", "too many"),
    ]);
}

#[test]
fn pool_9_a_pool_that_closes_sends_waiters_away_and_is_drained_by_the_last_one() {
    let mut script = Script::new(rules(), 3);
    script.play(&[
        ("min 3", "0 warm, build 0, build 1, build 2, hurry, nudge"),
        ("built 0", ""),
        ("built 1", ""),
        ("arrive a1", "a1 gets 0, hurry"),
        ("arrive b1", "b1 gets 1, hurry"),
        ("returns b1", ""),
        ("arrive b2", "b2 gets 1, hurry"),
        ("arrive c1", "hurry"),
        ("returns b2", "c1 gets 1"),
        ("arrive d1", "hurry"),
        ("close", "d1 is refused: closed, hurry"),
        ("close", "it was"),
        ("arrive e1", "closed"),
        ("try e", "closed"),
        ("returns a1", "retire 0: closed"),
        ("built 2", "retire 2: closed"),
        ("returns c1", "retire 1: closed"),
        ("retired 1", ""),
        ("retired 0", ""),
        ("retired 2", "drained"),
        ("tick 100", "sleep, drained"),
    ]);
}

#[test]
fn pool_9_a_build_that_is_cancelled_leaves_nothing() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("close", "a1 is refused: closed, hurry"),
        ("cancelled 0", "drained"),
    ]);
}

#[test]
fn pool_17_of_more_than_there_may_be_the_idle_ones_go_at_once() {
    let mut script = Script::new(rules(), 3);
    script.play(&[
        ("min 3", "0 warm, build 0, build 1, build 2, hurry, nudge"),
        ("built 0", ""),
        ("built 1", ""),
        ("built 2", ""),
        ("arrive a1", "a1 gets 0, hurry"),
        ("arrive b1", "b1 gets 1, hurry"),
        ("gather c1 of 2", "c1 gets 2, hurry"),
        ("gather d1 of 2", "hurry"),
        ("arrive e1", "hurry"),
        ("returns c1", "d1 gets 2, hurry"),
        ("gather f1 of 2", "hurry"),
        ("gather g1 of 4", "4 of 3"),
        ("resize 1", "0 warm, f1 is refused: 2 of 1, hurry, nudge"),
        ("returns d1", "retire 2: surplus, hurry"),
        ("returns a1", "retire 0: surplus, hurry"),
        ("retired 0", ""),
        ("retired 2", ""),
        ("returns b1", "e1 gets 1"),
        ("resize 2", "0 warm, build 0, hurry, nudge"),
    ]);
}

#[test]
fn pool_17_under_pressure_fewer_are_kept_warm() {
    let mut script = Script::new(rules(), 3);
    script.play(&[
        ("warm 2", "2 warm, build 0, build 1, hurry, nudge"),
        ("built 0", ""),
        ("shrink 1", "1 warm, hurry, nudge"),
        ("built 1", ""),
        ("shrink 1", ""),
        ("arrive a1", "a1 gets 0, hurry"),
        ("arrive b1", "b1 gets 1, build 2, hurry"),
        ("built 2", ""),
        ("shrink 0", "0 warm, hurry, nudge"),
        ("arrive c1", "c1 gets 2, hurry"),
        ("returns a1", ""),
        // What is asked meanwhile holds once the pressure is off, and a pool with nothing in it
        // goes on to look for that.
        ("warm 3", "0 warm, hurry, nudge"),
        ("tick 2", "again in 10ms"),
        ("resize 4", "0 warm, hurry, nudge"),
        ("shrink off", "3 warm, build 3, hurry, nudge"),
        ("shrink off", ""),
        ("shrink 9", "3 warm, hurry, nudge"),
    ]);
}

#[test]
fn pool_17_a_pool_that_pressure_has_emptied_does_not_sleep() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("warm 1", "1 warm, build 0, hurry, nudge"),
        ("shrink 0", "0 warm, hurry, nudge"),
        ("fails 0", "forget: build failed"),
        ("tick 50", "again in 10ms"),
        ("shrink off", "1 warm, build 0, hurry, nudge"),
        ("warm 0", "0 warm, hurry, nudge"),
        ("fails 0", "forget: build failed"),
        ("tick 100", "sleep"),
    ]);
}

#[test]
fn room_of_an_instance_that_is_over_goes_to_the_first_waiter() {
    let mut script = Script::new(Rules { cap: Some(1), ..rules() }, 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive b1", "hurry"),
        ("arrive c1", "hurry"),
        ("ends a1", "b1 gets the room of 0, hurry"),
        ("retired 0", "build 0"),
        ("built 0", "c1 gets 0"),
    ]);
}

#[test]
fn pool_10_an_idle_instance_of_another_makes_room() {
    let rules = Rules { isolation: Isolation::PerPrincipal, ..rules() };
    let mut script = Script::new(rules, 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("returns a1", ""),
        ("arrive a2", "a2 gets 0, hurry"),
        ("returns a2", ""),
        ("arrive b1", "retire 0: displaced, hurry"),
        ("retired 0", "build 0"),
        ("built 0", "b1 gets 0"),
    ]);
}

#[test]
fn pool_15_the_queue_has_bounds_and_no_wait_is_for_oneself() {
    let own = Rules { waiting_max: Some(1), line_max: Some(2), waits_for_own: false, ..rules() };
    let mut script = Script::new(own, 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive a2", "has 1 itself"),
        ("arrive b1", "hurry"),
        ("arrive b2", "1 waiting"),
        ("arrive c1", "hurry"),
        ("arrive d1", "2 in all"),
        ("returns a1", "b1 gets 0, hurry"),
    ]);
    assert_eq!(script.stats().refused().total(), 3);
}

#[test]
fn pool_11_a_principal_that_backs_off_is_refused() {
    let mut script = Script::new(rules(), 1);
    script.play(&[
        ("arrive a1", "build 0, hurry"),
        ("built 0", "a1 gets 0"),
        ("arrive b1", "hurry"),
        ("arrive b2", "hurry"),
    ]);
    let ms = Duration::from_millis;
    let backoff = Backoff { after: 1, base: ms(50), max: ms(50) };
    script.principal_of("b").on_fault(&backoff, 0);
    let refused = "faults";
    script.play(&[
        ("arrive b3", refused),
        ("returns a1", &format!("b1 is refused: {refused}, b2 is refused: {refused}")),
        ("tick 50", "again in 10ms"),
        ("arrive b4", "b4 gets 0, hurry"),
    ]);
    assert_eq!(script.stats().refused().total(), 3);
}
