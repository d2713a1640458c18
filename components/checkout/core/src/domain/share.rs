//! Whole minor units divided without a remainder that gets lost.

/// The quotient rounded half up, as EN 16931 asks of amounts; none when it is beyond 64 bits or the divisor is not
/// positive. The dividend is not negative.
#[must_use]
pub fn rounded(dividend: i128, divisor: i128) -> Option<i64> {
    if divisor <= 0 || dividend < 0 {
        return None;
    }
    let doubled = dividend.checked_mul(2)?.checked_add(divisor)?;
    i64::try_from(doubled / divisor.checked_mul(2)?).ok()
}

/// Spreads `total` over parts in proportion to their weights: each gets its share without the fraction, and what is left goes,
/// unit by unit, to those that lost the largest fractions, the first of equal ones first (the method of largest remainders). The parts
/// add up to `total` exactly, and none gets more than its weight unless `total` is more than all weights together.
///
/// Without any weight there is nothing to spread over: all parts are 0. Weights and `total` are not negative.
#[must_use]
pub fn spread(total: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().copied().map(i128::from).sum();
    if whole <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i64| i128::from(total) * i128::from(*weight);
    let floor = |weight| i64::try_from(exact(weight) / whole).unwrap_or(i64::MAX);
    let mut parts: Vec<i64> = weights.iter().map(floor).collect();
    let given: i128 = parts.iter().copied().map(i128::from).sum();
    let left = usize::try_from(i128::from(total) - given).unwrap_or_default();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // A stable sort: equal remainders stay in their order.
    order.sort_by_key(|index| {
        let remainder = weights
            .get(*index)
            .map_or(0, |weight| exact(weight) % whole);
        std::cmp::Reverse(remainder)
    });
    for index in order.into_iter().take(left) {
        if let Some(part) = parts.get_mut(index) {
            *part = part.saturating_add(1);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_are_rounded_up() {
        for (dividend, divisor, expected) in [
            (0, 3, 0),
            (1, 3, 0),
            (3, 2, 2),
            (5, 2, 3),
            (249, 100, 2),
            (250, 100, 3),
        ] {
            assert_eq!(rounded(dividend, divisor), Some(expected));
        }
        assert_eq!(rounded(1, 0), None);
        assert_eq!(rounded(-1, 2), None);
        assert_eq!(rounded(i128::from(i64::MAX) + 1, 1), None);
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainders() {
        // 100 over three equal parts: 33⅓ each, and the first gets the unit that is left.
        assert_eq!(spread(100, &[1, 1, 1]), [34, 33, 33]);
        // 10 over 7, 2 and 1 of 10: nothing is left. 5 over them: 3.5, 1.0, 0.5; of the equal remainders the first.
        assert_eq!(spread(10, &[7, 2, 1]), [7, 2, 1]);
        assert_eq!(spread(5, &[7, 2, 1]), [4, 1, 0]);
        assert_eq!(spread(5, &[0, 0]), [0, 0]);
        assert_eq!(spread(0, &[3, 4]), [0, 0]);
        assert_eq!(spread(3, &[]), [0_i64; 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_none_exceeds_its_weight(
            weights in prop::collection::vec(0_i64..1_000_000_000_000_000, 1..100),
            permille in 0_i128..=1_000,
        ) {
            let whole: i64 = weights.iter().sum();
            let total = i64::try_from(i128::from(whole) * permille / 1_000).unwrap();
            let parts = spread(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((0..=*weight).contains(part));
            }
        }
    }
}
