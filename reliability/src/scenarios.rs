//! What people do in a shop, each with its preparation.

use std::time::Duration;

use mercato_tests::shop::text;
use mercato_tests::stripe::Account;
use serde_json::{Value, json};

use crate::client::{CUSTOMER_EMAIL, Story};
use crate::world::{OPEN_ORDERS_MAX, Provider, RESERVATION_TTL_SECONDS, UNPAID_RETENTION_SECONDS};

/// The shortest time that a session lasts at Stripe, and some more.
const STRIPE_SESSION: Duration = Duration::from_secs(31 * 60);

/// Something that people do in a shop.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// Who takes the money.
    pub provider: Provider,
    /// What happens before, undisturbed.
    pub prepare: fn(&mut Story<'_>),
    /// What happens while the shop may crash.
    pub play: fn(&mut Story<'_>),
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "register",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| story.register("grace@customers.test"),
    },
    Scenario {
        name: "order of three lines",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| drop(order(story, "order-1")),
    },
    Scenario {
        name: "pay",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| drop(check_out(story, "succeed")),
    },
    Scenario {
        name: "order and pay",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| {
            order(story, "order-1");
            check_out(story, "succeed");
        },
    },
    Scenario {
        name: "decline",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| drop(check_out(story, "fail")),
    },
    Scenario {
        name: "cancel",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let placed = placed(story);
            story.cancel(&placed);
        },
    },
    Scenario {
        name: "cancel at the checkout",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| drop(check_out(story, "cancel")),
    },
    Scenario {
        name: "expire",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: expire,
    },
    Scenario {
        name: "pay after it expired",
        provider: Provider::Mock,
        prepare: |story| {
            order(story, "order-1");
            expire(story);
        },
        play: |story| late_payment(story),
    },
    Scenario {
        name: "refund in part",
        provider: Provider::Mock,
        prepare: paid,
        play: |story| {
            let placed = placed(story);
            story.refund(&placed, "refund-1", 250);
        },
    },
    Scenario {
        name: "refund in parts and whole",
        provider: Provider::Mock,
        prepare: paid,
        play: |story| {
            let placed = placed(story);
            story.refund(&placed, "refund-1", 250);
            story.refund(&placed, "refund-2", total(&placed) - 250);
        },
    },
    Scenario {
        name: "webhook twice",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            completed(story, "evt_1");
            completed(story, "evt_1");
        },
    },
    Scenario {
        name: "refund webhook before the payment's",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            refunded(story, "evt_2");
            completed(story, "evt_1");
        },
    },
    Scenario {
        name: "import",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| {
            for sku in ["NEW-1", "NEW-2", "NEW-1"] {
                story.stock_product(sku, "3.5", 7);
            }
            story.products.truncate(3);
        },
    },
    Scenario {
        name: "token refresh",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| {
            story.refresh();
            story.refresh();
        },
    },
    Scenario {
        name: "log out",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| story.log_out(),
    },
    Scenario {
        name: "change the password",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| story.change_password("An0ther-secret"),
    },
    Scenario {
        name: "stock change during an order",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| {
            let first = story.products[0].clone();
            story.change_stock(&first, 5);
            order(story, "order-1");
            story.change_stock(&first, -3);
            check_out(story, "succeed");
        },
    },
    Scenario {
        name: "order, with Stripe",
        provider: Provider::Stripe,
        prepare: |_| {},
        play: |story| drop(order(story, "order-1")),
    },
    Scenario {
        name: "pay, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: pay_at_stripe,
    },
    Scenario {
        name: "cancel, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let placed = placed(story);
            story.cancel(&placed);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "expire, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            expire(story);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "refund in parts, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| {
            order(story, "order-1");
            pay_at_stripe(story);
        },
        play: |story| {
            let placed = placed(story);
            story.refund(&placed, "refund-1", 250);
            story.refund(&placed, "refund-2", 100);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "pay by debit, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            debit(story);
            expire(story);
        },
    },
    Scenario {
        name: "pay by debit that arrives, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| settle_debit(story, true),
    },
    Scenario {
        name: "pay by debit that fails, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| settle_debit(story, false),
    },
    Scenario {
        name: "part refund fails, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| {
            order(story, "order-1");
            pay_at_stripe(story);
            let placed = placed(story);
            story.refund(&placed, "refund-1", 250);
            story.deliver_webhooks();
        },
        play: |story| {
            story.fail_refunds();
            story.deliver_webhooks();
            let placed = placed(story);
            story.refund(&placed, "refund-2", 300);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "whole refund fails, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| {
            order(story, "order-1");
            pay_at_stripe(story);
        },
        play: |story| {
            let placed = placed(story);
            story.refund(&placed, "refund-1", total(&placed));
            // The news of the failure come together with those of the refund, the last ones first.
            if story.fail_refunds() > 0 {
                story.deliver_webhooks_backwards();
                story.refund(&placed, "refund-2", total(&placed));
            }
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "pay twice, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            pay_at_stripe(story);
            let session = text(&placed(story)["paymentSession"]["id"]);
            story.at_stripe(|account| account.charge_again(&session));
            story.deliver_webhooks();
            fire_timers(story, 1);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "pay twice after it expired, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let session = text(&placed(story)["paymentSession"]["id"]);
            story.at_stripe(|account| account.pay(&session) && account.charge_again(&session));
            expire(story);
            story.deliver_webhooks_backwards();
            fire_timers(story, 2);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "dispute, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| {
            order(story, "order-1");
            pay_at_stripe(story);
        },
        play: |story| {
            let dispute = open_dispute(story);
            story.at_stripe(|account| account.end_dispute(&dispute, "lost"));
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "deliver what is disputed, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| {
            order(story, "order-1");
            pay_at_stripe(story);
            open_dispute(story);
        },
        play: |story| story.cannot_deliver(&placed(story)),
    },
    Scenario {
        name: "pay anew, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            lapse(story);
            let placed = placed(story);
            story.pay_anew(&placed);
            story.deliver_webhooks();
            expire(story);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "order at the limit",
        provider: Provider::Mock,
        prepare: |story| {
            for number in 1..=OPEN_ORDERS_MAX {
                order(story, &format!("order-{number}"));
            }
        },
        play: |story| {
            let products = story.products.clone();
            let lines: Vec<(&str, u32)> = products.iter().map(|id| (id.as_str(), 1)).collect();
            story.refused_order("order-late", &lines);
            let placed = placed(story);
            story.cancel(&placed);
            story.order("order-late", &lines);
            story.refused_order("order-later", &lines);
        },
    },
    Scenario {
        name: "replace an order",
        provider: Provider::Mock,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let older = placed(story);
            let products = story.products.clone();
            // More than there is beside the older order.
            let lines: Vec<(&str, u32)> = products.iter().map(|id| (id.as_str(), 10)).collect();
            story.replace(&older, "order-2", &lines);
        },
    },
    Scenario {
        name: "replace an order, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let older = placed(story);
            let products = story.products.clone();
            let lines: Vec<(&str, u32)> = products.iter().map(|id| (id.as_str(), 2)).collect();
            story.replace(&older, "order-2", &lines);
            story.deliver_webhooks();
        },
    },
    Scenario {
        name: "order at another total",
        provider: Provider::Mock,
        prepare: |_| {},
        play: |story| {
            let products = story.products.clone();
            let lines: Vec<(&str, u32)> = products.iter().map(|id| (id.as_str(), 1)).collect();
            story.order_at_another_total("order-1", &lines);
        },
    },
    Scenario {
        name: "remove old orders",
        provider: Provider::Mock,
        prepare: |story| {
            order(story, "order-1");
            check_out(story, "succeed");
            order(story, "order-2");
            expire(story);
            wait_for_retention(story);
        },
        play: |story| fire_timers(story, 2),
    },
    Scenario {
        name: "expire many and remove them",
        provider: Provider::Stripe,
        prepare: |story| {
            for number in 1..=OPEN_ORDERS_MAX {
                order(story, &format!("order-{number}"));
            }
        },
        play: |story| {
            expire(story);
            story.deliver_webhooks();
            wait_for_retention(story);
            fire_timers(story, 2);
        },
    },
    Scenario {
        name: "pay while it expires, with Stripe",
        provider: Provider::Stripe,
        prepare: |story| drop(order(story, "order-1")),
        play: |story| {
            let session = text(&placed(story)["paymentSession"]["id"]);
            story.at_stripe(|account| account.pay(&session));
            expire(story);
            story.deliver_webhooks();
        },
    },
];

