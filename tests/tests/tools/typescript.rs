use std::fs;

use mercato_tests::{
    Server, assert_members,
    shop::Shop,
    tools::{Workbench, run},
};
use serde_json::{Value, json};

use crate::document;

/// A workbench with the types that are generated from the document.
fn with_generated_client(name: &str) -> Option<Workbench> {
    let bench = Workbench::new(name)?;
    let mut generator = bench.tool("openapi-typescript");
    let generator = generator.arg(document());
    run(generator.args(["--output", "openapi.ts"]));
    Some(bench)
}

/// `tests/tools/src/purchase.ts` is the client; the programs for the browser are checked along with it.
#[test]
fn a_generated_typescript_client_compiles_and_makes_a_purchase() {
    let Some(bench) = with_generated_client("typescript") else {
        return;
    };
    run(&mut bench.tool("tsc"));

    let server = Server::start();
    let shop = Shop::on(&server);
    let product = shop.product(json!(12.5), 10);
    let name = shop
        .nobody()
        .get(&format!("/api/v1/products/{product}"))
        .expect_json(200)["name"]
        .clone();
    let shown = run(bench
        .script("out/purchase.js")
        .env("SHOP", shop.nobody().base_url())
        .env("PRODUCT", name.as_str().expect("a name")));
    let bought: Value = serde_json::from_str(&shown).expect("what was bought");
    assert_members(&bought, &json!({ "status": "PAID", "totalAmount": 25 }));
    let order = shop
        .admin()
        .read_order(bought["id"].as_str().expect("an id"));
    assert_eq!(order["userId"], bought["userId"]);
    assert_eq!(shop.stock(&product).sold, 2);
}

/// A client of this kind is no proof if it would compile against anything.
#[test]
fn a_client_that_does_not_fit_the_document_does_not_compile() {
    let Some(bench) = with_generated_client("typescript-mismatch") else {
        return;
    };
    let program = bench.folder().join("purchase.ts");
    let fitting = fs::read_to_string(&program).expect("the program");
    let unfitting = fitting.replace("quantity: 2", "quantity: \"two\"");
    assert_ne!(fitting, unfitting);
    fs::write(&program, unfitting).expect("write the program");
    let output = bench.tool("tsc").output().expect("tsc runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        shown.contains("purchase.ts")
            && shown.contains("'string' is not assignable to type 'number'"),
        "{shown}"
    );
}
