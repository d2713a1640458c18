//! The repository on a real SQLite.

use super::*;
use crate::application::memory::{Fixture, MemoryStore, line, new_product, order, seen};
use crate::application::queries::{figures, find_product, stock_stats};
use crate::domain::error::{InventoryError, ProductError};
use crate::domain::import::{ImportRow, RowOutcome};
use crate::domain::product::{NewProduct, ProductChanges, StockChange};
use crate::domain::reservation::{RequestedLine, Settlement};

mod broad;
mod lists;

/// Products whose counts disagree with the stock book or with the reservations.
const DISAGREEING: &str = "\
SELECT COUNT(*)
FROM products AS p
WHERE stock + reserved + sold <> (
    SELECT COALESCE(SUM(free_after - free_before), 0)
    FROM stock_book AS b
    WHERE b.product_id = p.id)
  OR reserved <> (
    SELECT COALESCE(SUM(quantity), 0)
    FROM reservation_lines AS l JOIN reservations AS r USING (order_id)
    WHERE l.product_id = p.id AND r.state = 'held')
  OR sold <> (
    SELECT COALESCE(SUM(quantity), 0)
    FROM reservation_lines AS l JOIN reservations AS r USING (order_id)
    WHERE l.product_id = p.id AND r.state = 'committed')";

type SqlShop = Fixture<SqliteStore<'static>>;

fn shop() -> SqlShop {
    let database = Database::in_memory(DATABASE_LABEL, MIGRATIONS).unwrap();
    Fixture::with(SqliteStore(Box::leak(Box::new(database))))
}

impl SqlShop {
    fn number(&self, sql: &str) -> u64 {
        let row = self
            .store
            .0
            .read::<_, Error>(|connection| connection.query_one(sql, params![]));
        row.unwrap().unwrap().get(0).unwrap()
    }

    fn add(&self, name: &str, price: &str, stock: u64) -> Product {
        let price = price.parse().unwrap();
        self.create(&NewProduct {
            price,
            ..new_product(name, stock)
        })
        .unwrap()
    }

    fn assert_books_agree(&self) {
        assert_eq!(self.number(DISAGREEING), 0);
    }
}

#[test]
fn a_product_comes_back_as_it_went_in() {
    let shop = shop();
    let new = NewProduct {
        name: "Grüner Tee".to_owned(),
        description: "'; DROP TABLE products; --\nsecond line".to_owned(),
        sku: Some("T-1".to_owned()),
        price: "999999999.9999".parse().unwrap(),
        stock: 1_000_000_000,
    };
    let tea = shop.create(&new).unwrap();
    assert_eq!(find_product(&shop.store, tea.id.as_str()), Ok(tea.clone()));
    let changes = ProductChanges {
        name: Some("Tee".to_owned()),
        sku: Some(None),
        stock: Some(StockChange::Delta(-1)),
        ..ProductChanges::default()
    };
    let changed = shop.update(&tea, &changes, Some(seen(&tea))).unwrap();
    assert_eq!(
        find_product(&shop.store, tea.id.as_str()),
        Ok(changed.clone())
    );
    assert_eq!(
        (changed.version, changed.sku, changed.stock.free()),
        (2, None, 999_999_999)
    );
    shop.assert_books_agree();
}

#[test]
fn a_sku_is_unique_among_products_that_are_not_deleted() {
    let shop = shop();
    let numbered = |name: &str| NewProduct {
        sku: Some("A-1".to_owned()),
        ..new_product(name, 1)
    };
    let tea = shop.create(&numbered("Tea")).unwrap();
    assert_eq!(
        shop.create(&numbered("Coffee")),
        Err(ProductError::SkuTaken)
    );
    shop.delete(&tea, None).unwrap();
    let coffee = shop.create(&numbered("Coffee")).unwrap();
    let (milk, cocoa) = (shop.add("Milk", "1", 1), shop.add("Cocoa", "1", 1));
    let taken = ProductChanges {
        sku: Some(coffee.sku.map(|sku| sku.as_str().to_owned())),
        ..ProductChanges::default()
    };
    assert_eq!(
        shop.update(&milk, &taken, None),
        Err(ProductError::SkuTaken)
    );
    assert_eq!((milk.sku, cocoa.sku), (None, None));
}

