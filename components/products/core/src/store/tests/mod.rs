//! The repository on a real SQLite.

mod broad;
mod categories;
mod facets;
mod lists;
mod migrations;
mod search;
mod status;
mod variants;

use mercato_kernel::{OrderId, Page};
use mercato_money::Money;
use mercato_sql::{Connection, Dialect, Row, Value, params};

use super::rows::{id, json_of, key};
use super::*;
use crate::application::commands::import_products::RowOutcome;
use crate::application::ports::Transaction;
use crate::application::queries::find_product::{self, Found};
use crate::application::queries::{reservation_metrics, stock_stats};
use crate::domain::error::ProductError;
use crate::domain::presentation::{MediumDraft, Status};
use crate::domain::product::{Product, ProductChanges, StockChange};
use crate::domain::reservation::{InventoryError, RequestedLine, ReservedLine, Settlement};
use crate::domain::slug::{ProductKey, Slug};
use crate::domain::stock::{Quantity, Stock};
use crate::domain::values::{Sku, WEIGHT_GRAMS_MAX, Weight};
use crate::testing::{Shop, line, new_product, numbered, order, seen};

/// Products and variants whose counts disagree with the stock book or with the reservations.
const DISAGREEING: &str = "\
SELECT COUNT(*)
FROM products AS p
WHERE stock + reserved + sold <> (
    SELECT COALESCE(SUM(free_after - free_before), 0)
    FROM stock_book AS b
    WHERE b.product_id = p.id)
  OR reserved <> (
    SELECT COALESCE(SUM(COALESCE(units, quantity)), 0)
    FROM reservation_lines AS l JOIN reservations AS r USING (order_id)
    WHERE COALESCE(l.item_id, l.product_id) = p.id AND r.state = 'held')
  OR sold <> (
    SELECT COALESCE(SUM(COALESCE(units, quantity)), 0)
    FROM reservation_lines AS l JOIN reservations AS r USING (order_id)
    WHERE COALESCE(l.item_id, l.product_id) = p.id AND r.state = 'committed')";

fn of_a_test() -> Locks {
    Locks::name("test", "")
}

impl Shop {
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> T {
        self.products.store.0.read(work).unwrap()
    }

    /// What a statement of a test changes.
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        let run = |connection: &Connection| connection.execute_counted(statement, parameters);
        self.products.store.0.write(of_a_test(), run)
    }

    /// The steps of SQLite's plan for a statement, in its own words.
    fn plan(&self, statement: &str, parameters: &[Value]) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let rows = self.read(|connection| connection.query(&explain, parameters));
        let step = |row: &Row| row.get("detail").unwrap();
        rows.iter().map(step).collect()
    }

    fn dialect(&self) -> Dialect {
        self.read(|connection| Ok(connection.dialect()))
    }

    fn assert_books_agree(&self) {
        assert_eq!(self.number(DISAGREEING), 0);
    }
}

#[test]
fn a_product_comes_back_as_it_went_in() {
    let shop = Shop::new();
    let new = ProductChanges {
        name: Some("Grüner Tee".parse().unwrap()),
        description: Some("'; DROP TABLE products; --\nsecond line".parse().unwrap()),
        sku: Some(Some("T-1".parse().unwrap())),
        price: Some("999999999.9999".parse().unwrap()),
        tax_class: Some("food".parse().unwrap()),
        weight: Weight::parse(WEIGHT_GRAMS_MAX).ok(),
        stock: Some(StockChange::Absolute(1_000_000_000)),
        slug: Some("gruener-tee".parse().unwrap()),
        status: Some(Status::Draft),
        media: Some(vec![MediumDraft {
            url: "/tea.jpg".to_owned(),
            alt: "A \"cup\" of tea".to_owned(),
        }]),
        attributes: Some(vec![("origin".to_owned(), "'Ethiopia'".to_owned())]),
        categories: None,
        options: None,
        variants: None,
    };
    let tea = shop.create(&new).unwrap();
    let key = ProductKey::Id(tea.id);
    let find = || match find_product::handle(&shop.products, &key, true) {
        Ok(Found::Product(product)) => Ok(*product),
        other => Err(other),
    };
    assert_eq!(find(), Ok(tea.clone()));
    assert_eq!((tea.media.len(), tea.attributes.iter().count()), (1, 1));
    let changes = ProductChanges {
        name: Some("Tee".parse().unwrap()),
        sku: Some(None),
        stock: Some(StockChange::Delta(-1)),
        weight: Weight::parse(250).ok(),
        ..ProductChanges::default()
    };
    assert_eq!(tea.tax_class.as_str(), "food");
    let changed = shop.update(&tea, &changes, Some(seen(&tea))).unwrap();
    assert_eq!(find(), Ok(changed.clone()));
    assert_eq!(
        (changed.version, changed.sku, changed.stock.free()),
        (2, None, 999_999_999)
    );
    shop.assert_books_agree();
}

