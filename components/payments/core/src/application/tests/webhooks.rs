use mercato_platform::clock::Clock;
use serde_json::{Value, json};

use super::shop::{AMOUNT, ORDER, SECRET, SESSION_MS, Shop, order, units};
use crate::application::commands::WebhookOutcome;
use crate::application::locks;
use crate::application::ports::{Ports as _, Store as _};
use crate::domain::{EventType, PaymentError, PaymentStatus};
use crate::store::KEPT_CHARGES_MAX;

const TOLERANCE_SECONDS: u64 = 300;

/// The event with one member of its object replaced.
fn altered(mut event: Value, member: &str, value: Value) -> Value {
    event["data"]["object"][member] = value;
    event
}

#[test]
fn a_payment_succeeds_once_however_often_it_is_told() {
    let shop = Shop::with_pending_order();
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Ok(WebhookOutcome::Applied)
    );
    let paid = shop.payment();
    assert_eq!(paid.status, PaymentStatus::Succeeded);
    assert_eq!(paid.provider_reference.as_deref(), Some("pi_1"));
    assert_eq!(paid.receipt_url.as_deref(), Some("http://receipt.test"));
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Ok(WebhookOutcome::Duplicate)
    );
    assert_eq!(
        shop.webhook(&shop.completed("evt_2")),
        Ok(WebhookOutcome::Ignored)
    );
    assert_eq!(shop.payment(), paid);
    assert_eq!(shop.event_types(), [EventType::Succeeded]);
}

#[test]
fn only_the_providers_recent_signature_over_this_body_counts() {
    let shop = Shop::with_pending_order();
    let body = shop.completed("evt_1").to_string().into_bytes();
    let seconds = shop.clock.now_seconds();
    let sign = |secret, seconds| stripe_signature::sign(secret, seconds, &body).unwrap();
    let deliver = |body: &[u8], signature: &str| shop.receive(body, signature);
    for (case, signature) in [
        ("missing", String::new()),
        ("another secret", sign("whsec_other", seconds)),
        ("too old", sign(SECRET, seconds - TOLERANCE_SECONDS - 1)),
        (
            "from the future",
            sign(SECRET, seconds + TOLERANCE_SECONDS + 1),
        ),
        ("no v1", format!("t={seconds},v0=00")),
    ] {
        assert_eq!(
            deliver(&body, &signature),
            Err(PaymentError::InvalidSignature),
            "{case}"
        );
    }
    let mut tampered = body.clone();
    tampered.push(b' ');
    assert_eq!(
        deliver(&tampered, &sign(SECRET, seconds)),
        Err(PaymentError::InvalidSignature)
    );
    // Not even JSON: refused for its signature, before anything is read.
    assert_eq!(
        deliver(b"{", &sign(SECRET, seconds)),
        Err(PaymentError::InvalidSignature)
    );
    assert!(shop.payment().is_pending());
    let rolled = format!(
        "{},v1={}",
        sign("whsec_old", seconds),
        &sign(SECRET, seconds)[16..]
    );
    assert_eq!(deliver(&body, &rolled), Ok(WebhookOutcome::Applied));
}

#[test]
fn an_event_that_does_not_fit_is_refused_and_not_remembered() {
    let shop = Shop::with_pending_order();
    let event = shop.completed("evt_1");
    for (member, value) in [
        ("amount_total", json!(AMOUNT - 1)),
        ("amount_total", json!(AMOUNT + 1)),
        ("currency", json!("eur")),
        ("metadata", json!({"order_id": ORDER, "payment_id": ORDER})),
    ] {
        let event = altered(event.clone(), member, value);
        assert_eq!(
            shop.webhook(&event),
            Err(PaymentError::MalformedEvent),
            "{member}"
        );
        assert!(shop.payment().is_pending());
    }
    let refund = shop.refunded_event("evt_2", AMOUNT);
    for (member, value) in [
        ("amount", json!(AMOUNT * 2)),
        ("currency", json!("eur")),
        ("amount_refunded", json!(AMOUNT + 1)),
    ] {
        let event = altered(refund.clone(), member, value);
        assert_eq!(
            shop.webhook(&event),
            Err(PaymentError::MalformedEvent),
            "{member}"
        );
    }
    assert!(shop.entries().is_empty());
    assert_eq!(
        shop.webhook(&event),
        Ok(WebhookOutcome::Applied),
        "the same event, mended"
    );
}

#[test]
fn what_is_none_of_this_shops_business_is_ignored() {
    let shop = Shop::with_pending_order();
    let unknown_type = json!({"id": "evt_1", "type": "customer.created", "data": {"object": {}}});
    assert_eq!(shop.webhook(&unknown_type), Ok(WebhookOutcome::Ignored));
    let unknown_order = json!("01890a5d-ac96-774b-bcce-ffffffffffff");
    let event = altered(
        shop.completed("evt_2"),
        "client_reference_id",
        unknown_order,
    );
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Ignored));
    assert_eq!(
        shop.webhook(&json!({"id": "evt_3"})),
        Err(PaymentError::MalformedEvent)
    );
    assert!(shop.payment().is_pending() && shop.entries().is_empty());
}

