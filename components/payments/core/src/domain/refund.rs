use super::MinorUnits;

/// Longest reason, in characters.
pub const REASON_MAX_CHARS: usize = 500;

/// How far a refund has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundStatus {
    /// Asked for; the provider's answer is not known. At most one refund of a payment is.
    Pending,
    /// The provider has done it, as far as is known.
    Succeeded,
    /// The provider said no, at once or later, and why.
    Failed(String),
}

/// An HTTP answer kept to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body, byte for byte.
    pub body: Vec<u8>,
}

/// Money on its way back to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// UUIDv7; the provider's idempotency key is made from it.
    pub id: String,
    /// The payment it belongs to.
    pub payment_id: String,
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
    pub status: RefundStatus,
    /// How often the provider was asked in vain.
    pub attempts: u32,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// The answer given under its key, once one was given.
    pub answer: Option<RecordedAnswer>,
}