/// An admin, a customer, three products: what every scenario begins with.
pub fn opening(story: &mut Story<'_>) {
    story.log_in_as_admin();
    story.register(CUSTOMER_EMAIL);
    for (sku, price) in [("CUP", "12.5"), ("POT", "30"), ("TEA", "4.25")] {
        story.stock_product(sku, price, 10);
    }
}

fn order(story: &mut Story<'_>, key: &str) -> Value {
    let products = story.products.clone();
    let lines: Vec<(&str, u32)> = products.iter().map(String::as_str).zip(1..).collect();
    story.order(key, &lines)
}

fn placed(story: &Story<'_>) -> Value {
    story.facts.placed["order-1"].clone()
}

fn check_out(story: &mut Story<'_>, outcome: &str) -> Value {
    let placed = placed(story);
    story.check_out(&placed, outcome)
}

fn pay_at_stripe(story: &mut Story<'_>) {
    let placed = placed(story);
    story.pay_at_stripe(&placed);
}

/// The customer pays in a way that takes days.
fn debit(story: &mut Story<'_>) {
    let placed = placed(story);
    let session = text(&placed["paymentSession"]["id"]);
    assert!(story.at_stripe(|account| account.debit(&session)));
    story.deliver_webhooks();
}

/// The same, and the money arrives or does not.
fn settle_debit(story: &mut Story<'_>, has_come: bool) {
    debit(story);
    let placed = placed(story);
    story.cannot_pay_again(&placed);
    let session = text(&placed["paymentSession"]["id"]);
    story.at_stripe(|account| account.settle(&session, has_come));
    story.deliver_webhooks();
}

