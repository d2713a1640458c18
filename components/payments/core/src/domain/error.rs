use mercato_kernel::FieldError;

use super::{MinorUnits, PaymentStatus};

/// Why payments refused or could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// Fields that break a rule.
    #[error("the request is not valid")]
    Invalid(Vec<FieldError>),
    /// No such payment, session or event, or somebody else's.
    #[error("no such payment")]
    NotFound,
    /// The payment's status does not allow it.
    #[error("the payment is {0}")]
    Conflict(PaymentStatus),
    /// The customer has paid, and the money is on its way.
    #[error("the payment is under way")]
    UnderWay,
    /// Nobody can pay in the session any more.
    #[error("the session has ended")]
    SessionEnded,
    /// The payment has changed since the version that the caller named.
    #[error("the payment has changed meanwhile")]
    VersionMismatch,
    /// More than what can still be refunded, which it holds.
    #[error("at most {0} can be refunded")]
    RefundExceedsAmount(MinorUnits),
    /// The same idempotency key with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// A webhook that is not the provider's, or too old.
    #[error("the webhook's signature is not valid")]
    InvalidSignature,
    /// A signed webhook that does not fit the payment it speaks of, or cannot be read.
    #[error("the webhook's event cannot be applied")]
    MalformedEvent,
    /// The provider did not answer; nothing is decided.
    #[error("the payment provider did not answer")]
    ProviderUnavailable,
    /// The provider said no, and why.
    #[error("the payment provider refused: {0}")]
    ProviderRejected(String),
    /// Only a simulated provider can do this.
    #[error("this payment provider cannot do that")]
    NotSupported,
    /// The database is busy or out of reach.
    #[error("the database is not available")]
    Unavailable,
    /// A fault of ours; the cause is in the log.
    #[error("internal error")]
    Internal,
}

impl PaymentError {
    /// One field that breaks a rule.
    #[must_use]
    pub fn invalid(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, code, message)])
    }
}

impl From<FieldError> for PaymentError {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}
