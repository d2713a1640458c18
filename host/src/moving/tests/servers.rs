//! Imports into a real PostgreSQL.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mercato_tests::Postgres;
use tokio::runtime::Runtime;

use super::super::catalogue::Catalogue;
use super::super::differences::VERSIONS;
use super::super::import;
use super::super::target::Target;
use super::{Files, migrations};
use crate::shop::plan::Addresses;

/// What every migration begins with.
const FUNCTIONS: &str = include_str!("../../../../crates/sql/src/backend/postgres/functions.sql");

/// The databases of a shop on a server of their own.
pub(super) struct Databases {
    postgres: Postgres,
    addresses: Addresses,
    runtime: Runtime,
}

impl Databases {
    /// New ones; none where there is no PostgreSQL.
    fn start() -> Option<Self> {
        let postgres = Postgres::start_if_there()?;
        let variables = postgres.shop(postgres.port());
        Some(Self {
            addresses: Addresses(variables.into_iter().collect()),
            postgres,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        })
    }

    pub(super) fn with_schemas() -> Option<Self> {
        let databases = Self::start()?;
        databases.make_schemas();
        Some(databases)
    }

    /// Does what the components do with new databases.
    fn make_schemas(&self) {
        for version in VERSIONS {
            let role = format!("mercato_{}", version.label);
            let head = format!("SET ROLE {role}; {FUNCTIONS}");
            let insert = format!(
                "INSERT INTO schema_version VALUES (1, {}, '{}', 0)",
                version.postgres, version.label
            );
            let texts = migrations(version.label, "postgres").join("\n");
            self.run(version.label, &format!("{head}\n{texts}\n{insert}"));
        }
    }

    pub(super) fn run(&self, label: &str, statements: &str) -> String {
        self.postgres.run(&format!("mercato_{label}"), statements)
    }

    pub(super) fn count(&self, label: &str, table: &str) -> u64 {
        let count = self.run(label, &format!("SELECT COUNT(*) FROM \"{table}\""));
        count.parse().unwrap()
    }

    pub(super) fn catalogue(&self, label: &'static str) -> Catalogue {
        self.runtime.block_on(async {
            let address = self.addresses.of(label).unwrap();
            let target = Target::connect(label, address, None).await.unwrap();
            target.catalogue().await.unwrap()
        })
    }

    fn import(&self, folder: &Path) -> Result<Vec<String>, String> {
        let said = RefCell::new(Vec::new());
        let print = |line: &str| said.borrow_mut().push(line.to_owned());
        let migrate = || async {
            // What it uses has a runtime of its own, and a thread has one.
            std::thread::scope(|scope| scope.spawn(|| self.make_schemas()).join().unwrap());
            Ok(())
        };
        let done = self
            .runtime
            .block_on(import(&self.addresses, folder, migrate, &print));
        done.map_err(|error| error.to_string())?;
        Ok(said.into_inner())
    }

    /// How many rows each table has, beside the schema's version, by database.
    fn counts(&self) -> BTreeMap<&'static str, String> {
        let count = |label| {
            let tables = self.catalogue(label).tables.into_keys();
            let tables = tables.filter(|name| name != "schema_version");
            let counts = tables.map(|name| format!("SELECT '{name}', COUNT(*) FROM \"{name}\""));
            let counts: Vec<String> = counts.collect();
            self.run(label, &counts.join(" UNION ALL "))
        };
        let labels = VERSIONS.iter().map(|version| version.label);
        labels.map(|label| (label, count(label))).collect()
    }
}

