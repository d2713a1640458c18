use mercato_tests::{
    assert_members, is_rfc3339_milliseconds,
    shop::{Shop, order_of, unknown_id},
};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";

#[test]
fn an_order_takes_names_and_prices_from_the_catalogue() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (tea, cup) = (shop.product(19.99, 10), shop.product(0.5, 10));
    let answer = customer.try_order(&[(&tea, 3), (&cup, 1)]).expect(201);
    let location = answer.expect_header("location");
    let placed = answer.json();
    let (id, order) = (&placed["id"], &placed["order"]);
    assert_eq!(
        location,
        format!("{ORDERS}/id/{}", id.as_str().expect("an id"))
    );
    assert_eq!(&order["id"], id);
    assert_eq!(order["userId"], customer.id);
    assert_eq!(order["status"], "PENDING");
    assert_eq!(order["totalAmount"], 60.47);
    assert_eq!(order["totalItems"], 4);
    assert_eq!(order["currency"], "USD");
    assert_eq!(order["paid"], false);
    let items = order["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    let item = items
        .iter()
        .find(|item| item["productId"] == tea)
        .expect("the tea");
    assert_members(item, &json!({ "price": 19.99, "quantity": 3 }));
    assert!(
        item["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("Tea ")),
        "{item}"
    );
    customer.get(&location).expect(200);
}

#[test]
fn an_order_comes_with_a_session_to_pay_it_in() {
    let shop = Shop::shared();
    let placed = shop.customer().order(&[(&shop.product(2, 1), 1)]).answer;
    let session = &placed["paymentSession"];
    let id = session["id"].as_str().expect("an id");
    let url = session["url"].as_str().expect("a URL");
    assert!(
        url.ends_with(&format!("/api/v1/payments/mock/checkout/{id}")),
        "{url}"
    );
    assert!(
        session["expiresAt"]
            .as_str()
            .is_some_and(is_rfc3339_milliseconds),
        "{session}"
    );
}

#[test]
fn an_order_reserves_the_stock_until_it_is_paid() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    let order = customer.order(&[(&product, 4)]);
    let stock = shop.stock(&product);
    assert_eq!((stock.free, stock.reserved, stock.sold), (6, 4, 0));
    shop.pay(&order);
    shop.wait_for_stock(&product, 6, 0, 4);
}

#[test]
fn the_same_product_twice_is_one_line() {
    let shop = Shop::shared();
    let product = shop.product(1, 10);
    let placed = shop
        .customer()
        .order(&[(&product, 1), (&product.to_uppercase(), 2)])
        .answer;
    let items = placed["order"]["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["quantity"], 3);
}

#[test]
fn a_later_change_of_price_or_name_leaves_an_order_alone() {
    let shop = Shop::shared();
    let (customer, product, order) = shop.pending_order(10, 1);
    let path = format!("/api/v1/products/{product}");
    shop.admin()
        .patch(&path)
        .json(&json!({ "price": 99, "name": "Gold" }))
        .expect(200);
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["totalAmount"].as_f64(), Some(10.0));
    assert_eq!(seen["items"], order.answer["order"]["items"]);
}

#[test]
fn the_amount_to_pay_is_the_total_rounded_half_even_to_cents() {
    let shop = Shop::shared();
    let customer = shop.customer();
    for (price, quantity, total, amount) in [
        (0.125, 1, 0.125, 0.12),
        (0.135, 1, 0.135, 0.14),
        (0.3333, 3, 0.9999, 1.0),
        (1.0001, 2, 2.0002, 2.0),
    ] {
        let order = customer.order(&[(&shop.product(price, 10), quantity)]);
        let seen = customer.read_order(&order.id);
        assert_eq!(seen["totalAmount"].as_f64(), Some(total));
        assert_eq!(
            seen["payment"]["amount"].as_f64(),
            Some(amount),
            "{price} × {quantity}"
        );
    }
}

#[test]
fn what_costs_nothing_can_be_ordered_too() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(0, 2);
    shop.pay(&order);
    customer.wait_for_order(&order.id, "PAID");
}

