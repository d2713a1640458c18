use std::{thread, time::Duration};

use mercato_tests::{
    Request, Response, is_quick,
    shop::{Account, order_of, text},
    stripe::Trouble::{AnswerLost, Broken, Busy, Garbage, Slow},
    wait_until,
};
use serde_json::json;

use crate::Site;

const CREATE: &str = "POST /v1/checkout/sessions";
const REFUND: &str = "POST /v1/refunds";

/// Longer than the adapter waits for an answer.
const TOO_LONG: Duration = Duration::from_millis(6_500);

/// As many tries as one call has.
const TRIES: usize = 3;

fn request<'a>(customer: &'a Account, product: &str) -> Request<'a> {
    customer
        .post("/api/v1/orders")
        .header("idempotency-key", "the-order")
        .json(&order_of(&[(product, 1)]))
}

fn place(customer: &Account, product: &str) -> Response {
    request(customer, product).send()
}

#[test]
fn an_order_is_placed_although_stripe_stumbles() {
    let site = Site::start();
    let customer = site.shop.customer();
    for troubles in [
        vec![Broken],
        vec![Busy],
        vec![AnswerLost],
        vec![Garbage, AnswerLost],
    ] {
        let before = site.stripe.sessions().len();
        site.stripe.trouble(CREATE, troubles.clone());
        let order = customer.order(&[(&site.shop.product(1, 5), 1)]);
        assert!(site.stripe.is_out_of_trouble());
        assert_eq!(site.stripe.sessions().len(), before + 1, "{troubles:?}");
        site.stripe.session(&order.session_id);
    }
}

