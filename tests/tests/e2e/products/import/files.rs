//! Files as people have them: quotes, separators, exports of other shops, forms.

use mercato_tests::{assert_members, shop::Shop};
use serde_json::{Value, json};

use super::{CSV, NDJSON, PATH, failures, find, import, import_with, is_listed, report, send, sku};

#[test]
fn a_stray_quote_fails_with_its_lines_and_shifts_nothing() {
    let [desk, lamp, chair, sofa] = [sku(), sku(), sku(), sku()];
    let text = format!(
        "sku,name,description,price,stock\n{desk},Desk,\"3 ft wide,100,1\n{lamp},Lamp,x,20,2\n{chair},Chair,\"nice\",30,3\n{sofa},Sofa,y,400,4\n"
    );
    let report = import(CSV, text);
    assert_eq!(
        failures(&report),
        [(2, 4, "malformed-csv".to_owned())],
        "{report}"
    );
    assert_members(&report, &json!({ "created": 1, "failedTotal": 1 }));
    assert_eq!(find(&sofa)["price"], 400);
    for sku in [desk, lamp, chair] {
        assert!(!is_listed(&sku), "{sku} was taken");
    }
}

#[test]
fn every_fault_of_a_quote_fails_with_its_line() {
    for (row, last) in [
        ("{0},5\" tube,1\n{1},Tea,2\n", 2),
        ("{0},\"5\" tube\",1\n{1},Tea,2\n", 2),
        ("{0},\"Tea\" ,1\r\n{1},Tea,2\r\n", 2),
        ("{0},\"Tea,1\r{1},\"Tea\",9\r", 3),
        ("{0},\"Tea,1\n{1},Tea,9\n", 3),
    ] {
        let (first, second) = (sku(), sku());
        let rows = row.replace("{0}", &first).replace("{1}", &second);
        let report = import(CSV, format!("sku,name,price\n{rows}"));
        assert_eq!(
            failures(&report),
            [(2, last, "malformed-csv".to_owned())],
            "{rows:?}: {report}"
        );
        assert!(!is_listed(&first), "{rows:?}");
        assert_eq!(is_listed(&second), last == 2, "{rows:?}");
    }
}

#[test]
fn files_of_spreadsheets_are_read_as_they_are_saved() {
    let (tea, milk) = (sku(), sku());
    let lines = [
        "sku,name,price",
        &format!("{tea},Tea,4.99"),
        &format!("{milk},\"Milk\",1"),
        ",,",
        ",,",
        "",
    ];
    for (separator, end, expected) in [
        (";", "\r\n", report(2, 0, 0)),
        ("\t", "\r", report(0, 0, 2)),
        (",", "\n", report(0, 0, 2)),
    ] {
        let text = lines.join(end).replace(',', separator);
        assert_eq!(
            import(CSV, format!("\u{feff}{text}")),
            expected,
            "{separator:?}"
        );
    }
    assert_eq!(
        (&find(&tea)["price"], &find(&milk)["name"]),
        (&json!(4.99), &json!("Milk"))
    );
    let report = import(CSV, "sku\tname\rA\t\"x\"y\"\rB\tx\tz");
    let lines: Vec<u64> = failures(&report).iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [2, 3]);
}

/// An export whose products have numbers that no other product has, and the number that one of them has.
fn export(text: &str, prefix: &str, number: &str) -> (String, String) {
    let own = sku();
    let text = text.replace(prefix, &format!("{own}-"));
    (text, number.replace(prefix, &format!("{own}-")))
}

