//! Webhooks as Stripe would send them: <https://docs.stripe.com/api/events/object>.

use serde_json::{Map, Value, json};
use stripe_signature::SignatureError;

use crate::checkout::receipt_url;
use crate::ids::derived;

/// What the customer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Paid.
    Succeed,
    /// Was declined.
    Fail,
    /// Left.
    Cancel,
    /// Paid in a way that takes days.
    Debit,
    /// Paid so before, and the money has come.
    Settle,
}

impl Outcome {
    const fn event_type(self) -> &'static str {
        match self {
            Self::Succeed | Self::Debit => "checkout.session.completed",
            Self::Settle => "checkout.session.async_payment_succeeded",
            Self::Fail => "checkout.session.async_payment_failed",
            Self::Cancel => "checkout.session.expired",
        }
    }

    /// The session's `status` and `payment_status`.
    const fn statuses(self) -> (&'static str, &'static str) {
        match self {
            Self::Succeed | Self::Settle => ("complete", "paid"),
            Self::Fail | Self::Debit => ("complete", "unpaid"),
            Self::Cancel => ("expired", "unpaid"),
        }
    }
}

/// The session that the customer was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Our id of it.
    pub id: String,
    /// The shop's order.
    pub order_id: String,
    /// The shop's payment.
    pub payment_id: String,
    /// Whole minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// The event's body. The same outcome of the same session is the same event, as when Stripe sends one again.
#[must_use]
pub fn body(session: &Session, outcome: Outcome, public_url: &str, seconds: u64) -> Vec<u8> {
    let event_type = outcome.event_type();
    json!({
        "id": derived("evt_", &format!("{}:{event_type}", session.id)),
        "object": "event",
        "type": event_type,
        "created": seconds,
        "livemode": false,
        "pending_webhooks": 1,
        "data": { "object": checkout_session(session, outcome, public_url) },
    })
    .to_string()
    .into_bytes()
}

/// The value of `Stripe-Signature` for that body.
///
/// # Errors
/// When the secret is empty.
pub fn signature(secret: &str, seconds: u64, body: &[u8]) -> Result<String, SignatureError> {
    stripe_signature::sign(secret, seconds, body)
}

fn checkout_session(session: &Session, outcome: Outcome, public_url: &str) -> Value {
    let (status, payment_status) = outcome.statuses();
    let mut object = Map::new();
    for (name, value) in [
        ("id", json!(session.id)),
        ("object", json!("checkout.session")),
        ("mode", json!("payment")),
        ("livemode", json!(false)),
        ("status", json!(status)),
        ("payment_status", json!(payment_status)),
        ("amount_total", json!(session.amount)),
        ("currency", json!(session.currency.to_ascii_lowercase())),
        ("client_reference_id", json!(session.order_id)),
        (
            "metadata",
            json!({ "order_id": session.order_id, "payment_id": session.payment_id }),
        ),
        ("payment_intent", Value::Null),
    ] {
        object.insert(name.to_owned(), value);
    }
    if matches!(outcome, Outcome::Succeed | Outcome::Settle) {
        object.insert(
            "payment_intent".to_owned(),
            json!(derived("pi_", &session.id)),
        );
        object.insert(
            "receipt_url".to_owned(),
            json!(receipt_url(public_url, &session.id)),
        );
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn session() -> Session {
        Session {
            id: "cs_test_1".to_owned(),
            order_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            payment_id: "01890a5d-ac96-774b-bcce-b302099a8058".to_owned(),
            amount: 1999,
            currency: "USD".to_owned(),
        }
    }

    fn event(outcome: Outcome) -> Value {
        serde_json::from_slice(&body(&session(), outcome, "http://shop.test", NOW)).unwrap()
    }

    #[test]
    fn a_paid_session_has_everything_a_shop_needs() {
        let event = event(Outcome::Succeed);
        assert_eq!(event["type"], "checkout.session.completed");
        assert_eq!(event["created"], NOW);
        assert!(event["id"].as_str().unwrap().starts_with("evt_"));
        let object = &event["data"]["object"];
        assert_eq!(object["id"], "cs_test_1");
        assert_eq!(object["client_reference_id"], session().order_id);
        assert_eq!(object["metadata"]["payment_id"], session().payment_id);
        assert_eq!(
            (object["amount_total"].as_i64(), object["currency"].as_str()),
            (Some(1999), Some("usd"))
        );
        assert_eq!(
            (object["status"].as_str(), object["payment_status"].as_str()),
            (Some("complete"), Some("paid"))
        );
        assert!(
            object["payment_intent"]
                .as_str()
                .unwrap()
                .starts_with("pi_")
        );
        assert!(
            object["receipt_url"]
                .as_str()
                .unwrap()
                .starts_with("http://shop.test/")
        );
    }

    #[test]
    fn an_unpaid_session_names_no_charge() {
        for (outcome, event_type, status) in [
            (
                Outcome::Fail,
                "checkout.session.async_payment_failed",
                "complete",
            ),
            (Outcome::Cancel, "checkout.session.expired", "expired"),
            (Outcome::Debit, "checkout.session.completed", "complete"),
        ] {
            let event = event(outcome);
            assert_eq!(event["type"], event_type);
            let object = &event["data"]["object"];
            assert_eq!(
                (object["status"].as_str(), object["payment_status"].as_str()),
                (Some(status), Some("unpaid"))
            );
            assert!(object["payment_intent"].is_null() && object.get("receipt_url").is_none());
        }
    }

    #[test]
    fn each_outcome_is_one_event_however_often_it_is_sent() {
        let id = |outcome| event(outcome)["id"].clone();
        assert_eq!(id(Outcome::Succeed), id(Outcome::Succeed));
        assert_ne!(id(Outcome::Succeed), id(Outcome::Fail));
        assert_ne!(id(Outcome::Fail), id(Outcome::Cancel));
        assert_ne!(id(Outcome::Debit), id(Outcome::Settle));
    }

    #[test]
    fn the_signature_is_one_that_a_shop_accepts() {
        let body = body(&session(), Outcome::Succeed, "http://shop.test", NOW);
        let signature = signature("whsec_1", NOW, &body).unwrap();
        assert_eq!(
            stripe_signature::verify("whsec_1", &signature, &body, NOW),
            Ok(())
        );
        assert_eq!(
            stripe_signature::verify("whsec_2", &signature, &body, NOW),
            Err(SignatureError::Mismatch)
        );
    }
}
