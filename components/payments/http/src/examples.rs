//! What requests to this adapter and its answers look like, for the OpenAPI document.

use mercato_edge::examples::{
    Examples, OperationExamples, from_json, from_query, only_page, refusal,
};
use mercato_edge::story::{
    CHECKOUT_ID, CHECKOUT_URL, CUP_PRICE_MINOR, CURRENCY, CUSTOMER_ID, EVENT_ID, ORDER_ID, PAID_AT,
    PAYMENT_ID, PLACED_AT, RECEIPT_URL, REFUND_ID, REFUND_REASON, REFUNDED_AT, RESERVATION_MS,
    TOTAL_MINOR,
};
use mercato_edge::{
    Accepted, FromText, Json, OutboxLag, PageRequest, Paged, Problem, Reply, StatusCode,
};
use mercato_money::Currency;
use payments::application::commands::RelayReport;
use payments::domain::{
    CheckoutSession, Dispute, DisputeStatus, EventType, MinorUnits, OutboxEntryView, PaymentError,
    PaymentEvent, PaymentStatus, PaymentView, Refund, RefundState, SessionSlot,
};
use serde_json::json;

use crate::body::{RefundRequest, SessionRequest, Simulation};
use crate::find::FIND;
use crate::find_by_order::FIND_BY_ORDER;
use crate::list::LIST;
use crate::list_disputes::{DisputesResource, LIST_DISPUTES};
use crate::list_outbox::{LIST_OUTBOX, OutboxState};
use crate::list_refunds::LIST_REFUNDS;
use crate::open_session::OPEN_SESSION;
use crate::problems::problem;
use crate::refund::{REFUND, Refunded, exceeds};
use crate::relay_outbox::{RELAY_OUTBOX, RelayResource};
use crate::resource::{EntryResource, PaymentResource, RefundResource, decimal, tagged};
use crate::retry_event::{RETRY_EVENT, not_under_way};
use crate::show_checkout::{CheckoutResult, SHOW_CHECKOUT};
use crate::simulate_checkout::SIMULATE_CHECKOUT;
use crate::webhook::{WEBHOOK, WebhookReceipt};

/// A page, in shape.
const PAGE: &str = "<!doctype html>\n<html lang=\"en\">…</html>\n";

/// What the provider calls the money of the payment.
const PAYMENT_INTENT: &str = "pi_0123456789abcdef01234567";

/// What the provider calls the charge of it.
const CHARGE: &str = "ch_0123456789abcdef01234567";

/// What the provider calls a dispute about it.
const DISPUTE_ID: &str = "du_0123456789abcdef01234567";

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(list()?)
        .with(open_session()?)
        .with(find_by_order()?)
        .with(webhook()?)
        .with(show_checkout()?)
        .with(simulate_checkout()?)
        .with(list_outbox()?)
        .with(relay_outbox()?)
        .with(retry_event()?)
        .with(find()?)
        .with(list_refunds()?)
        .with(list_disputes()?)
        .with(refund()?))
}

fn list() -> Result<OperationExamples, Problem> {
    let page = Paged::of(only_page(vec![paid()?]), PaymentResource::new)?;
    Ok(LIST
        .examples(&[])
        .answer("one", "The only payment", page)?
        .problem(&refusal(from_query::<PageRequest>("page=0"))))
}