#[test]
fn an_identifier_that_is_none_is_a_fault_as_any_other_damage() {
    let shop = Shop::new();
    let row = shop.read(|connection| connection.query_one("SELECT 'damaged' AS id", params![]));
    let read: Result<ProductId, Error> = id(&row.unwrap(), "id");
    let error = StoreError::from(read.unwrap_err());
    assert!(
        matches!(&error, StoreError::Fault(cause) if cause.contains("a UUID")),
        "{error:?}"
    );
}

#[test]
fn a_sku_is_unique_among_products_that_are_not_deleted() {
    let shop = Shop::new();
    let numbered = |name: &str| numbered(name, "A-1");
    let tea = shop.create(&numbered("Tea")).unwrap();
    assert_eq!(
        shop.create(&numbered("Coffee")),
        Err(ProductError::SkuTaken)
    );
    shop.delete(&tea, None).unwrap();
    let coffee = shop.create(&numbered("Coffee")).unwrap();
    let (milk, cocoa) = (shop.add("Milk", "1", 1), shop.add("Cocoa", "1", 1));
    let taken = ProductChanges {
        sku: Some(coffee.sku),
        ..ProductChanges::default()
    };
    assert_eq!(
        shop.update(&milk, &taken, None),
        Err(ProductError::SkuTaken)
    );
    assert_eq!((milk.sku, cocoa.sku), (None, None));
}

#[test]
fn the_schema_refuses_a_sku_twice_and_stock_below_zero() {
    let shop = Shop::new();
    let tea = ProductView {
        sku: Some("A-1".parse().unwrap()),
        ..shop.add("Tea", "1", 1)
    };
    let twin = ProductView {
        id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
        slug: Slug::stored("twin".to_owned()),
        ..tea.clone()
    };
    let refused = shop
        .products
        .store
        .write::<_, StoreError>(of_a_test(), |transaction| {
            transaction.save_product(&Product::restore(tea.clone()))?;
            transaction.insert_products(&[&Product::restore(twin.clone())])
        });
    // Where there are several writers, another one may have been faster.
    assert!(matches!(refused,
        Err(StoreError::Fault(message) | StoreError::Unavailable(message)) if message.contains("sku")));
    for column in ["stock", "reserved", "sold"] {
        let refused = shop.execute(&format!("UPDATE products SET {column} = -1"), params![]);
        assert!(
            matches!(refused, Err(Error::Constraint(_))),
            "{column}: {refused:?}"
        );
    }
}

#[test]
fn stats_name_what_runs_out_fewest_first() {
    let shop = Shop::new();
    for (name, stock) in [("plenty", 11), ("ten", 10), ("none", 0), ("one", 1)] {
        shop.add(name, "1", stock);
    }
    let gone = shop.add("gone", "1", 0);
    shop.delete(&gone, None).unwrap();
    let stats = stock_stats::handle(&shop.products).unwrap();
    let names: Vec<_> = stats
        .low_stock
        .iter()
        .map(|low| low.product.name.as_str())
        .collect();
    assert_eq!((stats.products, stats.out_of_stock), (4, 1));
    assert_eq!(names, ["none", "one", "ten"]);
    for number in 0..60 {
        shop.add(&format!("p{number}"), "1", 2);
    }
    assert_eq!(
        stock_stats::handle(&shop.products).unwrap().low_stock.len(),
        50
    );
}

