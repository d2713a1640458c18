//! How much an import takes, and what is left of one that broke off.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use mercato_tests::{Server, assert_members, is_quick, left_out, shop::Shop, wait_until};
use serde_json::json;

use super::{CSV, NDJSON, PATH, import, report, send, sku};

/// What `cargo xtask up` allows a body to have, and the route too.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

const REPORTED_FAILURES_MAX: usize = 10_000;

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
fn a_row_that_is_too_long_fails_by_itself() {
    let sku = sku();
    let long = "x".repeat(64 * 1024);
    let text =
        format!("{{\"sku\":\"{long}\"}}\n{{\"sku\":\"{sku}\",\"name\":\"Tea\",\"price\":1}}");
    let report = import(NDJSON, text);
    assert_members(&report, &json!({ "created": 1, "failedTotal": 1 }));
    assert_eq!(report["failed"][0]["code"], "row-too-long");
}

#[test]
fn of_many_failures_the_first_are_listed_and_all_are_counted() {
    let report = import(NDJSON, "oops\n".repeat(2 * REPORTED_FAILURES_MAX));
    assert_eq!(report["failedTotal"], 2 * REPORTED_FAILURES_MAX);
    let failed = report["failed"].as_array().expect("a list");
    assert_eq!(failed.len(), REPORTED_FAILURES_MAX);
    assert_eq!(failed[99]["line"], 100);
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
    // As many failures as are reported, so that the report is as long.
    let small = line(1).repeat(REPORTED_FAILURES_MAX + 1);
    send(&admin, NDJSON, small).expect(200);
    let Some(before) = server.peak_memory_bytes() else {
        left_out("this system does not say how much memory a process has");
        return;
    };
    let line = line(4_000);
    let large = line.repeat(BYTES / line.len());
    let answer = send(&admin, NDJSON, large).expect(200).json();
    assert_eq!(answer["failedTotal"], BYTES / line.len());
    let grown = server.peak_memory_bytes().expect("a peak") - before;
    // What is under way at a time: up to a quarter of the file where the client is much faster than the shop.
    assert!(grown < BYTES as u64 / 2, "{grown} bytes more");
}
