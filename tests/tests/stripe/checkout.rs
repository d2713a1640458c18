use mercato_tests::{
    assert_members,
    shop::{order_of, text, unique},
    wait_until,
};
use serde_json::json;

use crate::Site;

#[test]
fn an_order_is_paid_on_stripes_page() {
    let site = Site::start();
    let (customer, product, order) = site.shop.pending_order(12.5, 2);
    let session = site.stripe.session(&order.session_id);
    assert_eq!(order.answer["paymentSession"]["url"], session["url"]);
    assert_members(
        &session,
        &json!({ "amount_total": 2500, "currency": "usd" }),
    );
    let payment = site.shop.payment_of(&order.id);
    assert_eq!(payment["provider"], "stripe");
    assert_eq!(
        session["metadata"],
        json!({ "order_id": order.id, "order_number": order.answer["number"], "payment_id": payment["id"] })
    );
    let back = format!("{}?order={}&checkout=", site.server.base_url(), order.id);
    assert_eq!(session["success_url"], format!("{back}success"));
    assert_eq!(session["cancel_url"], format!("{back}cancel"));

    site.pay(&order);
    let paid = customer.wait_for_order(&order.id, "PAID");
    let receipt = paid["receipt"]["url"].as_str().unwrap_or_default();
    assert!(
        receipt.starts_with("https://pay.stripe.com/receipts/"),
        "{paid}"
    );
    site.shop.wait_for_stock(&product, 3, 0, 2);
}

#[test]
fn lines_are_shown_one_by_one_only_when_they_come_out_even() {
    let site = Site::shared();
    let customer = site.shop.customer();
    for (price, quantity, total, shown) in [(0.35, 3, 105, "35"), (12.3456, 2, 2469, "2469")] {
        let product = site.shop.product(price, 5);
        let order = customer.order(&[(&product, quantity)]);
        let session = site.stripe.session(&order.session_id);
        assert_eq!(session["amount_total"], total);
        let asked = site.stripe.received("POST /v1/checkout/sessions");
        let asked = asked
            .iter()
            .find(|asked| asked.form.get("client_reference_id") == Some(&order.id))
            .expect("the request for the session");
        assert_eq!(asked.form["line_items[0][price_data][unit_amount]"], shown);
    }
}

/// Two at 11.90 with a tenth off, and 4.90 for shipping.
#[test]
fn a_checkouts_customer_sees_what_is_left_of_each_line_and_shipping() {
    let site = Site::start();
    let order = site.checkout_of_a_guest();
    let session = site.stripe.session(&order.session_id);
    assert_members(
        &session,
        &json!({ "amount_total": 2632, "customer_email": "ada@example.com" }),
    );
    let asked = site.stripe.received("POST /v1/checkout/sessions");
    let asked = asked.last().expect("the request for the session");
    let line = |index: u32| {
        let of = |member: &str| asked.form[&format!("line_items[{index}]{member}")].clone();
        (of("[quantity]"), of("[price_data][unit_amount]"))
    };
    let one = |amount: &str| ("1".to_owned(), amount.to_owned());
    assert_eq!([line(0), line(1)], [one("2142"), one("490")]);
    for (part, value) in [
        ("[name]", "Ada"),
        ("[address][line1]", "Ring 1"),
        ("[address][postal_code]", "1010"),
        ("[address][city]", "Wien"),
        ("[address][country]", "AT"),
    ] {
        let field = format!("payment_intent_data[shipping]{part}");
        assert_eq!(asked.form[&field], value, "{field}");
    }

    site.pay(&order);
    let token = text(&order.answer["orderToken"]);
    let path = format!("/api/v1/orders/id/{}", order.id);
    wait_until("the guest's order is paid", || {
        let order = site
            .shop
            .nobody()
            .get(&path)
            .bearer(&token)
            .expect_json(200);
        (order["status"] == "PAID").then_some(())
    });
}

#[test]
fn there_is_no_simulated_checkout() {
    let site = Site::shared();
    let (_, _, order) = site.shop.pending_order(1, 1);
    let path = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
    site.shop.nobody().get(&path).expect(404);
    site.shop
        .check_out(&order.session_id, "succeed")
        .expect(404);
}

#[test]
fn asking_for_the_session_again_gives_the_same_one() {
    let site = Site::shared();
    let customer = site.shop.customer();
    let product = site.shop.product(1, 5);
    let key = unique("order").replace(' ', "-");
    let place = || {
        customer
            .post("/api/v1/orders")
            .header("idempotency-key", &key)
            .json(&order_of(&[(&product, 1)]))
            .expect_json(201)
    };
    let (first, second) = (place(), place());
    assert_eq!(first, second);
    let again = customer
        .post("/api/v1/payments/session")
        .json(&json!({ "orderId": first["id"] }))
        .expect_json(200);
    assert_eq!(
        again["session"]["id"], first["paymentSession"]["id"],
        "{again}"
    );
}

