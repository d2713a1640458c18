use mercato_tests::{shop::text, wait_until};
use serde_json::json;

use crate::Site;

#[test]
fn refunds_are_made_at_stripe_and_add_up() {
    let site = Site::start();
    let customer = site.shop.customer();
    let product = site.shop.product(10, 5);
    let order = site.paid_order(&customer, &product, 2);
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
    // Stripe tells of both refunds besides; that changes nothing.
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
    assert_eq!(site.shop.payment_of(&order.id)["refundedAmount"], 20);
    site.shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn money_that_comes_for_a_cancelled_order_goes_back() {
    let site = Site::start();
    let customer = site.shop.customer();
    let product = site.shop.product(10, 5);
    let order = customer.order(&[(&product, 1)]);
    // Stripe ends the session and tells so; that it was paid just before comes later.
    site.stripe.pay(&order.session_id);
    site.stripe.forget_that_it_is_complete(&order.session_id);
    customer.change_order(&order.id, "CANCELLED").expect(200);
    site.deliver();
    let refund = wait_until("the refund", || site.stripe.refunds().pop());
    assert_eq!(refund["amount"], 1000);
    site.deliver();
    let seen = wait_until("the news of it", || {
        Some(site.shop.payment_of(&order.id)).filter(|payment| payment["status"] == "REFUNDED")
    });
    assert_eq!(seen["refundedAmount"], 10);
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
    assert_eq!(site.stripe.refunds().len(), 1);
}

#[test]
fn what_stripe_refuses_is_refused() {
    let site = Site::shared();
    let customer = site.shop.customer();
    let order = site.paid_order(&customer, &site.shop.product(10, 5), 1);
    let payment = site.shop.payment_of(&order.id);
    // Somebody has given the money back in Stripe's dashboard, and the shop does not know yet.
    let session = site.stripe.session(&order.session_id);
    site.stripe
        .refund_in_dashboard(&text(&session["payment_intent"]));
    let answer = site.refund(&payment, &json!({}), "late");
    let problem = answer.expect_problem(502, "provider-rejected");
    assert!(!problem.to_string().contains("sk_test"), "{problem}");
    site.deliver();
    customer.wait_for_order(&order.id, "REFUNDED");
}
