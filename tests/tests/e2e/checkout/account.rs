use mercato_tests::{
    shop::{PASSWORD, text},
    wait_until,
};
use serde_json::json;

use super::{CHECKOUTS, Checkout, line, shop, vienna};

#[test]
fn a_customers_checkout_becomes_an_order_of_theirs() {
    let shop = shop();
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    let checkout = Checkout::of(&customer, &vienna(json!([line(&product, 1)])));
    let placed = checkout.placed();
    let order = &placed.answer["order"];
    assert_eq!(order["userId"], customer.id);
    assert_eq!(placed.answer.get("orderToken"), None);
    let list = customer.get("/api/v1/orders").expect_json(200);
    assert_eq!(list["data"][0]["checkout"], order["checkout"]);
    let found = customer.read_order(&placed.id);
    assert_eq!(found["checkout"]["totals"]["total"], 14.9);
    assert_eq!(found["history"][0]["actor"], customer.id);
    shop.pay(&placed);
    customer.wait_for_order(&placed.id, "PAID");
    let stranger = shop.customer();
    stranger
        .get(&format!("/api/v1/orders/id/{}", placed.id))
        .expect_problem(404, "not-found");
}

#[test]
fn an_order_without_a_checkout_shows_none() {
    let shop = shop();
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    let placed = customer.order(&[(&product, 2)]);
    let order = &placed.answer["order"];
    assert_eq!(order["userId"], customer.id);
    assert_eq!(
        (order.get("checkout"), &order["totalAmount"]),
        (None, &json!(20))
    );
    assert!(text(&placed.answer["paymentSession"]["url"]).contains("/checkout/"));
}

#[test]
fn a_customer_cancels_their_order_of_a_checkout() {
    let shop = shop();
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    let placed = Checkout::of(&customer, &vienna(json!([line(&product, 2)]))).placed();
    customer.cancel(&placed.id).expect(200);
    shop.wait_for_stock(&product, 5, 0, 0);
}

#[test]
fn a_token_that_was_ended_changes_no_checkout() {
    let shop = shop();
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    let checkout = Checkout::of(&customer, &vienna(json!([line(&product, 1)])));
    let path = format!("{CHECKOUTS}/{}", checkout.id());
    shop.log_out(&customer.refresh_token).expect(204);
    wait_until("the end of the token for checkouts", || {
        let note = customer.patch(&path).json(&json!({ "note": "Ring twice" }));
        (note.send().status() == 401).then_some(())
    });
    // Each instance asks for the list of ended tokens by itself.
    wait_until("the end of the token for reading", || {
        (customer.get(&path).send().status() == 401).then_some(())
    });
    let back = shop.log_in(&customer.email, PASSWORD);
    back.get(&path).expect(200);
}
