use mercato_tests::{
    assert_members,
    shop::{Account, Placed, Shop},
};
use serde_json::json;

const STATUSES: [&str; 5] = ["PENDING", "PAID", "DELIVERED", "CANCELLED", "REFUNDED"];

/// What the admin may ask for; everything else is the payment's to decide, or impossible.
const ALLOWED: [(&str, &str); 2] = [("PENDING", "CANCELLED"), ("PAID", "DELIVERED")];

fn order_that_is(status: &str, shop: &Shop, customer: &Account) -> Placed {
    let product = shop.product(1, 5);
    let order = customer.order(&[(&product, 1)]);
    if status == "CANCELLED" {
        customer.cancel(&order.id).expect(200);
    } else if status != "PENDING" {
        shop.pay(&order);
        customer.wait_for_order(&order.id, "PAID");
    }
    if status == "DELIVERED" {
        shop.admin().deliver(&order.id).expect(200);
    }
    if status == "REFUNDED" {
        let path = shop.refund_path(&order.id);
        shop.admin().post(&path).json(&json!({})).expect(200);
        customer.wait_for_order(&order.id, "REFUNDED");
    }
    order
}

#[test]
fn every_other_transition_is_refused_with_both_states_named() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for from in STATUSES {
        for to in STATUSES {
            let order = order_that_is(from, shop, &customer);
            let answer = shop.admin().change_order(&order.id, to);
            if ALLOWED.contains(&(from, to)) {
                assert_eq!(answer.expect(200).json()["status"], to);
            } else {
                let problem = answer.expect_problem(409, "invalid-transition");
                assert_members(&problem, &json!({ "from": from, "to": to }));
                assert_eq!(customer.read_order(&order.id)["status"], from);
            }
        }
    }
}

#[test]
fn a_customer_may_only_cancel() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for to in STATUSES.into_iter().filter(|to| *to != "CANCELLED") {
        let order = customer.order(&[(&shop.product(1, 5), 1)]);
        customer
            .change_order(&order.id, to)
            .expect_problem(403, "forbidden");
        assert_eq!(customer.read_order(&order.id)["status"], "PENDING");
    }
}

#[test]
fn a_status_must_be_one() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let change = |body| {
        customer
            .patch(&format!("/api/v1/orders/{}", order.id))
            .json(&body)
            .send()
    };
    change(json!({})).expect_invalid(&[("status", "required")]);
    change(json!({ "status": "LOST" })).expect_invalid(&[("status", "format")]);
    let problem = change(json!({ "status": 1 })).expect_problem(400, "validation");
    assert_eq!(problem["errors"][0]["field"], "status", "{problem}");
    change(json!({ "status": "CANCELLED", "paid": true })).expect_invalid(&[("paid", "unknown")]);
    customer
        .patch("/api/v1/orders/1")
        .json(&json!({ "status": "CANCELLED" }))
        .expect_invalid(&[("id", "format")]);
}
