//! Rules by which a record changes a value.

use super::word::VALUE_MAX;

/// How an amount changes values. Every change is a rise, and none leads beyond [`VALUE_MAX`].
pub trait Rule: Copy {
    /// Whether amounts add up, and no newcomer is turned away.
    const IS_SUM: bool = false;

    /// What an entry at `value` rises to; `None` if it stays as it is.
    fn raise(self, value: u64) -> Option<u64>;

    /// Whether nothing changes by this in a set whose least value is `least` or more.
    fn is_idle(self, least: u64) -> bool;

    /// What a newcomer enters with over the least entry's `least`; `None` if it is turned away.
    /// `absent_max` is what an absent key may have had: `least` or more.
    fn admit(self, least: u64, absent_max: impl FnOnce() -> u64) -> Option<Admission>;
}

/// The value and error of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    pub value: u64,
    pub error: u64,
}

/// The maximum.
#[derive(Clone, Copy, Debug)]
pub struct Highest(pub u64);

impl Rule for Highest {
    #[inline(always)]
    fn raise(self, value: u64) -> Option<u64> {
        let amount = self.0.min(VALUE_MAX);
        (amount > value).then_some(amount)
    }

    #[inline(always)]
    fn is_idle(self, least: u64) -> bool {
        // 1 to the least. Of 0, a look at the slots says whether the key is tracked.
        self.0.min(VALUE_MAX).wrapping_sub(1) < least
    }

    #[inline(always)]
    fn admit(self, least: u64, _: impl FnOnce() -> u64) -> Option<Admission> {
        self.raise(least).map(|value| Admission { value, error: 0 })
    }
}

/// The sum, by Space-Saving: a newcomer inherits what an absent key may have had.
#[derive(Clone, Copy, Debug)]
pub struct Plus(pub u64);

impl Rule for Plus {
    const IS_SUM: bool = true;

    #[inline(always)]
    fn raise(self, value: u64) -> Option<u64> {
        let sum = value.saturating_add(self.0).min(VALUE_MAX);
        (sum > value).then_some(sum)
    }

    #[inline(always)]
    fn is_idle(self, _: u64) -> bool {
        // A tracked key adds up, and a newcomer inherits.
        false
    }

    #[inline(always)]
    fn admit(self, least: u64, absent_max: impl FnOnce() -> u64) -> Option<Admission> {
        if least == VALUE_MAX {
            return None;
        }
        let absent_max = absent_max();
        // From a bound at the end of the range there is no rise: the entry says that it is cut.
        let value = self.raise(absent_max).or((self.0 > 0).then_some(VALUE_MAX))?;
        Some(Admission { value, error: absent_max })
    }
}

/// An entry of another ledger that this one does not have, with what it can have missed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved(pub(super) Admission);

impl Rule for Moved {
    fn raise(self, _: u64) -> Option<u64> {
        None
    }

    fn is_idle(self, least: u64) -> bool {
        self.0.value <= least
    }

    fn admit(self, least: u64, _: impl FnOnce() -> u64) -> Option<Admission> {
        (self.0.value > least).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [u64; 6] = [0, 1, 2, VALUE_MAX - 1, VALUE_MAX, u64::MAX];

    #[test]
    fn every_change_is_a_rise_within_the_range() {
        fn check(rule: impl Rule) {
            for least in ENDS.into_iter().filter(|least| *least <= VALUE_MAX) {
                let raised = rule.raise(least);
                assert!(raised.is_none_or(|value| value > least && value <= VALUE_MAX));
                assert!(
                    !rule.is_idle(least) || (raised, rule.admit(least, || least)) == (None, None)
                );
                for absent_max in ENDS.into_iter().filter(|max| (least..=VALUE_MAX).contains(max)) {
                    if let Some(Admission { value, error }) = rule.admit(least, || absent_max) {
                        assert!(least < value && value <= VALUE_MAX && error <= value);
                    }
                }
            }
        }
        for amount in ENDS {
            check(Highest(amount));
            check(Plus(amount));
        }
        let moved = Moved(Admission { value: 7, error: 3 });
        check(moved);
        assert_eq!([6, 7, 8].map(|least| moved.is_idle(least)), [false, true, true]);
    }

    #[test]
    fn a_sum_inherits_the_bound_on_absent_keys() {
        assert_eq!(Plus(3).admit(10, || 10), Some(Admission { value: 13, error: 10 }));
        assert_eq!(Plus(3).admit(10, || 12), Some(Admission { value: 15, error: 12 }));
        assert_eq!(Plus(3).admit(VALUE_MAX, || VALUE_MAX), None);
        assert_eq!(Plus(0).admit(0, || 0), None);
        assert_eq!(Highest(10).admit(10, || 12), None, "ties go to the incumbent");
    }
}
