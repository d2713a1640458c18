use mercato_tests::shop::{Shop, unique, unknown_id};
use serde_json::json;

#[test]
fn a_deleted_product_is_gone_from_the_catalogue() {
    let shop = Shop::shared();
    let product = shop.product(1, 1);
    let path = format!("/api/v1/products/{product}");
    let answer = shop.admin().delete(&path).expect(204);
    assert_eq!(answer.bytes(), b"");
    shop.nobody().get(&path).expect_problem(404, "not-found");
    shop.admin().get(&path).expect_problem(404, "not-found");
    shop.admin()
        .patch(&path)
        .json(&json!({ "price": 2 }))
        .expect_problem(404, "not-found");
    shop.admin().delete(&path).expect_problem(404, "not-found");
    let newest = shop
        .admin()
        .get("/api/v1/products?limit=100")
        .expect(200)
        .text();
    assert!(!newest.contains(&product));
}

#[test]
fn old_orders_still_show_a_deleted_product_and_can_be_paid() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(4.5, 3);
    let order = customer.order(&[(&product, 2)]);
    shop.admin()
        .delete(&format!("/api/v1/products/{product}"))
        .expect(204);
    let seen = customer.read_order(&order.id);
    assert_eq!(seen["items"][0]["productId"], product);
    assert!(
        seen["items"][0]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("Tea")),
        "{seen}"
    );
    shop.pay(&order);
    customer.wait_for_order(&order.id, "PAID");
    customer
        .try_order(&[(&product, 1)])
        .expect_problem(409, "lines-rejected");
}

#[test]
fn the_sku_of_a_deleted_product_is_free_again() {
    let admin = Shop::shared().admin();
    let body = json!({ "name": "Tea", "price": 1, "sku": unique("SKU") });
    let create = || admin.post("/api/v1/products").json(&body).send();
    let first = create().expect(201).json();
    create().expect_problem(409, "sku-taken");
    let path = format!("/api/v1/products/{}", first["id"].as_str().expect("an id"));
    admin.delete(&path).expect(204);
    let second = create().expect(201).json();
    assert_ne!(first["id"], second["id"]);
}

#[test]
fn what_does_not_exist_cannot_be_deleted() {
    let admin = Shop::shared().admin();
    admin
        .delete(&format!("/api/v1/products/{}", unknown_id()))
        .expect_problem(404, "not-found");
    admin
        .delete("/api/v1/products/1")
        .expect_invalid(&[("id", "format")]);
}
