//! Robust centres and their errors.

/// The median; `None` of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { 0.5 * (sorted[middle - 1] + upper) })
}

/// The scale of a normal distribution with the values' median deviation from `centre` (Hampel, JASA 69, 1974).
pub(super) fn scale(values: &[f64], centre: f64) -> f64 {
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    1.482_6 * median(&deviations).unwrap_or(0.0)
}

/// The median of values in the order of time, and its standard error: by their scatter (a median is 1.25 times as
/// uncertain as a mean) or by the scatter of the medians of `parts` stretches, whichever is larger, since
/// neighbours may err alike.
pub(super) fn median_and_error(values: &[f64], parts: usize) -> Option<(f64, f64)> {
    let centre = median(values)?;
    let by_scatter = 1.253 * scale(values, centre) / (values.len() as f64).sqrt();
    // Stretches of five or more, so that one odd value does not make a median.
    let parts = parts.min(values.len() / 5).max(1);
    let stretch = |n: usize| &values[n * values.len() / parts..(n + 1) * values.len() / parts];
    let medians: Vec<f64> = (0..parts).filter_map(|n| median(stretch(n))).collect();
    let count = medians.len() as f64;
    let mean = medians.iter().sum::<f64>() / count;
    let variance = medians.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    Some((centre, by_scatter.max((variance / count).sqrt())))
}

/// The delete-one jackknife's standard error (Efron and Stein, Ann. Statist. 9, 1981).
pub(super) fn jackknife_error(without_one: &[f64]) -> f64 {
    let count = without_one.len().max(1) as f64;
    let mean = without_one.iter().sum::<f64>() / count;
    ((count - 1.0) / count * without_one.iter().map(|value| (value - mean).powi(2)).sum::<f64>()).sqrt()
}

/// The highest of evenly spaced values, between the points, by a least-squares parabola over five: its place.
pub(super) fn peak(values: &[f64]) -> Option<f64> {
    let (highest, _) = values.iter().enumerate().max_by(|x, y| x.1.total_cmp(y.1))?;
    let middle = highest.clamp(2, values.len().checked_sub(3)?.max(2));
    let y: &[f64; 5] = values.get(middle - 2..=middle + 2)?.try_into().ok()?;
    let bend = (2.0 * y[0] - y[1] - 2.0 * y[2] - y[3] + 2.0 * y[4]) / 14.0;
    let slope = (-2.0 * y[0] - y[1] + y[3] + 2.0 * y[4]) / 10.0;
    let offset = if bend < 0.0 { (-0.5 * slope / bend).clamp(-2.0, 2.0) } else { highest as f64 - middle as f64 };
    Some(middle as f64 + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_scales() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert!((scale(&[1.0, 2.0, 3.0, 4.0, 500.0], 3.0) - 1.482_6).abs() < 1e-12);
    }

    #[test]
    fn a_median_s_error_sees_neighbours_that_err_alike() {
        // Values in 0..1, four times each in a row.
        let alone: Vec<f64> = (0..400).map(|n| f64::from(n * 37 % 100) * 0.01).collect();
        let alike: Vec<f64> = (0..400).map(|n| f64::from(n / 100) * 0.25).collect();
        let (centre, error) = median_and_error(&alone, 6).unwrap();
        assert!((centre - 0.495).abs() < 0.01 && error < 0.03, "{centre} {error}");
        assert!(median_and_error(&alike, 6).unwrap().1 > 0.1);
    }

    #[test]
    fn a_parabola_s_peak_is_found_between_the_points() {
        let values: Vec<f64> = (0..20).map(|n| 3.0 - (f64::from(n) - 7.3).powi(2)).collect();
        assert!((peak(&values).unwrap() - 7.3).abs() < 1e-9);
        assert_eq!(peak(&values[..4]), None);
        // A peak outside is the end, not a number far away.
        assert!(peak(&values[..5]).unwrap() <= 4.0);
    }

    #[test]
    fn the_jackknife_of_means_is_the_error_of_the_mean() {
        let values = [1.0, 4.0, 2.0, 7.0];
        let sum: f64 = values.iter().sum();
        let without: Vec<f64> = values.iter().map(|value| (sum - value) / 3.0).collect();
        let mean = sum / 4.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 3.0;
        assert!((jackknife_error(&without) - (variance / 4.0).sqrt()).abs() < 1e-12);
    }
}