#[test]
fn an_answer_after_the_timeout_opens_no_second_session() {
    if is_quick() {
        return;
    }
    let site = Site::start();
    let customer = site.shop.customer();
    site.stripe.trouble(CREATE, [Slow(TOO_LONG)]);
    let order = customer.order(&[(&site.shop.product(1, 5), 1)]);
    assert_eq!(site.stripe.received(CREATE).len(), 2);
    assert_eq!(site.stripe.sessions().len(), 1);
    site.pay(&order);
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn an_order_that_stripe_did_not_answer_is_resumed_by_repeating() {
    if is_quick() {
        return;
    }
    let site = Site::start();
    let customer = site.shop.customer();
    let product = site.shop.product(1, 5);
    // All answers of the first request are lost, the session is there.
    site.stripe.trouble(CREATE, [AnswerLost; TRIES]);
    place(&customer, &product).expect(503);
    assert_eq!(site.stripe.sessions().len(), 1);
    let answer = wait_until("the end of the breaker's pause", || {
        Some(place(&customer, &product)).filter(|answer| answer.status() == 201)
    })
    .json();
    assert_eq!(site.stripe.sessions().len(), 1, "the same session");
    assert_eq!(
        answer["paymentSession"]["id"],
        site.stripe.sessions()[0]["id"]
    );
    site.shop.wait_for_stock(&product, 4, 1, 0);
}

#[test]
fn a_broken_stripe_is_left_alone_and_nothing_stays_undecided() {
    if is_quick() {
        return;
    }
    let site = Site::with(&[("reservation_ttl", "3")]);
    let customer = site.shop.customer();
    let product = site.shop.product(1, 5);
    site.stripe.trouble("POST", [Broken; 1_000]);
    place(&customer, &product).expect(503);
    assert_eq!(site.stripe.received(CREATE).len(), TRIES);
    site.shop.wait_for_stock(&product, 4, 1, 0);
    // It runs out while Stripe is down: there never was a session, so nothing has to be ended.
    site.shop.wait_for_stock(&product, 5, 0, 0);
    assert!(site.stripe.sessions().is_empty());
    site.stripe.recover();
    let order = wait_until("the end of the breaker's pause", || {
        Some(customer.try_order(&[(&product, 1)])).filter(|answer| answer.status() == 201)
    });
    site.stripe.session(
        order.json()["paymentSession"]["id"]
            .as_str()
            .unwrap_or_default(),
    );
}

#[test]
fn a_refund_whose_answers_are_lost_is_made_once() {
    if is_quick() {
        return;
    }
    let site = Site::start();
    let (customer, _, order) = site.paid_order(10, 1);
    let payment = site.shop.payment_of(&order.id);
    site.stripe.trouble(REFUND, [AnswerLost; TRIES]);
    site.refund(&payment, &json!({}), "once").expect(202);
    // Nobody asks again: the relay must resume it.
    site.shop.wait_for_payment(&order.id, "REFUNDED");
    customer.wait_for_order(&order.id, "REFUNDED");
    assert_eq!(site.stripe.refunds().len(), 1);
    site.deliver();
    let again = site.refund(&payment, &json!({}), "once").expect(200);
    assert_eq!(again.json()["status"], "REFUNDED");
    assert_eq!(site.stripe.refunds().len(), 1);
}

#[test]
fn a_crash_while_stripe_works_opens_no_second_session() {
    if is_quick() {
        return;
    }
    let mut site = Site::start();
    let customer = site.shop.customer();
    let product = site.shop.product(1, 5);
    site.stripe.trouble(CREATE, [Slow(Duration::from_secs(3))]);
    let asking = {
        let (customer, product) = (customer.on_own_connection(), product.clone());
        thread::spawn(move || request(&customer, &product).try_send().is_err())
    };
    wait_until("the request at Stripe", || site.stripe.sessions().pop());
    site.server.kill();
    assert!(asking.join().unwrap(), "there is no answer");
    site.server.restart();
    let answer = place(&customer.on_own_connection(), &product)
        .expect(201)
        .json();
    assert_eq!(site.stripe.sessions().len(), 1);
    assert_eq!(
        answer["paymentSession"]["id"],
        site.stripe.sessions()[0]["id"]
    );
}

#[test]
fn a_crash_while_stripe_gives_money_back_gives_it_back_once() {
    if is_quick() {
        return;
    }
    let mut site = Site::start();
    let (customer, _, order) = site.paid_order(10, 1);
    let payment = site.shop.payment_of(&order.id);
    site.stripe.trouble(REFUND, [Slow(Duration::from_secs(3))]);
    let asking = {
        let admin = site.shop.admin().on_own_connection();
        let path = format!("/api/v1/payments/{}/refund", text(&payment["id"]));
        thread::spawn(move || admin.post(&path).json(&json!({})).try_send().is_err())
    };
    wait_until("the refund at Stripe", || site.stripe.refunds().pop());
    site.server.kill();
    assert!(asking.join().unwrap(), "there is no answer");
    site.server.restart();
    // No webhook of Stripe's arrives; the relay resumes it.
    let customer = customer.on_own_connection();
    customer.wait_for_order(&order.id, "REFUNDED");
    assert_eq!(site.stripe.refunds().len(), 1);
    assert_eq!(
        site.stripe.received(REFUND).len(),
        1,
        "it was found, not repeated"
    );
}

#[test]
fn a_cancellation_waits_until_stripe_has_ended_the_session() {
    if is_quick() {
        return;
    }
    let site = Site::start();
    let (customer, product, order) = site.shop.pending_order(1, 1);
    site.stripe
        .trouble("POST /v1/checkout/sessions/", [Broken; TRIES]);
    customer.cancel(&order.id).expect(503);
    site.shop.wait_for_stock(&product, 4, 1, 0);
    customer.wait_for_order(&order.id, "CANCELLED");
    assert_eq!(site.stripe.session(&order.session_id)["status"], "expired");
    site.shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn a_wrong_key_decides_nothing_and_is_in_no_log() {
    const WRONG: &str = "sk_test_wrong0123456789";
    let site = Site::with(&[("stripe_secret_key", WRONG)]);
    let customer = site.shop.customer();
    let product = site.shop.product(1, 5);
    place(&customer, &product).expect(503);
    let log = site.server.log();
    assert!(
        log.contains("stripe_secret_key"),
        "the operator reads it:\n{log}"
    );
    assert!(!log.contains(WRONG), "{log}");
    site.shop.wait_for_stock(&product, 4, 1, 0);
}

#[test]
fn a_purchase_leaves_no_secret_in_the_log() {
    let site = Site::start();
    let customer = site.shop.customer();
    site.stripe.trouble(CREATE, [Broken, Garbage]);
    site.buy(&customer, &site.shop.product(1, 5), 1);
    let log = site.server.log();
    assert!(log.contains("stripe did not answer a try"), "{log}");
    for secret in [
        mercato_tests::stripe::SECRET_KEY,
        mercato_tests::WEBHOOK_SECRET,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
