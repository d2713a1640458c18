use super::{MinorUnits, ProviderRefund, RefundTotal, refunded_sum};

/// A charge beside the payment's own: the customer has paid for the same order once more. It is given back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateCharge {
    /// The provider's id of the charge.
    pub reference: String,
    /// How much.
    pub amount: MinorUnits,
    /// How much of it has gone back.
    pub refunded: MinorUnits,
}

impl DuplicateCharge {
    /// What has gone back, from all that is known of the refunds of this charge; a sum beyond the amount counts as the amount.
    #[must_use]
    pub fn with_refunds(self, refunds: &[ProviderRefund], totals: &[RefundTotal]) -> Self {
        let refunded = refunded_sum(refunds, totals).min(self.amount);
        Self { refunded, ..self }
    }

    /// Whether there is nothing more to give back.
    #[must_use]
    pub fn has_gone_back(&self) -> bool {
        self.refunded >= self.amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_gone_back_when_all_of_it_has() {
        let units = |units| MinorUnits::new(units).unwrap();
        for (total, refunded, has_gone_back) in [
            (0, 0, false),
            (499, 499, false),
            (500, 500, true),
            (900, 500, true),
        ] {
            let charge = DuplicateCharge {
                reference: "pi_2".to_owned(),
                amount: units(500),
                refunded: MinorUnits::ZERO,
            };
            let reported = RefundTotal {
                since: 1,
                until: 1,
                total: units(total),
            };
            let charge = charge.with_refunds(&[], &[reported]);
            assert_eq!(
                (charge.refunded, charge.has_gone_back()),
                (units(refunded), has_gone_back)
            );
        }
    }
}