#[test]
fn held_reservations_are_counted_with_the_oldest() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 10);
    let metrics = || reservation_metrics::handle(&shop.products).unwrap();
    assert_eq!((metrics().held, metrics().oldest_held_ms), (0, 0));
    for number in 1..=4 {
        shop.reserve(number, &[line(&tea, 1)]).unwrap();
    }
    let held = metrics();
    assert_eq!(held.held, 4);
    // The clock ticks with every look at it: the youngest would be one tick old.
    assert!(held.oldest_held_ms > 1, "{held:?}");
    shop.settle(1, Settlement::Commit).unwrap();
    shop.settle(2, Settlement::Release).unwrap();
    assert_eq!(metrics().held, 2);
}

#[test]
fn counting_held_reservations_reads_no_others() {
    let shop = Shop::on_sqlite();
    let plan = shop.plan(reservations::HELD_RESERVATIONS, params![]);
    assert!(plan[0].contains("reservations_held"), "{plan:?}");
}

#[test]
fn a_reservation_keeps_lines_names_and_prices_in_their_order() {
    let shop = Shop::new();
    let (tea, milk) = (shop.add("Tea", "4.9999", 10), shop.add("Milk", "0", 10));
    let first = shop
        .reserve(1, &[line(&milk, 1), line(&tea, 2), line(&milk, 3)])
        .unwrap();
    let renamed = ProductChanges {
        name: Some("Chai".parse().unwrap()),
        price: Some(Money::ZERO),
        ..Default::default()
    };
    shop.update(&tea, &renamed, None).unwrap();
    let again = shop.reserve(1, &[line(&tea, 2), line(&milk, 4)]).unwrap();
    assert_eq!(again, first);
    let seen: Vec<_> = again
        .iter()
        .map(|line| (line.name.as_str(), line.quantity.units()))
        .collect();
    assert_eq!(seen, [("Milk", 4), ("Tea", 2)]);
    assert_eq!(again[1].unit_price.amount(), "4.9999".parse().unwrap());
    assert_eq!(
        shop.number("SELECT version FROM products WHERE name = 'Milk'"),
        1
    );
    shop.assert_books_agree();
}

#[test]
fn a_rejected_order_leaves_no_trace() {
    let shop = Shop::new();
    let (tea, milk) = (shop.add("Tea", "1", 10), shop.add("Milk", "1", 1));
    let refused = shop.reserve(1, &[line(&tea, 1), line(&milk, 2)]);
    assert!(matches!(refused, Err(InventoryError::Rejected(lines)) if lines.len() == 1));
    assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
    assert_eq!(shop.number("SELECT COUNT(*) FROM reservations"), 0);
}

#[test]
fn a_transaction_that_fails_half_way_is_taken_back() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 10);
    let failed = shop
        .products
        .store
        .write::<(), _>(of_a_test(), |transaction| {
            transaction.take(&[reserved(&tea, 9)])?;
            Err(StoreError::Fault("the power is out".to_owned()))
        });
    assert!(failed.is_err());
    assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
}

#[test]
fn what_does_not_exist_cannot_be_changed() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 10);
    let unknown = ProductView {
        id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
        ..tea
    };
    let write = |work: &dyn Fn(&dyn Transaction) -> Result<(), StoreError>| {
        shop.products
            .store
            .write(of_a_test(), |transaction| work(transaction))
    };
    assert!(write(&|transaction| transaction.take(&[reserved(&unknown, 1)])).is_err());
    let settle =
        |transaction: &dyn Transaction| transaction.settle(&[order(1)], Settlement::Commit, 1);
    assert!(write(&settle).is_err());
}

#[test]
fn products_that_count_fewer_units_than_orders_hold_are_a_fault() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 10);
    shop.reserve(1, &[line(&tea, 4)]).unwrap();
    shop.execute("UPDATE products SET reserved = 3", params![])
        .unwrap();
    let refused = shop.settle(1, Settlement::Release);
    assert!(matches!(
        refused,
        Err(InventoryError::Store(StoreError::Fault(_)))
    ));
    assert_eq!(shop.stock(&tea), Stock::restore(6, 3, 0));
}

