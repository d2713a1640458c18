//! Composition: a `.wac` file names the components of a box and wires them; the result is one component.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow, bail};
use indexmap::IndexMap;
use miette::Diagnostic;
use wac_graph::{EncodeOptions, types::BorrowedPackageKey};
use wac_parser::{Document, Expr, InstantiationArgument, PrimaryExpr, Statement};

use crate::provider::Provider;

/// The namespace of our own components in `.wac` files: `mercato:orders` is the guest crate `orders`.
const NAMESPACE: &str = "mercato:";

/// One composition: a box of the architecture.
#[derive(Debug, Clone)]
pub struct Composition {
    /// The box's name, as in `spin.toml`.
    pub name: String,
    /// The provider whose folder it lies in.
    pub provider: Provider,
    /// The names of the guest crates it is made of, sorted.
    pub guests: Vec<String>,
    source: String,
}

impl Composition {
    /// Reads the `.wac` files in a provider's folder, sorted by name.
    ///
    /// # Errors
    /// When one cannot be read or parsed.
    pub fn read_all(compositions: &Path, provider: Provider) -> Result<Vec<Self>> {
        let folder = compositions.join(provider.folder());
        crate::fingerprint::files_under(&folder)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "wac"))
            .filter(|path| path.parent() == Some(&folder))
            .map(|path| Self::read(&path, provider))
            .collect()
    }

    fn read(path: &Path, provider: Provider) -> Result<Self> {
        let source =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .with_context(|| format!("{} has no usable name", path.display()))?
            .to_owned();
        let guests = guests_of(&source).with_context(|| path.display().to_string())?;
        Ok(Self {
            name,
            provider,
            guests,
            source,
        })
    }

    /// The name, with the provider's folder if it lies in one.
    pub fn shown_name(&self) -> String {
        self.provider
            .folder()
            .join(&self.name)
            .display()
            .to_string()
    }

    /// The text of the `.wac` file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Composes the box out of its guests' bytes.
    ///
    /// # Errors
    /// When a guest is missing, an import does not fit the export it is wired to, or the result is not a valid component.
    pub fn compose(&self, read_guest: impl Fn(&str) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let document = parse(&self.source)?;
        let packages: Vec<_> = self
            .guests
            .iter()
            .map(|guest| format!("{NAMESPACE}{guest}"))
            .collect();
        let mut components = IndexMap::new();
        for (package, guest) in packages.iter().zip(&self.guests) {
            let key = BorrowedPackageKey::from_name_and_version(package, None);
            components.insert(key, read_guest(guest)?);
        }
        let resolution = document
            .resolve(components)
            .map_err(|error| located(&self.source, &error))?;
        resolution
            .encode(EncodeOptions::default())
            .map_err(|error| located(&self.source, &error))
    }
}

/// The guest crates that a `.wac` text instantiates.
fn guests_of(source: &str) -> Result<Vec<String>> {
    let document = parse(source)?;
    let mut packages = Vec::new();
    for statement in &document.statements {
        match statement {
            Statement::Let(binding) => collect(&binding.expr, &mut packages),
            Statement::Export(export) => collect(&export.expr, &mut packages),
            Statement::Import(_) | Statement::Type(_) => {}
        }
    }
    packages.sort_unstable();
    packages.dedup();
    packages
        .into_iter()
        .map(|package| match package.strip_prefix(NAMESPACE) {
            Some(name) => Ok(name.to_owned()),
            None => bail!("`{package}` is not one of ours: name it {NAMESPACE}CRATE"),
        })
        .collect()
}

/// Collects the packages of all `new` expressions inside an expression.
fn collect<'a>(expression: &Expr<'a>, packages: &mut Vec<&'a str>) {
    match &expression.primary {
        PrimaryExpr::New(new) => {
            packages.push(new.package.string);
            for argument in &new.arguments {
                if let InstantiationArgument::Named(named) = argument {
                    collect(&named.expr, packages);
                }
            }
        }
        PrimaryExpr::Nested(nested) => collect(&nested.inner, packages),
        PrimaryExpr::Ident(_) => {}
    }
}

fn parse(source: &str) -> Result<Document<'_>> {
    Document::parse(source).map_err(|error| located(source, &error))
}

/// An error of the WAC crates with its causes and the lines it points at, which its own text leaves out.
fn located(source: &str, error: &(impl Diagnostic + 'static)) -> anyhow::Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    for label in error.labels().into_iter().flatten() {
        let before = source.get(..label.offset()).unwrap_or_default();
        let line = before.lines().count().max(1);
        let note = label.label().unwrap_or("here");
        text.push_str(&format!("\n  line {line}: {note}"));
    }
    anyhow!(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str = "
        package test:box;
        let a = new mercato:orders {
            ports: (new mercato:products { ... }).catalogue,
            ...
        };
        export new mercato:orders-api { ...a, ... }...;
    ";

    #[test]
    fn guests_are_found_wherever_they_are_instantiated() {
        assert_eq!(
            guests_of(NESTED).unwrap(),
            ["orders", "orders-api", "products"]
        );
    }

    #[test]
    fn components_of_others_are_refused() {
        let error = guests_of("package test:box; let a = new other:thing { ... };").unwrap_err();
        assert!(error.to_string().contains("other:thing"), "{error}");
    }

    #[test]
    fn a_missing_guest_stops_the_composition() {
        let composition = Composition {
            provider: Provider::Mock,
            name: "box".to_owned(),
            guests: vec!["orders".to_owned()],
            source: "package test:box; export new mercato:orders { ... }...;".to_owned(),
        };
        let error = composition
            .compose(|name| bail!("no {name} here"))
            .unwrap_err();
        assert_eq!(error.to_string(), "no orders here");
    }
}