/// The customer's bank asks about the money, and the shop hears of it; gives the dispute's id.
fn open_dispute(story: &mut Story<'_>) -> String {
    let charge = story.at_stripe(|account| account.undisputed_charges().remove(0));
    let dispute = story.at_stripe(|account| account.open_dispute(&charge));
    story.deliver_webhooks();
    dispute
}

fn paid(story: &mut Story<'_>) {
    order(story, "order-1");
    check_out(story, "succeed");
}

fn total(placed: &Value) -> i64 {
    let amount = placed["order"]["totalAmount"].as_f64().expect("an amount");
    // Whole cents by construction.
    (amount * 100.0).round() as i64
}

/// The reservation ends, and the sweeper comes by.
fn expire(story: &mut Story<'_>) {
    story
        .world
        .clock
        .advance(Duration::from_secs(RESERVATION_TTL_SECONDS + 60));
    story.world.fire_timer("orders-api");
    if story.world.plan.has_crashed() {
        story.world.recover();
    }
}

/// So much time that a session at Stripe ends by itself; the sweeper does not come by. The customer logs in again.
fn lapse(story: &mut Story<'_>) {
    story.world.clock.advance(STRIPE_SESSION);
    story.at_stripe(Account::expire_sessions);
    story.customer = story.log_in(CUSTOMER_EMAIL, crate::client::PASSWORD);
}

/// So much time that orders which nobody paid may go, and their payments after them.
fn wait_for_retention(story: &mut Story<'_>) {
    let retention = Duration::from_secs(UNPAID_RETENTION_SECONDS + 2 * 24 * 60 * 60);
    story.world.clock.advance(retention);
}

/// Calls both timers so often.
fn fire_timers(story: &mut Story<'_>, times: u32) {
    for _ in 0..times {
        for component in ["orders-api", "payments-api"] {
            story.world.fire_timer(component);
            if story.world.plan.has_crashed() {
                story.world.recover();
            }
        }
    }
}

fn session_object(story: &Story<'_>) -> Value {
    let placed = placed(story);
    json!({
        "id": placed["paymentSession"]["id"], "object": "checkout.session",
        "client_reference_id": placed["id"], "metadata": { "order_id": placed["id"] },
        "payment_intent": "pi_1", "payment_status": "paid",
        "amount_total": total(&placed), "currency": "usd",
    })
}

fn completed(story: &mut Story<'_>, event_id: &str) {
    let object = session_object(story);
    story.webhook(event_id, "checkout.session.completed", &object);
}

/// The customer was faster at the provider than the shop at closing the session.
fn late_payment(story: &mut Story<'_>) {
    completed(story, "evt_late");
}

fn refunded(story: &mut Story<'_>, event_id: &str) {
    let placed = placed(story);
    let object = json!({
        "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "metadata": { "order_id": placed["id"] },
        "amount": total(&placed), "amount_refunded": total(&placed), "refunded": true, "currency": "usd",
    });
    story.webhook(event_id, "charge.refunded", &object);
}
