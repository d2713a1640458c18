use crate::application::commands::record_stock;
use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::import::{IMPORT_BATCH_ROWS_MAX, ImportRow, RowOutcome, StockCount};
use crate::domain::product::Product;
use crate::domain::values::{ProductId, Sku};
use crate::ports::{Clock, Ids, Store, Transaction};

/// Imports some rows of a price list in one transaction, in their order, and tells what became of each.
///
/// A row is about the product that has its number; without one it makes a new product. A row that breaks a rule fails
/// by itself. Imported again, the same rows change nothing.
///
/// # Errors
/// [`ProductError::Invalid`] when there are more than [`IMPORT_BATCH_ROWS_MAX`] rows, [`ProductError::Store`]: none of
/// the rows is imported then.
pub fn import_products(
    store: &impl Store,
    clock: &impl Clock,
    ids: &impl Ids,
    rows: &[ImportRow],
    count: StockCount,
) -> Result<Vec<RowOutcome>, ProductError> {
    if rows.len() > IMPORT_BATCH_ROWS_MAX {
        let rule = format!("must not be more than {IMPORT_BATCH_ROWS_MAX}");
        let error = FieldError::new("rows", FieldCode::Max, rule);
        return Err(ProductError::Invalid(vec![error]));
    }
    store.write(|transaction| {
        let import = |row| match import_row(transaction, clock, ids, row, count) {
            // A row is checked before anything of it is written.
            Err(ProductError::Invalid(errors)) => Ok(RowOutcome::Refused(errors)),
            outcome => outcome,
        };
        rows.iter().map(import).collect()
    })
}

fn import_row(
    transaction: &dyn Transaction,
    clock: &impl Clock,
    ids: &impl Ids,
    row: &ImportRow,
    count: StockCount,
) -> Result<RowOutcome, ProductError> {
    let sku = Sku::parse(&row.sku).map_err(|error| ProductError::Invalid(vec![error]))?;
    let Some(before) = transaction.product_by_sku(&sku)? else {
        let id = ProductId::stored(ids.new_id());
        let product = Product::create(id, &row.to_new_product()?, clock.now_ms())?;
        transaction.insert_product(&product)?;
        record_stock(transaction, 0, &product)?;
        return Ok(RowOutcome::Created);
    };
    let after = before
        .clone()
        .change(&row.to_changes(count), clock.now_ms())?;
    if after.says_the_same_as(&before) {
        return Ok(RowOutcome::Unchanged);
    }
    transaction.save_product(&after)?;
    record_stock(transaction, before.stock.free(), &after)?;
    Ok(RowOutcome::Updated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, MemoryStore, line};
    use crate::domain::reservation::Settlement;
    use crate::domain::stock::{STOCK_UNITS_MAX, Stock};

    fn row(sku: &str, name: &str, price: i64, stock: u64) -> ImportRow {
        ImportRow {
            sku: sku.to_owned(),
            name: Some(name.to_owned()),
            description: None,
            price: Some(mercato_money::Money::from_units(price)),
            stock: Some(stock),
        }
    }

    fn refused(outcome: &RowOutcome) -> Vec<(&'static str, &'static str)> {
        match outcome {
            RowOutcome::Refused(errors) => errors
                .iter()
                .map(|error| (error.field, error.code.as_str()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn only(shop: &Fixture<MemoryStore>) -> Product {
        let products = shop.store.products();
        assert_eq!(products.len(), 1);
        products[0].clone()
    }

    #[test]
    fn an_unknown_sku_makes_a_product_and_a_known_one_changes_it() {
        let shop = Fixture::new();
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
        assert_eq!(shop.store.book_total(), 5);
    }

    #[test]
    fn the_same_rows_again_change_nothing() {
        let shop = Fixture::new();
        let rows = [row("T-1", "Tea", 49_900, 3), row("M-1", "Milk", 1, 0)];
        shop.import(&rows).unwrap();
        let before = shop.store.products();
        assert_eq!(
            shop.import(&rows),
            Ok(vec![RowOutcome::Unchanged, RowOutcome::Unchanged])
        );
        assert_eq!(shop.store.products(), before);
    }

    #[test]
    fn of_two_rows_with_the_same_sku_the_later_one_wins() {
        let shop = Fixture::new();
        let outcomes = shop.import(&[row("T-1", "Tea", 1, 3), row("T-1", "Chai", 1, 4)]);
        assert_eq!(outcomes, Ok(vec![RowOutcome::Created, RowOutcome::Updated]));
        assert_eq!(only(&shop).name.as_str(), "Chai");
        assert_eq!(shop.store.book_total(), 4);
    }

    #[test]
    fn what_a_row_does_not_say_stays_as_it_is() {
        let shop = Fixture::new();
        let described = ImportRow {
            description: Some("Leaves".to_owned()),
            ..row("T-1", "Tea", 49_900, 3)
        };
        shop.import(&[described]).unwrap();
        let cheaper = ImportRow {
            sku: "T-1".to_owned(),
            price: Some("3.99".parse().unwrap()),
            ..ImportRow::default()
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
        let shop = Fixture::new();
        let outcomes = shop
            .import(&[
                row("", "Tea", 1, 1),
                row("A", "", -1, STOCK_UNITS_MAX + 1),
                row("B", "Tea", 1, 1),
                ImportRow {
                    sku: "C".to_owned(),
                    ..ImportRow::default()
                },
                row("B", "\0", 1, 9),
            ])
            .unwrap();
        assert_eq!(refused(&outcomes[0]), [("sku", "required")]);
        let expected = [("name", "required"), ("price", "min"), ("stock", "max")];
        assert_eq!(refused(&outcomes[1]), expected);
        assert_eq!(outcomes[2], RowOutcome::Created);
        assert_eq!(
            refused(&outcomes[3]),
            [("name", "required"), ("price", "required")]
        );
        assert_eq!(refused(&outcomes[4]), [("name", "control-characters")]);
        assert_eq!(only(&shop).stock.free(), 1);
    }

    #[test]
    fn the_stock_of_a_row_is_what_is_free_whatever_orders_hold() {
        let shop = Fixture::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        let tea = only(&shop);
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        shop.reserve(2, &[line(&tea, 1)]).unwrap();
        shop.import(&[row("T-1", "Tea", 1, 7)]).unwrap();
        assert_eq!(shop.stock(&tea), Stock::restore(7, 1, 4));
        assert_eq!(shop.store.book_total(), 12);
    }

    #[test]
    fn units_on_hand_are_free_but_for_the_reserved_ones() {
        let shop = Fixture::new();
        let import = |price, stock| {
            let rows = [row("T-1", "Tea", price, stock)];
            shop.import_counting(StockCount::OnHand, &rows).unwrap()
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
        assert_eq!(shop.store.book_total(), 7);
    }

    #[test]
    fn the_sku_of_a_deleted_product_makes_a_new_one() {
        let shop = Fixture::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        shop.delete(&only(&shop), None).unwrap();
        assert_eq!(
            shop.import(&[row("T-1", "Tea", 1, 1)]),
            Ok(vec![RowOutcome::Created])
        );
        assert_eq!(shop.store.products().len(), 2);
    }

    #[test]
    fn more_rows_than_a_transaction_takes_are_refused() {
        let shop = Fixture::new();
        let rows = vec![row("T-1", "Tea", 1, 1); IMPORT_BATCH_ROWS_MAX + 1];
        assert!(matches!(shop.import(&rows), Err(ProductError::Invalid(_))));
        assert_eq!(shop.store.products(), []);
    }
}
