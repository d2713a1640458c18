//! A shop that never ran is filled: databases by the migrations of the repository, and what a shop would have stored for a
//! paid order and a pending one.

use std::{fs, path::Path};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    catalogue, fill, ids,
    originals::{Order, Originals, Product},
};

const SIZE: u64 = 300;

/// The customer, the products and the orders are told apart by their last digits.
const CUSTOMER: &str = "01985a00-1000-7000-8000-0000000000c1";
const PAID: &str = "01985a00-2000-7000-8000-0000000000a1";
const PENDING: &str = "01985a00-2000-7000-8000-0000000000b1";
const PAYMENT_OF_PAID: &str = "01985a00-2010-7000-8000-0000000000a2";
const PAYMENT_OF_PENDING: &str = "01985a00-2010-7000-8000-0000000000b2";

const PRODUCTS: &str = "
INSERT INTO products (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at)
VALUES (PRODUCT0, 'original product 0', 'original product 0', 'free for thirty days', 'ORIGINAL-0', 125000, 999998, 1, 1, 1, MS0, MS0),
  (PRODUCT1, 'original product 1', 'original product 1', '', 'ORIGINAL-1', 125000, 999999, 1, 0, 1, MS0, MS0),
  (PRODUCT2, 'original product 2', 'original product 2', '', 'ORIGINAL-2', 125000, 999999, 1, 0, 1, MS0, MS0),
  (PRODUCT3, 'original product 3', 'original product 3', '', 'ORIGINAL-3', 125000, 0, 0, 0, 1, MS0, MS0);
INSERT INTO stock_book VALUES (PRODUCT0, 1, 0, 1000000, MS0), (PRODUCT1, 1, 0, 1000000, MS0), (PRODUCT2, 1, 0, 1000000, MS0);
INSERT INTO reservations VALUES (ORDER0, 'committed', MS1, MS2), (ORDER1, 'held', MS1, MS1);
INSERT INTO reservation_lines
VALUES (ORDER0, PRODUCT0, 0, 'original product 0', 125000, 1),
  (ORDER1, PRODUCT0, 0, 'original product 0', 125000, 1),
  (ORDER1, PRODUCT1, 1, 'original product 1', 125000, 1),
  (ORDER1, PRODUCT2, 2, 'original product 2', 125000, 1);";

const ORDERS: &str = "
INSERT INTO orders (id, customer_id, status, total_amount, total_items, currency, receipt_id, receipt_issued_at, paid_at,
  created_at, updated_at, version, number)
VALUES (ORDER0, CUSTOMER, 'PAID', 125000, 1, 'USD', '01985a00-2020-7000-8000-0000000000a3', MS2, MS2, MS1, MS2, 2, 'M-0000-0051'),
  (ORDER1, CUSTOMER, 'PENDING', 375000, 3, 'USD', NULL, NULL, NULL, MS1, MS1, 1, 'M-0000-005H');
INSERT INTO order_items
VALUES (ORDER0, 0, PRODUCT0, 'original product 0', 125000, 1), (ORDER1, 0, PRODUCT0, 'original product 0', 125000, 1),
  (ORDER1, 1, PRODUCT1, 'original product 1', 125000, 1), (ORDER1, 2, PRODUCT2, 'original product 2', 125000, 1);
INSERT INTO order_status_history (order_id, from_status, to_status, actor, reason, at)
VALUES (ORDER0, NULL, 'PENDING', 'customer', 'placed', MS1), (ORDER0, 'PENDING', 'PAID', 'system', 'paid', MS2),
  (ORDER1, NULL, 'PENDING', 'customer', 'placed', MS1);
INSERT INTO sagas (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts, units)
VALUES (ORDER0, CUSTOMER, 'done', MS1, MS2, MS2, 0, 1), (ORDER1, CUSTOMER, 'ready', MS1, MS2, MS2, 0, 3);
INSERT INTO idempotency_keys
VALUES (CUSTOMER, 'original-order-paid', x'ff00', ORDER0, MS1, 201, CAST('{\"id\":\"' || ORDER0 || '\",\"number\":\"M-0000-0051\"}' AS BLOB));
INSERT INTO inbox VALUES ('01985a00-2030-7000-8000-0000000000a4', 'succeeded', ORDER0, MS2);";

const PAYMENTS: &str = "
INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider, session_number,
  provider_reference, created_at, updated_at, version, order_number)
VALUES (PAYMENT0, ORDER0, CUSTOMER, 1250, 0, 'USD', 'SUCCEEDED', 'mock', 1, 'pi_00112233445566778899aabbccddeeff', MS1, MS2, 2, 'M-0000-0051'),
  (PAYMENT1, ORDER1, CUSTOMER, 3750, 0, 'USD', 'PENDING', 'mock', 1, NULL, MS1, MS1, 1, 'M-0000-005H');
