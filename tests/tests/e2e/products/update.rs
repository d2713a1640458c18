use mercato_tests::{
    Response, assert_members,
    shop::{Shop, unique, unknown_id},
};
use serde_json::{Value, json};

fn change(product: &str, body: Value) -> Response {
    Shop::shared()
        .admin()
        .patch(&format!("/api/v1/products/{product}"))
        .json(&body)
        .send()
}

#[test]
fn any_subset_can_be_changed_and_the_rest_stays() {
    let product = Shop::shared().product(4.99, 3);
    let sku = unique("SKU");
    let changed = change(&product, json!({ "name": " Black tea ", "sku": sku }))
        .expect(200)
        .json();
    assert_members(&changed, &json!({ "name": "Black tea", "sku": sku }));
    assert_members(&changed, &json!({ "price": 4.99, "stock": 3 }));
    assert_eq!(changed["version"], 2);
    let changed = change(
        &product,
        json!({ "sku": null, "price": 5, "description": "new" }),
    )
    .expect(200)
    .json();
    assert_eq!(changed["sku"], Value::Null);
    assert_eq!(changed["price"].as_f64(), Some(5.0));
    assert_members(
        &changed,
        &json!({ "name": "Black tea", "description": "new" }),
    );
    assert_eq!(changed["version"], 3);
}

#[test]
fn a_change_of_nothing_changes_nothing() {
    let product = Shop::shared().product(4.99, 3);
    let unchanged = change(&product, json!({})).expect(200).json();
    assert_eq!(unchanged["version"], 1);
}

#[test]
fn stock_is_set_or_moved() {
    let product = Shop::shared().product(1, 3);
    assert_eq!(
        change(&product, json!({ "stock": 10 })).expect(200).json()["stock"],
        10
    );
    assert_eq!(
        change(&product, json!({ "stockDelta": -4 }))
            .expect(200)
            .json()["stock"],
        6
    );
    assert_eq!(
        change(&product, json!({ "stockDelta": 1 }))
            .expect(200)
            .json()["stock"],
        7
    );
    change(&product, json!({ "stockDelta": -8 })).expect_problem(409, "insufficient-stock");
    assert_eq!(
        change(&product, json!({ "stockDelta": -7 }))
            .expect(200)
            .json()["available"],
        false
    );
    let both = json!({ "stock": 1, "stockDelta": 1 });
    change(&product, both).expect_invalid(&[("stockDelta", "exclusive")]);
}

#[test]
fn a_difference_has_bounds_of_its_own_and_those_of_the_stock() {
    let product = Shop::shared().product(1, 3);
    let delta = |units: i64| change(&product, json!({ "stockDelta": units }));
    delta(1_000_000_001).expect_invalid(&[("stockDelta", "max")]);
    delta(-1_000_000_001).expect_invalid(&[("stockDelta", "min")]);
    delta(i64::MAX).expect_invalid(&[("stockDelta", "max")]);
    delta(i64::MIN).expect_invalid(&[("stockDelta", "min")]);
    delta(999_999_998).expect_problem(409, "too-much-stock");
    delta(-1_000_000_000).expect_problem(409, "insufficient-stock");
    let full = delta(999_999_997).expect(200).json();
    assert_eq!(full["stock"], 1_000_000_000);
    change(&product, json!({ "stock": 1_000_000_001 })).expect_invalid(&[("stock", "max")]);
}

#[test]
fn reserved_units_are_not_touched_by_a_change_of_stock() {
    let shop = Shop::shared();
    let product = shop.product(1, 5);
    shop.customer().order(&[(&product, 2)]);
    change(&product, json!({ "stock": 0 })).expect(200);
    shop.wait_for_stock(&product, 0, 2, 0);
}

#[test]
fn two_deltas_at_the_same_time_are_both_counted() {
    let product = Shop::shared().product(1, 0);
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| change(&product, json!({ "stockDelta": 1 })).expect(200));
        }
    });
    assert_eq!(Shop::shared().stock(&product).free, 10);
}

#[test]
fn invalid_and_unknown_fields_are_named() {
    let product = Shop::shared().product(1, 1);
    let body = json!({ "name": "", "price": -1, "description": "\u{0}" });
    change(&product, body).expect_invalid(&[
        ("name", "required"),
        ("price", "min"),
        ("description", "control-characters"),
    ]);
    for field in ["id", "version", "reserved", "sold", "currency", "createdAt"] {
        change(&product, json!({ field: 1 })).expect_invalid(&[(field, "unknown")]);
    }
    change(&product, json!({ "stock": -1 })).expect_invalid(&[("stock", "min")]);
    change(&product, json!({ "stockDelta": 0.5 })).expect_invalid(&[("stockDelta", "type")]);
}

#[test]
fn a_sku_of_another_product_is_taken() {
    let shop = Shop::shared();
    let (first, second) = (shop.product(1, 1), shop.product(1, 1));
    let sku = unique("SKU");
    change(&first, json!({ "sku": sku })).expect(200);
    change(&first, json!({ "sku": sku })).expect(200);
    change(&second, json!({ "sku": sku })).expect_problem(409, "sku-taken");
}

#[test]
fn an_unknown_product_is_not_found() {
    change(&unknown_id(), json!({ "price": 1 })).expect_problem(404, "not-found");
    change("1", json!({ "price": 1 })).expect_invalid(&[("id", "format")]);
}

#[test]
fn a_write_may_name_the_version_it_is_meant_for() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(1, 1));
    let admin = shop.admin();
    let tag = admin.get(&path).expect(200).expect_header("etag");
    let set_price = |tag: &str, price: u32| {
        admin
            .patch(&path)
            .header("if-match", tag)
            .json(&json!({ "price": price }))
            .send()
    };
    let fresh = set_price(&tag, 2).expect(200);
    set_price(&tag, 3).expect_problem(412, "version-mismatch");
    set_price("\"nonsense\"", 3).expect_problem(412, "version-mismatch");
    set_price(fresh.header("etag").expect("an entity tag"), 4).expect(200);
    set_price("*", 5).expect(200);
    admin
        .delete(&path)
        .header("if-match", &tag)
        .expect_problem(412, "version-mismatch");
    admin.get(&path).expect(200);
}