#[test]
fn exports_of_other_shops_are_imported() {
    let one_failure = |report: &Value, line: u64| {
        assert_eq!(
            failures(report),
            [(line, line, "validation".to_owned())],
            "{report}"
        );
    };
    let text = include_str!("../../../data/exports/shopify.csv");
    let (text, lamp) = export(text, "LMP-", "LMP-6");
    let query = "unknown=ignore&columns=sku:Variant%20SKU,name:Title,description:Body%20(HTML),price:Variant%20Price,stock:Variant%20Inventory%20Qty";
    one_failure(&import_with(query, CSV, text), 6);
    let lamp = find(&lamp);
    assert_members(&lamp, &json!({ "price": 39.9, "stock": 12 }));
    let text = include_str!("../../../data/exports/woocommerce.csv");
    let (text, red) = export(text, "TEE-W", "TEE-W-RED");
    // The row of a product with variations has no price of its own.
    let query = "unknown=ignore&columns=price:Regular+price";
    one_failure(&import_with(query, CSV, text), 3);
    assert_eq!(find(&red)["price"].as_f64(), Some(19.0));
    let text = include_str!("../../../data/exports/magento.csv");
    let (text, bag) = export(text, "BAG-", "BAG-M");
    one_failure(
        &import_with("unknown=ignore&columns=stock:qty", CSV, &*text),
        6,
    );
    let bag = find(&bag);
    assert_eq!(
        (bag["price"].as_f64(), &bag["stock"]),
        (Some(34.0), &json!(100))
    );
    // Without the query, columns that are not known are refused as before.
    let refused = send(&Shop::shared().admin(), CSV, text).expect_problem(400, "validation");
    assert_eq!(refused["errors"][0]["code"], "unknown", "{refused}");
}

#[test]
fn a_file_comes_in_a_form_too() {
    const FORM: &str = "multipart/form-data; boundary=----shop";
    let sku = sku();
    let part = |name: &str, file: &str| {
        format!(
            "------shop\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n{file}\r\n"
        )
    };
    let end = "------shop--\r\n";
    let csv = part("list.csv", &format!("sku;name;price\r\n{sku};Tea;1\r\n"));
    assert_eq!(import(FORM, format!("{csv}{end}")), report(1, 0, 0));
    let ndjson = part("list.jsonl", &format!("{{\"sku\":\"{sku}\",\"price\":2}}"));
    assert_eq!(import(FORM, format!("{ndjson}{end}")), report(0, 1, 0));
    let admin = Shop::shared().admin();
    // What came before the fault stays, and the answer reports it.
    let problem =
        send(&admin, FORM, format!("{csv}{csv}{end}")).expect_problem(400, "malformed-multipart");
    assert_eq!(problem["report"]["updated"], 1, "{problem}");
    send(&admin, FORM, csv).expect_problem(400, "malformed-multipart");
    let picture = part("list.png", "x");
    send(&admin, FORM, format!("{picture}{end}")).expect_problem(415, "unsupported-media-type");
    send(&admin, "multipart/form-data", "x").expect_problem(400, "malformed-multipart");
}

#[test]
fn a_header_that_cannot_be_used_is_refused() {
    let admin = Shop::shared().admin();
    for (text, errors) in [
        ("name,price\nTea,1\n", vec![("sku", "required")]),
        (
            "sku,sku,colour\n",
            vec![("sku", "repeated"), ("colour", "unknown")],
        ),
        (
            "sku|name\n",
            vec![("sku|name", "unknown"), ("sku", "required")],
        ),
    ] {
        let problem = send(&admin, CSV, text).expect_invalid(&errors);
        assert!(problem.get("report").is_none(), "{problem}");
    }
    send(&admin, CSV, "").expect_problem(400, "malformed-csv");
    send(&admin, CSV, *b"\xff\xfe\n").expect_problem(400, "malformed-csv");
}

#[test]
fn only_files_of_known_types_are_taken() {
    let admin = Shop::shared().admin();
    for content_type in ["application/json", "text/plain", "application/xml"] {
        send(&admin, content_type, "{}").expect_problem(415, "unsupported-media-type");
    }
    admin
        .post(PATH)
        .expect_problem(415, "unsupported-media-type");
    let query = format!("{PATH}?rehearse=true");
    admin
        .post(&query)
        .body(NDJSON, "")
        .expect_invalid(&[("rehearse", "unknown")]);
}

#[test]
fn parameters_that_say_nothing_clear_are_refused() {
    let admin = Shop::shared().admin();
    for (query, field, code) in [
        ("unknown=skip", "unknown", "format"),
        ("stock=all", "stock", "format"),
        ("columns=cost:A", "columns", "unknown"),
        ("columns=price", "columns", "format"),
        ("columns=price:A&columns=name:B", "columns", "repeated"),
    ] {
        let path = format!("{PATH}?{query}");
        admin
            .post(&path)
            .body(CSV, "sku\n")
            .expect_invalid(&[(field, code)]);
    }
    let path = format!("{PATH}?columns=price:A");
    admin
        .post(&path)
        .body(NDJSON, "")
        .expect_invalid(&[("columns", "exclusive")]);
}