#[test]
fn the_schema_itself_refuses_the_same_sku_twice_and_stock_below_zero() {
    let shop = shop();
    let sku = Some(Sku::parse("A-1").unwrap());
    let tea = Product {
        sku,
        ..shop.add("Tea", "1", 1)
    };
    let twin = Product {
        id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
        ..tea.clone()
    };
    let refused = shop.store.write::<_, StoreError>(|transaction| {
        transaction.save_product(&tea)?;
        transaction.insert_product(&twin)
    });
    assert!(matches!(refused, Err(StoreError::Fault(message)) if message.contains("products.sku")));
    for column in ["stock", "reserved", "sold"] {
        let statement = format!("UPDATE products SET {column} = -1");
        let refused = shop
            .store
            .0
            .write::<_, Error>(|connection| connection.execute(&statement, params![]));
        assert!(
            matches!(refused, Err(Error::Constraint(_))),
            "{column}: {refused:?}"
        );
    }
}

#[test]
fn stats_name_what_runs_out_fewest_first() {
    let shop = shop();
    for (name, stock) in [("plenty", 11), ("ten", 10), ("none", 0), ("one", 1)] {
        shop.add(name, "1", stock);
    }
    let gone = shop.add("gone", "1", 0);
    shop.delete(&gone, None).unwrap();
    let stats = stock_stats(&shop.store).unwrap();
    let names: Vec<_> = stats
        .low_stock
        .iter()
        .map(|product| product.name.as_str())
        .collect();
    assert_eq!((stats.products, stats.out_of_stock), (4, 1));
    assert_eq!(names, ["none", "one", "ten"]);
    for number in 0..60 {
        shop.add(&format!("p{number}"), "1", 2);
    }
    assert_eq!(stock_stats(&shop.store).unwrap().low_stock.len(), 50);
}

#[test]
fn reservations_that_wait_for_a_payment_are_counted_with_the_oldest() {
    let shop = shop();
    let tea = shop.add("Tea", "1", 10);
    let figures = || figures(&shop.store, &shop.clock).unwrap();
    assert_eq!(figures().held_reservations, 0);
    assert_eq!(figures().oldest_held_ms, 0);
    for number in 1..=4 {
        shop.reserve(number, &[line(&tea, 1)]).unwrap();
    }
    let held = figures();
    assert_eq!(held.held_reservations, 4);
    // The clock ticks with every look at it: the youngest would be one tick old.
    assert!(held.oldest_held_ms > 1, "{held:?}");
    shop.settle(1, Settlement::Commit).unwrap();
    shop.settle(2, Settlement::Release).unwrap();
    assert_eq!(figures().held_reservations, 2);
}

#[test]
fn counting_held_reservations_reads_no_others() {
    let shop = shop();
    let plan: Result<Vec<Row>, Error> = shop.store.0.read(|connection| {
        connection.query(
            &format!("EXPLAIN QUERY PLAN {HELD_RESERVATIONS}"),
            params![],
        )
    });
    let step: String = plan.unwrap()[0].get(3).unwrap();
    assert!(step.contains("reservations_held"), "{step}");
}

