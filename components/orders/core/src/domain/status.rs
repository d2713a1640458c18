use std::fmt;

use mercato_kernel::{Named as _, named};
use serde::Serialize;
use utoipa::ToSchema;

/// An order's status as the API names it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    strum::VariantArray,
    strum::IntoStaticStr,
    Serialize,
    ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
#[schema(example = "PAID")]
pub enum OrderStatus {
    /// Waiting for its payment; the stock is held.
    Pending,
    /// Paid; the stock is sold.
    Paid,
    /// In the customer's hands.
    Delivered,
    /// Ended without a payment; final.
    Cancelled,
    /// Paid and given back; final, unless the refund fails later.
    Refunded,
}

/// A change of status that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// What the order is.
    pub from: OrderStatus,
    /// What it should become.
    pub to: OrderStatus,
}

named!(OrderStatus, ignoring case);

impl OrderStatus {
    /// Whether an order of this status may become `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Paid | Self::Cancelled)
                | (Self::Paid, Self::Delivered | Self::Refunded)
                | (Self::Delivered, Self::Refunded)
        )
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use mercato_kernel::named::is_written_by_name;
    use mercato_kernel::{FromText, Named};

    use super::OrderStatus::{self, Cancelled, Delivered, Paid, Pending, Refunded};

    #[test]
    fn names_are_the_same_for_all_who_read_them() {
        assert!(is_written_by_name::<OrderStatus>());
    }

    #[test]
    fn only_five_changes_are_allowed() {
        let allowed = [
            (Pending, Paid),
            (Pending, Cancelled),
            (Paid, Delivered),
            (Paid, Refunded),
            (Delivered, Refunded),
        ];
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                assert_eq!(
                    from.may_become(*to),
                    allowed.contains(&(*from, *to)),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn names_are_stable_and_read_back() {
        let names: Vec<_> = OrderStatus::ALL
            .iter()
            .map(|status| status.name())
            .collect();
        assert_eq!(
            names,
            ["PENDING", "PAID", "DELIVERED", "CANCELLED", "REFUNDED"]
        );
        for status in OrderStatus::ALL {
            assert_eq!(OrderStatus::from_name(status.name()), Some(*status));
        }
        assert_eq!(OrderStatus::from_name("pending"), None);
    }

    #[test]
    fn clients_may_write_statuses_in_capital_or_small_letters() {
        for status in OrderStatus::ALL {
            let name = status.name();
            for text in [name, &name.to_lowercase()] {
                assert_eq!(OrderStatus::from_text(text), Ok(*status));
            }
        }
        for text in ["", "OPEN", "PAID ", "PENDİNG"] {
            let (code, rule) = OrderStatus::from_text(text).unwrap_err();
            assert_eq!(code, "format", "{text}");
            assert_eq!(
                rule,
                "must be one of PENDING, PAID, DELIVERED, CANCELLED, REFUNDED"
            );
        }
    }
}
