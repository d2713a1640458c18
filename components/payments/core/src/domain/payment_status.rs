use std::fmt;

/// Where a payment stands.
///
/// `PENDING → SUCCEEDED | FAILED | CANCELLED`, `SUCCEEDED → REFUNDED`, and back when a refund fails later. A payment that had failed or was cancelled
/// still becomes `SUCCEEDED` when the provider says that the money was taken after all: it must then be refunded,
/// and ignoring it would keep the customer's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
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

impl PaymentStatus {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The status as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_by_the_name_they_are_written_with() {
        for status in PaymentStatus::ALL {
            assert_eq!(PaymentStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(PaymentStatus::from_name("pending"), None);
    }
}
