//! The three ports of a quote: what shipping costs, how things are taxed, what codes take off. They are asked in one go, answer at once and
//! know nothing of the shop: numbers and texts go in and come out, so that a merchant's own component can answer later
//! (docs/decisions/0091). Amounts are whole minor units of the currency.

use crate::domain::CodeProblem;

/// What shipping costs.
pub trait Rates {
    /// The options for what is described, in the order in which customers see them.
    fn quote(&self, request: &RatesRequest) -> RatesAnswer;
}

/// How things are taxed.
pub trait Taxes {
    /// One answer for each class, in their order.
    fn quote(&self, request: &TaxesRequest) -> Vec<TaxAnswer>;
}

/// What codes take off.
pub trait Offers {
    /// What each of the codes takes off or why it does not.
    fn quote(&self, request: &OffersRequest) -> OffersAnswer;
}

/// A place; empty texts where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Code or name.
    pub region: String,
    /// In capital letters.
    pub postal_code: String,
}

/// What is to be shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatesRequest {
    /// ISO 4217.
    pub currency: String,
    /// Where it goes; none while nobody knows.
    pub destination: Option<Place>,
    /// Of all lines.
    pub weight_grams: u64,
    /// Of all lines after discounts, as prices are: with tax or without.
    pub value: i64,
}

/// What shipping costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RatesAnswer {
    /// Whether anything is shipped at all: without, nobody is asked how.
    pub ships: bool,
    /// What there is to choose from.
    pub options: Vec<RateOption>,
}

/// One way of shipping and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RateOption {
    /// Names it.
    pub code: String,
    /// For customers.
    pub name: String,
    /// As prices are: with tax or without. Not negative.
    pub amount: i64,
}

/// What is to be taxed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxesRequest {
    /// Where it goes; none while nobody knows.
    pub destination: Option<Place>,
    /// The tax classes, that of shipping among them.
    pub classes: Vec<String>,
}

/// The rate of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxAnswer {
    /// In ten-thousandths of a percent, 1,000,000 at the most.
    pub rate: u32,
    /// Why it is 0, if there is a reason to name.
    pub reason: Option<String>,
}

/// What codes are to be applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffersRequest {
    /// ISO 4217.
    pub currency: String,
    /// The lines.
    pub lines: Vec<OfferLine>,
    /// The codes, in the order in which they were typed.
    pub codes: Vec<String>,
}

/// A line that a code may take something off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferLine {
    /// The product's id.
    pub product_id: String,
    /// Price times quantity. Not negative.
    pub amount: i64,
}

/// What codes take off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffersAnswer {
    /// The codes that take something off.
    pub offers: Vec<Offer>,
    /// Those that do not, and why.
    pub refused: Vec<(String, CodeProblem)>,
}

/// What one code takes off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The code.
    pub code: String,
    /// For customers.
    pub label: String,
    /// Of each line, in their order. Not negative; all offers together take no line below zero, and what they take
    /// beyond is cut.
    pub discounts: Vec<i64>,
    /// Whether shipping costs nothing.
    pub ships_free: bool,
}
