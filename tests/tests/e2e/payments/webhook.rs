use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{
    Response, assert_members,
    forge::stripe_signature,
    load::all_at_once,
    shop::{Placed, Shop, unique, unknown_id, webhook_secret},
};
use serde_json::{Value, json};

const WEBHOOK: &str = "/api/v1/payments/webhook";
const TOLERANCE_SECONDS: u64 = 300;

/// The provider, as far as its webhooks go: it knows the secret that they are signed with.
pub struct Provider {
    secret: String,
}

/// None where the secret of the shop is not known.
pub fn provider() -> Option<Provider> {
    let secret = webhook_secret()?;
    Some(Provider { secret })
}

impl Provider {
    /// The signature of a body sent now.
    fn sign(&self, body: &str) -> String {
        stripe_signature(&self.secret, SystemClock.now_seconds(), body)
    }

    /// Sends an event.
    pub fn send(&self, event: &Value) -> Response {
        let body = event.to_string();
        deliver(&body, Some(&self.sign(&body)))
    }

    /// Sends events that are taken, one after the other.
    fn publish(&self, events: &[Value]) {
        for event in events {
            self.send(event).expect(200);
        }
    }

    /// Sends an event that is refused.
    #[track_caller]
    fn expect_malformed(&self, event: &Value) {
        self.send(event).expect_problem(400, "malformed-event");
    }
}

fn deliver(body: &str, signature: Option<&str>) -> Response {
    let request = Shop::shared().nobody().post(WEBHOOK);
    let request = request.body("application/json", body);
    match signature {
        Some(signature) => request.header("stripe-signature", signature).send(),
        None => request.send(),
    }
}

#[track_caller]
fn expect_invalid_signature(body: &str, signature: Option<&str>) {
    deliver(body, signature).expect_problem(400, "invalid-signature");
}

fn event(kind: &str, object: Value) -> Value {
    json!({
        "id": unique("evt").replace([' ', '-'], "_"),
        "object": "event",
        "type": kind,
        "created": SystemClock.now_seconds(),
        "data": { "object": object },
    })
}

fn session(order: &Placed, cents: u64) -> Value {
    json!({
        "id": order.session_id,
        "object": "checkout.session",
        "client_reference_id": order.id,
        "metadata": { "order_id": order.id },
        "amount_total": cents,
        "currency": "usd",
        "payment_status": "paid",
        "payment_intent": format!("pi_{}", order.id),
    })
}

/// The event that an order is paid.
pub fn completed(order: &Placed, cents: u64) -> Value {
    event("checkout.session.completed", session(order, cents))
}

fn refunded(order: &Placed, cents: u64, of: u64) -> Value {
    let charge = json!({
        "id": format!("ch_{}", order.id),
        "object": "charge",
        "metadata": { "order_id": order.id },
        "amount": of,
        "amount_refunded": cents,
        "currency": "usd",
        "payment_intent": format!("pi_{}", order.id),
    });
    event("charge.refunded", charge)
}

#[test]
fn a_webhook_without_a_valid_signature_is_refused() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    let body = completed(&order, 1_000).to_string();
    let now = SystemClock.now_seconds();
    let of_another_secret = stripe_signature("whsec_guess", now, &body);
    let zeros = format!("t={now},v1={}", "0".repeat(64));
    let too_long = format!("t={now},v1={}", "0".repeat(10_000));
    for signature in [
        "",
        "nonsense",
        "t=,v1=",
        "v1=00",
        &zeros,
        &too_long,
        &of_another_secret,
    ] {
        expect_invalid_signature(&body, Some(signature));
    }
    expect_invalid_signature(&body, None);
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn a_signature_is_for_one_body_and_a_few_minutes() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    let body = completed(&order, 1_000).to_string();
    let now = SystemClock.now_seconds();
    let signature = provider.sign(&body);
    expect_invalid_signature(&body.replace("1000", "1001"), Some(&signature));
    expect_invalid_signature(&format!("{body} "), Some(&signature));
    for seconds in [
        now - TOLERANCE_SECONDS - 60,
        now + TOLERANCE_SECONDS + 60,
        0,
    ] {
        let signature = stripe_signature(&provider.secret, seconds, &body);
        expect_invalid_signature(&body, Some(&signature));
    }
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
    let rolled = format!(
        "{},{}",
        stripe_signature("old", now, &body),
        &signature[signature.find("v1").expect("v1")..]
    );
    deliver(&body, Some(&rolled)).expect(200);
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn a_signed_webhook_pays_an_order_once() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(10, 1);
    let paid = completed(&order, 1_000);
    provider.send(&paid).expect(200);
    customer.wait_for_order(&order.id, "PAID");
    provider.send(&paid).expect(200);
    provider.send(&completed(&order, 1_000)).expect(200);
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["history"].as_array().map(Vec::len), Some(2), "{seen}");
    shop.wait_for_stock(&product, 4, 0, 1);
}

