//! What people do in a shop, each with its preparation.

mod checkouts;

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
    pub prepare: Steps,
    /// What happens while the shop may crash.
    pub play: Steps,
}

/// What happens in a story.
type Steps = fn(&mut Story<'_>);

const fn mock(name: &'static str, prepare: Steps, play: Steps) -> Scenario {
    Scenario {
        name,
        provider: Provider::Mock,
        prepare,
        play,
    }
}

const fn stripe(name: &'static str, prepare: Steps, play: Steps) -> Scenario {
    Scenario {
        name,
        provider: Provider::Stripe,
        prepare,
        play,
    }
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    mock("register", nothing, |story| {
        story.register("grace@customers.test")
    }),
    mock("order of three lines", nothing, ordered),
    mock("pay", ordered, |story| drop(check_out(story, "succeed"))),
    mock("order and pay", nothing, |story| {
        order(story, "order-1");
        check_out(story, "succeed");
    }),
    mock("decline", ordered, |story| drop(check_out(story, "fail"))),
    mock("cancel", ordered, cancel),
    mock("cancel at the checkout", ordered, |story| {
        drop(check_out(story, "cancel"))
    }),
    mock("expire", ordered, expire),
    mock(
        "pay after it expired",
        |story| {
            order(story, "order-1");
            expire(story);
        },
        late_payment,
    ),
    mock("refund in part", paid, |story| {
        refund(story, "refund-1", 250);
    }),
    mock("refund in parts and whole", paid, |story| {
        refund(story, "refund-1", 250);
        refund(story, "refund-2", total(story) - 250);
    }),
    mock("webhook twice", ordered, |story| {
        completed(story, "evt_1");
        completed(story, "evt_1");
    }),
    mock("refund webhook before the payment's", ordered, |story| {
        refunded(story, "evt_2");
        completed(story, "evt_1");
    }),
    mock("import", nothing, |story| {
        for sku in ["NEW-1", "NEW-2", "NEW-1"] {
            story.stock_product(sku, "3.5", 7);
        }
        story.products.truncate(3);
    }),
    mock("token refresh", nothing, |story| {
        story.refresh();
        story.refresh();
    }),
    mock("log out", nothing, |story| story.log_out()),
    mock("change the password", nothing, |story| {
        story.change_password("An0ther-secret")
    }),
    mock("stock change during an order", nothing, |story| {
        let first = story.products[0].clone();
        story.change_stock(&first, 5);
        order(story, "order-1");
        story.change_stock(&first, -3);
        check_out(story, "succeed");
    }),
    stripe("order, with Stripe", nothing, ordered),
    stripe("pay, with Stripe", ordered, pay_at_stripe),
    stripe("cancel, with Stripe", ordered, |story| {
        cancel(story);
        story.deliver_webhooks();
    }),
    stripe("expire, with Stripe", ordered, |story| {
        expire(story);
        story.deliver_webhooks();
    }),
    stripe("refund in parts, with Stripe", paid_at_stripe, |story| {
        refund(story, "refund-1", 250);
        refund(story, "refund-2", 100);
        story.deliver_webhooks();
    }),
    stripe("pay by debit, with Stripe", ordered, |story| {
        debit(story);
        expire(story);
    }),
    stripe("pay by debit that arrives, with Stripe", ordered, |story| {
        settle_debit(story, true)
    }),
    stripe("pay by debit that fails, with Stripe", ordered, |story| {
        settle_debit(story, false)
    }),
    stripe(
        "part refund fails, with Stripe",
        |story| {
            paid_at_stripe(story);
            refund(story, "refund-1", 250);
            story.deliver_webhooks();
        },
        |story| {
            story.fail_refunds();
            story.deliver_webhooks();
            refund(story, "refund-2", 300);
            story.deliver_webhooks();
        },
    ),
    stripe("whole refund fails, with Stripe", paid_at_stripe, |story| {
        refund(story, "refund-1", total(story));
        // The events of the failure come together with those of the refund, the last ones first.
        if story.fail_refunds() > 0 {
            story.deliver_webhooks_backwards();
            refund(story, "refund-2", total(story));
        }
        story.deliver_webhooks();
    }),
    stripe("pay twice, with Stripe", ordered, |story| {
        pay_at_stripe(story);
        let session = session_of(story);
        story.at_stripe(|account| account.charge_again(&session));
        story.deliver_webhooks();
        fire_timers(story, 1);
        story.deliver_webhooks();
    }),
    stripe(
        "pay twice after it expired, with Stripe",
        ordered,
        |story| {
            let session = session_of(story);
            story.at_stripe(|account| account.pay(&session) && account.charge_again(&session));
            expire(story);
            story.deliver_webhooks_backwards();
            fire_timers(story, 2);
            story.deliver_webhooks();
        },
    ),
    stripe("dispute, with Stripe", paid_at_stripe, |story| {
        let dispute = open_dispute(story);
        story.at_stripe(|account| account.end_dispute(&dispute, "lost"));
        story.deliver_webhooks();
    }),
    stripe(
        "deliver what is disputed, with Stripe",
        |story| {
            paid_at_stripe(story);
            open_dispute(story);
        },
        |story| story.cannot_deliver(&placed(story)),
    ),
    stripe("pay anew, with Stripe", ordered, |story| {
        expire_session(story);
        let placed = placed(story);
        story.pay_anew(&placed);
        story.deliver_webhooks();
        expire(story);
        story.deliver_webhooks();
    }),
    mock("order at the limit", ordered_to_the_limit, |story| {
        let products = story.products.clone();
        let lines = lines_of(&products, 1);
        story.refused_order("order-late", &lines);
        cancel(story);
        story.order("order-late", &lines);
        story.refused_order("order-later", &lines);
    }),
    mock("replace an order", ordered, |story| {
        let older = placed(story);
        let products = story.products.clone();
        // More than there is beside the older order.
        let lines = lines_of(&products, 10);
        story.replace(&older, "order-2", &lines);
    }),
    stripe("replace an order, with Stripe", ordered, |story| {
        let older = placed(story);
        let products = story.products.clone();
        let lines = lines_of(&products, 2);
        story.replace(&older, "order-2", &lines);
        story.deliver_webhooks();
    }),
    mock("order at another total", nothing, |story| {
        let products = story.products.clone();
        let lines = lines_of(&products, 1);
        story.order_at_another_total("order-1", &lines);
    }),
    mock(
        "remove old orders",
        |story| {
            order(story, "order-1");
            check_out(story, "succeed");
            order(story, "order-2");
            expire(story);
            wait_for_retention(story);
        },
        |story| fire_timers(story, 2),
    ),
    stripe(
        "expire many and remove them",
        ordered_to_the_limit,
        |story| {
            expire(story);
            story.deliver_webhooks();
            wait_for_retention(story);
            fire_timers(story, 2);
        },
    ),
    mock("order a checkout", checkouts::filled, checkouts::order),
    mock(
        "pay a checkout's order",
        checkouts::ordered_by_customer,
        checkouts::pay,
    ),
    mock(
        "order a checkout while its price moves",
        checkouts::filled,
        checkouts::order_while_the_price_moves,
    ),
    mock(
        "race for the last use of a code",
        checkouts::filled_twice,
        checkouts::race_for_the_last_use,
    ),
    mock(
        "expire a checkout's order",
        checkouts::ordered,
        checkouts::expire_and_give_the_code_back,
    ),
    mock(
        "order a checkout anew",
        checkouts::ordered,
        checkouts::order_anew,
    ),
    mock(
        "order a checkout for nothing",
        checkouts::filled_for_nothing,
        checkouts::order_for_nothing,
    ),
    mock(
        "cancel a guest's order",
        checkouts::ordered,
        checkouts::cancel,
    ),
    mock(
        "refund a checkout's order",
        checkouts::paid_by_customer,
        checkouts::refund,
    ),
    stripe(
        "order a checkout, with Stripe",
        checkouts::filled,
        checkouts::order,
    ),
    stripe(
        "pay a checkout's order, with Stripe",
        checkouts::ordered_by_customer,
        pay_at_stripe,
    ),
    stripe("pay while it expires, with Stripe", ordered, |story| {
        let session = session_of(story);
        story.at_stripe(|account| account.pay(&session));
        expire(story);
        story.deliver_webhooks();
    }),
    mock("put variants on the shelf", nothing, variants_on_the_shelf),
    mock(
        "order and pay variants of one stock",
        variants_on_the_shelf,
        |story| {
            order(story, "order-1");
            check_out(story, "succeed");
        },
    ),
    mock("cancel an order of variants", ordered_variants, cancel),
    mock("expire an order of variants", ordered_variants, expire),
    mock(
        "refund an order of variants",
        |story| {
            ordered_variants(story);
            check_out(story, "succeed");
        },
        |story| refund(story, "refund-1", total(story)),
    ),
    mock("replace the address book", nothing, |story| {
        story.replace_addresses(&["Ada", "Grace"]);
        story.replace_addresses(&["Joan"]);
    }),
];

/// An admin, a customer, three products: what every scenario begins with.
pub fn opening(story: &mut Story<'_>) {
    story.log_in_as_admin();
    story.register(CUSTOMER_EMAIL);
    for (sku, price) in [("CUP", "12.5"), ("POT", "30"), ("TEA", "4.25")] {
        story.stock_product(sku, price, 10);
    }
}

fn nothing(_: &mut Story<'_>) {}

/// Bags of which three variants are sold: an order of one, two and three units takes 15.
const BAGS: i64 = 40;

fn variants_on_the_shelf(story: &mut Story<'_>) {
    story.stock_variants(BAGS);
}

fn ordered_variants(story: &mut Story<'_>) {
    variants_on_the_shelf(story);
    order(story, "order-1");
}

/// The customer has ordered, and not paid.
fn ordered(story: &mut Story<'_>) {
    order(story, "order-1");
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

/// The id of the session in which the order is paid.
fn session_of(story: &Story<'_>) -> String {
    text(&placed(story)["paymentSession"]["id"])
}

/// So many units of each product.
fn lines_of(products: &[String], units: u32) -> Vec<(&str, u32)> {
    products.iter().map(|id| (id.as_str(), units)).collect()
}

fn cancel(story: &mut Story<'_>) {
    let placed = placed(story);
    story.cancel(&placed);
}

fn refund(story: &mut Story<'_>, key: &str, minor_units: i64) {
    let placed = placed(story);
    story.refund(&placed, key, minor_units);
}

fn pay_at_stripe(story: &mut Story<'_>) {
    let placed = placed(story);
    story.pay_at_stripe(&placed);
}

/// The customer pays in a way that takes days.
fn debit(story: &mut Story<'_>) {
    let session = session_of(story);
    assert!(story.at_stripe(|account| account.debit(&session)));
    story.deliver_webhooks();
}

/// The same, and the money arrives or does not.
fn settle_debit(story: &mut Story<'_>, has_come: bool) {
    debit(story);
    let placed = placed(story);
    story.cannot_pay_again(&placed);
    let session = session_of(story);
    story.at_stripe(|account| account.settle(&session, has_come));
    story.deliver_webhooks();
}

/// The customer's bank asks about the money, and the shop is notified; returns the dispute's id.
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

fn paid_at_stripe(story: &mut Story<'_>) {
    order(story, "order-1");
    pay_at_stripe(story);
}

fn ordered_to_the_limit(story: &mut Story<'_>) {
    for number in 1..=OPEN_ORDERS_MAX {
        order(story, &format!("order-{number}"));
    }
}

/// What the order costs, in cents.
fn total(story: &Story<'_>) -> i64 {
    let amount = placed(story)["order"]["totalAmount"]
        .as_f64()
        .expect("an amount");
    // Whole cents by construction.
    (amount * 100.0).round() as i64
}

/// The reservation expires, and the sweep notices.
fn expire(story: &mut Story<'_>) {
    let time = Duration::from_secs(RESERVATION_TTL_SECONDS + 60);
    story.world.clock.advance(time);
    fire_timer(story, "orders-api");
}

/// So much time that a session at Stripe ends by itself; no sweep notices. The customer logs in again.
fn expire_session(story: &mut Story<'_>) {
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
            fire_timer(story, component);
        }
    }
}

fn fire_timer(story: &mut Story<'_>, component: &str) {
    story.maintain(component);
    if story.world.plan.has_crashed() {
        story.world.recover();
    }
}

fn session_object(story: &Story<'_>) -> Value {
    let placed = placed(story);
    json!({
        "id": placed["paymentSession"]["id"], "object": "checkout.session",
        "client_reference_id": placed["id"], "metadata": { "order_id": placed["id"] },
        "payment_intent": "pi_1", "payment_status": "paid",
        "amount_total": total(story), "currency": "usd",
    })
}

fn completed(story: &mut Story<'_>, event_id: &str) {
    let object = session_object(story);
    story.webhook(event_id, "checkout.session.completed", &object);
}

/// The customer was faster at the provider than the shop at ending the session.
fn late_payment(story: &mut Story<'_>) {
    completed(story, "evt_late");
}

fn refunded(story: &mut Story<'_>, event_id: &str) {
    let placed = placed(story);
    let object = json!({
        "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "metadata": { "order_id": placed["id"] },
        "amount": total(story), "amount_refunded": total(story), "refunded": true, "currency": "usd",
    });
    story.webhook(event_id, "charge.refunded", &object);
}
