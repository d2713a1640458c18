//! Where the products of a filter come from: of all that it asks for, from what the fewest have.

use mercato_kernel::Total;
use mercato_sql::{Connection, Error};

use super::found::count;
use super::statement::{Statement, asks_of_price_or_stock, index_of_filter};
use crate::domain::listing::Listing;
use crate::store::rows::key;

/// What is walked; each product of it is asked for the rest of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The index of prices, of all products or of those that are in stock or are not.
    Prices,
    /// The products of the category.
    Category,
    /// Those that have the choice in that place.
    Choice(usize),
}

impl Driver {
    /// All that a list could come from; at least one.
    pub fn all(listing: &Listing) -> Vec<Self> {
        let category = listing.category.map(|_| Self::Category);
        let choices = (0..listing.choices.len()).map(Self::Choice);
        let mut all: Vec<Self> = category.into_iter().chain(choices).collect();
        if all.is_empty() || asks_of_price_or_stock(listing) {
            all.push(Self::Prices);
        }
        all
    }

    /// The one with the fewest products, each counted as far as a total goes.
    pub fn choose(connection: &Connection, listing: &Listing) -> Result<Self, Error> {
        let all = Self::all(listing);
        let mut best = (Self::Prices, u64::MAX);
        for driver in all.iter().copied() {
            let size = match all.as_slice() {
                [_] => 0,
                _ => count(connection, &driver.size(listing))?,
            };
            if size < best.1 {
                best = (driver, size);
            }
        }
        Ok(best.0)
    }

    /// Counts its products.
    pub fn size(self, listing: &Listing) -> Statement {
        let mut statement = Statement::new("SELECT COUNT(*) AS number\nFROM (\nSELECT 1", []);
        match (self, listing.category) {
            (Self::Category, Some(category)) => {
                let from = "\nFROM category_products\nWHERE category_id = ?";
                statement.add(from, [key(category)]);
            }
            (Self::Choice(place), _) if let Some(choice) = listing.choices.get(place) => {
                let from = "\nFROM product_facets\nWHERE name = ?";
                statement.add(from, [choice.name.as_str().into()]);
                statement.add_values("\n  AND value", choice);
            }
            _ => {
                statement.add_products(index_of_filter(listing), listing);
                statement.add_price_and_stock(listing);
            }
        }
        statement.add_limit(Total::LIMIT_ROWS, 0);
        statement.add(") AS counted", []);
        statement
    }
}
