//! `build`: the components of the application. Cargo knows which of their parts are fresh.

use std::{collections::BTreeSet, fs, time::Instant};

use anyhow::{Context as _, Result, bail};

use crate::{
    compose::{Composition, Provider},
    stripe, toolchain,
    workspace::{Workspace, replace},
};

/// Builds the components of the application with this provider, or with every one; or only the one of this name. Says
/// which have changed.
pub fn build(workspace: &Workspace, provider: Option<Provider>, name: Option<&str>) -> Result<()> {
    let started = Instant::now();
    let mut compositions = Composition::all(workspace)?;
    write_stripe_manifest(workspace, &compositions)?;
    if let Some(wanted) = name {
        let mut known: Vec<_> = compositions.iter().map(|one| one.name.clone()).collect();
        known.dedup();
        if !known.iter().any(|name| name == wanted) {
            bail!(
                "there is no component `{wanted}`; there are {}",
                known.join(", ")
            );
        }
        compositions.retain(|composition| composition.name == wanted);
    }
    compositions
        .retain(|one| provider.is_none() || one.provider.is_none() || one.provider == provider);
    let packages: BTreeSet<_> = compositions
        .iter()
        .flat_map(Composition::packages)
        .collect();
    toolchain::build(workspace, &packages)?;
    let mut changed = Vec::new();
    for composition in &compositions {
        let bytes = composition
            .compose(|package| {
                let path = toolchain::artifact(workspace, package);
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
            })
            .with_context(|| format!("cannot compose {}", composition.name))?;
        let file = composition.file();
        if replace(&workspace.path("target/components").join(&file), bytes)? {
            changed.push(file);
        }
    }
    if !changed.is_empty() {
        let seconds = started.elapsed().as_secs_f32();
        eprintln!("Built {} in {seconds:.1} s", changed.join(", "));
    }
    Ok(())
}

fn write_stripe_manifest(workspace: &Workspace, compositions: &[Composition]) -> Result<()> {
    let holds_provider = |name: &str| {
        let mut compositions = compositions.iter();
        compositions.any(|one| one.name == name && one.provider.is_some())
    };
    let manifest = stripe::manifest(&workspace.read(Provider::Mock.manifest())?, holds_provider)?;
    replace(&workspace.path(stripe::MANIFEST), manifest).map(drop)
}
