use mercato_tests::load::all_at_once;
use serde_json::json;

use super::{Checkout, code, line, shop, uses, vienna};

/// Guests that want a code which is good for a few of them.
const GUESTS: usize = 24;
const USES: u64 = 5;

#[test]
fn of_a_code_that_is_good_for_five_five_orders_have_it() {
    let shop = shop();
    let product = shop.product(10, 100);
    let code = code(shop, json!({ "amount": 1, "limit": USES }));
    let checkouts: Vec<_> = (0..GUESTS)
        .map(|guest| {
            let mut content = vienna(json!([line(&product, 1)]));
            content["codes"] = json!([code]);
            content["email"] = json!(format!("guest-{guest}@example.com"));
            Checkout::guest(shop, &content)
        })
        .collect();
    assert!(
        checkouts
            .iter()
            .all(|checkout| checkout.shown["totals"]["total"] == 13.9)
    );
    let statuses = all_at_once(GUESTS, |guest| {
        let checkout = &checkouts[guest];
        let alone = mercato_tests::Client::new(shop.nobody().base_url());
        let token = checkout.shown["token"].as_str().expect("a token");
        let order = alone.post("/api/v1/orders").bearer(token);
        order.json(&checkout.body()).send().status()
    });
    let placed = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 409).count();
    assert_eq!(
        (placed as u64, placed + refused),
        (USES, GUESTS),
        "{statuses:?}"
    );
    assert_eq!(uses(shop, &code), USES);
    shop.wait_for_stock(&product, 100 - USES, USES, 0);
}

#[test]
fn a_double_click_is_one_pending_order() {
    let shop = shop();
    let product = shop.product(10, 10);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let token = checkout.shown["token"].as_str().expect("a token");
    let statuses = all_at_once(6, |_| {
        let alone = mercato_tests::Client::new(shop.nobody().base_url());
        let order = alone.post("/api/v1/orders").bearer(token);
        order.json(&checkout.body()).send().status()
    });
    assert!(statuses.contains(&201), "{statuses:?}");
    assert!(
        statuses
            .iter()
            .all(|status| [201, 409, 503].contains(status)),
        "{statuses:?}"
    );
    shop.wait_for_stock(&product, 9, 1, 0);
}

#[test]
fn two_tabs_with_keys_of_their_own_are_one_pending_order() {
    let shop = shop();
    let product = shop.product(10, 1);
    let checkout = Checkout::guest(shop, &vienna(json!([line(&product, 1)])));
    let token = checkout.shown["token"].as_str().expect("a token");
    let statuses = all_at_once(2, |number| {
        let alone = mercato_tests::Client::new(shop.nobody().base_url());
        let order = alone.post("/api/v1/orders").bearer(token);
        let key = format!("tab-{number}-{}", checkout.id());
        let order = order.header("Idempotency-Key", &key);
        order.json(&checkout.body()).send().status()
    });
    assert_eq!(statuses, [201, 201]);
    shop.wait_for_stock(&product, 0, 1, 0);
}
