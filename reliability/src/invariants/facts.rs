//! What clients were told, held against what an admin sees.

use std::collections::{BTreeMap, BTreeSet};

use mercato_tests::shop::text;
use serde_json::Value;

use super::{PAID, Readings, decimal};
use crate::client::Facts;

/// Invariants 3 and 6: what was answered is true, and each key made one order.
pub(super) fn check(readings: &Readings, facts: &Facts, found: &mut Vec<String>) {
    let orders = &readings.orders;
    let by_id: BTreeMap<String, &Value> = orders
        .iter()
        .map(|order| (text(&order["id"]), order))
        .collect();
    for (key, answer) in &facts.placed {
        match by_id.get(&text(&answer["id"])) {
            None if readings.may_be_gone(&text(&answer["id"]), facts) => {}
            None => found.push(format!("3: the order answered for {key} is gone: {answer}")),
            Some(order) => {
                for member in ["items", "totalAmount", "userId", "createdAt", "checkout"] {
                    if order[member] != answer["order"][member] {
                        let invariant = if member == "checkout" { 9 } else { 3 };
                        found.push(format!(
                            "{invariant}: {member} of an answered order has changed: {answer}, now {order}"
                        ));
                    }
                }
                if let Some(shown) = facts.shown.get(key)
                    && shown["totals"] != order["checkout"]["totals"]
                {
                    found.push(format!("7: the customer saw {shown} and ordered {order}"));
                }
            }
        }
    }
    let status_of = |id: &String| {
        by_id
            .get(id)
            .map_or("none", |order| order["status"].as_str().unwrap_or("none"))
    };
    for id in &facts.paid {
        if !PAID.contains(&status_of(id)) {
            found.push(format!(
                "3: an order that was answered as paid is {}",
                status_of(id)
            ));
        }
    }
    for id in &facts.cancelled {
        let is_gone = !by_id.contains_key(id) && readings.may_be_gone(id, facts);
        if status_of(id) != "CANCELLED" && !is_gone {
            found.push(format!(
                "3: an order that was answered as cancelled is {}",
                status_of(id)
            ));
        }
    }
    let mut refunds: BTreeMap<&String, i64> = BTreeMap::new();
    for (order, minor_units) in facts.refunded.values() {
        *refunds.entry(order).or_default() += minor_units;
    }
    for (id, minor_units) in refunds {
        let refunded = by_id
            .get(id)
            .map_or(0, |order| decimal(&order["payment"]["refundedAmount"]));
        let failed = by_id.get(id).map(|order| readings.failed_refunds(order));
        let failed: i64 = failed.unwrap_or_default().iter().sum();
        let possible = (minor_units - failed) * 100..=minor_units * 100;
        if !possible.contains(&refunded) {
            found.push(format!("3: {minor_units} minor units were refunded, and the payment says {refunded} / 10,000"));
        }
    }
    let placed: BTreeSet<String> = facts
        .placed
        .values()
        .map(|answer| text(&answer["id"]))
        .collect();
    let gone = placed.iter().filter(|id| !by_id.contains_key(*id)).count();
    let keys = facts.order_keys.len();
    let at_most = keys + facts.refused.len();
    let keys = keys.saturating_sub(gone);
    if placed.len() != facts.placed.len() || !(keys..=at_most).contains(&orders.len()) {
        found.push(format!(
            "6: {keys} keys, and {} that were refused, made {} orders, of which {} were answered, and {gone} are gone",
            facts.refused.len(),
            orders.len(),
            placed.len(),
        ));
    }
}
