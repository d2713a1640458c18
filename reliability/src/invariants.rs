//! What must be true after every fault, once the relay has run. The numbers are those of the design.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mercato_tests::shop::text;
use mercato_tests::stripe::Account;
use serde_json::Value;

mod facts;

use crate::client::{Facts, Story};
use crate::world::UNPAID_RETENTION_SECONDS;

/// How often the shop is given the time to put itself in order, and how much time each time.
pub(crate) const ROUNDS: u32 = 40;
pub(crate) const ROUND: Duration = Duration::from_secs(20);
/// How many rounds in a row there must be nothing left to publish.
pub(crate) const QUIET_ROUNDS: u32 = 3;

/// Statuses of an order whose money has arrived.
const PAID: [&str; 3] = ["PAID", "DELIVERED", "REFUNDED"];

/// What an admin sees of a shop.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Every product or variant that units were put in of, by id.
    pub products: BTreeMap<String, Value>,
    /// Every product that has variants.
    pub with_variants: Vec<Value>,
    /// Every order, whole.
    pub orders: Vec<Value>,
    /// Every discount code.
    pub codes: Vec<Value>,
    /// What the provider knows, if it can be asked.
    pub provider: Option<Account>,
    /// Orders that were asked for before this time, in milliseconds since the Unix epoch, and that nobody paid may be gone.
    pub gone_before_ms: u64,
}

impl Readings {
    /// Refunds of an order that the provider had taken and that failed, in minor units.
    fn failed_refunds(&self, order: &Value) -> Vec<i64> {
        let failed = self.provider.as_ref().map(Account::failed_refunds);
        let failed = failed.unwrap_or_default().into_iter();
        failed
            .filter(|(of, _)| order["id"] == of.as_str())
            .map(|(_, amount)| amount)
            .collect()
    }

    /// Whether an order may have been removed: it is old, and no money has moved for it. Its id holds its age (UUIDv7).
    fn may_be_gone(&self, id: &str, facts: &Facts) -> bool {
        let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
        let asked_for_at = u64::from_str_radix(&digits, 16).unwrap_or(u64::MAX);
        let has_moved =
            facts.paid.contains(id) || facts.refunded.values().any(|(order, _)| order == id);
        asked_for_at < self.gone_before_ms && !has_moved
    }
}

/// Lets the shop put itself in order, by its timers or a cron alone, and gives everything that is not true then.
pub fn violations(story: &mut Story<'_>) -> Vec<String> {
    let mut found = story.living_sessions();
    story.log_in_as_admin();
    if !settle(story) {
        let outbox = story.read_as_admin("/api/v1/payments/outbox");
        found.push(format!("5: events are left in the outbox: {outbox}"));
    }
    story.log_in_as_admin();
    found.extend(check(&read(story), &story.facts));
    if let Some((answered, version)) = &story.facts.address_book {
        let (kept, tag) = story.address_book();
        if kept != *answered || tag != format!("\"{version}\"") {
            found.push(format!(
                "3: an answered address book has changed: {answered} at version {version}, now {kept} at {tag}"
            ));
        }
    }
    found.append(&mut story.facts.complaints);
    for email in &story.facts.registered {
        let changed = story.facts.passwords.get(email);
        story.log_in(
            email,
            changed.map_or(crate::client::PASSWORD, String::as_str),
        );
    }
    found
}

/// Everything that is not true of what was read, for people who know these facts.
pub fn check(readings: &Readings, facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    check_stock(readings, facts, &mut found);
    check_variants(readings, facts, &mut found);
    for order in &readings.orders {
        check_order(order, &readings.failed_refunds(order), &mut found);
    }
    check_codes(readings, &mut found);
    facts::check(readings, facts, &mut found);
    if let Some(provider) = &readings.provider {
        check_provider(provider, &readings.orders, &mut found);
    }
    found
}

