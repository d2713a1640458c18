use mercato_tests::shop::Shop;

#[test]
fn what_does_not_exist_is_a_clean_404() {
    let nobody = Shop::shared().nobody();
    for path in [
        "/nowhere",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/carts",
        "/api/v1/auth",
        "/api/v1/auth/nothing",
        "/api/v1/auth/login/",
        "/api/v1/products/",
        "/api/v1/products/a/b",
        "/api/v1/orders/id/",
        "/api/v1/payments/",
        "/api/v1/payments/a/b/c",
        "/api/v1//products",
        "/api/health",
        "/API/V1/products",
        "/api/v1/products/%zz",
        "/api/v1/%2e%2e/products",
        "/api/v1/../v1/products",
        "/api/v1/./products",
        "//api/v1/products",
        "/api%2Fv1%2Fproducts",
        "/api/v1%2Fproducts",
        "/api/v1/products%00",
        "/api/v1/products;a=b",
    ] {
        let problem = nobody.get(path).expect_problem(404, "not-found");
        assert_eq!(problem["path"], path);
    }
}

#[test]
fn an_unknown_version_of_the_api_does_not_exist() {
    let nobody = Shop::shared().nobody();
    for version in ["v0", "v2", "v10", "v1.0", "latest"] {
        for path in ["products", "auth/me", "orders", "payments/webhook"] {
            let path = format!("/api/{version}/{path}");
            nobody.get(&path).expect_problem(404, "not-found");
            nobody.post(&path).expect_problem(404, "not-found");
        }
    }
}

/// Whether a product may have that slug.
fn is_slug(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[test]
fn an_id_in_a_path_must_be_one() {
    let shop = Shop::shared();
    let admin = shop.admin();
    for wrong in [
        "1",
        "not-an-id",
        "01890a5dac96774bbcceb302099a8057",
        "%7B01890a5d-ac96-774b-bcce-b302099a8057%7D",
        "01890a5d-ac96-774b-bcce-b302099a805g",
        "'%20OR%201=1%20--",
    ] {
        for path in ["products", "orders/id", "payments", "payments/order"] {
            let answer = admin.get(&format!("/api/v1/{path}/{wrong}")).send();
            if path == "products" && is_slug(wrong) {
                answer.expect_problem(404, "not-found");
                continue;
            }
            let field = if path == "payments/order" {
                "orderId"
            } else {
                "id"
            };
            answer.expect_invalid(&[(field, "format")]);
        }
    }
}

#[test]
fn a_query_holds_what_is_known_once_and_well_encoded() {
    let nobody = Shop::shared().nobody();
    for (path, field, code) in [
        ("/?x=1", "x", "unknown"),
        ("/api/health/live?x=1", "x", "unknown"),
        ("/api/health/ready?x=1", "x", "unknown"),
        ("/api/v1/products?=1", "", "unknown"),
        ("/api/v1/products?Page=1", "Page", "unknown"),
        ("/api/v1/products?page=1&page=1", "page", "repeated"),
        ("/api/v1/products?%70age=1&page=1", "page", "repeated"),
        ("/api/v1/products?page=%2B1", "page", "type"),
        ("/api/v1/products?page=+1", "page", "type"),
        ("/api/v1/products?page=1%", "page=1%", "format"),
        ("/api/v1/products?q=%ff", "q=%ff", "format"),
    ] {
        nobody.get(path).expect_invalid(&[(field, code)]);
    }
    for path in [
        "/?",
        "/api/v1/products?&&page=1&",
        "/api/v1/products?l%69mit=%31",
    ] {
        nobody.get(path).expect(200);
    }
}
