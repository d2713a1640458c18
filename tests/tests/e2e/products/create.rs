use mercato_tests::{
    Response, assert_members,
    shop::{Shop, unique},
};
use serde_json::{Value, json};

fn create(body: &Value) -> Response {
    Shop::shared()
        .admin()
        .post("/api/v1/products")
        .json(body)
        .send()
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = json!({ "name": unique("Tea"), "price": 1 });
    body[field] = value.into();
    body
}

#[test]
fn a_new_product_can_be_read_where_its_location_says() {
    let sku = unique("SKU");
    let body = json!({ "name": "  Green tea ", "description": "Leaves\nfrom Uji", "sku": sku, "price": 4.99, "stock": 7 });
    let answer = create(&body).expect(201);
    let location = answer.expect_header("location");
    let product = answer.json();
    assert_eq!(
        location,
        format!(
            "/api/v1/products/{}",
            product["id"].as_str().expect("an id")
        )
    );
    assert_eq!(product["name"], "Green tea");
    assert_eq!(product["description"], "Leaves\nfrom Uji");
    assert_eq!(product["sku"], sku);
    assert_eq!(product["price"], 4.99);
    assert_eq!(product["currency"], "USD");
    assert_eq!(product["stock"], 7);
    assert_eq!(product["available"], true);
    assert_members(&product, &json!({ "reserved": 0, "sold": 0 }));
    assert_eq!(product["version"], 1);
    let read = Shop::shared().admin().get(&location).expect_json(200);
    assert_eq!(read, product);
}

#[test]
fn name_and_price_are_enough() {
    let product = create(&with("price", 0)).expect(201).json();
    assert_eq!(product["description"], "");
    assert_eq!(product["sku"], Value::Null);
    assert_eq!(product["stock"], 0);
    assert_eq!(product["available"], false);
}

/// A price as it is written in JSON.
fn create_for(price: &str) -> Response {
    let body = format!("{{\"name\":\"{}\",\"price\":{price}}}", unique("Tea"));
    let admin = Shop::shared().admin();
    let request = admin.post("/api/v1/products");
    request.body("application/json", body).send()
}

#[track_caller]
fn expect_price(sent: &str, read: &str) {
    let text = create_for(sent).expect(201).text();
    let member = format!("\"price\":{read},");
    assert!(text.contains(&member), "{sent}: {text}");
}

#[test]
fn prices_are_exact_to_four_decimals() {
    for price in ["0.1", "0.0001", "19.99", "999999999.9999", "1000000000"] {
        expect_price(price, price);
    }
}

#[test]
fn a_price_blurred_by_floating_point_is_read_as_it_was_meant() {
    for (sent, meant) in [
        ("0.30000000000000004", "0.3"),
        ("0.00030000000000000003", "0.0003"),
        ("19.989999999999998", "19.99"),
        ("3.0000000000000003e-4", "0.0003"),
    ] {
        expect_price(sent, meant);
    }
}

#[test]
fn a_price_is_0_to_a_thousand_million_with_four_decimals() {
    for (price, code) in [
        ("-0.0001", "min"),
        ("-1", "min"),
        ("1000000000.0001", "max"),
        ("1e30", "max"),
        ("0.00001", "precision"),
        ("1.23456", "precision"),
        ("\"1\"", "type"),
        ("true", "type"),
        ("null", "type"),
    ] {
        create_for(price).expect_invalid(&[("price", code)]);
    }
    for price in ["NaN", "Infinity", "1.", ".5", "01"] {
        create_for(price).expect_problem(400, "malformed-json");
    }
}

#[test]
fn a_name_has_1_to_200_characters_and_no_control_characters() {
    for (name, code) in [
        ("", "required"),
        ("  ", "required"),
        ("a\u{7}b", "control-characters"),
    ] {
        create(&with("name", name)).expect_invalid(&[("name", code)]);
    }
    create(&with("name", "é".repeat(201))).expect_invalid(&[("name", "max")]);
    create(&with("name", "é".repeat(200))).expect(201);
}

#[test]
fn description_and_sku_have_their_limits() {
    create(&with("description", "x".repeat(5_001))).expect_invalid(&[("description", "max")]);
    create(&with("description", "a\u{1b}[31m"))
        .expect_invalid(&[("description", "control-characters")]);
    create(&with("sku", "x".repeat(65))).expect_invalid(&[("sku", "max")]);
    create(&with("sku", "")).expect_invalid(&[("sku", "required")]);
}

#[test]
fn stock_is_a_whole_number_that_is_not_negative() {
    for (stock, code) in [
        (json!(-1), "min"),
        (json!(1.5), "type"),
        (json!("7"), "type"),
        (json!(null), "type"),
    ] {
        create(&with("stock", stock)).expect_invalid(&[("stock", code)]);
    }
}

#[test]
fn everything_wrong_is_named_at_once() {
    create(&json!({})).expect_invalid(&[("name", "required"), ("price", "required")]);
    let body = json!({ "name": 1, "price": "a", "stock": -1, "colour": "red", "reserved": 5 });
    create(&body).expect_invalid(&[
        ("name", "type"),
        ("price", "type"),
        ("stock", "min"),
        ("colour", "unknown"),
        ("reserved", "unknown"),
    ]);
}

#[test]
fn a_sku_belongs_to_one_product_until_that_is_deleted() {
    let sku = unique("SKU");
    let first = create(&with("sku", sku.clone())).expect(201).json();
    create(&with("sku", format!(" {sku} "))).expect_problem(409, "sku-taken");
    let path = format!("/api/v1/products/{}", first["id"].as_str().expect("an id"));
    Shop::shared().admin().delete(&path).expect(204);
    create(&with("sku", sku)).expect(201);
}

#[test]
fn sql_in_a_name_is_just_a_strange_name() {
    let name = unique("'); DROP TABLE products; --");
    let product = create(&with("name", name.clone())).expect(201).json();
    assert_eq!(product["name"], name);
}

#[test]
fn unreadable_unknown_and_invalid_members_are_named_at_once() {
    let admin = Shop::shared().admin();
    let body = json!({ "name": "", "price": -1, "stock": "many", "colour": "red" });
    let everything = [
        ("stock", "type"),
        ("colour", "unknown"),
        ("name", "required"),
        ("price", "min"),
    ];
    admin
        .post("/api/v1/products")
        .json(&body)
        .expect_invalid(&everything);
    let product = Shop::shared().product(1, 1);
    admin
        .patch(&format!("/api/v1/products/{product}"))
        .json(&body)
        .expect_invalid(&everything);
}

#[test]
fn names_and_numbers_of_invisible_characters_are_empty() {
    for text in ["\u{200b}", "\u{3164}\u{2800}", "\u{2060}\u{feff}\u{a0}"] {
        create(&with("name", text)).expect_invalid(&[("name", "required")]);
        create(&with("sku", text)).expect_invalid(&[("sku", "required")]);
    }
}
