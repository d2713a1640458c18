use mercato_tests::{assert_members, wait_until};
use serde_json::json;

use crate::Site;

#[test]
fn refunds_are_made_at_stripe_and_add_up() {
    let site = Site::start();
    let (customer, product, order) = site.paid_order(10, 2);
    let payment = site.shop.payment_of(&order.id);
    let part = json!({ "amount": 5.5, "reason": "one cup was cracked" });
    for _ in 0..2 {
        let answer = site.refund(&payment, &part, "part").expect(200).json();
        assert_eq!(answer["refundedAmount"], 5.5);
    }
    let refunds = site.stripe.refunds();
    assert_eq!(refunds.len(), 1, "the same key is the same refund");
    assert_eq!(refunds[0]["amount"], 550);
    assert_eq!(refunds[0]["metadata"]["reason"], "one cup was cracked");
    assert_eq!(refunds[0]["metadata"]["order_id"], order.id);

    let rest = site.refund(&payment, &json!({ "reason": "duplicate" }), "rest");
    assert_eq!(rest.expect(200).json()["status"], "REFUNDED");
    let refunds = site.stripe.refunds();
    assert_eq!((refunds.len(), &refunds[1]["amount"]), (2, &json!(1450)));
    assert_eq!(refunds[1]["reason"], "duplicate");
    // Stripe sends events of both refunds besides; that changes nothing.
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
    assert_eq!(site.shop.payment_of(&order.id)["refundedAmount"], 20);
    site.shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn money_that_comes_for_a_cancelled_order_goes_back() {
    let site = Site::start();
    let (customer, _, order) = site.shop.pending_order(10, 1);
    // Stripe ends the session and sends the event; that it was paid just before comes later.
    site.stripe.pay(&order.session_id);
    site.stripe.forget_that_it_is_complete(&order.session_id);
    customer.cancel(&order.id).expect(200);
    site.deliver();
    let refund = wait_until("the refund", || site.stripe.refunds().pop());
    assert_eq!(refund["amount"], 1000);
    site.deliver();
    let seen = site.shop.wait_for_payment(&order.id, "REFUNDED");
    assert_eq!(seen["refundedAmount"], 10);
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
    assert_eq!(site.stripe.refunds().len(), 1);
}

#[test]
fn what_stripe_refuses_is_refused() {
    let site = Site::shared();
    let (customer, _, order) = site.paid_order(10, 1);
    let payment = site.shop.payment_of(&order.id);
    // Somebody has given the money back in Stripe's dashboard, and the shop does not know yet.
    site.stripe.refund_in_dashboard(&site.intent_of(&order));
    let answer = site.refund(&payment, &json!({}), "late");
    let problem = answer.expect_problem(502, "provider-rejected");
    assert!(!problem.to_string().contains("sk_test"), "{problem}");
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
}

#[test]
fn a_whole_refund_that_fails_later_is_taken_back_and_made_anew() {
    let site = Site::start();
    let (customer, product, order) = site.paid_order(10, 2);
    let payment = site.shop.payment_of(&order.id);
    site.refund(&payment, &json!({}), "first").expect(200);
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
    site.shop.wait_for_stock(&product, 5, 0, 0);

    site.fail_first_refund();
    site.deliver();
    let paid = customer.wait_for_order(&order.id, "PAID");
    let now = site.shop.payment_of(&order.id);
    assert_members(&now, &json!({ "status": "SUCCEEDED", "refundedAmount": 0 }));
    assert_eq!(now["failedRefundAmount"], 20);
    assert_eq!(now["refundFailure"], "lost_or_stolen_card");
    assert_eq!(paid["payment"]["failedRefundAmount"], 20);
    let history = paid["history"].to_string();
    assert!(history.contains("A refund of 20 USD failed"), "{history}");
    // Its units are on sale again, and may be somebody else's by now.
    site.shop.wait_for_stock(&product, 5, 0, 0);
    let delivered = site.shop.admin().deliver(&order.id);
    delivered.expect_problem(409, "stock-returned");

    let again = site
        .refund(&payment, &json!({}), "second")
        .expect(200)
        .json();
    assert_members(
        &again,
        &json!({ "status": "REFUNDED", "refundedAmount": 20 }),
    );
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
    site.shop.wait_for_stock(&product, 5, 0, 0);
    assert_eq!(site.stripe.refunds().len(), 2);
}

#[test]
fn a_part_refund_that_fails_later_leaves_the_rest() {
    let site = Site::start();
    let (customer, product, order) = site.paid_order(10, 2);
    site.shop.admin().deliver(&order.id).expect(200);
    let payment = site.shop.payment_of(&order.id);
    for (amount, key) in [(5, "first"), (3, "second")] {
        site.refund(&payment, &json!({ "amount": amount }), key)
            .expect(200);
    }
    site.fail_first_refund();
    // The failure arrives before the events of the refunds.
    site.stripe.turn_events_round();
    site.deliver();
    let seen = customer.wait_for_history(&order.id, "A refund of 5 USD failed");
    assert_eq!(seen["status"], "DELIVERED");
    let payment = &seen["payment"];
    assert_members(
        payment,
        &json!({ "status": "SUCCEEDED", "refundedAmount": 3, "failedRefundAmount": 5 }),
    );
    site.shop.wait_for_stock(&product, 3, 0, 2);
}

#[test]
fn a_refund_by_hand_that_fails_is_found_by_its_charge() {
    let site = Site::start();
    let (customer, _, order) = site.paid_order(10, 1);
    site.stripe.refund_in_dashboard(&site.intent_of(&order));
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
    site.fail_first_refund();
    site.deliver();
    customer.wait_for_order(&order.id, "PAID");
    assert_eq!(site.shop.payment_of(&order.id)["refundedAmount"], 0);
}
