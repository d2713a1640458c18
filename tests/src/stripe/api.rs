//! The requests of Stripe's API that a shop makes, and their answers.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::{Value, json};

use super::{
    SECRET_KEY,
    account::{Account, Object},
    wire::{Received, parse_form},
};
use crate::shop::text;

/// A session may end this long after it was made, in seconds: <https://docs.stripe.com/api/checkout/sessions/create>.
const EXPIRY_SECONDS: RangeInclusive<u64> = 30 * 60..=24 * 60 * 60;

/// Status and body.
pub type Answer = (u16, Value);

impl Account {
    /// Checks who asks, and keeps idempotency keys: <https://docs.stripe.com/api/idempotent_requests>.
    pub fn answer(&mut self, received: &Received) -> Answer {
        let header = |name: &str| received.headers.get(name).map(String::as_str);
        if header("authorization") != Some(&format!("Bearer {SECRET_KEY}")) {
            return error(
                401,
                "invalid_request_error",
                "",
                "Invalid API Key provided: sk_test_***",
            );
        }
        if header("stripe-version").is_none() {
            return error(
                400,
                "invalid_request_error",
                "",
                "this stand-in wants a version",
            );
        }
        let Some(key) = header("idempotency-key") else {
            return self.handle(received);
        };
        let request = format!("{} {:?}", received.line, received.form);
        if let Some((first, answer)) = self.keys.get(key) {
            return if *first == request {
                answer.clone()
            } else {
                let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
                error(400, "idempotency_error", "", message)
            };
        }
        let answer = self.handle(received);
        self.keys.insert(key.to_owned(), (request, answer.clone()));
        answer
    }

