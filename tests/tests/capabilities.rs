//! What each built component can reach. A component that has gained a capability fails here, and whoever added it has
//! to say so in the tables below.
//!
//! Imports that a component does not use vanish when it is linked, so the artifact shows exactly what it can do.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use mercato_tests::{
    artifacts::{Border, composed, guest},
    repository,
};

/// What Rust's standard library asks for, used or not. None of it leads anywhere: neither Spin nor the runner hands out
/// files, arguments or an environment. Sockets are not among them. Which of these appear depends on the compiler.
const STANDARD_LIBRARY: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/system-clock",
    "wasi:clocks/types",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

const DATABASE: &str = "spin:sqlite/sqlite";
/// The other store. A single component can use either; a composed one has the interface of the one that it does not use closed.
const SERVER: &str = "spin:postgres/postgres";
/// Where the address of the database is, or that there is none.
const ADDRESSES: &str = "fermyon:spin/variables";
const VARIABLES: &str = "spin:variables/variables";
const PUBLISH: &str = "spin:redis/redis";
const HTTP_TYPES: &str = "wasi:http/types";
const HTTP_CLIENT: &str = "wasi:http/client";

const HTTP_HANDLER: &str = "wasi:http/handler@0.3.0";
const REDIS_HANDLER: &str = "spin:redis/inbound-redis@3.0.0";

/// The single components: name, what they can reach, what they give.
const GUESTS: &[(&str, &[&str], &[&str])] = &[
    ("auth-tokens", &[VARIABLES], &["mercato:auth/tokens@0.1.0"]),
    (
        "products-inventory",
        &[DATABASE, SERVER, ADDRESSES],
        &["mercato:products/inventory@0.1.0"],
    ),
    (
        "products-catalogue",
        &[DATABASE, SERVER, ADDRESSES],
        &["mercato:products/catalogue@0.1.0"],
    ),
    (
        "checkout-service",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            "mercato:products/catalogue",
        ],
        &[
            "mercato:checkout/types@0.1.0",
            "mercato:checkout/quotes@0.1.0",
            "mercato:checkout/codes@0.1.0",
        ],
    ),
    (
        "orders-service",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            "mercato:products/inventory",
            "mercato:checkout/codes",
            "mercato:payments/service",
            "mercato:payments/outbox",
        ],
        &[
            "mercato:orders/events@0.1.0",
            "mercato:orders/maintenance@0.1.0",
        ],
    ),
    (
        "payments-service",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            "mercato:payments/provider",
            "mercato:payments/publisher",
        ],
        &[
            "mercato:payments/types@0.1.0",
            "mercato:payments/service@0.1.0",
            "mercato:payments/outbox@0.1.0",
        ],
    ),
    (
        "stripe-mock",
        &[VARIABLES],
        &[
            "mercato:payments/provider@0.1.0",
            "mercato:payments/checkout-simulator@0.1.0",
        ],
    ),
    (
        "stripe",
        &[VARIABLES, HTTP_TYPES, HTTP_CLIENT],
        &[
            "mercato:payments/provider@0.1.0",
            "mercato:payments/checkout-simulator@0.1.0",
        ],
    ),
    (
        "redis-publisher",
        &[VARIABLES, PUBLISH],
        &["mercato:payments/publisher@0.1.0"],
    ),
    (
        "orders-publisher",
        &[HTTP_TYPES, HTTP_CLIENT],
        &["mercato:payments/publisher@0.1.0"],
    ),
    (
        "orders-events",
        &["mercato:orders/events", "mercato:orders/maintenance"],
        &[REDIS_HANDLER],
    ),
    (
        "gateway",
        &[VARIABLES, HTTP_TYPES, HTTP_CLIENT],
        &[HTTP_HANDLER],
    ),
    (
        "auth-http",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            HTTP_TYPES,
            "mercato:auth/tokens",
        ],
        &[HTTP_HANDLER],
    ),
    (
        "products-http",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            HTTP_TYPES,
            HTTP_CLIENT,
            "mercato:auth/tokens",
        ],
        &[HTTP_HANDLER],
    ),
    (
        "checkout-http",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            HTTP_TYPES,
            HTTP_CLIENT,
            "mercato:auth/tokens",
            "mercato:products/catalogue",
        ],
        &[HTTP_HANDLER],
    ),
    (
        "orders-http",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            HTTP_TYPES,
            HTTP_CLIENT,
            "mercato:auth/tokens",
            "mercato:products/inventory",
            "mercato:checkout/quotes",
            "mercato:checkout/codes",
            "mercato:payments/service",
            "mercato:payments/outbox",
        ],
        &[HTTP_HANDLER],
    ),
    (
        "payments-http",
        &[
            DATABASE,
            SERVER,
            ADDRESSES,
            VARIABLES,
            HTTP_TYPES,
            HTTP_CLIENT,
            "mercato:auth/tokens",
            "mercato:payments/provider",
            "mercato:payments/checkout-simulator",
            "mercato:payments/publisher",
        ],
        &[HTTP_HANDLER],
    ),
];