#[test]
fn lines_that_cannot_be_served_are_named_and_none_is_reserved() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (plenty, scarce, deleted, unknown) = (
        shop.product(1, 10),
        shop.product(1, 2),
        shop.product(1, 9),
        unknown_id(),
    );
    shop.admin()
        .delete(&format!("/api/v1/products/{deleted}"))
        .expect(204);
    let answer = customer.try_order(&[(&plenty, 1), (&scarce, 3), (&deleted, 1), (&unknown, 2)]);
    let problem = answer.expect_problem(409, "lines-rejected");
    let mut lines = problem["lines"].as_array().cloned().expect("lines");
    lines.sort_by_key(|line| line["requested"].as_u64());
    let named = |product: &str| {
        lines
            .iter()
            .find(|line| line["productId"] == product)
            .cloned()
    };
    assert_eq!(lines.len(), 3, "{problem}");
    let expected = |product: &str, code: &str, requested: u32, available: u32| json!({ "productId": product, "variantId": product, "code": code, "requested": requested, "available": available });
    assert_eq!(
        named(&scarce),
        Some(expected(&scarce, "insufficient-stock", 3, 2))
    );
    assert_eq!(
        named(&deleted),
        Some(expected(&deleted, "unknown-product", 1, 0))
    );
    assert_eq!(
        named(&unknown),
        Some(expected(&unknown, "unknown-product", 2, 0))
    );
    let stock = shop.stock(&plenty);
    assert_eq!((stock.free, stock.reserved), (10, 0));
    let list = customer.get(ORDERS).expect_json(200);
    assert_eq!(list["meta"]["total"], 0, "a refused order is none: {list}");
}

#[test]
fn every_line_that_breaks_a_rule_is_named() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    let order = |body: Value| customer.post(ORDERS).json(&body).send();
    order(json!({})).expect_invalid(&[("items", "required")]);
    order(json!({ "items": [] })).expect_invalid(&[("items", "required")]);
    order(json!({ "items": "tea" })).expect_invalid(&[("items", "type")]);
    order(json!({ "items": [7, {}] })).expect_invalid(&[
        ("items[0]", "type"),
        ("items[1].productId", "required"),
        ("items[1].quantity", "required"),
    ]);
    order(order_of(&[(&product, 0), ("tea", 1), (&product, 10_001)])).expect_invalid(&[
        ("items[0].quantity", "min"),
        ("items[1].productId", "format"),
        ("items[2].quantity", "max"),
    ]);
    for (quantity, code) in [
        (json!(1.5), "type"),
        (json!("2"), "type"),
        (json!(null), "type"),
        (json!(-1), "min"),
        (json!(1e10), "max"),
    ] {
        let body = json!({ "items": [{ "productId": "tea", "quantity": quantity }] });
        let expected = [
            ("items[0].productId", "format"),
            ("items[0].quantity", code),
        ];
        order(body).expect_invalid(&expected);
    }
    let smuggled = json!({ "items": [{ "productId": product, "quantity": 1, "price": 0 }], "userId": customer.id });
    order(smuggled).expect_invalid(&[("items[0].price", "unknown"), ("userId", "unknown")]);
}

#[test]
fn an_order_has_at_most_100_lines() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(0.01, 1_000);
    let lines = vec![(product.as_str(), 1); 100];
    let placed = customer.order(&lines).answer;
    assert_eq!(placed["order"]["totalItems"], 100);
    let too_many = vec![(product.as_str(), 1); 101];
    customer
        .try_order(&too_many)
        .expect_invalid(&[("items", "max")]);
}

#[test]
fn merged_lines_keep_to_the_limit_of_one() {
    let shop = Shop::shared();
    let product = shop.product(0.01, 100_000);
    let customer = shop.customer();
    customer.order(&[(&product, 10_000)]);
    let answer = customer.try_order(&[(&product, 5_001), (&product, 5_000)]);
    answer.expect_invalid(&[("items[1].quantity", "max")]);
}

#[test]
fn a_total_beyond_all_money_is_refused_and_not_wrapped() {
    let shop = Shop::shared();
    let dear: Vec<String> = (0..100)
        .map(|_| shop.product(1_000_000_000, 10_000))
        .collect();
    let lines: Vec<(&str, u32)> = dear
        .iter()
        .map(|product| (product.as_str(), 10_000))
        .collect();
    let answer = shop.customer().try_order(&lines);
    assert!(
        (400..500).contains(&answer.status()),
        "{}: {}",
        answer.status(),
        answer.text()
    );
    let stock = shop.stock(&dear[0]);
    assert_eq!(stock.total(), 10_000);
    shop.wait_for_stock(&dear[0], 10_000, 0, 0);
}
