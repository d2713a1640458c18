use super::MinorUnits;

/// That a refund came to nothing, and the customer does not have the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFailure {
    /// When the provider reported it first, in seconds since the Unix epoch.
    pub at: u64,
    /// Why, in the provider's words.
    pub reason: String,
}

/// A refund as the provider knows it, asked for by the shop or made by hand at the provider. One that was taken can
/// fail days later; one that has failed stays so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRefund {
    /// The provider's id.
    pub id: String,
    /// How much.
    pub amount: MinorUnits,
    /// When it was made at the provider, in seconds since the Unix epoch; 0 when that is not known.
    pub created_at: u64,
    /// That it has failed.
    pub failure: Option<RefundFailure>,
}

/// What had gone back of a charge at some time, as the provider reported it: without refunds that had failed by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundTotal {
    /// It was so at a time that is not before this one, in seconds since the Unix epoch.
    pub since: u64,
    /// And not after this one. The two are the same when the time is known.
    pub until: u64,
    /// The sum.
    pub total: MinorUnits,
}

/// What has gone back of a charge, as far as is known: the refunds that have not failed, or more if a total counts
/// refunds that are not known one by one. It depends on what was reported, not on the order.
#[must_use]
pub fn refunded_sum(refunds: &[ProviderRefund], totals: &[RefundTotal]) -> MinorUnits {
    let standing = refunds.iter().filter(|refund| refund.failure.is_none());
    let known = sum(standing);
    let reported = totals.iter().map(|total| {
        // Those that were part of the total and have failed since; also those of which it is not known.
        let failed = refunds.iter().filter(|refund| {
            let failure = refund.failure.as_ref();
            refund.created_at <= total.until && failure.is_some_and(|it| it.at >= total.since)
        });
        total.total.saturating_sub(sum(failed))
    });
    reported.fold(known, MinorUnits::max)
}

/// The sum of refunds that have failed, and why the last of them did.
#[must_use]
pub fn failed_sum(refunds: &[ProviderRefund]) -> (MinorUnits, Option<&RefundFailure>) {
    let failed = || refunds.iter().filter(|refund| refund.failure.is_some());
    let last = failed()
        .filter_map(|refund| refund.failure.as_ref())
        .max_by_key(|failure| failure.at);
    (sum(failed()), last)
}

fn sum<'a>(refunds: impl Iterator<Item = &'a ProviderRefund>) -> MinorUnits {
    refunds.fold(MinorUnits::ZERO, |sum, refund| {
        sum.saturating_add(refund.amount)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: i64) -> MinorUnits {
        MinorUnits::new(units).unwrap()
    }

    fn refund(id: &str, amount: i64, created_at: u64, failed_at: Option<u64>) -> ProviderRefund {
        ProviderRefund {
            id: id.to_owned(),
            amount: units(amount),
            created_at,
            failure: failed_at.map(|at| RefundFailure {
                at,
                reason: format!("{id} failed"),
            }),
        }
    }

    fn total(at: u64, total: i64) -> RefundTotal {
        RefundTotal {
            since: at,
            until: at,
            total: units(total),
        }
    }

    #[test]
    fn refunds_that_failed_do_not_count() {
        for (refunds, totals, expected) in [
            (vec![], vec![], 0),
            (vec![refund("a", 500, 1, None)], vec![], 500),
            (vec![refund("a", 500, 1, None)], vec![total(1, 500)], 500),
            // Made by hand: only the total is known.
            (vec![], vec![total(1, 200), total(2, 500)], 500),
            (vec![refund("a", 500, 1, Some(9))], vec![total(1, 500)], 0),
            // Another one was made after the failure, and the total says so.
            (
                vec![refund("a", 500, 1, Some(9))],
                vec![total(1, 500), total(10, 300)],
                300,
            ),
            // It had failed before the total was reported, so it is no part of it.
            (
                vec![refund("a", 500, 1, Some(9))],
                vec![total(10, 500)],
                500,
            ),
            // It was made after the total was reported, so it is no part of it.
            (vec![refund("b", 300, 5, Some(6))], vec![total(2, 500)], 500),
            // In the same second both is possible: the other refund is known by itself.
            (
                vec![refund("a", 500, 1, Some(5)), refund("b", 300, 5, None)],
                vec![total(1, 500), total(5, 300)],
                300,
            ),
            // Of a total from older versions the time is not known.
            (
                vec![refund("a", 500, 1, Some(4))],
                vec![RefundTotal {
                    since: 0,
                    until: 8,
                    total: units(700),
                }],
                200,
            ),
        ] {
            let sum = refunded_sum(&refunds, &totals);
            assert_eq!(sum, units(expected), "{refunds:?} {totals:?}");
        }
    }

    #[test]
    fn the_last_failure_is_told() {
        let refunds = [
            refund("a", 500, 1, Some(9)),
            refund("b", 200, 1, Some(11)),
            refund("c", 300, 1, None),
        ];
        let (sum, last) = failed_sum(&refunds);
        assert_eq!(sum, units(700));
        assert_eq!(last.unwrap().reason, "b failed");
        assert_eq!(failed_sum(&[]), (MinorUnits::ZERO, None));
    }
}
