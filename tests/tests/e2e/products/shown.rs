//! Slugs, drafts, pictures and attributes.

use mercato_tests::{
    assert_members,
    shop::{Shop, order_of, text, unique},
};
use serde_json::{Value, json};

/// A name of its own, and the slug that is made of it.
fn named(beginning: &str) -> (String, String) {
    let name = unique(beginning);
    let slug = name.to_lowercase().replace([' ', '_'], "-");
    (name, slug)
}

fn path(product: &Value) -> String {
    format!("/api/v1/products/{}", text(&product["id"]))
}

#[test]
fn a_product_is_found_by_its_slug_and_by_those_before() {
    let shop = Shop::shared();
    let (name, slug) = named("Green tea");
    let product = shop.create_product(&json!({ "name": name, "price": 1 }));
    assert_eq!(product["slug"], slug);
    let by_slug = |slug: &str| {
        shop.nobody()
            .get(&format!("/api/v1/products/{slug}"))
            .send()
    };
    assert_eq!(by_slug(&slug).expect(200).json()["id"], product["id"]);
    let other = unique("sencha").to_lowercase().replace(' ', "-");
    let change = |body: Value| shop.admin().patch(&path(&product)).json(&body).send();
    change(json!({ "slug": other })).expect(200);
    assert_eq!(by_slug(&other).expect(200).json()["name"], name);
    let moved = by_slug(&slug).expect(301).expect_header("location");
    assert!(
        moved.ends_with(&format!("/api/v1/products/{other}")),
        "{moved}"
    );
    by_slug("nobody-has-this-slug").expect_problem(404, "not-found");
    let admin = shop.admin();
    let taken = admin.post("/api/v1/products");
    let taken = taken.json(&json!({ "name": "Tea", "price": 1, "slug": other }));
    taken.expect_problem(409, "slug-taken");
    change(json!({ "slug": "Not a slug" })).expect_invalid(&[("slug", "format")]);
}

#[test]
fn what_is_not_published_exists_for_admins_alone() {
    let shop = Shop::shared();
    let (name, slug) = named("Draft");
    let sku = unique("SKU");
    let draft = json!({ "name": name, "price": 1, "stock": 5, "sku": sku, "status": "draft" });
    let draft = shop.create_product(&draft);
    let id = text(&draft["id"]);
    let customer = shop.customer();
    for path in [path(&draft), format!("/api/v1/products/{slug}")] {
        shop.nobody().get(&path).expect_problem(404, "not-found");
        customer.get(&path).expect_problem(404, "not-found");
        assert_eq!(shop.admin().get(&path).expect_json(200)["status"], "draft");
    }
    let word = name.replace(' ', "+");
    for query in [
        format!("q={word}"),
        format!("ids={id}"),
        format!("sku={sku}").replace(' ', "+"),
    ] {
        let list = customer
            .get(&format!("/api/v1/products?{query}"))
            .expect_json(200);
        assert_eq!(list["meta"]["total"], 0, "{query}");
    }
    let by_admin = shop
        .admin()
        .get(&format!("/api/v1/products?ids={id}"))
        .expect_json(200);
    assert_eq!(by_admin["data"][0]["id"], draft["id"]);
    let drafts = "/api/v1/products?status=draft&sort=-createdAt&limit=100";
    let drafts = shop.admin().get(drafts).expect_json(200);
    let drafts = drafts["data"].as_array().expect("drafts");
    assert!(drafts.iter().any(|found| found["id"] == draft["id"]));
    let refused = customer.get("/api/v1/products?status=draft");
    refused.expect_invalid(&[("status", "unknown")]);
    let ordered = customer.post("/api/v1/orders").json(&order_of(&[(&id, 1)]));
    let refused = ordered.send().expect(409).json();
    assert_eq!(refused["lines"][0]["code"], "unknown-product");
    let admin = shop.admin();
    let published = admin
        .patch(&path(&draft))
        .json(&json!({ "status": "published" }));
    published.expect_json(200);
    customer.get(&path(&draft)).expect_json(200);
    customer.order(&[(&id, 1)]);
}

#[test]
fn pictures_and_attributes_are_kept_and_replaced() {
    let shop = Shop::shared();
    let shown = json!({
        "media": [{ "url": "https://cdn.example.com/a.jpg", "alt": "A cup" }, { "url": "/b.jpg", "alt": "" }],
        "attributes": { "material": "Porcelain", "Volume": "90 ml" },
    });
    let mut new = json!({ "name": "Cup", "price": 1 });
    new.as_object_mut()
        .expect("an object")
        .extend(shown.as_object().expect("an object").clone());
    let product = shop.create_product(&new);
    assert_members(&product, &shown);
    let change = |body: Value| shop.admin().patch(&path(&product)).json(&body).send();
    let changed = change(json!({ "media": [], "attributes": { "origin": "Ethiopia" } }));
    let changed = changed.expect(200).json();
    assert_members(
        &changed,
        &json!({ "media": [], "attributes": { "origin": "Ethiopia" }, "version": 2 }),
    );
    change(json!({ "media": [{ "url": "javascript:alert(1)" }], "attributes": { "a": "" } }))
        .expect_invalid(&[("media[0].url", "format"), ("attributes.a", "required")]);
}
