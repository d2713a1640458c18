//! `spin:variables`: a component sees the variables of its own table, templates filled, and no others.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker};

use crate::capabilities::bindings::spin::variables::variables::{self, Error, Host, HostWithStore};
use crate::manifest::variables::valid_name;

/// Gives the linker access to the variables in a store's data.
pub(crate) trait VariablesView: Send {
    fn variables(&mut self) -> VariablesCtxView<'_>;
}

/// The variables of one component.
pub(crate) struct VariablesCtxView<'a> {
    pub component: &'a str,
    pub values: &'a Arc<BTreeMap<String, String>>,
}

/// Names the capability to the generated code.
struct VariablesCapability;

impl HasData for VariablesCapability {
    type Data<'a> = VariablesCtxView<'a>;
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: VariablesView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    variables::add_to_linker::<T, VariablesCapability>(linker, T::variables)
}

impl Host for VariablesCtxView<'_> {}

impl<T: Send + 'static> HostWithStore<T> for VariablesCapability {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        if let Err(reason) = valid_name(&name) {
            return Ok(Err(Error::InvalidName(format!("{name:?}: {reason}"))));
        }
        Ok(accessor.with(|mut access| {
            let view = access.get();
            view.values.get(&name).cloned().ok_or_else(|| {
                Error::Undefined(format!("no variable for {:?}.{name:?}", view.component))
            })
        }))
    }
}
