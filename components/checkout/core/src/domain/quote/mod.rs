//! The quote: everything that an order would cost, exact to the minor unit.

mod draw;
pub mod ports;
#[cfg(test)]
mod tests;

pub use draw::{QuoteItem, QuoteRequest, TooLarge, draw};
pub use mercato_kernel::QuoteId;

use mercato_kernel::{ProductId, Quantity, named};
use mercato_money::{Currency, Money, Rate};

use super::code::CodeProblem;
use ports::RateOption;

/// How long a quote can be ordered after it was shown, in milliseconds.
pub const QUOTE_LIFETIME_MS: u64 = 30 * 60 * 1_000;

/// Everything that an order would cost. Amounts without a unit are whole minor units of the currency.
///
/// Lines and shipping have `total = net + tax`; `amount − discount` is their `total` where prices include tax, and their `net` where
/// they do not. The totals of all lines and of shipping add up to the quote's total, and so do the parts of every rate: EN 16931
/// section 6.4 asks for both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Of all amounts.
    pub currency: Currency,
    /// Whether prices, discounts and what shipping costs are with tax.
    pub prices_include_tax: bool,
    /// In the order of the checkout.
    pub lines: Vec<QuoteLine>,
    /// What there is to choose from.
    pub shipping_options: Vec<RateOption>,
    /// What was chosen.
    pub shipping: Option<QuoteShipping>,
    /// What each code takes off, lines and shipping together.
    pub discounts: Vec<QuoteDiscount>,
    /// Each rate once, the lowest first.
    pub taxes: Vec<QuoteTax>,
    /// The sums.
    pub totals: Totals,
    /// What has to be filled in before it can be ordered.
    pub missing: Vec<Missing>,
    /// What the customer should know.
    pub messages: Vec<Message>,
}

/// What a line or shipping is taxed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxRate {
    /// The rate.
    pub rate: Rate,
    /// Why it is 0, if there is a reason to name.
    pub reason: Option<String>,
}

/// The value that a variant has of one of its product's options.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The option's name.
    pub name: String,
    /// One of its values.
    pub value: String,
}

/// A line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuoteLine {
    /// The product, or the variant of one.
    pub product_id: ProductId,
    /// The product's name.
    pub name: String,
    /// What was chosen of its options, in their order.
    pub choices: Vec<Choice>,
    /// How many of it.
    pub quantity: Quantity,
    /// Price of one, with up to four decimal places.
    pub unit_price: Money,
    /// Price times quantity, rounded half up.
    pub amount: i64,
    /// What codes take off.
    pub discount: i64,
    /// What it is taxed by.
    pub tax_rate: TaxRate,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
    /// With tax.
    pub total: i64,
}

/// What shipping costs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuoteShipping {
    /// The option.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it costs.
    pub amount: i64,
    /// What codes take off.
    pub discount: i64,
    /// What it is taxed by.
    pub tax_rate: TaxRate,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
    /// With tax.
    pub total: i64,
}

/// What a code takes off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuoteDiscount {
    /// The code.
    pub code: String,
    /// Its name.
    pub label: String,
    /// How much.
    pub amount: i64,
}

/// The tax of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuoteTax {
    /// The rate.
    pub tax_rate: TaxRate,
    /// What bears it, without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
}

/// The sums of a quote. `total` is `items − discount + shipping`, and `tax` besides where prices do not include it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Totals {
    /// Amounts of all lines.
    pub items: i64,
    /// What codes take off lines and shipping.
    pub discount: i64,
    /// What shipping costs, before discounts.
    pub shipping: i64,
    /// The tax of all rates.
    pub tax: i64,
    /// What the customer pays.
    pub total: i64,
}

/// What has to be filled in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "camelCase")]
pub enum Missing {
    /// There is no line that can be bought.
    Items,
    /// The customer's address for mail.
    Email,
    /// Where it goes.
    ShippingAddress,
    /// How it gets there.
    ShippingOption,
}

named!(Missing);

/// What the customer should know. `line` counts the quote's lines from 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A price is another one than when the checkout was changed last.
    PriceChanged {
        /// Which line.
        line: usize,
        /// The price then.
        was: Money,
        /// The price now.
        is: Money,
    },
    /// The catalogue has fewer units of the line's product.
    InsufficientStock {
        /// Which line.
        line: usize,
        /// Units there are.
        available: u64,
    },
    /// The catalogue does not have a product of the checkout any more; it is in no line of the quote.
    UnknownProduct {
        /// Which product.
        product_id: ProductId,
    },
    /// A code takes nothing off.
    Code {
        /// As it was typed.
        code: String,
        /// Why.
        problem: CodeProblem,
    },
    /// Nothing that is offered fits where it goes, what it weighs or what it is worth.
    NoShippingOption,
    /// The option that was chosen is not offered any more.
    ShippingOptionGone {
        /// Its code.
        code: String,
    },
}

impl Message {
    /// Whether nothing can be ordered as long as this is so.
    #[must_use]
    pub const fn prevents_order(&self) -> bool {
        matches!(
            self,
            Self::InsufficientStock { .. } | Self::UnknownProduct { .. }
        )
    }
}

impl Quote {
    /// Whether it can be ordered: nothing is missing and nothing stands in the way.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && !self.messages.iter().any(Message::prevents_order)
    }
}
