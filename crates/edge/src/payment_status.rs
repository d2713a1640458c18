//! The names of a payment's statuses: payments and orders show them.

use serde::Serialize;
use utoipa::ToSchema;

/// A payment's status as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = PaymentStatus, example = "SUCCEEDED")]
pub enum PaymentStatusName {
    /// Waiting for the customer.
    Pending,
    /// Paid; perhaps refunded in part.
    Succeeded,
    /// Declined.
    Failed,
    /// Ended without a payment.
    Cancelled,
    /// Refunded in whole.
    Refunded,
}

impl PaymentStatusName {
    /// The name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PaymentStatusName::{self, Cancelled, Failed, Pending, Refunded, Succeeded};

    #[test]
    fn sentences_and_documents_name_a_status_alike() {
        for status in [Pending, Succeeded, Failed, Cancelled, Refunded] {
            let name: PaymentStatusName = status;
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }
}
