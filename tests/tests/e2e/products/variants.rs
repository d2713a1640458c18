//! Options, variants, and stock that several of them share.

use mercato_tests::{
    assert_members,
    shop::{Shop, text, unique},
};
use serde_json::{Value, json};

/// A coffee in two sizes and two grinds from the same bags, as an admin sees it.
fn coffee(shop: &Shop, bags: u64) -> Value {
    let sku = unique("YIR").replace(' ', "-");
    let variant = |number: u32, size: &str, grind: &str, price: f64, units: u64| {
        let mut variant = json!({
            "sku": format!("{sku}-{number}"), "price": price, "options": {"Size": size, "Grind": grind},
        });
        match number {
            0 => variant["stock"] = json!(bags),
            _ => variant["draws"] = json!({"sku": format!("{sku}-0"), "units": units}),
        }
        variant
    };
    shop.create_product(&json!({
        "name": unique("Yirgacheffe"), "weightGrams": 250,
        "options": [{"name": "Size", "values": ["250 g", "1 kg"]}, {"name": "Grind", "values": ["whole beans", "filter"]}],
        "variants": [
            variant(0, "250 g", "whole beans", 9.5, 1), variant(1, "250 g", "filter", 9.9, 1),
            variant(2, "1 kg", "whole beans", 34.0, 4), variant(3, "1 kg", "filter", 35.0, 4),
        ],
    }))
}

fn path(product: &Value) -> String {
    format!("/api/v1/products/{}", text(&product["id"]))
}

fn ids(product: &Value) -> Vec<String> {
    let variants = product["variants"].as_array().expect("variants");
    variants.iter().map(|one| text(&one["id"])).collect()
}

fn units(product: &Value) -> Vec<u64> {
    let variants = product["variants"].as_array().expect("variants");
    let units = variants.iter().map(|one| one["stock"].as_u64());
    units.map(|units| units.expect("a number")).collect()
}

#[test]
fn a_product_without_options_is_its_own_variant() {
    let shop = Shop::shared();
    let id = shop.product(5, 3);
    let product = shop
        .nobody()
        .get(&format!("/api/v1/products/{id}"))
        .expect_json(200);
    assert_members(
        &product,
        &json!({"options": [], "priceFrom": 5, "priceTo": 5}),
    );
    assert_eq!(product["variants"].as_array().map(Vec::len), Some(1));
    assert_members(
        &product["variants"][0],
        &json!({"id": id, "price": 5, "stock": 3, "available": true, "options": []}),
    );
    assert_eq!(product["variants"][0].get("draws"), None);
}

#[test]
fn variants_of_one_stock_are_sold_until_it_is_empty() {
    let shop = Shop::shared();
    let product = coffee(shop, 10);
    assert_members(
        &product,
        &json!({"price": 9.5, "priceFrom": 9.5, "priceTo": 35, "stock": 10}),
    );
    assert_eq!(units(&product), [10, 10, 2, 2]);
    let variants = ids(&product);
    let customer = shop.customer();
    // The product itself cannot be ordered: which variant is meant is not clear.
    let id = text(&product["id"]);
    customer
        .try_order(&[(&id, 1)])
        .expect_problem(409, "lines-rejected");
    let placed = customer.order(&[(&variants[1], 1), (&variants[2], 2)]);
    let now = |caller: &mercato_tests::Client| caller.get(&path(&product)).expect_json(200);
    assert_eq!(units(&now(shop.nobody())), [1, 1, 0, 0]);
    let rejected = customer.try_order(&[(&variants[3], 1)]);
    let rejected = rejected.expect_problem(409, "lines-rejected");
    assert_eq!(rejected["lines"][0]["available"], 0);
    customer.cancel(&placed.id).expect(200);
    assert_eq!(units(&now(shop.nobody())), [10, 10, 2, 2]);
    // Where an order line leads to.
    let moved = shop
        .nobody()
        .get(&format!("/api/v1/products/{}", variants[2]))
        .send();
    let location = moved.expect(301).expect_header("location");
    assert!(location.ends_with(&text(&product["slug"])), "{location}");
}

#[test]
fn lists_have_one_row_for_all_variants() {
    let shop = Shop::shared();
    let product = coffee(shop, 10);
    let id = text(&product["id"]);
    let sku = text(&product["variants"][2]["sku"]);
    let variant = &ids(&product)[3];
    for query in [
        format!("sku={sku}"),
        format!("ids={variant}"),
        format!("q={sku}"),
    ] {
        let list = shop
            .nobody()
            .get(&format!("/api/v1/products?{query}"))
            .expect_json(200);
        assert_eq!(list["meta"]["total"], 1, "{query}");
        assert_members(
            &list["data"][0],
            &json!({"id": id, "priceFrom": 9.5, "priceTo": 35, "stock": 10, "available": true}),
        );
        assert_eq!(list["data"][0].get("variants"), None, "{query}");
        assert_eq!(
            list["data"][0]["options"][0]["values"],
            json!(["250 g", "1 kg"])
        );
    }
}

