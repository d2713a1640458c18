use std::fs;

use mercato_tests::{
    Server, free_port, repository,
    shop::Shop,
    tools::{Browser, Workbench},
};
use serde_json::{Value, json};

/// The section of the README that has the front end's way through the API.
const SECTION: &str = "\n## A front end\n";

/// Where the README expects the shop.
const ADDRESS: &str = "http://127.0.0.1:3000";

/// What `cargo xtask up` lets in, as it stands there.
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// More than one customer of the walk orders in a minute, and soon reached.
const ORDERS_PER_MINUTE: &str = "8";

/// The README's `shop.js`: the first block of its section that is fenced as `js`.
fn example() -> String {
    let readme = fs::read_to_string(repository().join("README.md")).expect("the README");
    let (_, section) = readme.split_once(SECTION).expect("the section");
    let (_, block) = section.split_once("```js\n").expect("an example");
    let (block, _) = block.split_once("\n```\n").expect("the end of the example");
    block.to_owned()
}

/// Puts the front end into a folder of the workbench, with the README's part in it.
fn set_up(bench: &Workbench, server: &Server) {
    let folder = bench.folder().join("front-end");
    fs::create_dir_all(&folder).expect("a folder");
    for file in ["index.html", "page.js", "style.css"] {
        let from = repository().join("tests/tools/front-end").join(file);
        fs::copy(from, folder.join(file)).expect("copy the front end");
    }
    let example = example();
    assert!(example.contains(ADDRESS), "it names the shop's address");
    let example = example.replace(ADDRESS, server.base_url());
    fs::write(folder.join("shop.js"), example).expect("write the README's part");
}

#[test]
fn a_front_end_on_another_origin_walks_from_the_list_to_paid() {
    let Some(browser) = Browser::new("front-end") else {
        return;
    };
    let up = fs::read_to_string(repository().join("xtask/src/up.rs")).expect("what up does");
    assert!(up.contains(&format!("\"{LOCAL_ORIGINS}\"")));
    let port = free_port();
    let server = Server::builder()
        .variable("cors_allowed_origins", LOCAL_ORIGINS)
        .variable("checkout_return_url", &format!("http://localhost:{port}/"))
        .variable("orders_per_minute", ORDERS_PER_MINUTE)
        .start();
    set_up(browser.bench(), &server);
    let shop = Shop::on(&server);
    let admin = shop.admin();
    let products = json!({ "cup": "Walk cup", "saucer": "Walk saucer", "desktop": "Rare teapot", "phone": "Rare kettle" });
    for (product, price, stock) in [
        ("cup", json!(12.5), 50),
        ("saucer", json!(4.1), 50),
        ("desktop", json!(80.2), 1),
        ("phone", json!(60), 1),
    ] {
        let body = json!({ "name": products[product], "price": price, "stock": stock });
        admin.post("/api/v1/products").json(&body).expect(201);
    }
    let more = [
        ("FRONT_END_PORT", &*port.to_string()),
        ("ADMIN_TOKEN", &admin.token),
        ("PRODUCTS", &products.to_string()),
    ];
    let seen = browser.visit(&server, &more);
    for name in ["desktop", "phone"] {
        walked(&seen[name], name, &shop);
    }
    walked_as_guest(&seen["guest"], &shop);
    read_headers(&seen["headers"]);

    let said = |name: &str| seen[name]["standing"].as_str().expect("a text");
    assert!(said("desktop").contains("Your card was declined."));
    assert!(said("phone").contains("PENDING"));
    let stranger = &seen["stranger"];
    assert_eq!(stranger["isThere"], true, "the page works");
    assert_eq!(stranger["exceptions"], json!([]));
    assert_eq!(stranger["said"], "Failed to fetch");
    assert_eq!(stranger["preflight"], "TypeError", "nothing was sent");
}

/// What a customer saw on the way, and what the shop has of it.
#[track_caller]
fn walked(visit: &Value, name: &str, shop: &Shop) {
    assert_eq!(visit["complaints"], json!([]), "{name}");
    for (page, found) in visit["pages"].as_object().expect("pages") {
        assert_eq!(found["violations"], json!([]), "{name}: {page}");
        assert_eq!(found["overflow"], 0, "{name}: {page} sticks out");
    }
    let said = |what: &str| visit[what].as_str().expect("a text").to_owned();
    assert!(said("changed").contains("the total is 29 by now and not 25"));
    assert!(said("rejected").contains("nothing was ordered"));
    let order = shop.admin().read_order(&said("id"));
    assert_eq!(order["status"], "PAID");
    let number = order["number"].as_str().expect("a number");
    let shown = said("shown");
    assert!(shown.contains(number) && shown.contains("PAID"), "{shown}");
}

/// What a guest saw on the way, and what the shop has of it.
#[track_caller]
fn walked_as_guest(visit: &Value, shop: &Shop) {
    assert_eq!(visit["complaints"], json!([]));
    for (page, found) in visit["pages"].as_object().expect("pages") {
        assert_eq!(found["violations"], json!([]), "guest: {page}");
        assert_eq!(found["overflow"], 0, "guest: {page} sticks out");
    }
    assert_eq!(visit["now"], "14.50 USD");
    let order = shop
        .admin()
        .read_order(visit["id"].as_str().expect("an id"));
    assert_eq!(
        (&order["status"], &order["totalAmount"]),
        (&json!("PAID"), &json!(14.5))
    );
    let checkout = &order["checkout"];
    assert_eq!(checkout["email"], "grace@customers.test");
    assert_eq!(checkout["shippingAddress"]["city"], "Wien");
}

/// What a page can read of the shop's answers.
#[track_caller]
fn read_headers(answers: &Value) {
    for (answer, status, code) in [
        ("me", 200, ""),
        ("changed", 200, ""),
        ("stale", 412, "version-mismatch"),
        ("placed", 201, ""),
        ("again", 201, ""),
        ("other", 422, "idempotency-key-reused"),
        ("sessions", 204, ""),
        ("nowhere", 405, "method-not-allowed"),
        ("large", 413, "payload-too-large"),
        ("nobody", 401, "unauthorized"),
        ("limited", 429, "too-many-orders"),
    ] {
        let found = &answers[answer];
        assert_eq!(found["status"], status, "{answer}: {found}");
        assert_eq!(found["code"], code, "{answer}: {found}");
        assert!(found["headers"]["x-request-id"].is_string(), "{answer}");
    }
    let header = |answer: &str, name: &str| {
        let value = answers[answer]["headers"][name].as_str();
        value.unwrap_or_else(|| panic!("{answer} has no {name}: {}", answers[answer]["headers"]))
    };
    assert_ne!(header("me", "etag"), header("changed", "etag"));
    let id = answers["placed"]["body"]["id"].as_str().expect("an id");
    assert!(header("placed", "location").ends_with(id));
    assert_eq!(answers["again"]["body"]["id"], id, "no second order");
    assert!(header("nowhere", "allow").contains("GET"));
    header("limited", "retry-after")
        .parse::<u32>()
        .expect("seconds");
}
