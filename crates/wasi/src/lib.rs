//! The data of an instance's store, and the linker of WASI for it.
//!
//! A linker holds a version of each of WASI's several hundred functions for the type of the store's data. They are most of the
//! runner's machine code and take minutes to compile. So that type depends on nothing that changes often, and stands in
//! a crate of its own: a change of the runner, or its tests, does not compile them again. (Decision 67.)

use std::any::Any;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

/// What the runner keeps of an instance beside WASI; as hooks it decides about the requests that the instance sends.
pub trait Extension: WasiHttpHooks + Any {}

impl<T: WasiHttpHooks + Any> Extension for T {}

/// The data of a store.
pub struct StoreData {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    extension: Box<dyn Extension>,
}

impl StoreData {
    /// Of a new instance.
    pub fn new(wasi: WasiCtx, extension: impl Extension) -> Self {
        Self {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            extension: Box::new(extension),
        }
    }

    /// The runner's part, if it is of that type.
    #[must_use]
    pub fn extension<T: Extension>(&self) -> Option<&T> {
        let extension: &dyn Any = &*self.extension;
        extension.downcast_ref()
    }

    /// The runner's part, if it is of that type, and the table of what the guest has handles for.
    pub fn extension_and_table<T: Extension>(&mut self) -> Option<(&mut T, &mut ResourceTable)> {
        let extension: &mut dyn Any = &mut *self.extension;
        Some((extension.downcast_mut()?, &mut self.table))
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for StoreData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut *self.extension,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Adds all of WASI: 0.2, which the standard library imports, and 0.3, which the SDK does.
///
/// # Errors
/// When the linker has one of its functions already.
pub fn add_to_linker(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)
}
