use mercato_kernel::{AccountId, OrderId, named};
use mercato_money::{Currency, Money};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::MinorUnits;

/// Most lines a checkout shows: as many as an order has.
pub const CHECKOUT_LINES_MAX: usize = 100;

/// Most discounts, taxes and the like that a checkout shows beside its lines.
pub const ADJUSTMENTS_MAX: usize = 200;

/// Longest e-mail address, in characters.
pub const EMAIL_MAX_CHARS: usize = 254;

/// Longest part of a postal address, in characters: some more than checkouts take.
pub const ADDRESS_PART_MAX_CHARS: usize = 300;

/// Longest number of an order, in characters: some more than orders need, for they may change it.
pub const ORDER_NUMBER_MAX_CHARS: usize = 32;

/// One line of what is paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutLine {
    /// The product's name.
    pub name: String,
    /// Price of one unit.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
}

/// What a line costs of an order that was a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAmount {
    /// Price times quantity, rounded.
    pub amount: MinorUnits,
    /// What discount codes take off that.
    pub discount: MinorUnits,
}

/// What an order costs or saves besides its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum AdjustmentKind {
    /// What a discount code takes off, lines and shipping together.
    Discount,
    /// What shipping costs.
    Shipping,
    /// A tax that comes on top of the prices.
    Tax,
    /// A tax that the prices have in them.
    IncludedTax,
}

named!(AdjustmentKind);

/// What an order costs or saves besides its lines, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// What it is.
    pub kind: AdjustmentKind,
    /// For customers.
    pub label: String,
    /// How much.
    pub amount: MinorUnits,
}

/// Where something goes by post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Who is there.
    pub name: String,
    /// Of which company.
    pub company: Option<String>,
    /// Street and number, in most countries.
    pub line1: String,
    /// What else finds the door.
    pub line2: Option<String>,
    /// As it is written in that country.
    pub postal_code: Option<String>,
    /// The place.
    pub city: Option<String>,
    /// State, province or the like.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

impl Address {
    /// Whether it has the parts that every address has, and none that is too long.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let needed = [&self.name, &self.line1, &self.country];
        let others = [
            &self.company,
            &self.line2,
            &self.postal_code,
            &self.city,
            &self.region,
        ];
        let mut parts = needed.into_iter().chain(others.into_iter().flatten());
        let country = self.country.as_bytes();
        parts.all(|part| (1..=ADDRESS_PART_MAX_CHARS).contains(&part.chars().count()))
            && country.len() == 2
            && country.iter().all(u8::is_ascii_uppercase)
    }
}

/// Who an order is for that was a checkout, and how its amount comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutDetails {
    /// Where the customer is written to.
    pub email: String,
    /// Where the order goes.
    pub shipping_address: Option<Address>,
    /// Where the invoice goes; none when it is the shipping address.
    pub billing_address: Option<Address>,
    /// One for each line, in their order.
    pub line_amounts: Vec<LineAmount>,
    /// What comes on top, or is taken off.
    pub adjustments: Vec<Adjustment>,
}

impl CheckoutDetails {
    /// The lines, less all discounts, with shipping, and with taxes that the prices do not include; none when discounts are more than
    /// that, or when it is more than can be counted.
    #[must_use]
    pub fn total(&self) -> Option<MinorUnits> {
        let amounts = self.line_amounts.iter().map(|line| line.amount.get());
        let lines = amounts.into_iter().try_fold(0_i64, i64::checked_add)?;
        let total = self.adjustments.iter().try_fold(lines, |sum, adjustment| {
            let amount = adjustment.amount.get();
            match adjustment.kind {
                AdjustmentKind::Discount => sum.checked_sub(amount),
                AdjustmentKind::Shipping | AdjustmentKind::Tax => sum.checked_add(amount),
                AdjustmentKind::IncludedTax => Some(sum),
            }
        })?;
        MinorUnits::new(total)
    }
}

/// What a payment is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentContent {
    /// What people call the order by; none of payments from before that was known here.
    pub order_number: Option<String>,
    /// What is paid for, in the order's sequence.
    pub lines: Vec<CheckoutLine>,
    /// How the amount comes about of an order that was a checkout.
    pub details: Option<CheckoutDetails>,
}