INSERT INTO sessions (payment_id, number, requested_expiry, provider_id, url, expires_at, is_over)
VALUES (PAYMENT0, 1, MS2, 'cs_test_0f112233445566778899aabbccddeeff', '/cs_test_0f112233445566778899aabbccddeeff', MS2, 1),
  (PAYMENT1, 1, MS2, 'cs_test_1f112233445566778899aabbccddeeff', '/cs_test_1f112233445566778899aabbccddeeff', MS2, 0);
INSERT INTO webhooks VALUES ('evt_2f112233445566778899aabbccddeeff', 'checkout.session.completed', PAYMENT0, MS2);
INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency, attempts,
  next_attempt_at, acknowledged_at)
VALUES ('01985a00-2030-7000-8000-0000000000a4', 'succeeded', MS2, ORDER0, PAYMENT0, 1250, 0, 'USD', 1, MS2, MS2);";

const AUTH: &str = "
INSERT INTO users (id, name, email, password_hash, role, disabled, created_at, updated_at, version)
VALUES (CUSTOMER, 'Ada', 'original@mercato.bench', '$2b$12$x', 'customer', 0, MS0, MS0, 1);
INSERT INTO refresh_tokens (token_hash, family_id, user_id, issued_at, expires_at)
VALUES ('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', '01985a00-1001-7000-8000-0000000000c2', CUSTOMER, MS0, MS2);";

/// What has to hold of a filled shop: statements that count what is wrong.
const WRONG: [(&str, &str); 12] = [
    ("products", "SELECT COUNT(*) <> 300 FROM products"),
    (
        "products",
        "SELECT COUNT(*) FROM products
WHERE reserved <> (SELECT COUNT(*) FROM reservation_lines JOIN reservations USING (order_id) WHERE product_id = products.id AND state = 'held')
  OR sold <> (SELECT COUNT(*) FROM reservation_lines JOIN reservations USING (order_id) WHERE product_id = products.id AND state = 'committed')",
    ),
    (
        "products",
        "SELECT COUNT(*) FROM products
WHERE stock + reserved + sold <> coalesce((SELECT SUM(free_after - free_before) FROM stock_book WHERE product_id = products.id), 0)",
    ),
    ("products", "SELECT COUNT(*) <> 300 FROM catalogue_entries"),
    ("products", "SELECT COUNT(*) <> 296 FROM products_by_word WHERE products_by_word MATCH 'genuine'"),
    ("orders", "SELECT COUNT(*) <> 300 FROM orders"),
    (
        "orders",
        "SELECT COUNT(*) FROM order_counts WHERE orders <> (SELECT COUNT(*) FROM orders WHERE status = order_counts.status)",
    ),
    (
        "orders",
        "SELECT COUNT(*) FROM holders
WHERE open_orders <> (SELECT COUNT(*) FROM sagas WHERE customer_id = holder AND step = 'ready')
  OR held_units <> (SELECT coalesce(SUM(units), 0) FROM sagas WHERE customer_id = holder AND step = 'ready')",
    ),
    (
        "orders",
        "SELECT COUNT(*) FROM idempotency_keys JOIN orders ON id = order_id
WHERE answer_body <> CAST('{\"id\":\"' || id || '\",\"number\":\"' || number || '\"}' AS BLOB) OR fingerprint <> x'ff00'",
    ),
    (
        "payments",
        "SELECT COUNT(*) FROM payment_counts WHERE payments <> (SELECT COUNT(*) FROM payments WHERE status = payment_counts.status)",
    ),
    (
        "payments",
        "SELECT gross_low <> (SELECT SUM(amount) FROM payments WHERE status = 'SUCCEEDED') FROM money_received",
    ),
    ("payments", "SELECT COUNT(*) FROM sessions WHERE url <> '/' || provider_id"),
];

fn product_id(number: usize) -> String {
    format!("01985a00-0000-7000-8000-0000000000d{number}")
}

/// The statements with the names of this file put in.
fn with_names(sql: &str) -> String {
    let mut sql = sql.to_owned();
    for number in 0..4 {
        sql = sql.replace(
            &format!("PRODUCT{number}"),
            &format!("'{}'", product_id(number)),
        );
    }
    let made_ms = ids::milliseconds(PAID).unwrap();
    for (name, ms) in [
        ("MS0", made_ms - 5_000),
        ("MS1", made_ms),
        ("MS2", made_ms + 4_000),
    ] {
        sql = sql.replace(name, &ms.to_string());
    }
    for (name, value) in [
        ("PAYMENT0", PAYMENT_OF_PAID),
        ("PAYMENT1", PAYMENT_OF_PENDING),
        ("CUSTOMER", CUSTOMER),
        ("ORDER0", PAID),
        ("ORDER1", PENDING),
    ] {
        sql = sql.replace(name, &format!("'{value}'"));
    }
    sql
}