#[test]
fn what_shares_a_stock_is_seen_by_admins_alone() {
    let shop = Shop::shared();
    let product = coffee(shop, 10);
    let draws = &product["variants"][3]["draws"];
    assert_members(
        draws,
        &json!({"productId": product["variants"][0]["id"], "units": 4}),
    );
    let seen = shop.nobody().get(&path(&product)).expect_json(200);
    for member in ["draws", "reserved", "sold"] {
        assert_eq!(seen["variants"][3].get(member), None, "{member}");
    }
}

#[test]
fn a_variant_is_changed_and_deleted_by_its_id() {
    let shop = Shop::shared();
    let product = coffee(shop, 10);
    let variants = ids(&product);
    let at = |id: &str| format!("/api/v1/products/{id}");
    let admin = shop.admin();
    let change = |id: &str, body: Value| admin.patch(&at(id)).json(&body).send();
    let changed = change(&variants[0], json!({"stockDelta": 6, "price": 9}))
        .expect(200)
        .json();
    assert_members(
        &changed,
        &json!({"id": product["id"], "priceFrom": 9, "stock": 16, "version": 2}),
    );
    assert_eq!(units(&changed), [16, 16, 4, 4]);
    change(&variants[0], json!({"name": "Other"})).expect_invalid(&[("id", "variant")]);
    change(&variants[1], json!({"stock": 1})).expect_invalid(&[("stock", "draws")]);
    change(&text(&product["id"]), json!({"price": 1})).expect_invalid(&[("price", "variants")]);
    let delete = |id: &str| admin.delete(&at(id)).send();
    delete(&variants[0]).expect_problem(409, "stock-drawn");
    delete(&variants[3]).expect(204);
    delete(&variants[3]).expect_problem(404, "not-found");
    let now = admin.get(&path(&product)).expect_json(200);
    assert_eq!(units(&now), [16, 16, 4]);
    // What is written of one is held against what was seen of all.
    let tag = admin
        .get(&path(&product))
        .send()
        .expect(200)
        .expect_header("etag");
    shop.customer().order(&[(&variants[2], 1)]);
    let stale = admin.patch(&path(&product)).header("if-match", &tag);
    let body = json!({"description": "Flowers and lemon"});
    stale
        .json(&body)
        .send()
        .expect_problem(412, "version-mismatch");
    delete(&text(&product["id"])).expect(204);
    for id in &variants {
        shop.nobody().get(&at(id)).expect_problem(404, "not-found");
    }
}

#[test]
fn what_is_wrong_with_variants_is_named_by_its_path() {
    let shop = Shop::shared();
    let create = |more: Value| {
        let mut body = json!({"name": "Tea", "options": [{"name": "Cut", "values": ["leaf"]}]});
        for (name, value) in more.as_object().expect("members") {
            body[name] = value.clone();
        }
        shop.admin().post("/api/v1/products").json(&body).send()
    };
    let leaf = |more: Value| {
        let mut variant = json!({"price": 1, "options": {"Cut": "leaf"}});
        for (name, value) in more.as_object().expect("members") {
            variant[name] = value.clone();
        }
        variant
    };
    for (body, expected) in [
        (json!({"variants": []}), ("price", "required")),
        (json!({"price": 1, "variants": []}), ("variants", "min")),
        (
            json!({"variants": [leaf(json!({"options": {"Cut": "bag"}}))]}),
            ("variants[0].options.Cut", "unknown"),
        ),
        (
            json!({"variants": [leaf(json!({})), leaf(json!({}))]}),
            ("variants[1].options", "repeated"),
        ),
        (
            json!({"variants": [leaf(json!({"draws": {"sku": unique("NONE"), "units": 1}}))]}),
            ("variants[0].draws.sku", "unknown"),
        ),
        (
            json!({"variants": [leaf(json!({"draws": {"sku": "A", "units": 0}}))]}),
            ("variants[0].draws.units", "min"),
        ),
        (
            json!({"options": [], "variants": [leaf(json!({}))]}),
            ("variants", "options"),
        ),
        (
            json!({"price": 1, "variants": vec![leaf(json!({})); 501]}),
            ("variants", "max"),
        ),
    ] {
        create(body).expect_invalid(&[expected]);
    }
}