/// The composed components: name, what they can reach, the one thing they export.
const COMPONENTS: &[(&str, &[&str], &str)] = &[
    (
        "gateway",
        &[VARIABLES, HTTP_TYPES, HTTP_CLIENT],
        HTTP_HANDLER,
    ),
    (
        "auth-api",
        &[DATABASE, ADDRESSES, VARIABLES, HTTP_TYPES],
        HTTP_HANDLER,
    ),
    (
        "products-api",
        &[DATABASE, ADDRESSES, VARIABLES, HTTP_TYPES, HTTP_CLIENT],
        HTTP_HANDLER,
    ),
    (
        "checkout-api",
        &[DATABASE, ADDRESSES, VARIABLES, HTTP_TYPES, HTTP_CLIENT],
        HTTP_HANDLER,
    ),
    (
        "orders-api",
        &[
            DATABASE,
            ADDRESSES,
            VARIABLES,
            PUBLISH,
            HTTP_TYPES,
            HTTP_CLIENT,
        ],
        HTTP_HANDLER,
    ),
    (
        "payments-api",
        &[
            DATABASE,
            ADDRESSES,
            VARIABLES,
            PUBLISH,
            HTTP_TYPES,
            HTTP_CLIENT,
        ],
        HTTP_HANDLER,
    ),
    (
        "order-events",
        &[DATABASE, ADDRESSES, VARIABLES, PUBLISH],
        REDIS_HANDLER,
    ),
];

/// The components that hold Stripe instead of its stand-in: what they can reach besides. The others are the same.
const COMPONENTS_WITH_STRIPE: &[(&str, &[&str])] = &[
    ("orders-api", &[]),
    ("payments-api", &[]),
    ("order-events", &[HTTP_TYPES, HTTP_CLIENT]),
];

/// What it can call, without versions and without what the standard library drags in.
fn capabilities(border: &Border) -> BTreeSet<&str> {
    border
        .calls
        .iter()
        .map(|name| name.split_once('@').map_or(name.as_str(), |(name, _)| name))
        .filter(|name| !STANDARD_LIBRARY.contains(name))
        .collect()
}

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

fn exports(border: &Border) -> BTreeSet<&str> {
    border.exports.iter().map(String::as_str).collect()
}

#[test]
fn every_component_reaches_what_its_row_says_and_nothing_else() {
    for (name, reaches, gives) in GUESTS {
        let border = guest(name);
        assert_eq!(capabilities(&border), set(reaches), "{name} reaches");
        assert_eq!(exports(&border), set(gives), "{name} gives");
    }
}

#[test]
fn every_composed_component_reaches_what_its_row_says() {
    for (name, reaches, gives) in COMPONENTS {
        let border = composed(name);
        assert_eq!(capabilities(&border), set(reaches), "{name} reaches");
        assert_eq!(exports(&border), set(&[gives]), "{name} gives");
    }
}

#[test]
fn with_stripe_a_component_reaches_http_besides_the_rest() {
    for (name, more) in COMPONENTS_WITH_STRIPE {
        let border = composed(&format!("stripe/{name}"));
        let (_, reaches, gives) = COMPONENTS
            .iter()
            .find(|(other, _, _)| other == name)
            .unwrap();
        let reaches = [*reaches, *more].concat();
        assert_eq!(capabilities(&border), set(&reaches), "{name} reaches");
        assert_eq!(exports(&border), set(&[gives]), "{name} gives");
    }
}

#[test]
fn on_postgres_a_component_reaches_a_server_instead_of_files() {
    for (name, reaches, gives) in COMPONENTS {
        if !reaches.contains(&DATABASE) {
            continue;
        }
        let border = composed(&format!("postgres/{name}"));
        let mut reaches = set(reaches);
        reaches.remove(DATABASE);
        reaches.insert(SERVER);
        assert_eq!(capabilities(&border), reaches, "{name} reaches");
        assert_eq!(exports(&border), set(&[gives]), "{name} gives");
    }
}

/// What is not there on hosted platforms, and what is called by it.
const NOT_ON_EDGE: [&str; 3] = [DATABASE, PUBLISH, "spin:redis/inbound-redis"];

