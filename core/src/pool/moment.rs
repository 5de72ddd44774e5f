//! The moment when a slot became idle.

use crate::keepalive::Tick;

/// The moment at which a slot becomes idle: a tick, and its number among those that become so in it. A
/// later one is larger.
///
/// ```text
///  0..12  number
/// 12..58  tick
/// ```
///
/// A [`Tick`] is the moment of number 0. Who counts has the slots that become idle in one tick lent and
/// evicted in that order too.
///
/// ```
/// use plimsoll_core::keepalive::Tick;
/// use plimsoll_core::pool::Moment;
///
/// let first = Moment::from(Tick::new(7));
/// let second = first.next().ok_or("the last of its tick")?;
/// assert!(first < second && second < Moment::from(Tick::new(8)));
/// assert_eq!(second.tick(), Tick::new(7));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

const NUMBER_BITS: u32 = 12;
const NUMBER_MAX: u64 = (1 << NUMBER_BITS) - 1;

impl Moment {
    /// The tick.
    #[inline(always)]
    pub const fn tick(self) -> Tick {
        Tick::new(self.0 >> NUMBER_BITS)
    }

    /// The next one of this tick; `None` after 4,096 of them.
    #[inline(always)]
    pub const fn next(self) -> Option<Moment> {
        if self.0 & NUMBER_MAX == NUMBER_MAX { None } else { Some(Moment(self.0 + 1)) }
    }

    /// The moment as a word that keeps its order, for an atomic of the caller's.
    #[inline(always)]
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// The moment of a word from [`to_word`](Self::to_word).
    #[inline(always)]
    pub const fn from_word(word: u64) -> Moment {
        Moment(word)
    }
}

impl From<Tick> for Moment {
    #[inline(always)]
    fn from(tick: Tick) -> Moment {
        Moment(tick.get() << NUMBER_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_8_moments_have_the_order_of_their_ticks_and_then_of_their_numbers() {
        for tick in [0, 1, 1 << 40, Tick::MAX.get() - 1] {
            let first = Moment::from(Tick::new(tick));
            let (mut last, mut count) = (first, 1);
            while let Some(next) = last.next() {
                assert!(next > last && next.tick() == Tick::new(tick));
                (last, count) = (next, count + 1);
            }
            assert_eq!(count, 4_096);
            assert!(last < Moment::from(Tick::new(tick + 1)));
            assert_eq!(Moment::from_word(last.to_word()), last);
        }
        assert_eq!(Moment::from(Tick::MAX).tick(), Tick::MAX);
    }
}
