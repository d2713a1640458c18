//! What Stripe knows of a shop: sessions, charges, refunds and disputes, and what customers and their banks do there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use mercato_platform::clock::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};

use super::{api::Answer, random_id};
use crate::shop::text;

/// An object of Stripe's.
pub(super) type Object = Map<String, Value>;

/// A dispute about a charge.
#[derive(Debug, Clone)]
pub struct Dispute {
    /// Its id.
    pub id: String,
    /// The order that the shop named with the charge.
    pub order_id: String,
    /// The whole charge, in minor units.
    pub amount: i64,
    /// `won`, `lost` or `warning_closed` once it has ended, and when, in seconds since the Unix epoch.
    pub ended: Option<(&'static str, u64)>,
    object: Object,
}

/// An account at the stand-in: what Stripe would know of a shop. A clone goes its own way.
#[derive(Clone)]
pub struct Account {
    /// Seconds since the Unix epoch.
    pub(super) now: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// A new id behind a prefix.
    pub(super) id: Arc<dyn Fn(&str) -> String + Send + Sync>,
    /// Sessions by id, as their owner sees them.
    pub(super) sessions: BTreeMap<String, Object>,
    /// Metadata for the payment of a session, by its id.
    pub(super) payment_metadata: BTreeMap<String, Value>,
    /// Charges by the id of their payment intent.
    pub(super) charges: BTreeMap<String, Object>,
    /// Refunds, oldest first.
    pub(super) refunds: Vec<Object>,
    /// Disputes, oldest first.
    pub(super) disputes: Vec<Dispute>,
    /// Sessions whose money was on its way and has not come.
    pub(super) failed_debits: BTreeSet<String>,
    /// What an idempotency key was used for, and the answer.
    pub(super) keys: BTreeMap<String, (String, Answer)>,
    pub(super) events: Vec<Value>,
}

impl Default for Account {
    fn default() -> Self {
        Self::new(|| SystemClock.now_seconds(), random_id)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Account")
            .field("sessions", &self.sessions)
            .field("refunds", &self.refunds)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// An account with nothing in it.
    pub fn new(
        now: impl Fn() -> u64 + Send + Sync + 'static,
        id: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            id: Arc::new(id),
            sessions: BTreeMap::new(),
            payment_metadata: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            failed_debits: BTreeSet::new(),
            keys: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// What was taken from customers, by the order that the shop named: amounts taken and given back, in minor units.
    pub fn charges(&self) -> Vec<(String, i64, i64)> {
        let units = |value: &Value| value.as_i64().unwrap_or_default();
        let charges = self.charges.values().map(|charge| {
            (
                text(&charge["metadata"]["order_id"]),
                units(&charge["amount"]),
                units(&charge["amount_refunded"]),
            )
        });
        charges.collect()
    }

    /// The sessions in which a customer could pay, with their orders.
    pub fn open_sessions(&self) -> Vec<(String, String)> {
        let open = self.sessions.iter();
        let open = open.filter(|(_, session)| session["status"] == "open");
        open.map(|(id, session)| (id.clone(), text(&session["client_reference_id"])))
            .collect()
    }

    /// The sessions whose money is on its way, with their orders.
    pub fn sessions_under_way(&self) -> Vec<(String, String)> {
        let sessions = self.sessions.iter();
        let under_way = sessions.filter(|(id, session)| {
            let is_complete = session["status"] == "complete";
            is_complete
                && session["payment_status"] == "unpaid"
                && !self.failed_debits.contains(*id)
        });
        under_way
            .map(|(id, session)| {
                let order = text(&session["client_reference_id"]);
                (id.clone(), order)
            })
            .collect()
    }

    /// The refunds that have not failed, by id, oldest first.
    pub fn standing_refunds(&self) -> Vec<String> {
        let standing = self.refunds.iter();
        let standing = standing.filter(|refund| refund["status"] == "succeeded");
        standing.map(|refund| text(&refund["id"])).collect()
    }

    /// What was to go back to customers and has failed, by the order that the shop named, in minor units.
    pub fn failed_refunds(&self) -> Vec<(String, i64)> {
        let failed = self.refunds.iter();
        let failed = failed.filter(|refund| refund["status"] == "failed");
        let of_order = |refund: &Object| {
            let intent = text(&refund["payment_intent"]);
            let order = &self.charges[&intent]["metadata"]["order_id"];
            let units = refund["amount"].as_i64().unwrap_or_default();
            (text(order), units)
        };
        failed.map(of_order).collect()
    }

    /// The customer's bank does not take a refund, days after it was made: the money is the shop's again. False when it has
    /// failed before.
    ///
    /// # Panics
    /// When there is no such refund.
    pub fn fail_refund(&mut self, refund_id: &str) -> bool {
        let mut refunds = self.refunds.iter_mut();
        let refund = refunds
            .find(|refund| refund["id"] == refund_id)
            .expect("a refund");
        if refund["status"] != "succeeded" {
            return false;
        }
        refund.insert("status".into(), json!("failed"));
        refund.insert("failure_reason".into(), json!("lost_or_stolen_card"));
        let refund = refund.clone();
        let intent = text(&refund["payment_intent"]);
        let charge = self.charges.get_mut(&intent).expect("its charge");
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let left = number(&charge["amount_refunded"]) - number(&refund["amount"]);
        charge.insert("amount_refunded".into(), json!(left));
        charge.insert("refunded".into(), json!(false));
        self.event("refund.failed", &refund);
        self.event("charge.refund.updated", &refund);
        true
    }

    /// The webhooks that wait to be delivered, oldest first; they do not wait any more.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    /// The customer pays in a session; false when it is not open.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn pay(&mut self, session_id: &str) -> bool {
        let session = self.sessions.get_mut(session_id).expect("a session");
        if session["status"] != "open" {
            return false;
        }
        complete(session);
        self.charge(session_id, "checkout.session.completed");
        true
    }

    /// The customer pays in a way that takes days, such as a bank debit: the session is complete, and the money on its way.
    /// False when it is not open.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn debit(&mut self, session_id: &str) -> bool {
        let session = self.sessions.get_mut(session_id).expect("a session");
        if session["status"] != "open" {
            return false;
        }
        complete(session);
        let session = session.clone();
        self.event("checkout.session.completed", &session);
        true
    }