#[test]
fn the_same_event_at_the_same_time_is_applied_once() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(10, 1);
    let paid = completed(&order, 1_000);
    all_at_once(8, |_| provider.send(&paid).expect(200));
    let seen = customer.wait_for_order(&order.id, "PAID");
    assert_eq!(seen["history"].as_array().map(Vec::len), Some(2), "{seen}");
    shop.wait_for_stock(&product, 4, 0, 1);
}

#[test]
fn events_that_come_in_the_wrong_order_end_in_the_right_state() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(10, 2);
    provider.send(&refunded(&order, 2_000, 2_000)).expect(200);
    provider.send(&completed(&order, 2_000)).expect(200);
    let seen = customer.wait_for_order(&order.id, "REFUNDED");
    assert_eq!(seen["payment"]["status"], "REFUNDED");
    shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn an_expired_session_cancels_the_order() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(10, 5);
    for kind in [
        "checkout.session.expired",
        "checkout.session.async_payment_failed",
    ] {
        let order = customer.order(&[(&product, 1)]);
        provider
            .send(&event(kind, session(&order, 1_000)))
            .expect(200);
        customer.wait_for_order(&order.id, "CANCELLED");
    }
    shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn a_session_that_is_completed_but_not_paid_yet_decides_nothing() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    let mut unpaid = completed(&order, 1_000);
    unpaid["data"]["object"]["payment_status"] = json!("unpaid");
    provider.send(&unpaid).expect(200);
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn events_about_another_amount_or_currency_are_refused() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    provider.expect_malformed(&completed(&order, 1));
    let mut wrong = completed(&order, 1_000);
    wrong["data"]["object"]["currency"] = json!("jpy");
    provider.expect_malformed(&wrong);
    provider.expect_malformed(&refunded(&order, 2_000, 1_000));
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn events_of_a_foreign_session_or_charge_pay_no_order() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(10, 1);
    let other = customer.order(&[(&product, 1)]);
    let payment = shop.payment_of(&order.id);
    let charge = json!({
        "id": "ch_foreign", "metadata": { "order_id": order.id, "payment_id": payment["id"] }, "amount": 1_000,
        "amount_refunded": 0, "currency": "usd", "payment_intent": "pi_foreign", "captured": true,
    });
    for foreign in ["cs_test_foreign", &other.session_id] {
        for kind in [
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.expired",
            "checkout.session.async_payment_failed",
        ] {
            let mut object = session(&order, 1_000);
            object["id"] = json!(foreign);
            object["metadata"]["payment_id"] = payment["id"].clone();
            provider.send(&event(kind, object)).expect(200);
        }
    }
    provider
        .send(&event("charge.succeeded", charge.clone()))
        .expect(200);
    let mut back = charge;
    back["amount_refunded"] = json!(1_000);
    provider.send(&event("charge.refunded", back)).expect(200);
    for order in [&order, &other] {
        assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
    }
    provider.send(&completed(&order, 1_000)).expect(200);
    let seen = customer.wait_for_order(&order.id, "PAID");
    assert_eq!(seen["payment"]["status"], "SUCCEEDED");
}