#[test]
fn a_reservation_keeps_lines_names_and_prices_in_their_order() {
    let shop = shop();
    let (tea, milk) = (shop.add("Tea", "4.9999", 10), shop.add("Milk", "0", 10));
    let first = shop
        .reserve(1, &[line(&milk, 1), line(&tea, 2), line(&milk, 3)])
        .unwrap();
    let renamed = ProductChanges {
        name: Some("Chai".to_owned()),
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
    let shop = shop();
    let (tea, milk) = (shop.add("Tea", "1", 10), shop.add("Milk", "1", 1));
    let refused = shop.reserve(1, &[line(&tea, 1), line(&milk, 2)]);
    assert!(matches!(refused, Err(InventoryError::Rejected(lines)) if lines.len() == 1));
    assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
    assert_eq!(shop.number("SELECT COUNT(*) FROM reservations"), 0);
}

#[test]
fn a_transaction_that_fails_half_way_is_taken_back() {
    let shop = shop();
    let tea = shop.add("Tea", "1", 10);
    let failed = shop.store.write::<(), _>(|transaction| {
        transaction.take(&[reserved(&tea, 9)])?;
        Err(StoreError::Fault("the power is out".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
}

#[test]
fn what_does_not_exist_cannot_be_changed() {
    let shop = shop();
    let tea = shop.add("Tea", "1", 10);
    let unknown = Product {
        id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
        ..tea
    };
    let write = |work: &dyn Fn(&dyn Transaction) -> Result<(), StoreError>| {
        shop.store.write(|transaction| work(transaction))
    };
    assert!(write(&|transaction| transaction.take(&[reserved(&unknown, 1)])).is_err());
    let settle =
        |transaction: &dyn Transaction| transaction.settle(&[order(1)], Settlement::Commit, 1);
    assert!(write(&settle).is_err());
}

#[test]
fn products_that_count_fewer_units_than_orders_hold_are_a_fault() {
    let shop = shop();
    let tea = shop.add("Tea", "1", 10);
    shop.reserve(1, &[line(&tea, 4)]).unwrap();
    let damaged = shop.store.0.write::<_, Error>(|connection| {
        connection.execute("UPDATE products SET reserved = 3", params![])
    });
    damaged.unwrap();
    let refused = shop.settle(1, Settlement::Release);
    assert!(matches!(
        refused,
        Err(InventoryError::Store(StoreError::Fault(_)))
    ));
    assert_eq!(shop.stock(&tea), Stock::restore(6, 3, 0));
}

#[test]
fn orders_of_a_hundred_lines_end_with_few_statements() {
    let shop = shop();
    let products: Vec<Product> = (0..100)
        .map(|number| shop.add(&format!("p{number}"), "1", 1_000))
        .collect();
    let lines: Vec<RequestedLine> = products.iter().map(|product| line(product, 7)).collect();
    let orders: Vec<OrderId> = (1..=20).map(order).collect();
    for number in 1..=20 {
        shop.reserve(number, &lines).unwrap();
    }
    assert_eq!(
        shop.number("SELECT SUM(reserved) FROM products"),
        7 * 100 * 20
    );
    shop.delete(&products[0], None).unwrap();
    let outcomes = shop.settle_all(&orders, Settlement::Release).unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(shop.number("SELECT SUM(reserved) FROM products"), 0);
    assert_eq!(shop.stock(&products[0]), Stock::restore(1_000, 0, 0));
    shop.assert_books_agree();
    assert_eq!(shop.purge(0, 15), Ok(15));
    assert_eq!(shop.purge(0, 15), Ok(5));
    assert_eq!(shop.number("SELECT COUNT(*) FROM reservation_lines"), 0);
    shop.assert_books_agree();
}

#[test]
fn whole_reservations_are_read_and_moved_by_their_keys() {
    let shop = shop();
    let ids = || json_of([order(1).as_str()].into_iter());
    let by_age = || params![1_u32, 1_u32].to_vec();
    let statements = [
        (PRODUCTS_BY_ID, params![ids()].to_vec()),
        (TAKE, params!["[[\"x\",1]]"].to_vec()),
        (COMMIT_UNITS, params![ids()].to_vec()),
        (RELEASE_UNITS, params![ids()].to_vec()),
        (RESTOCK_UNITS, params![ids()].to_vec()),
        (INSERT_LINES, params!["x", "[[\"x\",1]]"].to_vec()),
        (STATES_BY_ORDER, params![ids()].to_vec()),
        (SET_STATES, params![ids(), "held", 1_u32].to_vec()),
        (HAS_RELEASED, params![1_u32].to_vec()),
        (PURGE_LINES, by_age()),
        (PURGE_RESERVATIONS, by_age()),
    ];
    for (statement, parameters) in statements {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let rows: Result<Vec<Row>, Error> = shop
            .store
            .0
            .read(|connection| connection.query(&plan, &parameters));
        let steps: Vec<String> = rows
            .unwrap()
            .iter()
            .map(|row| row.get(3).unwrap())
            .collect();
        let reads_all = |step: &String| {
            ["products", "reservations", "reservation_lines"]
                .iter()
                .any(|table| step.trim_end() == format!("SCAN {table}"))
        };
        assert!(!steps.iter().any(reads_all), "{statement}: {steps:?}");
    }
}

fn reserved(product: &Product, units: u32) -> ReservedLine {
    ReservedLine {
        product_id: product.id.clone(),
        name: product.name.clone(),
        unit_price: product.price,
        quantity: Quantity::new(units).unwrap(),
    }
}

#[test]
fn the_stock_of_a_deleted_product_still_moves_with_its_orders() {
    let shop = shop();
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
fn rows_of_a_price_list_make_and_change_products_and_keep_the_books() {
    let shop = shop();
    let row = |number: u64, stock: u64| ImportRow {
        sku: format!("T-{number}"),
        name: Some(format!("Tea {number}")),
        description: None,
        price: Some(Money::from_units(49_900)),
        stock: Some(stock),
    };
    let rows: Vec<ImportRow> = (0..100).map(|number| row(number, 5)).collect();
    assert_eq!(shop.import(&rows), Ok(vec![RowOutcome::Created; 100]));
    assert_eq!(shop.import(&rows), Ok(vec![RowOutcome::Unchanged; 100]));
    let broken = ImportRow {
        name: Some(String::new()),
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
        shop.number("SELECT SUM(stock) FROM products"),
        9 + 99 * 5 + 1
    );
    shop.assert_books_agree();
}

#[test]
fn a_database_that_is_ready_says_so() {
    assert_eq!(shop().store.ready(), Ok(()));
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
fn step<S: Store>(dice: &mut Dice, shop: &Fixture<S>, products: &[Product]) -> String {
    let product = &products[dice.below(products.len() as u64) as usize];
    let order = dice.below(90);
    match dice.below(10) {
        8 => {
            let orders: Vec<OrderId> = (order..order + 3)
                .map(crate::application::memory::order)
                .collect();
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
                });
            }
            format!("{:?}", shop.reserve(order, &lines))
        }
        4 => format!("{:?}", shop.settle(order, Settlement::Commit)),
        5 => format!("{:?}", shop.settle(order, Settlement::Release)),
        6 => format!("{:?}", shop.settle(order, Settlement::Restock)),
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
fn whatever_happens_no_unit_is_lost_and_both_stores_agree() {
    let mut seeds_with_all_states = 0;
    for seed in 1..=8_u64 {
        let (sql, memory) = (shop(), Fixture::<MemoryStore>::new());
        let add = |name: &str| {
            (
                sql.create(&new_product(name, 9)).unwrap(),
                memory.create(&new_product(name, 9)).unwrap(),
            )
        };
        let (products, same): (Vec<_>, Vec<_>) = ["a", "b", "c", "d"].map(add).into_iter().unzip();
        assert_eq!(products, same);
        let (mut dice, mut other) = (Dice(seed), Dice(seed));
        for number in 0..400 {
            let outcome = step(&mut dice, &sql, &products);
            assert_eq!(
                outcome,
                step(&mut other, &memory, &products),
                "seed {seed}, step {number}"
            );
            assert_eq!(
                sql.number(DISAGREEING),
                0,
                "seed {seed}, step {number}: {outcome}"
            );
        }
        for product in &products {
            assert_eq!(
                sql.store.find(&product.id),
                memory.store.find(&product.id),
                "seed {seed}"
            );
        }
        let states = sql.number("SELECT COUNT(DISTINCT state) FROM reservations");
        seeds_with_all_states += i32::from(states == 4);
    }
    assert!(seeds_with_all_states > 0, "{seeds_with_all_states}");
}
