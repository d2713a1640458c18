//! The lines of a session: what the customer sees at Stripe.

use std::borrow::Cow;

use mercato_money::{Currency, Money, MoneyError};

use super::{Form, cut, order_named, step};
use crate::port::{AdjustmentKind, CheckoutDetails, LineAmount, LineItem, SessionRequest};

/// Most lines that Stripe shows in a session.
pub(super) const LINE_ITEMS_MAX: usize = 100;

/// Longest name of a line, in characters.
pub(super) const NAME_MAX_CHARS: usize = 250;

/// Longest description of what an order holds, in characters.
pub(super) const DESCRIPTION_MAX_CHARS: usize = 500;

/// What the customer sees.
pub(super) struct Line<'a> {
    name: Cow<'a, str>,
    description: Option<String>,
    unit_amount: i64,
    quantity: u32,
}

impl Line<'_> {
    pub(super) fn write(&self, form: &mut Form, index: usize, currency: Currency) {
        let of = |field: &str| format!("line_items[{index}]{field}");
        form.set(of("[quantity]"), self.quantity.to_string());
        form.set(
            of("[price_data][currency]"),
            currency.code().to_ascii_lowercase(),
        );
        form.set(
            of("[price_data][unit_amount]"),
            self.unit_amount.to_string(),
        );
        let name = cut(&self.name, NAME_MAX_CHARS);
        form.set(of("[price_data][product_data][name]"), name);
        if let Some(description) = &self.description {
            form.set(
                of("[price_data][product_data][description]"),
                description.as_str(),
            );
        }
    }
}

/// The lines of a session; the order as one where they would not come to its amount.
pub(super) fn of(request: &SessionRequest, currency: Currency) -> Vec<Line<'_>> {
    let exact = match &request.details {
        Some(details) => detailed_lines(request, details, currency),
        None => exact_lines(request, currency),
    };
    exact.unwrap_or_else(|| vec![whole_order(request)])
}

/// The lines of a checkout with what is left of each, then shipping and the taxes on top; none when Stripe cannot take one of these
/// amounts, or they do not come to the amount.
fn detailed_lines<'a>(
    request: &'a SessionRequest,
    details: &'a CheckoutDetails,
    currency: Currency,
) -> Option<Vec<Line<'a>>> {
    let sum_of = |kind| {
        let of_kind = details.adjustments.iter().filter(|it| it.kind == kind);
        of_kind.map(|it| it.amount).try_fold(0, i64::checked_add)
    };
    let mut lines = Vec::with_capacity(details.line_amounts.len());
    let mut discounted = 0_i64;
    for (item, line) in request.line_items.iter().zip(&details.line_amounts) {
        discounted = discounted.checked_add(line.discount)?;
        lines.push(detailed_line(item, *line, currency)?);
    }
    // What codes take off beside the lines is off shipping.
    let off_shipping = sum_of(AdjustmentKind::Discount)?.checked_sub(discounted)?;
    let shipping = sum_of(AdjustmentKind::Shipping)?.checked_sub(off_shipping)?;
    let labels = |kind| {
        let of_kind = details.adjustments.iter().filter(move |it| it.kind == kind);
        of_kind.map(|it| it.label.as_str()).collect::<Vec<_>>()
    };
    let shipped = labels(AdjustmentKind::Shipping);
    if !shipped.is_empty() {
        let off = (off_shipping > 0).then(|| off(off_shipping, currency));
        lines.push(Line {
            name: shipped.join(", ").into(),
            description: off.transpose().ok()?,
            unit_amount: shipping,
            quantity: 1,
        });
    }
    for tax in &details.adjustments {
        if tax.kind == AdjustmentKind::Tax && tax.amount > 0 {
            lines.push(Line {
                name: format!("Tax {}", tax.label).into(),
                description: None,
                unit_amount: tax.amount,
                quantity: 1,
            });
        }
    }
    let sum = lines.iter().try_fold(0_i64, |sum, line| {
        sum.checked_add(line.unit_amount.checked_mul(i64::from(line.quantity))?)
    })?;
    let fits = |line: &Line<'_>| line.unit_amount >= 0 && line.unit_amount % step(currency) == 0;
    let is_shown = lines.len() <= LINE_ITEMS_MAX && lines.iter().all(fits);
    (sum == request.amount && is_shown).then_some(lines)
}

/// So many units of a price when they come to exactly what the line costs, otherwise all of them as one.
fn detailed_line(item: &LineItem, line: LineAmount, currency: Currency) -> Option<Line<'_>> {
    let price = Money::from_units(item.unit_price).to_minor_exact(currency);
    let exact = price.filter(|price| {
        let amount = price.checked_mul(i64::from(item.quantity));
        line.discount == 0 && amount == Some(line.amount) && price % step(currency) == 0
    });
    if let Some(unit_amount) = exact {
        return Some(Line {
            name: item.name.as_str().into(),
            description: None,
            unit_amount,
            quantity: item.quantity,
        });
    }
    let off = (line.discount > 0).then(|| off(line.discount, currency));
    Some(Line {
        name: format!("{} × {}", item.quantity, item.name).into(),
        description: off.transpose().ok()?,
        unit_amount: line.amount.checked_sub(line.discount)?,
        quantity: 1,
    })
}

/// What a customer reads of a discount.
fn off(amount: i64, currency: Currency) -> Result<String, MoneyError> {
    Ok(format!(
        "Discount: {} {currency}",
        Money::from_minor(amount, currency)?
    ))
}

/// Line by line, unless a unit price is no whole number of minor units or the sum is not the amount.
fn exact_lines(request: &SessionRequest, currency: Currency) -> Option<Vec<Line<'_>>> {
    let lines = request
        .line_items
        .iter()
        .map(|item| {
            let unit_amount = Money::from_units(item.unit_price).to_minor_exact(currency)?;
            (unit_amount % step(currency) == 0).then(|| Line {
                name: item.name.as_str().into(),
                description: None,
                unit_amount,
                quantity: item.quantity,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let sum = lines.iter().try_fold(0_i64, |sum, line| {
        sum.checked_add(line.unit_amount.checked_mul(i64::from(line.quantity))?)
    })?;
    (sum == request.amount).then_some(lines)
}

fn whole_order(request: &SessionRequest) -> Line<'_> {
    let items: Vec<_> = request
        .line_items
        .iter()
        .map(|item| format!("{} × {}", item.quantity, item.name))
        .collect();
    Line {
        name: order_named(request.order_number.as_ref().unwrap_or(&request.order_id)).into(),
        description: Some(cut(&items.join(", "), DESCRIPTION_MAX_CHARS)),
        unit_amount: request.amount,
        quantity: 1,
    }
}
