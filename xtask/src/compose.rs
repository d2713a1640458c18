//! Composition: a `.wac` file names components and wires them; the result is one component of the application.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result, anyhow};
use indexmap::IndexMap;
use miette::{NarratableReportHandler, Report};
use wac_graph::{EncodeOptions, types::BorrowedPackageKey};
use wac_parser::Document;

use crate::{
    edge, postgres, stripe,
    variant::{Events, Provider, Storage, Variant},
    workspace::Workspace,
};

/// How a `.wac` file makes a component of ours: `new mercato:orders { … }` is the package `orders`.
const NEW: &str = "new mercato:";

/// A component of the application, and what it is composed of.
#[derive(Debug, Clone)]
pub struct Composition {
    /// The name, as in `spin.toml`.
    pub name: String,
    /// The provider inside; none when there is none.
    pub provider: Option<Provider>,
    /// The store inside; none when there is none.
    pub storage: Option<Storage>,
    /// How events leave it; none when they do not.
    pub events: Option<Events>,
    source: String,
}

impl Composition {
    /// The compositions of every variant, sorted by name.
    pub fn all(workspace: &Workspace) -> Result<Vec<Self>> {
        let folder = workspace.path("compose");
        let files = fs::read_dir(&folder)
            .and_then(|files| files.collect::<Result<Vec<_>, _>>())
            .with_context(|| format!("cannot read {}", folder.display()))?;
        let mut all = Vec::new();
        for path in files.into_iter().map(|file| file.path()) {
            let name = path.file_stem().context("a file has a name")?;
            let name = name.to_string_lossy().into_owned();
            let source = workspace.read(&path)?;
            for (provider, source) in stripe::compositions(source) {
                for (storage, source) in postgres::compositions(source) {
                    for (events, source) in edge::compositions(source) {
                        all.push(Self {
                            name: name.clone(),
                            provider,
                            storage,
                            events,
                            source,
                        });
                    }
                }
            }
        }
        all.retain(|one| Variant::ALL.into_iter().any(|variant| one.is_in(variant)));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Whether the application of that variant has it.
    pub fn is_in(&self, variant: Variant) -> bool {
        self.provider
            .is_none_or(|provider| provider == variant.provider)
            && self
                .storage
                .is_none_or(|storage| storage == variant.storage())
            && self.events.is_none_or(|events| events == variant.events())
    }

    /// Where the composed component lies, below `target/components`.
    pub fn file(&self) -> String {
        let provider = self.provider.unwrap_or_default();
        let storage = self.storage;
        let variant = if self.events == Some(Events::Http) && storage == Some(Storage::Sqlite) {
            Variant::SIMULATED_EDGE
        } else if self.events == Some(Events::Http) {
            Variant::on_edge(provider)
        } else {
            Variant::of(provider, self.storage.unwrap_or_default())
        };
        variant.file(&self.name)
    }

    /// The packages that it is made of.
    pub fn packages(&self) -> BTreeSet<&str> {
        let instances = self.source.split(NEW).skip(1);
        instances
            .filter_map(|text| text.split_whitespace().next())
            .collect()
    }

    /// Composes it out of the components of its packages.
    pub fn compose(&self, component: impl Fn(&str) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let names = self.packages().into_iter();
        let names: Vec<_> = names
            .map(|package| (package, format!("mercato:{package}")))
            .collect();
        let mut components = IndexMap::new();
        for (package, name) in &names {
            let key = BorrowedPackageKey::from_name_and_version(name, None);
            components.insert(key, component(package)?);
        }
        let composed = Document::parse(&self.source)
            .map_err(Report::from)
            .and_then(|document| {
                let resolution = document.resolve(components)?;
                Ok(resolution.encode(EncodeOptions::default())?)
            });
        composed.map_err(|error| self.located(error))
    }

    /// An error with the lines of the composition that it is about.
    fn located(&self, error: Report) -> anyhow::Error {
        let report = error.with_source_code(self.source.clone());
        let mut text = String::new();
        match NarratableReportHandler::new().render_report(&mut text, report.as_ref()) {
            Ok(()) => anyhow!(text),
            Err(_) => anyhow!("{report}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composition(source: &str) -> Composition {
        Composition {
            name: "test".to_owned(),
            provider: None,
            storage: None,
            events: None,
            source: format!("package test:composed;\n{source}"),
        }
    }

    #[test]
    fn packages_are_found_wherever_they_are_instantiated() {
        let nested = composition(
            "let a = new mercato:orders { ports: (new mercato:products { ... }).catalogue, ... };
             export new mercato:orders-api { ...a, ... }...;",
        );
        let packages: Vec<_> = nested.packages().into_iter().collect();
        assert_eq!(packages, ["orders", "orders-api", "products"]);
    }

    #[test]
    fn components_of_others_are_refused_with_their_place() {
        let other = composition("export new other:thing { ... }...;");
        let error = other.compose(|_| Ok(Vec::new())).unwrap_err().to_string();
        assert!(
            error.contains("other:thing") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_component_stops_the_composition() {
        let orders = composition("export new mercato:orders { ... }...;");
        let error = orders.compose(|name| Err(anyhow!("no {name} here")));
        assert_eq!(error.unwrap_err().to_string(), "no orders here");
    }
}