/// True when nothing is left to publish, several times in a row: what an event sets going has its own time to be repeated.
fn settle(story: &mut Story<'_>) -> bool {
    let mut quiet = 0;
    for _ in 0..ROUNDS {
        for component in ["payments-api", "orders-api"] {
            story.maintain(component);
        }
        if story.world.stripe.is_some() {
            story.deliver_webhooks();
        }
        let outbox = story.read_as_admin("/api/v1/payments/outbox");
        quiet = if outbox["meta"]["total"] == 0 {
            quiet + 1
        } else {
            0
        };
        if quiet == QUIET_ROUNDS {
            return true;
        }
        story.world.clock.advance(ROUND);
    }
    false
}

/// Where discount codes are.
pub(crate) const CODES: &str = "/api/v1/checkouts/codes?limit=100";

/// What a page of a list has.
pub(crate) fn listed(page: &Value) -> Vec<Value> {
    page["data"].as_array().cloned().unwrap_or_default()
}

fn read(story: &Story<'_>) -> Readings {
    let list = story.read_as_admin("/api/v1/orders?limit=100");
    let ids = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|order| text(&order["id"]));
    let facts = &story.facts;
    let product = |id: &String| {
        let path = format!("/api/v1/products/{}", facts.product_of(id));
        let product = story.read_as_admin(&path);
        (id.clone(), facts.stock_of(id, product))
    };
    let owners: BTreeSet<&String> = facts.variants.values().map(|one| &one.product).collect();
    let whole = |id: &String| story.read_as_admin(&format!("/api/v1/products/{id}"));
    Readings {
        with_variants: owners.into_iter().map(whole).collect(),
        products: story.facts.units.keys().map(product).collect(),
        codes: listed(&story.read_as_admin(CODES)),
        provider: story
            .world
            .stripe
            .as_ref()
            .map(|stripe| stripe.at_stripe(|account| account.clone())),
        gone_before_ms: story.world.clock.ms_ago(UNPAID_RETENTION_SECONDS),
        orders: ids
            .map(|id| story.read_as_admin(&format!("/api/v1/orders/id/{id}")))
            .collect(),
    }
}

/// Invariant 1, and that every unit is where the orders say.
fn check_stock(readings: &Readings, facts: &Facts, found: &mut Vec<String>) {
    let orders = &readings.orders;
    for (product, units) in &facts.units {
        let now = readings.products.get(product).unwrap_or(&Value::Null);
        let count = |name: &str| now[name].as_i64().unwrap_or(i64::MIN);
        let (free, reserved, sold) = (count("stock"), count("reserved"), count("sold"));
        if free < 0 || free + reserved + sold != *units {
            found.push(format!("1: {units} units were put in, and there are {free} + {reserved} + {sold} of {product}"));
        }
        let in_orders = |is_counted: &dyn Fn(&Value) -> bool| -> i64 {
            orders
                .iter()
                .filter(|order| is_counted(order))
                .flat_map(|order| order["items"].as_array().into_iter().flatten())
                .filter_map(|item| {
                    let id = item["productId"].as_str()?;
                    let (of, units) = facts.item_units(id, item["quantity"].as_i64()?);
                    (of == product).then_some(units)
                })
                .sum()
        };
        let pending = in_orders(&|order| order["status"] == "PENDING");
        let is_sold = |order: &Value| order["status"] == "PAID" && !had_status(order, "REFUNDED");
        let bought = in_orders(&|order| is_sold(order) || had_status(order, "DELIVERED"));
        if (reserved, sold) != (pending, bought) {
            found.push(format!(
                "1: {reserved} units of {product} are reserved for {pending} in pending orders, {sold} sold for {bought} in paid ones"
            ));
        }
    }
}