#[test]
fn on_the_edge_no_component_reaches_redis_or_files() {
    for (name, reaches, gives) in COMPONENTS {
        if *gives == REDIS_HANDLER {
            continue;
        }
        let folder = match (reaches.contains(&PUBLISH), reaches.contains(&DATABASE)) {
            (true, _) => "edge/",
            (false, true) => "postgres/",
            (false, false) => "",
        };
        let border = composed(&format!("{folder}{name}"));
        let mut reaches = set(reaches);
        reaches.remove(PUBLISH);
        if reaches.remove(DATABASE) {
            reaches.insert(SERVER);
        }
        assert_eq!(capabilities(&border), reaches, "{name} reaches");
        assert_eq!(exports(&border), set(&[gives]), "{name} gives");
    }
    for manifest in ["spin.edge.toml", "spin.edge.stripe.toml"] {
        let text = fs::read_to_string(repository().join(manifest)).unwrap();
        let table: toml::Table = text.parse().unwrap();
        for (name, component) in table["component"].as_table().unwrap() {
            let source = component["source"].as_str().unwrap();
            let file = source.strip_prefix("target/components/").unwrap();
            let border = composed(file.strip_suffix(".wasm").unwrap());
            let all = border.imports.iter().chain(&border.exports);
            let not_there: Vec<_> = all
                .filter(|import| NOT_ON_EDGE.iter().any(|other| import.starts_with(other)))
                .collect();
            assert!(not_there.is_empty(), "{name}: {not_there:?}");
        }
    }
}

fn guests_that_reach(capability: &str) -> Vec<&'static str> {
    let names = GUESTS.iter().map(|(name, _, _)| *name);
    names
        .filter(|name| capabilities(&guest(name)).contains(capability))
        .collect()
}

#[test]
fn only_payments_publishes() {
    assert_eq!(guests_that_reach(PUBLISH), ["redis-publisher"]);
    assert_eq!(
        guests_that_reach("mercato:payments/publisher"),
        ["payments-service", "payments-http"]
    );
}

/// The gateway asks the other components, the adapters ask `auth-api` for revocations, events go to orders, and Stripe is somewhere
/// else.
#[test]
fn no_domain_and_no_adapter_of_accounts_makes_requests() {
    assert_eq!(
        guests_that_reach(HTTP_CLIENT),
        [
            "stripe",
            "orders-publisher",
            "gateway",
            "products-http",
            "checkout-http",
            "orders-http",
            "payments-http"
        ]
    );
}

#[test]
fn only_domains_and_who_links_one_have_a_database() {
    assert_eq!(
        guests_that_reach(DATABASE),
        [
            "products-inventory",
            "products-catalogue",
            "checkout-service",
            "orders-service",
            "payments-service",
            "auth-http",
            "products-http",
            "checkout-http",
            "orders-http",
            "payments-http"
        ]
    );
}

#[test]
fn nothing_of_a_composed_component_is_left_unwired() {
    let with_stripe = COMPONENTS_WITH_STRIPE
        .iter()
        .map(|(name, _)| format!("stripe/{name}"));
    let names = COMPONENTS.iter().map(|(name, _, _)| (*name).to_owned());
    for name in names.chain(with_stripe) {
        let border = composed(&name);
        // Of an interface of mere types, which some linkers leave as an import, nothing is to be wired.
        let unwired: Vec<_> = border
            .calls
            .iter()
            .filter(|import| import.starts_with("mercato:"))
            .collect();
        assert!(unwired.is_empty(), "{name} still imports {unwired:?}");
    }
}

#[test]
fn every_context_exports_what_another_component_uses() {
    for context in ["auth", "products", "checkout", "orders", "payments"] {
        let contract = format!("mercato:{context}/");
        let is_exported = GUESTS
            .iter()
            .any(|(_, _, gives)| gives.iter().any(|name| name.starts_with(&contract)));
        let is_used = GUESTS
            .iter()
            .any(|(_, reaches, _)| reaches.iter().any(|name| name.starts_with(&contract)));
        assert!(is_exported && is_used, "{contract}");
    }
}

/// Grants are per component, and the one of orders holds four domains: that each opens only its own database is in no
/// artifact, but in the one call of each domain that names it.
#[test]
fn every_domain_opens_its_own_database_and_no_other() {
    for domain in ["auth", "products", "checkout", "orders", "payments"] {
        let sources = sources_under(
            &repository()
                .join("components")
                .join(domain)
                .join("core/src"),
        );
        let labels: BTreeSet<_> = sources
            .iter()
            .flat_map(|source| source.split("Database::new(").skip(1))
            .map(|call| call.split([',', ')']).next().unwrap().trim())
            .map(|label| literal(label, &sources))
            .collect();
        assert_eq!(labels, BTreeSet::from([domain.to_owned()]), "{domain}");
    }
}

/// The contents of all Rust files under a folder.
fn sources_under(folder: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    let entries = fs::read_dir(folder).unwrap();
    for path in entries.map(|entry| -> PathBuf { entry.unwrap().path() }) {
        if path.is_dir() {
            sources.extend(sources_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(&path).unwrap());
        }
    }
    sources
}

/// The text that an argument stands for: a literal, or a constant of the same crate.
fn literal(argument: &str, sources: &[String]) -> String {
    let definition = format!("const {argument}: &str = ");
    let text = sources
        .iter()
        .find_map(|source| Some(source.split_once(&definition)?.1))
        .unwrap_or(argument);
    let quoted = text.trim_start().strip_prefix('"');
    let (label, _) = quoted
        .and_then(|text| text.split_once('"'))
        .unwrap_or_else(|| panic!("{argument} is neither a literal nor a constant"));
    label.to_owned()
}
