use mercato_tests::{
    assert_members, is_rfc3339_milliseconds,
    shop::{Shop, text, unknown_id},
};
use serde_json::json;

#[test]
fn a_payment_is_read_by_its_id_or_its_order() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(3.5, 2);
    let by_order = customer
        .get(&format!("/api/v1/payments/order/{}", order.id))
        .expect_json(200);
    let id = by_order["id"].as_str().expect("an id");
    let answer = customer.get(&format!("/api/v1/payments/{id}")).expect(200);
    assert!(answer.header("etag").is_some());
    assert_eq!(answer.json(), by_order);
    assert_eq!(by_order["orderId"], order.id);
    assert_eq!(by_order["amount"].as_f64(), Some(7.0));
    assert_eq!(by_order["refundedAmount"].as_f64(), Some(0.0));
    assert_eq!(by_order["currency"], "USD");
    assert_eq!(by_order["status"], "PENDING");
    assert_eq!(by_order["provider"], "stripe-mock");
    for time in ["createdAt", "updatedAt"] {
        assert!(
            by_order[time].as_str().is_some_and(is_rfc3339_milliseconds),
            "{by_order}"
        );
    }
    assert_eq!(
        shop.admin()
            .get(&format!("/api/v1/payments/{id}"))
            .expect_json(200),
        by_order
    );
}

#[test]
fn somebody_elses_payment_does_not_exist() {
    let shop = Shop::shared();
    let (_, _, order) = shop.pending_order(3, 1);
    let other = shop.customer();
    let payment = shop.payment_of(&order.id);
    let id = payment["id"].as_str().expect("an id");
    for path in [
        id.to_owned(),
        format!("order/{}", order.id),
        unknown_id(),
        format!("order/{}", unknown_id()),
    ] {
        other
            .get(&format!("/api/v1/payments/{path}"))
            .expect_problem(404, "not-found");
    }
}

#[test]
fn a_paid_payment_has_a_receipt() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.paid_order(3, 1);
    let payment = shop.payment_of(&order.id);
    assert_eq!(payment["status"], "SUCCEEDED");
    let url = payment["receiptUrl"].as_str().expect("a URL");
    assert_eq!(customer.read_order(&order.id)["receipt"]["url"], url);
    let page = shop.nobody().get(url).expect(200);
    assert!(
        page.text().contains(&order.id),
        "the receipt names the order"
    );
}

#[test]
fn a_payment_that_is_unchanged_is_not_sent_again() {
    let shop = Shop::shared();
    let (customer, _, order) = shop.pending_order(1, 1);
    let path = format!("/api/v1/payments/order/{}", order.id);
    let read = || customer.get(&path);
    let tag = read().expect(200).expect_header("etag");
    read().header("if-none-match", &tag).expect(304);
    shop.pay(&order);
    read().header("if-none-match", &tag).expect(200);
}

#[test]
fn the_admin_walks_through_all_payments_newest_first() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let product = shop.product(3, 9);
    let mut made: Vec<String> = (0..3)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            let order = customer.order(&[(&product, 1)]);
            text(&shop.payment_of(&order.id)["id"])
        })
        .collect();
    made.reverse();
    let page = |query: &str| {
        let path = format!("/api/v1/payments?{query}");
        admin.get(&path).expect_json(200)
    };
    let mut seen = Vec::new();
    let mut list = page("limit=2");
    // Others make payments at the same time: these are among the first ones, in their order.
    for _ in 0..50 {
        let payments = list["data"].as_array().expect("a list");
        seen.extend(payments.iter().map(|payment| text(&payment["id"])));
        let is_done = made.iter().all(|id| seen.contains(id));
        match list["meta"]["next"].as_str() {
            Some(next) if !is_done => list = page(&format!("limit=2&after={next}")),
            _ => break,
        }
    }
    let found: Vec<&String> = seen.iter().filter(|id| made.contains(id)).collect();
    assert_eq!(found, made.iter().collect::<Vec<_>>());
    assert!(list["meta"]["total"].as_u64() >= Some(3));
    admin
        .get("/api/v1/payments?status=PAID")
        .expect_problem(400, "validation");
}

#[test]
fn refunds_of_a_payment_are_listed_with_reasons_for_admins_only() {
    let shop = Shop::shared();
    let (admin, customer) = (shop.admin(), shop.customer());
    let order = shop.buy(&customer, &shop.product(10, 5), 2);
    let payment = text(&shop.payment_of(&order.id)["id"]);
    let path = format!("/api/v1/payments/{payment}/refunds");
    assert_eq!(customer.get(&path).expect_json(200)["data"], json!([]));
    for (amount, reason) in [(2.5, "One cup broken"), (1.25, "Late")] {
        let refund = admin.post(&format!("/api/v1/payments/{payment}/refund"));
        let body = json!({ "amount": amount, "reason": reason });
        refund.json(&body).expect(200);
    }
    let seen = admin.get(&path).expect_json(200);
    let refunds = seen["data"].as_array().expect("a list");
    assert_eq!((refunds.len(), &seen["meta"]["total"]), (2, &json!(2)));
    assert_members(
        &refunds[0],
        &json!({ "amount": 2.5, "status": "SUCCEEDED", "reason": "One cup broken" }),
    );
    assert_eq!(
        (
            &refunds[0]["currency"],
            &refunds[1]["amount"],
            &refunds[1]["error"]
        ),
        (&json!("USD"), &json!(1.25), &json!(null))
    );
    let created = refunds[0]["createdAt"].as_str().expect("a time");
    assert!(is_rfc3339_milliseconds(created), "{created}");
    let own = customer.get(&path).expect_json(200);
    assert_eq!(own["data"][0]["reason"], json!(null));
    let first = admin.get(&format!("{path}?limit=1")).expect_json(200);
    let next = first["meta"]["next"].as_str().expect("a next page");
    let second = admin
        .get(&format!("{path}?limit=1&after={next}"))
        .expect_json(200);
    assert_eq!(
        (&second["data"][0], &second["meta"]["next"]),
        (&refunds[1], &json!(null))
    );
    let unknown = format!("/api/v1/payments/{}/refunds", unknown_id());
    admin.get(&unknown).expect_problem(404, "not-found");
}
