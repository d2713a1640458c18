use mercato_tests::{
    assert_members, is_rfc3339_milliseconds,
    shop::{Shop, unknown_id},
};
use serde_json::{Value, json};

#[test]
fn an_order_shows_items_payment_receipt_and_history() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(7.25, 2);
    let pending = customer.read_order(&order.id);
    assert_eq!(pending["status"], "PENDING");
    assert_eq!(pending["receipt"], Value::Null);
    assert_eq!(pending["payment"]["status"], "PENDING");
    assert_eq!(pending["payment"]["session"]["id"], order.session_id);
    assert_eq!(pending["payment"]["provider"], "stripe-mock");
    assert_eq!(pending["history"].as_array().map(Vec::len), Some(1));
    assert_members(
        &pending["history"][0],
        &json!({ "from": null, "to": "PENDING" }),
    );
    shop.pay(&order);
    let paid = customer.read_order(&order.id);
    assert_eq!(
        paid["status"], "PAID",
        "a read of a pending order catches up with its payment"
    );
    assert_eq!(paid["paid"], true);
    assert_eq!(paid["payment"]["status"], "SUCCEEDED");
    assert_eq!(paid["payment"]["amount"].as_f64(), Some(14.5));
    assert_eq!(paid["payment"]["refundedAmount"].as_f64(), Some(0.0));
    assert!(
        paid["paidAt"].as_str().is_some_and(is_rfc3339_milliseconds),
        "{paid}"
    );
    assert_eq!(paid["receipt"]["id"].as_str().map(str::len), Some(36));
    assert!(
        paid["receipt"]["issuedAt"]
            .as_str()
            .is_some_and(is_rfc3339_milliseconds),
        "{paid}"
    );
    let last = &paid["history"][1];
    assert_members(last, &json!({ "from": "PENDING", "to": "PAID" }));
    assert_eq!(last["actor"], "system");
    assert!(
        last["at"].as_str().is_some_and(is_rfc3339_milliseconds),
        "{last}"
    );
}

#[test]
fn the_sum_of_the_items_is_the_total_is_the_payment() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = customer.order(&[
        (&shop.product(0.1, 50), 3),
        (&shop.product(0.2, 50), 1),
        (&shop.product(12.34, 5), 2),
    ]);
    let seen = customer.read_order(&order.id);
    let ten_thousandths =
        |value: &Value| (value.as_f64().expect("a number") * 10_000.0).round() as i64;
    let items = seen["items"].as_array().expect("items");
    let sum: i64 = items
        .iter()
        .map(|item| {
            ten_thousandths(&item["price"]) * item["quantity"].as_i64().expect("a quantity")
        })
        .sum();
    assert_eq!(sum, 251_800);
    assert_eq!(ten_thousandths(&seen["totalAmount"]), sum);
    assert_eq!(ten_thousandths(&seen["payment"]["amount"]), sum);
}

#[test]
fn somebody_elses_order_does_not_exist() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(1, 1);
    let other = shop.customer();
    let path = format!("/api/v1/orders/id/{}", order.id);
    let of_other = other.get(&path).expect_problem(404, "not-found");
    let unknown = other
        .get(&format!("/api/v1/orders/id/{}", unknown_id()))
        .expect_problem(404, "not-found");
    assert_eq!(of_other["detail"], unknown["detail"], "nobody learns which");
    shop.admin().get(&path).expect(200);
}

#[test]
fn an_order_that_has_not_changed_is_not_sent_again() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let read = || customer.get(&format!("/api/v1/orders/id/{}", order.id));
    let tag = read().expect(200).expect_header("etag");
    read().header("if-none-match", &tag).expect(304);
    shop.pay(&order);
    customer.wait_for_order(&order.id, "PAID");
    let fresh = read().header("if-none-match", &tag).expect(200);
    assert_eq!(fresh.json()["status"], "PAID");
}
