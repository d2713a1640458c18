use mercato_tests::{
    Response,
    load::all_at_once,
    shop::{Account, Shop, order_of, unique},
};

const ORDERS: &str = "/api/v1/orders";

fn order(customer: &Account, key: &str, product: &str, quantity: u32) -> Response {
    let body = order_of(&[(product, quantity)]);
    customer
        .post(ORDERS)
        .header("idempotency-key", key)
        .json(&body)
        .send()
}

fn count(customer: &Account) -> u64 {
    let list = customer.get(ORDERS).expect_json(200);
    list["meta"]["total"].as_u64().expect("a total")
}

fn new_key() -> String {
    unique("key").replace(' ', "-")
}

#[test]
fn a_repeated_request_gets_the_first_answer_byte_for_byte() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (key, product) = (new_key(), shop.product(1, 10));
    let first = order(&customer, &key, &product, 2).expect(201);
    shop.check_out(
        first.json()["paymentSession"]["id"]
            .as_str()
            .expect("a session"),
        "succeed",
    )
    .expect(200);
    customer.wait_for_order(first.json()["id"].as_str().expect("an id"), "PAID");
    for _ in 0..3 {
        let again = order(&customer, &key, &product, 2).expect(201);
        assert_eq!(again.bytes(), first.bytes());
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("content-type"), first.header("content-type"));
    }
    assert_eq!(count(&customer), 1);
    shop.wait_for_stock(&product, 8, 0, 2);
}

#[test]
fn the_same_key_with_another_body_is_refused() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (key, product) = (new_key(), shop.product(1, 10));
    order(&customer, &key, &product, 2).expect(201);
    order(&customer, &key, &product, 3).expect_problem(422, "idempotency-key-reused");
    assert_eq!(count(&customer), 1);
}

#[test]
fn every_customer_has_keys_of_their_own() {
    let shop = Shop::shared();
    let (ada, grace) = (shop.customer(), shop.customer());
    let (key, product) = (new_key(), shop.product(1, 10));
    let of_ada = order(&ada, &key, &product, 1).expect(201).json();
    let of_grace = order(&grace, &key, &product, 2).expect(201).json();
    assert_ne!(of_ada["id"], of_grace["id"]);
    assert_eq!(of_grace["order"]["userId"], grace.id);
}

#[test]
fn without_a_key_every_request_is_a_new_order() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    assert_ne!(
        customer.order(&[(&product, 1)]).id,
        customer.order(&[(&product, 1)]).id
    );
    assert_eq!(count(&customer), 2);
}

#[test]
fn one_key_at_the_same_time_makes_one_order() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (key, product) = (new_key(), shop.product(1, 100));
    let bodies = all_at_once(10, |_| {
        let answer = order(&customer.on_own_connection(), &key, &product, 3);
        (answer.status(), answer.bytes().to_vec())
    });
    for (status, body) in &bodies {
        let text = String::from_utf8_lossy(body);
        assert_eq!((*status, body), (201, &bodies[0].1), "{text}");
    }
    assert_eq!(count(&customer), 1);
    let stock = shop.stock(&product);
    assert_eq!((stock.free, stock.reserved), (97, 3));
}

#[test]
fn a_refusal_for_lack_of_stock_is_repeated_too() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (key, product) = (new_key(), shop.product(1, 1));
    let first = order(&customer, &key, &product, 2);
    let bytes = first.bytes().to_vec();
    assert_eq!(first.status(), 409);
    let path = format!("/api/v1/products/{product}");
    shop.admin()
        .patch(&path)
        .json(&serde_json::json!({ "stock": 50 }))
        .expect(200);
    let again = order(&customer, &key, &product, 2).expect(409);
    assert_eq!(again.bytes(), bytes);
    assert_eq!(
        again.header("content-type"),
        Some("application/problem+json")
    );
    order(&customer, &new_key(), &product, 2).expect(201);
}

#[test]
fn a_request_that_is_not_valid_does_not_use_its_key_up() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let (key, product) = (new_key(), shop.product(1, 10));
    order(&customer, &key, &product, 0).expect_problem(400, "validation");
    order(&customer, &key, &product, 1).expect(201);
}

#[test]
fn a_key_has_1_to_255_visible_characters() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(1, 10);
    let too_long = "k".repeat(256);
    for key in ["", "two words", &too_long] {
        let answer = order(&customer, key, &product, 1);
        assert_eq!(answer.status(), 400, "{key:?}: {}", answer.text());
    }
    order(&customer, &format!("{:k<255}", new_key()), &product, 1).expect(201);
}