#[test]
fn everything_arrives_and_numbers_go_on() {
    let Some(databases) = Databases::start() else {
        return;
    };
    let shop = Files::new();
    shop.fill();
    shop.export().unwrap();
    let said = databases.import(&shop.exported()).unwrap();
    assert!(
        said.iter().any(|line| line == "making the schemas"),
        "{said:?}"
    );
    assert!(said.last().unwrap().contains("5 databases"), "{said:?}");
    for line in &said {
        assert!(!line.contains("role-") && !line.contains("ada@"), "{line}");
    }
    let auth = |statement: &str| databases.run("auth", statement);
    assert_eq!(auth("SELECT name FROM users"), "Ada \"L\" \\ \n\tLovelace");
    assert_eq!(
        auth("SELECT issued_by, last_sequence FROM revocation_floor"),
        "77|3"
    );
    auth(
        "INSERT INTO revocations (user_id, generation, revoked_at, expires_at) VALUES ('u1', 9, 1, 2)",
    );
    assert_eq!(auth("SELECT MAX(sequence) FROM revocations"), "4");

    let products = |statement: &str| databases.run("products", statement);
    assert_eq!(
        products("SELECT number, name_chars FROM catalogue_entries"),
        "1|10"
    );
    assert_eq!(products("SELECT products FROM catalogue_size"), "1");
    let found = |words: &str| {
        let query = format!("products_by_word @@ '{words}'::tsquery");
        products(&format!("SELECT rowid FROM products_by_word WHERE {query}"))
    };
    assert_eq!(found("''gruner'':A & ''100'':C"), "1");
    assert_eq!(found("''gt'' <-> ''1''"), "1");

    let orders = |statement: &str| databases.run("orders", statement);
    let counted = "SELECT orders FROM order_counts WHERE status = 'PENDING'";
    assert_eq!(orders(counted), "1");
    assert_eq!(orders("SELECT sweeps, events_applied FROM tallies"), "1|1");
    assert_eq!(orders("SELECT open_orders FROM holders"), "1");
    assert_eq!(
        orders("SELECT fingerprint, answer_body FROM idempotency_keys"),
        "\\x00ff|\\x7b7d"
    );
    orders(
        "INSERT INTO order_status_history (order_id, to_status, actor, reason, at) VALUES ('o1', 'PAID', 'a', 'r', 1)",
    );
    assert_eq!(orders("SELECT MAX(id) FROM order_status_history"), "3");
    // Triggers work again.
    orders("UPDATE orders SET status = 'CANCELLED'");
    assert_eq!(orders(counted), "0");

    let payments = |statement: &str| databases.run("payments", statement);
    let tallies = "SELECT published, published_ahead, relay_runs FROM tallies";
    assert_eq!(payments(tallies), "1|1|1");
    assert_eq!(
        payments("SELECT currency, gross_high, gross_low, refunded_low FROM money_received"),
        "USD|5|7|7"
    );
    assert_eq!(
        payments("SELECT payments FROM payment_counts WHERE status = 'SUCCEEDED'"),
        "1"
    );
    let checkout = |statement: &str| databases.run("checkout", statement);
    assert_eq!(checkout("SELECT prices_include_tax FROM tax_settings"), "0");
    assert_eq!(
        checkout("SELECT version FROM settings WHERE document = 'taxes'"),
        "3"
    );

    // A second time nothing happens.
    let before = databases.counts();
    let said = databases.import(&shop.exported()).unwrap();
    let kept = said.iter().filter(|line| line.contains("already"));
    assert_eq!(kept.count(), 5, "{said:?}");
    assert_eq!(databases.counts(), before);
    // Another export does not get in.
    fs::remove_dir_all(shop.exported()).unwrap();
    shop.export().unwrap();
    let message = databases.import(&shop.exported()).unwrap_err();
    assert!(message.contains("it is not empty"), "{message}");
    assert_eq!(databases.counts(), before);
}

/// Empty databases with their schemas, and a shop that was exported.
fn exported() -> Option<(Databases, Files)> {
    let databases = Databases::with_schemas()?;
    let shop = Files::new();
    shop.fill();
    shop.export().unwrap();
    Some((databases, shop))
}

