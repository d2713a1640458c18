//! `cargo xtask up --demo`, beside the runner itself: what fills the shop and what is said then.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use mercato_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Folder, Server, runner};
use serde_json::json;

fn fill(server: &Server, password: &str) -> Output {
    fill_with(server, password, &[])
}

fn fill_with(server: &Server, password: &str, environment: &[(&str, &str)]) -> Output {
    let folder = Folder::new("demo");
    let variables = folder.path().join("variables.toml");
    let text = format!("admin_email = \"{ADMIN_EMAIL}\"\nadmin_password = \"{password}\"\n");
    fs::write(&variables, text).expect("a variables file");
    let program = format!("mercato-demo{}", std::env::consts::EXE_SUFFIX);
    Command::new(runner().with_file_name(program))
        .env_remove("SPIN_VARIABLE_ADMIN_EMAIL")
        .env_remove("SPIN_VARIABLE_ADMIN_PASSWORD")
        .envs(environment.iter().copied())
        .args(["--base-url", server.base_url(), "--variables"])
        .arg(&variables)
        .stdin(Stdio::null())
        .output()
        .expect("what fills the shop runs")
}

/// A text as it stands in a query string.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn number_of_products(server: &Server) -> u64 {
    server
        .client()
        .get("/api/v1/products?limit=1")
        .expect_json(200)["meta"]["total"]
        .as_u64()
        .expect("a number")
}

#[test]
fn an_empty_shop_is_filled_once_and_says_where_to_look() {
    let server = Server::start();

    let refused = fill(&server, "Wrong-Password-1");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("cannot log in"),
        "{said}"
    );
    assert!(!said.contains("Wrong-Password-1"), "{said}");
    assert_eq!(number_of_products(&server), 0);

    for round in ["filled", "left as it is"] {
        let output = fill(&server, ADMIN_PASSWORD);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{round}: {said}");
        let products = number_of_products(&server);
        assert!(products > 250, "{round}: {products}");
        for part in [
            &format!("with {products} products"),
            "/api/docs",
            "WELCOME10, SHIPFREE",
            "/api/v1/products",
            "/api/health/ready",
        ] {
            assert!(said.contains(part), "{round}: no {part:?} in {said}");
        }
    }

    let found = server
        .client()
        .get("/api/v1/products?q=coffee")
        .expect_json(200);
    assert!(found["meta"]["total"].as_u64() > Some(10), "{found}");

    let client = server.client();
    let read = |path: &str| client.get(path).expect_json(200);
    let beans = read("/api/v1/products?sku=COF-001");
    let beans = read(&format!(
        "/api/v1/products/{}",
        beans["data"][0]["slug"].as_str().expect("a slug")
    ));
    assert_eq!(
        beans["variants"].as_array().map(Vec::len),
        Some(12),
        "{beans}"
    );
    let facets = read(
        "/api/v1/products?category=coffee/single-origin&facets=attribute.Origin,option.Grind&limit=1",
    );
    let facets = facets["meta"]["facets"].to_string();
    assert!(
        facets.contains("Ethiopia") && facets.contains("moka pot"),
        "{facets}"
    );
    // Words of two alphabets and of none.
    for (words, slug) in [("京都", "kyoto-blend"), ("елка", "yolka-zimniy-kofe")] {
        let found = read(&format!("/api/v1/products?q={}", encoded(words)));
        assert_eq!(found["data"][0]["slug"], slug, "{found}");
    }
    let picture = beans["media"][0]["url"].as_str().expect("a picture");
    let picture = client.get(picture).send().expect(200);
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    assert!(picture.text().starts_with("<svg "));
    let filled_in = json!({
        "items": [{ "productId": beans["variants"][0]["id"], "quantity": 2 }],
        "email": "ada@example.com",
        "shippingAddress": { "name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT" },
        "shippingOption": "post",
        "codes": ["welcome10"],
    });
    let checkout = server
        .client()
        .post("/api/v1/checkouts")
        .json(&filled_in)
        .expect_json(201);
    assert_eq!(checkout["missing"], json!([]), "{checkout}");
    assert_eq!(checkout["messages"], json!([]), "{checkout}");
    let rates = checkout["taxes"].as_array().expect("taxes by rate");
    let rates: Vec<_> = rates.iter().map(|tax| &tax["rate"]).collect();
    assert_eq!(rates, [&json!(10), &json!(20)], "{checkout}");
    assert_eq!(checkout["totals"]["total"], json!(26.32), "{checkout}");
}

#[test]
fn an_admin_of_the_environment_goes_before_that_of_the_file() {
    let server = Server::start();
    let given = [
        ("SPIN_VARIABLE_ADMIN_EMAIL", ADMIN_EMAIL),
        ("SPIN_VARIABLE_ADMIN_PASSWORD", ADMIN_PASSWORD),
    ];
    let output = fill_with(&server, "Another-Password-1", &given);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(number_of_products(&server) > 250, "{said}");
}
