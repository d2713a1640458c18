use mercato_kernel::{PaymentId, RecordedAnswer, id_types, named};
use serde::Serialize;
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::MinorUnits;

/// Longest reason, in characters.
pub const REASON_MAX_CHARS: usize = 500;

id_types! {
    /// Names a refund.
    RefundId;
}

/// How far a refund has come, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(RefundStatus),
    doc = "How far a refund has come.",
    derive(IntoStaticStr, VariantArray, Serialize, ToSchema),
    strum(serialize_all = "UPPERCASE"),
    serde(rename_all = "UPPERCASE"),
    schema(example = "SUCCEEDED")
)]
pub enum RefundState {
    /// Asked for; the provider's answer is not known. At most one refund of a payment is.
    #[strum_discriminants(doc = "Written down; the payment provider is asked until it answers.")]
    Pending,
    /// The provider has done it, as far as is known.
    #[strum_discriminants(doc = "Made.")]
    Succeeded,
    /// The provider said no, at once or later, and why.
    #[strum_discriminants(doc = "Refused by the payment provider.")]
    Failed(String),
}

named!(RefundStatus);

/// Money on its way back to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The provider's idempotency key is made from it.
    pub id: RefundId,
    /// The payment it belongs to.
    pub payment_id: PaymentId,
    /// The duplicate charge that it gives back, by the provider's reference; none for the payment's own charge.
    pub duplicate_charge: Option<String>,
    /// How much.
    pub amount: MinorUnits,
    /// What had been refunded when this one was asked for.
    pub refunded_before: MinorUnits,
    /// Why, for the provider and the record.
    pub reason: Option<String>,
    /// What the caller repeats the request by: whose key it is, and the key.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
    /// How far it has come.
    pub state: RefundState,
    /// How often the provider was asked in vain.
    pub attempts: u32,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// The answer given under its key, once one was given.
    pub answer: Option<RecordedAnswer>,
}