/// A database of that context, as its migrations make it, with those rows.
fn database(folder: &Path, context: &str, rows: &str) {
    let migrations = format!("../components/{context}/core/src/store/migrations");
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join(migrations);
    let mut files: Vec<_> = fs::read_dir(migrations)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let connection = Connection::open(folder.join(format!("{context}.db"))).unwrap();
    for file in files {
        connection
            .execute_batch(&fs::read_to_string(file).unwrap())
            .unwrap();
    }
    connection.execute_batch(&with_names(rows)).unwrap();
}

fn originals() -> Originals {
    let product = |number| Product {
        id: product_id(number),
        name: format!("original product {number}"),
        sku: format!("ORIGINAL-{number}"),
        slug: format!("original-product-{number}"),
    };
    let order = |id: &str, number: &str, payment_id: &str, key: &str, status, share, lines| Order {
        id: id.to_owned(),
        number: number.to_owned(),
        payment_id: payment_id.to_owned(),
        key: key.to_owned(),
        status,
        share,
        lines,
    };
    Originals {
        customer_id: CUSTOMER.to_owned(),
        email: "original@mercato.bench".to_owned(),
        products: (0..3).map(product).collect(),
        sold_out: product(3),
        orders: vec![
            order(
                PAID,
                "M-0000-0051",
                PAYMENT_OF_PAID,
                "original-order-paid",
                "PAID",
                80,
                1,
            ),
            order(
                PENDING,
                "M-0000-005H",
                PAYMENT_OF_PENDING,
                "original-order-pending",
                "PENDING",
                20,
                3,
            ),
        ],
    }
}

fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (context, rows) in [
        ("products", PRODUCTS),
        ("orders", ORDERS),
        ("payments", PAYMENTS),
        ("auth", AUTH),
    ] {
        database(folder.path(), context, rows);
    }
    fill::fill(folder.path(), &originals(), SIZE).unwrap();
    folder
}

fn open(folder: &TempDir, context: &str) -> Connection {
    Connection::open(folder.path().join(format!("{context}.db"))).unwrap()
}

fn number(connection: &Connection, sql: &str) -> u64 {
    let number: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    number.try_into().unwrap()
}

#[test]
fn a_filled_shop_is_consistent() {
    let folder = filled();
    for (context, statement) in WRONG {
        assert_eq!(
            number(&open(&folder, context), statement),
            0,
            "{context}: {statement}"
        );
    }
    for context in ["products", "orders", "payments", "auth"] {
        let check = "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(number(&open(&folder, context), check), 0, "{context}");
    }
    // The original customer, and those who order.
    assert_eq!(
        number(&open(&folder, "auth"), "SELECT COUNT(*) FROM users"),
        11
    );
    let rare = catalogue::rare_word(4);
    let matches =
        format!("SELECT COUNT(*) FROM products_by_word WHERE products_by_word MATCH '{rare}'");
    assert_eq!(number(&open(&folder, "products"), &matches), 3);
}

#[test]
fn the_databases_agree_on_every_copy() {
    let folder = filled();
    let orders = open(&folder, "orders");
    for context in ["products", "payments", "auth"] {
        let path = folder.path().join(format!("{context}.db"));
        orders
            .execute(
                &format!("ATTACH ? AS {context}"),
                [path.display().to_string()],
            )
            .unwrap();
    }
    let lines = number(&orders, "SELECT COUNT(*) FROM order_items");
    for (joined, expected) in [
        (
            "orders AS o JOIN payments.payments AS p ON p.order_id = o.id AND p.order_number = o.number",
            SIZE,
        ),
        ("orders AS o JOIN users ON users.id = o.customer_id", SIZE),
        (
            "orders AS o JOIN reservations AS r ON r.order_id = o.id",
            SIZE,
        ),
        (
            "inbox JOIN outbox USING (event_id, order_id)",
            number(&orders, "SELECT COUNT(*) FROM inbox"),
        ),
        (
            "order_items AS i JOIN products.products AS p ON p.id = i.product_id AND p.name = i.name",
            lines,
        ),
        (
            "order_items JOIN reservation_lines USING (order_id, product_id, position, name)",
            lines,
        ),
    ] {
        let count = number(&orders, &format!("SELECT COUNT(*) FROM {joined}"));
        assert_eq!(count, expected, "{joined}");
    }
}

#[test]
fn numbers_and_times_of_orders_are_those_of_their_ids() {
    let folder = filled();
    let orders = open(&folder, "orders");
    let mut statement = orders
        .prepare("SELECT id, number, created_at, updated_at FROM orders ORDER BY id")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut last_ms = 0;
    while let Some(row) = rows.next().unwrap() {
        let (id, number): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let (created_ms, updated_ms): (i64, i64) = (row.get(2).unwrap(), row.get(3).unwrap());
        assert_eq!(ids::order_number(&id), Some(number), "{id}");
        assert!(
            ids::milliseconds(&id)
                .unwrap()
                .cast_signed()
                .abs_diff(created_ms)
                < 60_000,
            "{id}"
        );
        assert!(created_ms >= last_ms, "{id}");
        assert!([0, 4_000].contains(&(updated_ms - created_ms)), "{id}");
        last_ms = created_ms;
    }
}
