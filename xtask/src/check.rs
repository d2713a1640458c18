//! `check`: everything that can be found without running the product.

use anyhow::{Context as _, Result, bail};
use wit_parser::Resolve;

use crate::{
    build, dependencies, evidence, manifest, process, provider::Provider, tidy, variants,
    workspace::Workspace,
};

/// Runs all checks; the cheap ones first.
///
/// # Errors
/// With what was found.
pub fn check(workspace: &Workspace) -> Result<()> {
    step("tidiness", || report(tidy::problems(workspace)?))?;
    step("documents", || report(evidence::problems(workspace)?))?;
    step("dependencies", || {
        report(dependencies::problems(workspace)?)
    })?;
    step("manifest", || report(manifest_problems(workspace)?))?;
    step("contracts", || contracts(workspace))?;
    step("formatting", || {
        process::run(process::cargo(workspace).args(["fmt", "--all", "--check"]))
            .context("run `cargo fmt --all`")
    })?;
    step("components", || {
        build::build(workspace, build::Selection::ALL)
    })?;
    step("lints", || {
        clippy(workspace, process::PRODUCT)?;
        clippy(workspace, &["--package", "xtask"])
    })
}

fn clippy(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let mut cargo = process::cargo(workspace);
    cargo
        .arg("clippy")
        .args(packages)
        .args(["--all-targets", "--", "--deny", "warnings"]);
    process::run(&mut cargo)
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    work().with_context(|| name.to_owned())
}

fn report(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    bail!("\n{}", problems.join("\n"))
}

fn manifest_problems(workspace: &Workspace) -> Result<Vec<String>> {
    let read = |name: &str| {
        let path = workspace.path(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let runtime = read("runtime-config.toml")?;
    let mut problems = Vec::new();
    for provider in Provider::ALL {
        let name = provider.manifest();
        let found = manifest::problems(&read(name)?, &runtime);
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    problems.extend(variants::problems(
        &read(Provider::Mock.manifest())?,
        &read(Provider::Stripe.manifest())?,
    ));
    Ok(problems)
}

/// Parses the WIT packages with all worlds and their dependencies.
fn contracts(workspace: &Workspace) -> Result<()> {
    Resolve::default().push_dir(workspace.path("wit"))?;
    Ok(())
}
