use mercato_tests::{
    assert_members,
    shop::{Shop, text, unique, unknown_id},
};
use serde_json::{Value, json};

const CATEGORIES: &str = "/api/v1/categories";

fn category(shop: &Shop, beginning: &str, parent: Option<&Value>) -> Value {
    let parent = parent.map(|parent| &parent["id"]);
    let new = json!({ "name": unique(beginning), "parent": parent });
    shop.admin().post(CATEGORIES).json(&new).expect_json(201)
}

fn own(category: &Value) -> String {
    format!("{CATEGORIES}/{}", text(&category["id"]))
}

/// The ids of the products that a list finds.
fn found(shop: &Shop, query: &str) -> Vec<Value> {
    let list = shop
        .nobody()
        .get(&format!("/api/v1/products?{query}"))
        .expect_json(200);
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|product| product["id"].clone()).collect()
}

#[test]
fn products_are_found_by_their_category_and_those_above() {
    let shop = Shop::shared();
    let drinks = category(shop, "Drinks", None);
    let tea = category(shop, "Tea", Some(&drinks));
    let new = json!({ "name": "Sencha", "price": 1, "categories": [tea["id"]] });
    let sencha = shop.create_product(&new);
    assert_eq!(sencha["categories"], json!([tea["id"]]));
    for category in [&drinks, &tea] {
        for key in [text(&category["id"]), text(&category["path"])] {
            assert_eq!(
                found(shop, &format!("category={key}")),
                [sencha["id"].clone()]
            );
        }
    }
    assert_eq!(
        found(shop, &format!("category={}", unknown_id())),
        [Value::Null; 0]
    );
    let path = format!("/api/v1/products/{}", text(&sencha["id"]));
    let unknown = json!({ "categories": [tea["id"], unknown_id()] });
    let admin = shop.admin();
    let refused = admin.patch(&path).json(&unknown);
    refused.expect_invalid(&[("categories[1]", "unknown")]);
    shop.admin()
        .delete(&own(&tea))
        .expect_problem(409, "category-not-empty");
    let none = json!({ "categories": [] });
    shop.admin().patch(&path).json(&none).expect_json(200);
    assert_eq!(
        found(shop, &format!("category={}", text(&drinks["id"]))),
        [Value::Null; 0]
    );
    shop.admin().delete(&own(&tea)).expect(204);
    shop.nobody()
        .get(&own(&tea))
        .expect_problem(404, "not-found");
}

#[test]
fn a_category_moves_but_not_into_itself() {
    let shop = Shop::shared();
    let drinks = category(shop, "Drinks", None);
    let tea = category(shop, "Tea", Some(&drinks));
    let change =
        |category: &Value, body: Value| shop.admin().patch(&own(category)).json(&body).send();
    change(&drinks, json!({ "parent": tea["id"] })).expect_problem(409, "category-cycle");
    change(&tea, json!({ "parent": unknown_id() })).expect_invalid(&[("parent", "unknown")]);
    let moved = change(&tea, json!({ "parent": null })).expect(200).json();
    assert_members(
        &moved,
        &json!({ "parent": null, "path": tea["slug"], "version": 2 }),
    );
    let again = change(&drinks, json!({ "slug": tea["slug"] }));
    again.expect_problem(409, "path-taken");
    let tree = shop.nobody().get(CATEGORIES).expect_json(200);
    let tree = tree["data"].as_array().expect("a list");
    assert!(tree.iter().any(|one| one["id"] == drinks["id"]));
}
