//! `spin:variables`: a component sees the variables of its own table, templates filled, and no others.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker};

use crate::capabilities::bindings::fermyon::spin::variables as first;
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
    first::add_to_linker::<T, VariablesCapability>(linker, T::variables)?;
    variables::add_to_linker::<T, VariablesCapability>(linker, T::variables)
}

impl VariablesCtxView<'_> {
    fn get(&self, name: &str) -> Result<String, Error> {
        if let Err(reason) = valid_name(name) {
            return Err(Error::InvalidName(format!("{name:?}: {reason}")));
        }
        self.values.get(name).cloned().ok_or_else(|| {
            Error::Undefined(format!("no variable for {:?}.{name:?}", self.component))
        })
    }
}

/// As Spin offered variables first: without awaiting.
impl first::Host for VariablesCtxView<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, first::Error>> {
        Ok(Self::get(self, &name).map_err(|error| match error {
            Error::InvalidName(message) => first::Error::InvalidName(message),
            Error::Undefined(message) => first::Error::Undefined(message),
            Error::Provider(message) => first::Error::Provider(message),
            Error::Other(message) => first::Error::Other(message),
        }))
    }
}

impl Host for VariablesCtxView<'_> {}

impl<T: Send + 'static> HostWithStore<T> for VariablesCapability {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| access.get().get(&name)))
    }
}
