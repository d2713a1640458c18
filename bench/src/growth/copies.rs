//! Which copy is of what, and what it is given: the same in each of the databases.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::{
    catalogue::{self, Catalogue},
    ids,
    originals::{Order, Originals, Product},
    template::Given,
};

/// The customer who has a tenth of all orders.
pub const CUSTOMER_OF_MANY: u64 = 0;
const MANY_ONE_IN: u64 = 10;

/// The customer who has only so many.
pub const CUSTOMER_OF_FEW: u64 = 1;
/// How many orders that customer has.
pub const FEW_ORDERS: u64 = 20;

/// What an original order is called in its rows, and each copy anew: see [`Copies::order`].
pub fn texts_of_order(originals: &Originals, order: &Order) -> Vec<String> {
    let mut texts = vec![
        order.id.clone(),
        order.number.clone(),
        originals.customer_id.clone(),
        order.key.clone(),
    ];
    for product in originals.products.iter().take(order.lines) {
        texts.extend([product.id.clone(), product.name.clone()]);
    }
    texts
}

/// What an original product is called in its rows: see [`Copies::product`].
pub fn texts_of_product(product: &Product) -> Vec<String> {
    vec![
        product.id.clone(),
        product.name.clone(),
        product.sku.clone(),
        product.slug.clone(),
    ]
}

/// What the original customer is called in its rows: see [`Copies::customer`].
pub fn texts_of_customer(originals: &Originals) -> Vec<String> {
    vec![originals.customer_id.clone(), originals.email.clone()]
}

/// Makes what copies are given.
#[derive(Debug, Clone, Copy)]
pub struct Copies<'a> {
    /// What is copied.
    pub originals: &'a Originals,
    /// How many of each there are.
    pub catalogue: Catalogue,
}

/// Units of a product, by what has become of the reservations for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    /// Held for orders that are not paid.
    pub held: i64,
    /// Sold.
    pub committed: i64,
}

