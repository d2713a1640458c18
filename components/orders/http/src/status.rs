//! Statuses by their names in the API.

use mercato_edge::PaymentStatusName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bindings::mercato::orders_old::types::{OrderStatus, PaymentStatus};

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

impl From<PaymentStatus> for PaymentStatusName {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Pending => Self::Pending,
            PaymentStatus::Succeeded => Self::Succeeded,
            PaymentStatus::Failed => Self::Failed,
            PaymentStatus::Cancelled => Self::Cancelled,
            PaymentStatus::Refunded => Self::Refunded,
        }
    }
}

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
            assert_eq!(
                serde_json::to_value(OrderStatusName::from(status)).unwrap(),
                name
            );
        }
        for text in ["", "OPEN", "PAID ", "PENDİNG"] {
            assert_eq!(parse_order_status(text), None, "{text}");
        }
    }
}
