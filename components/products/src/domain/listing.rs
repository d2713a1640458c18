//! Which products a list shows, in which order, and how much of it.

use mercato_money::Money;

use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::product::Product;
use crate::domain::values::Price;

/// Most products on a page.
pub const PAGE_LIMIT_MAX: u32 = 100;
/// Free units from which on downwards a product counts as running out.
pub const LOW_STOCK_UNITS: u64 = 10;
/// Most products that [`Stats`] names.
pub const LOW_STOCK_PRODUCTS_MAX: u32 = 50;

/// The order of a list; equal ones stand in the order of their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By time of creation, newest first.
    NewestFirst,
    /// By time of creation, oldest first.
    OldestFirst,
    /// By name, without regard to capitals.
    NameAscending,
    /// By name, without regard to capitals, backwards.
    NameDescending,
    /// Cheapest first.
    PriceAscending,
    /// Dearest first.
    PriceDescending,
}

/// Conditions as they came; what is absent does not restrict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Lowest price.
    pub min_price: Option<Money>,
    /// Highest price.
    pub max_price: Option<Money>,
    /// Only products that have free units, or only those that have none.
    pub in_stock: Option<bool>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
}

impl PageRequest {
    /// Number of products before the page.
    pub fn offset(self) -> u64 {
        u64::from(self.page.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// A list that keeps the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// Which products.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// Which part.
    pub page: PageRequest,
}

impl Listing {
    /// Checks what somebody asked for.
    pub fn new(filter: Filter, sort: Sort, page: PageRequest) -> Result<Self, ProductError> {
        let mut errors = Vec::new();
        for (field, price) in [
            ("minPrice", filter.min_price),
            ("maxPrice", filter.max_price),
        ] {
            errors.extend(price.and_then(|price| Price::parse(field, price).err()));
        }
        if let (Some(min), Some(max)) = (filter.min_price, filter.max_price)
            && min > max
        {
            errors.push(FieldError::new(
                "maxPrice",
                FieldCode::Min,
                "must not be less than minPrice",
            ));
        }
        if page.page == 0 {
            errors.push(FieldError::new(
                "page",
                FieldCode::Min,
                "must not be less than 1",
            ));
        }
        if page.limit == 0 {
            errors.push(FieldError::new(
                "limit",
                FieldCode::Min,
                "must not be less than 1",
            ));
        }
        if page.limit > PAGE_LIMIT_MAX {
            errors.push(FieldError::new(
                "limit",
                FieldCode::Max,
                format!("must not be more than {PAGE_LIMIT_MAX}"),
            ));
        }
        if errors.is_empty() {
            Ok(Self { filter, sort, page })
        } else {
            Err(ProductError::Invalid(errors))
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPage {
    /// The products of the page.
    pub products: Vec<Product>,
    /// Number of products on all pages.
    pub total: u64,
}

/// The state of the stock as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Products in the catalogue.
    pub products: u64,
    /// Those of them without a free unit.
    pub out_of_stock: u64,
    /// Those with at most [`LOW_STOCK_UNITS`] free units, fewest first, [`LOW_STOCK_PRODUCTS_MAX`] at the most.
    pub low_stock: Vec<Product>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(
        min: Option<i64>,
        max: Option<i64>,
        page: u32,
        limit: u32,
    ) -> Result<Listing, ProductError> {
        let filter = Filter {
            min_price: min.map(Money::from_units),
            max_price: max.map(Money::from_units),
            in_stock: None,
        };
        Listing::new(filter, Sort::NewestFirst, PageRequest { page, limit })
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let errors = match list(Some(-1), Some(i64::MAX), 0, PAGE_LIMIT_MAX + 1).unwrap_err() {
            ProductError::Invalid(errors) => errors,
            other => panic!("{other:?}"),
        };
        let seen: Vec<_> = errors
            .iter()
            .map(|error| (error.field, error.code.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("minPrice", "min"),
                ("maxPrice", "max"),
                ("page", "min"),
                ("limit", "max")
            ]
        );
        assert!(list(Some(2), Some(1), 1, 1).is_err());
        assert!(list(None, None, 1, 0).is_err());
        assert!(list(Some(1), Some(1), 1, PAGE_LIMIT_MAX).is_ok());
    }

    #[test]
    fn the_offset_of_the_last_page_there_is_does_not_overflow() {
        let page = list(None, None, u32::MAX, PAGE_LIMIT_MAX).unwrap().page;
        assert_eq!(page.offset(), (u64::from(u32::MAX) - 1) * 100);
        assert_eq!(PageRequest { page: 1, limit: 10 }.offset(), 0);
    }
}
