//! Every check notices a document that is not true.

use serde_json::{Value, json};

use super::{DOCUMENT, complaints};

/// A change of the true document, and a part of what must be said of it.
fn expect(pointer: &str, value: Value, complaint: &str) {
    let mut document = DOCUMENT.clone();
    let place = document.pointer_mut(pointer);
    *place.unwrap_or_else(|| panic!("{pointer} is nowhere")) = value;
    let found = complaints(&document);
    assert!(
        found.iter().any(|found| found.contains(complaint)),
        "{pointer}: {found:?}"
    );
}

fn example(path: &str, method: &str, status: &str, name: &str, member: &str) -> String {
    let media_type = match status.as_bytes() {
        [b'2', ..] => "application/json",
        _ => "application/problem+json",
    };
    let escaped = [path, media_type].map(|text| text.replace('/', "~1"));
    let [path, media_type] = escaped;
    format!(
        "/paths/{path}/{method}/responses/{status}/content/{media_type}/examples/{name}/value{member}"
    )
}

fn order(name: &str, member: &str) -> String {
    example("/api/v1/orders/id/{id}", "get", "200", name, member)
}

#[test]
fn a_body_without_an_example_is_noticed() {
    let pointer = "/paths/~1api~1v1~1orders/post/responses/201/content/application~1json/examples";
    expect(
        pointer,
        json!({}),
        "createOrder 201 application/json: there is no example",
    );
    let pointer = "/paths/~1api~1v1~1orders/post/requestBody/content/application~1json/examples";
    expect(
        pointer,
        json!({}),
        "createOrder request application/json: there is no example",
    );
}

#[test]
fn an_example_that_is_not_as_its_schema_says_is_noticed() {
    expect(
        &order("paid", "/currency"),
        json!("euro"),
        "getOrder 200 paid",
    );
    expect(
        &order("paid", "/createdAt"),
        json!("yesterday"),
        "date-time",
    );
    expect(&order("paid", "/id"), json!("M-1"), "uuid");
}

#[test]
fn a_problem_of_another_answer_is_noticed() {
    let of = |member| example("/api/v1/orders", "post", "409", "lines-rejected", member);
    expect(&of("/status"), json!(400), "status is 400 and not 409");
    expect(&of("/statusCode"), json!(400), "statusCode is 400");
    expect(&of("/instance"), json!("/api/v1/products"), "instance is");
    expect(
        &of("/type"),
        json!("https://mercato.dev/problems/conflict"),
        "the kind is",
    );
    expect(&of("/message"), json!("no"), "message is");
    let elsewhere = example(
        "/api/v1/orders/id/{id}",
        "get",
        "404",
        "not-found",
        "/instance",
    );
    expect(&elsewhere, json!("/api/v1/orders/id/{id}"), "instance is");
    let description = "/paths/~1api~1v1~1orders/post/responses/409/description";
    expect(
        description,
        json!("`out-of-milk`"),
        "there is no example of out-of-milk",
    );
}

#[test]
fn sums_that_do_not_agree_are_noticed() {
    expect(
        &order("paid", "/totalAmount"),
        json!(24),
        "totalAmount is 24 and not 25",
    );
    expect(&order("paid", "/totalItems"), json!(3), "totalItems is 3");
    expect(
        &order("paid", "/payment/refundedAmount"),
        json!(26),
        "was refunded of",
    );
    expect(
        &order("paid", "/payment/refundedAmount"),
        json!(25),
        "is SUCCEEDED",
    );
    let changed = example("/api/v1/orders", "post", "409", "total-changed", "/total");
    expect(&changed, json!(26), "total is 26 and not 25");
    let stats = |member| example("/api/v1/orders/stats", "get", "200", "stats", member);
    expect(&stats("/total"), json!(1), "total is 1");
    expect(&stats("/revenue"), json!(1), "revenue is 1");
    expect(&stats("/byCurrency/0/net"), json!(1), "net is 1");
    expect(&stats("/byCurrency/0/currency"), json!("JPY"), "leaves");
    let list = |member| example("/api/v1/orders", "get", "200", "orders", member);
    expect(&list("/meta/total"), json!(3), "page 1 of 3 entries has 2");
    expect(&list("/meta/lastPage"), json!(2), "lastPage");
    expect(&list("/meta/next"), json!("abc"), "next does not fit");
    let product = example(
        "/api/v1/products/{id}",
        "get",
        "200",
        "customer",
        "/available",
    );
    expect(&product, json!(false), "available is false");
    let low = |member| example("/api/v1/products/stats", "get", "200", "saucers", member);
    expect(&low("/lowStock/0/stock"), json!(11), "does not run out");
    expect(&low("/products"), json!(0), "outOfStock is");
    let import = example(
        "/api/v1/products/import",
        "post",
        "200",
        "report",
        "/failedTotal",
    );
    expect(&import, json!(2), "failedTotal is 2");
}

