//! The built components: what they import and what they export.

use std::{collections::BTreeSet, fs, path::PathBuf};

use wasmparser::{
    Parser, Payload, Validator, WasmFeatures, component_types::ComponentEntityType, types::TypesRef,
};

use crate::repository;

/// The names of the interfaces at the border of a component, with versions, as in `wasi:http/handler@0.3.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Border {
    /// What it must be given.
    pub imports: BTreeSet<String>,
    /// Those of its imports that it can call: the others only name types, and reach nothing.
    pub calls: BTreeSet<String>,
    /// What it gives.
    pub exports: BTreeSet<String>,
}

/// The border of a composed component.
///
/// # Panics
/// When it is not built, or not a component.
pub fn composed(name: &str) -> Border {
    border(repository().join(format!("target/components/{name}.wasm")))
}

/// The border of a single guest, as Cargo built it.
///
/// # Panics
/// When it is not built, or not a component.
pub fn guest(name: &str) -> Border {
    let file = name.replace('-', "_");
    border(repository().join(format!("target/guest/wasm32-wasip2/release/{file}.wasm")))
}

fn border(path: PathBuf) -> Border {
    let bytes = fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; build it with `cargo xtask build`",
            path.display()
        )
    });
    read_border(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Validates the component and reads the names at its outermost level; components inside have borders of their own.
fn read_border(bytes: &[u8]) -> wasmparser::Result<Border> {
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(bytes)?;
    let mut border = Border {
        imports: BTreeSet::new(),
        calls: BTreeSet::new(),
        exports: BTreeSet::new(),
    };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import?.name.name;
                    if can_be_called(types.as_ref(), name) {
                        border.calls.insert(name.to_owned());
                    }
                    border.imports.insert(name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    border.exports.insert(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(border)
}

/// Whether an import is anything but an interface of mere types.
fn can_be_called(types: TypesRef<'_>, import: &str) -> bool {
    let item = types.component_item_for_import(import);
    match item.expect("a validated import has a type").ty {
        ComponentEntityType::Instance(instance) => {
            let exports = &types[instance].exports;
            exports
                .values()
                .any(|export| !matches!(export.ty, ComponentEntityType::Type { .. }))
        }
        _ => true,
    }
}
