use mercato_tests::{Response, shop::Shop};
use serde_json::json;

/// The first bytes of what is compressed with gzip (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// A product whose answer is long enough to be compressed, and its path.
fn long_product(shop: &Shop) -> String {
    let body = json!({ "name": "Tea", "description": "leaf ".repeat(400), "price": 1, "stock": 3 });
    let answer = shop.admin().post("/api/v1/products").json(&body).send();
    answer
        .expect(201)
        .header("location")
        .expect("a path")
        .to_owned()
}

fn get(shop: &Shop, path: &str, accepted: &str) -> Response {
    let request = shop.nobody().get(path);
    request
        .header("accept-encoding", accepted)
        .send()
        .expect(200)
}

#[test]
fn long_answers_are_compressed_for_those_who_take_that() {
    let shop = Shop::shared();
    let product = long_product(shop);
    for path in [product.as_str(), "/api/v1/products?limit=100"] {
        let packed = get(shop, path, "gzip, deflate, br");
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert!(packed.bytes().starts_with(&GZIP), "{path}");
        for name in ["accept-encoding", "origin"] {
            assert!(packed.lists("vary", name), "{path}");
        }
    }
    let plain = get(shop, &product, "identity");
    assert_eq!(plain.header("content-encoding"), None);
    let packed = get(shop, &product, "gzip");
    assert!(packed.bytes().len() * 3 < plain.bytes().len());
    let length = packed.bytes().len().to_string();
    assert_eq!(packed.header("content-length"), Some(&*length));
    let head = shop.nobody().request("HEAD", &product);
    let head = head.header("accept-encoding", "gzip").send().expect(200);
    assert_eq!(head.header("content-length"), Some(&*length));
    for refused in ["gzip;q=0", "br", "identity, gzip;q=0.5"] {
        let answer = get(shop, &product, refused);
        assert_eq!(answer.bytes(), plain.bytes(), "{refused}");
    }
}

#[test]
fn tags_of_compressed_answers_are_good_for_reading_and_writing() {
    let shop = Shop::shared();
    let product = long_product(shop);
    let packed = get(shop, &product, "gzip");
    let tag = packed.header("etag").expect("a tag").to_owned();
    assert_ne!(get(shop, &product, "identity").header("etag"), Some(&*tag));
    let again = shop
        .nobody()
        .get(&product)
        .header("accept-encoding", "gzip");
    let again = again.header("if-none-match", &tag).send().expect(304);
    assert_eq!(again.header("etag"), Some(&*tag));
    let admin = shop.admin();
    let change = || {
        admin
            .patch(&product)
            .header("if-match", &tag)
            .json(&json!({ "price": 2 }))
            .send()
    };
    change().expect(200);
    change().expect_problem(412, "version-mismatch");
}

#[test]
fn answers_with_tokens_and_short_answers_are_never_compressed() {
    let shop = Shop::shared();
    let login =
        json!({ "email": mercato_tests::ADMIN_EMAIL, "password": mercato_tests::ADMIN_PASSWORD });
    let request = shop.nobody().post("/api/v1/auth/login").json(&login);
    let answer = request.header("accept-encoding", "gzip").send();
    assert_eq!(answer.header("content-encoding"), None);
    let live = get(shop, "/api/health/live", "gzip");
    assert_eq!(live.header("content-encoding"), None);
    assert_eq!(live.json()["status"], "ok");
}
