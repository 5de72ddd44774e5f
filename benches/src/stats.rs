//! Medians, spreads, and ratios that are taken round by round.

/// The middle, the smallest and the largest of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle sample; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The smallest sample.
    pub min: f64,
    /// The largest sample.
    pub max: f64,
}

impl Spread {
    /// The spread of `samples`, in any order.
    ///
    /// # Panics
    /// If there are no samples.
    pub fn of(samples: &[f64]) -> Spread {
        assert!(!samples.is_empty(), "a spread needs samples");
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Spread { median: (low + high) / 2.0, min: sorted[0], max: sorted[sorted.len() - 1] }
    }
}

/// What `samples` are in units of `baseline`, round by round.
///
/// A round lasts a fraction of a second, so a change of clock frequency or a busy neighbour meets
/// both of its samples alike and cancels out. The ratio of two medians has no such property.
///
/// # Panics
/// If the two are not from the same number of rounds.
pub fn ratios(samples: &[f64], baseline: &[f64]) -> Vec<f64> {
    assert_eq!(samples.len(), baseline.len(), "both subjects take part in every round");
    samples.iter().zip(baseline).map(|(sample, base)| sample / base).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_odd_and_of_an_even_number() {
        let odd = Spread::of(&[9.0, 1.0, 4.0]);
        assert_eq!(odd, Spread { median: 4.0, min: 1.0, max: 9.0 });
        assert_eq!(Spread::of(&[9.0, 1.0, 4.0, 5.0]).median, 4.5);
        assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, min: 7.0, max: 7.0 });
    }

    #[test]
    fn a_change_of_clock_between_rounds_leaves_the_ratios_alone() {
        let baseline = [10.0, 20.0, 10.0];
        let subject = [15.0, 30.0, 15.0];
        assert_eq!(ratios(&subject, &baseline), [1.5, 1.5, 1.5]);
    }

    #[test]
    #[should_panic(expected = "needs samples")]
    fn no_samples_have_no_spread() {
        Spread::of(&[]);
    }

    #[test]
    #[should_panic(expected = "every round")]
    fn rounds_must_match() {
        ratios(&[1.0, 2.0], &[1.0]);
    }
}
