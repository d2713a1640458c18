//! A shop of an older version, opened with this one. `data/older-shop` is what the version of 24 November 2026 left when it was
//! stopped: an admin, a customer with a session, two products, and one order each that is paid, cancelled, and open.

use std::{collections::BTreeSet, fs, path::Path};

use mercato_platform::clock::{Clock as _, SystemClock};
use mercato_platform::ids::{Ids as _, RandomIds};
use mercato_tests::{
    Folder, Postgres, Server, assert_members, moving, repository,
    shop::{PASSWORD, Shop, text},
};
use rusqlite::{Connection, params};
use serde_json::json;

const DATABASES: [&str; 4] = ["auth", "products", "orders", "payments"];
const EMAIL: &str = "ada@mercato.test";
const REFRESH_TOKEN: &str = "98dec26e7a2522583d4951635910308ad29a44d279e7f2793d21bb1b29690adb";
/// Ten were there: two are sold with the paid order, three are held for the open one.
const CUP: &str = "01a221da-3e13-7566-a2eb-d7c2a59c2b9f";
/// Seven were there: one is held for the open order.
const TEA: &str = "01a221da-3e1a-7a4a-8a5b-82ccf2cdaeb4";
const PAID: &str = "01a221da-3e1f-78c8-b126-62e7dcb09ecd";
const OPEN: &str = "01a221da-3e44-7bb2-b9d8-aae649b76529";

fn open(folder: &Path, name: &str) -> Connection {
    Connection::open(folder.join(format!("{name}.db"))).expect("a database")
}

fn number(database: &Connection, pragma: &str) -> u32 {
    database
        .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
        .expect("a number")
}

/// Copies the older shop; its customer's session is as old as this test.
fn older_shop() -> Folder {
    let folder = Folder::new("older-shop");
    for name in DATABASES {
        let file = format!("{name}.db");
        let own = repository().join("tests/tests/data/older-shop").join(&file);
        fs::copy(own, folder.path().join(&file)).expect("a copy");
    }
    // Which databases there were, the runner remembered in a file beside them: one that is not named is new.
    let known = format!("databases = {DATABASES:?}\n");
    fs::write(folder.path().join("mercato-databases.toml"), known).expect("a file");
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let now = SystemClock.now_ms();
    let ms = |time: u64| i64::try_from(time).expect("a time");
    let changed = open(folder.path(), "auth").execute(
        "UPDATE refresh_tokens SET family_id = ?1, issued_at = ?2, expires_at = ?3
        WHERE user_id = (SELECT id FROM users WHERE email = ?4)",
        params![RandomIds.new_id(), ms(now), ms(now + DAY_MS), EMAIL],
    );
    assert_eq!(changed, Ok(1));
    folder
}

