//! What was chosen of a product's options, wherever lines are shown.

use mercato_tests::shop::{Account, Shop, text};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";

fn chosen(grind: &str) -> Value {
    json!([{ "name": "Size", "value": "250 g" }, { "name": "Grind", "value": grind }])
}

fn try_order(customer: &Account, lines: &Value) -> mercato_tests::Response {
    let body = json!({ "items": lines });
    customer.post(ORDERS).json(&body).send()
}

#[test]
fn an_order_says_which_variants_it_is_of() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (_, [beans, ground]) = shop.coffee(5);
    let lines =
        json!([{ "variantId": beans, "quantity": 1 }, { "productId": ground, "quantity": 2 }]);
    let placed = try_order(&customer, &lines).expect(201).json();
    let items = &placed["order"]["items"];
    for (place, id, grind) in [(0, &beans, "whole beans"), (1, &ground, "filter")] {
        let item = &items[place];
        assert_eq!(
            (&item["productId"], &item["variantId"]),
            (&json!(id), &json!(id))
        );
        assert_eq!(
            (&item["name"], &item["options"]),
            (&json!("Yirgacheffe"), &chosen(grind))
        );
    }
    let found = customer.read_order(&text(&placed["id"]));
    assert_eq!(&found["items"], items);
    let list = customer.get(ORDERS).expect_json(200);
    assert_eq!(&list["data"][0]["items"], items);
    let session = text(&placed["paymentSession"]["id"]);
    let page = shop
        .nobody()
        .get(&format!("/api/v1/payments/mock/checkout/{session}"));
    let page = page.header("accept", "text/html").send();
    let page = page.expect(200).text();
    for name in [
        "Yirgacheffe – 250 g, whole beans",
        "Yirgacheffe – 250 g, filter",
    ] {
        assert!(page.contains(name), "no {name} in {page}");
    }
}

#[test]
fn a_checkout_and_its_order_say_what_was_chosen() {
    let shop = Shop::shared();
    let (_, [_, ground]) = shop.coffee(5);
    let body = json!({ "items": [{ "variantId": ground, "quantity": 2 }] });
    let checkout = shop.nobody().post("/api/v1/checkouts").json(&body);
    let line = &checkout.expect_json(201)["lines"][0];
    assert_eq!(
        (&line["productId"], &line["variantId"]),
        (&json!(ground), &json!(ground))
    );
    assert_eq!(
        (&line["name"], &line["options"]),
        (&json!("Yirgacheffe"), &chosen("filter"))
    );
}

#[test]
fn a_product_with_options_is_not_sold_by_itself() {
    let shop = Shop::shared();
    let (product, [beans, _]) = shop.coffee(1);
    let refused = try_order(
        &shop.customer(),
        &json!([{ "variantId": product, "quantity": 1 }]),
    );
    let refused = refused.expect_problem(409, "lines-rejected");
    let line = &refused["lines"][0];
    assert_eq!(
        (&line["variantId"], &line["code"]),
        (&json!(product), &json!("unknown-product"))
    );
    let refused = try_order(
        &shop.customer(),
        &json!([{ "productId": beans, "quantity": 2 }]),
    );
    let refused = refused.expect_problem(409, "lines-rejected");
    let line = &refused["lines"][0];
    assert_eq!(
        (&line["productId"], &line["variantId"]),
        (&json!(beans), &json!(beans))
    );
}

#[test]
fn a_line_has_one_of_two_names_for_what_it_is_of() {
    let shop = Shop::shared();
    let (customer, product) = (shop.customer(), shop.product(1, 5));
    let both = json!([{ "productId": product, "variantId": product, "quantity": 1 }]);
    let neither = json!([{ "quantity": 1 }]);
    for (lines, field, code) in [
        (both, "items[0].variantId", "exclusive"),
        (neither, "items[0].productId", "required"),
    ] {
        let body = json!({ "items": lines });
        customer
            .post(ORDERS)
            .json(&body)
            .expect_invalid(&[(field, code)]);
        let checkout = shop.nobody().post("/api/v1/checkouts").json(&body);
        checkout.expect_invalid(&[(field, code)]);
    }
    let plain = try_order(&customer, &json!([{ "variantId": product, "quantity": 1 }]));
    let item = &plain.expect(201).json()["order"]["items"][0];
    assert_eq!(
        (&item["productId"], &item["options"]),
        (&json!(product), &json!([]))
    );
}