/// Invariant 1 of what shares a stock: every variant could be sold as often as its stock allows, and what a product offers is the sum
/// over the stocks of its variants.
fn check_variants(readings: &Readings, facts: &Facts, found: &mut Vec<String>) {
    for product in &readings.with_variants {
        let mut offered = BTreeMap::<&str, i64>::new();
        for variant in product["variants"].as_array().into_iter().flatten() {
            let id = variant["id"].as_str().unwrap_or_default();
            let Some(known) = facts.variants.get(id) else {
                continue;
            };
            let stock = readings.products.get(&known.item).unwrap_or(&Value::Null);
            let free = stock["stock"].as_i64().unwrap_or(i64::MIN);
            let shown = variant["stock"].as_i64().unwrap_or(i64::MIN);
            if shown != free / known.units {
                found.push(format!(
                    "1: {shown} of variant {id} are shown, which takes {} of {free} free units",
                    known.units
                ));
            }
            let most = offered.entry(&known.item).or_default();
            *most = (*most).max(shown);
        }
        let offered: i64 = offered.values().sum();
        if product["stock"] != offered {
            found.push(format!(
                "1: {offered} units are for sale, and the product says {product}"
            ));
        }
    }
}

fn had_status(order: &Value, status: &str) -> bool {
    let history = order["history"].as_array().into_iter().flatten();
    history.into_iter().any(|change| change["to"] == status)
}

/// Invariants 2, 4 and 5 of one order, of which those refunds have failed at the provider.
fn check_order(order: &Value, failed_refunds: &[i64], found: &mut Vec<String>) {
    let (status, payment) = (text(&order["status"]), &order["payment"]);
    let payment_status = payment["status"].as_str().unwrap_or("none");
    let has_arrived = ["SUCCEEDED", "REFUNDED"].contains(&payment_status);
    if PAID.contains(&status.as_str()) != has_arrived
        && !(status == "CANCELLED" && (payment_status == "REFUNDED" || !failed_refunds.is_empty()))
    {
        found.push(format!(
            "2: order {status} with payment {payment_status}: {order}"
        ));
    }
    let units = |value: &Value| decimal(value);
    let items = order["items"].as_array().into_iter().flatten();
    let sum: i64 = items
        .map(|item| units(&item["price"]) * item["quantity"].as_i64().unwrap_or(0))
        .sum();
    let total = units(&order["totalAmount"]);
    // What is charged of a checkout is the total of its quote.
    let sum = match order["checkout"].as_object() {
        Some(_) => units(&order["checkout"]["totals"]["total"]),
        None => sum,
    };
    if sum != total || (!payment.is_null() && units(&payment["amount"]) != total) {
        found.push(format!(
            "4: items {sum}, total {total}, payment {}: {order}",
            payment["amount"]
        ));
    }
    if order["checkout"].is_object() {
        check_quote(order, found);
    }
    if !payment.is_null() && units(&payment["refundedAmount"]) > units(&payment["amount"]) {
        found.push(format!("4: more refunded than paid: {payment}"));
    }
    let mut reached: BTreeMap<String, u32> = BTreeMap::new();
    let changes = order["history"].as_array().into_iter().flatten();
    // What happens to an order without changing its status is noted there, too.
    for change in changes.filter(|change| change["from"] != change["to"]) {
        *reached.entry(text(&change["to"])).or_default() += 1;
    }
    let times_max = u32::try_from(1 + failed_refunds.len()).unwrap_or(u32::MAX);
    if let Some((status, times)) = reached.iter().find(|(_, times)| **times > times_max) {
        found.push(format!("5: {status} was reached {times} times: {order}"));
    }
    // Each remark is about another event: the sum of refunds so far, a payment that came too late.
    let mut remarks = BTreeSet::new();
    let changes = order["history"].as_array().into_iter().flatten();
    for remark in changes.filter(|change| change["from"] == change["to"]) {
        let reason = remark["reason"].as_str().unwrap_or_default();
        // The same sum may be refunded again when it has failed.
        let may_repeat = !failed_refunds.is_empty() && reason.ends_with(" refunded");
        if !remarks.insert(reason.to_owned()) && !may_repeat {
            found.push(format!(
                "5: an event was applied twice: {remark} of {order}"
            ));
        }
    }
}

