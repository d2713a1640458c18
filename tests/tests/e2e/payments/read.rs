use mercato_tests::{
    is_rfc3339_milliseconds,
    shop::{Shop, unknown_id},
};

#[test]
fn a_payment_is_read_by_its_id_or_its_order() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = customer.order(&[(&shop.product(3.5, 5), 2)]);
    let by_order = customer
        .get(&format!("/api/v1/payments/order/{}", order.id))
        .send()
        .expect(200)
        .json();
    let id = by_order["id"].as_str().expect("an id");
    let answer = customer
        .get(&format!("/api/v1/payments/{id}"))
        .send()
        .expect(200);
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
            .send()
            .expect(200)
            .json(),
        by_order
    );
}

#[test]
fn somebody_elses_payment_does_not_exist() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    let order = customer.order(&[(&shop.product(3, 5), 1)]);
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
            .send()
            .expect_problem(404, "not-found");
    }
}

#[test]
fn a_paid_payment_has_a_receipt() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = shop.paid_order(&customer, &shop.product(3, 5), 1);
    let payment = shop.payment_of(&order.id);
    assert_eq!(payment["status"], "SUCCEEDED");
    let url = payment["receiptUrl"].as_str().expect("a URL");
    assert_eq!(customer.read_order(&order.id)["receipt"]["url"], url);
    let page = shop.nobody().get(url).send().expect(200);
    assert!(
        page.text().contains(&order.id),
        "the receipt names the order"
    );
}

#[test]
fn a_payment_that_is_unchanged_is_not_sent_again() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let order = customer.order(&[(&shop.product(1, 5), 1)]);
    let path = format!("/api/v1/payments/order/{}", order.id);
    let read = || customer.get(&path);
    let tag = read().send().expect(200).header("etag").map(str::to_owned);
    let tag = tag.expect("an entity tag");
    read().header("if-none-match", &tag).send().expect(304);
    shop.pay(&order);
    read().header("if-none-match", &tag).send().expect(200);
}
