//! The interfaces that components are offered.

use mercato_wasi::StoreData;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::capabilities::{postgres, redis, sqlite, variables, wasi};
use crate::engine::compiler::{component_error, machine_error};
use crate::error::{Error, Result};

/// A linker with every interface that this runner offers; with pauses under the fault plan, if there is one.
pub(crate) fn linker(engine: &Engine, is_planned: bool) -> Result<Linker<StoreData>> {
    build_linker(engine, is_planned)
        .map_err(|cause| machine_error("cannot set up the host interfaces", &cause))
}

fn build_linker(engine: &Engine, is_planned: bool) -> wasmtime::Result<Linker<StoreData>> {
    let mut linker = Linker::new(engine);
    mercato_wasi::add_to_linker(&mut linker)?;
    sqlite::host::add_to_linker(&mut linker)?;
    postgres::host::add_to_linker(&mut linker)?;
    redis::host::add_to_linker(&mut linker)?;
    variables::add_to_linker(&mut linker)?;
    if is_planned {
        wasi::sleep::add_to_linker(&mut linker)?;
    }
    Ok(linker)
}

/// Links a component; an import that the runner does not offer is an error that names it.
pub(crate) fn link(
    id: &str,
    component: &Component,
    linker: &Linker<StoreData>,
) -> Result<InstancePre<StoreData>> {
    linker.instantiate_pre(component).map_err(|cause| {
        let engine = component.engine();
        let unknown: Vec<String> = component
            .component_type()
            .imports(engine)
            .map(|(name, _)| name.to_owned())
            .filter(|name| !is_offered(name))
            .collect();
        if unknown.is_empty() {
            component_error(id, &cause)
        } else {
            Error::Component {
                component: id.to_owned(),
                message: format!(
                    "imports `{}`, which this runner does not offer",
                    unknown.join("`, `")
                ),
            }
        }
    })
}

fn is_offered(import: &str) -> bool {
    let Some((name, version)) = import.split_once('@') else {
        return false;
    };
    match name {
        "spin:sqlite/sqlite" => matches!(version, "3.0.0" | "3.1.0"),
        "spin:postgres/postgres" => matches!(version, "4.0.0" | "4.1.0" | "4.2.0"),
        "fermyon:spin/variables" => version == "2.0.0",
        "spin:redis/redis" | "spin:variables/variables" => version == "3.0.0",
        _ => {
            let package = name.split('/').next().unwrap_or_default();
            matches!(
                package,
                "wasi:cli"
                    | "wasi:clocks"
                    | "wasi:filesystem"
                    | "wasi:http"
                    | "wasi:io"
                    | "wasi:random"
                    | "wasi:sockets"
            ) && (version.starts_with("0.2.") || version == "0.3.0")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_final_versions_of_wasi_and_our_interfaces_are_offered() {
        for offered in [
            "wasi:io/poll@0.2.6",
            "wasi:http/client@0.3.0",
            "spin:sqlite/sqlite@3.1.0",
            "spin:postgres/postgres@4.2.0",
        ] {
            assert!(is_offered(offered), "{offered}");
        }
        for unknown in [
            "spin:llm/llm@3.0.0",
            "wasi:keyvalue/store@0.2.0",
            "wasi:http/handler@0.3.0-rc-2026-03-15",
            "mercato:auth/tokens",
        ] {
            assert!(!is_offered(unknown), "{unknown}");
        }
    }
}