#[test]
fn a_refund_told_before_its_payment_ends_in_the_same_state() {
    let shop = Shop::with_pending_order();
    assert_eq!(
        shop.webhook(&shop.refunded_event("evt_2", AMOUNT)),
        Ok(WebhookOutcome::Kept)
    );
    assert!(shop.payment().is_pending() && shop.entries().is_empty());
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Ok(WebhookOutcome::Applied)
    );
    assert_eq!(
        shop.event_types(),
        [EventType::Succeeded, EventType::Refunded]
    );
    let entries = shop.entries();
    assert_eq!(
        (entries[0].event.refunded, entries[1].event.refunded),
        (units(0), units(AMOUNT))
    );
    let payment = shop.payment();
    assert_eq!(
        (payment.status, payment.refunded),
        (PaymentStatus::Refunded, units(AMOUNT))
    );
    assert_eq!(payment.receipt_url.as_deref(), Some("http://receipt.test"));
    assert_eq!(shop.stored().kept_charges, 0);
}

/// A charge of that reference, paid or with so much of it given back.
fn charge(id: &str, event_type: &str, reference: &str, refunded: i64) -> Value {
    json!({"id": id, "type": event_type, "data": {"object": {
        "id": "ch_1", "metadata": {"order_id": ORDER}, "amount": AMOUNT, "amount_refunded": refunded,
        "currency": "usd", "payment_intent": reference, "captured": true, "receipt_url": "http://charged.test",
    }}})
}

#[test]
fn a_charge_waits_for_the_session_that_names_it() {
    let shop = Shop::with_pending_order();
    let event = charge("evt_1", "charge.succeeded", "pi_1", 0);
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Kept));
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Duplicate));
    assert!(shop.payment().is_pending() && shop.entries().is_empty());
    let completed = altered(shop.completed("evt_2"), "receipt_url", Value::Null);
    assert_eq!(shop.webhook(&completed), Ok(WebhookOutcome::Applied));
    let receipt = shop.payment().receipt_url;
    assert_eq!(receipt.as_deref(), Some("http://charged.test"));
    assert_eq!(shop.stored().kept_charges, 0);
}

#[test]
fn a_kept_charge_counts_when_the_provider_is_asked() {
    let shop = Shop::with_pending_order();
    let refund = charge("evt_1", "charge.refunded", "pi_1", 500);
    assert_eq!(shop.webhook(&refund), Ok(WebhookOutcome::Kept));
    shop.provider.take(AMOUNT, "USD");
    let paid = shop.cancel().unwrap();
    assert_eq!(
        (paid.status, paid.refunded),
        (PaymentStatus::Succeeded, units(500))
    );
    assert_eq!(paid.receipt_url.as_deref(), Some("http://charged.test"));
    assert_eq!(
        shop.event_types(),
        [EventType::Succeeded, EventType::Refunded]
    );
}

#[test]
fn a_signed_event_of_a_foreign_session_never_decides_a_payment() {
    let shop = Shop::with_pending_order();
    let metadata = json!({"order_id": ORDER, "payment_id": shop.payment().id});
    for event_type in [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.expired",
        "checkout.session.async_payment_failed",
    ] {
        let mut event = shop.completed("evt_1");
        event["type"] = event_type.into();
        let foreign = altered(event, "id", json!("cs_foreign"));
        let dressed = altered(foreign.clone(), "metadata", metadata.clone());
        for event in [foreign, dressed] {
            assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Ignored));
            assert!(shop.payment().is_pending() && shop.entries().is_empty());
        }
    }
    assert_eq!(shop.stored().webhooks, 0, "nothing of it is remembered");
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Ok(WebhookOutcome::Applied),
        "the real one is"
    );
}

#[test]
fn a_signed_event_of_a_foreign_charge_never_decides_a_payment() {
    let shop = Shop::with_pending_order();
    for (id, event_type, refunded) in [
        ("evt_1", "charge.succeeded", 0),
        ("evt_2", "charge.refunded", AMOUNT),
    ] {
        let event = charge(id, event_type, "pi_foreign", refunded);
        assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Kept));
        assert!(shop.payment().is_pending() && shop.entries().is_empty());
    }
    // Its own charge comes without any of that.
    shop.webhook(&shop.completed("evt_3")).unwrap();
    let paid = shop.payment();
    assert_eq!(
        (paid.status, paid.refunded),
        (PaymentStatus::Succeeded, units(0))
    );
    // Once it is known, foreign ones are not even kept.
    let event = charge("evt_4", "charge.refunded", "pi_foreign", AMOUNT);
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Ignored));
    assert_eq!(shop.payment(), paid);
    assert_eq!(shop.stored().kept_charges, 0);
}

