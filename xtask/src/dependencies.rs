//! Where the dependencies come from: Rust's package registry, each with the checksum of what was reviewed.

use anyhow::{Context as _, Result};
use serde_json::Value;
use toml::Table;

use crate::workspace::Workspace;

/// The lock files of Rust packages.
const CARGO_LOCKS: &[&str] = &["Cargo.lock", "fuzz/Cargo.lock"];

/// The lock file of the tools that the tests use from npm.
const NPM_LOCK: &str = "tests/tools/package-lock.json";

/// The source of a package that comes from Rust's registry, as Cargo writes it.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Every package that comes from elsewhere or without a checksum.
///
/// # Errors
/// When a lock file cannot be read.
pub fn problems(workspace: &Workspace) -> Result<Vec<String>> {
    let read = |name: &str| {
        std::fs::read_to_string(workspace.path(name)).with_context(|| format!("cannot read {name}"))
    };
    let mut problems = Vec::new();
    for name in CARGO_LOCKS {
        let lock = read(name)?.parse().with_context(|| (*name).to_owned())?;
        check_cargo(name, &lock, &mut problems);
    }
    let lock = serde_json::from_str(&read(NPM_LOCK)?).context(NPM_LOCK)?;
    check_npm(&lock, &mut problems);
    Ok(problems)
}

fn check_cargo(name: &str, lock: &Table, problems: &mut Vec<String>) {
    let packages = lock.get("package").and_then(toml::Value::as_array);
    if packages.is_none_or(Vec::is_empty) {
        problems.push(format!("{name}: lists no packages"));
    }
    for package in packages.into_iter().flatten() {
        let text = |key| package.get(key).and_then(toml::Value::as_str);
        let package_name = text("name").unwrap_or_default();
        match text("source") {
            // A package of the workspace.
            None => {}
            Some(REGISTRY) if text("checksum").is_some() => {}
            Some(REGISTRY) => problems.push(format!("{name}: {package_name} has no checksum")),
            Some(source) => problems.push(format!("{name}: {package_name} comes from {source}")),
        }
    }
}

fn check_npm(lock: &Value, problems: &mut Vec<String>) {
    let packages = lock["packages"].as_object();
    for (path, package) in packages.into_iter().flatten() {
        // The empty path is the lock file's own package.
        if !path.is_empty() && !package["integrity"].is_string() {
            problems.push(format!("{NPM_LOCK}: {path} has no checksum"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str) -> Vec<String> {
        let lock = format!("[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n{package}");
        let mut problems = Vec::new();
        check_cargo("Cargo.lock", &lock.parse().unwrap(), &mut problems);
        problems
    }

    #[test]
    fn packages_of_the_registry_and_of_the_workspace_pass() {
        assert_eq!(found(""), [""; 0]);
        let registry = format!("source = \"{REGISTRY}\"\nchecksum = \"00\"");
        assert_eq!(found(&registry), [""; 0]);
    }

    #[test]
    fn a_package_from_elsewhere_or_without_a_checksum_is_named() {
        let git = found("source = \"git+https://example.com/a\"");
        assert_eq!(git, ["Cargo.lock: a comes from git+https://example.com/a"]);
        let unchecked = found(&format!("source = \"{REGISTRY}\""));
        assert_eq!(unchecked, ["Cargo.lock: a has no checksum"]);
    }

    #[test]
    fn an_npm_package_without_a_checksum_is_named() {
        let lock = serde_json::json!({ "packages": {
            "": { "name": "tools" },
            "node_modules/a": { "integrity": "sha512-x" },
            "node_modules/b": { "version": "1.0.0" },
        }});
        let mut problems = Vec::new();
        check_npm(&lock, &mut problems);
        assert_eq!(
            problems,
            [format!("{NPM_LOCK}: node_modules/b has no checksum")]
        );
    }
}
