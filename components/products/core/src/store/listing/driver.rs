//! Where the products of a filter come from: of all that it asks for, from what the fewest have.

use mercato_kernel::Total;
use mercato_sql::{Connection, Error};

use super::found::count;
use super::statement::{Statement, asks_of_price_or_stock, index_of_filter};
use crate::domain::listing::Listing;
use crate::store::rows::key;

/// How far the products of all are counted, one after the other: no further than a total goes.
const COUNTED_MAX: [u64; 3] = [250, 2_500, Total::LIMIT_ROWS];

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

    /// The one with the fewest products. All are counted a little way first, for one with few ends the search.
    pub fn choose(connection: &Connection, listing: &Listing) -> Result<Self, Error> {
        let all = Self::all(listing);
        let mut best = (u64::MAX, Self::Prices);
        for limit in COUNTED_MAX {
            if let [only] = all.as_slice() {
                return Ok(*only);
            }
            best.0 = u64::MAX;
            for driver in &all {
                let size = count(connection, &driver.size(listing, limit))?;
                if size < best.0 {
                    best = (size, *driver);
                }
            }
            if best.0 < limit {
                break;
            }
        }
        Ok(best.1)
    }

    /// Counts its products up to a limit.
    pub fn size(self, listing: &Listing, limit: u64) -> Statement {
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
        statement.add_limit(limit, 0);
        statement.add(") AS counted", []);
        statement
    }
}
