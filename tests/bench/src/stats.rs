//! What is made of repeated measurements.

/// The middle of the values (the mean of the two middle ones); `NaN` of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

/// The value that `share` (0 to 1) of the values do not exceed, nearest rank; `None` of none. Sorts them.
pub(crate) fn percentile(values: &mut [u32], share: f64) -> Option<u32> {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

/// Rounded to so many significant digits: figures that repeat only to a few percent should not pretend more.
pub(crate) fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(digits - 1 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((median([7.0]) - 7.0).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 0.5), Some(50));
        assert_eq!(percentile(&mut values, 0.99), Some(99));
        assert_eq!(percentile(&mut values, 1.0), Some(100));
        assert_eq!(percentile(&mut [5], 0.0), Some(5));
        assert_eq!(percentile(&mut [], 0.5), None);
    }

    #[test]
    fn figures_keep_only_significant_digits() {
        assert!((significant(123_456.0, 3) - 123_000.0).abs() < 1e-6);
        assert!((significant(0.012_345, 3) - 0.0123).abs() < 1e-9);
        assert!((significant(9.996, 3) - 10.0).abs() < 1e-9);
        assert!(significant(0.0, 3).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn half_of_the_values_are_on_each_side_of_the_median(values in prop::collection::vec(-1e6..1e6_f64, 1..50)) {
            let middle = median(values.clone());
            prop_assert!(values.iter().filter(|value| **value <= middle).count() * 2 >= values.len());
            prop_assert!(values.iter().filter(|value| **value >= middle).count() * 2 >= values.len());
        }
    }
}
