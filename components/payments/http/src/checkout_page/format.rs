//! Amounts, times and names as customers read them.

use mercato_edge::Problem;
use mercato_money::{Currency, Money};
use payments::application::queries::Checkout;
use payments::domain::MinorUnits;

use crate::resource::decimal;

/// Digits between two separators of an amount.
const GROUP_DIGITS: usize = 3;

/// Digits of an order's number, and of each of its groups.
const ORDER_NUMBER_DIGITS: usize = 8;
const ORDER_NUMBER_GROUP_DIGITS: usize = 4;

pub const MS_PER_MINUTE: u64 = 60_000;
const MINUTES_PER_HOUR: u64 = 60;
const HOURS_PER_DAY: u64 = 24;

/// How a customer names the order. Where its number is not known, the last digits of its id: they are random, where the first
/// tell the time.
pub fn order_number(checkout: &Checkout) -> String {
    if let Some(number) = &checkout.order_number {
        return number.clone();
    }
    let id = checkout.payment.order_id.text();
    let digits: Vec<char> = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let from = digits.len().saturating_sub(ORDER_NUMBER_DIGITS);
    let groups: Vec<String> = digits
        .get(from..)
        .unwrap_or_default()
        .chunks(ORDER_NUMBER_GROUP_DIGITS)
        .map(|group| group.iter().collect::<String>().to_ascii_uppercase())
        .collect();
    groups.join("-")
}

/// How long something is valid, for people: whole units, rounded down so that nobody relies on more than there is.
pub fn remaining(ms: u64) -> String {
    let minutes = ms / MS_PER_MINUTE;
    let hours = minutes / MINUTES_PER_HOUR;
    let days = hours / HOURS_PER_DAY;
    match (days, hours, minutes) {
        (_, _, 0) => "less than a minute".to_owned(),
        (_, _, 1) => "another minute".to_owned(),
        (_, 0 | 1, minutes) => format!("another {minutes} minutes"),
        (0 | 1, hours, _) => format!("another {hours} hours"),
        (days, _, _) => format!("another {days} days"),
    }
}

/// An amount with its currency.
///
/// # Errors
/// 500 when it cannot be written.
pub fn with_currency(amount: MinorUnits, currency: Currency) -> Result<String, Problem> {
    let decimal = decimal(amount, currency)?;
    Ok(format!("{} {currency}", self::amount(decimal, currency)))
}

/// An amount with all decimal places of its currency, and more when it has more: `1,519.90`.
pub fn amount(amount: Money, currency: Currency) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = usize::try_from(currency.decimals()).unwrap_or_default();
    let whole = grouped(whole);
    if fraction.is_empty() && decimals == 0 {
        return whole;
    }
    format!("{whole}.{fraction:0<decimals$}")
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / GROUP_DIGITS);
    for (index, digit) in digits.chars().enumerate() {
        let after = digits.len().saturating_sub(index);
        if index > 0 && after % GROUP_DIGITS == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
