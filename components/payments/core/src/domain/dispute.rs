use mercato_kernel::named;
use mercato_money::Currency;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::MinorUnits;

/// Most disputes that are kept of one payment; a charge has one, very rarely a second.
pub const DISPUTES_MAX: usize = 16;

/// How a dispute stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    IntoStaticStr,
    VariantArray,
    Serialize,
    ToSchema,
)]
#[strum(serialize_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
#[schema(example = "OPEN")]
pub enum DisputeStatus {
    /// Not decided yet.
    Open,
    /// Ended without a decision: the customer's bank only asked, or took it back.
    Closed,
    /// The merchant keeps the money.
    Won,
    /// The customer has the money.
    Lost,
}

named!(DisputeStatus);

/// A customer's bank wants the money of a charge back, or asks what it was for (a chargeback, an inquiry).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The provider's id.
    pub id: String,
    /// How much, in minor units of `currency`.
    pub amount: MinorUnits,
    /// Nearly always the payment's.
    pub currency: Currency,
    /// Why, in the provider's words.
    pub reason: String,
    /// How it stands.
    pub status: DisputeStatus,
    /// When the provider reported it, in seconds since the Unix epoch.
    pub told_at: u64,
    /// When it began, in seconds since the Unix epoch; 0 when that is not known.
    pub created_at: u64,
}

impl Dispute {
    /// What is known when both have been reported, whichever came first: an end is never taken back, and of two ends the one
    /// reported later counts.
    #[must_use]
    pub fn merged_with(self, reported: Self) -> Self {
        let rank = |dispute: &Self| {
            let has_ended = dispute.status != DisputeStatus::Open;
            (has_ended, dispute.told_at, dispute.status)
        };
        let created_at = self.created_at.max(reported.created_at);
        let newest = if rank(&reported) > rank(&self) {
            reported
        } else {
            self
        };
        Self {
            created_at,
            ..newest
        }
    }

    /// How much of a payment of that amount and currency it is about. In another currency nobody knows: all of it.
    #[must_use]
    pub fn share_of(&self, amount: MinorUnits, currency: Currency) -> MinorUnits {
        if self.currency == currency {
            self.amount.min(amount)
        } else {
            amount
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_kernel::named::is_written_by_name;

    use super::*;
    use crate::domain::{CheckoutOutcome, PaymentStatus, RefundStatus};

    #[test]
    fn names_are_the_same_for_all_who_read_them() {
        assert!(
            is_written_by_name::<DisputeStatus>()
                && is_written_by_name::<PaymentStatus>()
                && is_written_by_name::<RefundStatus>()
                && is_written_by_name::<CheckoutOutcome>()
        );
    }

    fn dispute(status: DisputeStatus, told_at: u64) -> Dispute {
        Dispute {
            id: "dp_1".to_owned(),
            amount: MinorUnits::new(500).unwrap(),
            currency: "USD".parse().unwrap(),
            reason: "fraudulent".to_owned(),
            status,
            told_at,
            created_at: 1,
        }
    }

    #[test]
    fn what_is_known_does_not_depend_on_the_order_of_events() {
        use DisputeStatus::{Closed, Lost, Open, Won};
        for (one, other, expected) in [
            ((Open, 1), (Open, 2), Open),
            ((Open, 1), (Lost, 9), Lost),
            // An end is an end, whatever is reported of earlier days afterwards.
            ((Open, 9), (Won, 1), Won),
            ((Won, 3), (Lost, 9), Lost),
            ((Lost, 3), (Won, 9), Won),
            ((Closed, 3), (Open, 9), Closed),
            ((Won, 3), (Lost, 3), Lost),
        ] {
            let (one, other) = (dispute(one.0, one.1), dispute(other.0, other.1));
            let merged = one.clone().merged_with(other.clone());
            assert_eq!(merged.status, expected, "{one:?} {other:?}");
            assert_eq!(merged, other.merged_with(one));
        }
    }

    #[test]
    fn a_dispute_is_about_no_more_than_was_paid() {
        let units = |units| MinorUnits::new(units).unwrap();
        let dispute = dispute(DisputeStatus::Lost, 1);
        let usd = "USD".parse().unwrap();
        assert_eq!(dispute.share_of(units(1_999), usd), units(500));
        assert_eq!(dispute.share_of(units(300), usd), units(300));
        assert_eq!(
            dispute.share_of(units(1_999), "EUR".parse().unwrap()),
            units(1_999)
        );
    }
}
