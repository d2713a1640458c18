use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use mercato_tests::{
    Response, Server, assert_members, is_quick, left_out,
    shop::{Account, Shop, text, unique},
    wait_until,
};
use serde_json::{Value, json};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const PATH: &str = "/api/v1/products/import";

/// What `cargo xtask up` allows a body to have, and the route too.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

const REPORTED_FAILURES_MAX: usize = 10_000;

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

#[test]
fn ndjson_makes_products_changes_them_and_sent_again_does_nothing() {
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
fn a_row_that_breaks_a_rule_fails_by_itself_and_is_named_by_its_line() {
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
fn of_many_failures_the_first_are_told_and_all_are_counted() {
    let report = import(NDJSON, "oops\n".repeat(2 * REPORTED_FAILURES_MAX));
    assert_eq!(report["failedTotal"], 2 * REPORTED_FAILURES_MAX);
    let failed = report["failed"].as_array().expect("a list");
    assert_eq!(failed.len(), REPORTED_FAILURES_MAX);
    assert_eq!(failed[99]["line"], 100);
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
    let query = format!("{PATH}?dryRun=true");
    admin
        .post(&query)
        .body(NDJSON, "")
        .expect_invalid(&[("dryRun", "unknown")]);
}

#[test]
fn a_row_that_is_too_long_fails_by_itself() {
    let sku = sku();
    let long = "x".repeat(64 * 1024);
    let text =
        format!("{{\"sku\":\"{long}\"}}\n{{\"sku\":\"{sku}\",\"name\":\"Tea\",\"price\":1}}");
    let report = import(NDJSON, text);
    assert_members(&report, &json!({ "created": 1, "failedTotal": 1 }));
    assert_eq!(report["failed"][0]["code"], "row-too-long");
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
    let text = include_str!("../../data/exports/shopify.csv");
    let (text, lamp) = export(text, "LMP-", "LMP-6");
    let query = "unknown=ignore&columns=sku:Variant%20SKU,name:Title,description:Body%20(HTML),price:Variant%20Price,stock:Variant%20Inventory%20Qty";
    one_failure(&import_with(query, CSV, text), 6);
    let lamp = find(&lamp);
    assert_members(&lamp, &json!({ "price": 39.9, "stock": 12 }));
    let text = include_str!("../../data/exports/woocommerce.csv");
    let (text, red) = export(text, "TEE-W", "TEE-W-RED");
    // The row of a product with variations has no price of its own.
    let query = "unknown=ignore&columns=price:Regular+price";
    one_failure(&import_with(query, CSV, text), 3);
    assert_eq!(find(&red)["price"].as_f64(), Some(19.0));
    let text = include_str!("../../data/exports/magento.csv");
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
    // What came before the fault stays, and the answer tells it.
    let problem =
        send(&admin, FORM, format!("{csv}{csv}{end}")).expect_problem(400, "malformed-multipart");
    assert_eq!(problem["report"]["updated"], 1, "{problem}");
    send(&admin, FORM, csv).expect_problem(400, "malformed-multipart");
    let picture = part("list.png", "x");
    send(&admin, FORM, format!("{picture}{end}")).expect_problem(415, "unsupported-media-type");
    send(&admin, "multipart/form-data", "x").expect_problem(400, "malformed-multipart");
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

#[test]
fn what_came_before_the_body_broke_off_stays() {
    /// More than a server may hold back before it hands a body on.
    const LENGTH: usize = 2 * 1024 * 1024;
    let shop = Shop::shared();
    let address = shop
        .nobody()
        .base_url()
        .trim_start_matches("http://")
        .to_owned();
    let sku = sku();
    let row = json!({ "sku": sku, "name": "Tea", "price": 1 });
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
        shop.admin().token,
        2 * LENGTH
    );
    let half = "\n".repeat(LENGTH);
    write!(stream, "{head}{row}{half}{{\"sku\":").expect("a request");
    stream
        .shutdown(Shutdown::Write)
        .expect("a half-closed connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok();
    // A server may hang up on a client that has done so, without an answer.
    if !answer.is_empty() {
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("problems/incomplete-body"), "{answer}");
        assert!(answer.contains("\"report\":{\"created\":1,"), "{answer}");
    }
    wait_until("the row that came whole", || {
        let path = format!("/api/v1/products?q={sku}");
        let list = shop.nobody().get(&path).expect_json(200);
        (list["meta"]["total"] == 1).then_some(())
    });
}

#[test]
fn more_bytes_or_rows_than_a_file_may_have_are_refused() {
    if is_quick() {
        return;
    }
    let admin = Shop::shared().admin();
    let too_large = admin
        .post(PATH)
        .body(NDJSON, vec![b'\n'; FILE_BYTES_MAX + 1]);
    // A server may hang up while the client is still sending, which then sees no answer.
    if let Ok(answer) = too_large.try_send() {
        answer.expect_problem(413, "payload-too-large");
    }
    let fits = send(&admin, NDJSON, vec![b'\n'; FILE_BYTES_MAX]).expect(200);
    assert_eq!(fits.json(), report(0, 0, 0));
    let problem =
        send(&admin, NDJSON, "oops\n".repeat(100_001)).expect_problem(413, "too-many-rows");
    assert_eq!(problem["report"]["failedTotal"], 100_000);
}

/// A file of that many rows; what is not in `row` is the same in all.
fn rows(count: usize, row: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for number in 0..count {
        row(&mut text, number);
        text.push('\n');
    }
    text
}

#[test]
fn fifty_thousand_rows_are_one_request() {
    const ROWS: usize = 50_000;
    if is_quick() {
        return;
    }
    let server = Server::start();
    let shop = Shop::on(&server);
    let admin = shop.admin();
    let ndjson = rows(ROWS, |text, number| {
        write!(
            text,
            "{{\"sku\":\"S-{number}\",\"name\":\"Tea {number}\",\"description\":\"Leaves, vintage Y{}\",\"price\":{}.5,\"stock\":{}}}",
            1900 + number % 100,
            number % 1_000,
            number % 50,
        )
        .expect("text");
    });
    let answer = send(&admin, NDJSON, &*ndjson).expect(200).json();
    assert_eq!(answer, report(ROWS as u64, 0, 0));
    let csv = "sku,stock\n".to_owned()
        + &rows(ROWS, |text, number| {
            write!(text, "S-{number},60").expect("text")
        });
    assert_eq!(
        send(&admin, CSV, &*csv).expect(200).json(),
        report(0, ROWS as u64, 0)
    );
    assert_eq!(
        send(&admin, CSV, &*csv).expect(200).json(),
        report(0, 0, ROWS as u64)
    );
    let stats = admin.get("/api/v1/products/stats").expect_json(200);
    assert_members(&stats, &json!({ "products": ROWS, "outOfStock": 0 }));
    let found = |query: &str| {
        let path = format!("/api/v1/products?{query}");
        shop.nobody().get(&path).expect_json(200)
    };
    assert_eq!(found("q=tea+49999")["data"][0]["sku"], "S-49999");
    assert_eq!(found("q=leaves+y1950")["meta"]["total"], ROWS / 100);
    let all = found("q=tea&limit=1");
    assert_members(
        &all["meta"],
        &json!({ "total": 10_000, "totalIsExact": false }),
    );
}

/// The most memory that a process has had at a time, in KiB, where the system tells.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    const BYTES: usize = 60 * 1024 * 1024;
    if is_quick() {
        return;
    }
    let server = Server::start();
    let shop = Shop::on(&server);
    let admin = shop.admin();
    let line = |letters| {
        let description = "x".repeat(letters);
        format!("{{\"sku\":\"A\",\"description\":\"{description}\"}}\n")
    };
    // As many failures as are told, so that the report is as long.
    let small = line(1).repeat(REPORTED_FAILURES_MAX + 1);
    send(&admin, NDJSON, small).expect(200);
    let Some(before) = peak_kib(server.process_id()) else {
        left_out("this system does not tell the memory of a process");
        return;
    };
    let line = line(4_000);
    let large = line.repeat(BYTES / line.len());
    let answer = send(&admin, NDJSON, large).expect(200).json();
    assert_eq!(answer["failedTotal"], BYTES / line.len());
    let grown = peak_kib(server.process_id()).expect("a peak") - before;
    assert!(grown * 1024 < BYTES as u64 / 4, "{grown} KiB more");
}
