//! By hand, longer and otherwise every time:
//! `MERCATO_SCHEMATHESIS="--max-examples=500 --seed=7" cargo test --workspace --exclude xtask --test tools -- schemathesis`

use std::{env, fs, process::Command};

use mercato_tests::{
    Server, repository,
    shop::{Shop, text},
    tools::{python, run},
};

/// How many requests each operation gets in each phase: enough for about a minute.
const EXAMPLES: &str = "--max-examples=15";

/// What Schemathesis looks for where it runs.
const CONFIGURATION: [&str; 2] = ["schemathesis.toml", "hooks.py"];

/// A shop of its own with one of everything.
struct Stocked {
    server: Server,
    shop: Shop,
    things: [(&'static str, String); 5],
}

impl Stocked {
    fn start() -> Self {
        let server = Server::start();
        let shop = Shop::on(&server);
        let customer = shop.customer();
        let product = shop.product(5, 1000);
        let order = shop.buy(&customer, &product, 1);
        let payment = text(&shop.payment_of(&order.id)["id"]);
        let things = [
            ("accounts", customer.id),
            ("products", product),
            ("orders", order.id),
            ("sessions", order.session_id),
            ("payments", payment),
        ];
        Self {
            server,
            shop,
            things,
        }
    }

    /// Runs all checks from the document that the shop serves.
    fn fuzz(&self, mut schemathesis: Command, arguments: &[&str]) {
        let more = env::var("MERCATO_SCHEMATHESIS").unwrap_or_default();
        // What it writes goes with the shop, so it runs there.
        for name in CONFIGURATION {
            let file = repository().join("tests/tools").join(name);
            fs::copy(file, self.server.folder().join(name)).expect("copy the configuration");
        }
        for (kind, id) in &self.things {
            let file = self.server.folder().join(format!("{kind}.dict"));
            fs::write(file, format!("\"{id}\"\n")).expect("write a dictionary");
        }
        schemathesis
            .current_dir(self.server.folder())
            .arg("run")
            .arg(format!("{}/api/docs/openapi.json", self.server.base_url()))
            .arg(EXAMPLES)
            .args(arguments)
            .args(more.split_whitespace());
        run(&mut schemathesis);
        let log = self.server.log();
        assert!(!log.contains("panicked at"), "{log}");
    }
}

#[test]
fn schemathesis_finds_only_documented_answers_to_an_admin() {
    let Some(schemathesis) = python("schemathesis") else {
        return;
    };
    let stocked = Stocked::start();
    let token = format!("Authorization: Bearer {}", stocked.shop.admin().token);
    stocked.fuzz(schemathesis, &["--header", &token]);
}

#[test]
fn schemathesis_finds_only_documented_answers_to_nobody() {
    let Some(schemathesis) = python("schemathesis") else {
        return;
    };
    Stocked::start().fuzz(schemathesis, &[]);
}
