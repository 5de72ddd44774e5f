//! Watermarks through the public interface: the rounding law, every error with what it says, and the
//! rule itself.

use plimsoll_core::budget::{MAX_AMOUNT, PercentWatermarks};
use plimsoll_core::{Level, MAX_CAPACITY, WatermarkError, Watermarks};

/// A bad constructor in a `static` or `const` does not compile. This one is good, and shows that all
/// of them can stand there.
const LEVELS: Watermarks = Watermarks::percent(1_000, 60, 30).with_level(800, 500);
static ALL: [Watermarks; 6] = [
    LEVELS,
    Watermarks::new(1),
    Watermarks::counts(1, 1, 0),
    Watermarks::unbounded(),
    Watermarks::rendezvous(),
    Watermarks::new(MAX_CAPACITY),
];

fn high(watermarks: &Watermarks) -> u64 {
    watermarks.high(Level::Elevated).expect("there is one pair")
}

fn low(watermarks: &Watermarks) -> u64 {
    watermarks.low(Level::Elevated).expect("there is one pair")
}

/// `high` is the smallest count that is at least so much of the capacity, `low` the largest that is
/// at most so much.
fn assert_law(capacity: u64, high_percent: u8, low_percent: u8) {
    let watermarks = Watermarks::percent(capacity, high_percent, low_percent);
    let (high, low) = (high(&watermarks), low(&watermarks));
    let hundredths = |count: u64| u128::from(count) * 100;
    let part = |percent: u8| u128::from(capacity) * u128::from(percent);
    let case = format!("{high_percent} and {low_percent} % of {capacity}: {high}, {low}");
    assert!(hundredths(high) >= part(high_percent), "{case}");
    assert!(hundredths(high - 1) < part(high_percent), "{case}");
    assert!(hundredths(low) <= part(low_percent), "{case}");
    assert!(hundredths(low + 1) > part(low_percent), "{case}");
    assert!(low < high && high <= capacity, "{case}");
}

#[test]
fn the_rounding_law_holds_for_every_small_capacity_and_near_the_limit() {
    let near_the_limit = (MAX_CAPACITY - 300)..=MAX_CAPACITY;
    let near_32_bits = (u64::from(u32::MAX) - 300)..=(u64::from(u32::MAX) + 300);
    for capacity in (1..=10_000).chain(near_32_bits).chain(near_the_limit) {
        for (high, low) in [(80, 50), (100, 0), (1, 0), (100, 99), (51, 50), (67, 33)] {
            assert_law(capacity, high, low);
        }
    }
}

#[test]
fn the_rounding_law_holds_for_every_pair_of_percentages() {
    for capacity in [1, 2, 3, 7, 99, 100, 101, 1_024, (1 << 32) + 7, MAX_CAPACITY - 1] {
        for high in 1..=100 {
            (0..high).for_each(|low| assert_law(capacity, high, low));
        }
    }
}

#[test]
fn the_default_is_80_and_50_percent() {
    for capacity in [1, 2, 5, 10, 1_024, MAX_CAPACITY] {
        assert_eq!(Watermarks::new(capacity), Watermarks::percent(capacity, 80, 50));
    }
    let frames = Watermarks::new(1_024);
    assert_eq!((high(&frames), low(&frames)), (820, 512));
}

#[test]
fn the_smallest_capacities_have_watermarks() {
    for (capacity, expected) in [(1, (1, 0)), (2, (2, 1)), (3, (3, 1)), (4, (4, 2)), (5, (4, 2))] {
        let watermarks = Watermarks::new(capacity);
        assert_eq!((high(&watermarks), low(&watermarks)), expected, "capacity {capacity}");
    }
}

#[test]
fn what_was_given_can_be_read() {
    assert_eq!((LEVELS.capacity(), LEVELS.level_count()), (Some(1_000), 2));
    let pair = |level| (LEVELS.high(level), LEVELS.low(level));
    assert_eq!(pair(Level::Normal), (None, None));
    assert_eq!(pair(Level::Elevated), (Some(600), Some(300)));
    assert_eq!(pair(Level::Critical), (Some(800), Some(500)));
    assert_eq!(pair(Level::Full), (None, None), "not in use");
    let text = "Watermarks { capacity: Some(1000), elevated: (Some(600), Some(300)), \
                critical: (Some(800), Some(500)) }";
    assert_eq!(format!("{LEVELS:?}"), text);
}

