//! Imports rows of a price list.

use std::collections::{BTreeMap, BTreeSet};

use mercato_kernel::{FieldError, FromJson as _, ProductId};

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, StockEntry, Store as _, Transaction};
use crate::domain::error::{ProductError, StoreError, broken};
use crate::domain::product::{Product, ProductChanges};
use crate::domain::slug::Slug;
use crate::domain::values::Sku;

/// Most rows that are imported in one transaction. Buyers wait for it, so it lasts some hundredths of a second.
pub const IMPORT_BATCH_ROWS_MAX: usize = 250;

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

/// Imports some rows of a price list in one transaction, in their order, and returns what became of each.
///
/// A row is about the product that has its number; without one it makes a new product. A row that breaks a rule fails
/// by itself. Imported again, the same rows change nothing.
///
/// # Errors
/// [`ProductError::Invalid`] when there are more than [`IMPORT_BATCH_ROWS_MAX`] rows, [`ProductError::Store`]: none of
/// the rows is imported then.
pub fn handle(
    ports: &impl Ports,
    rows: &[ProductChanges],
) -> Result<Vec<RowOutcome>, ProductError> {
    import(ports, rows, Batch::write)
}

/// What [`handle`] would return, as things are now. Changes nothing.
///
/// # Errors
/// As [`handle`].
pub fn rehearse(
    ports: &impl Ports,
    rows: &[ProductChanges],
) -> Result<Vec<RowOutcome>, ProductError> {
    import(ports, rows, |_, _| Ok(()))
}

fn import(
    ports: &impl Ports,
    rows: &[ProductChanges],
    write: impl Fn(&mut Batch, &dyn Transaction) -> Result<(), StoreError>,
) -> Result<Vec<RowOutcome>, ProductError> {
    if rows.len() > IMPORT_BATCH_ROWS_MAX {
        let rule = format!("must not be more than {IMPORT_BATCH_ROWS_MAX}");
        return Err(ProductError::Invalid(vec![broken("rows", "max", rule)]));
    }
    let skus: Vec<&Sku> = rows
        .iter()
        .filter_map(|row| row.sku.as_ref()?.as_ref())
        .collect();
    let names = rows.iter().filter_map(|row| row.name.as_ref());
    let slugs = names.map(|name| Slug::from_name(name, ProductId::placeholder()));
    let slugs: Vec<Slug> = slugs.collect();
    let locks = locks::skus(skus.iter().copied()).and(locks::slugs(&slugs));
    ports.store().write(locks, |transaction| {
        let mut batch = Batch::read(transaction, &skus)?;
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            outcomes.push(match batch.import(ports, row) {
                Err(ProductError::Invalid(errors)) => RowOutcome::Refused(errors),
                outcome => outcome?,
            });
        }
        write(&mut batch, transaction)?;
        Ok(outcomes)
    })
}

/// The products that some rows are about: read together, and written together when all rows have been looked at.
#[derive(Default)]
struct Batch {
    /// In the order of the rows that made them or were the first to change them.
    products: Vec<Imported>,
    /// Where they are in that order, by their numbers.
    places: BTreeMap<String, usize>,
    stock_entries: Vec<StockEntry>,
}

struct Imported {
    product: Product,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Changed,
    AsStored,
}

impl Batch {
    fn read(transaction: &dyn Transaction, skus: &[&Sku]) -> Result<Self, StoreError> {
        let mut batch = Self::default();
        for product in transaction.products_by_sku(skus)? {
            batch.add(product, State::AsStored);
        }
        Ok(batch)
    }

    fn add(&mut self, product: Product, state: State) {
        if let Some(sku) = &product.view().sku {
            let place = self.products.len();
            self.places.insert(sku.as_str().to_owned(), place);
        }
        self.products.push(Imported { product, state });
    }