#[test]
fn so_many_charges_are_kept_and_no_more() {
    let shop = Shop::with_pending_order();
    let told = |number: u32| {
        let (id, reference) = (format!("evt_{number}"), format!("pi_{number}"));
        shop.webhook(&charge(&id, "charge.succeeded", &reference, 0))
    };
    for number in 1..=KEPT_CHARGES_MAX {
        assert_eq!(told(number), Ok(WebhookOutcome::Kept));
    }
    assert_eq!(told(KEPT_CHARGES_MAX + 1), Ok(WebhookOutcome::Ignored));
    let again = charge("evt_more", "charge.refunded", "pi_1", 5);
    assert_eq!(shop.webhook(&again), Ok(WebhookOutcome::Kept));
    assert_eq!(shop.stored().kept_charges, u64::from(KEPT_CHARGES_MAX));
}

#[test]
fn a_session_whose_id_was_lost_is_known_by_its_payment() {
    let shop = Shop::new();
    shop.provider.down.set(true);
    shop.create().unwrap_err();
    let payment = shop.payment();
    assert!(payment.session.opened.is_none());
    let stranger = altered(shop.completed("evt_1"), "id", json!("cs_lost"));
    assert_eq!(shop.webhook(&stranger), Ok(WebhookOutcome::Ignored));
    assert!(shop.payment().is_pending());
    let metadata = json!({"order_id": ORDER, "payment_id": payment.id});
    let own = altered(stranger, "metadata", metadata);
    assert_eq!(shop.webhook(&own), Ok(WebhookOutcome::Applied));
    assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
}

#[test]
fn refunds_told_out_of_order_count_by_their_sum() {
    let shop = Shop::with_paid_order();
    shop.webhook(&shop.refunded_event("evt_2", 700)).unwrap();
    assert_eq!(
        shop.webhook(&shop.refunded_event("evt_1", 300)),
        Ok(WebhookOutcome::Ignored)
    );
    assert_eq!(
        (shop.payment().refunded, shop.payment().status),
        (units(700), PaymentStatus::Succeeded)
    );
    shop.webhook(&shop.refunded_event("evt_3", AMOUNT)).unwrap();
    assert_eq!(shop.payment().status, PaymentStatus::Refunded);
    assert_eq!(
        shop.event_types(),
        [EventType::Refunded, EventType::Refunded]
    );
}

#[test]
fn ends_without_money_are_told_with_their_reason() {
    for (event_type, status, told) in [
        (
            "checkout.session.expired",
            PaymentStatus::Cancelled,
            EventType::Cancelled,
        ),
        (
            "checkout.session.async_payment_failed",
            PaymentStatus::Failed,
            EventType::Failed,
        ),
    ] {
        let shop = Shop::with_pending_order();
        let event = shop.session_event("evt_1", event_type, &shop.newest_session());
        assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Applied));
        assert_eq!(shop.payment().status, status);
        assert_eq!(shop.event_types(), [told]);
        assert_eq!(shop.entries()[0].event.reason, shop.payment().reason);
        assert!(shop.payment().reason.is_some());
    }
}

#[test]
fn the_end_of_a_replaced_session_decides_nothing() {
    let shop = Shop::with_pending_order();
    let first = shop.newest_session();
    shop.advance(SESSION_MS);
    shop.open_session().unwrap();
    let event = shop.session_event("evt_1", "checkout.session.expired", &first);
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Ignored));
    assert!(shop.payment().is_pending());
    let event = shop.session_event("evt_2", "checkout.session.expired", &shop.newest_session());
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Applied));
}

#[test]
fn the_end_of_a_replaced_session_decides_nothing_meanwhile() {
    let shop = Shop::with_pending_order();
    let first = shop.newest_session();
    let began = shop.store().write(locks::order(order()), |records| {
        let mut payment = records.find_payment_of_order(order())?.unwrap();
        payment.begin_next_session(u64::MAX, 1);
        records.save_payment_and_session(&payment)
    });
    assert_eq!(began, Ok(()));
    let event = shop.session_event("evt_1", "checkout.session.expired", &first);
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Ignored));
    assert!(shop.payment().is_pending());
    let event = shop.session_event("evt_2", "checkout.session.expired", "cs_unknown");
    let metadata = json!({"order_id": ORDER, "payment_id": shop.payment().id});
    let event = altered(event, "metadata", metadata);
    assert_eq!(shop.webhook(&event), Ok(WebhookOutcome::Applied));
}

#[test]
fn a_payment_made_while_it_was_cancelled_is_published() {
    let shop = Shop::with_pending_order();
    shop.cancel().unwrap();
    assert_eq!(
        shop.webhook(&shop.completed("evt_1")),
        Ok(WebhookOutcome::Applied)
    );
    assert_eq!(shop.payment().status, PaymentStatus::Succeeded);
    assert_eq!(
        shop.event_types(),
        [EventType::Cancelled, EventType::Succeeded]
    );
    assert_eq!(
        shop.refund(None, Some("late")).unwrap().status,
        PaymentStatus::Refunded
    );
}
