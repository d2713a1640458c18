use mercato_kernel::named;
use serde::Serialize;
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// Where a payment stands.
///
/// `PENDING → SUCCEEDED | FAILED | CANCELLED`, `SUCCEEDED → REFUNDED`, and back when a refund fails later. A payment that had failed or was cancelled
/// still becomes `SUCCEEDED` when the provider says that the money was taken after all: it must then be refunded,
/// and ignoring it would keep the customer's money.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Display, IntoStaticStr, VariantArray, Serialize, ToSchema,
)]
#[strum(serialize_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
#[schema(
    description = "A payment's status as the API names it.",
    example = "SUCCEEDED"
)]
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

named!(PaymentStatus);