/// Invariant 7: lines, shipping and rates add up to what is paid.
fn check_quote(order: &Value, found: &mut Vec<String>) {
    let checkout = &order["checkout"];
    let (lines, shipping) = (&checkout["lines"], &checkout["shipping"]);
    let is_with_tax = checkout["pricesIncludeTax"] == true;
    let parts = lines.as_array().into_iter().flatten();
    let parts = parts.chain(shipping.is_object().then_some(shipping));
    let of = |part: &Value, member: &str| decimal(&part[member]);
    let mut sums = [0; 4];
    for part in parts {
        let left = of(part, "amount") - of(part, "discount");
        let expected = if is_with_tax {
            of(part, "total")
        } else {
            of(part, "net")
        };
        if left != expected || of(part, "net") + of(part, "tax") != of(part, "total") {
            found.push(format!("7: a part does not add up: {part} of {order}"));
        }
        for (sum, member) in sums.iter_mut().zip(["total", "discount", "net", "tax"]) {
            *sum += of(part, member);
        }
    }
    let taxes = checkout["taxes"].as_array().into_iter().flatten();
    let [net, tax] = ["net", "tax"].map(|member| {
        let of_rates = taxes.clone().map(|rate| of(rate, member));
        of_rates.sum::<i64>()
    });
    let totals = ["total", "discount", "tax"].map(|member| of(&checkout["totals"], member));
    if sums != [totals[0], totals[1], net, tax] || tax != totals[2] {
        found.push(format!(
            "7: {sums:?} / 10,000 is not what the quote says: {order}"
        ));
    }
    if totals[0] != decimal(&order["totalAmount"]) {
        found.push(format!(
            "7: the order does not cost what its quote says: {order}"
        ));
    }
}

/// Invariant 8: a code is used by as many orders as count on it, and by no more than its limit.
fn check_codes(readings: &Readings, found: &mut Vec<String>) {
    for code in &readings.codes {
        let name = &code["code"];
        let has_it = |order: &&Value| {
            let discounts = order["checkout"]["discounts"].as_array();
            let mut discounts = discounts.into_iter().flatten();
            discounts.any(|discount| discount["code"] == *name)
        };
        let lives = |order: &&Value| {
            ["PENDING", "PAID", "DELIVERED"]
                .iter()
                .any(|status| order["status"] == *status)
        };
        let living = readings.orders.iter().filter(lives).filter(has_it).count();
        let uses = code["uses"].as_u64().unwrap_or(u64::MAX);
        let limit = code["limit"].as_u64().unwrap_or(u64::MAX);
        // A refund that failed has brought its order back without the code.
        let came_back = readings.orders.iter().filter(lives).filter(has_it);
        let came_back = came_back
            .filter(|order| had_status(order, "REFUNDED"))
            .count();
        let counted = u64::try_from(living - came_back).unwrap_or(u64::MAX);
        if uses > limit || uses != counted {
            found.push(format!(
                "8: {name} is used {uses} times, may be {limit} times, and {counted} living orders have it"
            ));
        }
    }
}

