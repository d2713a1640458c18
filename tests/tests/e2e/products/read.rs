use mercato_tests::{
    is_rfc3339_milliseconds,
    shop::{Shop, unknown_id},
};

#[test]
fn everyone_sees_what_is_for_sale_and_only_the_admin_the_rest() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}", shop.product(4.99, 3));
    let seen = shop.nobody().get(&path).expect_json(200);
    assert_eq!(seen["price"], 4.99);
    assert_eq!(seen["stock"], 3);
    assert_eq!(seen["available"], true);
    for time in ["createdAt", "updatedAt"] {
        assert!(
            seen[time].as_str().is_some_and(is_rfc3339_milliseconds),
            "{seen}"
        );
    }
    assert!(
        seen.get("reserved").is_none() && seen.get("sold").is_none(),
        "{seen}"
    );
    assert_eq!(shop.customer().get(&path).expect_json(200), seen);
    let by_admin = shop.admin().get(&path).expect_json(200);
    assert_eq!(
        (by_admin["reserved"].as_u64(), by_admin["sold"].as_u64()),
        (Some(0), Some(0))
    );
}

#[test]
fn an_id_in_capitals_is_the_same_id() {
    let shop = Shop::shared();
    let id = shop.product(1, 1);
    let answer = shop
        .nobody()
        .get(&format!("/api/v1/products/{}", id.to_uppercase()))
        .send();
    assert_eq!(answer.expect(200).json()["id"], id);
}

#[test]
fn an_unknown_product_is_not_found() {
    let problem = Shop::shared()
        .nobody()
        .get(&format!("/api/v1/products/{}", unknown_id()))
        .expect_problem(404, "not-found");
    assert_eq!(problem["detail"], "there is no such product");
}

#[test]
fn unknown_parameters_are_named() {
    let shop = Shop::shared();
    let path = format!("/api/v1/products/{}?fields=name", shop.product(1, 1));
    shop.nobody()
        .get(&path)
        .expect_invalid(&[("fields", "unknown")]);
}

#[test]
fn a_product_that_has_not_changed_is_not_sent_again() {
    let shop = Shop::shared();
    let product = shop.product(1, 10);
    let path = format!("/api/v1/products/{product}");
    let read = || shop.nobody().get(&path);
    let tag = read().expect(200).expect_header("etag");
    let unchanged = read().header("if-none-match", &tag).expect(304);
    assert_eq!(unchanged.bytes(), b"");
    assert_eq!(unchanged.header("etag"), Some(&*tag));
    read()
        .header("if-none-match", &format!("\"x\", W/{tag}"))
        .expect(304);
    shop.customer().order(&[(&product, 1)]);
    let fresh = read().header("if-none-match", &tag).expect(200);
    assert_eq!(fresh.json()["stock"], 9, "an order changes what is free");
}
