//! Medians and spreads of a few samples.

use serde::{Deserialize, Serialize};

/// What a few samples say: the middle, and how far they are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The middle sample, or the mean of the two in the middle.
    pub median: f64,
    /// The least sample.
    pub min: f64,
    /// The greatest sample.
    pub max: f64,
}

impl Summary {
    /// The summary of these samples, in any order; nothing of none, or of one that is no number.
    #[must_use]
    pub fn of(samples: &[f64]) -> Option<Self> {
        if samples.is_empty() || samples.iter().any(|sample| sample.is_nan()) {
            return None;
        }
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: f64::midpoint(below, above), min: sorted[0], max: sorted[sorted.len() - 1] })
    }
}

/// The median; nothing of no samples.
#[must_use]
pub fn median(samples: &[f64]) -> Option<f64> {
    Summary::of(samples).map(|summary| summary.median)
}

/// How many of one thing there are in a second, from the milliseconds that `count` of them took.
#[must_use]
pub fn rate(count: usize, milliseconds: f64) -> f64 {
    precise(count) * 1000.0 / milliseconds
}

/// A count as a number to reckon with: exact up to 2^53, far above anything that is counted here.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn precise(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_one_in_the_middle() {
        assert_eq!(Summary::of(&[9.0, 1.0, 4.0]), Some(Summary { median: 4.0, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&[10.0, 1.0, 2.0, 5.0]), Some(3.5));
    }

    #[test]
    fn one_sample_is_its_own_summary() {
        assert_eq!(Summary::of(&[2.5]), Some(Summary { median: 2.5, min: 2.5, max: 2.5 }));
    }

    #[test]
    fn no_samples_and_no_numbers_have_no_summary() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn a_rate_is_by_the_second() {
        assert!((rate(500, 250.0) - 2000.0).abs() < f64::EPSILON);
    }
}