    /// Looks what a row changes. One that breaks a rule changes nothing.
    fn import(
        &mut self,
        ports: &impl Ports,
        row: &ProductChanges,
    ) -> Result<RowOutcome, ProductError> {
        let unnamed = || ProductError::Invalid(vec![broken("sku", "required", "is required")]);
        let sku = row.sku.iter().flatten().next().ok_or_else(unnamed)?;
        let now = ports.clock().now_ms();
        let place = self.places.get(sku.as_str()).copied();
        let Some(known) = place.and_then(|place| self.products.get_mut(place)) else {
            let product = Product::create(save::new_id(ports.ids())?, row, now)?;
            self.stock_entries.extend(save::stock_entry(0, &product));
            self.add(product, State::New);
            return Ok(RowOutcome::Created);
        };
        let before = known.product.view();
        let after = known.product.clone().change(row, now)?;
        if after.says_the_same_as(before) {
            return Ok(RowOutcome::Unchanged);
        }
        let free_before = before.stock.free();
        self.stock_entries
            .extend(save::stock_entry(free_before, &after));
        known.product = after;
        if known.state == State::AsStored {
            known.state = State::Changed;
        }
        Ok(RowOutcome::Updated)
    }

    /// Two products may have the same name, but not the same slug.
    fn tell_apart(&mut self, transaction: &dyn Transaction) -> Result<(), StoreError> {
        let is_new = |imported: &&mut Imported| imported.state == State::New;
        let mut new: Vec<_> = self.products.iter_mut().filter(is_new).collect();
        let slugs: Vec<_> = new.iter().map(|new| &new.product.view().slug).collect();
        let taken = transaction.taken_slugs(&slugs)?.into_iter();
        let mut taken: BTreeSet<Slug> = taken.collect();
        for imported in &mut new {
            if !taken.insert(imported.product.view().slug.clone()) {
                imported.product = imported.product.clone().told_apart();
            }
        }
        Ok(())
    }

