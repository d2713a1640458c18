//! What an export is on disk, and what keeps it from being one.

use std::fs;
use std::path::Path;

use super::super::archive::{Reader, read_contents};
use super::super::differences::VERSIONS;
use super::Files;
use crate::error::Result;

/// Reads an export as an import does before it changes anything.
fn verify(folder: &Path) -> Result<u64> {
    let contents = read_contents(folder)?;
    for (label, database) in &contents.databases {
        for (name, table) in &database.tables {
            Reader::open(folder, label, name, table)?.verify(|_| {})?;
        }
    }
    Ok(contents.size().1)
}

#[track_caller]
fn assert_says(result: Result<u64>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn an_export_has_every_row_and_is_its_owners_alone() {
    let shop = Files::new();
    shop.fill();
    let said = shop.export().unwrap();
    let rows = verify(&shop.exported()).unwrap();
    let last = said.last().unwrap();
    assert!(last.contains(&format!("{rows} rows")), "{last}");
    assert!(said.iter().any(|line| line.starts_with("orders: ")));
    for line in &said {
        assert!(!line.contains("ada@") && !line.contains("$2b$"), "{line}");
    }
    let users = fs::read_to_string(shop.file("auth.users.jsonl")).unwrap();
    assert_eq!(users.lines().count(), 1);
    assert!(users.starts_with("[\"u1\",\"Ada \\\"L\\\""), "{users}");
    let keys = fs::read_to_string(shop.file("orders.idempotency_keys.jsonl")).unwrap();
    assert_eq!(keys, "[\"u1\",\"k\",\"00ff\",\"o1\",1,201,\"7b7d\"]\n");
    let contents = read_contents(&shop.exported()).unwrap();
    let revocations = &contents.databases["auth"].tables["revocations"];
    assert_eq!((revocations.rows, revocations.last_number), (2, Some(3)));
    let products = &contents.databases["products"].tables;
    assert!(products.keys().all(|name| !name.contains("word")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&shop.exported()), 0o700);
        for entry in fs::read_dir(shop.exported()).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn a_shop_that_runs_is_not_exported() {
    let shop = Files::new();
    // It does nothing, and has the file open, as a shop that waits for customers.
    let other = shop.open("orders");
    let _: i64 = other
        .query_row("SELECT COUNT(*) FROM orders", [], |row| row.get(0))
        .unwrap();
    let message = shop.export().unwrap_err();
    assert!(message.contains("`orders`"), "{message}");
    assert!(message.contains("stop the shop"), "{message}");
    assert!(!shop.exported().exists());
    drop(other);
    shop.export().unwrap();
}

#[test]
fn what_cannot_be_exported_leaves_nothing_behind() {
    let shop = Files::new();
    let refused = |shop: &Files, parts: &[&str]| {
        let message = shop.export().unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!shop.exported().exists(), "{message}");
    };
    let known = VERSIONS.iter().find(|version| version.label == "products");
    let known = known.unwrap().sqlite;
    let set_version = |version: u32| {
        shop.run("products", &format!("PRAGMA user_version = {version}"));
        format!("version {version}")
    };
    let older = set_version(known - 1);
    refused(&shop, &["`products`", &older, "mercato migrate"]);
    let newer = set_version(known + 1);
    refused(&shop, &[&newer, "that the shop runs on"]);
    set_version(known);
    shop.run(
        "payments",
        "INSERT INTO settings VALUES ('secret', 'a' || char(0) || 'b')",
    );
    refused(&shop, &["row 1 of `settings`", "`value`", "NUL"]);
    shop.run("payments", "DELETE FROM settings");
    shop.run(
        "orders",
        "PRAGMA foreign_keys = OFF; INSERT INTO order_items (order_id, position, product_id, name, unit_price, quantity) VALUES ('o9', 0, 'p1', 'Tea', 5, 1)",
    );
    refused(&shop, &["`order_items`", "`orders`", "backup"]);
    shop.run("orders", "DELETE FROM order_items");
    shop.export().unwrap();
    let message = shop.export().unwrap_err();
    assert!(message.contains("is there already"), "{message}");
    assert!(shop.exported().exists(), "it was not touched");
    fs::remove_dir_all(shop.exported()).unwrap();
    fs::remove_file(&shop.databases["checkout"]).unwrap();
    refused(&shop, &["`checkout`", "missing"]);
}

#[test]
fn a_file_that_is_not_as_it_was_written_is_refused() {
    let shop = Files::new();
    shop.fill();
    shop.export().unwrap();
    let verify = || verify(&shop.exported());
    let users = shop.file("auth.users.jsonl");
    let whole = fs::read(&users).unwrap();

    fs::write(&users, &whole[..whole.len() - 5]).unwrap();
    assert_says(
        verify(),
        &["auth.users.jsonl", "is cut off", "copy the folder again"],
    );
    fs::write(&users, [&whole[..], b"x"].concat()).unwrap();
    assert_says(verify(), &["longer"]);
    let mut changed = whole.clone();
    changed[3] ^= 1;
    fs::write(&users, &changed).unwrap();
    assert_says(verify(), &["checksum", "export again"]);
    changed.clone_from(&whole);
    *changed.last_mut().unwrap() = b' ';
    fs::write(&users, &changed).unwrap();
    assert_says(verify(), &["line 1 does not end"]);
    fs::remove_file(&users).unwrap();
    assert_says(verify(), &["is missing"]);
    fs::write(&users, &whole).unwrap();

    let contents = shop.file("contents.json");
    let text = fs::read_to_string(&contents).unwrap();
    let with = |from: &str, to: &str| fs::write(&contents, text.replacen(from, to, 1)).unwrap();
    with("\"version\": 1", "\"version\": 2");
    assert_says(verify(), &["version 2 of the format", "reads version 1"]);
    with("mercato-export", "another-export");
    assert_says(verify(), &["not of an export"]);
    with("\"users\"", "\"../users\"");
    assert_says(verify(), &["name"]);
    with("\"rows\": 1,", "\"rows\": 2,");
    assert_says(verify(), &["contents.json says 2"]);
    fs::write(&contents, &text[..text.len() / 2]).unwrap();
    assert_says(verify(), &["cannot be read"]);
    fs::remove_file(&contents).unwrap();
    assert_says(verify(), &["contents.json is missing", "did not end"]);
    fs::write(&contents, &text).unwrap();
    verify().unwrap();
}
