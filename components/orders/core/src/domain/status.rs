use std::fmt;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl OrderStatus {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Paid,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The stable name: `PENDING`, `PAID`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

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
    use super::OrderStatus::{self, Cancelled, Delivered, Paid, Pending, Refunded};

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
                    from.may_become(to),
                    allowed.contains(&(from, to)),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn names_are_stable_and_read_back() {
        let names: Vec<_> = OrderStatus::ALL
            .into_iter()
            .map(OrderStatus::name)
            .collect();
        assert_eq!(
            names,
            ["PENDING", "PAID", "DELIVERED", "CANCELLED", "REFUNDED"]
        );
        for status in OrderStatus::ALL {
            assert_eq!(OrderStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(OrderStatus::from_name("pending"), None);
    }
}