#[test]
fn everything_of_an_older_shop_goes_on() {
    let folder = older_shop();
    let versions = || DATABASES.map(|name| number(&open(folder.path(), name), "user_version"));
    let before = versions();
    let mut server = Server::builder().databases(folder.path()).start();
    let shop = Shop::on(&server);

    // Accounts and sessions.
    let admin = shop.admin();
    let refreshed = shop.nobody().post("/api/v1/auth/refresh");
    let refreshed = refreshed.json(&json!({ "refreshToken": REFRESH_TOKEN }));
    let customer = shop.account(&refreshed.expect_json(200));
    let sessions = customer.get("/api/v1/auth/sessions").expect_json(200);
    assert_eq!(sessions["data"].as_array().map(Vec::len), Some(1));
    let customer = shop.log_in(EMAIL, PASSWORD);

    // The order that ran out meanwhile has given back what it held.
    customer.wait_for_order(OPEN, "CANCELLED");
    shop.wait_for_stock(CUP, 8, 0, 2);
    shop.wait_for_stock(TEA, 7, 0, 0);

    // The paid one is as it was, and its money can be given back.
    let paid = customer.read_order(PAID);
    assert_members(&paid, &json!({ "status": "PAID", "totalAmount": 25 }));
    assert_eq!(paid["payment"]["status"], "SUCCEEDED");
    let payment = paid["payment"]["id"].as_str().expect("an id");
    let refund = admin.post(&format!("/api/v1/payments/{payment}/refund"));
    refund.json(&json!({})).expect(200);
    customer.wait_for_order(PAID, "REFUNDED");
    let stats = admin.get("/api/v1/orders/stats").expect_json(200);
    let money =
        json!([{ "currency": "USD", "gross": 25, "refunded": 25, "lostToDisputes": 0, "net": 0 }]);
    assert_eq!(stats["byCurrency"], money);

    // Orders from before there were numbers have them.
    let read_out = text(&paid["number"]);
    let bare = read_out.replace('-', "").to_lowercase();
    let found = customer
        .get(&format!("/api/v1/orders?number={bare}"))
        .send();
    assert_eq!(found.expect(200).json()["data"][0]["id"], PAID);
    let all = customer
        .get("/api/v1/orders?sort=updatedAt")
        .expect_json(200);
    let all = all["data"].as_array().expect("orders");
    let numbers: BTreeSet<&str> = all
        .iter()
        .filter_map(|order| order["number"].as_str())
        .collect();
    assert_eq!((numbers.len(), all.len()), (3, 3));

    // What is new works with what is old.
    let found = shop.nobody().get("/api/v1/products?q=porcelain").send();
    assert_eq!(found.expect(200).json()["data"][0]["id"], CUP);
    let bought = customer.order(&[(CUP, 1), (TEA, 2)]);
    shop.pay(&bought);
    customer.wait_for_order(&bought.id, "PAID");
    let address = json!({ "name": "Ada", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" });
    let book = customer.request("PUT", "/api/v1/auth/me/addresses");
    let book = book.json(&json!({ "addresses": [address] }));
    assert_eq!(book.expect_json(200)["addresses"][0]["name"], "Ada");
    let content = json!({ "items": [{ "productId": CUP, "quantity": 1 }], "email": EMAIL });
    let checkout = shop.nobody().post("/api/v1/checkouts").json(&content);
    assert_eq!(checkout.expect_json(201)["totals"]["total"], 12.5);
    assert_eq!(paid.get("checkout"), None);

    assert!(server.stop());
    for (name, (before, after)) in DATABASES.iter().zip(before.into_iter().zip(versions())) {
        assert!(before < after, "{name} stays at version {before}");
        assert_ne!(number(&open(folder.path(), name), "application_id"), 0);
    }
}

#[test]
fn an_older_shop_moves_once_it_has_todays_schema() {
    let Some(postgres) = Postgres::start_if_there() else {
        return;
    };
    let folder = older_shop();
    let exported = folder.path().join("export");
    let refused = moving::export(folder.path(), &exported);
    refused.refused(&["database `auth`", "run `mercato migrate`"]);
    moving::migrate(folder.path()).done();
    moving::export(folder.path(), &exported).done();
    moving::import(&postgres, &exported).done();

    let server = Server::builder().postgres(&postgres).start();
    let shop = Shop::on(&server);
    let customer = shop.log_in(EMAIL, PASSWORD);
    customer.wait_for_order(OPEN, "CANCELLED");
    shop.wait_for_stock(CUP, 8, 0, 2);
    shop.wait_for_stock(TEA, 7, 0, 0);
    let paid = customer.read_order(PAID);
    assert_members(&paid, &json!({ "status": "PAID", "totalAmount": 25 }));
    let found = shop.nobody().get("/api/v1/products?q=porcelain").send();
    assert_eq!(found.expect(200).json()["data"][0]["id"], CUP);
    let admin = shop.admin();
    let refund = admin.post(&shop.refund_path(PAID));
    refund.json(&json!({})).expect(200);
    customer.wait_for_order(PAID, "REFUNDED");
    shop.buy(&customer, TEA, 2);
}
