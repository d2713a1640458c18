//! Shops made of the schemas alone, moved for real; what needs a PostgreSQL is left out where there is none.

mod files;
mod schemas;
mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mercato_platform::ids::{Ids as _, RandomIds};
use rusqlite::Connection;

use super::differences::VERSIONS;
use super::export;

/// The folder of a context's migrations, or of those for PostgreSQL.
fn migrations(label: &str, inside: &str) -> Vec<String> {
    let own = format!("../components/{label}/core/src/store/migrations/{inside}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(own);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.collect()
}

/// A shop on SQLite with the newest schemas, removed when dropped.
struct Files {
    folder: PathBuf,
    databases: BTreeMap<String, PathBuf>,
}

impl Files {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("mercato-moving-{}", RandomIds.new_id()));
        fs::create_dir_all(&folder).unwrap();
        let mut databases = BTreeMap::new();
        for version in VERSIONS {
            let path = folder.join(format!("{}.db", version.label));
            let sqlite = Connection::open(&path).unwrap();
            sqlite.pragma_update(None, "journal_mode", "WAL").unwrap();
            for text in migrations(version.label, "") {
                sqlite.execute_batch(&text).unwrap();
            }
            sqlite
                .pragma_update(None, "user_version", version.sqlite)
                .unwrap();
            databases.insert(version.label.to_owned(), path);
        }
        Self { folder, databases }
    }

    fn open(&self, label: &str) -> Connection {
        let sqlite = Connection::open(&self.databases[label]).unwrap();
        sqlite.pragma_update(None, "foreign_keys", "ON").unwrap();
        sqlite
    }

    fn run(&self, label: &str, statements: &str) {
        self.open(label).execute_batch(statements).unwrap();
    }

    /// Where it is exported to.
    fn exported(&self) -> PathBuf {
        self.folder.join("export")
    }

    fn export(&self) -> Result<Vec<String>, String> {
        let said = std::cell::RefCell::new(Vec::new());
        let print = |line: &str| said.borrow_mut().push(line.to_owned());
        let done = export(&self.databases, &self.exported(), &print);
        done.map_err(|error| error.to_string())?;
        Ok(said.into_inner())
    }

    /// A file of the export.
    fn file(&self, name: &str) -> PathBuf {
        self.exported().join(name)
    }

    /// Fills the shop with some rows of every kind.
    fn fill(&self) {
        self.run(
            "auth",
            "INSERT INTO users (id, name, email, password_hash, role, disabled, created_at, updated_at, version)
            VALUES ('u1', 'Ada \"L\" \\ \n\tLovelace', 'ada@example.com', '$2b$04$hash', 'admin', 0, 1, 2, 3);
            INSERT INTO revocations (user_id, generation, revoked_at, expires_at) VALUES ('u1', 1, 1, 2), ('u1', 2, 1, 2), ('u1', 3, 1, 2);
            DELETE FROM revocations WHERE sequence = 3;
            UPDATE revocation_floor SET issued_by = 77;",
        );
        self.run(
            "products",
            "INSERT INTO products (id, name, name_key, description, sku, price, stock, reserved, sold, version, created_at, updated_at)
            VALUES ('00000000-0000-7000-8000-000000000001', 'Grüner Tee', 'gruner tee', 'T-100 leaves', 'GT-1', 5, 6, 1, 2, 1, 1, 1),
              ('00000000-0000-7000-8000-000000000002', 'Cup', 'cup', '', NULL, 5, 0, 0, 0, 1, 1, 1);
            UPDATE products SET deleted_at = 9 WHERE name = 'Cup';",
        );
        self.run(
            "orders",
            "INSERT INTO orders (id, customer_id, status, total_amount, total_items, currency, created_at, updated_at, version, number)
            VALUES ('o1', 'u1', 'PENDING', 5, 1, 'USD', 1, 1, 1, 'M-0001');
            INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity) VALUES ('o1', 0, 'p1', 'Tea', 5, 1);
            INSERT INTO order_status_history (order_id, to_status, actor, reason, at) VALUES ('o1', 'PENDING', 'customer', 'placed', 1);
            INSERT INTO order_status_history (order_id, to_status, actor, reason, at) VALUES ('o1', 'PENDING', 'customer', 'gone', 1);
            DELETE FROM order_status_history WHERE reason = 'gone';
            INSERT INTO sagas (order_id, customer_id, step, created_at, expires_at, next_attempt_at, attempts, units)
            VALUES ('o1', 'u1', 'ready', 1, 2, 3, 0, 1);
            INSERT INTO idempotency_keys (customer_id, key, fingerprint, order_id, created_at, answer_status, answer_body)
            VALUES ('u1', 'k', x'00ff', 'o1', 1, 201, x'7b7d');
            INSERT INTO inbox VALUES ('e1', 'succeeded', 'o1', 1);
            UPDATE sweeper SET last_run_at = 5;",
        );
        self.run(
            "payments",
            "INSERT INTO payments (id, order_id, customer_id, amount, refunded_amount, currency, status, provider, session_number,
              created_at, updated_at, version)
            VALUES ('y1', 'o1', 'u1', 5000000007, 7, 'USD', 'SUCCEEDED', 'mock', 1, 1, 1, 1);
            INSERT INTO outbox (event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency, attempts,
              next_attempt_at)
            VALUES ('e1', 'succeeded', 1, 'o1', 'y1', 5, 0, 'USD', 1, 1);
            UPDATE tallies SET published_ahead = 1;
            INSERT INTO settings VALUES ('last_relay_run', '12');",
        );
        self.run(
            "checkout",
            "INSERT INTO checkouts (id, account_id, version, codes, created_at, used_at) VALUES ('c1', 'u1', 1, '', 1, 1);
            INSERT INTO checkout_lines VALUES ('c1', 0, 'p1', 2, 5);
            UPDATE settings SET version = 3 WHERE document = 'taxes';
            UPDATE tax_settings SET prices_include_tax = 0;
            INSERT INTO shipping_zones VALUES (0, 'World', '*', '', '');",
        );
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
