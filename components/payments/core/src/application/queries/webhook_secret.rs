use crate::application::locks;
use crate::application::ports::{Ports, Settings, Store};
use crate::domain::PaymentError;

/// The signing secret of webhooks: the configured one, else one made at first use and kept in the database, where
/// every instance finds the same.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub async fn webhook_secret<P: Ports>(ports: &P) -> Result<String, PaymentError> {
    let configured = ports.settings().webhook_secret().await?;
    if !configured.is_empty() {
        return Ok(configured);
    }
    if let Some(kept) = ports.store().read(|records| records.generated_secret())? {
        return Ok(kept);
    }
    let made = ports.settings().new_secret();
    ports.store().write(locks::webhook_secret(), |records| {
        records.keep_generated_secret(&made)
    })
}
