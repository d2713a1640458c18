//! The products and customers of a shop that has grown, each by its number: whoever needs one makes it from that.

use super::ids;
use crate::filling::{ADJECTIVES, MATERIALS, STOCK, THINGS};

/// A word that all products have in their names.
pub const WORD_OF_NAMES: &str = "genuine";

/// A word that all products have in their descriptions, and none in its name.
pub const WORD_OF_DESCRIPTIONS: &str = "thirty";

/// Products that share a rare word.
const RARE_WORD_PRODUCTS: u64 = 3;

/// What rare words end with, so that none of them is a word of anything else.
const RARE_WORD_END: &str = "zq";
const RARE_WORD_LETTERS: u32 = 6;

/// One product in so many is sold out.
const SOLD_OUT_EVERY: u64 = 10;

/// Orders for each customer, on the average.
const ORDERS_PER_CUSTOMER: u64 = 100;

/// Prices are stored in so many units of the currency's main unit.
const PRICE_UNITS: u64 = 10_000;

/// All copies of one kind are spread over this time, in milliseconds, which ends when they are made: less than a day,
/// after which a shop begins to remove what requests have left.
const SPAN_MS: u64 = 20 * 60 * 60 * 1_000;

/// How many of each there are, and until when they were made.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// Products.
    pub products: u64,
    /// Orders.
    pub orders: u64,
    /// When the last one was made, in milliseconds since the Unix epoch.
    pub end_ms: u64,
}

impl Catalogue {
    /// Customers.
    pub fn customers(&self) -> u64 {
        (self.orders / ORDERS_PER_CUSTOMER).max(10)
    }

    /// When one of so many was made, in milliseconds since the Unix epoch: whole seconds apart from the end.
    pub fn made_ms(&self, number: u64, of: u64) -> u64 {
        let before_ms = SPAN_MS * (of - number.min(of)) / of.max(1);
        self.end_ms - before_ms / 1_000 * 1_000
    }

    /// The identifier of a product.
    pub fn product_id(&self, product: u64) -> String {
        let ms = self.made_ms(product, self.products);
        ids::uuid(ms, product, ids::salt("product"))
    }

    /// The identifier of a customer.
    pub fn customer_id(&self, customer: u64) -> String {
        let ms = self.made_ms(customer, self.customers());
        ids::uuid(ms, customer, ids::salt("customer"))
    }

    /// The identifier of an order.
    pub fn order_id(&self, order: u64) -> String {
        ids::uuid(self.made_ms(order, self.orders), order, ids::salt("order"))
    }

    /// The product that is for sale and nearest to a number.
    pub fn for_sale(&self, number: u64) -> u64 {
        let product = number % self.products.max(1);
        if is_sold_out(product) {
            product - 1
        } else {
            product
        }
    }
}

/// Whether nothing is left of a product.
pub fn is_sold_out(product: u64) -> bool {
    product % SOLD_OUT_EVERY == SOLD_OUT_EVERY - 1
}

/// How many units of a product there were before anybody ordered.
pub fn stock(product: u64) -> i64 {
    if is_sold_out(product) {
        0
    } else {
        i64::from(STOCK)
    }
}

/// The name of a product: words that a tenth of all have, a rare one and one that all have.
pub fn name(product: u64) -> String {
    let one = |words: [&'static str; 10], place: u64| {
        let index = usize::try_from(product / place % 10).unwrap_or_default();
        words.get(index).copied().unwrap_or_default()
    };
    let (adjective, material, thing) = (one(ADJECTIVES, 100), one(MATERIALS, 10), one(THINGS, 1));
    format!(
        "{WORD_OF_NAMES} {adjective} {material} {thing} {}",
        rare_word(product)
    )
}

/// A word that only a few products have.
pub fn rare_word(product: u64) -> String {
    let mut rest = product / RARE_WORD_PRODUCTS;
    let letters = (0..RARE_WORD_LETTERS).map(|_| {
        let letter = u8::try_from(rest % 26).unwrap_or_default();
        rest /= 26;
        char::from(b'a' + letter)
    });
    letters.collect::<String>() + RARE_WORD_END
}

/// The number that a shop knows a product by.
pub fn sku(product: u64) -> String {
    format!("G-{product:07}")
}

/// The readable address of a product.
pub fn slug(product: u64) -> String {
    format!("grown-{product:07}")
}

/// The price of a product, as it is stored.
pub fn price(product: u64) -> i64 {
    let cents = 100 * (1 + product % 99) + product % 100;
    (cents * PRICE_UNITS / 100).cast_signed()
}

/// The address of a customer.
pub fn email(customer: u64) -> String {
    format!("grown-{customer}@mercato.bench")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const CATALOGUE: Catalogue = Catalogue {
        products: 1_000,
        orders: 1_000,
        end_ms: 1_753_000_000_000,
    };

    #[test]
    fn a_rare_word_has_few_products_whatever_their_number() {
        let words: BTreeSet<_> = (0..3_000).map(rare_word).collect();
        assert_eq!(words.len(), 1_000);
        assert_eq!(rare_word(5), rare_word(3));
        assert!(name(999_999).contains(&rare_word(999_999)));
        assert!(
            name(437).starts_with("genuine tall linen clock "),
            "{}",
            name(437)
        );
    }

    #[test]
    fn what_is_sold_out_is_not_ordered() {
        assert!((0..2_000).all(|number| !is_sold_out(CATALOGUE.for_sale(number))));
        assert_eq!((stock(9), stock(8)), (0, i64::from(STOCK)));
    }

    #[test]
    fn nothing_is_older_than_a_day_or_from_the_future() {
        let times = [0, 500, 1_000, 2_000].map(|order| CATALOGUE.made_ms(order, 1_000));
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(times[3], CATALOGUE.end_ms);
        assert!(CATALOGUE.end_ms - times[0] < 24 * 60 * 60 * 1_000);
    }
}
