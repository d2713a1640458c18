//! Searches that find much, over and over.

use std::fmt::Write as _;

use mercato_tests::shop::Shop;
use mercato_tests::{Server, is_quick};
use mercato_tests::{
    assert_members,
    load::{Crowd, Latencies},
};
use serde_json::json;

/// More products than are ranked.
const PRODUCTS: u32 = 12_000;

/// How many times as long as without a crowd others may wait.
const RATIO_MAX: f64 = 10.0;

/// Connections that do nothing but search.
const SEARCHERS: usize = 64;

/// A server with a catalogue in which every product is an item; one in a thousand is rare.
fn server_with_items() -> Server {
    let server = Server::start();
    let mut rows = String::new();
    for number in 0..PRODUCTS {
        let rare = if number % 1_000 == 0 { "rare" } else { "usual" };
        let row = json!({
            "sku": format!("I-{number}"),
            "name": format!("Item {number}"),
            "description": format!("a common article of the shop, {rare}"),
            "price": number % 977 + 1,
            "stock": number % 7,
        });
        writeln!(rows, "{row}").expect("a string");
    }
    let admin = Shop::on(&server).admin();
    let import = admin.post("/api/v1/products/import");
    let report = import.body("application/x-ndjson", rows).send();
    assert_eq!(report.expect(200).json()["created"], PRODUCTS);
    server
}

#[test]
fn a_word_that_every_product_has_costs_what_a_rare_one_costs() {
    let _alone = mercato_tests::load::alone();
    if is_quick() {
        return;
    }
    let server = server_with_items();
    let client = server.client();
    let time = |query: &str| {
        let path = format!("/api/v1/products?{query}");
        Latencies::of(40, || {
            client.get(&path).expect(200);
        })
    };
    time("q=rare");
    let rare = time("q=rare");
    let words = "item+".repeat(40);
    let repeated = format!("q={}", words.trim_end_matches('+'));
    // A filter is evaluated for up to twenty thousand products; without one, nothing is read but the page and what is counted.
    for (query, ratio_max) in [
        ("q=item", 10.0),
        ("q=i", 10.0),
        ("q=common+article+item", 10.0),
        ("q=item&sort=price", 10.0),
        (&*repeated, 10.0),
        ("q=item&sort=-name&inStock=true", 40.0),
    ] {
        println!("{query}, at most {ratio_max} times as long as a rare word");
        rare.expect_no_slower(50, ratio_max, || time(query));
    }
    let list = client.get("/api/v1/products?q=item").expect(200);
    let meta = &list.json()["meta"];
    assert_members(
        meta,
        &json!({ "total": 10_000, "totalIsExact": false, "lastPage": 1_000 }),
    );
}

#[test]
fn a_crowd_that_searches_leaves_others_their_answers() {
    let _alone = mercato_tests::load::alone();
    if is_quick() {
        return;
    }
    let server = server_with_items();
    let client = server.client();
    let id = client.get("/api/v1/products?limit=1").expect_json(200);
    let product = format!(
        "/api/v1/products/{}",
        id["data"][0]["id"].as_str().expect("an id")
    );
    let time = |path: &str| {
        Latencies::of(200, || {
            client.get(path).expect(200);
        })
    };
    time(&product);
    let (idle_product, idle_live) = (time(&product), time("/api/health/live"));
    let words = "item+".repeat(40);
    let searches = [
        format!("/api/v1/products?q={}", words.trim_end_matches('+')),
        "/api/v1/products?q=even+common+article+shop+i&sort=name&maxPrice=900".to_owned(),
    ];
    let searchers: Vec<_> = (0..SEARCHERS).map(|_| server.client()).collect();
    let crowd = Crowd::start(SEARCHERS, move |number| {
        let path = &searches[number % searches.len()];
        // Refusals are answers too.
        let answer = searchers[number].get(path).send();
        assert!(
            matches!(answer.status(), 200 | 429 | 503),
            "{}",
            answer.status()
        );
    });
    idle_product.expect_no_slower(99, RATIO_MAX, || time(&product));
    idle_live.expect_no_slower(99, RATIO_MAX, || time("/api/health/live"));
    drop(crowd);
}
