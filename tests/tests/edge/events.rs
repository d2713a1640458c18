//! How events reach orders: by a request of the component that has them, and by the relay when that fails.

use std::fs;

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_tests::{
    Client, WEBHOOK_SECRET,
    forge::stripe_signature,
    repository,
    shop::{Account, Placed, Shop},
    wait_until,
};
use serde_json::{Value, json};

use crate::Edge;

const RELAY: &str = "/api/v1/payments/outbox/relay";
const OUTBOX: &str = "/api/v1/payments/outbox?limit=100";

#[test]
fn events_reach_orders_without_redis_and_timers() {
    let Some(edge) = Edge::start() else {
        return;
    };
    let shop = edge.shop();
    a_payment_has_reached_its_order_when_it_is_answered(&edge, &shop);
    a_webhook_that_comes_twice_changes_nothing(&edge, &shop);
    the_relay_hands_over_what_could_not_be(&edge, &shop);
    any_request_runs_the_relay(&edge, &shop);
    events_that_piled_up_are_applied_in_their_order(&edge, &shop);
    a_cancelled_order_has_its_end(&shop);
    outsiders_hand_over_no_events(shop.nobody());
    no_event_is_left(&shop);
    let log = edge.server.log();
    assert!(!log.to_lowercase().contains("redis"), "{log}");
}

fn a_payment_has_reached_its_order_when_it_is_answered(edge: &Edge, shop: &Shop) {
    let (customer, product, order) = shop.pending_order(12.5, 2);
    shop.pay(&order);
    assert_eq!(edge.stored_status(&order.id), "PAID");
    assert_eq!(customer.read_order(&order.id)["status"], "PAID");
    shop.wait_for_stock(&product, 3, 0, 2);
}

fn a_webhook_that_comes_twice_changes_nothing(edge: &Edge, shop: &Shop) {
    let (customer, product, order) = shop.pending_order(10, 1);
    let body = completed(&order, 1_000).to_string();
    for _ in 0..3 {
        let signature = stripe_signature(WEBHOOK_SECRET, SystemClock.now_seconds(), &body);
        let request = shop.nobody().post("/api/v1/payments/webhook");
        let request = request.body("application/json", body.clone());
        request.header("stripe-signature", &signature).expect(200);
        assert_eq!(edge.stored_status(&order.id), "PAID");
        relay(&shop.admin());
    }
    assert_eq!(statuses(&customer, &order), ["PENDING", "PAID"]);
    shop.wait_for_stock(&product, 4, 0, 1);
}

fn the_relay_hands_over_what_could_not_be(edge: &Edge, shop: &Shop) {
    let (customer, product, order) = shop.pending_order(1, 1);
    let admin = shop.admin();
    edge.orders.refuse(true);
    shop.pay(&order);
    let cause = wait_until("the event in the outbox", || cause(&admin, &order));
    assert_eq!(cause, "not published: orders answered 503");
    edge.orders.refuse(false);
    assert_eq!(edge.stored_status(&order.id), "PENDING");
    wait_until("a relay that hands the event over", || {
        relay(&admin);
        (edge.stored_status(&order.id) == "PAID").then_some(())
    });
    assert_eq!(statuses(&customer, &order), ["PENDING", "PAID"]);
    shop.wait_for_stock(&product, 4, 0, 1);
}

fn any_request_runs_the_relay(edge: &Edge, shop: &Shop) {
    let (_, _, order) = shop.pending_order(1, 1);
    edge.orders.refuse(true);
    shop.pay(&order);
    edge.orders.refuse(false);
    // A page of payments, which has nothing to do with orders.
    let page = format!("/api/v1/payments/mock/checkout/{}", order.session_id);
    wait_until("a request that hands the event over", || {
        shop.nobody().get(&page).send();
        (edge.stored_status(&order.id) == "PAID").then_some(())
    });
}

fn events_that_piled_up_are_applied_in_their_order(edge: &Edge, shop: &Shop) {
    let (customer, product, order) = shop.pending_order(3, 1);
    let admin = shop.admin();
    let refund = shop.refund_path(&order.id);
    edge.orders.refuse(true);
    shop.pay(&order);
    admin.post(&refund).json(&json!({})).expect(200);
    edge.orders.refuse(false);
    wait_until("both events", || {
        relay(&admin);
        (edge.stored_status(&order.id) == "REFUNDED").then_some(())
    });
    let expected = ["PENDING", "PAID", "REFUNDED"];
    assert_eq!(statuses(&customer, &order), expected);
    shop.wait_for_stock(&product, 5, 0, 0);
}

/// Orders cancel the payment, and hand the event of that over to themselves.
fn a_cancelled_order_has_its_end(shop: &Shop) {
    let (customer, product, order) = shop.pending_order(3, 2);
    customer.cancel(&order.id).expect(200);
    assert_eq!(statuses(&customer, &order), ["PENDING", "CANCELLED"]);
    shop.wait_for_stock(&product, 5, 0, 0);
}

fn outsiders_hand_over_no_events(client: &Client) {
    for path in [
        "/internal/events",
        "/api/v1/orders/internal/events",
        "/api/v1/orders/../../internal/events",
        "//internal/events",
    ] {
        let answer = client.post(path).json(&json!({})).send();
        assert!(
            matches!(answer.status(), 400..=405),
            "{path}: {}",
            answer.status()
        );
    }
}

fn no_event_is_left(shop: &Shop) {
    let admin = shop.admin();
    wait_until("an empty outbox", || {
        relay(&admin);
        let outbox = admin.get(OUTBOX).expect_json(200);
        (outbox["lag"]["pending"] == 0 && outbox["lag"]["parked"] == 0).then_some(())
    });
}

fn relay(admin: &Account) {
    admin.post(RELAY).expect(200);
}

/// Why the event of an order is still in the outbox.
fn cause(admin: &Account, order: &Placed) -> Option<String> {
    let outbox = admin.get(OUTBOX).expect_json(200);
    let entries = outbox["data"].as_array().expect("a list");
    let entry = entries.iter().find(|entry| entry["orderId"] == order.id)?;
    entry["lastError"].as_str().map(str::to_owned)
}

/// The statuses that an order has had.
fn statuses(customer: &Account, order: &Placed) -> Vec<String> {
    let order = customer.read_order(&order.id);
    let history = order["history"].as_array().expect("a history");
    let statuses = history.iter().map(|line| line["to"].as_str());
    statuses
        .map(|status| status.expect("a status").to_owned())
        .collect()
}

/// The provider's event that an order is paid.
fn completed(order: &Placed, cents: u64) -> Value {
    json!({
        "id": format!("evt_{}", order.id.replace('-', "")),
        "object": "event",
        "type": "checkout.session.completed",
        "created": SystemClock.now_seconds(),
        "data": { "object": {
            "id": order.session_id,
            "object": "checkout.session",
            "client_reference_id": order.id,
            "metadata": { "order_id": order.id },
            "amount_total": cents,
            "currency": "usd",
            "payment_status": "paid",
            "payment_intent": format!("pi_{}", order.id),
        } },
    })
}

#[test]
fn the_manifest_knows_no_redis_and_no_timers() {
    for manifest in ["spin.edge.toml", "spin.edge.stripe.toml"] {
        let text = fs::read_to_string(repository().join(manifest)).expect("a manifest");
        for unknown in ["redis", "sqlite", "every_ms"] {
            assert!(!text.contains(unknown), "{manifest}: {unknown}");
        }
    }
}