    fn write(&mut self, transaction: &dyn Transaction) -> Result<(), StoreError> {
        self.tell_apart(transaction)?;
        let of = |state| {
            let products = self.products.iter();
            let found = products.filter(move |imported| imported.state == state);
            found.map(|imported| &imported.product)
        };
        for product in of(State::Changed) {
            transaction.save_product(product)?;
        }
        transaction.insert_products(&of(State::New).collect::<Vec<_>>())?;
        transaction.record(&self.stock_entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product::{ProductView, StockChange};
    use crate::domain::reservation::Settlement;
    use crate::domain::stock::{STOCK_UNITS_MAX, Stock};
    use crate::testing::{Shop, line};

    fn row(sku: &str, name: &str, price: i64, stock: u64) -> ProductChanges {
        ProductChanges {
            sku: Some(Some(sku.parse().unwrap())),
            name: Some(name.parse().unwrap()),
            price: Some(mercato_money::Money::from_units(price)),
            stock: Some(StockChange::Absolute(stock)),
            ..ProductChanges::default()
        }
    }

    fn refused(outcome: &RowOutcome) -> Vec<(&str, &str)> {
        match outcome {
            RowOutcome::Refused(errors) => errors
                .iter()
                .map(|error| (&*error.field, &*error.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn only(shop: &Shop) -> ProductView {
        let products = shop.all();
        assert_eq!(products.len(), 1);
        products[0].clone()
    }

    #[test]
    fn an_unknown_sku_makes_a_product_and_a_known_one_changes_it() {
        let shop = Shop::new();
        assert_eq!(
            shop.import(&[row("T-1", "Tea", 49_900, 3)]),
            Ok(vec![RowOutcome::Created])
        );
        assert_eq!(
            shop.import(&[row(" T-1 ", "Chai", 50_000, 5)]),
            Ok(vec![RowOutcome::Updated])
        );
        let tea = only(&shop);
        assert_eq!(
            (tea.name.as_str(), tea.version, tea.stock.free()),
            ("Chai", 2, 5)
        );
        assert_eq!(shop.book_total(), 5);
    }

    #[test]
    fn the_same_rows_again_change_nothing() {
        let shop = Shop::new();
        let rows = [row("T-1", "Tea", 49_900, 3), row("M-1", "Milk", 1, 0)];
        shop.import(&rows).unwrap();
        let before = shop.all();
        assert_eq!(
            shop.import(&rows),
            Ok(vec![RowOutcome::Unchanged, RowOutcome::Unchanged])
        );
        assert_eq!(shop.all(), before);
    }

    #[test]
    fn of_two_rows_with_the_same_sku_the_later_one_wins() {
        let shop = Shop::new();
        let outcomes = shop.import(&[row("T-1", "Tea", 1, 3), row("T-1", "Chai", 1, 4)]);
        assert_eq!(outcomes, Ok(vec![RowOutcome::Created, RowOutcome::Updated]));
        assert_eq!(only(&shop).name.as_str(), "Chai");
        assert_eq!(shop.book_total(), 4);
    }

    #[test]
    fn many_rows_are_read_and_written_with_few_statements() {
        let shop = Shop::on_sqlite();
        let rows = |price: i64| -> Vec<_> {
            let rows = 0..u64::try_from(IMPORT_BATCH_ROWS_MAX).unwrap();
            rows.map(|number| row(&format!("T-{number}"), "Tea", price, number))
                .collect()
        };
        let cost = |price| shop.statements(|| drop(shop.import(&rows(price)).unwrap()));
        assert_eq!(shop.all(), [], "the database is open");
        // What begins and ends the transaction, two that read, three that write for each table, and two that index all words.
        assert_eq!(cost(1), 12);
        assert_eq!(shop.all().len(), IMPORT_BATCH_ROWS_MAX);
        assert_eq!(cost(1), 3);
    }

    #[test]
    fn what_a_row_does_not_say_stays_as_it_is() {
        let shop = Shop::new();
        let described = ProductChanges {
            description: Some("Leaves".parse().unwrap()),
            ..row("T-1", "Tea", 49_900, 3)
        };
        shop.import(&[described]).unwrap();
        let cheaper = ProductChanges {
            sku: Some(Some("T-1".parse().unwrap())),
            price: Some("3.99".parse().unwrap()),
            ..ProductChanges::default()
        };
        assert_eq!(shop.import(&[cheaper]), Ok(vec![RowOutcome::Updated]));
        let tea = only(&shop);
        assert_eq!(
            (tea.name.as_str(), tea.description.as_str()),
            ("Tea", "Leaves")
        );
        assert_eq!((tea.price.amount().units(), tea.stock.free()), (39_900, 3));
    }

    #[test]
    fn a_row_that_breaks_a_rule_fails_by_itself() {
        let shop = Shop::new();
        let outcomes = shop
            .import(&[
                row("A", "Tea", -1, STOCK_UNITS_MAX + 1),
                row("B", "Tea", 1, 1),
                ProductChanges {
                    sku: Some(Some("C".parse().unwrap())),
                    ..ProductChanges::default()
                },
                row("B", "Chai", -1, 9),
            ])
            .unwrap();
        let expected = [("price", "min"), ("stock", "max")];
        assert_eq!(refused(&outcomes[0]), expected);
        assert_eq!(outcomes[1], RowOutcome::Created);
        assert_eq!(
            refused(&outcomes[2]),
            [("name", "required"), ("price", "required")]
        );
        assert_eq!(refused(&outcomes[3]), [("price", "min")]);
        assert_eq!(only(&shop).stock.free(), 1);
    }

    #[test]
    fn the_stock_of_a_row_is_what_is_free_whatever_orders_hold() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        let tea = only(&shop);
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        shop.reserve(2, &[line(&tea, 1)]).unwrap();
        shop.import(&[row("T-1", "Tea", 1, 7)]).unwrap();
        assert_eq!(shop.stock(&tea), Stock::restore(7, 1, 4));
        assert_eq!(shop.book_total(), 12);
    }

    #[test]
    fn units_on_hand_are_free_but_for_the_reserved_ones() {
        let shop = Shop::new();
        let import = |price, stock| {
            let on_hand = ProductChanges {
                stock: Some(StockChange::OnHand(stock)),
                ..row("T-1", "Tea", price, 0)
            };
            shop.import(&[on_hand]).unwrap()
        };
        assert_eq!(import(1, 10), [RowOutcome::Created]);
        let tea = only(&shop);
        assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        shop.reserve(2, &[line(&tea, 3)]).unwrap();
        assert_eq!(import(1, 6), [RowOutcome::Unchanged]);
        assert_eq!(import(1, 7), [RowOutcome::Updated]);
        assert_eq!(shop.stock(&tea), Stock::restore(4, 3, 4));
        assert_eq!(import(1, 3), [RowOutcome::Updated]);
        assert_eq!(shop.stock(&tea), Stock::restore(0, 3, 4));
        // The price of a row that fails stays, too.
        let outcomes = import(2, 2);
        assert_eq!(refused(&outcomes[0]), [("stock", "min")]);
        let refused_most = import(2, STOCK_UNITS_MAX + 4);
        assert_eq!(refused(&refused_most[0]), [("stock", "max")]);
        assert_eq!(only(&shop).price.amount().units(), 1);
        assert_eq!(shop.stock(&tea), Stock::restore(0, 3, 4));
        assert_eq!(shop.book_total(), 7);
    }

    #[test]
    fn the_sku_of_a_deleted_product_makes_a_new_one() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        shop.delete(&only(&shop), None).unwrap();
        assert_eq!(
            shop.import(&[row("T-1", "Tea", 1, 1)]),
            Ok(vec![RowOutcome::Created])
        );
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 2);
    }

    #[test]
    fn rows_of_the_same_name_have_slugs_of_their_own() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 1)]).unwrap();
        let more = [
            row("T-2", "Tea", 1, 1),
            row("T-3", "Tea", 1, 1),
            row("T-4", "Chai", 1, 1),
        ];
        assert_eq!(shop.import(&more), Ok(vec![RowOutcome::Created; 3]));
        let made = |product: &ProductView| {
            let tail = &product.id.text()[24..];
            product.slug.as_str().replace(tail, "TAIL")
        };
        let slugs: Vec<String> = shop.all().iter().map(made).collect();
        assert_eq!(slugs, ["tea", "tea-TAIL", "tea-TAIL", "chai"]);
    }

    #[test]
    fn a_rehearsal_says_what_would_be_and_changes_nothing() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10), row("M-1", "Milk", 1, 1)])
            .unwrap();
        let before = shop.all();
        let rows = [
            row("T-1", "Tea", 2, 3),
            row("M-1", "Milk", 1, 1),
            row("C-1", "Cocoa", 1, 1),
            row("C-1", "Cocoa", 2, 1),
            row("X-1", "Nothing", -1, 1),
        ];
        let rehearsed = rehearse(&shop.products, &rows).unwrap();
        assert_eq!((shop.all(), shop.book_total()), (before, 11));
        assert_eq!(shop.import(&rows), Ok(rehearsed));
    }

    #[test]
    fn a_row_without_a_sku_is_about_no_product() {
        let row = ProductChanges {
            sku: None,
            ..row("T-1", "Tea", 1, 1)
        };
        let outcomes = Shop::new().import(&[row]).unwrap();
        assert_eq!(refused(&outcomes[0]), [("sku", "required")]);
    }

    #[test]
    fn more_rows_than_a_transaction_takes_are_refused() {
        let shop = Shop::new();
        let rows = vec![row("T-1", "Tea", 1, 1); IMPORT_BATCH_ROWS_MAX + 1];
        assert!(matches!(shop.import(&rows), Err(ProductError::Invalid(_))));
        assert_eq!(shop.all(), []);
    }
}
