//! `build`: the components of the application. Cargo knows which of their parts are fresh.

use std::{collections::BTreeSet, fs, time::Instant};

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, value};

use crate::{
    compose::Composition,
    edge, postgres, stripe, toolchain,
    variant::{Events, Provider, Storage, Variant},
    workspace::{Workspace, replace},
};

/// Builds the components of this variant of the application, or of every one; or only the one of this name. Says which have
/// changed.
pub fn build(workspace: &Workspace, variant: Option<Variant>, name: Option<&str>) -> Result<()> {
    let started = Instant::now();
    let mut compositions = Composition::all(workspace)?;
    write_manifests(workspace, &compositions)?;
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
    compositions.retain(|one| variant.is_none_or(|variant| one.is_in(variant)));
    let packages = compositions.iter().flat_map(Composition::packages);
    let packages: BTreeSet<_> = packages
        .filter(|package| !postgres::CLOSING.contains(package))
        .collect();
    toolchain::build(workspace, &packages)?;
    let mut changed = Vec::new();
    for composition in &compositions {
        let bytes = composition
            .compose(|package| {
                if postgres::CLOSING.contains(&package) {
                    return postgres::closing(workspace, package);
                }
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

/// Makes the manifests of the other variants from `spin.toml`.
#[allow(clippy::indexing_slicing, reason = "what is missing is added")]
fn write_manifests(workspace: &Workspace, compositions: &[Composition]) -> Result<()> {
    let original = workspace.read(Variant::default().manifest())?;
    let original: DocumentMut = original.parse().context("spin.toml is not TOML")?;
    for variant in Variant::ALL.into_iter().skip(1) {
        let mut manifest = original.clone();
        if variant.provider == Provider::Stripe {
            stripe::change(&mut manifest, |name| {
                let mut compositions = compositions.iter();
                compositions.any(|one| one.name == name && one.provider.is_some())
            })?;
        }
        if variant.storage() == Storage::Postgres {
            postgres::change(&mut manifest)?;
        }
        if variant.events() == Events::Http {
            edge::change(&mut manifest)?;
        }
        let components = manifest["component"].as_table_mut();
        for (name, component) in components
            .context("spin.toml has no components")?
            .iter_mut()
        {
            let composition = compositions
                .iter()
                .find(|one| one.name == *name && one.is_in(variant))
                .with_context(|| format!("compose/{name}.wac is missing"))?;
            let options = variant.options();
            component["build"]["command"] =
                value(format!("cargo xtask build{options} --component {name}"));
            component["source"] = value(format!("target/components/{}", composition.file()));
        }
        let header = format!(
            "# Made from spin.toml by `cargo xtask build`: what {} runs. Do not edit.\n\n",
            variant.user()
        );
        replace(
            &workspace.path(variant.manifest()),
            format!("{header}{manifest}"),
        )?;
    }
    Ok(())
}
