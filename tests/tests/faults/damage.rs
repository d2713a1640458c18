//! Databases that are missing or damaged: never a fresh one in silence, never "not found" for what is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mercato_tests::{
    Server,
    shop::{Account, Shop},
    wait_until,
};
use serde_json::json;

/// Everything of a database.
fn files(server: &Server, label: &str) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| server.databases().join(format!("{label}.db{end}")))
}

/// A shop that has sold something and was stopped.
#[cfg(unix)]
fn stopped_shop() -> Server {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    shop.buy(&shop.customer(), &shop.product(10, 5), 1);
    assert!(server.stop(), "the exit code is 0");
    server
}

#[cfg(unix)]
#[test]
fn a_shop_without_its_catalogue_does_not_start() {
    let server = stopped_shop();
    let again = || Server::builder().databases(server.databases());
    for file in files(&server, "products") {
        fs::remove_file(file).ok();
    }
    let (status, said) = again().fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    for part in [
        "`products`",
        "products.db",
        "missing",
        "--new-database products",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let path = server.databases().join("products.db");
    assert!(!path.exists(), "none was made");

    fs::write(path, "").expect("an empty file");
    let (status, said) = again().fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("empty"), "{said}");

    // Whoever wants a new one says so, and only once.
    let anew = again().argument("--new-database=products").start();
    anew.client().get("/api/v1/products").expect(200);
    drop(anew);
    again().start();
}

#[cfg(unix)]
#[test]
fn a_shop_of_an_older_version_has_all_its_databases() {
    let server = stopped_shop();
    let again = || Server::builder().databases(server.databases());
    let record = server.databases().join("mercato-databases.toml");
    fs::remove_file(&record).expect("the record is there");
    drop(again().start());
    assert!(record.exists(), "it is made again");
    fs::remove_file(&record).expect("the record is there");
    for file in files(&server, "payments") {
        fs::remove_file(file).ok();
    }
    let (_, said) = again().fail_to_start();
    assert!(said.contains("payments.db"), "{said}");
}

/// The component whose readiness depends on the catalogue alone.
const CATALOGUE_BOX: &str = "products-api";

/// What customers see of a shop whose catalogue is damaged: never that there is nothing, nor that an order was made.
#[track_caller]
fn assert_catalogue_fails(customer: &Account, product: &str) {
    for path in [
        "/api/v1/products".to_owned(),
        format!("/api/v1/products/{product}"),
    ] {
        let status = customer.get(&path).send().status();
        assert!(matches!(status, 500 | 503), "{path}: {status}");
    }
    let lines = json!({ "items": [{ "productId": product, "quantity": 1 }] });
    let status = customer.post("/api/v1/orders").json(&lines).send().status();
    assert!(matches!(status, 500 | 503), "an order: {status}");
}

/// Waits until readiness names the component.
fn wait_until_down(server: &Server, name: &str) {
    wait_until("readiness to say so", || {
        let ready = server.client().get("/api/health/ready").send();
        let is_named = ready.status() == 503 && ready.json()["boxes"][name] == "down";
        is_named.then_some(())
    });
}

fn wait_until_ready(server: &Server) {
    wait_until("readiness", || {
        let ready = server.client().get("/api/health/ready").send();
        (ready.status() == 200).then_some(())
    });
}

/// Damages the catalogue of a shop that runs and sees that no answer says otherwise; returns the shop.
fn damaged(damage: impl FnOnce(&Path)) -> (Server, Account, String) {
    let server = Server::start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    shop.buy(&customer, &product, 1);
    damage(&files(&server, "products")[0]);
    // Reads may still find the pages in memory for a moment; no order is made on what is gone.
    wait_until_down(&server, CATALOGUE_BOX);
    assert_catalogue_fails(&customer, &product);
    customer.get("/api/v1/auth/me").expect(200);
    let log = server.log();
    assert!(log.contains("is closed until it is whole"), "{log}");
    (server, customer, product)
}

#[test]
fn a_database_that_is_deleted_is_missed_until_it_is_back() {
    let mut aside = PathBuf::new();
    let (server, customer, product) = damaged(|path| {
        aside = path.with_extension("aside");
        fs::rename(path, &aside).expect("the file is moved away");
    });
    let path = aside.with_extension("db");
    assert!(!path.exists(), "none was made");
    fs::rename(&aside, &path).expect("the file is moved back");
    wait_until_ready(&server);
    let shown = customer.get(&format!("/api/v1/products/{product}")).send();
    assert_eq!(shown.expect(200).json()["stock"], 4);
}

#[test]
fn an_order_is_not_made_in_a_file_that_was_deleted() {
    let server = Server::start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    for file in files(&server, "orders") {
        fs::remove_file(file).ok();
    }
    let lines = json!({ "items": [{ "productId": product, "quantity": 1 }] });
    let status = customer.post("/api/v1/orders").json(&lines).send().status();
    assert!(matches!(status, 500 | 503), "{status}");
}

#[test]
fn another_database_is_an_error_until_the_right_one_is_back() {
    let mut server = Server::start();
    let shop = Shop::on(&server);
    let (customer, product) = (shop.customer(), shop.product(10, 5));
    shop.buy(&customer, &product, 1);
    server.stop();
    let [path, ..] = files(&server, "products");
    let right = fs::read(&path).expect("the catalogue");
    let accounts = fs::read(&files(&server, "auth")[0]).expect("the accounts");
    let notes = path.with_extension("notes");
    let program = rusqlite::Connection::open(&notes).expect("a database");
    let made = program.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)");
    made.expect("another program's table");
    drop(program);
    for foreign in [accounts, fs::read(&notes).expect("the notes")] {
        fs::write(&path, &foreign).expect("another file in its place");
        let again = Server::builder().databases(server.databases());
        let mut again = again.start();
        wait_until_down(&again, CATALOGUE_BOX);
        let customer = Shop::on(&again).customer();
        assert_catalogue_fails(&customer, &product);
        let log = again.log();
        assert!(log.contains("put the right file in its place"), "{log}");
        again.stop();
        let left = fs::read(&path).expect("the file");
        assert!(left == foreign, "nothing of ours is written into it");
    }
    fs::write(&path, right).expect("the right file");
    let again = Server::builder().databases(server.databases()).start();
    let client = again.client();
    let shown = client.get(&format!("/api/v1/products/{product}")).send();
    assert_eq!(shown.expect(200).json()["stock"], 4);
}

#[test]
fn a_database_that_is_emptied_is_no_new_one() {
    damaged(|path| fs::write(path, "").expect("an empty file"));
}

#[test]
fn a_database_that_is_overwritten_is_an_error() {
    let (mut server, ..) = damaged(|path| {
        fs::write(path, "this is no database, ".repeat(500)).expect("another file");
    });
    server.kill();
    // The log may still hold every page: without it there is nothing to begin with.
    let [_, log, index] = files(&server, "products");
    for file in [log, index] {
        fs::remove_file(file).ok();
    }
    let (status, said) = Server::builder()
        .databases(server.databases())
        .fail_to_start();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("products.db"), "{said}");
}

#[test]
fn a_database_that_is_replaced_is_not_taken_over() {
    damaged(|path| {
        let other = path.with_extension("other");
        let sqlite = rusqlite::Connection::open(&other).expect("another database");
        sqlite.execute_batch("CREATE TABLE t (x)").expect("a table");
        drop(sqlite);
        fs::rename(other, path).expect("it takes the place of the old one");
    });
}