    fn handle(&mut self, received: &Received) -> Answer {
        let (method, target) = received.line.split_once(' ').unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["checkout", "sessions"]) => self.create_session(&received.form),
            ("GET", ["checkout", "sessions", session]) => self.find_session(session),
            ("POST", ["checkout", "sessions", session, "expire"]) => self.expire_session(session),
            ("POST", ["refunds"]) => self.refund(&received.form),
            ("GET", ["refunds"]) => self.list_refunds(&parse_form(query)),
            _ => error(
                404,
                "invalid_request_error",
                "",
                &format!("Unrecognized request URL ({})", received.line),
            ),
        }
    }

    fn create_session(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let session = match self.new_session(form) {
            Ok(session) => session,
            Err(message) => return error(400, "invalid_request_error", "", &message),
        };
        let session_id = text(&session["id"]);
        self.payment_metadata.insert(
            session_id.clone(),
            nested(form, "payment_intent_data[metadata]"),
        );
        self.sessions.insert(session_id, session.clone());
        (200, Value::Object(session))
    }

    fn find_session(&self, session_id: &str) -> Answer {
        match self.sessions.get(session_id) {
            Some(session) => (200, Value::Object(session.clone())),
            None => missing("checkout.session", session_id),
        }
    }

    pub(super) fn expire_session(&mut self, session_id: &str) -> Answer {
        let Some(session) = self.sessions.get_mut(session_id) else {
            return missing("checkout.session", session_id);
        };
        if session["status"] != "open" {
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
                session["status"]
            );
            return error(400, "invalid_request_error", "", &message);
        }
        session.insert("status".into(), json!("expired"));
        session.insert("url".into(), Value::Null);
        let session = session.clone();
        self.event("checkout.session.expired", &session);
        (200, Value::Object(session))
    }

    pub(super) fn refund(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let known = |name: &String| {
            ["payment_intent", "charge", "amount", "reason"].contains(&name.as_str())
                || name.starts_with("metadata[")
        };
        if let Some(unknown) = form.keys().find(|name| !known(name)) {
            return error(400, "invalid_request_error", "parameter_unknown", unknown);
        }
        let intent = form.get("payment_intent").cloned().unwrap_or_default();
        let Some(charge) = self.charges.get_mut(&intent) else {
            return missing("payment_intent", &intent);
        };
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let refunded = number(&charge["amount_refunded"]);
        let left = number(&charge["amount"]) - refunded;
        let amount: u64 = match form.get("amount").map(|amount| amount.parse()) {
            Some(Ok(amount)) if (1..=left).contains(&amount) => amount,
            None if left > 0 => left,
            _ => {
                let message =
                    format!("Refund amount is greater than unrefunded amount on charge ({left})");
                return error(
                    400,
                    "invalid_request_error",
                    "charge_already_refunded",
                    &message,
                );
            }
        };
        charge.insert("amount_refunded".into(), json!(refunded + amount));
        charge.insert("refunded".into(), json!(amount == left));
        let charge = charge.clone();
        let refund = json!({
            "id": (self.id)("re_"), "object": "refund", "amount": amount, "currency": charge["currency"], "charge": charge["id"],
            "payment_intent": intent, "metadata": nested(form, "metadata"), "reason": form.get("reason"), "status": "succeeded",
            "created": (self.now)(), "failure_reason": null,
        });
        let refund = refund.as_object().expect("an object").clone();
        self.refunds.push(refund.clone());
        self.event("refund.created", &refund);
        self.event("charge.refunded", &charge);
        (200, Value::Object(refund))
    }

    fn list_refunds(&self, query: &BTreeMap<String, String>) -> Answer {
        let refunds = self.refunds.iter().rev();
        let data: Vec<_> = refunds
            .filter(|refund| {
                let wanted = query.get("payment_intent");
                wanted.is_none_or(|intent| refund["payment_intent"] == intent.as_str())
            })
            .collect();
        (
            200,
            json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/refunds" }),
        )
    }

    /// A session of what was asked for, or what is wrong with that.
    fn new_session(&self, form: &BTreeMap<String, String>) -> Result<Object, String> {
        let get = |name: &str| {
            form.get(name)
                .ok_or(format!("Missing required param: {name}."))
        };
        for name in form.keys() {
            let known = [
                "mode",
                "client_reference_id",
                "customer_email",
                "success_url",
                "cancel_url",
                "expires_at",
                "adaptive_pricing[enabled]",
                "payment_intent_data[description]",
            ];
            let nested = [
                "metadata[",
                "payment_intent_data[metadata][",
                "payment_intent_data[shipping][",
                "line_items[",
            ];
            if !known.contains(&name.as_str())
                && !nested.iter().any(|known| name.starts_with(known))
            {
                return Err(format!("Received unknown parameter: {name}"));
            }
        }
        if get("mode")? != "payment" {
            return Err("this stand-in only knows payments".into());
        }
        get("success_url")?;
        let now = (self.now)();
        let expires_at = match form.get("expires_at") {
            None => now + EXPIRY_SECONDS.end(),
            Some(text) => text.parse().map_err(|_| "Invalid integer".to_owned())?,
        };
        if !EXPIRY_SECONDS.contains(&expires_at.saturating_sub(now)) {
            return Err("The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.".into());
        }
        let mut total = 0_u64;
        let mut currency = String::new();
        for index in 0.. {
            let of = |field: &str| format!("line_items[{index}]{field}");
            let Some(quantity) = form.get(&of("[quantity]")) else {
                break;
            };
            let name = get(&of("[price_data][product_data][name]"))?;
            if name.is_empty() {
                return Err("You passed an empty string for a name.".into());
            }
            currency.clone_from(get(&of("[price_data][currency]"))?);
            let number = |text: &String| {
                text.parse::<u64>()
                    .map_err(|_| "Invalid integer".to_owned())
            };
            total += number(quantity)? * number(get(&of("[price_data][unit_amount]"))?)?;
        }
        if currency.is_empty() || currency != currency.to_lowercase() {
            return Err("Invalid currency, or no line items.".into());
        }
        let session_id = (self.id)("cs_test_");
        let session = json!({
            "id": session_id, "object": "checkout.session", "mode": "payment", "livemode": false, "status": "open",
            "payment_status": "unpaid", "amount_total": total, "currency": currency, "expires_at": expires_at,
            "url": format!("https://checkout.stripe.com/c/pay/{session_id}"), "payment_intent": null,
            "client_reference_id": form.get("client_reference_id"), "metadata": nested(form, "metadata"),
            "success_url": form.get("success_url"), "cancel_url": form.get("cancel_url"),
            "customer_email": form.get("customer_email"),
        });
        Ok(session.as_object().expect("an object").clone())
    }
}

/// The fields `prefix[name]` as an object.
fn nested(form: &BTreeMap<String, String>, prefix: &str) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name
            .strip_prefix(prefix)?
            .strip_prefix('[')?
            .strip_suffix(']')?;
        (!name.contains('[')).then(|| (name.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}

pub(super) fn error(status: u16, kind: &str, code: &str, message: &str) -> Answer {
    let code = Some(code).filter(|code| !code.is_empty());
    (
        status,
        json!({ "error": { "type": kind, "code": code, "message": message } }),
    )
}

fn missing(what: &str, id: &str) -> Answer {
    error(
        404,
        "invalid_request_error",
        "resource_missing",
        &format!("No such {what}: '{id}'"),
    )
}