#[test]
fn orders_of_a_hundred_lines_end_with_few_statements() {
    let shop = Shop::new();
    let products: Vec<ProductView> = (0..100)
        .map(|number| shop.add(&format!("p{number}"), "1", 1_000))
        .collect();
    let lines: Vec<RequestedLine> = products.iter().map(|product| line(product, 7)).collect();
    let orders: Vec<OrderId> = (1..=20).map(order).collect();
    for number in 1..=20 {
        shop.reserve(number, &lines).unwrap();
    }
    assert_eq!(
        shop.number("SELECT CAST(SUM(reserved) AS BIGINT) FROM products"),
        7 * 100 * 20
    );
    shop.delete(&products[0], None).unwrap();
    let outcomes = shop.settle_all(&orders, Settlement::Release).unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(
        shop.number("SELECT CAST(SUM(reserved) AS BIGINT) FROM products"),
        0
    );
    assert_eq!(shop.stock(&products[0]), Stock::restore(1_000, 0, 0));
    shop.assert_books_agree();
    assert_eq!(shop.purge(0, 15), Ok(15));
    assert_eq!(shop.purge(0, 15), Ok(5));
    assert_eq!(shop.number("SELECT COUNT(*) FROM reservation_lines"), 0);
    shop.assert_books_agree();
}

#[test]
fn whole_reservations_are_read_and_moved_by_their_keys() {
    let shop = Shop::on_sqlite();
    let ids = || json_of(&[order(1)]);
    let by_age = || params![1_u32, 1_u32].to_vec();
    let statements = [
        (super::variants::SELLABLES, params![ids()].to_vec()),
        (reservations::TAKE, params!["[[\"x\",1]]"].to_vec()),
        (reservations::COMMIT_UNITS, params![ids()].to_vec()),
        (reservations::RELEASE_UNITS, params![ids()].to_vec()),
        (reservations::RESTOCK_UNITS, params![ids()].to_vec()),
        (reservations::STATES_BY_ORDER, params![ids()].to_vec()),
        (
            reservations::SET_STATES,
            params![ids(), "held", 1_u32].to_vec(),
        ),
        (reservations::HAS_RELEASED, params![1_u32].to_vec()),
        (reservations::HELD_FOR_CHECKOUT, params!["x"].to_vec()),
        (reservations::PURGE_LINES, by_age()),
        (reservations::PURGE_RESERVATIONS, by_age()),
    ];
    for (statement, parameters) in statements {
        let steps = shop.plan(statement, &parameters);
        let reads_all = |step: &String| {
            ["p", "products", "reservations", "reservation_lines"]
                .iter()
                .any(|table| step.trim_end() == format!("SCAN {table}"))
        };
        assert!(!steps.iter().any(reads_all), "{statement}: {steps:?}");
    }
}

fn reserved(product: &ProductView, units: u32) -> ReservedLine {
    ReservedLine {
        product_id: product.id,
        name: product.name.clone(),
        unit_price: product.price,
        choices: Vec::new(),
        quantity: Quantity::new(units).unwrap(),
        drawn: None,
    }
}

#[test]
fn the_stock_of_a_deleted_product_still_moves_with_its_orders() {
    let shop = Shop::new();
    let tea = shop.add("Tea", "1", 10);
    shop.reserve(1, &[line(&tea, 4)]).unwrap();
    shop.delete(&tea, None).unwrap();
    shop.settle(1, Settlement::Commit).unwrap();
    shop.settle(1, Settlement::Restock).unwrap();
    assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
    assert!(matches!(
        shop.reserve(2, &[line(&tea, 1)]),
        Err(InventoryError::Rejected(_))
    ));
    shop.assert_books_agree();
}

