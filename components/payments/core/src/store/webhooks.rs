use mercato_sqlite::params;

use super::SqliteRecords;
use crate::application::ports::{KEPT_CHARGES_MAX, Stored, WebhookRecords};
use crate::domain::{KeptCharge, ProviderEvent};

const INSERT_WEBHOOK: &str = "
    INSERT INTO webhooks (event_id, event_type, payment_id, received_at)
    VALUES (?, ?, ?, ?)
    ON CONFLICT (event_id) DO NOTHING";

/// Does nothing when the payment has as many others.
const KEEP_CHARGE: &str = "
    INSERT INTO kept_charges (payment_id, reference, receipt_url, refunded, received_at)
    SELECT ?1, ?2, ?3, 0, ?4
    WHERE (SELECT COUNT(*) FROM kept_charges WHERE payment_id = ?1 AND reference <> ?2) < ?5
    ON CONFLICT (payment_id, reference) DO UPDATE
    SET receipt_url = coalesce(receipt_url, excluded.receipt_url)";

const FIND_KEPT_CHARGE: &str = "
    SELECT receipt_url
    FROM kept_charges
    WHERE payment_id = ? AND reference = ?";

const FORGET_KEPT_CHARGES: &str = "DELETE FROM kept_charges WHERE payment_id = ?";

const FORGET_OTHER_TOTALS: &str =
    "DELETE FROM refund_totals WHERE payment_id = ? AND reference <> ?";

impl WebhookRecords for SqliteRecords<'_> {
    fn insert_webhook(&self, event: &ProviderEvent, payment_id: &str, now: u64) -> Stored<bool> {
        let values = params![&event.id, &event.name, payment_id, now];
        Ok(self.execute(INSERT_WEBHOOK, values)? == 1)
    }

    fn keep_charge(
        &self,
        payment_id: &str,
        reference: &str,
        charge: &KeptCharge,
        now: u64,
    ) -> Stored<bool> {
        let receipt_url = charge.receipt_url.as_deref();
        let values = params![payment_id, reference, receipt_url, now, KEPT_CHARGES_MAX];
        Ok(self.execute(KEEP_CHARGE, values)? == 1)
    }

    fn take_kept_charge(&self, payment_id: &str, reference: &str) -> Stored<Option<KeptCharge>> {
        let values = params![payment_id, reference];
        let kept = self.one(FIND_KEPT_CHARGE, values, |row| {
            Ok(KeptCharge {
                receipt_url: row.get("receipt_url")?,
            })
        })?;
        self.execute(FORGET_KEPT_CHARGES, params![payment_id])?;
        self.execute(FORGET_OTHER_TOTALS, values)?;
        Ok(kept)
    }
}