#[test]
fn unbounded_and_rendezvous_raise_nothing() {
    for (watermarks, capacity) in
        [(Watermarks::unbounded(), None), (Watermarks::rendezvous(), Some(0))]
    {
        assert_eq!((watermarks.capacity(), watermarks.level_count()), (capacity, 0));
        for depth in [0, 1, MAX_CAPACITY - 1, MAX_CAPACITY, MAX_CAPACITY + 1, u64::MAX] {
            assert_eq!(watermarks.judge(Level::Normal, depth), Level::Normal, "at {depth}");
        }
        for level in Level::ALL {
            assert_eq!((watermarks.high(level), watermarks.low(level)), (None, None));
        }
    }
}

/// Every state and every kind of depth, as one table.
#[test]
fn the_rule_from_every_level_at_every_depth() {
    use Level::{Critical, Elevated, Full, Normal};
    let watermarks = Watermarks::counts(10, 4, 1).with_level(7, 3).with_level(10, 8);
    // The level that holds at 0, 1, ... 11 when the first held before.
    let table = [
        (Normal, "NNNNEEECCCFF"),
        (Elevated, "NNEEEEECCCFF"),
        (Critical, "NNEECCCCCCFF"),
        (Full, "NNEECCCCCFFF"),
    ];
    for (from, expected) in table {
        for (depth, letter) in expected.chars().enumerate() {
            let to = match letter {
                'N' => Normal,
                'E' => Elevated,
                'C' => Critical,
                _ => Full,
            };
            assert_eq!(watermarks.judge(from, depth as u64), to, "from {from} at {depth}");
        }
        assert_eq!(watermarks.judge(from, u64::MAX), Full);
    }
}

#[test]
fn a_level_not_in_use_counts_as_the_highest_that_is() {
    let one = Watermarks::counts(10, 8, 5);
    for from in [Level::Elevated, Level::Critical, Level::Full] {
        assert_eq!(one.judge(from, 6), Level::Elevated);
        assert_eq!(one.judge(from, 5), Level::Normal);
        assert_eq!(Watermarks::unbounded().judge(from, 6), Level::Normal);
    }
}

#[test]
fn every_error_says_what_was_asked_and_what_is_allowed() {
    let one = Watermarks::counts(10, 8, 5);
    let three = one.with_level(9, 6).with_level(10, 7);
    let table = [
        (
            Watermarks::try_new(0),
            "a capacity of 0 has no watermarks: ask 1 or more, or `rendezvous` for direct hand-over",
        ),
        (
            Watermarks::try_percent(0, 80, 50),
            "a capacity of 0 has no watermarks: ask 1 or more, or `rendezvous` for direct hand-over",
        ),
        (
            Watermarks::try_counts(0, 1, 0),
            "a capacity of 0 has no watermarks: ask 1 or more, or `rendezvous` for direct hand-over",
        ),
        (
            Watermarks::try_new(MAX_CAPACITY + 1),
            "the capacity is above 2^46 (asked 70368744177665, allowed 1 to 70368744177664)",
        ),
        (
            Watermarks::try_counts(u64::MAX, 1, 0),
            "the capacity is above 2^46 (asked 18446744073709551615, allowed 1 to 70368744177664)",
        ),
        (
            Watermarks::try_percent(10, 101, 50),
            "a watermark is above 100 percent (asked 101, allowed 0 to 100)",
        ),
        (
            Watermarks::try_percent(10, 100, 255),
            "a watermark is above 100 percent (asked 255, allowed 0 to 100)",
        ),
        (
            Watermarks::try_counts(10, 11, 5),
            "the high watermark is above the capacity (high 11, capacity 10)",
        ),
        (
            Watermarks::try_counts(10, 5, 5),
            "the low watermark is not below the high one (low 5, high 5)",
        ),
        (
            Watermarks::try_counts(10, 5, 8),
            "the low watermark is not below the high one (low 8, high 5)",
        ),
        (
            Watermarks::try_percent(100, 50, 50),
            "the low watermark is not below the high one (low 50, high 50)",
        ),
        (
            Watermarks::try_percent(10, 0, 0),
            "the low watermark is not below the high one (low 0, high 0)",
        ),
        (
            one.try_with_level(8, 6),
            "a level's watermarks are not above those below it (high 8 over 8, low 6 over 5)",
        ),
        (
            one.try_with_level(9, 5),
            "a level's watermarks are not above those below it (high 9 over 8, low 5 over 5)",
        ),
        (
            one.try_with_level(11, 6),
            "the high watermark is above the capacity (high 11, capacity 10)",
        ),
        (one.try_with_level(9, 9), "the low watermark is not below the high one (low 9, high 9)"),
        (three.try_with_level(10, 9), "there are three levels already"),
        (
            Watermarks::unbounded().try_with_level(2, 1),
            "a capacity is needed: `unbounded` and `rendezvous` have none",
        ),
        (
            Watermarks::rendezvous().try_with_level(2, 1),
            "a capacity is needed: `unbounded` and `rendezvous` have none",
        ),
    ];
    for (answer, text) in table {
        let error = answer.expect_err(text);
        assert_eq!(error.to_string(), text);
        let _: &dyn std::error::Error = &error;
    }
}

