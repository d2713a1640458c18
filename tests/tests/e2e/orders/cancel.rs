use mercato_tests::{
    assert_members,
    shop::{Shop, last_change, unknown_id},
};
use serde_json::json;

#[test]
fn a_customer_cancels_a_pending_order_and_frees_the_stock() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(1, 2);
    let path = format!("/api/v1/orders/{}", order.id);
    let body = json!({ "status": "CANCELLED", "reason": "Changed my mind" });
    let cancelled = customer.patch(&path).json(&body).expect_json(200);
    assert_eq!(cancelled["status"], "CANCELLED");
    shop.wait_for_stock(&product, 5, 0, 0);
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["payment"]["status"], "CANCELLED");
    let last = last_change(&seen);
    assert_members(last, &json!({ "from": "PENDING", "to": "CANCELLED" }));
    assert_eq!(last["actor"], customer.id);
    assert_eq!(last["reason"], "Changed my mind");
}

#[test]
fn a_cancelled_order_cannot_be_paid_any_more() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    customer.cancel(&order.id).expect(200);
    shop.check_out(&order.session_id, "succeed")
        .expect_problem(409, "conflict");
    let session = json!({ "orderId": order.id });
    customer
        .post("/api/v1/payments/session")
        .json(&session)
        .expect_problem(409, "conflict");
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
}

#[test]
fn a_paid_order_cannot_be_cancelled() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.paid_order(1, 1);
    let problem = customer
        .cancel(&order.id)
        .expect_problem(409, "invalid-transition");
    assert_members(&problem, &json!({ "from": "PAID", "to": "CANCELLED" }));
    shop.admin()
        .cancel(&order.id)
        .expect_problem(409, "invalid-transition");
    assert_eq!(customer.read_order(&order.id)["status"], "PAID");
}

#[test]
fn an_order_that_was_just_paid_cannot_be_cancelled() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(1, 1);
    shop.pay(&order);
    customer
        .cancel(&order.id)
        .expect_problem(409, "invalid-transition");
    shop.wait_for_stock(&product, 4, 0, 1);
}

#[test]
fn the_admin_cancels_anybodys_pending_order() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(1, 1);
    shop.admin().cancel(&order.id).expect(200);
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
    shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn nobody_cancels_somebody_elses_order() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let other = shop.customer();
    other.cancel(&order.id).expect_problem(404, "not-found");
    other.cancel(&unknown_id()).expect_problem(404, "not-found");
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn a_reason_has_its_limits() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let path = format!("/api/v1/orders/{}", order.id);
    for (reason, code) in [
        ("x".repeat(501), "max"),
        ("\u{0}".to_owned(), "control-characters"),
    ] {
        let body = json!({ "status": "CANCELLED", "reason": reason });
        customer
            .patch(&path)
            .json(&body)
            .expect_invalid(&[("reason", code)]);
    }
    assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
}

#[test]
fn a_change_may_name_the_version_it_is_meant_for() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let tag = customer
        .get(&format!("/api/v1/orders/id/{}", order.id))
        .send()
        .expect_header("etag");
    let cancel = |tag: &str| {
        let request = customer
            .patch(&format!("/api/v1/orders/{}", order.id))
            .header("if-match", tag);
        request.json(&json!({ "status": "CANCELLED" })).send()
    };
    cancel("\"999\"").expect_problem(412, "version-mismatch");
    cancel(&tag).expect(200);
}
