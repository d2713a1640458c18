//! The import of products: rows, what they change, and how they fail.

mod files;
mod limits;

use mercato_tests::{
    Response, assert_members,
    shop::{Account, Shop, text, unique},
};
use serde_json::{Value, json};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const PATH: &str = "/api/v1/products/import";

fn send(account: &Account, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
    account.post(PATH).body(content_type, body).send()
}

fn import(content_type: &str, body: impl Into<Vec<u8>>) -> Value {
    let admin = Shop::shared().admin();
    send(&admin, content_type, body).expect(200).json()
}

fn report(created: u64, updated: u64, unchanged: u64) -> Value {
    json!({ "created": created, "updated": updated, "unchanged": unchanged, "failed": [], "failedTotal": 0 })
}

/// A number that no other product has, and the product that has it.
fn sku() -> String {
    unique("I").replace(' ', "-")
}

fn find(sku: &str) -> Value {
    let path = format!("/api/v1/products?q={sku}");
    let list = Shop::shared().admin().get(&path).expect_json(200);
    assert_eq!(list["meta"]["total"], 1, "{list}");
    list["data"][0].clone()
}

fn import_with(query: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Value {
    let admin = Shop::shared().admin();
    let path = format!("{PATH}?{query}");
    admin.post(&path).body(content_type, body).expect_json(200)
}

/// The failures of a report: first and last line, and the code.
fn failures(report: &Value) -> Vec<(u64, u64, String)> {
    let failed = report["failed"].as_array().expect("a list");
    let failure = |row: &Value| {
        let line = row["line"].as_u64().expect("a line");
        let code = text(&row["code"]);
        (line, row["lastLine"].as_u64().unwrap_or(line), code)
    };
    failed.iter().map(failure).collect()
}

fn is_listed(sku: &str) -> bool {
    let path = format!("/api/v1/products?q={sku}");
    let list = Shop::shared().admin().get(&path).expect_json(200);
    list["meta"]["total"] != 0
}

#[test]
fn ndjson_makes_and_changes_products_and_repeated_does_nothing() {
    let (tea, milk) = (sku(), sku());
    let text = format!(
        "{}\n{}\n",
        json!({ "sku": tea, "name": " Tea ", "description": "a\nb", "price": 4.99, "stock": 3 }),
        json!({ "sku": milk, "name": "Milk", "price": 1 }),
    );
    assert_eq!(import(NDJSON, &*text), report(2, 0, 0));
    assert_eq!(
        import("application/jsonl; charset=utf-8", &*text),
        report(0, 0, 2)
    );
    let found = find(&tea);
    assert_members(&found, &json!({ "name": "Tea", "description": "a\nb" }));
    assert_members(&found, &json!({ "price": 4.99, "stock": 3 }));
    assert_eq!(found["version"], 1);
    let changed = format!("{{\"sku\":\"{tea}\",\"price\":5}}\n{{\"sku\":\"{milk}\",\"stock\":9}}");
    assert_eq!(import(NDJSON, changed), report(0, 2, 0));
    let found = find(&tea);
    assert_eq!(
        (found["price"].as_f64(), &found["name"]),
        (Some(5.0), &json!("Tea"))
    );
    assert_members(&found, &json!({ "stock": 3, "version": 2 }));
    assert_eq!(find(&milk)["stock"], 9);
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    let sku = sku();
    let text = format!("sku,name,price,shelf\n{sku},Tea,1,A3\n{sku}x,,-1,\n");
    let report = import_with("dryRun=true&unknown=ignore", CSV, text);
    let expected = json!({ "created": 1, "failedTotal": 1, "dryRun": true, "ignored": ["shelf"] });
    assert_members(&report, &expected);
    assert!(!is_listed(&sku));
}

#[test]
fn the_progress_of_an_import_is_told_line_by_line() {
    let sku = sku();
    let rows =
        (0..600).map(|row| format!("{{\"sku\":\"{sku}/{row}\",\"name\":\"Tea\",\"price\":1}}\n"));
    let admin = Shop::shared().admin();
    let request = admin.post(PATH).body(NDJSON, rows.collect::<String>());
    let answer = request.header("accept", NDJSON).send();
    let text = answer.expect(200).text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let seen: Vec<&Value> = lines.iter().map(|line| &line["progress"]["rows"]).collect();
    assert_eq!(seen[..3], [&json!(250), &json!(500), &json!(600)]);
    assert_eq!(lines.last().expect("a line")["report"], report(600, 0, 0));
}

#[test]
fn csv_has_its_columns_in_any_order_and_empty_cells_say_nothing() {
    let (tea, milk) = (sku(), sku());
    let text = format!(
        "\u{feff}price,stock,sku,name,description\r\n4.99,3,{tea},\"Tea, \"\"green\"\"\",\"two\r\nlines\"\r\n1,,{milk},Milk,\r\n"
    );
    assert_eq!(import(CSV, &*text), report(2, 0, 0));
    assert_eq!(import(CSV, &*text), report(0, 0, 2));
    let found = find(&tea);
    assert_eq!(found["name"], "Tea, \"green\"");
    assert_eq!(found["description"], "two\r\nlines");
    assert_eq!(find(&milk)["stock"], 0);
    let changed = format!("sku,name,price,stock\n{tea},,,7\n{milk},Oat milk,,\n");
    assert_eq!(import(CSV, changed), report(0, 2, 0));
    let found = find(&tea);
    assert_members(&found, &json!({ "stock": 7, "price": 4.99 }));
    assert_eq!(find(&milk)["name"], "Oat milk");
}

#[test]
fn a_row_that_breaks_a_rule_fails_alone_and_is_named_by_line() {
    let skus = [sku(), sku(), sku()];
    let text = format!(
        "sku,description,name,price,stock\n{0},\"two\nlines\",Tea,1,1\n,,Nobody,1,1\n{1},,Tea,-1,x\n{1},,Tea\n{1},,,,\n{2},,Milk,1,1\n{2},,\u{7},1,1\n",
        skus[0], skus[1], skus[2]
    );
    let report = import(CSV, text);
    assert_members(&report, &json!({ "created": 2, "failedTotal": 5 }));
    let failed = report["failed"].as_array().expect("a list");
    let seen: Vec<_> = failed
        .iter()
        .map(|row| {
            assert!(
                row["error"].as_str().is_some_and(|text| !text.is_empty()),
                "{row}"
            );
            let errors = row["errors"].as_array().expect("errors");
            let fields: Vec<_> = errors
                .iter()
                .map(|error| error["field"].as_str().unwrap_or_default())
                .collect();
            (
                row["line"].as_u64().unwrap_or_default(),
                row["code"].as_str().unwrap_or_default(),
                fields,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (4, "validation", vec!["sku"]),
            (5, "validation", vec!["stock"]),
            (6, "malformed-csv", vec![]),
            (7, "validation", vec!["name", "price"]),
            (9, "validation", vec!["name"]),
        ]
    );
    let text = "{oops\n\n[]\n{\"sku\":\"\"}\n{\"sku\":\"A\",\"colour\":\"red\"}\n";
    let report = import(NDJSON, text);
    let failed = report["failed"].as_array().expect("a list");
    let seen: Vec<_> = failed
        .iter()
        .map(|row| {
            (
                row["line"].as_u64().unwrap_or_default(),
                row["code"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, "malformed-json"),
            (3, "malformed-json"),
            (4, "validation"),
            (5, "validation")
        ]
    );
}

#[test]
fn of_two_rows_with_the_same_sku_the_later_one_wins() {
    let sku = sku();
    let text = format!("sku,name,price\n{sku},Tea,1\n{sku},Chai,2\n");
    assert_eq!(import(CSV, text), report(1, 1, 0));
    assert_eq!(find(&sku)["name"], "Chai");
}

#[test]
fn the_stock_of_a_row_is_what_is_free_and_orders_keep_theirs() {
    let shop = Shop::shared();
    let sku = sku();
    import(CSV, format!("sku,name,price,stock\n{sku},Tea,1,10\n"));
    let id = find(&sku)["id"].as_str().expect("an id").to_owned();
    let customer = shop.customer();
    shop.buy(&customer, &id, 4);
    customer.order(&[(&id, 1)]);
    shop.wait_for_stock(&id, 5, 1, 4);
    assert_eq!(
        import(CSV, format!("sku,stock\n{sku},7\n")),
        report(0, 1, 0)
    );
    shop.wait_for_stock(&id, 7, 1, 4);
}

#[test]
fn a_file_without_rows_changes_nothing() {
    assert_eq!(import(NDJSON, ""), report(0, 0, 0));
    assert_eq!(import(NDJSON, "\n\n"), report(0, 0, 0));
    assert_eq!(import(CSV, "sku,name\n"), report(0, 0, 0));
}

#[test]
fn units_on_hand_count_the_reserved_ones_in() {
    let shop = Shop::shared();
    let sku = sku();
    let count = |units: u32, price: u32| {
        let text = format!("sku,name,price,stock\n{sku},Tea,{price},{units}\n");
        import_with("stock=onHand", CSV, text)
    };
    assert_eq!(count(10, 1), report(1, 0, 0));
    let id = find(&sku)["id"].as_str().expect("an id").to_owned();
    let customer = shop.customer();
    customer.order(&[(&id, 3)]);
    shop.wait_for_stock(&id, 7, 3, 0);
    assert_eq!(count(10, 1), report(0, 0, 1));
    assert_eq!(count(12, 1), report(0, 1, 0));
    shop.wait_for_stock(&id, 9, 3, 0);
    // Fewer than orders hold: nothing of the row is taken.
    let refused = count(2, 5);
    assert_eq!(failures(&refused), [(2, 2, "validation".to_owned())]);
    assert_eq!(
        refused["failed"][0]["errors"][0]["field"], "stock",
        "{refused}"
    );
    shop.wait_for_stock(&id, 9, 3, 0);
    assert_eq!(find(&sku)["price"], 1);
}