#[test]
fn a_refund_that_failed_is_known_by_its_charge_in_any_order() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    for is_late in [true, false] {
        let order = customer.order(&[(&product, 1)]);
        let failed = json!({
            "id": format!("re_{}", order.id), "object": "refund", "amount": 1_000, "currency": "usd", "status": "failed",
            "failure_reason": "expired_or_canceled_card", "payment_intent": format!("pi_{}", order.id), "metadata": {},
        });
        let failed = event("refund.failed", failed);
        let mut events = vec![
            completed(&order, 1_000),
            refunded(&order, 1_000, 1_000),
            failed,
        ];
        if !is_late {
            events.reverse();
        }
        provider.publish(&events);
        let seen = customer.wait_for_history(&order.id, "A refund of 10 USD failed");
        assert_eq!(seen["status"], "PAID");
        let payment = &seen["payment"];
        assert_members(
            payment,
            &json!({ "status": "SUCCEEDED", "refundedAmount": 0, "failedRefundAmount": 10 }),
        );
        assert_eq!(payment["refundFailure"], "expired_or_canceled_card");
    }
}

#[test]
fn a_second_charge_of_a_session_goes_back_by_itself() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    let mut second = completed(&order, 1_000);
    second["id"] = json!(format!("evt_second_{}", order.id));
    second["data"]["object"]["payment_intent"] = json!(format!("pi_second_{}", order.id));
    provider.publish(&[completed(&order, 1_000), second]);
    let seen = mercato_tests::wait_until("the money to go back", || {
        shop.admin().post("/api/v1/payments/outbox/relay").send();
        let order = customer.read_order(&order.id);
        (order["payment"]["duplicateRefundedAmount"] == 10).then_some(order)
    });
    let payment = &seen["payment"];
    assert_eq!(
        (
            &seen["status"],
            &payment["duplicateAmount"],
            &payment["refundedAmount"]
        ),
        (&json!("PAID"), &json!(10), &json!(0))
    );
}

#[test]
fn an_open_dispute_holds_the_parcel() {
    let Some(provider) = provider() else { return };
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(10, 1);
    let admin = shop.admin();
    let dispute = |status: &str| {
        json!({
            "id": format!("du_{}", order.id), "object": "dispute", "amount": 1_000, "currency": "usd", "status": status,
            "reason": "fraudulent", "payment_intent": format!("pi_{}", order.id), "metadata": {},
        })
    };
    // The dispute arrives first.
    let opened = event("charge.dispute.created", dispute("needs_response"));
    provider.publish(&[opened, completed(&order, 1_000)]);
    customer.wait_for_order(&order.id, "PAID");
    let refused = admin.deliver(&order.id);
    refused.expect_problem(409, "payment-disputed");
    let closed = event("charge.dispute.closed", dispute("won"));
    provider.send(&closed).expect(200);
    admin.deliver(&order.id).expect(200);
}

#[test]
fn what_is_none_of_our_business_is_accepted_and_ignored() {
    let Some(provider) = provider() else { return };
    provider
        .send(&event("customer.created", json!({ "id": "cus_1" })))
        .expect(200);
    let stranger = Placed {
        id: unknown_id(),
        session_id: "cs_test_stranger".to_owned(),
        answer: Value::Null,
    };
    provider.send(&completed(&stranger, 1_000)).expect(200);
}

#[test]
fn events_of_other_types_are_accepted_whatever_their_shape() {
    let Some(provider) = provider() else { return };
    let thin = json!({
        "id": "evt_test_65R", "object": "v2.core.event", "created": "2026-03-05T17:55:26.123Z", "livemode": false,
        "type": "v1.billing.meter.error_report_triggered",
        "related_object": { "id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1" },
    });
    provider.publish(&[
        thin,
        json!({ "type": "v2.core.account.updated" }),
        json!({ "id": 7, "type": "customer.created", "data": null }),
    ]);
    let known = json!({ "id": "evt_1", "type": "charge.refunded" });
    provider.expect_malformed(&known);
}

#[test]
fn a_signed_body_that_cannot_be_read_is_refused() {
    let Some(provider) = provider() else { return };
    for body in ["", "{", "[]", "{}", "{\"id\":1}"] {
        deliver(body, Some(&provider.sign(body))).expect_problem(400, "malformed-event");
    }
}

#[test]
fn a_webhook_is_json_and_its_address_has_no_parameters() {
    let nobody = Shop::shared().nobody();
    let text = nobody.post(WEBHOOK).body("text/plain", "{}");
    text.expect_problem(415, "unsupported-media-type");
    let path = format!("{WEBHOOK}?replay=1");
    let query = nobody.post(&path).body("application/json", "{}");
    query.expect_invalid(&[("replay", "unknown")]);
}
