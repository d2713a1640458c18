use mercato_kernel::{Named as _, PaymentId};
use mercato_sql::{Error, params};

use super::payments::{payment, select_payment, select_payment_and_session};
use super::{Records, Stored, too_late};
use crate::domain::{CheckoutOutcome, Payment, SessionSlot};

const FIND_BY_SESSION: &str =
    select_payment!("p.id = (SELECT payment_id FROM sessions WHERE provider_id = ?)");

/// What a version before has recorded that the customer of a simulated provider did comes with it.
const FIND_SIMULATED: &str = select_payment_and_session!(
    ",
      asked.simulated_outcome
    FROM sessions asked
    JOIN payments p ON p.id = asked.payment_id
    JOIN sessions s ON s.payment_id = p.id AND s.number = p.session_number
    WHERE asked.provider_id = ?"
);

/// One that seems to be put off for very long is due: the clock was set back.
pub(super) const SESSION_TO_END: &str = select_payment_and_session!(
    "
    FROM sessions s
    JOIN payments p ON p.id = s.payment_id
    WHERE s.is_over = 0 AND s.end_at IS NOT NULL AND (s.end_at <= ? OR s.end_at > ?)
    ORDER BY s.end_at
    LIMIT 1 -- plan on PostgreSQL: an index of what waits"
);

const POSTPONE_SESSION_END: &str = "
    UPDATE sessions
    SET end_at = ?, end_attempts = end_attempts + 1
    WHERE payment_id = ? AND number = ?";

const END_SESSION: &str = "UPDATE sessions SET is_over = 1 WHERE payment_id = ? AND number = ?";

const END_SESSION_NAMED: &str = "UPDATE sessions SET is_over = 1 WHERE provider_id = ?";

const SAVE_SESSION: &str = "
    INSERT INTO sessions (payment_id, number, requested_expiry, provider_id, url, expires_at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (payment_id, number) DO UPDATE
    SET provider_id = excluded.provider_id, url = excluded.url, expires_at = excluded.expires_at";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    FIND_BY_SESSION,
    FIND_SIMULATED,
    SESSION_TO_END,
    POSTPONE_SESSION_END,
    END_SESSION,
    END_SESSION_NAMED,
];

/// Sessions at the provider, the newest and older ones.
impl Records<'_> {
    /// The payment that any session, the newest or an older one, belongs to.
    pub fn find_payment_of_session(&self, session_id: &str) -> Stored<Option<Payment>> {
        self.one(FIND_BY_SESSION, params![session_id], payment)
    }

    /// The payment that a simulated session belongs to, and what the customer did first in it where a version before has recorded
    /// that and was cut off before it happened.
    pub fn find_simulated_payment(
        &self,
        session_id: &str,
    ) -> Stored<Option<(Payment, Option<CheckoutOutcome>)>> {
        self.one(FIND_SIMULATED, params![session_id], |row| {
            let recorded: Option<String> = row.get("simulated_outcome")?;
            let outcome = recorded.as_deref().map(outcome_of).transpose()?;
            Ok((payment(row)?, outcome))
        })
    }

    /// The session that has been waiting longest to be ended at the provider: its payment with it in the place of the newest
    /// one, and how often the provider was asked in vain.
    pub fn find_session_to_end(&self, now: u64) -> Stored<Option<(Payment, u32)>> {
        self.one(SESSION_TO_END, params![now, too_late(now)], |row| {
            Ok((payment(row)?, row.get("end_attempts")?))
        })
    }

    /// A session as it was asked for, with the provider's answer once that is known.
    pub fn save_session(&self, payment_id: PaymentId, session: &SessionSlot) -> Stored<()> {
        let opened = session.opened.as_ref();
        let values = params![
            &*payment_id.text(),
            session.number,
            session.requested_expiry,
            opened.map(|session| session.id.as_str()),
            opened.map(|session| session.url.as_str()),
            opened.map(|session| session.expires_at),
        ];
        self.execute(SAVE_SESSION, values)
    }

    /// Asks the provider again later to end the session of that number, and counts the attempt.
    pub fn postpone_session_end(
        &self,
        payment_id: PaymentId,
        number: u32,
        end_at: u64,
    ) -> Stored<()> {
        let values = params![end_at, &*payment_id.text(), number];
        self.execute(POSTPONE_SESSION_END, values)
    }

    /// Nobody can pay in the session of that number any more: the provider has said so.
    pub fn end_session(&self, payment_id: PaymentId, number: u32) -> Stored<()> {
        self.execute(END_SESSION, params![&*payment_id.text(), number])
    }

    /// The same of the session that the provider knows by that id; nothing happens when nobody knows it here.
    pub fn end_session_named(&self, session_id: &str) -> Stored<()> {
        self.execute(END_SESSION_NAMED, params![session_id])
    }
}

fn outcome_of(name: &str) -> Stored<CheckoutOutcome> {
    CheckoutOutcome::from_name(name)
        .ok_or_else(|| Error::not("simulated_outcome", "an outcome").into())
}
