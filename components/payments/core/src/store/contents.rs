//! What is paid for: of each payment one document, which is written with it, never changed, and read as a whole.

use mercato_kernel::{Named as _, PaymentId};
use mercato_money::Money;
use mercato_sql::{Error, Row, Value, params};
use serde::{Deserialize, Serialize};

use super::{Records, Stored};
use crate::domain::{
    Address, Adjustment, AdjustmentKind, CheckoutDetails, CheckoutLine, LineAmount, MinorUnits,
    Payment, PaymentContent, PaymentError,
};

const INSERT_CONTENT: &str = "
    INSERT INTO payment_contents (payment_id, document)
    VALUES (?, ?)";

const CONTENT: &str = "
    SELECT order_number, document
    FROM payments
    LEFT JOIN payment_contents ON payment_id = id
    WHERE id = ?";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INSERT_CONTENT, CONTENT];

/// What stands in the database, as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    lines: Vec<LineDocument>,
    /// Of orders that were checkouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<DetailsDocument>,
}

/// A [`CheckoutLine`] with its [`LineAmount`], which only lines of checkouts have.
#[derive(Debug, Serialize, Deserialize)]
struct LineDocument {
    name: String,
    /// In units of 1/10,000 of the currency.
    unit_price: i64,
    quantity: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount: Option<i64>,
}

/// [`CheckoutDetails`] without the amounts of lines.
#[derive(Debug, Serialize, Deserialize)]
struct DetailsDocument {
    email: String,
    shipping_address: Option<Address>,
    billing_address: Option<Address>,
    adjustments: Vec<AdjustmentDocument>,
}

/// An [`Adjustment`].
#[derive(Debug, Serialize, Deserialize)]
struct AdjustmentDocument {
    kind: String,
    label: String,
    amount: i64,
}

impl Records<'_> {
    /// Stores what a new payment is for.
    pub(super) fn insert_content(
        &self,
        payment: &Payment,
        lines: &[CheckoutLine],
        details: Option<&CheckoutDetails>,
    ) -> Stored<()> {
        let document = Value::json(&Document::new(lines, details));
        self.execute(INSERT_CONTENT, params![&*payment.id.text(), document])
    }

    /// What a payment is for. A payment of which nothing is known has no lines.
    pub fn content_of_payment(&self, payment_id: PaymentId) -> Stored<PaymentContent> {
        let content = self.one(CONTENT, params![&*payment_id.text()], content)?;
        Ok(content.unwrap_or_default())
    }
}

fn content(row: &Row) -> Stored<PaymentContent> {
    let is_there = row.get::<Option<String>>("document")?.is_some();
    let document: Option<Document> = is_there.then(|| row.json("document")).transpose()?;
    let document = document.unwrap_or_default();
    let details = document
        .details
        .map(|details| details.with(&document.lines));
    Ok(PaymentContent {
        order_number: row.get("order_number")?,
        details: details.transpose()?,
        lines: document.lines.into_iter().map(Into::into).collect(),
    })
}

impl Document {
    fn new(lines: &[CheckoutLine], details: Option<&CheckoutDetails>) -> Self {
        let mut amounts = details.map_or(&[][..], |it| &it.line_amounts).iter();
        let line = |line: &CheckoutLine| {
            let amount = amounts.next();
            LineDocument {
                name: line.name.clone(),
                unit_price: line.unit_price.units(),
                quantity: line.quantity,
                amount: amount.map(|line| line.amount.get()),
                discount: amount.map(|line| line.discount.get()),
            }
        };
        Self {
            lines: lines.iter().map(line).collect(),
            details: details.map(DetailsDocument::new),
        }
    }
}

impl DetailsDocument {
    fn new(details: &CheckoutDetails) -> Self {
        let adjustment = |adjustment: &Adjustment| AdjustmentDocument {
            kind: adjustment.kind.name().to_owned(),
            label: adjustment.label.clone(),
            amount: adjustment.amount.get(),
        };
        Self {
            email: details.email.clone(),
            shipping_address: details.shipping_address.clone(),
            billing_address: details.billing_address.clone(),
            adjustments: details.adjustments.iter().map(adjustment).collect(),
        }
    }

    fn with(self, lines: &[LineDocument]) -> Stored<CheckoutDetails> {
        let line = |line: &LineDocument| {
            Ok(LineAmount {
                amount: minor_units(line.amount)?,
                discount: minor_units(line.discount)?,
            })
        };
        let adjustment = |adjustment: AdjustmentDocument| {
            Ok(Adjustment {
                kind: AdjustmentKind::from_name(&adjustment.kind).ok_or_else(damaged)?,
                label: adjustment.label,
                amount: minor_units(Some(adjustment.amount))?,
            })
        };
        let adjustments = self.adjustments.into_iter().map(adjustment);
        Ok(CheckoutDetails {
            email: self.email,
            shipping_address: self.shipping_address,
            billing_address: self.billing_address,
            line_amounts: lines.iter().map(line).collect::<Stored<_>>()?,
            adjustments: adjustments.collect::<Stored<_>>()?,
        })
    }
}

impl From<LineDocument> for CheckoutLine {
    fn from(line: LineDocument) -> Self {
        Self {
            name: line.name,
            unit_price: Money::from_units(line.unit_price),
            quantity: line.quantity,
        }
    }
}

fn minor_units(units: Option<i64>) -> Stored<MinorUnits> {
    units.and_then(MinorUnits::new).ok_or_else(damaged)
}

fn damaged() -> PaymentError {
    Error::not("document", "what is paid for").into()
}
