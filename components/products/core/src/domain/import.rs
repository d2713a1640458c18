//! Rows of a price list that is read in, and what becomes of them.

use mercato_money::Money;

use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::product::{NewProduct, ProductChanges, StockChange};

/// Most rows that are imported in one transaction. Buyers wait for it, so it lasts some hundredths of a second.
pub const IMPORT_BATCH_ROWS_MAX: usize = 250;

/// A row as it came: what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportRow {
    /// The shop's own number of the product that the row is about.
    pub sku: String,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Price of one unit.
    pub price: Option<Money>,
    /// Units.
    pub stock: Option<u64>,
}

/// What the stock of a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockCount {
    /// The units that are free to sell.
    Free,
    /// These and the units that are reserved for orders which are not paid yet.
    OnHand,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// There was no product of that number.
    Created,
    /// The product of that number has a new version.
    Updated,
    /// The product of that number says this already.
    Unchanged,
    /// Nothing, for these fields break a rule.
    Refused(Vec<FieldError>),
}

impl ImportRow {
    /// The product that the row makes when there is none of its number: it needs a name and a price.
    pub fn to_new_product(&self) -> Result<NewProduct, ProductError> {
        let missing = |field, is_missing: bool| {
            let error = || {
                let rule = "is required, for there is no product of this sku yet";
                FieldError::new(field, FieldCode::Required, rule)
            };
            is_missing.then(error)
        };
        let errors: Vec<FieldError> = [
            missing("name", self.name.is_none()),
            missing("price", self.price.is_none()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !errors.is_empty() {
            return Err(ProductError::Invalid(errors));
        }
        Ok(NewProduct {
            name: self.name.clone().unwrap_or_default(),
            description: self.description.clone().unwrap_or_default(),
            sku: Some(self.sku.clone()),
            price: self.price.unwrap_or_default(),
            stock: self.stock.unwrap_or_default(),
        })
    }

    /// What the row changes of the product that has its number.
    pub fn to_changes(&self, count: StockCount) -> ProductChanges {
        let stock = match count {
            StockCount::Free => StockChange::Absolute,
            StockCount::OnHand => StockChange::OnHand,
        };
        ProductChanges {
            name: self.name.clone(),
            description: self.description.clone(),
            sku: None,
            price: self.price,
            stock: self.stock.map(stock),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_product_needs_a_name_and_a_price() {
        let row = ImportRow {
            sku: "T-1".to_owned(),
            ..ImportRow::default()
        };
        let Err(ProductError::Invalid(errors)) = row.to_new_product() else {
            panic!("not refused")
        };
        let fields: Vec<_> = errors
            .iter()
            .map(|error| (error.field, error.code))
            .collect();
        assert_eq!(
            fields,
            [
                ("name", FieldCode::Required),
                ("price", FieldCode::Required)
            ]
        );
        let row = ImportRow {
            name: Some("Tea".to_owned()),
            price: Some(Money::ZERO),
            ..row
        };
        let new = row.to_new_product().unwrap();
        assert_eq!(
            (&*new.name, new.stock, new.sku.as_deref()),
            ("Tea", 0, Some("T-1"))
        );
    }

    #[test]
    fn what_a_row_does_not_say_stays() {
        let row = ImportRow {
            sku: "T-1".to_owned(),
            stock: Some(3),
            ..ImportRow::default()
        };
        let on_hand = row.to_changes(StockCount::OnHand);
        assert_eq!(on_hand.stock, Some(StockChange::OnHand(3)));
        let changes = row.to_changes(StockCount::Free);
        assert_eq!(changes.stock, Some(StockChange::Absolute(3)));
        assert!(changes.name.is_none() && changes.description.is_none());
        assert!(changes.price.is_none() && changes.sku.is_none());
    }
}