#[test]
fn states_that_cannot_be_are_noticed() {
    expect(&order("pending", "/paid"), json!(true), "has paid true");
    expect(
        &order("pending", "/paidAt"),
        json!("2026-03-01T09:30:00.000Z"),
        "has paidAt",
    );
    expect(&order("paid", "/receipt"), json!(null), "has receipt null");
    expect(
        &order("paid", "/updatedAt"),
        json!("2026-01-01T09:30:00.000Z"),
        "updated before",
    );
    expect(
        &order("paid", "/payment/status"),
        json!("FAILED"),
        "has a payment that is",
    );
    expect(
        &order("paid", "/payment/amount"),
        json!(24),
        "not of the order's total",
    );
    expect(
        &order("paid", "/history/1/to"),
        json!("DELIVERED"),
        "does not end with PAID",
    );
    expect(
        &order("pending", "/payment/session"),
        json!(null),
        "has session null",
    );
    expect(
        &order("paid", "/payment/receiptUrl"),
        json!(null),
        "has receiptUrl null",
    );
}

#[test]
fn an_answer_that_its_operation_does_not_lead_to_is_noticed() {
    let complaint = "this is not what the operation leads to";
    let placed = |member| example("/api/v1/orders", "post", "201", "placed", member);
    expect(
        &placed("/order/status"),
        json!("PAID"),
        &format!("createOrder 201 placed: {complaint}"),
    );
    for (path, method, status, name, member, value) in [
        (
            "/api/v1/orders/{statusOrId}",
            "patch",
            "200",
            "cancelled",
            "/status",
            json!("PENDING"),
        ),
        (
            "/api/v1/payments/session",
            "post",
            "200",
            "open",
            "/status",
            json!("FAILED"),
        ),
        (
            "/api/v1/payments/mock/checkout/{sessionId}",
            "post",
            "200",
            "paid",
            "/status",
            json!("PENDING"),
        ),
        (
            "/api/v1/payments/mock/checkout/{sessionId}",
            "post",
            "200",
            "declined",
            "/status",
            json!("FAILED"),
        ),
        (
            "/api/v1/payments/{id}/refund",
            "post",
            "200",
            "part-refunded",
            "/refundedAmount",
            json!(0),
        ),
        (
            "/api/v1/payments/{id}/refund",
            "post",
            "202",
            "written-down",
            "/refundedAmount",
            json!(1),
        ),
        (
            "/api/v1/payments/outbox/{eventId}/retry",
            "post",
            "200",
            "under-way",
            "/parked",
            json!(true),
        ),
        (
            "/api/v1/products",
            "post",
            "201",
            "cup",
            "/version",
            json!(2),
        ),
        (
            "/api/v1/auth/register",
            "post",
            "201",
            "customer",
            "/user/role",
            json!("admin"),
        ),
    ] {
        expect(
            &example(path, method, status, name, member),
            value,
            complaint,
        );
    }
    let by_status = example("/api/v1/orders/{statusOrId}", "get", "200", "paid", "/data");
    expect(
        &by_status,
        json!([{"status": "PAID"}, {"status": "PENDING"}]),
        complaint,
    );
}

#[test]
fn another_thing_of_the_same_id_is_noticed() {
    expect(&order("paid", "/number"), json!("M-0000-0000"), "number of");
    let other = "00000000-0000-7000-8000-000000000000";
    let payment = example("/api/v1/payments/{id}", "get", "200", "paid", "/orderId");
    expect(&payment, json!(other), "no operation shows orderId");
    let cup = example("/api/v1/products", "get", "200", "customer", "/data/1/name");
    expect(&cup, json!("Tea cup"), "name of");
}

#[test]
fn a_padlock_where_none_belongs_is_noticed() {
    let security = |path: &str, method: &str| format!("/paths/{path}/{method}/security");
    let bearer = json!([{"bearer": []}]);
    expect(
        &security("~1api~1v1~1products", "get"),
        bearer.clone(),
        "listProducts: security",
    );
    expect(
        &security("~1api~1v1~1auth~1login", "post"),
        bearer,
        "logIn: security",
    );
    expect(
        &security("~1api~1v1~1orders", "post"),
        json!([]),
        "createOrder: security",
    );
}

#[test]
fn a_key_that_is_filled_in_is_noticed() {
    let mut document = DOCUMENT.clone();
    let parameters = document
        .pointer_mut("/paths/~1api~1v1~1orders/post/parameters")
        .unwrap();
    let key = parameters
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|known| known["name"] == "Idempotency-Key");
    key.unwrap()["example"] = json!("basket-7f3a");
    let found = complaints(&document);
    assert!(
        found.contains(&"createOrder: Idempotency-Key is filled in".to_owned()),
        "{found:?}"
    );
}