/// Percentages that fall on one count are no error as long as there is a count between them.
#[test]
fn equal_percentages_err_only_where_they_meet() {
    assert_eq!(Watermarks::try_percent(1, 50, 50), Ok(Watermarks::counts(1, 1, 0)));
    let met = WatermarkError::LowNotBelowHigh { low: 1, high: 1 };
    assert_eq!(Watermarks::try_percent(2, 50, 50), Err(met));
}

#[test]
fn a_failed_level_leaves_the_others_as_they_were() {
    let one = Watermarks::counts(10, 8, 5);
    assert!(one.try_with_level(8, 6).is_err());
    assert_eq!(one.try_with_level(9, 6).map(|two| two.level_count()), Ok(2));
    assert_eq!(one.level_count(), 1);
}

#[test]
fn all_constructors_can_stand_in_a_static() {
    assert_eq!(ALL.map(|watermarks| watermarks.level_count()), [2, 1, 1, 0, 0, 1]);
}

mod at_run_time_the_constructors_for_statics_panic_with {
    use super::*;

    #[test]
    #[should_panic = "a capacity of 0 has no watermarks"]
    fn new() {
        let _ = Watermarks::new(0);
    }

    #[test]
    #[should_panic = "a watermark is above 100 percent"]
    fn percent() {
        let _ = Watermarks::percent(10, 101, 50);
    }

    #[test]
    #[should_panic = "the high watermark is above the capacity"]
    fn counts() {
        let _ = Watermarks::counts(10, 11, 5);
    }

    #[test]
    #[should_panic = "there are three levels already"]
    fn with_level() {
        let _ = Watermarks::counts(10, 7, 4).with_level(8, 5).with_level(9, 6).with_level(10, 7);
    }
}

#[test]
fn budget_5_watermarks_of_a_budget_reach_as_far_as_it_does() {
    let wide = |capacity, high, low| Watermarks::try_wide_counts(capacity, high, low);
    for capacity in [MAX_CAPACITY, MAX_CAPACITY + 1, MAX_AMOUNT - 1, MAX_AMOUNT] {
        let marks = wide(capacity, capacity - 1, capacity / 2).unwrap();
        assert_eq!(marks.judge(Level::Normal, capacity - 2), Level::Normal, "{capacity}");
        assert_eq!(marks.judge(Level::Normal, capacity - 1), Level::Elevated, "{capacity}");
        assert_eq!(marks.judge(Level::Normal, u64::MAX), Level::Elevated, "{capacity}");
        assert_eq!(marks.judge(Level::Elevated, capacity / 2), Level::Normal, "{capacity}");
    }
    let capacity = MAX_AMOUNT + 1;
    let too_large = WatermarkError::CapacityTooLarge { capacity, max: MAX_AMOUNT };
    assert_eq!(wide(capacity, 2, 1), Err(too_large));
    let said = format!("the capacity is above 2^56 (asked {capacity}, allowed 1 to {MAX_AMOUNT})");
    assert_eq!(too_large.to_string(), said);
    assert_eq!(wide(0, 2, 1), Err(WatermarkError::ZeroCapacity));
}

#[test]
fn watermarks_in_percent_have_counts_at_each_capacity() {
    let marks = PercentWatermarks::new().with_level(95, 85).with_level(100, 98);
    for capacity in [1, 2, 3, 10, 1_000, MAX_CAPACITY + 1, MAX_AMOUNT] {
        let counts = marks.at(capacity).unwrap();
        assert_eq!(counts.capacity(), Some(capacity));
        assert_eq!(counts.high(Level::Elevated), marks.high(Level::Elevated, capacity));
        assert_eq!(counts.low(Level::Elevated), marks.low(Level::Elevated, capacity));
    }
    assert_eq!(marks.at(1_000).unwrap().level_count(), 3);
    assert_eq!(marks.at(1).unwrap().level_count(), 1, "levels of one count are one");
    assert_eq!(marks.at(0), Err(WatermarkError::ZeroCapacity));
    assert_eq!(PercentWatermarks::none().at(10), Ok(Watermarks::unbounded()));
}