#[test]
fn an_import_that_fails_leaves_nothing_and_may_be_repeated() {
    let Some((databases, shop)) = exported() else {
        return;
    };
    let before = databases.counts();
    let refused = |parts: &[&str]| {
        let message = databases.import(&shop.exported()).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("role-"), "{message}");
        assert_eq!(databases.counts(), before);
    };

    // The last database but one is refused: those before it have been filled by then.
    databases.run("products", "ALTER TABLE products ADD COLUMN colour TEXT");
    refused(&["`products`", "column `colour`", "same version"]);
    databases.run("products", "ALTER TABLE products DROP COLUMN colour");

    // A rule that the rows do not follow, as when the export was changed.
    databases.run(
        "payments",
        "ALTER TABLE payments ADD CONSTRAINT cheap CHECK (amount < 9)",
    );
    refused(&["`payments`", "cheap"]);
    databases.run("payments", "ALTER TABLE payments DROP CONSTRAINT cheap");

    databases.run(
        "payments",
        "UPDATE schema_version SET version = version + 1",
    );
    refused(&["`payments`", "has made it"]);
    databases.run(
        "payments",
        "UPDATE schema_version SET version = version - 1",
    );

    databases.run("payments", "UPDATE schema_version SET label = 'orders'");
    refused(&["`payments`", "database `orders`", "addresses"]);
    databases.run("payments", "UPDATE schema_version SET label = 'payments'");

    // Version of the export, before anything else.
    let contents = shop.file("contents.json");
    let text = fs::read_to_string(&contents).unwrap();
    fs::write(
        &contents,
        text.replacen("\"schema\": 12", "\"schema\": 9", 1),
    )
    .unwrap();
    refused(&["version 9", "`orders`", "export again"]);
    fs::write(
        &contents,
        text.replacen("\"checkout\": {", "\"carts\": {", 1),
    )
    .unwrap();
    refused(&["`carts`", "does not know"]);
    fs::write(&contents, &text).unwrap();

    let said = databases.import(&shop.exported()).unwrap();
    assert!(said.last().unwrap().contains("5 databases"), "{said:?}");
}

#[test]
fn rows_must_refer_to_rows_that_are_there() {
    let Some((databases, shop)) = exported() else {
        return;
    };
    // As if the file of orders had been emptied by somebody who also wrote down the new checksum.
    let before = databases.counts();
    let contents = shop.file("contents.json");
    let text = fs::read_to_string(&contents).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let table = &mut value["databases"]["orders"]["tables"]["orders"];
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    table["rows"] = 0.into();
    table["bytes"] = 0.into();
    table["sha256"] = empty.into();
    fs::write(&contents, value.to_string()).unwrap();
    fs::write(shop.file("orders.orders.jsonl"), "").unwrap();
    let message = databases.import(&shop.exported()).unwrap_err();
    assert!(message.contains("foreign key"), "{message}");
    assert_eq!(databases.counts(), before);
}

#[test]
fn a_database_that_is_in_use_or_has_rows_is_refused() {
    let Some((databases, shop)) = exported() else {
        return;
    };
    databases.run(
        "auth",
        "INSERT INTO familiar_clients VALUES (repeat('a', 64), 1)",
    );
    let message = databases.import(&shop.exported()).unwrap_err();
    for part in ["`auth`", "not empty", "`familiar_clients`", "new database"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    databases.run("auth", "DELETE FROM familiar_clients");

    let address = databases.addresses.of("auth").unwrap().to_owned();
    databases.runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls)
            .await
            .unwrap();
        let task = tokio::spawn(connection);
        client.batch_execute("BEGIN").await.unwrap();
        let insert = "INSERT INTO familiar_clients VALUES (repeat('a', 64), 1)";
        client.batch_execute(insert).await.unwrap();
        let print = |_: &str| {};
        let migrate = || async { Ok(()) };
        let refused = import(&databases.addresses, &shop.exported(), migrate, &print).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("in use"), "{message}");
        drop(client);
        task.await.unwrap().unwrap();
    });
    databases.import(&shop.exported()).unwrap();
}

#[test]
fn an_address_that_is_none_says_which_and_no_password() {
    let shop = Files::new();
    shop.export().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let import = |addresses: &Addresses| {
        let migrate = || async { Ok(()) };
        let done = runtime.block_on(import(addresses, &shop.exported(), migrate, &|_| {}));
        done.unwrap_err().to_string()
    };
    let message = import(&Addresses(BTreeMap::new()));
    for part in ["auth_database_url", "spin.postgres.toml"] {
        assert!(message.contains(part), "{message}");
    }
    let with = |address: &str| {
        let given = ("auth_database_url".to_owned(), address.to_owned());
        Addresses(BTreeMap::from([given]))
    };
    for address in [
        "nonsense secret-1",
        "postgres://a:secret-1@127.0.0.1:1/x?sslmode=disable",
    ] {
        let message = import(&with(address));
        assert!(message.contains("auth_database_url"), "{message}");
        assert!(!message.contains("secret-1"), "{message}");
    }
}
