//! Sums, counts and pages agree with what they are sums, counts and pages of.

use serde_json::{Map, Value};

use super::{Example, objects};

/// What two amounts may differ by: amounts have four places.
const TOLERANCE: f64 = 0.000_01;

type Members = Map<String, Value>;

pub fn complaints(example: &Example<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    for members in objects(example.value) {
        let checks = [
            total_of_order(members),
            total_of_lines(members, "lines", "total"),
            units_of_lines(members),
            refunds(members),
            money_received(members),
            revenue(members),
            orders_by_status(members),
            page(members),
            stock(members),
            running_out(members),
            import(members),
        ];
        complaints.extend(checks.into_iter().flatten());
    }
    complaints
}

fn number(members: &Members, name: &str) -> Option<f64> {
    members.get(name)?.as_f64()
}

fn differs(what: &str, found: f64, expected: f64) -> Option<String> {
    let is_same = (found - expected).abs() < TOLERANCE;
    (!is_same).then(|| format!("{what} is {found} and not {expected}"))
}

/// Of an order that was a checkout the total is the quote's, and its items come to what the quote says of them.
fn total_of_order(members: &Members) -> Option<String> {
    let Some(totals) = members.get("checkout").and_then(|it| it.get("totals")) else {
        return total_of_lines(members, "items", "totalAmount");
    };
    let total = members.get("totalAmount")?;
    if Some(total) != totals.get("total") {
        return Some(format!("totalAmount is {total} and its quote {totals}"));
    }
    let mut items = members.clone();
    items.insert("totalAmount".to_owned(), totals.get("items")?.clone());
    total_of_lines(&items, "items", "totalAmount")
}

fn total_of_lines(members: &Members, lines: &str, total: &str) -> Option<String> {
    let found = number(members, total)?;
    let lines = members.get(lines)?.as_array()?;
    let sum = lines
        .iter()
        .map(|line| Some(line["price"].as_f64()? * line["quantity"].as_f64()?))
        .sum::<Option<f64>>()?;
    differs(total, found, sum)
}

fn units_of_lines(members: &Members) -> Option<String> {
    let found = number(members, "totalItems")?;
    let lines = members.get("items")?.as_array()?;
    let sum = lines
        .iter()
        .map(|line| line["quantity"].as_f64())
        .sum::<Option<f64>>()?;
    differs("totalItems", found, sum)
}

fn refunds(members: &Members) -> Option<String> {
    let (amount, refunded) = (
        number(members, "amount")?,
        number(members, "refundedAmount")?,
    );
    if refunded > amount {
        return Some(format!("{refunded} was refunded of {amount}"));
    }
    let is_whole = amount > 0.0 && refunded >= amount;
    let status = members.get("status")?.as_str()?;
    (is_whole != (status == "REFUNDED"))
        .then(|| format!("a payment of which {refunded} of {amount} was refunded is {status}"))
}

fn money_received(members: &Members) -> Option<String> {
    let net = number(members, "net")?;
    let taken_back = number(members, "refunded")? + number(members, "lostToDisputes")?;
    differs("net", net, number(members, "gross")? - taken_back)
}

fn revenue(members: &Members) -> Option<String> {
    let found = number(members, "revenue")?;
    let currency = members.get("currency")?;
    let by_currency = members.get("byCurrency")?.as_array()?;
    let own = by_currency
        .iter()
        .find(|money| money["currency"] == *currency);
    let Some(own) = own else {
        return Some(format!("byCurrency leaves {currency} out"));
    };
    differs("revenue", found, own["net"].as_f64()?)
}

fn orders_by_status(members: &Members) -> Option<String> {
    let found = number(members, "total")?;
    let counts = members.get("byStatus")?.as_object()?;
    let sum = counts.values().map(Value::as_f64).sum::<Option<f64>>()?;
    differs("total", found, sum)
}

fn page(members: &Members) -> Option<String> {
    let meta = members.get("meta")?.as_object()?;
    let entries = members.get("data")?.as_array()?.len() as u64;
    let whole = |name: &str| meta.get(name)?.as_u64();
    let (total, page, limit) = (whole("total")?, whole("page")?, whole("limit")?);
    let last = total.div_ceil(limit).max(1);
    if whole("lastPage")? != last {
        return Some(format!(
            "lastPage of {total} entries, {limit} a page, is not {last}"
        ));
    }
    let expected = limit.min(total.saturating_sub((page - 1) * limit));
    if entries != expected {
        return Some(format!(
            "page {page} of {total} entries has {entries} and not {expected}"
        ));
    }
    let is_last = meta.get("next")?.is_null();
    (is_last != (page >= last)).then(|| format!("next does not fit page {page} of {last}"))
}

fn stock(members: &Members) -> Option<String> {
    let stock = number(members, "stock")?;
    let is_available = members.get("available")?.as_bool()?;
    (is_available != (stock > 0.0))
        .then(|| format!("available is {is_available} with {stock} units"))
}

fn running_out(members: &Members) -> Option<String> {
    let threshold = number(members, "lowStockThreshold")?;
    let products = members.get("lowStock")?.as_array()?;
    let too_many = products
        .iter()
        .find(|product| product["stock"].as_f64() > Some(threshold));
    if let Some(product) = too_many {
        return Some(format!("{} does not run out", product["name"]));
    }
    let without_any = products
        .iter()
        .filter(|product| product["stock"] == 0)
        .count() as f64;
    let out_of_stock = number(members, "outOfStock")?;
    let is_possible = without_any <= out_of_stock
        && number(members, "products")? >= out_of_stock.max(products.len() as f64);
    (!is_possible).then(|| format!("outOfStock is {out_of_stock}, and {without_any} are shown"))
}

fn import(members: &Members) -> Option<String> {
    let total = number(members, "failedTotal")?;
    differs(
        "failedTotal",
        total,
        members.get("failed")?.as_array()?.len() as f64,
    )
}
