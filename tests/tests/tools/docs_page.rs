use std::fs;

use mercato_tests::{
    Server, assert_members,
    shop::{PASSWORD, Shop},
    tools::Browser,
};
use serde_json::{Value, json};

use crate::document;

fn operations() -> usize {
    let text = fs::read_to_string(document()).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = ["get", "post", "put", "patch", "delete"];
    paths
        .values()
        .map(|path| {
            methods
                .iter()
                .filter(|method| path[**method].is_object())
                .count()
        })
        .sum()
}

/// What came back of a request that the page has sent.
fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON")
}

#[test]
fn a_developer_learns_the_api_on_the_docs_page() {
    let Some(browser) = Browser::new("docs-page") else {
        return;
    };
    let server = Server::start();
    let shop = Shop::on(&server);
    shop.product(12.5, 20);
    let customer = shop.customer();
    let credentials = [("EMAIL", &*customer.email), ("PASSWORD", PASSWORD)];
    let seen = browser.visit(&server, &credentials);
    assert_eq!(
        seen["complaints"],
        json!([]),
        "console, policy, other hosts"
    );
    assert_eq!(seen["listed"], operations(), "every operation is listed");
    is_a_purchase(&seen["purchase"]);
    assert_eq!(
        seen["padlocks"],
        json!({"listProducts": 0, "listOrders": 1})
    );
    let errors = &seen["errors"];
    assert_members(errors, &json!({ "before": 0, "after": 0 }));
    assert!(errors["folded"].as_u64() > Some(5), "{errors}");
    let shown = errors["shown"].as_str().expect("an example");
    assert!(shown.contains("\"status\": 409"), "{shown}");
    finds_operations(&seen["found"]);
    for answer in [
        &seen["byHand"]["login"],
        &seen["byHand"]["me"],
        &seen["again"],
    ] {
        assert_eq!(answer["status"], 200, "{answer}");
    }
    assert_eq!(body(&seen["byHand"]["me"])["email"], customer.email);
    assert_eq!(body(&seen["again"])["email"], customer.email);
    assert_eq!(seen["violations"], json!([]));
    assert_eq!(seen["violationsInTheDark"], json!([]));
    assert_eq!(seen["overflow"], 0, "on a phone");
    let guide = &seen["guide"];
    let address = guide["address"].as_str().expect("an address");
    assert!(address.ends_with("/api/docs/guide#orders"), "{address}");
    assert_eq!(guide["isShown"], true);
    assert_eq!(guide["narrow"], 0, "on a phone");
    assert_eq!(guide["violations"], json!([]));
}

fn is_a_purchase(purchase: &Value) {
    assert_eq!(purchase["early"], true, "no order without an account");
    assert_eq!(purchase["key"], "", "no key is filled in");
    let section = purchase["section"].as_str().expect("a link to the guide");
    assert!(
        section.ends_with("/api/docs/guide#placing-an-order"),
        "{section}"
    );
    for (answer, status) in [
        ("account", 201),
        ("catalogue", 200),
        ("order", 201),
        ("read", 200),
    ] {
        assert_eq!(purchase[answer]["status"], status, "{answer}");
    }
    let (placed, read) = (body(&purchase["order"]), body(&purchase["read"]));
    assert_eq!(placed["order"]["status"], "PENDING");
    assert_eq!(
        (&read["id"], &read["status"]),
        (&placed["id"], &json!("PAID"))
    );
    assert_eq!(purchase["done"], 5, "every step is ticked off");
}

fn finds_operations(found: &Value) {
    let paths = |words: &str| -> Vec<String> {
        let paths = found[words]["paths"].as_array().expect("paths");
        paths
            .iter()
            .map(|path| path.as_str().expect("a path").to_owned())
            .collect()
    };
    let has = |words: &str, path: &str| paths(words).iter().any(|found| found == path);
    assert!(has("refund", "/api/v1/payments/{id}/refund"), "by path");
    assert!(has("stock", "/api/v1/products/{id}"), "by description");
    assert!(!has("refund", "/api/v1/auth/login"), "others are hidden");
    assert_eq!(
        paths("/auth/sessions"),
        [
            "/api/v1/auth/sessions",
            "/api/v1/auth/sessions",
            "/api/v1/auth/sessions/{id}"
        ]
    );
    assert!(
        has("give back", "/api/v1/payments/{id}/refund"),
        "by several words"
    );
    assert!(paths("no such words").is_empty());
    assert_eq!(found["no such words"]["told"], "0 operations");
}
