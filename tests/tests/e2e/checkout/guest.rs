use mercato_tests::shop::{text, unknown_id};
use mercato_tests::wait_until;
use serde_json::{Value, json};

use super::{CHECKOUTS, Checkout, ORDERS, code, holder_of, line, read_order, shop, uses, vienna};

/// Two at 11.90 with a tenth off, 4.90 for shipping, a fifth of tax inside: 23.80 − 2.38 + 4.90 = 26.32, of which 4.39 is tax.
#[test]
fn every_sum_on_the_way_to_the_receipt_is_the_same() {
    let shop = shop();
    let product = shop.product(11.9, 5);
    let code = code(shop, json!({ "percent": 10 }));
    let mut checkout = Checkout::guest(shop, &json!({ "items": [line(&product, 2)] }));
    assert_eq!(
        checkout.shown["missing"],
        json!(["email", "shippingAddress", "shippingOption"])
    );
    checkout.change(&vienna(json!([line(&product, 2)])));
    checkout
        .change(&json!({ "codes": [code], "note": "Ring twice", "metadata": { "gift": "yes" } }));
    let quote = checkout.look().clone();
    assert_eq!(quote["missing"], json!([]));
    let totals =
        json!({ "items": 23.8, "discount": 2.38, "shipping": 4.9, "tax": 4.39, "total": 26.32 });
    assert_eq!(quote["totals"], totals);

    let answer = checkout.order().expect_json(201);
    let (order, id) = (&answer["order"], text(&answer["id"]));
    assert_eq!(
        (&order["userId"], &order["totalAmount"]),
        (&Value::Null, &json!(26.32))
    );
    let kept = &order["checkout"];
    for member in ["quote", "lines", "shipping", "discounts", "taxes", "totals"] {
        assert_eq!(kept[member], quote[member], "{member}");
    }
    assert_eq!(kept["id"], quote["id"]);
    assert_eq!(kept["email"], "ada@example.com");
    assert_eq!(kept["shippingAddress"]["city"], "Wien");
    assert_eq!(
        (&kept["note"], &kept["metadata"]),
        (&json!("Ring twice"), &json!({ "gift": "yes" }))
    );
    let payment = shop.payment_of(&id);
    assert_eq!(payment["amount"], 26.32);
    assert_eq!(uses(shop, &code), 1);

    let session = text(&answer["paymentSession"]["id"]);
    let page = shop
        .nobody()
        .get(&format!("/api/v1/payments/mock/checkout/{session}"))
        .expect(200)
        .text();
    for part in ["−2.38", "4.90", "4.39", "26.32", "ada@example.com", &code] {
        assert!(page.contains(part), "{part} in {page}");
    }
    shop.check_out(&session, "succeed").expect(200);
    let guest = holder_of(shop, &answer);
    let paid = wait_until("the guest's order is paid", || {
        Some(read_order(&guest, &id)).filter(|order| order["status"] == "PAID")
    });
    assert_eq!(paid["checkout"], *kept);
    assert_eq!(
        (&paid["totalAmount"], &paid["payment"]["amount"]),
        (&json!(26.32), &json!(26.32))
    );
    assert!(paid["receipt"]["id"].is_string());
    shop.wait_for_stock(&product, 3, 0, 2);
    assert_eq!(uses(shop, &code), 1);
}

#[test]
fn a_guests_order_is_found_by_nobody_else() {
    let shop = shop();
    let product = shop.product(3, 5);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let answer = checkout.order().expect_json(201);
    let path = format!("{ORDERS}/id/{}", text(&answer["id"]));
    holder_of(shop, &answer).get(&path).expect(200);
    shop.admin().get(&path).expect(200);
    shop.nobody().get(&path).expect_problem(401, "unauthorized");
    // Neither an account, nor another guest, nor the token of the checkout itself.
    shop.customer().get(&path).expect_problem(404, "not-found");
    let other = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let other = holder_of(shop, &other.order().expect_json(201));
    other.get(&path).expect_problem(404, "not-found");
    checkout.holder.get(&path).expect_problem(404, "not-found");
    // The order's token is good for that one order and nothing else.
    let guest = holder_of(shop, &answer);
    guest.get(ORDERS).expect_problem(401, "unauthorized");
    guest.get(&checkout.path()).expect_problem(404, "not-found");
    let change = guest.patch(&format!("{ORDERS}/{}", text(&answer["id"])));
    change
        .json(&json!({ "status": "CANCELLED" }))
        .expect_problem(401, "unauthorized");
}

#[test]
fn nobody_orders_somebody_elses_checkout() {
    let shop = shop();
    let product = shop.product(3, 5);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let body = checkout.body();
    let order = |client: &mercato_tests::Client| client.post(ORDERS).json(&body).send();
    order(shop.nobody()).expect_problem(401, "unauthorized");
    order(&shop.customer()).expect_problem(404, "not-found");
    let other = Checkout::guest(shop, &json!({}));
    order(&other.holder).expect_problem(404, "not-found");
    let unknown = json!({ "checkout": unknown_id(), "quote": checkout.shown["quote"] });
    let asked = checkout.holder.post(ORDERS).json(&unknown);
    asked.expect_problem(404, "not-found");
    assert_eq!(shop.stock(&product).free, 5);
}

#[test]
fn a_guest_orders_checkouts_and_no_products() {
    let shop = shop();
    let product = shop.product(3, 5);
    let guest = Checkout::guest(shop, &json!({}));
    let order = guest.holder.post(ORDERS);
    order
        .json(&json!({ "items": [line(&product, 1)] }))
        .expect_problem(401, "unauthorized");
    assert_eq!(shop.stock(&product).free, 5);
}

#[test]
fn a_repeated_request_gets_the_same_order_and_token() {
    let shop = shop();
    let product = shop.product(3, 5);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let key = unknown_id();
    let order = || checkout.order().header("idempotency-key", &key).expect(201);
    let first = order();
    let again = order();
    assert_eq!(first.bytes(), again.bytes());
    assert_eq!(shop.stock(&product).free, 4);
    let other = json!({ "checkout": checkout.id(), "quote": format!("q_{}", "0".repeat(40)) });
    checkout
        .holder
        .post(ORDERS)
        .header("idempotency-key", &key)
        .json(&other)
        .expect_problem(422, "idempotency-key-reused");
}

#[test]
fn a_removed_checkout_cannot_be_ordered() {
    let shop = shop();
    let product = shop.product(3, 5);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    checkout.holder.delete(&checkout.path()).expect(204);
    checkout.order().expect_problem(404, "not-found");
    let path = format!("{CHECKOUTS}/{}", checkout.id());
    checkout.holder.get(&path).expect_problem(404, "not-found");
}
