//! The built components fit Spin 4.1: it gives them every import, calls their export, and the manifest grants what they use.
//!
//! What `mercato check` finds in manifest and runtime configuration alone is checked by `cargo xtask check`.

use std::{collections::BTreeSet, fs, path::Path};

use mercato_settings::VARIABLES;
use mercato_tests::{
    artifacts::{Border, composed},
    repository,
};
use toml::{Table, Value};

/// Interfaces that Spin gives, one per line.
const GIVEN: &str = include_str!("data/spin-4.1-imports.txt");

/// What Spin's triggers call.
const HTTP_EXPORT: &str = "wasi:http/handler@0.3.0";
const REDIS_EXPORT: &str = "spin:redis/inbound-redis@3.0.0";

/// The application with each payment provider and store, and for hosted platforms.
const MANIFESTS: [&str; 6] = [
    "spin.toml",
    "spin.stripe.toml",
    "spin.postgres.toml",
    "spin.postgres.stripe.toml",
    "spin.edge.toml",
    "spin.edge.stripe.toml",
];

fn manifest(file: &str) -> Table {
    let text = fs::read_to_string(repository().join(file)).unwrap();
    text.parse().unwrap()
}

fn manifests() -> [Table; 6] {
    MANIFESTS.map(manifest)
}

/// The composition that a component of a manifest is made from.
fn box_of(component: &Table) -> Border {
    let source = component["source"].as_str().unwrap();
    let name = source.strip_prefix("target/components/").unwrap();
    composed(name.strip_suffix(".wasm").unwrap())
}

fn components(manifest: &Table) -> impl Iterator<Item = (&String, &Table)> {
    let components = manifest["component"].as_table().unwrap();
    components
        .iter()
        .map(|(name, value)| (name, value.as_table().unwrap()))
}

fn variables(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    manifest["variables"].as_table().unwrap().iter()
}

/// The components that a kind of trigger calls; there may be no such trigger.
fn called_by(manifest: &Table, kind: &str) -> BTreeSet<String> {
    let triggers = manifest["trigger"].get(kind).and_then(Value::as_array);
    triggers
        .into_iter()
        .flatten()
        .map(|trigger| trigger["component"].as_str().unwrap().to_owned())
        .collect()
}

fn grants<'a>(component: &'a Table, key: &str) -> Vec<&'a str> {
    let array = component.get(key).and_then(Value::as_array);
    array
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The databases on servers whose addresses a component is given.
fn databases_on_servers(component: &Table) -> BTreeSet<&str> {
    let variables = component.get("variables").and_then(Value::as_table);
    let names = variables.into_iter().flat_map(Table::keys);
    names
        .filter_map(|name| name.strip_suffix("_database_url"))
        .collect()
}

fn calls(border: &Border, interface: &str) -> bool {
    let prefix = format!("{interface}@");
    border.calls.iter().any(|name| name.starts_with(&prefix))
}

/// The part of a versioned name that must agree: Wasmtime links by semantic versioning, so `@0.2.12` fits `@0.2.6`,
/// and `@3.1.0` would fit `@3.0.0`.
fn track(name: &str) -> String {
    let (interface, version) = name.split_once('@').unwrap();
    assert!(!version.contains('-'), "{name} is a release candidate");
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap(), parts.next().unwrap());
    if major == "0" {
        format!("{interface}@0.{minor}")
    } else {
        format!("{interface}@{major}")
    }
}

fn given() -> impl Iterator<Item = &'static str> {
    GIVEN
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn spin_gives_every_import() {
    let tracks: BTreeSet<_> = given().map(track).collect();
    for (name, component) in manifests().iter().flat_map(components) {
        for import in box_of(component).calls {
            assert!(
                tracks.contains(&track(&import)),
                "{name}: Spin has no {import}"
            );
        }
    }
}

#[test]
fn interfaces_of_spin_are_imported_in_exactly_its_version() {
    let exact: BTreeSet<_> = given().collect();
    for (name, component) in manifests().iter().flat_map(components) {
        for import in box_of(component).imports {
            if import.starts_with("spin:") || import.ends_with("@0.3.0") {
                assert!(
                    exact.contains(import.as_str()),
                    "{name}: Spin has no {import}"
                );
            }
        }
    }
}

