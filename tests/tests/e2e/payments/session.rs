use mercato_tests::{
    assert_members,
    shop::{Shop, unknown_id},
};
use serde_json::json;

const SESSION: &str = "/api/v1/payments/session";

#[test]
fn the_open_session_of_a_pending_order_is_used_again() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(3, 1);
    for _ in 0..2 {
        let payment = customer
            .post(SESSION)
            .json(&json!({ "orderId": order.id }))
            .expect_json(200);
        assert_eq!(payment["session"], order.answer["paymentSession"]);
        assert_eq!(payment["orderId"], order.id);
        assert_eq!(payment["amount"].as_f64(), Some(3.0));
        assert_eq!(payment["status"], "PENDING");
    }
}

#[test]
fn a_decided_payment_has_no_session_to_open() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.paid_order(3, 1);
    customer
        .post(SESSION)
        .json(&json!({ "orderId": order.id }))
        .expect_problem(409, "conflict");
}

#[test]
fn a_payment_under_way_has_no_session_to_open() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(3, 5);
    for (outcome, status) in [("succeed", "PAID"), ("fail", "CANCELLED")] {
        let order = customer.order(&[(&product, 1)]);
        let play = |outcome: &str| {
            let path = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
            let request = shop
                .nobody()
                .post(&path)
                .json(&json!({ "outcome": outcome }));
            request.send()
        };
        let payment = play("debit").expect(200).json();
        assert_members(
            &payment,
            &json!({ "status": "PENDING", "processing": true, "session": null }),
        );
        customer
            .post(SESSION)
            .json(&json!({ "orderId": order.id }))
            .expect_problem(409, "payment-under-way");
        let refused = customer.cancel(&order.id);
        refused.expect_problem(409, "payment-under-way");
        play("cancel").expect_problem(409, "payment-under-way");
        let seen = customer.read_order(&order.id);
        assert_eq!(seen["status"], "PENDING");
        assert_eq!(seen["payment"]["processing"], true);
        play(outcome).expect(200);
        let decided = customer.wait_for_order(&order.id, status);
        assert_eq!(decided["payment"]["processing"], false);
    }
}

#[test]
fn somebody_elses_order_has_no_session() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(3, 1);
    let other = shop.customer();
    for id in [order.id, unknown_id()] {
        other
            .post(SESSION)
            .json(&json!({ "orderId": id }))
            .expect_problem(404, "not-found");
    }
}

#[test]
fn the_order_must_be_named() {
    let customer = Shop::shared().customer();
    let post = |body| customer.post(SESSION).json(&body).send();
    post(json!({})).expect_invalid(&[("orderId", "required")]);
    post(json!({ "orderId": "1" })).expect_invalid(&[("orderId", "format")]);
    post(json!({ "orderId": 1 })).expect_problem(400, "validation");
    post(json!({ "orderId": unknown_id(), "amount": 1 })).expect_invalid(&[("amount", "unknown")]);
}
