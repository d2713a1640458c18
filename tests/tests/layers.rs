//! The layers of a context are kept by what its crates depend on: what a crate cannot name it cannot use.

use std::{collections::BTreeSet, path::Path, process::Command};

use mercato_tests::repository;
use serde_json::Value;

const CONTEXTS: [&str; 5] = ["auth", "checkout", "orders", "payments", "products"];

/// A crate of this workspace.
struct Package {
    /// Its folder inside the repository.
    folder: String,
    name: String,
    /// What its code names, test code aside.
    dependencies: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(package).collect()
}

fn package(metadata: &Value) -> Package {
    let manifest = Path::new(metadata["manifest_path"].as_str().unwrap());
    let folder = manifest.parent().unwrap();
    let folder = folder.strip_prefix(repository()).unwrap_or(folder);
    let dependencies = metadata["dependencies"].as_array().unwrap().iter();
    let named = dependencies.filter(|dependency| dependency["kind"].is_null());
    Package {
        folder: folder.to_str().unwrap().to_owned(),
        name: metadata["name"].as_str().unwrap().to_owned(),
        dependencies: named
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect(),
    }
}

/// The crate in that folder must not name any of these.
fn must_not_name(packages: &[Package], folder: &str, forbidden: &[&str]) {
    let package = packages.iter().find(|package| package.folder == folder);
    let package = package.unwrap_or_else(|| panic!("there is no crate in {folder}"));
    for name in forbidden {
        assert!(
            !package.dependencies.contains(*name),
            "{folder} names {name}"
        );
    }
}

#[test]
fn a_rest_adapter_does_not_see_the_store() {
    let packages = packages();
    for context in CONTEXTS {
        let folder = format!("components/{context}/http");
        must_not_name(&packages, &folder, &["mercato-sql", "rusqlite"]);
    }
}

#[test]
fn a_core_sees_no_json_no_http_and_no_sdk() {
    let packages = packages();
    for context in CONTEXTS {
        let folder = format!("components/{context}/core");
        must_not_name(
            &packages,
            &folder,
            &["serde_json", "http", "spin-sdk", "mercato-edge"],
        );
    }
}

#[test]
fn what_tests_share_is_linked_by_tests_alone() {
    for package in packages() {
        let links = package.dependencies.contains("mercato-testing");
        assert!(!links, "{} links it", package.folder);
    }
}

#[test]
fn a_context_is_linked_by_its_own_crates_alone() {
    let packages = packages();
    let document = "crates/openapi";
    for context in CONTEXTS {
        let own = format!("components/{context}/");
        let names: BTreeSet<_> = packages
            .iter()
            .filter(|package| package.folder.starts_with(&own))
            .map(|package| package.name.as_str())
            .collect();
        assert!(
            names.len() > 1,
            "{context} has a core and adapters: {names:?}"
        );
        for package in &packages {
            let is_own = package.folder.starts_with(&own) || package.folder == document;
            let linked: Vec<_> = package
                .dependencies
                .iter()
                .filter(|name| names.contains(name.as_str()))
                .collect();
            assert!(
                is_own || linked.is_empty(),
                "{} links {linked:?}",
                package.folder
            );
        }
    }
}

/// The crates of the product and of others that a build compiles, with their features: `edges` are kinds of dependencies.
fn compiled(edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--workspace", "--exclude", "xtask"])
        .args(["--prefix", "none", "--format", "{p} {f}", "--edges", edges])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree");
    let lines = String::from_utf8(output.stdout).unwrap();
    let without_mark = |line: &str| line.trim_end_matches(" (*)").to_owned();
    lines.lines().map(without_mark).collect()
}

#[test]
fn tests_compile_the_same_wasmtime_as_the_runner() {
    let tested = compiled("normal,build,dev");
    let only_run: Vec<_> = compiled("normal,build")
        .into_iter()
        .filter(|package| !tested.contains(package))
        .collect();
    assert!(
        only_run.is_empty(),
        "dev-dependencies give these other features, so that `cargo xtask test` compiles anew what `cargo xtask up` has compiled; \
         make them dependencies where they stand: {only_run:?}"
    );
}