fn open_session() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<SessionRequest>(r#"{"orderId": "M-7K3F-29QD"}"#);
    let examples = OPEN_SESSION
        .examples(&[])
        .request("order", "A pending order", json!({"orderId": ORDER_ID}))
        .answer("open", "The open session", tagged(open()?)?)?
        .problem(&refusal(wrong));
    let refused = [
        PaymentError::NotFound,
        PaymentError::Conflict(PaymentStatus::Succeeded),
        PaymentError::UnderWay,
        PaymentError::ProviderRejected(String::new()),
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn find_by_order() -> Result<OperationExamples, Problem> {
    Ok(FIND_BY_ORDER
        .examples(&[("orderId", ORDER_ID)])
        .answer("open", "Not paid yet", tagged(open()?)?)?
        .answer("paid", "Paid", tagged(paid()?)?)?
        .problem(&problem(PaymentError::NotFound)))
}

fn webhook() -> Result<OperationExamples, Problem> {
    let session = |payment_status: &str| {
        json!({
            "id": CHECKOUT_ID, "object": "checkout.session", "client_reference_id": ORDER_ID,
            "metadata": {"order_id": ORDER_ID}, "amount_total": TOTAL_MINOR, "currency": "eur",
            "payment_status": payment_status, "payment_intent": PAYMENT_INTENT,
        })
    };
    let event = |id: &str, kind: &str, at_ms: u64, object: serde_json::Value| json!({"id": id, "type": kind, "created": at_ms / 1_000, "data": {"object": object}});
    let charge = json!({
        "id": CHARGE, "object": "charge", "metadata": {"order_id": ORDER_ID},
        "amount": TOTAL_MINOR, "amount_refunded": CUP_PRICE_MINOR, "currency": "eur",
        "payment_intent": PAYMENT_INTENT,
    });
    let dispute = json!({
        "id": DISPUTE_ID, "object": "dispute", "amount": TOTAL_MINOR, "currency": "eur", "charge": CHARGE,
        "payment_intent": PAYMENT_INTENT, "reason": "product_not_received", "status": "needs_response",
        "created": REFUNDED_AT / 1_000,
    });
    let ended = PLACED_AT + RESERVATION_MS;
    let examples = WEBHOOK
        .examples(&[])
        .request(
            "completed",
            "The customer has paid",
            event(
                "evt_1",
                "checkout.session.completed",
                PAID_AT,
                session("paid"),
            ),
        )
        .request(
            "completed-unpaid",
            "The customer has paid, and the money is on its way",
            event(
                "evt_2",
                "checkout.session.completed",
                PAID_AT,
                session("unpaid"),
            ),
        )
        .request(
            "expired",
            "Nobody has paid in time",
            event(
                "evt_3",
                "checkout.session.expired",
                ended,
                session("unpaid"),
            ),
        )
        .request(
            "refunded",
            "Some of it was given back",
            event("evt_4", "charge.refunded", REFUNDED_AT, charge),
        )
        .request(
            "disputed",
            "The customer's bank wants the money back",
            event("evt_5", "charge.dispute.created", REFUNDED_AT, dispute),
        )
        .answer("received", "Received", Json(WebhookReceipt::RECEIVED))?
        // The event is read by the domain, after its signature was verified.
        .never("malformed-json");
    let refused = [PaymentError::InvalidSignature, PaymentError::MalformedEvent];
    Ok(examples.problems(refused.map(problem)))
}

fn show_checkout() -> Result<OperationExamples, Problem> {
    let wrong = from_query::<CheckoutResult>("result=paid");
    Ok(SHOW_CHECKOUT
        .examples(&[("sessionId", CHECKOUT_ID)])
        .answer("page", "The page", page(StatusCode::OK))?
        .answer("not-understood", "A page", page(StatusCode::BAD_REQUEST))?
        .answer("not-found-page", "A page", page(StatusCode::NOT_FOUND))?
        .problem(&refusal(wrong))
        .problem(&problem(PaymentError::NotFound)))
}

fn page(status: StatusCode) -> Reply {
    Reply::html(PAGE).with_status(status)
}

fn simulate_checkout() -> Result<OperationExamples, Problem> {
    let form = "application/x-www-form-urlencoded";
    let wrong = from_json::<Simulation>(r#"{"outcome": "paid"}"#);
    let examples = SIMULATE_CHECKOUT
        .examples(&[("sessionId", CHECKOUT_ID)])
        .request("pay", "Pay", json!({"outcome": "succeed"}))
        .request(
            "tries-a-bad-card",
            "A card that is declined",
            json!({"outcome": "decline"}),
        )
        .request_as(form, "pay", "Pay", json!({"outcome": "succeed"}))
        .answer("declined", "Not paid, after `decline`", tagged(open()?)?)?
        .answer("paid", "Paid", tagged(paid()?)?)?
        .answer("not-understood", "A page", page(StatusCode::BAD_REQUEST))?
        .answer("not-found-page", "A page", page(StatusCode::NOT_FOUND))?
        .answer("decided", "A page", page(StatusCode::CONFLICT))?
        .problem(&refusal(wrong))
        .problem(&refusal(Simulation::from_form(b"\xff")))
        .problem_named(
            "conflict-session-has-ended",
            &problem(PaymentError::SessionEnded),
        );
    let refused = [
        PaymentError::NotFound,
        PaymentError::Conflict(PaymentStatus::Succeeded),
        PaymentError::UnderWay,
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn list_outbox() -> Result<OperationExamples, Problem> {
    let lag = OutboxLag {
        pending: 1,
        parked: 1,
        oldest_ms: 3_600_000,
    };
    let page = Paged::of(only_page(vec![parked()?]), EntryResource::new)?;
    Ok(LIST_OUTBOX
        .examples(&[])
        .answer(
            "parked",
            "One event was given up",
            page.with(OutboxState { lag }),
        )?
        .problem(&refusal(from_query::<PageRequest>("limit=500"))))
}

fn relay_outbox() -> Result<OperationExamples, Problem> {
    let report = RelayReport {
        published: 3,
        failed: 0,
        pending: 3,
        more: false,
    };
    RELAY_OUTBOX
        .examples(&[])
        .answer("report", "Three events", Json(RelayResource::from(report)))
}

fn retry_event() -> Result<OperationExamples, Problem> {
    let entry = OutboxEntryView {
        parked: false,
        next_attempt_at: PAID_AT + 3_600_000,
        ..parked()?
    };
    let answer = Json(EntryResource::new(entry)?);
    Ok(RETRY_EVENT
        .examples(&[("eventId", EVENT_ID)])
        .answer("under-way", "Under way again", answer)?
        .problem(&not_under_way()))
}

fn find() -> Result<OperationExamples, Problem> {
    let refunded = tagged(part_refunded()?)?;
    Ok(FIND
        .examples(&[("id", PAYMENT_ID)])
        .answer("paid", "Paid", tagged(paid()?)?)?
        .answer("part-refunded", "With one cup refunded", refunded)?
        .problem(&problem(PaymentError::NotFound)))
}

fn list_refunds() -> Result<OperationExamples, Problem> {
    let currency = currency()?;
    let of = |is_admin| {
        Paged::of(only_page(vec![one_cup()?]), |refund| {
            RefundResource::new(refund, currency, is_admin)
        })
    };
    Ok(LIST_REFUNDS
        .examples(&[("id", PAYMENT_ID)])
        .answer("admin", "As admins see it", of(true)?)?
        .answer("customer", "As its customer sees it", of(false)?)?
        .problem(&problem(PaymentError::NotFound)))
}

fn list_disputes() -> Result<OperationExamples, Problem> {
    let dispute = Dispute {
        id: DISPUTE_ID.to_owned(),
        amount: units(TOTAL_MINOR)?,
        currency: currency()?,
        reason: "product_not_received".to_owned(),
        status: DisputeStatus::Open,
        told_at: REFUNDED_AT / 1_000,
        created_at: REFUNDED_AT / 1_000,
    };
    let answer = Json(DisputesResource::new(vec![dispute])?);
    Ok(LIST_DISPUTES
        .examples(&[("id", PAYMENT_ID)])
        .answer("open", "One that is not decided", answer)?
        .problem(&problem(PaymentError::NotFound)))
}

fn refund() -> Result<OperationExamples, Problem> {
    let amount = decimal(units(CUP_PRICE_MINOR)?, currency()?)?;
    let refunded = Refunded(tagged(part_refunded()?)?);
    let accepted = Accepted(tagged(paid()?)?);
    let wrong = from_json::<RefundRequest>(r#"{"amount": 0}"#);
    let examples = REFUND
        .examples(&[("id", PAYMENT_ID)])
        .request(
            "a-part",
            "One cup",
            json!({"amount": amount, "reason": REFUND_REASON}),
        )
        .request("the-rest", "All that is left", json!({}))
        .answer("part-refunded", "One cup refunded", refunded)?
        .answer(
            "written-down",
            "Before the refund, which is tried again",
            accepted,
        )?
        .problem(&refusal(wrong))
        .problem(&exceeds(units(CUP_PRICE_MINOR)?, currency()?)?);
    let refused = [
        PaymentError::NotFound,
        PaymentError::Conflict(PaymentStatus::Pending),
        PaymentError::VersionMismatch,
        PaymentError::IdempotencyKeyReused,
        PaymentError::ProviderRejected(String::new()),
    ];
    Ok(examples.problems(refused.map(problem)))
}

fn id<T: FromText>(text: &str) -> Result<T, Problem> {
    T::from_text(text).map_err(|_| Problem::internal())
}

fn units(units: i64) -> Result<MinorUnits, Problem> {
    MinorUnits::new(units).ok_or_else(Problem::internal)
}

fn currency() -> Result<Currency, Problem> {
    CURRENCY.parse().map_err(|_| Problem::internal())
}

/// One of its two cups is given back.
fn one_cup() -> Result<Refund, Problem> {
    Ok(Refund {
        id: id(REFUND_ID)?,
        payment_id: id(PAYMENT_ID)?,
        amount: units(CUP_PRICE_MINOR)?,
        refunded_before: MinorUnits::ZERO,
        state: RefundState::Succeeded,
        duplicate_charge: None,
        reason: Some(REFUND_REASON.to_owned()),
        idempotency_key: None,
        fingerprint: Vec::new(),
        attempts: 0,
        created_at: REFUNDED_AT,
        answer: None,
    })
}

/// The payment when the order was placed.
fn open() -> Result<PaymentView, Problem> {
    let expires_at = PLACED_AT + RESERVATION_MS;
    Ok(PaymentView {
        id: id(PAYMENT_ID)?,
        order_id: id(ORDER_ID)?,
        customer_id: id(CUSTOMER_ID)?,
        amount: units(TOTAL_MINOR)?,
        refunded: MinorUnits::ZERO,
        failed_refunds: MinorUnits::ZERO,
        refund_failure: None,
        duplicates: MinorUnits::ZERO,
        duplicates_refunded: MinorUnits::ZERO,
        is_disputed: false,
        lost_to_disputes: MinorUnits::ZERO,
        currency: currency()?,
        status: PaymentStatus::Pending,
        is_processing: false,
        provider: "stripe-mock".to_owned(),
        session: SessionSlot {
            number: 1,
            requested_expiry: expires_at,
            opened: Some(CheckoutSession {
                id: CHECKOUT_ID.to_owned(),
                url: CHECKOUT_URL.to_owned(),
                expires_at,
            }),
        },
        provider_reference: None,
        receipt_url: None,
        reason: None,
        created_at: PLACED_AT,
        updated_at: PLACED_AT,
        version: 1,
    })
}

/// The payment when it was made.
fn paid() -> Result<PaymentView, Problem> {
    Ok(PaymentView {
        status: PaymentStatus::Succeeded,
        provider_reference: Some(PAYMENT_INTENT.to_owned()),
        receipt_url: Some(RECEIPT_URL.to_owned()),
        updated_at: PAID_AT,
        version: 2,
        ..open()?
    })
}

/// The payment when one of its two cups was given back.
fn part_refunded() -> Result<PaymentView, Problem> {
    Ok(PaymentView {
        refunded: units(CUP_PRICE_MINOR)?,
        updated_at: REFUNDED_AT,
        version: 3,
        ..paid()?
    })
}

/// An event that could not be handled.
fn parked() -> Result<OutboxEntryView, Problem> {
    Ok(OutboxEntryView {
        sequence: 1,
        event: PaymentEvent {
            id: id(EVENT_ID)?,
            event_type: EventType::Succeeded,
            time: PAID_AT,
            order_id: id(ORDER_ID)?,
            payment_id: id(PAYMENT_ID)?,
            amount: units(TOTAL_MINOR)?,
            refunded: MinorUnits::ZERO,
            payment_version: 2,
            currency: currency()?,
            provider_reference: Some(PAYMENT_INTENT.to_owned()),
            receipt_url: Some(RECEIPT_URL.to_owned()),
            reason: None,
        },
        attempts: 12,
        failures: 10,
        parked: true,
        next_attempt_at: PAID_AT,
        last_error: Some("a database is busy or out of reach".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_of_what_is_described() {
        let document = mercato_edge::openapi::document(crate::ROUTES, super::examples().unwrap());
        assert_eq!(document.err(), None);
    }
}
