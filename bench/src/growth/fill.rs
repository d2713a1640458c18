//! Fills the databases of a shop that does not run, by copying what the shop has stored itself.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use rusqlite::Connection;

use super::{
    catalogue::{Catalogue, is_sold_out},
    copies::{Copies, Units, texts_of_customer, texts_of_order, texts_of_product},
    ids,
    originals::{Order, Originals, Product},
    template::{self, Copy, Original, Template},
};

/// Copies written in one transaction.
const COPIES_PER_TRANSACTION: u64 = 20_000;

/// A copy is made so long ago at least.
const AGO: Duration = Duration::from_secs(60);

/// Fast, and of no use after a crash; the shop makes its own settings when it opens the database.
const SETTINGS: &str = "
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -1000000;";

/// Triggers write these when a product is written.
const WRITTEN_WITH_PRODUCTS: [&str; 2] = ["catalogue_entries", "reservation_lines"];

/// The words of copies are of ASCII, as triggers find them: the shop need not make them anew, as it does with what others have written.
const WORDS_ARE_MADE: &str = "
UPDATE catalogue_entries
SET words_version = (SELECT MAX(words_version) FROM catalogue_entries);";

/// What a product is given beside its names.
const NUMBERS_OF_PRODUCTS: [(&str, &str); 4] = [
    ("products", "price"),
    ("products", "stock"),
    ("products", "reserved"),
    ("products", "sold"),
];

/// A trigger counts each order that begins; copies begin and have ended. So what is held is counted anew.
const COUNT_HOLDERS: &str = "
CREATE TEMP TABLE held AS
SELECT holder, COUNT(*) AS orders, SUM(units) AS units
FROM (
  SELECT customer_id AS holder, units
  FROM sagas
  WHERE step IN ('new', 'reserved', 'ready', 'closing')
  UNION ALL
  SELECT client, units
  FROM sagas
  WHERE step IN ('new', 'reserved', 'ready', 'closing') AND client IS NOT NULL)
GROUP BY holder;

CREATE UNIQUE INDEX temp.held_by_holder ON held (holder);

UPDATE holders
SET open_orders = coalesce((SELECT orders FROM held WHERE held.holder = holders.holder), 0),
  held_units = coalesce((SELECT units FROM held WHERE held.holder = holders.holder), 0);";

/// Fills all databases until there are so many products and as many orders, and gives what was added.
///
/// # Errors
/// When a database refuses a row, or is not whole afterwards.
pub fn fill(databases: &Path, originals: &Originals, size: u64) -> Result<Catalogue> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let made = |originals: usize| {
        size.checked_sub(originals as u64)
            .context("too few to copy")
    };
    let catalogue = Catalogue {
        products: made(originals.products.len() + 1)?,
        orders: made(originals.orders.len())?,
        end_ms: u64::try_from((now - AGO).as_millis())?,
    };
    let copies = Copies {
        originals,
        catalogue,
    };
    let tasks: [(&str, Task); 4] = [
        ("products", products),
        ("orders", orders_and_holders),
        ("payments", orders),
        ("auth", customers),
    ];
    thread::scope(|scope| {
        let threads = tasks.map(|(name, task)| {
            let path = databases.join(format!("{name}.db"));
            scope.spawn(move || filled(&path, copies, task).context(name))
        });
        threads.into_iter().try_for_each(|thread| {
            let result = thread.join();
            result.map_err(|_| anyhow!("the filling of a database has ended"))?
        })
    })?;
    Ok(catalogue)
}

/// Fills one database.
type Task = fn(&Connection, Copies<'_>) -> Result<()>;

fn filled(path: &Path, copies: Copies<'_>, task: Task) -> Result<()> {
    let connection = Connection::open(path)?;
    let before: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    connection.execute_batch(SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(256);
    task(&connection, copies)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = {before}; PRAGMA locking_mode = NORMAL;"
    ))?;
    check(&connection)?;
    drop(connection);
    // What the kernel still had to write would keep the shop's own writes waiting.
    File::open(path)?.sync_all()?;
    Ok(())
}

/// Whether a database is whole. That its indexes have all rows is left to the tests: SQLite wrote them itself, and looking
/// takes as long as writing.
fn check(connection: &Connection) -> Result<()> {
    let said: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    ensure!(said == "ok", "SQLite's check says {said}");
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    if let Some(row) = rows.next()? {
        let (table, other): (String, String) = (row.get(0)?, row.get(2)?);
        return Err(anyhow!("a row of {table} refers to none of {other}"));
    }
    Ok(())
}