/// Invariant 2 again, as the provider sees it: what it has taken and given back is what the shop says, and nobody can pay
/// for an order that does not wait for it.
fn check_provider(provider: &Account, orders: &[Value], found: &mut Vec<String>) {
    let charges = provider.charges();
    for (order, amount, _) in &charges {
        if !orders.iter().any(|known| known["id"] == order.as_str()) {
            found.push(format!(
                "2: the provider has taken {amount} minor units for {order}, which is gone"
            ));
        }
    }
    for order in orders {
        let id = text(&order["id"]);
        let payment = &order["payment"];
        let taken: Vec<(i64, i64)> = charges
            .iter()
            .filter(|(order, ..)| *order == id)
            // As invariants count, in 1/10,000.
            .map(|(_, amount, refunded)| (amount * 100, refunded * 100))
            .collect();
        if payment.is_null() {
            if !taken.is_empty() {
                found.push(format!(
                    "2: the provider has taken {taken:?} / 10,000 for {order}"
                ));
            }
            continue;
        }
        let has_arrived = ["SUCCEEDED", "REFUNDED"]
            .iter()
            .any(|s| payment["status"] == *s);
        let own = i64::from(has_arrived) * decimal(&payment["amount"]);
        let duplicates = decimal(&payment["duplicateAmount"]);
        let duplicates_refunded = decimal(&payment["duplicateRefundedAmount"]);
        let shown = (
            own + duplicates,
            decimal(&payment["refundedAmount"]) + duplicates_refunded,
        );
        let sum = |part: fn(&(i64, i64)) -> i64| taken.iter().map(part).sum::<i64>();
        if (sum(|charge| charge.0), sum(|charge| charge.1)) != shown {
            found.push(format!(
                "2: the provider has taken and given back {taken:?} / 10,000, the shop says {order}"
            ));
        }
        let failed = provider.failed_refunds().into_iter();
        let failed = failed.filter(|(order, _)| *order == id);
        let failed: i64 = failed.map(|(_, amount)| amount * 100).sum();
        let kept = duplicates - duplicates_refunded;
        if !(failed - kept..=failed).contains(&decimal(&payment["failedRefundAmount"])) {
            found.push(format!(
                "2: refunds of {failed} / 10,000 have failed at the provider, the shop says {order}"
            ));
        }
        // What was lost in a dispute is with the customer.
        if kept > failed + decimal(&payment["lostToDisputes"]) {
            found.push(format!("2: a second charge is not given back: {order}"));
        }
        check_disputes(provider, &id, order, found);
    }
    let under_way = provider.sessions_under_way();
    for order in orders {
        let is_told = order["payment"]["processing"] == true;
        let is_so = under_way.iter().any(|(_, id)| order["id"] == id.as_str());
        if is_told != is_so {
            found.push(format!(
                "2: money of {} is on its way at the provider: {is_so}, the shop says {order}",
                order["id"]
            ));
        }
    }
    // Whether or not a customer ever learned of it.
    for (session, id) in provider.open_sessions() {
        let order = orders.iter().find(|order| order["id"] == id.as_str());
        if !order.is_some_and(|order| order["status"] == "PENDING") {
            found.push(format!(
                "2: {session} can still be paid, for {id}: {order:?}"
            ));
        }
    }
}

/// What the shop says of disputes is what the provider says; and nothing was delivered from when the order's history records a
/// dispute until that ended.
fn check_disputes(provider: &Account, id: &str, order: &Value, found: &mut Vec<String>) {
    let payment = &order["payment"];
    let disputes = provider.disputes().iter();
    let disputes: Vec<_> = disputes.filter(|dispute| dispute.order_id == id).collect();
    let is_open = disputes.iter().any(|dispute| dispute.ended.is_none());
    let lost = disputes
        .iter()
        .filter(|dispute| matches!(dispute.ended, Some(("lost", _))));
    let lost: i64 = lost.map(|dispute| dispute.amount * 100).sum();
    let shown = (&payment["disputed"], decimal(&payment["lostToDisputes"]));
    if shown != (&Value::Bool(is_open), lost) {
        found.push(format!(
            "2: disputes at the provider: open {is_open}, lost {lost} / 10,000, the shop says {order}"
        ));
    }
    let history: Vec<&Value> = order["history"].as_array().into_iter().flatten().collect();
    let delivered = history.iter().position(|change| {
        change["to"] == "DELIVERED" && change["from"] == "PAID" && change["actor"] != "system"
    });
    let Some(delivered) = delivered else { return };
    for dispute in disputes {
        let records = |change: &&Value| {
            let reason = change["reason"].as_str().unwrap_or_default();
            reason.contains(&dispute.id)
        };
        let is_recorded = history[..delivered].iter().any(records);
        let has_ended = dispute
            .ended
            .is_some_and(|(_, at)| at <= seconds_of(&history[delivered]["at"]));
        if is_recorded && !has_ended {
            found.push(format!(
                "2: delivered while {} was open: {order}",
                dispute.id
            ));
        }
    }
}