#[test]
fn every_trigger_finds_the_export_that_it_calls() {
    for manifest in manifests() {
        for (kind, export) in [("http", HTTP_EXPORT), ("redis", REDIS_EXPORT)] {
            for name in called_by(&manifest, kind) {
                let component = manifest["component"][&name].as_table().unwrap();
                let exports: Vec<_> = box_of(component).exports.into_iter().collect();
                assert_eq!(exports, [export], "{name}");
            }
        }
    }
}

#[test]
fn the_manifest_grants_what_the_components_use_and_no_more() {
    for (name, component) in manifests().iter().flat_map(components) {
        let border = box_of(component);
        let files = grants(component, "sqlite_databases");
        let on_servers = databases_on_servers(component);
        assert_eq!(
            calls(&border, "spin:sqlite/sqlite"),
            !files.is_empty(),
            "{name}: databases {files:?}"
        );
        assert_eq!(
            calls(&border, "spin:postgres/postgres"),
            !on_servers.is_empty(),
            "{name}: databases {on_servers:?}"
        );
        let hosts = grants(component, "allowed_outbound_hosts");
        let is_server = |host: &&str| host.starts_with("{{ database_");
        let has_server = hosts.iter().any(is_server);
        assert_eq!(
            has_server,
            !on_servers.is_empty(),
            "{name}: hosts {hosts:?}"
        );
        let hosts: Vec<_> = hosts.into_iter().filter(|host| !is_server(host)).collect();
        let reaches_out = calls(&border, "spin:redis/redis") || calls(&border, "wasi:http/client");
        assert_eq!(reaches_out, !hosts.is_empty(), "{name}: hosts {hosts:?}");
        assert!(
            !hosts.iter().any(|host| host.contains("*://")),
            "{name}: {hosts:?}"
        );
    }
}

#[test]
fn every_variable_of_the_manifests_has_a_rule() {
    for (name, declared) in manifests().iter().flat_map(variables) {
        let rule = VARIABLES.iter().find(|rule| rule.name == name);
        let rule = rule.unwrap_or_else(|| panic!("{name} has no rule"));
        let is_secret = declared.get("secret").is_some();
        assert!(rule.is_secret || !is_secret, "{name} is a secret");
    }
}

#[test]
fn every_component_is_built_where_the_manifest_looks_for_it() {
    let options = [
        "",
        "--provider stripe ",
        "--storage postgres ",
        "--provider stripe --storage postgres ",
        "--edge ",
        "--provider stripe --edge ",
    ];
    for (manifest, options) in manifests().iter().zip(options) {
        for (name, component) in components(manifest) {
            let source = component["source"].as_str().unwrap();
            assert_eq!(Path::new(source).file_stem().unwrap(), name.as_str());
            assert!(repository().join(source).is_file(), "{source}");
            let command = component["build"]["command"].as_str().unwrap();
            let expected = format!("cargo xtask build {options}--component {name}");
            assert_eq!(command, expected);
        }
    }
}

#[test]
fn the_components_of_the_manifest_are_the_compositions() {
    let files = fs::read_dir(repository().join("compose")).unwrap();
    let compositions: BTreeSet<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let manifest = manifest("spin.toml");
    let named: BTreeSet<_> = components(&manifest)
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(named, compositions);
}

/// What is composed and opens a database: the crate, and the context that owns the database.
const STORES: [(&str, &str); 10] = [
    ("auth-http", "auth"),
    ("products-http", "products"),
    ("products-inventory", "products"),
    ("products-catalogue", "products"),
    ("checkout-http", "checkout"),
    ("checkout-service", "checkout"),
    ("orders-http", "orders"),
    ("orders-service", "orders"),
    ("payments-http", "payments"),
    ("payments-service", "payments"),
];

/// Each component is granted the databases of the contexts it is composed of, and each context owns exactly one.
#[test]
fn a_component_may_open_its_own_contexts_databases_only() {
    for (name, component) in manifests().iter().flat_map(components) {
        let composition =
            fs::read_to_string(repository().join(format!("compose/{name}.wac"))).unwrap();
        let inside: BTreeSet<_> = STORES
            .into_iter()
            .filter(|(part, _)| composition.contains(&format!("new mercato:{part} {{")))
            .map(|(_, context)| context)
            .collect();
        let mut granted = databases_on_servers(component);
        granted.extend(grants(component, "sqlite_databases"));
        assert_eq!(granted, inside, "{name}");
    }
}