#[test]
fn a_price_list_makes_and_changes_products_and_keeps_books() {
    let shop = Shop::new();
    let row = |number: u64, stock: u64| ProductChanges {
        sku: Some(Some(Sku::stored(format!("T-{number}")))),
        ..new_product(&format!("Tea {number}"), stock)
    };
    let rows: Vec<ProductChanges> = (0..100).map(|number| row(number, 5)).collect();
    assert_eq!(shop.import(&rows), Ok(vec![RowOutcome::Created; 100]));
    assert_eq!(shop.import(&rows), Ok(vec![RowOutcome::Unchanged; 100]));
    let broken = ProductChanges {
        price: Some(Money::from_units(-1)),
        ..row(1, 1)
    };
    let outcomes = shop
        .import(&[row(0, 9), broken, row(2, 5), row(100, 1)])
        .unwrap();
    assert_eq!(outcomes[0], RowOutcome::Updated);
    assert!(matches!(&outcomes[1], RowOutcome::Refused(errors) if errors.len() == 1));
    assert_eq!(outcomes[2..], [RowOutcome::Unchanged, RowOutcome::Created]);
    assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 101);
    assert_eq!(
        shop.number("SELECT CAST(SUM(stock) AS BIGINT) FROM products"),
        9 + 99 * 5 + 1
    );
    shop.assert_books_agree();
}

#[test]
fn a_database_that_is_ready_says_so() {
    assert_eq!(Shop::new().products.store.ready(), Ok(()));
}

#[test]
fn what_may_pass_is_unavailable_and_the_rest_is_a_fault() {
    let busy = StoreError::from(Error::Busy("database is locked".to_owned()));
    assert!(matches!(busy, StoreError::Unavailable(_)));
    let interrupted = "interrupted: the statement took longer than 2000 ms".to_owned();
    assert!(matches!(
        StoreError::from(Error::Interrupted(interrupted)),
        StoreError::TooExpensive(_)
    ));
    assert!(matches!(
        StoreError::from(Error::Full),
        StoreError::Unavailable(_)
    ));
    assert!(matches!(
        StoreError::from(Error::Denied("products".to_owned())),
        StoreError::Fault(_)
    ));
}

/// Numbers that look random and are the same for the same seed (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One random step; its outcome as text.
fn step(dice: &mut Dice, shop: &Shop, products: &[ProductView]) -> String {
    let product = &products[dice.below(products.len() as u64) as usize];
    let number = dice.below(90);
    match dice.below(10) {
        8 => {
            let orders: Vec<OrderId> = (number..number + 3).map(order).collect();
            format!("{:?}", shop.settle_all(&orders, Settlement::Release))
        }
        9 => format!("{:?}", shop.purge(200, 1)),
        0..=3 => {
            let mut lines = Vec::new();
            for _ in 0..=dice.below(3) {
                let product = &products[dice.below(products.len() as u64) as usize];
                lines.push(line(product, 1 + dice.below(6) as u32));
            }
            if dice.below(20) == 0 {
                lines.push(RequestedLine {
                    product_id: "nonsense".to_owned(),
                    quantity: 1,
                    expected_price: None,
                });
            }
            format!("{:?}", shop.reserve(number, &lines))
        }
        4 => format!("{:?}", shop.settle(number, Settlement::Commit)),
        5 => format!("{:?}", shop.settle(number, Settlement::Release)),
        6 => format!("{:?}", shop.settle(number, Settlement::Restock)),
        _ => {
            let delta = dice.below(20).cast_signed() - 8;
            let stock = if delta == 0 {
                StockChange::Absolute(7)
            } else {
                StockChange::Delta(delta)
            };
            let changes = ProductChanges {
                stock: Some(stock),
                ..ProductChanges::default()
            };
            format!("{:?}", shop.update(product, &changes, None))
        }
    }
}

#[test]
fn whatever_happens_no_unit_is_lost() {
    let mut seeds_with_all_states = 0;
    for seed in 1..=8_u64 {
        let shop = Shop::new();
        let add = |name: &str| shop.create(&new_product(name, 9)).unwrap();
        let (products, mut dice) = (["a", "b", "c", "d"].map(add), Dice(seed));
        for number in 0..400 {
            let outcome = step(&mut dice, &shop, &products);
            let disagreeing = shop.number(DISAGREEING);
            assert_eq!(disagreeing, 0, "seed {seed}, step {number}: {outcome}");
            assert!(!outcome.contains("Fault"), "seed {seed}: {outcome}");
        }
        let states = shop.number("SELECT COUNT(DISTINCT state) FROM reservations");
        seeds_with_all_states += i32::from(states == 4);
    }
    assert!(seeds_with_all_states > 0, "{seeds_with_all_states}");
}