/// Writes so many copies, some thousands in a transaction.
fn write<'a>(
    connection: &Connection,
    count: u64,
    copy: impl Fn(u64) -> Result<Copy<'a>>,
) -> Result<()> {
    let mut begin = 0;
    while begin < count {
        let end = count.min(begin + COPIES_PER_TRANSACTION);
        let copies: Vec<_> = (begin..end).map(&copy).collect::<Result<_>>()?;
        connection.execute_batch("BEGIN")?;
        template::write(connection, &copies)?;
        connection.execute_batch("COMMIT")?;
        begin = end;
    }
    Ok(())
}

fn products(connection: &Connection, copies: Copies<'_>) -> Result<()> {
    let originals = copies.originals;
    let first = originals.products.first().context("a product")?;
    let (for_sale, sold_out) = (
        template_of_product(connection, first)?,
        template_of_product(connection, &originals.sold_out)?,
    );
    let units = units(connection, copies)?;
    let write_copies = |number| {
        let units = units.get(usize::try_from(number)?).copied();
        let given = copies.product(number, units.unwrap_or_default());
        let template = if is_sold_out(number) {
            &sold_out
        } else {
            &for_sale
        };
        Ok(template.copy(given))
    };
    write(connection, copies.catalogue.products, write_copies)?;
    connection.execute_batch(WORDS_ARE_MADE)?;
    orders(connection, copies)
}

fn template_of_product(connection: &Connection, product: &Product) -> Result<Template> {
    let original = Original {
        owners: &[&product.id],
        apart: &WRITTEN_WITH_PRODUCTS,
        texts: &texts_of_product(product),
        numbers: &NUMBERS_OF_PRODUCTS,
        made_ms: ids::milliseconds(&product.id).context("the time in an identifier")?,
    };
    Template::read(connection, &original)
}

/// What the copies of orders take of each product.
fn units(connection: &Connection, copies: Copies<'_>) -> Result<Vec<Units>> {
    let originals = &copies.originals.orders;
    let kinds = originals.iter().map(|order| state(connection, order));
    let kinds: Vec<_> = kinds.collect::<Result<_>>()?;
    let mut units = vec![Units::default(); usize::try_from(copies.catalogue.products)?];
    for number in 0..copies.catalogue.orders {
        let kind = copies.kind(number);
        let (Some(state), Some(original)) = (kinds.get(kind), originals.get(kind)) else {
            continue;
        };
        for product in copies.products_of(number, original.lines) {
            let Some(units) = units.get_mut(usize::try_from(product)?) else {
                continue;
            };
            // Every line is of one unit.
            match state.as_str() {
                "held" => units.held += 1,
                "committed" => units.committed += 1,
                _ => {}
            }
        }
    }
    Ok(units)
}

fn state(connection: &Connection, order: &Order) -> Result<String> {
    let select = "SELECT state FROM reservations WHERE order_id = ?";
    let state = connection.query_row(select, [&order.id], |row| row.get(0));
    state.context("the reservation of an order")
}

/// Everything that a database has of orders.
fn orders(connection: &Connection, copies: Copies<'_>) -> Result<()> {
    let originals = &copies.originals.orders;
    let templates = originals.iter().map(|order| {
        let original = Original {
            owners: &[&order.id, &order.payment_id],
            apart: &[],
            texts: &texts_of_order(copies.originals, order),
            numbers: &[],
            made_ms: ids::milliseconds(&order.id).context("the time in an identifier")?,
        };
        let template = Template::read(connection, &original)?;
        ensure!(template.len() > 0, "there is nothing of order {}", order.id);
        Ok(template)
    });
    let templates: Vec<_> = templates.collect::<Result<_>>()?;
    write(connection, copies.catalogue.orders, |number| {
        let kind = copies.kind(number);
        let of = templates.get(kind).zip(originals.get(kind));
        let (template, original) = of.context("an original order")?;
        Ok(template.copy(copies.order(number, original)?))
    })
}

fn orders_and_holders(connection: &Connection, copies: Copies<'_>) -> Result<()> {
    orders(connection, copies)?;
    Ok(connection.execute_batch(COUNT_HOLDERS)?)
}

fn customers(connection: &Connection, copies: Copies<'_>) -> Result<()> {
    let originals = copies.originals;
    let original = Original {
        owners: &[&originals.customer_id],
        apart: &[],
        texts: &texts_of_customer(originals),
        numbers: &[],
        made_ms: ids::milliseconds(&originals.customer_id).context("the time in an identifier")?,
    };
    let template = Template::read(connection, &original)?;
    write(connection, copies.catalogue.customers(), |number| {
        Ok(template.copy(copies.customer(number)))
    })
}
