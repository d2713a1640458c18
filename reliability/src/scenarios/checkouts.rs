//! What people do with checkouts.

use serde_json::Value;

use super::{expire, total};
use crate::client::{CODE, EVERYTHING, Story};

/// The first of the checkouts.
const FIRST: usize = 0;
/// The second.
const SECOND: usize = 1;

/// A guest has filled a checkout in, of one, two and three units, with a code that is good once.
pub fn filled(story: &mut Story<'_>) {
    fill(story, true, &[CODE]);
}

/// The customer has.
pub fn filled_by_customer(story: &mut Story<'_>) {
    fill(story, false, &[CODE]);
}

/// A guest has, with a code that leaves nothing to pay but shipping, which another one pays.
pub fn filled_for_nothing(story: &mut Story<'_>) {
    story.set_up_checkouts();
    story.set_free_shipping();
    let products = story.products.clone();
    let lines: Vec<(&str, u32)> = products.iter().map(String::as_str).zip(1..).collect();
    story.fill_checkout(true, &lines, &[EVERYTHING]);
}

fn fill(story: &mut Story<'_>, is_guest: bool, codes: &[&str]) {
    story.set_up_checkouts();
    let products = story.products.clone();
    let lines: Vec<(&str, u32)> = products.iter().map(String::as_str).zip(1..).collect();
    story.fill_checkout(is_guest, &lines, codes);
}

/// Two guests want the code that is good once.
pub fn filled_twice(story: &mut Story<'_>) {
    filled(story);
    let products = story.products.clone();
    story.fill_checkout(true, &[(&products[0], 1)], &[CODE]);
}

/// A guest has ordered, and not paid.
pub fn ordered(story: &mut Story<'_>) {
    filled(story);
    order(story);
}

/// The customer has.
pub fn ordered_by_customer(story: &mut Story<'_>) {
    filled_by_customer(story);
    order(story);
}

/// The customer has paid.
pub fn paid_by_customer(story: &mut Story<'_>) {
    ordered_by_customer(story);
    pay(story);
}

/// The checkout is ordered.
pub fn order(story: &mut Story<'_>) {
    story.order_checkout(FIRST, "order-1");
}

fn placed(story: &Story<'_>) -> Value {
    story.facts.placed["order-1"].clone()
}

/// The customer pays for it.
pub fn pay(story: &mut Story<'_>) {
    let placed = placed(story);
    story.check_out(&placed, "succeed");
}

/// The price moves between the look and the order; what is shown then is ordered.
pub fn order_while_the_price_moves(story: &mut Story<'_>) {
    let product = story.products[0].clone();
    story.change_price(&product, 13.0);
    let now = story.outdated_checkout(FIRST, "order-0");
    story.look_at_checkout(FIRST);
    assert_eq!(story.checkouts[FIRST].shown["totals"], now["totals"]);
    order(story);
}

/// One of the two has the last use, and the other one orders without.
pub fn race_for_the_last_use(story: &mut Story<'_>) {
    order(story);
    story.outdated_checkout(SECOND, "order-0");
    story.look_at_checkout(SECOND);
    story.order_checkout(SECOND, "order-2");
}

/// Nobody pays: the code is good for somebody else then.
pub fn expire_and_give_the_code_back(story: &mut Story<'_>) {
    expire(story);
    let products = story.products.clone();
    story.fill_checkout(true, &[(&products[0], 1)], &[CODE]);
    story.order_checkout(SECOND, "order-2");
}

/// The same checkout is ordered once more, with the code that its own order holds.
pub fn order_anew(story: &mut Story<'_>) {
    let older = placed(story);
    story.order_checkout_anew(FIRST, &older, "order-2");
}

/// There is nothing to pay: the order is paid as soon as somebody looks.
pub fn order_for_nothing(story: &mut Story<'_>) {
    let placed = story.order_checkout(FIRST, "order-1");
    let id = mercato_tests::shop::text(&placed["id"]);
    let order = story.read_as_admin(&format!("/api/v1/orders/id/{id}"));
    assert_eq!(order["status"], "PAID", "{order}");
    story.facts.paid.insert(id);
}

/// The admin cancels the guest's order.
pub fn cancel(story: &mut Story<'_>) {
    let placed = placed(story);
    story.cancel_as_admin(&placed);
}

/// All of it is given back.
pub fn refund(story: &mut Story<'_>) {
    let placed = placed(story);
    let whole = total(story);
    story.refund(&placed, "refund-1", whole);
}
