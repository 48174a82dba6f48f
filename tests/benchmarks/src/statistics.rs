//! What several rounds say together. Pure.

/// The middle of some numbers and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The smallest.
    pub(crate) low: f64,
    /// Half are below, half above.
    pub(crate) median: f64,
    /// The largest.
    pub(crate) high: f64,
}

impl Spread {
    /// Of these numbers; `None` if there are none.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median =
            if sorted.len() % 2 == 1 { upper } else { f64::midpoint(*sorted.get(middle - 1)?, upper) };
        Some(Self { low, median, high })
    }

    /// Of `ours / theirs`, round by round: what both had to suffer in a round cancels out.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }
}

/// What one request costs, when a fixed part is paid however many there are: the difference of two runs.
pub(crate) fn per_request(few: (u64, u64), many: (u64, u64)) -> f64 {
    let (few_requests, few_cost) = few;
    let (many_requests, many_cost) = many;
    (many_cost as f64 - few_cost as f64) / (many_requests as f64 - few_requests as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { low: 1.0, median: 2.5, high: 4.0 });
        assert_eq!(Spread::of([7.0]).unwrap(), Spread { low: 7.0, median: 7.0, high: 7.0 });
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_paired_so_that_a_slow_machine_cancels_out() {
        // The second round ran at half the speed; the ratio is 2 in both.
        let spread = Spread::of_ratios(&[100.0, 50.0], &[50.0, 25.0]).unwrap();
        assert_eq!(spread, Spread { low: 2.0, median: 2.0, high: 2.0 });
    }

    #[test]
    fn a_round_without_a_partner_does_not_count() {
        assert_eq!(Spread::of_ratios(&[1.0, 2.0], &[1.0]).unwrap().high, 1.0);
    }

    #[test]
    fn the_fixed_part_drops_out() {
        let start = 1_000_000;
        assert_eq!(per_request((100, start + 100 * 7), (600, start + 600 * 7)), 7.0);
    }
}
