//! What customers can order: products without options, and variants of those with some.

use std::collections::BTreeMap;

use mercato_kernel::ProductId;

use crate::domain::values::{Name, Price, TaxClass, Weight};
use crate::domain::variant::Choice;

/// A product without options or a variant, while its product is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sellable {
    /// Identifier.
    pub id: ProductId,
    /// The product that it is a variant of.
    pub variant_of: Option<ProductId>,
    /// The product's name.
    pub name: Name,
    /// What was chosen of the options; nothing of a product without options.
    pub choices: Vec<Choice>,
    /// Price of one unit.
    pub price: Price,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// Of one unit; 0 when it is not known.
    pub weight: Weight,
    /// The product or variant whose units it is sold from: itself, unless it draws on another one's stock.
    pub item: ProductId,
    /// Units of that one which one of its own takes.
    pub item_units: u32,
    /// Free units of that one.
    pub item_free: u64,
}

impl Sellable {
    /// Units of it that so many units of what it is sold from make.
    #[must_use]
    pub fn of_item_units(&self, units: u64) -> u64 {
        units / u64::from(self.item_units.max(1))
    }
}

/// Units of stock items that are left while the lines of an order take theirs.
#[derive(Debug, Default)]
pub struct Left(BTreeMap<ProductId, u64>);

impl Left {
    /// Units of it that are left.
    #[must_use]
    pub fn of(&self, sellable: &Sellable) -> u64 {
        let left = self.0.get(&sellable.item).copied();
        sellable.of_item_units(left.unwrap_or(sellable.item_free))
    }

    /// Takes units of it, of which there are so many left.
    pub fn take(&mut self, sellable: &Sellable, units: u64) {
        let taken = units.saturating_mul(u64::from(sellable.item_units));
        let left = self.0.entry(sellable.item).or_insert(sellable.item_free);
        *left = left.saturating_sub(taken);
    }
}