#[test]
fn a_cancelled_order_cannot_be_paid_any_more() {
    let site = Site::shared();
    let (customer, product, order) = site.shop.pending_order(1, 2);
    customer.cancel(&order.id).expect(200);
    assert_eq!(site.stripe.session(&order.session_id)["status"], "expired");
    site.shop.wait_for_stock(&product, 5, 0, 0);
    site.deliver();
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
}

#[test]
fn a_customer_who_pays_during_a_cancellation_has_paid() {
    let site = Site::start();
    let (customer, product, order) = site.shop.pending_order(1, 2);
    site.stripe.pay(&order.session_id);
    customer
        .cancel(&order.id)
        .expect_problem(409, "invalid-transition");
    assert_eq!(
        customer.read_order(&order.id)["status"],
        "PAID",
        "Stripe was asked: no webhook is needed"
    );
    site.deliver();
    let payment = site.shop.payment_of(&order.id);
    assert_eq!(payment["status"], "SUCCEEDED");
    assert!(payment["receiptUrl"].is_string(), "{payment}");
    site.shop.wait_for_stock(&product, 3, 0, 2);
    assert!(site.stripe.refunds().is_empty());
}

#[test]
fn an_order_that_stripe_cannot_take_is_cancelled() {
    // Card networks know no thousandths, so the last digit must be 0.
    let site = Site::with(&[("currency", "KWD")]);
    let customer = site.shop.customer();
    let product = site.shop.product(1.255, 5);
    let order = || {
        customer
            .post("/api/v1/orders")
            .header("idempotency-key", "taken-back")
            .json(&order_of(&[(&product, 1)]))
            .send()
    };
    order().expect_problem(422, "payment-refused");
    let refusal = order().expect(422);
    assert!(
        refusal.text().contains("the last digit must be 0"),
        "{}",
        refusal.text()
    );
    assert_eq!(order().bytes(), refusal.bytes(), "{}", refusal.text());
    site.shop.wait_for_stock(&product, 5, 0, 0);
    let orders = customer.get("/api/v1/orders").expect_json(200);
    assert_eq!(orders["data"][0]["status"], "CANCELLED", "{orders}");
    assert!(site.stripe.received("").is_empty(), "nothing was asked");
}

#[test]
fn when_the_reservation_runs_out_the_session_is_ended_at_stripe() {
    let site = Site::with(&[("reservation_ttl", "1")]);
    let (customer, product, order) = site.shop.pending_order(1, 2);
    wait_until("the end of the session", || {
        (site.stripe.session(&order.session_id)["status"] == "expired").then_some(())
    });
    customer.wait_for_order(&order.id, "CANCELLED");
    site.shop.wait_for_stock(&product, 5, 0, 0);
    site.deliver();
    assert_eq!(customer.read_order(&order.id)["status"], "CANCELLED");
}

#[test]
fn customers_return_to_the_page_that_was_named() {
    let site = Site::with(&[(
        "checkout_return_url",
        "https://shop.example.com/thanks?lang=en",
    )]);
    let (_, _, order) = site.shop.pending_order(1, 1);
    assert_eq!(
        site.stripe.session(&order.session_id)["success_url"],
        format!(
            "https://shop.example.com/thanks?lang=en&order={}&checkout=success",
            order.id
        )
    );
}

#[test]
fn an_order_with_a_payment_under_way_is_not_cancelled() {
    let site = Site::start();
    let customer = site.shop.customer();
    let product = site.shop.product(10, 5);
    for has_come in [true, false] {
        let order = customer.order(&[(&product, 1)]);
        site.stripe.debit(&order.session_id);
        site.deliver();
        let refused = customer.cancel(&order.id);
        refused.expect_problem(409, "payment-under-way");
        let seen = customer.read_order(&order.id);
        assert_eq!(
            (
                &seen["status"],
                &seen["payment"]["processing"],
                &seen["payment"]["session"]
            ),
            (&json!("PENDING"), &json!(true), &json!(null))
        );
        customer
            .post("/api/v1/payments/session")
            .json(&json!({ "orderId": order.id }))
            .expect_problem(409, "payment-under-way");
        site.stripe.settle(&order.session_id, has_come);
        site.deliver();
        let status = if has_come { "PAID" } else { "CANCELLED" };
        customer.wait_for_order(&order.id, status);
    }
    site.shop.wait_for_stock(&product, 4, 0, 1);
}
