use std::fs;

use mercato_tests::{
    Server, is_quick,
    shop::{PASSWORD, Shop},
    tools::{Workbench, chromium, run, screenshots},
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

#[test]
fn a_developer_logs_in_on_the_docs_page_and_calls_an_operation_with_the_token() {
    if is_quick() {
        return;
    }
    let (Some(bench), Some(chromium)) = (Workbench::new("docs-page"), chromium()) else {
        return;
    };
    let server = Server::start();
    let customer = Shop::on(&server).customer();
    let shown = run(bench
        .script("docs-page.js")
        .env("CHROMIUM", chromium)
        .env("SCREENSHOTS", screenshots())
        .env("SHOP", server.base_url())
        .env("EMAIL", &customer.email)
        .env("PASSWORD", PASSWORD));
    let seen: Value = serde_json::from_str(&shown).expect("what was seen");
    assert_eq!(
        seen["complaints"],
        json!([]),
        "console, policy, other hosts"
    );
    assert_eq!(seen["listed"], operations(), "every operation is listed");
    for call in ["login", "me", "again"] {
        assert_eq!(seen[call]["status"], 200, "{call}: {}", seen[call]);
    }
    let me: Value =
        serde_json::from_str(seen["me"]["body"].as_str().expect("a body")).expect("the profile");
    assert_eq!(me["email"], customer.email);
    assert_eq!(
        seen["violations"],
        json!([]),
        "what is not Swagger UI's own"
    );
}
