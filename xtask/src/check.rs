//! `check`: everything that can be found without running the product.

use anyhow::{Context as _, Result};

use crate::{
    build, programs, tidy, tools,
    variant::Variant,
    workspace::{Workspace, run},
};

/// Runs all checks; the cheap ones first.
pub fn check(workspace: &Workspace) -> Result<()> {
    step("tidiness and documents", || tidy::check(workspace))?;
    step("formatting", || {
        run(workspace.cargo("fmt --all --check")).context("run `cargo fmt --all`")?;
        let bench = format!("fmt --manifest-path {} --all", programs::BENCH_MANIFEST);
        run(workspace.cargo(&format!("{bench} --check")))
            .with_context(|| format!("run `cargo {bench}`"))
    })?;
    step("dependencies", || dependencies(workspace))?;
    step("components", || build::build(workspace, None, None))?;
    step("manifests", || {
        let runner = workspace.built("mercato")?;
        for variant in Variant::ALL {
            let arguments = format!("check --app {}", variant.manifest());
            run(workspace.program(&runner, &arguments))?;
        }
        Ok(())
    })?;
    step("lints", || {
        let all = "--all-targets -- --deny warnings";
        run(workspace.cargo_product("clippy", all))?;
        run(workspace.cargo(&format!("clippy --profile xtask --package xtask {all}")))?;
        let all = format!("--release --workspace {all}");
        run(programs::bench_cargo(workspace, "clippy", &all))
    })
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    work().with_context(|| name.to_owned())
}

/// Licences, duplicates and where dependencies come from, by the rules of deny.toml. Not the advisories: they are not
/// published where package registries are.
fn dependencies(workspace: &Workspace) -> Result<()> {
    let deny = tools::cargo_deny(workspace);
    let Some(deny) = tools::unless_left_out(deny, "licences and duplicates")? else {
        return Ok(());
    };
    for manifest in ["Cargo.toml", programs::BENCH_MANIFEST, "fuzz/Cargo.toml"] {
        let options = format!("--log-level error --manifest-path {manifest} --config deny.toml");
        let arguments = format!("{options} check bans licenses sources");
        run(workspace.program(&deny, &arguments))?;
    }
    Ok(())
}
