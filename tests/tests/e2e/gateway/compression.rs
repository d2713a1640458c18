use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use mercato_tests::{
    Response, assert_members,
    shop::{PASSWORD, Shop, unique, unique_email},
};
use serde_json::json;

/// The first bytes of what is compressed with gzip (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// A product whose answer is long enough to be compressed, and its path.
fn long_product(shop: &Shop) -> String {
    let body = json!({ "name": "Tea", "description": "leaf ".repeat(400), "price": 1, "stock": 3 });
    shop.admin()
        .post("/api/v1/products")
        .json(&body)
        .expect(201)
        .expect_header("location")
}

fn get(shop: &Shop, path: &str, accepted: &str) -> Response {
    let request = shop.nobody().get(path);
    request.header("accept-encoding", accepted).expect(200)
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
    let head = head.header("accept-encoding", "gzip").expect(200);
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
    let tag = packed.expect_header("etag");
    assert_ne!(get(shop, &product, "identity").header("etag"), Some(&*tag));
    let again = shop
        .nobody()
        .get(&product)
        .header("accept-encoding", "gzip");
    let again = again.header("if-none-match", &tag).expect(304);
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
    let login = json!({ "email": shop.customer().email, "password": PASSWORD });
    let request = shop.nobody().post("/api/v1/auth/login").json(&login);
    let answer = request.header("accept-encoding", "gzip").expect(200);
    assert_eq!(answer.header("content-encoding"), None);
    let live = get(shop, "/api/health/live", "gzip");
    assert_eq!(live.header("content-encoding"), None);
    assert_eq!(live.json()["status"], "ok");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn register(coding: &str, body: Vec<u8>) -> Response {
    let request = Shop::shared().nobody().post("/api/v1/auth/register");
    let request = request.header("content-encoding", coding);
    request.body("application/json", body).send()
}

fn registration() -> Vec<u8> {
    let body = json!({ "name": "Ada", "email": unique_email(), "password": PASSWORD });
    body.to_string().into_bytes()
}

#[test]
fn a_body_in_gzip_is_read_as_if_it_were_not() {
    for coding in ["gzip", "x-gzip", "identity, GZIP"] {
        register(coding, gzip(&registration())).expect(201);
    }
    register("identity", registration()).expect(201);
    // Its faults are those of what is inside.
    let answer = register("gzip", gzip(b"{\"name\": oops}"));
    answer.expect_problem(400, "malformed-json");
}

#[test]
fn a_packed_import_arrives_row_by_row() {
    let admin = Shop::shared().admin();
    let sku = unique("GZ");
    let rows: String = (0..2_000)
        .map(|row| format!("{sku}-{row},Tea,1.5,{}\n", row % 7))
        .collect();
    let import = |body: Vec<u8>| {
        let request = admin.post("/api/v1/products/import");
        let request = request.header("content-encoding", "gzip");
        request.body("text/csv", body).send()
    };
    let file = gzip(format!("sku,name,price,stock\n{rows}").as_bytes());
    let report = import(file.clone()).expect(200).json();
    assert_members(&report, &json!({ "created": 2_000, "failed": [] }));
    // Several members are one file.
    let members = [gzip(b"sku,name,price,stock\n"), gzip(rows.as_bytes())].concat();
    assert_eq!(import(members).expect(200).json()["unchanged"], 2_000);
    // What was imported before the file broke off stays, and is reported.
    let problem = import(file[..file.len() / 2].to_vec()).expect_problem(400, "invalid-encoding");
    assert!(
        problem["report"]["unchanged"]
            .as_u64()
            .is_some_and(|rows| rows > 0),
        "{problem}"
    );
}

#[test]
fn the_limit_of_a_body_is_for_what_is_unpacked() {
    let name = "x".repeat(70_000);
    let body = gzip(json!({ "name": name }).to_string().as_bytes());
    assert!(body.len() < 1_000);
    let problem = register("gzip", body).expect_problem(413, "payload-too-large");
    assert_eq!(
        problem["detail"],
        "the body must not be larger than 65536 bytes"
    );
    let bomb = gzip(&vec![b' '; 50 * 1024 * 1024]);
    assert!(bomb.len() < 65_536);
    register("gzip", bomb).expect_problem(413, "payload-too-large");
}

#[test]
fn a_body_in_another_coding_is_refused_and_never_misread() {
    for coding in [
        "br",
        "deflate",
        "zstd",
        "compress",
        "gzip, gzip",
        "gzip, br",
    ] {
        let answer = register(coding, registration());
        assert_eq!(
            answer.header("accept-encoding"),
            Some("gzip, identity"),
            "{coding}"
        );
        answer.expect_problem(415, "unsupported-encoding");
    }
    let plain = register("gzip", registration());
    plain.expect_problem(400, "invalid-encoding");
    let packed = gzip(&registration());
    let cut = register("gzip", packed[..packed.len() - 4].to_vec());
    cut.expect_problem(400, "invalid-encoding");
}