impl Copies<'_> {
    /// Which of the original orders one is a copy of.
    pub fn kind(&self, order: u64) -> usize {
        let mut place = ids::mixed(order ^ ids::salt("kind")) % 100;
        for (index, kind) in self.originals.orders.iter().enumerate() {
            if place < kind.share {
                return index;
            }
            place -= kind.share;
        }
        0
    }

    /// Whose order it is.
    pub fn customer_of(&self, order: u64) -> u64 {
        let every = (self.catalogue.orders / FEW_ORDERS).max(1);
        if order % every == every / 2 && order / every < FEW_ORDERS {
            return CUSTOMER_OF_FEW;
        }
        let random = ids::mixed(order ^ ids::salt("whose"));
        if random.is_multiple_of(MANY_ONE_IN) {
            return CUSTOMER_OF_MANY;
        }
        2 + (random >> 8) % (self.catalogue.customers() - 2)
    }

    /// The products of an order, each another one.
    pub fn products_of(&self, order: u64, lines: usize) -> Vec<u64> {
        let mut products = Vec::with_capacity(lines);
        let mut number = ids::mixed(order ^ ids::salt("what"));
        while products.len() < lines {
            let product = self.catalogue.for_sale(number);
            if products.contains(&product) {
                number += 1;
            } else {
                products.push(product);
                number = ids::mixed(number);
            }
        }
        products
    }

    /// The copy with that number of an original order.
    ///
    /// # Errors
    /// When its identifier makes no number.
    pub fn order(&self, number: u64, original: &Order) -> Result<Given> {
        let id = self.catalogue.order_id(number);
        let order_number = ids::order_number(&id).context("an order's number")?;
        let customer = self.catalogue.customer_id(self.customer_of(number));
        let mut texts = vec![id, order_number, customer, format!("grown-{number}")];
        for product in self.products_of(number, original.lines) {
            texts.extend([self.catalogue.product_id(product), catalogue::name(product)]);
        }
        Ok(Given {
            number,
            made_ms: self.catalogue.made_ms(number, self.catalogue.orders),
            texts,
            numbers: Vec::new(),
        })
    }

    /// The copy with that number of a product; its numbers are price, free, reserved and sold units.
    pub fn product(&self, number: u64, units: Units) -> Given {
        let free = catalogue::stock(number) - units.held - units.committed;
        Given {
            number,
            made_ms: self.catalogue.made_ms(number, self.catalogue.products),
            texts: vec![
                self.catalogue.product_id(number),
                catalogue::name(number),
                catalogue::sku(number),
                catalogue::slug(number),
            ],
            numbers: vec![catalogue::price(number), free, units.held, units.committed],
        }
    }

    /// The copy with that number of the customer.
    pub fn customer(&self, number: u64) -> Given {
        Given {
            number,
            made_ms: self.catalogue.made_ms(number, self.catalogue.customers()),
            texts: vec![self.catalogue.customer_id(number), catalogue::email(number)],
            numbers: Vec::new(),
        }
    }

    /// How many orders there are of each status, the originals included.
    pub fn statuses(&self) -> BTreeMap<&'static str, u64> {
        let mut statuses = BTreeMap::new();
        let originals = &self.originals.orders;
        let copies = (0..self.catalogue.orders).filter_map(|order| originals.get(self.kind(order)));
        for order in originals.iter().chain(copies) {
            *statuses.entry(order.status).or_default() += 1;
        }
        statuses
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Something to copy that no shop has made.
    fn originals() -> Originals {
        let product = |number: u32| Product {
            id: format!("01985a00-0000-7000-8000-00000000000{number}"),
            name: format!("original product {number}"),
            sku: format!("ORIGINAL-{number}"),
            slug: format!("original-product-{number}"),
        };
        let order = |share, lines, status| Order {
            id: format!("01985a00-1c00-7000-8000-0000000000{share}"),
            number: "M-0000-0001".to_owned(),
            payment_id: format!("01985a00-1c01-7000-8000-0000000000{share}"),
            key: "original-order".to_owned(),
            status,
            share,
            lines,
        };
        Originals {
            customer_id: "01985a00-1000-7000-8000-000000000001".to_owned(),
            email: "original@mercato.bench".to_owned(),
            products: (0..3).map(product).collect(),
            sold_out: product(3),
            orders: vec![order(90, 1, "PAID"), order(10, 3, "CANCELLED")],
        }
    }

    #[test]
    fn orders_are_shared_out_among_customers_and_kinds() {
        let originals = originals();
        let catalogue = Catalogue {
            products: 20,
            orders: 5_000,
            end_ms: 1_753_000_000_000,
        };
        let copies = Copies {
            originals: &originals,
            catalogue,
        };
        let of = |customer| {
            (0..5_000)
                .filter(|order| copies.customer_of(*order) == customer)
                .count()
        };
        assert_eq!(of(CUSTOMER_OF_FEW), 20);
        assert!(
            (400..600).contains(&of(CUSTOMER_OF_MANY)),
            "{}",
            of(CUSTOMER_OF_MANY)
        );
        assert!((0..5_000).all(|order| copies.customer_of(order) < catalogue.customers()));
        let statuses = copies.statuses();
        assert_eq!(statuses.values().sum::<u64>(), 5_002);
        assert!((400..600).contains(&statuses["CANCELLED"]), "{statuses:?}");
        for order in 0..5_000 {
            let products: BTreeSet<_> = copies.products_of(order, 3).into_iter().collect();
            assert_eq!(products.len(), 3);
        }
    }

    #[test]
    fn a_copy_has_as_many_texts_as_its_original() {
        let originals = originals();
        let copies = Copies {
            originals: &originals,
            catalogue: Catalogue {
                products: 100,
                orders: 100,
                end_ms: 1_753_000_000_000,
            },
        };
        for order in &originals.orders {
            let copy = copies.order(7, order).unwrap();
            assert_eq!(copy.texts.len(), texts_of_order(&originals, order).len());
        }
        let product = copies.product(
            8,
            Units {
                held: 1,
                committed: 2,
            },
        );
        assert_eq!(
            product.texts.len(),
            texts_of_product(&originals.products[0]).len()
        );
        assert_eq!(product.numbers, [catalogue::price(8), 999_997, 1, 2]);
    }
}
