use mercato_kernel::PaymentId;
use mercato_platform::log;

use crate::application::ports::ProviderError;
use crate::domain::PaymentError;

/// The provider's answer as this domain's error; the details go to the log.
pub(super) fn refused(what: &str, payment_id: PaymentId, error: ProviderError) -> PaymentError {
    let (message, cause, outcome) = match error {
        ProviderError::Unavailable(cause) => (
            "provider unavailable",
            cause,
            PaymentError::ProviderUnavailable,
        ),
        ProviderError::Rejected(cause) => (
            "provider refused",
            cause.clone(),
            PaymentError::ProviderRejected(cause),
        ),
    };
    log::warn(
        message,
        &[
            ("to", what),
            ("payment_id", &payment_id.text()),
            ("cause", &cause),
        ],
    );
    outcome
}
