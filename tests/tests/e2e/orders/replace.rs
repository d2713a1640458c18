use mercato_tests::{
    Response, assert_members,
    shop::{Account, Placed, Shop, order_of, text, unknown_id},
};
use serde_json::{Value, json};

/// Asks for an order that takes the place of another one.
fn replace(customer: &Account, older: &str, product: &str, units: u32) -> Response {
    let mut body = order_of(&[(product, units)]);
    body["replaces"] = json!(older);
    customer.post("/api/v1/orders").json(&body).send()
}

fn expecting(customer: &Account, product: &str, total: impl Into<Value>) -> Response {
    let mut body = order_of(&[(product, 3)]);
    body["expectedTotal"] = total.into();
    customer.post("/api/v1/orders").json(&body).send()
}

#[test]
fn an_order_takes_the_place_and_the_stock_of_an_older_one() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(2, 5);
    let older = customer.order(&[(&product, 4)]);
    let newer = Placed::from(
        replace(&customer, &older.id, &product, 5)
            .expect(201)
            .json(),
    );
    let ended = customer.read_order(&older.id);
    assert_eq!(ended["status"], "CANCELLED");
    assert_eq!(ended["payment"]["status"], "CANCELLED");
    let last = ended["history"].as_array().and_then(|lines| lines.last());
    let reason = text(&last.expect("a history")["reason"]);
    assert!(reason.contains(&newer.id), "{reason}");
    shop.wait_for_stock(&product, 0, 5, 0);
    shop.check_out(&older.session_id, "succeed")
        .expect_problem(409, "conflict");
    shop.pay(&newer);
    customer.wait_for_order(&newer.id, "PAID");

    let again = replace(&customer, &older.id, &product, 1);
    let again = again.expect_problem(409, "already-replaced");
    assert_eq!(again["replacedBy"], json!(newer.id));
    let paid = replace(&customer, &newer.id, &product, 1);
    let paid = paid.expect_problem(409, "invalid-transition");
    assert_members(&paid, &json!({ "from": "PAID", "to": "CANCELLED" }));
}

#[test]
fn nobody_replaces_what_is_not_theirs() {
    let shop = Shop::shared();
    let (customer, other) = (shop.customer(), shop.customer());
    let product = shop.product(2, 5);
    let older = customer.order(&[(&product, 1)]);
    for (who, id) in [
        (&other, older.id.clone()),
        (&shop.admin(), older.id.clone()),
        (&customer, unknown_id()),
    ] {
        let refused = replace(who, &id, &product, 1).expect_problem(400, "validation");
        assert_eq!(refused["errors"][0]["field"], "replaces");
    }
    let malformed = replace(&customer, "M-7K3F-29QD", &product, 1);
    malformed.expect_problem(400, "validation");
    assert_eq!(customer.read_order(&older.id)["status"], "PENDING");
    shop.wait_for_stock(&product, 4, 1, 0);
}

#[test]
fn an_order_is_placed_only_for_the_total_that_was_shown() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(0.105, 9);
    // Three times 0.105 is 0.315, and 0.32 is paid.
    for total in [json!(0.315), json!(0.32)] {
        let placed = expecting(&customer, &product, total).expect(201).json();
        customer
            .change_order(&text(&placed["id"]), "CANCELLED")
            .expect(200);
    }
    let path = format!("/api/v1/products/{product}");
    shop.admin()
        .patch(&path)
        .json(&json!({ "price": 0.2 }))
        .expect(200);
    let refused = expecting(&customer, &product, 0.32).expect_problem(409, "total-changed");
    assert_members(&refused, &json!({ "total": 0.6, "expectedTotal": 0.32 }));
    let lines = refused["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 1);
    assert_members(
        &lines[0],
        &json!({ "productId": product, "price": 0.2, "quantity": 3 }),
    );
    shop.wait_for_stock(&product, 9, 0, 0);
    for wrong in [json!(-1), json!("0.6"), json!(null), json!(0.00001)] {
        let refused = expecting(&customer, &product, wrong).expect_problem(400, "validation");
        assert_eq!(refused["errors"][0]["field"], "expectedTotal");
    }
}

#[test]
fn a_refusal_for_its_total_is_kept_under_its_key() {
    let shop = Shop::shared();
    let customer = shop.customer();
    let product = shop.product(3, 9);
    let mut body = order_of(&[(&product, 1)]);
    body["expectedTotal"] = json!(2);
    let ask = || {
        let request = customer.post("/api/v1/orders");
        request
            .header("idempotency-key", "basket")
            .json(&body)
            .send()
    };
    let (first, second) = (ask().expect(409), ask().expect(409));
    assert_eq!(first.text(), second.text());
}
