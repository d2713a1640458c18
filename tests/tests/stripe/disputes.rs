use mercato_tests::{assert_members, shop::text, wait_until};
use serde_json::json;

use crate::Site;

#[test]
fn a_customer_who_paid_twice_gets_the_second_charge_back() {
    let site = Site::start();
    let (customer, product, order) = site.paid_order(10, 2);
    site.stripe.charge_again(&order.session_id);
    site.deliver();
    let refund = wait_until("the refund", || site.stripe.refunds().pop());
    assert_members(&refund, &json!({ "amount": 2000, "reason": "duplicate" }));
    site.deliver();
    let seen = wait_until("both in the history", || {
        let order = customer.read_order(&order.id);
        let history = order["history"].to_string();
        (history.contains("charged a second time") && history.contains("given back"))
            .then_some(order)
    });
    assert_eq!(seen["status"], "PAID");
    let payment = &seen["payment"];
    assert_members(
        payment,
        &json!({ "status": "SUCCEEDED", "refundedAmount": 0, "duplicateAmount": 20, "duplicateRefundedAmount": 20 }),
    );
    site.shop.wait_for_stock(&product, 3, 0, 2);
    let admin = site.shop.admin();
    let path = format!("/api/v1/payments/{}/refunds", text(&payment["id"]));
    let refunds = admin.get(&path).expect_json(200);
    let charge = &refunds["data"][0]["duplicateCharge"];
    assert_eq!(*charge, refund["payment_intent"]);
    let own = customer.get(&path).expect_json(200);
    assert_eq!(own["data"][0]["duplicateCharge"], json!(null), "for admins");
    let stats = admin.get("/api/v1/orders/stats").expect_json(200);
    let money = &stats["byCurrency"][0];
    assert_members(money, &json!({ "gross": 40, "refunded": 20, "net": 20 }));
    // The order's own charge stays as it is.
    assert_eq!(site.stripe.refunds().len(), 1);
    admin.deliver(&order.id).expect(200);
}

#[test]
fn nothing_is_delivered_until_a_dispute_ends() {
    let site = Site::start();
    let customer = site.shop.customer();
    let admin = site.shop.admin();
    for (end, lost) in [("won", 0), ("lost", 10), ("warning_closed", 0)] {
        let order = site.buy(&customer, &site.shop.product(10, 5), 1);
        let dispute = site.stripe.open_dispute(&site.intent_of(&order));
        site.deliver();
        let refused = admin.deliver(&order.id);
        refused.expect_problem(409, "payment-disputed");
        let seen = customer.read_order(&order.id);
        assert_eq!(
            (&seen["status"], &seen["payment"]["disputed"]),
            (&json!("PAID"), &json!(true))
        );
        let path = format!("/api/v1/payments/{}/disputes", text(&seen["payment"]["id"]));
        let listed = admin.get(&path).expect_json(200);
        let listed = &listed["data"][0];
        assert_members(
            listed,
            &json!({ "id": dispute, "status": "OPEN", "amount": 10, "reason": "product_not_received" }),
        );
        customer.get(&path).expect_problem(403, "forbidden");

        site.stripe.end_dispute(&dispute, end);
        site.deliver();
        let payment = site.shop.payment_of(&order.id);
        assert_eq!(
            (&payment["disputed"], &payment["lostToDisputes"]),
            (&json!(false), &json!(lost)),
            "{end}"
        );
        admin.deliver(&order.id).expect(200);
        let history = customer.read_order(&order.id)["history"].to_string();
        assert!(
            history.contains("A dispute about 10 USD (product_not_received"),
            "{history}"
        );
    }
    let stats = admin.get("/api/v1/orders/stats").expect_json(200);
    let money = &stats["byCurrency"][0];
    assert_members(
        money,
        &json!({ "gross": 30, "lostToDisputes": 10, "net": 20 }),
    );
}