    /// What was on its way has come, or has failed for good.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn settle(&mut self, session_id: &str, has_come: bool) {
        if has_come {
            return self.charge(session_id, "checkout.session.async_payment_succeeded");
        }
        let session = self.sessions[session_id].clone();
        self.failed_debits.insert(session_id.to_owned());
        self.event("checkout.session.async_payment_failed", &session);
    }

    /// The money of a session has come.
    fn charge(&mut self, session_id: &str, event_type: &str) {
        let (intent, charge_id) = ((self.id)("pi_"), (self.id)("ch_"));
        let metadata = self.payment_metadata[session_id].clone();
        let session = self.sessions.get_mut(session_id).expect("a session");
        session.insert("payment_status".into(), json!("paid"));
        session.insert("payment_intent".into(), json!(intent));
        let session = session.clone();
        let charge = json!({
            "id": charge_id, "object": "charge", "amount": session["amount_total"], "amount_refunded": 0,
            "captured": true, "paid": true, "currency": session["currency"], "metadata": metadata,
            "payment_intent": intent, "receipt_url": format!("https://pay.stripe.com/receipts/{intent}"),
            "refunded": false, "status": "succeeded",
        });
        let charge = charge.as_object().expect("an object").clone();
        self.event("charge.succeeded", &charge);
        self.event(event_type, &session);
        self.charges.insert(intent, charge);
    }

    /// The sessions that were paid.
    pub fn paid_sessions(&self) -> Vec<String> {
        let paid = self.sessions.iter();
        let paid = paid.filter(|(_, session)| session["payment_status"] == "paid");
        paid.map(|(id, _)| id.clone()).collect()
    }

    /// Takes the money of a session once more: what must not happen, and does. False when it was not paid before.
    ///
    /// # Panics
    /// When there is no such session.
    pub fn charge_again(&mut self, session_id: &str) -> bool {
        let is_paid = self.sessions[session_id]["payment_status"] == "paid";
        if is_paid {
            self.charge(session_id, "checkout.session.completed");
        }
        is_paid
    }

    /// The charges about which there is no dispute, by their payment intents.
    pub fn undisputed_charges(&self) -> Vec<String> {
        let is_disputed = |intent: &String| {
            let mut disputes = self.disputes.iter();
            disputes.any(|dispute| dispute.object["payment_intent"] == intent.as_str())
        };
        let intents = self.charges.keys();
        intents
            .filter(|intent| !is_disputed(intent))
            .cloned()
            .collect()
    }

    /// All disputes, oldest first.
    pub fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// A customer's bank asks what a charge was for: money can be given back as before until it decides. Gives the
    /// dispute's id.
    ///
    /// # Panics
    /// When there is no such charge.
    pub fn open_dispute(&mut self, payment_intent: &str) -> String {
        let charge = self.charges[payment_intent].clone();
        let id = (self.id)("du_");
        let object = json!({
            "id": id, "object": "dispute", "amount": charge["amount"], "charge": charge["id"], "created": (self.now)(),
            "currency": charge["currency"], "evidence_details": { "has_evidence": false }, "is_charge_refundable": true,
            "livemode": false, "metadata": {}, "payment_intent": payment_intent, "reason": "product_not_received",
            "status": "warning_needs_response",
        });
        let object = object.as_object().expect("an object").clone();
        self.event("charge.dispute.created", &object);
        self.disputes.push(Dispute {
            id: id.clone(),
            order_id: text(&charge["metadata"]["order_id"]),
            amount: charge["amount"].as_i64().unwrap_or_default(),
            ended: None,
            object,
        });
        id
    }

    /// A dispute is decided: `won`, `lost` or `warning_closed`.
    ///
    /// # Panics
    /// When there is no such dispute, or when it has ended.
    pub fn end_dispute(&mut self, id: &str, status: &'static str) {
        let now = (self.now)();
        let mut disputes = self.disputes.iter_mut();
        let dispute = disputes.find(|dispute| dispute.id == id);
        let dispute = dispute.expect("a dispute");
        assert!(dispute.ended.is_none(), "{dispute:?}");
        dispute.ended = Some((status, now));
        dispute.object.insert("status".into(), json!(status));
        let object = dispute.object.clone();
        self.event("charge.dispute.closed", &object);
    }

    /// Ends the sessions whose time is over, as Stripe does by itself.
    pub fn expire_sessions(&mut self) {
        let now = (self.now)();
        let is_over = |session: &Object| {
            session["status"] == "open"
                && session["expires_at"].as_u64().is_some_and(|end| end <= now)
        };
        let over = self.sessions.iter().filter(|(_, session)| is_over(session));
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for session_id in over {
            self.expire_session(&session_id);
        }
    }

    pub(super) fn event(&mut self, event_type: &str, object: &Object) {
        self.events.push(json!({
            "id": (self.id)("evt_"), "object": "event", "type": event_type, "created": (self.now)(),
            "livemode": false, "pending_webhooks": 1, "data": { "object": object },
        }));
    }
}

/// Nobody can pay in the session any more.
fn complete(session: &mut Object) {
    session.insert("status".into(), json!("complete"));
    session.insert("url".into(), Value::Null);
}
