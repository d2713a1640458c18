//! Statuses by their names in the API.

use crate::bindings::mercato::orders::types::{OrderStatus, PaymentStatus};

/// Every status of an order with its name, in the order of an order's life.
pub const ORDER_STATUSES: [(OrderStatus, &str); 5] = [
    (OrderStatus::Pending, "PENDING"),
    (OrderStatus::Paid, "PAID"),
    (OrderStatus::Delivered, "DELIVERED"),
    (OrderStatus::Cancelled, "CANCELLED"),
    (OrderStatus::Refunded, "REFUNDED"),
];

/// The rest of a sentence about a text that is no status.
pub const STATUS_RULE: &str = "must be one of PENDING, PAID, DELIVERED, CANCELLED, REFUNDED";

/// The name of an order's status.
pub const fn order_status_name(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "PENDING",
        OrderStatus::Paid => "PAID",
        OrderStatus::Delivered => "DELIVERED",
        OrderStatus::Cancelled => "CANCELLED",
        OrderStatus::Refunded => "REFUNDED",
    }
}

/// The status of that name, in capital or small letters.
pub fn parse_order_status(text: &str) -> Option<OrderStatus> {
    let named = |(_, name): &(OrderStatus, &str)| name.eq_ignore_ascii_case(text);
    ORDER_STATUSES
        .into_iter()
        .find(named)
        .map(|(status, _)| status)
}

/// The name of a payment's status.
pub const fn payment_status_name(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending => "PENDING",
        PaymentStatus::Succeeded => "SUCCEEDED",
        PaymentStatus::Failed => "FAILED",
        PaymentStatus::Cancelled => "CANCELLED",
        PaymentStatus::Refunded => "REFUNDED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_in_any_case_and_written_in_capitals() {
        for (status, name) in ORDER_STATUSES {
            assert_eq!(order_status_name(status), name);
            assert_eq!(parse_order_status(name), Some(status));
            assert_eq!(parse_order_status(&name.to_lowercase()), Some(status));
            assert!(STATUS_RULE.contains(name));
        }
        for text in ["", "OPEN", "PAID ", "PENDİNG"] {
            assert_eq!(parse_order_status(text), None, "{text}");
        }
    }
}