/// A time as the API writes it, in seconds since the Unix epoch.
fn seconds_of(time: &Value) -> u64 {
    let text = time.as_str().unwrap_or_default();
    mercato_platform::clock::parse_rfc3339(text).map_or(0, |ms| ms / 1_000)
}

/// A JSON amount in units of 1/10,000, read from its digits.
fn decimal(value: &Value) -> i64 {
    let digits = value.to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    format!("{whole}{fraction:0<4}").parse().unwrap_or(i64::MIN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_from_their_digits() {
        assert_eq!(decimal(&json!(12.5)), 125_000);
        assert_eq!(decimal(&json!(3)), 30_000);
        assert_eq!(decimal(&json!(0.0001)), 1);
    }

    #[test]
    fn only_old_orders_for_which_no_money_moved_may_be_gone() {
        // The sixth of March 2026.
        let id = "019cc0d5-f400-7000-8000-000000000001";
        let readings = |gone_before_ms| Readings {
            gone_before_ms,
            ..Readings::default()
        };
        let asked_for_at = 0x019c_c0d5_f400;
        let mut facts = Facts::default();
        assert!(readings(asked_for_at + 1).may_be_gone(id, &facts));
        assert!(!readings(asked_for_at).may_be_gone(id, &facts));
        facts.paid.insert(id.to_owned());
        assert!(!readings(asked_for_at + 1).may_be_gone(id, &facts));
        let gone = |paid: &Facts| {
            let mut facts = paid.clone();
            let answer = json!({ "id": id, "order": {} });
            facts.order_keys.insert("k".to_owned());
            facts.placed.insert("k".to_owned(), answer);
            check(&readings(asked_for_at + 1), &facts)
        };
        assert_eq!(gone(&Facts::default()), Vec::<String>::new());
        assert!(gone(&facts).iter().any(|what| what.starts_with('3')));
    }

    #[test]
    fn an_order_that_breaks_an_invariant_is_found() {
        let good = json!({
            "id": "o", "status": "PAID", "totalAmount": 5, "items": [{"price": 2.5, "quantity": 2}],
            "payment": {"status": "SUCCEEDED", "amount": 5, "refundedAmount": 0},
            "history": [{"from": null, "to": "PENDING"}, {"from": "PENDING", "to": "PAID"}],
        });
        let broken = |path: &str, value: Value| {
            let mut order = good.clone();
            *order.pointer_mut(path).expect("a member") = value;
            let mut found = Vec::new();
            check_order(&order, &[], &mut found);
            found
                .iter()
                .map(|text| text[..1].to_owned())
                .collect::<Vec<_>>()
        };
        assert!(broken("/status", json!("DELIVERED")).is_empty());
        assert_eq!(broken("/status", json!("PENDING")), ["2"]);
        assert_eq!(broken("/payment/status", json!("FAILED")), ["2"]);
        assert_eq!(broken("/totalAmount", json!(4)), ["4"]);
        assert_eq!(broken("/payment/refundedAmount", json!(6)), ["4"]);
        assert_eq!(broken("/history/0/to", json!("PAID")), ["5"]);
        assert!(broken("/history/1/from", json!("PAID")).is_empty());
        let remark = json!({"from": "PAID", "to": "PAID", "reason": "1 of 5 USD refunded"});
        let history = |remarks: &[&Value]| json!(remarks);
        assert!(broken("/history", history(&[&remark])).is_empty());
        assert_eq!(broken("/history", history(&[&remark, &remark])), ["5"]);
        // The same sum was refunded again, because the first refund had failed.
        let mut again = good.clone();
        again["history"] = history(&[&remark, &remark]);
        let mut found = Vec::new();
        check_order(&again, &[100], &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}