/// A session as the provider opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// The provider's id.
    pub id: String,
    /// Where the customer pays.
    pub url: String,
    /// Milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// A session that the provider is asked for, and its answer once that is known.
///
/// Of the first session number and time are fixed by the request that opens the payment; of a later one they are kept before the
/// provider is asked. So asking again after a crash is the same request under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSlot {
    /// From 1; grows when a session has expired and another is opened.
    pub number: u32,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub requested_expiry: u64,
    /// The provider's answer.
    pub opened: Option<CheckoutSession>,
}

/// What the customer does on the stand-in provider's checkout page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray, Serialize, ToSchema)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
#[schema(example = "succeed")]
pub enum CheckoutOutcome {
    /// Pays.
    Succeed,
    /// The payment fails for good, and the order with it.
    Fail,
    /// The session ends, and the order with it.
    Cancel,
    /// Pays by a bank debit: the money is on its way until `succeed` lets it arrive or `fail` lets it fail.
    Debit,
    /// Tries a card that is declined: nothing ends, the customer may try again.
    Decline,
}

named!(CheckoutOutcome);

/// What a payment is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// The order to pay.
    pub order_id: OrderId,
    /// What people call it by.
    pub order_number: String,
    /// The account that pays, or what else the order belongs to.
    pub customer_id: AccountId,
    /// How much.
    pub amount: MinorUnits,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub lines: Vec<CheckoutLine>,
    /// How the amount comes about of an order that was a checkout; of others it is the sum of the lines.
    pub details: Option<CheckoutDetails>,
    /// When the session shall end, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

impl NewPayment {
    /// Whether there is nothing to pay, so that no provider is asked. Without details it was always asked, and is.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.details.is_some() && self.amount.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(lines: &[i64], adjustments: &[(AdjustmentKind, i64)]) -> CheckoutDetails {
        let minor = |units: i64| MinorUnits::new(units).unwrap();
        let line = |units: &i64| LineAmount {
            amount: minor(*units),
            discount: MinorUnits::ZERO,
        };
        let adjustment = |(kind, units): &(AdjustmentKind, i64)| Adjustment {
            kind: *kind,
            label: "a label".to_owned(),
            amount: minor(*units),
        };
        CheckoutDetails {
            email: "ada@example.com".to_owned(),
            shipping_address: None,
            billing_address: None,
            line_amounts: lines.iter().map(line).collect(),
            adjustments: adjustments.iter().map(adjustment).collect(),
        }
    }

    #[test]
    fn an_address_has_a_name_a_line_and_a_country() {
        let whole = Address {
            name: "Ada".to_owned(),
            company: Some("Engines".to_owned()),
            line1: "Ring 1".to_owned(),
            line2: None,
            postal_code: Some("1010".to_owned()),
            city: None,
            region: None,
            country: "AT".to_owned(),
        };
        assert!(whole.is_valid());
        let broken: [fn(&mut Address); 6] = [
            |it| it.name.clear(),
            |it| it.line1.clear(),
            |it| it.country = "at".to_owned(),
            |it| it.country = "AUT".to_owned(),
            |it| it.company = Some(String::new()),
            |it| it.city = Some("x".repeat(ADDRESS_PART_MAX_CHARS + 1)),
        ];
        for (index, change) in broken.into_iter().enumerate() {
            let mut address = whole.clone();
            change(&mut address);
            assert!(!address.is_valid(), "{index}");
        }
    }

    #[test]
    fn a_total_is_lines_less_discounts_with_shipping_and_tax() {
        use AdjustmentKind::{Discount, IncludedTax, Shipping, Tax};
        for (lines, adjustments, total) in [
            (vec![2_380], vec![], Some(2_380)),
            (
                vec![2_380, 120],
                vec![(Discount, 250), (Shipping, 490)],
                Some(2_740),
            ),
            (vec![1_000], vec![(IncludedTax, 167)], Some(1_000)),
            (vec![1_000], vec![(Tax, 200)], Some(1_200)),
            (vec![1_000], vec![(Discount, 1_000)], Some(0)),
            (vec![1_000], vec![(Discount, 1_001)], None),
            (vec![i64::MAX, 1], vec![], None),
        ] {
            let found = details(&lines, &adjustments).total();
            assert_eq!(
                found.map(MinorUnits::get),
                total,
                "{lines:?} {adjustments:?}"
            );
        }
    }
}
