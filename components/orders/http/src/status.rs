//! Statuses by their names in the API.

use mercato_edge::PaymentStatusName;
use orders::domain::{OrderStatus, PaymentStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// The rest of a sentence about a text that is no status.
pub const STATUS_RULE: &str = "must be one of PENDING, PAID, DELIVERED, CANCELLED, REFUNDED";

/// An order's status as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = OrderStatus, example = "PAID")]
pub enum OrderStatusName {
    Pending,
    Paid,
    Delivered,
    Cancelled,
    Refunded,
}

impl From<OrderStatus> for OrderStatusName {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Pending => Self::Pending,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Cancelled => Self::Cancelled,
            OrderStatus::Refunded => Self::Refunded,
        }
    }
}

/// The name of a payment's status.
pub const fn payment_status_name(status: PaymentStatus) -> PaymentStatusName {
    match status {
        PaymentStatus::Pending => PaymentStatusName::Pending,
        PaymentStatus::Succeeded => PaymentStatusName::Succeeded,
        PaymentStatus::Failed => PaymentStatusName::Failed,
        PaymentStatus::Cancelled => PaymentStatusName::Cancelled,
        PaymentStatus::Refunded => PaymentStatusName::Refunded,
    }
}

/// The status of that name, in capital or small letters.
pub fn parse_order_status(text: &str) -> Option<OrderStatus> {
    let mut all = OrderStatus::ALL.into_iter();
    all.find(|status| status.name().eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_any_case_and_written_in_capitals() {
        for status in OrderStatus::ALL {
            let name = status.name();
            assert_eq!(parse_order_status(name), Some(status));
            assert_eq!(parse_order_status(&name.to_lowercase()), Some(status));
            assert!(STATUS_RULE.contains(name));
            let written = serde_json::to_value(OrderStatusName::from(status)).unwrap();
            assert_eq!(written, name);
        }
        for text in ["", "OPEN", "PAID ", "PENDİNG"] {
            assert_eq!(parse_order_status(text), None, "{text}");
        }
    }
}
